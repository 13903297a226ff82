"""What the paths of a definition lead to, as far as a host can say what its documents hold."""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

from flow_editor.engine import logic
from flow_editor.engine.context import BEFORE, ROOTS
from flow_editor.engine.event import TriggerEvent
from flow_editor.engine.kind import Kind
from flow_editor.engine.paths import MOST_HOPS
from flow_editor.engine.ports import CUSTOMER
from flow_editor.engine.records import Run
from flow_editor.engine.start import DOCUMENT
from flow_editor.engine.values import COLUMN, LINKS, TABLES, FieldType, Types
from flow_editor.services.host import Host

#: With more names to choose from than this, none is suggested.
MOST_HINTED = 200
#: How many documents are looked for: each costs the database a question. Of those beyond, nothing is said.
MOST_LOOKED_FOR = 500
#: What a step's entry in a run holds.
ENTRY = (
	"status",
	"result",
	"error",
	"started_at",
	"completed_at",
	"due_at",
	"ready_at",
	"attempts",
	"retried",
	"waiting",
	"completed_by",
	"tries",
	"warnings",
)
TEMPLATE = ("name", "template_name", "version")
RUN = tuple(field.name for field in fields(Run))
MOMENTS: Mapping[str, FieldType] = {"now": FieldType("Datetime", "Now"), "today": FieldType("Date", "Today")}
#: What nothing more is known of: a row of a table, a field of the site's own.
UNKNOWN = FieldType("Unknown")


@dataclass(frozen=True, slots=True)
class About:
	"""What a template says beside its definition.

	Args:
		name: its number, if it is stored.
		doctype: the DocType that it applies to, if one.
		catalog: the one that its steps are of.
		event: its trigger event, if the definition does not say.
	"""

	name: str = ""
	doctype: str = ""
	catalog: str = ""
	event: str = ""


class Leads:
	"""One definition held against a host.

	Args:
		about: what the template says beside it.
		unsound: the ids of steps that are passed over, since something is wrong with how they are written.
	"""

	def __init__(self, host: Host, definition: Mapping[str, Any], about: About, unsound: Collection[str]):
		self.host = host
		self.about = about
		trigger = definition.get("trigger")
		self.trigger: Mapping[str, Any] = trigger if isinstance(trigger, Mapping) else {}
		self.event: TriggerEvent | None = host.events.get(about.event or str(self.trigger.get("event") or ""))
		steps = definition.get("steps")
		self.steps = [
			step
			for step in (steps if isinstance(steps, list) else ())
			if isinstance(step, Mapping) and isinstance(step.get("id"), str)
		]
		self.ids = {step["id"] for step in self.steps}
		self.definition = definition
		self.sound = [step for step in self.steps if step["id"] not in unsound]
		self._led: dict[str, tuple[str | None, list[FieldType]]] = {}
		self._missing: dict[tuple[str, str], bool] = {}

	def is_missing(self, doctype: str, name: str) -> bool:
		key = (doctype, name)
		if key not in self._missing:
			if len(self._missing) >= MOST_LOOKED_FOR:
				return False
			self._missing[key] = self.host.documents.is_missing(doctype, name)
		return self._missing[key]

	# What a path leads to

	def leads_to(self, path: str) -> tuple[str | None, list[FieldType]]:
		"""Why a path leads nowhere, or None; and what it may lead to, as far as anything says."""
		if path not in self._led:
			self._led[path] = self._lead(path)
		return self._led[path]

	def _lead(self, path: str) -> tuple[str | None, list[FieldType]]:
		root, *rest = path.split(".")
		if root not in ROOTS:
			return (
				f"{{{{{path[:60]}}}}} leads nowhere: there is no “{root[:60]}”.{hint(root, ROOTS)} It stays empty.",
				[],
			)
		if root in ("doc", "customer"):
			doctypes = self._doctypes if root == "doc" else (CUSTOMER,)
			return self._in_documents(path, doctypes, rest)
		if root in MOMENTS:
			if rest:
				return f"{{{{{path[:60]}}}}} leads nowhere: “{root}” has no parts. Write {{{{{root}}}}}.", []
			return None, [MOMENTS[root]]
		names: Iterable[str] | None = {
			"variables": self._variables, "steps": self.ids, "run": RUN, "template": TEMPLATE,
		}[root]  # fmt: skip
		if not rest or names is None:
			return None, []
		what = {
			"variables": "variable",
			"steps": "step",
			"run": "field of a run",
			"template": "field of a flow",
		}[root]
		if rest[0] not in names:
			return (
				f"{{{{{path[:60]}}}}} leads nowhere: there is no {what} “{rest[0][:60]}”.{hint(rest[0], names)} It stays empty.",
				[],
			)
		if root == "steps" and len(rest) > 1 and rest[1] not in ENTRY:
			return (
				f"{{{{{path[:60]}}}}} leads nowhere: a step has no “{rest[1][:60]}”.{hint(rest[1], ENTRY)} Use result.",
				[],
			)
		return None, []

	def _in_documents(
		self, path: str, doctypes: Iterable[str], rest: list[str]
	) -> tuple[str | None, list[FieldType]]:
		"""It leads nowhere only if it does in each of the DocTypes that a document may be of."""
		if not rest:
			return None, []
		wrong, found = None, []
		for doctype in doctypes:
			types = self.host.documents.types(doctype)
			if not types:
				return None, []
			name = _into(doctype, types, rest, self.host)
			if isinstance(name, FieldType):
				found.append(name)
			else:
				wrong = wrong or f"{{{{{path[:60]}}}}} leads nowhere: {name} It stays empty."
		return (None if found else wrong), found

	@cached_property
	def _doctypes(self) -> tuple[str, ...]:
		if self.about.doctype:
			return (self.about.doctype,)
		sources = self.event.sources if self.event else ()
		doctypes = dict.fromkeys(source.doctype for source in sources)
		return tuple(doctype for doctype in doctypes if self.host.documents.types(doctype))

	@cached_property
	def _variables(self) -> set[str] | None:
		"""The variables that there may be, or None if there may be any."""
		if self.event and not self.event.sources and self.event.name != "manual":
			return None  # whoever raises it in code may give any
		declared = self.definition.get("variables")
		names: list[Any] = list(declared) if isinstance(declared, Mapping) else []
		inputs = self.definition.get("inputs")
		for one in inputs if isinstance(inputs, list) else ():
			if isinstance(one, Mapping):
				names.append(one.get("name"))
		for source in self.event.sources if self.event else ():
			names += source.variables
		for _, kind, payload in self.payloads(self.steps):
			names += asked(kind.sets, payload)
		return {name for name in names if isinstance(name, str)}

	def gate(self) -> Iterator[tuple[str, str, Any]]:
		"""(path, operator, value) of each field that the trigger's condition reads; no value, if that is a field too."""
		for path, op, value in self.compared(self.trigger.get("condition")):
			if self.trigger.get("type") == DOCUMENT:
				# A document has the same fields before a change.
				path = path.removeprefix("doc.") if path.startswith(f"doc.{BEFORE}.") else path
				path = f"doc.{path.removeprefix(f'{BEFORE}.')}" if path.startswith(f"{BEFORE}.") else path
			yield path, op, value

	@staticmethod
	def conditions(kind: Kind, payload: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
		"""(field, condition) of each condition that a payload holds."""
		for field in kind.fields:
			for condition in field.type.conditions(payload.get(field.name)):
				yield field.name, condition

	def compared(self, condition: Any) -> Iterator[tuple[str, str, Any]]:
		"""The same of any condition: what it compares, and what else it reads, without an operator."""
		try:
			known = logic.read(condition, self.host.operators)
		except ValueError:
			return  # what is wrong with it, its own check says
		if known is None:
			return
		seen = set()
		for one in known.compared:
			seen.add(one.path)
			# A text that something is in is no list of choices.
			is_part = one.op == "in" and isinstance(one.value, str)
			yield from_roots(one.path), "" if is_part else one.op, None if is_part else one.value
		for path in known.paths:
			if path not in seen:
				yield from_roots(path), "", None

	# What stands in it

	def kind_of(self, step: Mapping[str, Any]) -> Kind | None:
		name = step.get("kind")
		return self.host.catalog.get(name) if isinstance(name, str) else None

	def payloads(
		self, steps: Iterable[Mapping[str, Any]] | None = None
	) -> Iterator[tuple[Mapping[str, Any], Kind, Mapping[str, Any]]]:
		for step in self.sound if steps is None else steps:
			kind, payload = self.kind_of(step), step.get("payload") or {}
			if kind is not None and isinstance(payload, Mapping):
				yield step, kind, payload


def _into(doctype: str, types: Types, parts: list[str], host: Host, hops: int = 0) -> FieldType | str:
	"""What a path within a document leads to, or why it leads nowhere."""
	name, *rest = parts
	about = types.get(name)
	if about is None and host.documents.may_hold(doctype, name):
		return UNKNOWN
	if about is None:
		return f"{doctype} has no field “{name[:60]}”.{hint(name, types)}"
	if not rest or about.fieldtype == "JSON":
		return about
	if about.fieldtype in LINKS:
		return _through(about, rest, host, hops + 1)
	if about.fieldtype not in TABLES:
		return f"{about.label} of {doctype} has no parts."
	rows = host.documents.types(about.options)
	is_row = rest[0].isascii() and rest[0].isdigit()
	if is_row:
		rest = rest[1:]
	if not rest or not rows:
		return UNKNOWN
	found = _into(about.options, rows, rest, host, hops)
	return (
		FieldType(COLUMN, f"{found.label} of {about.label}")
		if not is_row and isinstance(found, FieldType)
		else found
	)


def _through(link: FieldType, rest: list[str], host: Host, hops: int) -> FieldType | str:
	"""What a path leads to that goes on in the document which a field names."""
	if hops > MOST_HOPS:
		return f"it goes through more than {MOST_HOPS} documents."
	types = host.documents.types(link.options) if link.fieldtype == "Link" else {}
	return _into(link.options, types, rest, host, hops) if types else UNKNOWN


def asked(ask: Any, payload: Mapping[str, Any]) -> list[Any]:
	"""What a kind says of a payload; nothing, if the payload is not sound, which validation says."""
	try:
		return [said for said in ask(payload) if said]
	except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
		return []


def texts(value: Any) -> Iterator[str]:
	parts = [value]
	while parts:
		part = parts.pop()
		if isinstance(part, str):
			yield part
		elif isinstance(part, Mapping):
			parts += part.values()
		elif isinstance(part, list):
			parts += part


def hint(name: str, known: Iterable[str]) -> str:
	names = [one for one in known if one]
	close = difflib.get_close_matches(name[:64], names, n=1) if len(names) <= MOST_HINTED else ()
	return f" Did you mean “{close[0]}”?" if close else ""


def from_roots(path: str) -> str:
	"""A path of a condition, from the scope's roots: one that begins with none of them is the document's."""
	return path if path.split(".")[0] in ROOTS else f"doc.{path}"
