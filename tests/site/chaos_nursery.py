"""Brings forth the processes that the kill test kills: a bench worker, a web server, a scheduler.

Run by the bench's Python in its sites folder. Reads a JSON object a line (`role`, and what that role wants), forks a
child that becomes it, and writes the child's process id. Everything is imported once, here, so that a thousand
workers cost a thousand forks and not a thousand starts of Python; what a child then runs is Frappe's own.

Three things are not as on a site, and are set here alone, in the children: leases and the like last seconds and not
minutes, the scheduler ticks every second and for our own jobs only, and a child may be `armed` to kill itself at one
commit.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import signal
import sys
from datetime import timedelta

import erpnext.support.doctype.issue.issue
import frappe
import frappe.app
import frappe.core.doctype.scheduled_job_type.scheduled_job_type
import frappe.email.doctype.email_queue.email_queue
import frappe.utils.background_jobs
import frappe.utils.scheduler
import werkzeug.serving
from frappe.database.database import Database

import flow_editor.site.poke
import flow_editor.site.worker
from flow_editor.services import claiming

TICK = "flow_editor.site.worker.tick"
LEASE_SECONDS = 6
LOST_AFTER = timedelta(seconds=4)


def main() -> None:
	for module in pkgutil.walk_packages(flow_editor.__path__, "flow_editor."):
		if module.name.split(".")[1] not in ("lab", "commands"):
			importlib.import_module(module.name)
	signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead are buried without a word
	for line in sys.stdin:
		order = json.loads(line)
		pid = os.fork()
		if pid == 0:
			be(order)
		print(pid, flush=True)


def be(order: dict) -> None:
	signal.signal(signal.SIGCHLD, signal.SIG_DFL)
	silence = os.open(os.devnull, os.O_RDWR)
	log = os.open(order["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
	for stream, target in ((0, silence), (1, log), (2, log)):
		os.dup2(target, stream)
	claiming.LEASE_MINUTES = LEASE_SECONDS / 60
	flow_editor.site.poke.LOST_AFTER = LOST_AFTER
	if order.get("armed"):
		arm(**order["armed"])
	try:
		ROLES[order["role"]](order)
	finally:
		os._exit(0)


def worker(order: dict) -> None:
	frappe.utils.background_jobs.start_worker(queue="short,default,long", quiet=True)


def web(order: dict) -> None:
	run_simple = werkzeug.serving.run_simple
	werkzeug.serving.run_simple = lambda host, *rest, **options: run_simple("127.0.0.1", *rest, **options)
	frappe.app.serve(port=order["port"], site=order["site"], no_reload=True)


def scheduler(order: dict) -> None:
	def enqueue_our_own(**_: object) -> None:  # Frappe 15 names the site, Frappe 16 does not
		frappe.get_doc("Scheduled Job Type", {"method": TICK}).enqueue(force=True)

	frappe.utils.scheduler.get_scheduler_tick = lambda: 1
	frappe.utils.scheduler.is_scheduler_inactive = lambda: False
	frappe.utils.scheduler.enqueue_events = enqueue_our_own
	frappe.utils.scheduler.start_scheduler()


ROLES = {"worker": worker, "web": web, "scheduler": scheduler}


def arm(commit: int, when: str, whom: str, mark: str) -> None:
	"""Have the process die at its n-th commit, once.

	Args:
		when: `before` it, `between` it and the callbacks that follow it, or `after` those.
		whom: `self`, or `both`: a job's process and the worker that waits for it.
		mark: a file that is made at death, by which it is known to have happened, and happens once.
	"""
	commit_really = Database.commit
	counted = 0
	nursery = os.getppid()

	def die(*_: object) -> None:
		try:
			os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
		except FileExistsError:
			return
		if whom == "both" and os.getppid() != nursery:
			os.kill(os.getppid(), signal.SIGKILL)
		os.kill(os.getpid(), signal.SIGKILL)

	def counting_commit(database: Database, **options: object) -> None:
		nonlocal counted
		counted += 1
		if counted != commit:
			return commit_really(database, **options)
		if when == "before":
			die()
		if when == "between":
			# It stands first, so that not even the poke is sent.
			database.after_commit._functions.appendleft(die)
		commit_really(database, **options)
		if when == "after":
			die()

	Database.commit = counting_commit


if __name__ == "__main__":
	main()
