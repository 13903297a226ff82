"""What a step waits for, and how a wait ends.

A kind's `run` returns a `Wait` in place of a result if the step has more to do later; `resume` is given what the wait `Ended`
with. A wait is plain data: it is kept in the step's entry, and brought back by a row of the inbox. Nothing here reads a clock,
a document or a row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flow_editor.engine import logic
from flow_editor.engine.machine import PENDING, WAITING
from flow_editor.engine.timing import in_seconds

#: How a wait ended: its time came, its document is as it was waited for, or somebody answered.
TIME, DOCUMENT, ANSWER = "time", "document", "answer"

#: A document that is waited for is looked at again after this long, since not every change of it is told.
LOOK_AGAIN = timedelta(days=1)

#: A save that had begun before anything waited for such a document tells nobody. It is over by then.
SETTLES = timedelta(minutes=10)

#: Where a wait is kept in the entry of its step.
WAIT = "wait"


@dataclass(frozen=True, slots=True)
class Watch:
	"""A document that is waited for until a condition holds over it.

	Args:
		doctype, name: the document.
		when: the condition, as `logic` has it. `doc` is the document.
	"""

	doctype: str
	name: str
	when: Any

	def holds(self, root: Mapping[str, Any], operators: Mapping[str, logic.Operator]) -> bool:
		"""Whether the document is as it is waited for.

		Args:
			root: what the condition reads.

		Raises:
			Uncomparable, ValueError: as `logic.holds`.
		"""
		return logic.holds(self.when, root, operators)

	def as_json(self) -> dict[str, Any]:
		return {"doctype": self.doctype, "name": self.name, "when": self.when}

	@classmethod
	def read(cls, kept: Mapping[str, Any]) -> Watch:
		return cls(kept["doctype"], kept["name"], kept["when"])


@dataclass(frozen=True, slots=True)
class Wait:
	"""What a step waits for. It ends by the first that comes.

	Args:
		until: when it ends at the latest. None: never by itself.
		watch: the document that it waits for.
		answer: whether somebody, or another system, may answer.
		keep: JSON that `resume` is given back.
	"""

	until: datetime | None = None
	watch: Watch | None = None
	answer: bool = False
	keep: Any = None

	def __post_init__(self) -> None:
		if self.until is None and self.watch is None and not self.answer:
			raise ValueError("A wait without an end: give it a time, a document or an answer to wait for.")

	def next_look(self, now: datetime, began: datetime) -> datetime | None:
		"""When it is looked at again that has just been looked at; None: when it is answered.

		Args:
			began: since when it waits.
		"""
		if self.watch is None:
			return self.until
		settled = began + SETTLES
		again = settled if now < settled else now + LOOK_AGAIN
		return again if self.until is None else min(again, self.until)

	def as_json(self) -> dict[str, Any]:
		kept: dict[str, Any] = {}
		if self.until is not None:
			kept["until"] = self.until.isoformat(sep=" ")
		if self.watch is not None:
			kept["watch"] = self.watch.as_json()
		if self.answer:
			kept["answer"] = True
		if self.keep is not None:
			kept["keep"] = self.keep
		return kept

	@classmethod
	def read(cls, kept: Mapping[str, Any]) -> Wait:
		until, watch = kept.get("until"), kept.get("watch")
		return cls(
			datetime.fromisoformat(until) if until else None,
			Watch.read(watch) if watch else None,
			bool(kept.get("answer")),
			kept.get("keep"),
		)


@dataclass(frozen=True, slots=True)
class Ended:
	"""How a wait ended.

	Args:
		by: TIME, DOCUMENT or ANSWER.
		at: when.
		answer: what was answered, as JSON.
		keep: what the wait kept.
	"""

	by: str
	at: datetime
	answer: Any = None
	keep: Any = None


def shown(entry: Mapping[str, Any]) -> dict[str, Any]:
	"""A step's entry as it is shown outside: one that somebody is to begin or complete is pending, and says `waiting`; of
	what another waits for, what it keeps stays inside."""
	entry = dict(entry)
	wait = entry.pop(WAIT, None)
	if entry.get("status") != WAITING:
		return entry
	if wait is None:
		return {**entry, "status": PENDING, "waiting": True}
	waits_for = {name: wait[name] for name in ("until", "answer") if name in wait}
	if watch := wait.get("watch"):
		waits_for["document"] = {"doctype": watch["doctype"], "docname": watch["name"]}
	if "until" in wait:
		waits_for["until"] = in_seconds(datetime.fromisoformat(wait["until"]))
	return {**entry, "waits_for": waits_for}
