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
from flow_editor.engine.definition import Step
from flow_editor.engine.machine import PENDING
from flow_editor.engine.records import ADVANCE, START, Pending, Run
from flow_editor.services.advance import Advance
from flow_editor.services.definitions import flow_of
from flow_editor.services.due import Times
from flow_editor.services.host import Host

#: A flow of more steps is left to the inbox as a whole: whoever saves a document is not to wait for it.
MOST_STEPS = 200


class LeftToTheInbox(Exception):
	"""The step needs more than the run itself."""


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
	return Head(host, run, doc).take()


class Head(Advance):
	"""An advance that writes nothing and gives up on no step: one that fails is left, to fail where it can be told."""

	def __init__(self, host: Host, run: Run, doc: Mapping[str, Any] | None):
		super().__init__(host, run)
		self.scope = Known(host, run, doc)
		self.times = TimesAtHand(host, run, self.flow, self.scope)
		self._left = False
		# Whoever raised the event has the document in hand.
		self._document_seen = True

	def take(self) -> list[Pending]:
		self.start()
		self.move()
		if self._left:
			begun = any(entry != {"status": PENDING} for entry in self.run.step_state.values())
			if not begun:
				self.run.step_state = {}
			self.rows.append(Pending("", purpose=ADVANCE if begun else START, trigger_at=self.host.now()))
		return self.rows

	def _reach(self, step: Step) -> None:
		entry = self.entry(step)
		before = dict(entry)
		try:
			super()._reach(step)
		except LeftToTheInbox:
			entry.clear()
			entry.update(before)
			self._left = True

	def _run_kind(self, step: Step, given: Any) -> None:
		kind = self._catalog.get(step.kind)
		if kind is None or not kind.self_contained:
			raise LeftToTheInbox(step.id)
		super()._run_kind(step, given)

	def _fail(self, step: Step, error: BaseException) -> None:
		raise LeftToTheInbox(step.id) from error


class TimesAtHand(Times):
	"""Times that need no Holiday List."""

	def days_off(self, first: date, last: date) -> Collection[date]:
		raise LeftToTheInbox("the Holiday List")


class Known(Scope):
	"""What a run knows before it has a name, without asking the database while somebody's save waits."""

	def __init__(self, host: Host, run: Run, doc: Mapping[str, Any] | None):
		super().__init__(host, run)
		self._at_hand = doc

	def __getitem__(self, key: str) -> Any:
		if key not in ("doc", "variables", "steps", "now", "today"):
			raise LeftToTheInbox(key)
		return super().__getitem__(key)

	def _doc(self) -> Mapping[str, Any]:
		return self._at_hand or {}
