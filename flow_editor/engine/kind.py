"""What a step kind is.

One subclass of `Kind` declares everything there is to know about a kind: the catalog entry that the editor
draws its form from, the JSON Schema that the validator checks payloads with, and what the step does. Nothing
else in the project lists kinds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
	from flow_editor.engine.context import StepContext
	from flow_editor.engine.definition import Step

FieldType = Literal[
	"text",  # one line
	"textarea",  # several lines
	"html",  # several lines that may hold HTML, which keep their line breaks; see `engine.markup`
	"number",
	"select",  # one of `options`
	"check",
	"date",
	"datetime",
	"duration",  # a number of `unit`s; the form also reads "1h 30m"
	"link",  # the name of a document of `doctype`
	"doctype",  # the name of a DocType
	"docfield",  # the path of a field, such as doc.status
	"json",  # a JSON text; parsed first, its leaves rendered after. One whole expression stands for its value
	"recipients",  # addresses or numbers, separated by commas
	"url",
	"value",  # any JSON scalar, or a list of them
	"auth",  # how a call signs in: `type` (basic, bearer), `user`, and the name of a `secret`
]

#: The ways to sign in that a field of type `auth` knows.
AUTH_TYPES = ("basic", "bearer")

#: The types that hold a number.
NUMBERS = ("number", "duration")
#: The types that hold a text of one line.
ONE_LINE = ("text", "url", "link", "doctype", "docfield", "date", "datetime")
Unit = Literal["seconds", "minutes", "hours", "days"]

Effect = Literal["none", "documents", "external"]
#: Who reads a kind's texts.
Audience = Literal["", "people"]
#: How a field's text is written: as it is, as HTML, or as addresses of one medium.
Form = Literal["text", "html", "emails", "phones"]


@dataclass(frozen=True, slots=True)
class Field:
	"""One payload field of a kind.

	Args:
		name: the key in the step's payload.
		type: decides the editor's widget and the payload's JSON Schema.
		label: what the form calls it.
		required: whether it may be missing or empty. A field that `shown_when` hides is never required.
		options: for `select`: the values, or (value, label) pairs.
		default: what an empty field means.
		templated: whether `{{path}}` is rendered in it.
		secrets: whether `{{secrets.name}}` may stand in it; see `engine.secrets`.
		doctype: for `link`: the DocType that it names a document of.
		shown_when: other fields and the values of theirs with which this one is shown, such as
			`{"channel": ("email",)}`.
		text_when: for `json`: likewise, the values with which it holds any text (a `textarea`) in place of JSON.
		minimum, maximum: bounds of a number.
		unit: for `duration`: what its number counts.
		help: a sentence under the field.
	"""

	name: str
	type: FieldType = "text"
	label: str = ""
	required: bool = False
	options: tuple[str | tuple[str, str], ...] = ()
	default: Any = None
	templated: bool = True
	secrets: bool = False
	doctype: str = ""
	shown_when: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
	text_when: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
	minimum: float | None = None
	maximum: float | None = None
	unit: Unit = "seconds"
	help: str = ""

	@property
	def choices(self) -> tuple[tuple[str, str], ...]:
		"""The options as (value, label) pairs."""
		return tuple((o, o.replace("_", " ").capitalize()) if isinstance(o, str) else o for o in self.options)

	def is_shown(self, payload: Mapping[str, Any], defaults: Mapping[str, Any]) -> bool:
		"""Whether this field applies, given the values of the others."""
		return _hold(self.shown_when, payload, defaults)

	def as_used(self, payload: Mapping[str, Any], defaults: Mapping[str, Any]) -> Field:
		"""This field as what it is, given the values of the others."""
		if self.text_when and _hold(self.text_when, payload, defaults):
			return replace(self, type="textarea", text_when={})
		return self

	def as_dict(self) -> dict[str, Any]:
		entry: dict[str, Any] = {
			"name": self.name,
			"type": self.type,
			"label": self.label or self.name.replace("_", " ").capitalize(),
			"required": self.required,
			"templated": self.templated,
		}
		if self.options:
			entry["options"] = [{"value": value, "label": label} for value, label in self.choices]
		if self.type == "duration":
			entry["unit"] = self.unit
		for name in ("shown_when", "text_when"):
			if when := getattr(self, name):
				entry[name] = {other: list(values) for other, values in when.items()}
		for name in ("default", "doctype", "minimum", "maximum", "help"):
			if (value := getattr(self, name)) not in (None, ""):
				entry[name] = value
		return entry


@dataclass(frozen=True, slots=True)
class Comparison:
	"""A value that a step compares, so that it can be told beforehand what cannot be.

	Args:
		field: the payload field that holds the value.
		path: what it is compared with: a path from the scope's roots.
		op: one of `conditions.OPERATORS`.
		value: as its author wrote it.
	"""

	field: str
	path: str
	op: str
	value: Any


@dataclass(frozen=True, slots=True)
class Write:
	"""A document that a step makes or changes, so that it can be told beforehand what will not fit, who has to be allowed
	to, and which flows it sets off.

	Args:
		doctype: its DocType.
		creates: whether it is made; else it is changed.
		values: what its author wrote for its fields, by name.
		field: the payload field in which all of them stand; if empty, each stands in the one of its own name.
		cut: those of its fields for which a text that is too long is shortened.
	"""

	doctype: str
	creates: bool = False
	values: Mapping[str, Any] = field(default_factory=dict)
	field: str = ""
	cut: tuple[str, ...] = ()


def _hold(
	when: Mapping[str, tuple[Any, ...]], payload: Mapping[str, Any], defaults: Mapping[str, Any]
) -> bool:
	return all(
		(defaults.get(other) if payload.get(other) in (None, "") else payload[other]) in values
		for other, values in when.items()
	)


class Kind:
	"""A step kind. Subclass it, set the attributes, and write `run`, or `prepare` and `send`.

	A kind whose effect is `none` or `documents` writes `run`: it happens in the transaction of the run's own
	state, under a savepoint, so it happens exactly once. A kind whose effect is `external` writes `prepare`,
	which returns all that the call needs as JSON and is committed first, and `send`, which makes the call
	outside any transaction and may be repeated with the same idempotency key.
	"""

	name: str = ""
	label: str = ""
	icon: str = "tool"
	color: str = "gray"
	catalog: str = "project"
	description: str = ""
	#: One phrase for the step's card, with payload fields in single braces, and after a bar what stands for an
	#: empty one: "E-mail to {to|the customer}".
	summary: str = ""
	#: The same for the confirmation before a start, if that has more to say: what is sent, or what is made.
	announcement: str = ""
	fields: tuple[Field, ...] = ()
	#: (name, label) of what the step's result holds, for the picker of paths.
	results: tuple[tuple[str, str], ...] = ()
	#: (value, label) of each branch that `result.branch` may name; empty for a kind that does not branch.
	branches: tuple[tuple[str, str], ...] = ()
	effect: Effect = "none"
	#: If people read its texts, documents' fields are written in them as people read them; see `engine.people`.
	audience: Audience = ""
	#: Whether `run` needs nothing but the step and what the run already knows, and is quick: then it may be done within
	#: the save that sets the run off. One that reads more than that of its scope is done by a worker all the same.
	self_contained: bool = False
	#: Whether the runtime can run it. A kind that is only composed and stored says False.
	runnable: bool = True

	def effect_of(self, payload: Mapping[str, Any]) -> Effect:
		"""The effect of this very step. Most kinds have one; `notify` decides by its channel."""
		return self.effect

	def sends(self, payload: Mapping[str, Any]) -> bool:
		"""Whether this very step has something go out to somebody, so that a start has to be confirmed with it."""
		return self.effect_of(payload) == "external"

	def announce(self, payload: Mapping[str, Any]) -> str:
		"""The phrase for this very step in the confirmation before a start."""
		return self.announcement or self.summary or self.label

	def form_of(self, field: Field, payload: Mapping[str, Any]) -> Form:
		"""How a templated text field of this very step is written. Most kinds leave it to the field's type."""
		return {"html": "html", "recipients": "emails"}.get(field.type, "text")

	def check(self, payload: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
		"""What the schema cannot say: (field, message) for each further thing wrong with a payload."""
		return ()

	def compares(self, payload: Mapping[str, Any]) -> Iterable[Comparison]:
		"""What a step with this payload compares."""
		return ()

	def writes(self, payload: Mapping[str, Any]) -> Iterable[Write]:
		"""The documents that a step with this payload makes and changes, as far as its payload says."""
		return ()

	def reads(self, payload: Mapping[str, Any]) -> Iterable[str]:
		"""The DocTypes of which a step with this payload reads documents, beside the run's own and its customer: by default
		those that its links name."""
		return [
			field.doctype
			for field in self.fields
			if field.doctype and payload.get(field.name) and field.is_shown(payload, self.defaults)
		]

	def sets(self, payload: Mapping[str, Any]) -> Iterable[str]:
		"""The variables that a step with this payload gives a value."""
		return ()

	def run(self, step: Step, ctx: StepContext) -> Any:
		"""Do the step and return its result (JSON). Raise `StepFailed` when it cannot be done."""
		raise NotImplementedError(f"{self.name} has no run()")

	def prepare(self, step: Step, ctx: StepContext) -> dict[str, Any]:
		"""Return all that `send` needs, as JSON. Runs in the transaction; must not call out."""
		raise NotImplementedError(f"{self.name} has no prepare()")

	def send(self, request: dict[str, Any], ctx: StepContext) -> Any:
		"""Make the call and return the step's result (JSON). Runs outside any transaction.

		`ctx.idempotency_key` is the same at every repetition of one attempt group. The document ports of
		`ctx` must not be used for writing here.
		"""
		raise NotImplementedError(f"{self.name} has no send()")

	def field(self, name: str) -> Field | None:
		return next((field for field in self.fields if field.name == name), None)

	@property
	def defaults(self) -> dict[str, Any]:
		return {field.name: field.default for field in self.fields if field.default is not None}

	def as_dict(self) -> dict[str, Any]:
		"""The kind's entry in `GET /flow/catalog`."""
		return {
			"name": self.name,
			"label": self.label,
			"icon": self.icon,
			"color": self.color,
			"catalog": self.catalog,
			"description": self.description,
			"summary": self.summary,
			"effect": self.effect,
			"runnable": self.runnable,
			"has_branches": bool(self.branches),
			"branches": [{"value": value, "label": label} for value, label in self.branches],
			"results": [{"name": name, "label": label} for name, label in self.results],
			"fields": [field.as_dict() for field in self.fields],
		}


class Catalog(Mapping[str, Kind]):
	"""The kinds that a host knows, by name, in the order in which they were registered."""

	def __init__(self, kinds: Iterable[Kind] = ()):
		self._kinds: dict[str, Kind] = {}
		for kind in kinds:
			self.add(kind)

	def add(self, kind: Kind) -> None:
		"""Register a kind.

		Raises:
			ValueError: it has no name, or another kind has taken that name.
		"""
		if not kind.name:
			raise ValueError(f"{type(kind).__name__} has no name")
		known = self._kinds.get(kind.name)
		if known is not None and type(known) is not type(kind):
			raise ValueError(
				f"Two kinds are called {kind.name!r}: {type(known).__module__} and {type(kind).__module__}"
			)
		self._kinds[kind.name] = kind

	def __getitem__(self, name: str) -> Kind:
		return self._kinds[name]

	def get(self, name: str, default: Any = None) -> Any:
		return self._kinds.get(name, default)  # every step asks, and Mapping's own would catch an error

	def __iter__(self) -> Iterator[str]:
		return iter(self._kinds)

	def __len__(self) -> int:
		return len(self._kinds)

	def as_list(self) -> list[dict[str, Any]]:
		return [kind.as_dict() for kind in self.values()]
