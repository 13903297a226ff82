"""The background: the minute's tick, and the drain that it and the pokes after commits (`site.poke`) set off.

The inbox in the database is the truth. A poke that is lost, because Redis or every worker was down, costs no
more than the wait for the next tick.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import frappe

from flow_editor.services import inbox, slots
from flow_editor.site import listeners
from flow_editor.site.host import current
from flow_editor.site.mail_watch import sweep
from flow_editor.site.poke import poke

#: Seconds after which a drain stops claiming: well before the job's own limit.
DRAIN_SECONDS = 240


def tick() -> None:
	"""The scheduler's minute: do what is due, and look what became of the mails that steps have queued."""
	_start_by_the_clock()
	drain()
	_watch_mails()


def _start_by_the_clock() -> None:
	frappe.set_user("Administrator")
	host = current()
	with _ended_by_the_alarm():
		try:
			slots.sweep(host)
		except Exception:
			# What is due is worked all the same; the slots are looked for again in a minute.
			frappe.db.rollback()
			host.log("Flows could not be started by the clock", frappe.get_traceback())


def _watch_mails() -> None:
	with _ended_by_the_alarm():
		sweep(current())


def drain() -> None:
	"""Work the inbox off until it is dry."""
	# The job was queued by whoever saved something. Engine work is the engine's; steps act as `run_as`.
	frappe.set_user("Administrator")
	host = current()
	with _ended_by_the_alarm():
		listeners.refresh()
		left = inbox.drain(host, seconds=DRAIN_SECONDS).left
	if left:
		poke()


class OutOfTime(BaseException):
	"""The job's time is over. No `Exception`, so that nobody between takes it for an error of a step's and goes on:
	the alarm rings only once."""


@contextmanager
def _ended_by_the_alarm() -> Iterator[None]:
	"""Let RQ's alarm end the job, whatever it is in the middle of. What it had claimed is due again with its lease."""
	if threading.current_thread() is not threading.main_thread():
		yield
		return

	def ring(*_: object) -> None:
		raise OutOfTime("The job's time is over, and a step has not ended.")

	before = signal.signal(signal.SIGALRM, ring)
	try:
		yield
	finally:
		signal.signal(signal.SIGALRM, before)
