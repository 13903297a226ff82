"""What sets a flow off: its definition's `trigger`, how it is written and when a document does it.

The guide's `{"event", "condition"}` has no type, and reads as an event's, or by hand. It never asks whether a condition holds:
that is for `logic`, once a start has heard of something.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flow_editor.engine import schedule
from flow_editor.engine.conditions import USUAL, Uncomparable, equals
from flow_editor.engine.event import CANCEL, CHANGE, DELETE, INSERT, SUBMIT, UPDATE, UPDATE_AFTER_SUBMIT
from flow_editor.engine.schedule import Schedule
from flow_editor.engine.values import Conventions

EVENT, DOCUMENT, SCHEDULE, MANUAL = "event", "document", "schedule", "manual"
#: The types of starts and the words that the editor shows for them.
TYPES: Mapping[str, str] = {
	EVENT: "When an event is raised",
	DOCUMENT: "When a document is created, changed or ended",
	SCHEDULE: "At a time of day, every day, week or month",
	MANUAL: "When somebody starts it",
}
#: The types that stand in a template's `trigger_event` themselves, since they have no event.
NAMED_BY_TYPE = (DOCUMENT, SCHEDULE)
#: The types whose DocType is what the template applies to.
ABOUT_DOCTYPE = (DOCUMENT,)

CREATED, SAVED, CHANGED = "created", "saved", "changed"
#: The moments of a document start, with the words for them and the document's own moments at which each is looked for.
MOMENTS: Mapping[str, tuple[str, tuple[str, ...]]] = {
	CREATED: ("is created", (INSERT,)),
	SAVED: ("is created or saved", (UPDATE, UPDATE_AFTER_SUBMIT)),
	CHANGED: ("has a field changed", (UPDATE, UPDATE_AFTER_SUBMIT, CHANGE)),
	"submitted": ("is submitted", (SUBMIT,)),
	"cancelled": ("is cancelled", (CANCEL,)),
	"deleted": ("is deleted", (DELETE,)),
}
#: What a trigger of each type may hold beside its type and its condition.
PARTS: Mapping[str, tuple[str, ...]] = {
	EVENT: ("event",),
	DOCUMENT: ("doctype", "moment", "field", "from", "to"),
	SCHEDULE: ("every", "on", "at"),
	MANUAL: ("event",),
}
#: Everything that a trigger may hold.
KEYS = tuple(dict.fromkeys(("type", "condition", *(part for parts in PARTS.values() for part in parts))))
LONGEST_NAME = 140
#: Of the values that a field may come from, or go to.
MOST_VALUES = 100


@dataclass(frozen=True, slots=True)
class Start:
	"""A definition's trigger, read.

	Args:
		type: one of TYPES.
		event: the trigger event, of type event.
		doctype, moment: what a document start hears of.
		field: of moment changed: the field whose change it is.
		before, after: what that field's value was and is; any, if None.
	"""

	type: str = MANUAL
	event: str = ""
	doctype: str = ""
	moment: str = ""
	field: str = ""
	before: tuple[Any, ...] | None = None
	after: tuple[Any, ...] | None = None
	#: Of type schedule: its slots.
	schedule: Schedule | None = None

	def hears(
		self,
		moment: str,
		now: Mapping[str, Any],
		before: Mapping[str, Any] | None,
		site: Conventions = USUAL,
	) -> bool:
		"""Whether this is what a document start waits for.

		A document that is created has come from nothing, so no field of it has changed.

		Args:
			moment: one of `engine.event.MOMENTS`.
			now, before: the document after and before, of which only `get` is used; None for a new one.

		Raises:
			Uncomparable: a value that it waits for has nothing in common with what the field holds.
		"""
		if moment not in MOMENTS[self.moment][1]:
			return False
		if self.moment != CHANGED:
			return True
		if before is None:
			return False
		was, now_is = before.get(self.field), now.get(self.field)
		return (
			_differs(was, now_is, site)
			and _is_among(was, self.before, site)
			and _is_among(now_is, self.after, site)
		)


def _is_blank(value: Any) -> bool:
	return value is None or value == ""


def _differs(was: Any, now_is: Any, site: Conventions) -> bool:
	if was == now_is or (_is_blank(was) and _is_blank(now_is)):
		return False
	if _is_blank(was) or _is_blank(now_is) or (isinstance(was, str) and isinstance(now_is, str)):
		return True
	try:
		return not equals(was, now_is, site=site)  # a date may be sent as a text
	except Uncomparable:
		return True


def _is_among(value: Any, wanted: tuple[Any, ...] | None, site: Conventions) -> bool:
	if wanted is None:
		return True
	return any(
		_is_blank(value) if _is_blank(one) else not _is_blank(value) and equals(value, one, site=site)
		for one in wanted
	)


# Reading and writing


def type_of(trigger: Any) -> str:
	"""The type of a trigger that is written, sound or not."""
	if not isinstance(trigger, Mapping):
		return MANUAL
	written = trigger.get("type")
	if isinstance(written, str) and written:
		return written
	event = trigger.get("event")
	return EVENT if isinstance(event, str) and event not in ("", MANUAL) else MANUAL


def parse_start(trigger: Mapping[str, Any]) -> Start:
	"""A trigger that `problems` found nothing wrong with."""
	type_ = type_of(trigger)
	if type_ == SCHEDULE:
		return Start(type_, schedule=schedule.parse_schedule(trigger))
	if type_ != DOCUMENT:
		return Start(type_, event=trigger.get("event") or "")
	return Start(
		type_,
		doctype=trigger.get("doctype") or "",
		moment=trigger.get("moment") or "",
		field=trigger.get("field") or "",
		before=_values(trigger.get("from")),
		after=_values(trigger.get("to")),
	)


def _values(written: Any) -> tuple[Any, ...] | None:
	if written is None or written == []:
		return None
	return tuple(written) if isinstance(written, list) else (written,)


def fields_of(trigger: Mapping[str, Any]) -> dict[str, Any]:
	"""What a written trigger says of the template's own fields; nothing of those that it leaves open."""
	type_ = type_of(trigger)
	written = trigger.get("event")
	said = {
		"trigger_event": type_ if type_ in NAMED_BY_TYPE else MANUAL if trigger.get("type") == MANUAL else written,
		"trigger_condition": trigger.get("condition"),
	}  # fmt: skip
	if type_ in ABOUT_DOCTYPE:
		said["applies_to"] = trigger.get("doctype")
	return {
		name: value
		for name, value in said.items()
		if value and (name == "trigger_condition" or isinstance(value, str))
	}


def with_fields(trigger: Mapping[str, Any], event: str, condition: str, applies_to: str) -> dict[str, Any]:
	"""A trigger that says what the template's own fields do, and what it said beside them."""
	said = type_of(trigger)
	type_ = event if event in NAMED_BY_TYPE else MANUAL if event == MANUAL else EVENT
	if type_ in NAMED_BY_TYPE:
		kept = trigger if said == type_ else {}
		about = {"doctype": applies_to} if type_ in ABOUT_DOCTYPE else {}
		return {
			**{name: value for name, value in kept.items() if name != "event"},
			"type": type_,
			**about,
			"condition": condition,
		}
	kept = {} if said in NAMED_BY_TYPE else dict(trigger)
	if trigger.get("type") in (EVENT, MANUAL):
		kept["type"] = type_
	return {**kept, "event": event, "condition": condition}


# What is wrong with it


def problems(trigger: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
	"""(part, sentence) of what is wrong with how a trigger is written. Its event and its condition are asked elsewhere."""
	written = trigger.get("type")
	if written not in (None, "") and (not isinstance(written, str) or written not in TYPES):
		yield "type", f"Type is not known. Use one of {', '.join(TYPES)}."
		return
	type_ = type_of(trigger)
	for name, value in trigger.items():
		if (
			name in KEYS
			and name not in ("type", "condition", *PARTS[type_])
			and value not in (None, "", [], {})
		):
			yield name, f"{name.capitalize()} is no part of a start of type {type_}. Remove it."
	if type_ == EVENT and not trigger.get("event"):
		yield "event", "No event is chosen. Choose the one that starts the flow."
	if type_ == DOCUMENT:
		yield from _document_problems(trigger)
	if type_ == SCHEDULE:
		yield from schedule.problems(trigger)


def _document_problems(trigger: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
	if message := _name_problem(
		trigger.get("doctype"), "DocType", "Choose the documents that start the flow."
	):
		yield "doctype", message
	moment = trigger.get("moment")
	if not isinstance(moment, str) or moment not in MOMENTS:
		yield (
			"moment",
			f"It is not said at which moment of a document the flow starts. Use one of {', '.join(MOMENTS)}.",
		)
		return
	if moment == CHANGED:
		if message := _name_problem(
			trigger.get("field"), "field", "Choose the field whose change starts the flow."
		):
			yield "field", message
		for part in ("from", "to"):
			if message := _values_problem(trigger.get(part)):
				yield part, message
		return
	for part in ("field", "from", "to"):
		if trigger.get(part) not in (None, "", []):
			yield (
				part,
				f"It is said which change is meant, but the flow starts when a document is {moment}. Set the moment to {CHANGED}, or remove it.",
			)


def _name_problem(value: Any, what: str, todo: str) -> str | None:
	if value in (None, ""):
		return f"No {what} is chosen. {todo}"
	if not isinstance(value, str) or len(value) > LONGEST_NAME:
		return f"This is no name of a {what}. {todo}"
	return None


def _values_problem(written: Any) -> str | None:
	values = written if isinstance(written, list) else [written]
	if not all(value is None or isinstance(value, str | int | float) for value in values):
		return "Write a value, or a list of values."
	if len(values) > MOST_VALUES:
		return f"There are {len(values)} values; at most {MOST_VALUES} are taken. Use a condition for more."
	return None
