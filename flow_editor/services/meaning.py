"""What a flow that is written correctly cannot mean: paths that lead nowhere, starts that never come, values that are none.

`problems` are what could never work, since a value cannot be compared or stored; they keep a flow from being published. `warnings`
are what is probably not meant, and keep nobody from anything. Both ask the host what its documents hold, as far as it can
say; where it cannot, nothing is said.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import islice
from typing import Any

from flow_editor.engine import secrets
from flow_editor.engine.conditions import literal_problem, members
from flow_editor.engine.context import ROOTS
from flow_editor.engine.definition import ON_FLOW_START
from flow_editor.engine.errors import Problem
from flow_editor.engine.event import CHANGE, INSERT, UPDATE, TriggerEvent
from flow_editor.engine.filling import filled
from flow_editor.engine.kind import Field, Kind, Write
from flow_editor.engine.ports import CUSTOMER
from flow_editor.engine.records import Run
from flow_editor.engine.render import OPEN, PATH, paths, read
from flow_editor.engine.values import COLUMN, TABLES, FieldType, Types
from flow_editor.services.host import Host
from flow_editor.services.leads import UNKNOWN, About, Leads, asked, hint, texts

#: How many are told at once: to find them all may take longer than the request.
MOST = 200
#: How long a name, an address or a number of a person's or a document's may well be, whatever its field takes.
LONGEST_NAME = 40
NAMES, HOLDING_NAMES = ("Link", "Dynamic Link", "Phone"), ("Name", "Email", "Phone")
EQUALITIES = ("==", "!=", "in", "not_in")
#: Nothing is known beside the definition.
ALONE = About()


def problems(
	host: Host, definition: Mapping[str, Any], about: About = ALONE, unsound: Collection[str] = ()
) -> list[Problem]:
	"""Values that can never be compared with what they are compared with, or held by the field that they are for.

	Args:
		unsound: the ids of steps that are passed over, since something is wrong with how they are written.
	"""
	return list(islice(_Meaning(host, definition, about, unsound).problems(), MOST))


def warnings(
	host: Host, definition: Mapping[str, Any], about: About = ALONE, unsound: Collection[str] = ()
) -> list[Problem]:
	"""What is probably not meant: at most MOST, in the order of the steps, the flow's own first. `unsound`: see `problems`."""
	found: dict[Problem, None] = {}
	for warning in _Meaning(host, definition, about, unsound).warnings():
		found[warning] = None
		if len(found) >= MOST:
			break
	return list(found)


class _Meaning(Leads):
	def __init__(self, host: Host, definition: Mapping[str, Any], about: About, unsound: Collection[str]):
		super().__init__(host, definition, about, unsound)
		self._listening: dict[tuple[str, str], list[str]] = {}

	# What can never work

	def problems(self) -> Iterator[Problem]:
		for step, kind, payload in self.payloads():
			for comparison in asked(kind.compares, payload):
				if _is_written(comparison.value) and (
					message := self._never_compared(comparison.path, comparison.op, comparison.value)
				):
					yield Problem(message, step["id"], f"payload.{comparison.field}")
			for write in asked(kind.writes, payload):
				yield from self._never_stored(step, write)
			for field, condition in self.conditions(kind, payload):
				for path, op, value in self.compared(condition):
					if message := self._never_compared(path, op, value):
						yield Problem(message, step["id"], f"payload.{field}")
		for path, op, value in self.gate():
			if message := self._never_compared(path, op, value):
				yield Problem(message, field="trigger.condition")

	def _never_stored(self, step: Mapping[str, Any], write: Write) -> Iterator[Problem]:
		if not write.field:
			return
		documents = self.host.documents
		types = documents.types(write.doctype)
		for name, value in write.values.items():
			if name in types and _is_written(value):
				try:
					filled({name: value}, types, self.host.conventions, documents.types)
				except ValueError as error:
					yield Problem(str(error), step["id"], f"payload.{write.field}")

	def _never_compared(self, path: str, op: str, value: Any) -> str | None:
		found = [about for about in self.leads_to(path)[1] if about is not UNKNOWN]
		messages = [literal_problem(about, op, value, self.host.conventions) for about in found]
		return messages[0] if messages and all(messages) else None

	# What is probably not meant

	def warnings(self) -> Iterator[Problem]:
		yield from self._about_the_start()
		yield from self._about_inputs()
		yield from self._about_kinds()
		for step in self.sound:
			yield from self._about_its_time(step)
		for step, kind, payload in self.payloads():
			yield from self._about_paths(step, kind, payload)
			yield from self._about_links(step, kind, payload)
			for comparison in asked(kind.compares, payload):
				if _is_written(comparison.value):
					for message in self._no_such_value(comparison.path, comparison.op, comparison.value):
						yield Problem(message, step["id"], f"payload.{comparison.field}")
			for write in asked(kind.writes, payload):
				yield from self._about_a_write(step, write)
			for field, condition in self.conditions(kind, payload):
				for message in self._about_a_condition(self.compared(condition)):
					yield Problem(message, step["id"], f"payload.{field}")

	def _about_a_condition(self, compared: Iterable[tuple[str, str, Any]]) -> Iterator[str]:
		"""What is probably not meant by the paths and values of a condition."""
		for path, op, value in compared:
			if wrong := self.leads_to(path)[0]:
				yield wrong
			elif value is not None:
				yield from self._no_such_value(path, op, value)

	def _about_the_start(self) -> Iterator[Problem]:
		wanted, event = self.about.doctype, self.event
		if wanted and event and event.sources and wanted not in {source.doctype for source in event.sources}:
			raised = ", ".join(dict.fromkeys(source.doctype for source in event.sources))
			yield Problem(
				f"It applies to {wanted}, but “{event.label}” comes from {raised}, so it never starts by itself. "
				"Choose another event, or let it apply to none.",
				field="applies_to",
			)
		for message in self._about_a_condition(self.gate()):
			yield Problem(message, field="trigger.condition")

	def _about_inputs(self) -> Iterator[Problem]:
		declared = self.definition.get("inputs")
		for one in declared if isinstance(declared, list) else ():
			kind = self.host.field_types.get(str(one.get("type"))) if isinstance(one, Mapping) else None
			doctype = kind.names(one.get("doctype")) if kind else ""
			if not doctype:
				continue
			named = [("doctype", "DocType", doctype), ("default", doctype, one.get("default"))]
			for part, of, value in named:
				if isinstance(of, str) and _is_written(value) and self.is_missing(of, str(value)):
					yield Problem(
						f"There is no {of} “{str(value)[:60]}” that you could read. Choose another, or create it.",
						field=f"inputs.{one.get('name')}.{part}",
					)
					break

	def _about_kinds(self) -> Iterator[Problem]:
		known = [(step, kind) for step in self.steps if (kind := self.kind_of(step))]
		composed = list(dict.fromkeys(kind.label for _, kind in known if not kind.runnable))
		if composed:
			yield Problem(
				f"Steps of kind {', '.join(composed)} can be composed and stored, but not run yet: the flow starts nothing.",
				field="steps",
			)
		catalog = self.about.catalog or next((kind.catalog for _, kind in known), "")
		for step, kind in known:
			if kind.catalog != catalog:
				yield Problem(
					f"{kind.label} is of the kinds for {kind.catalog}, and this flow is made of those for {catalog}. "
					"Choose another kind, or other kinds of steps for the flow.",
					step["id"],
					"kind",
				)

	def _about_its_time(self, step: Mapping[str, Any]) -> Iterator[Problem]:
		trigger = step.get("trigger")
		if not isinstance(trigger, Mapping):
			return
		if trigger.get("type") == ON_FLOW_START and step.get("depends_on"):
			yield Problem(
				"It is to fire when the flow starts, but waits for other steps first. Let it fire when those are done, "
				"or let it wait for none.",
				step["id"],
				"trigger.type",
			)
		for name, value in trigger.items():
			if isinstance(value, str) and name != "type":
				for path in paths(value):
					if wrong := self.leads_to(path)[0]:
						yield Problem(wrong, step["id"], f"trigger.{name}")

	def _about_paths(
		self, step: Mapping[str, Any], kind: Kind, payload: Mapping[str, Any]
	) -> Iterator[Problem]:
		for field in kind.fields:
			for path in self._read_by(field, payload.get(field.name)):
				if wrong := self.leads_to(path)[0]:
					yield Problem(wrong, step["id"], f"payload.{field.name}")

	@staticmethod
	def _read_by(field: Field, value: Any) -> Iterator[str]:
		if field.type.is_path and isinstance(value, str) and OPEN not in value:
			path = value.strip()
			if PATH.fullmatch(path):
				yield path if path.split(".")[0] in ROOTS else f"doc.{path}"
			return
		if field.templated:
			for text in texts(value):
				for path in paths(text):
					if path.split(".")[0] != secrets.ROOT:
						yield (
							path if not field.type.is_path or path.split(".")[0] in ROOTS else f"doc.{path}"
						)

	def _about_links(
		self, step: Mapping[str, Any], kind: Kind, payload: Mapping[str, Any]
	) -> Iterator[Problem]:
		for field in kind.fields:
			value = payload.get(field.name)
			doctype = field.type.names(field.doctype)
			if (
				doctype
				and isinstance(value, str)
				and value.strip()
				and OPEN not in value
				and self.is_missing(doctype, value)
			):
				yield Problem(
					f"There is no {doctype} “{value[:60]}” that you could read. Choose another, or create it.",
					step["id"],
					f"payload.{field.name}",
				)

	def _no_such_value(self, path: str, op: str, value: Any) -> Iterator[str]:
		"""Of the values that are compared with a field of choices, those that it never has."""
		if op not in EQUALITIES:
			return
		_, found = self.leads_to(path)
		for one in members(value) if op in ("in", "not_in") else [value]:
			if isinstance(one, str) and one.strip():
				yield from self._no_choice(found, one.strip())

	def _no_choice(self, found: Iterable[FieldType], one: str) -> Iterator[str]:
		messages = [self._not_among(about, one) for about in found]
		if messages and all(messages):
			yield str(messages[0])

	def _not_among(self, about: FieldType, one: str) -> str | None:
		if about.fieldtype == "Select" and about.choices and one not in about.choices:
			return f"{about.label} is never “{one[:60]}”. It is one of {', '.join(about.choices[:20])}."
		if about.fieldtype == "Link" and self.is_missing(about.options, one):
			return (
				f"There is no {about.options} “{one[:60]}” that you could read, which {about.label} could be."
			)
		return None

	def _about_a_write(self, step: Mapping[str, Any], write: Write) -> Iterator[Problem]:
		types = self.host.documents.types(write.doctype)
		for name, value in write.values.items() if types else ():
			where = f"payload.{write.field or name}"
			if name not in types:
				if write.field and not self.host.documents.may_hold(
					write.doctype, name
				):  # what an author names by itself; a kind's own names, it asks for
					yield Problem(
						f"{write.doctype} has no field “{name[:60]}”.{hint(name, types)} Correct it.",
						step["id"],
						where,
					)
				continue
			if isinstance(value, str) and value.strip() and OPEN not in value:
				for message in self._no_choice([types[name]], value.strip()):
					if write.field:
						yield Problem(message, step["id"], where)
			if isinstance(value, str) and (message := self._too_long(write, name, types[name], value)):
				yield Problem(message, step["id"], where)
		yield from self._about_loops(step, write)

	def _too_long(self, write: Write, name: str, about: FieldType, text: str) -> str | None:
		takes = about.takes
		if takes is None:
			return None
		length, longest = 0, ""
		for piece, path in _pieces(text):
			length += len(piece)
			if path is None:
				continue
			lengths = [_likely(path, about) for about in self.leads_to(path)[1] if about is not UNKNOWN]
			if not lengths:
				continue  # nothing says how long it may be
			if None in lengths:
				longest = path
			length += max((one for one in lengths if one is not None), default=0)
		if not longest and length <= takes:
			return None
		may_be = (
			f"{{{{{longest}}}}} may be of any length" if longest else f"It may come to {length} characters"
		)
		then = "what is longer is cut off" if name in write.cut else "the step fails on what is longer"
		return f"{may_be}, and {about.label} of {write.doctype} takes {takes}: {then}. Use a shorter text."

	def _about_loops(self, step: Mapping[str, Any], write: Write) -> Iterator[Problem]:
		for event in self.host.events.values():
			if not any(_raises(source, write) for source in event.sources):
				continue
			done = f"It {'creates' if write.creates else 'changes'} {write.doctype} documents"
			if self.event is event and self.about.doctype in ("", write.doctype):
				yield Problem(
					f"{done}, and “{event.label}” is what starts this flow: it may set itself off again and again. "
					"Give its start a condition that ends the loop.",
					step["id"],
					"kind",
				)
			if others := self._others(event.name, write.doctype):
				yield Problem(
					f"{done}: “{event.label}” starts {', '.join(others[:5])} too.", step["id"], "kind"
				)

	def _others(self, event: str, doctype: str) -> list[str]:
		"""The active flows that listen to an event, but for this one."""
		key = (event, doctype)
		if key not in self._listening:
			self._listening[key] = [
				str(other.get("template_name") or other["name"])
				for other in self.host.store.active_templates(event)
				if other["name"] != self.about.name and other.get("applies_to") in (None, "", doctype)
			]
		return self._listening[key]


def _likely(path: str, about: FieldType) -> int | None:
	"""How long a value may well be. Names could be longer than they ever are."""
	is_name = (
		about.fieldtype in NAMES
		or about.options in HOLDING_NAMES
		or path.rpartition(".")[2].endswith(("name", "contact_display", "contact_mobile"))
	)
	longest = about.longest
	return min(LONGEST_NAME, longest or LONGEST_NAME) if is_name else longest


def _raises(source: Any, write: Write) -> bool:
	"""Whether a write may be what an event's source looks for."""
	moments = {UPDATE, CHANGE} | ({INSERT} if write.creates else set())
	if source.doctype != write.doctype or not moments & set(source.moments):
		return False
	if source.turns is None:
		return INSERT in source.moments and write.creates
	name, values = source.turns
	value = write.values.get(name)
	return value in values or (isinstance(value, str) and OPEN in value)


def _is_written(value: Any) -> bool:
	"""Whether a value is all its author's own, with no expression in it."""
	return value not in (None, "", []) and all(OPEN not in text for text in texts(value))


def _pieces(text: str) -> Iterator[tuple[str, str | None]]:
	"""The author's own words, each with the path after it, if one stands there without filters."""
	for words, expression in read(text):
		yield words, expression.path if expression else None
