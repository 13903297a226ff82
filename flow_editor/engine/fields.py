"""The fields of a payload, and what rendering needs to know of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

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


def _hold(
	when: Mapping[str, tuple[Any, ...]], payload: Mapping[str, Any], defaults: Mapping[str, Any]
) -> bool:
	return all(
		(defaults.get(other) if payload.get(other) in (None, "") else payload[other]) in values
		for other, values in when.items()
	)


class Fielded(Protocol):
	"""What has fields, such as a kind."""

	audience: Audience
	fields: tuple[Field, ...]

	@property
	def defaults(self) -> Mapping[str, Any]:
		"""What empty fields mean, by name."""

	def field(self, name: str) -> Field | None: ...

	def form_of(self, field: Field, payload: Mapping[str, Any]) -> Form:
		"""How a field's text is written in a step with this payload."""
