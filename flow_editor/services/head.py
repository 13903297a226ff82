"""The head of a run: what is done in memory while the run is being stored, in the transaction that set it off.

Steps of kinds that are `self_contained` need no worker: they look at nothing but what the run and the document that set
it off are at that moment, change nothing and cannot fail for a reason that passes. They are taken at once, and a delay
behind them is scheduled at once, so such a start costs no row for a worker, no poke and no second write of the run. The
first step that needs more is left, with all that comes after it, to the inbox. Nothing is lost by that: the run is
stored as far as it came, or not at all.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from flow_editor.engine.context import Scope
from flow_editor.engine.definition import Flow
from flow_editor.engine.machine import PENDING
from flow_editor.engine.records import ADVANCE, START, Pending, Run
from flow_editor.services.advance import Advance
from flow_editor.services.definitions import flow_of
from flow_editor.services.due import Times
from flow_editor.services.host import Host
from flow_editor.services.policy import HeldBack, Policy
from flow_editor.services.work import Work

#: A flow of more steps is left to the inbox as a whole: whoever saves a document is not to wait for it.
MOST_STEPS = 200


def take(host: Host, run: Run, doc: Mapping[str, Any] | None = None) -> list[Pending]:
	"""Move a run that is not stored yet as far as it needs nothing.

	Args:
		doc: the fields of the document that it is about, if any, as they are now: those that the user whom the run acts
			for may read.

	Returns:
		The inbox rows that it is to be stored with; none if it has ended or waits for somebody.
	"""
	if len(flow_of(host, run).steps) > MOST_STEPS:
		return [Pending("", purpose=START, trigger_at=host.now())]
	# The Work is not written: the run is stored with these rows, by who starts it.
	advance = Advance(host, run, Work(host), policy=WithinTheSave(doc))
	advance.start()
	advance.move()
	if advance.is_held_back:
		begun = any(entry != {"status": PENDING} for entry in run.step_state.values())
		if not begun:
			run.step_state = {}
		advance.rows.append(Pending("", purpose=ADVANCE if begun else START, trigger_at=host.now()))
	return advance.rows


class WithinTheSave(Policy):
	"""What may be done while somebody's save waits: what needs nothing but what the save has in hand.

	Args:
		doc: the fields of the document that is saved, if there is one.
	"""

	holds_back = True
	has_seen_the_document = True

	def __init__(self, doc: Mapping[str, Any] | None):
		self._doc = doc

	def scope(self, host: Host, run: Run) -> Scope:
		return Known(host, run, self._doc)

	def times(self, host: Host, run: Run, flow: Flow, scope: Scope) -> Times:
		return TimesAtHand(host, run, flow, scope)


class TimesAtHand(Times):
	"""Times that need no Holiday List."""

	def days_off(self, first: date, last: date) -> Collection[date]:
		raise HeldBack("the Holiday List")


class Known(Scope):
	"""What a run knows before it has a name, without asking the database while somebody's save waits."""

	def __init__(self, host: Host, run: Run, doc: Mapping[str, Any] | None):
		super().__init__(host, run)
		self._at_hand = doc

	def __getitem__(self, key: str) -> Any:
		if key not in ("doc", "variables", "steps", "now", "today"):
			raise HeldBack(key)
		return super().__getitem__(key)

	def _doc(self) -> Mapping[str, Any]:
		return self._at_hand or {}

	@property
	def reader(self) -> Any:
		raise HeldBack("the customer's language")

	def linked(self, doctype: str, name: str) -> Any:
		raise HeldBack(doctype)

	def days_off(self, first: date, last: date) -> Collection[date]:
		raise HeldBack("the Holiday List")
