"""The fields of a payload, and what rendering needs to know of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

from flow_editor.engine.field_type import Form, Type
from flow_editor.engine.field_types import BUILT_IN

Unit = Literal["seconds", "minutes", "hours", "days"]

Effect = Literal["none", "documents", "external"]
#: Who reads a kind's texts.
Audience = Literal["", "people"]


@dataclass(frozen=True, slots=True)
class Field:
	"""One payload field of a kind.

	Args:
		name: the key in the step's payload.
		type: what it holds; see `engine.field_types`. A built-in type goes by its name too.
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

	Raises:
		ValueError: there is no built-in type of that name.
	"""

	name: str
	type: Type | str = "text"
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

	def __post_init__(self) -> None:
		if isinstance(self.type, str):
			known = BUILT_IN.get(self.type)
			if known is None:
				raise ValueError(
					f"There is no field type {self.type!r}. Use one of {', '.join(BUILT_IN)}, or give the type itself."
				)
			object.__setattr__(self, "type", known)

	@property
	def title(self) -> str:
		"""What the form calls it."""
		return self.label or self.name.replace("_", " ").capitalize()

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
			"type": self.type.name,
			"widget": self.type.widget or self.type.name,
			"label": self.title,
			"required": self.required,
			"templated": self.templated,
			**self.type.details(self),
		}
		if self.options:
			entry["options"] = [{"value": value, "label": label} for value, label in self.choices]
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
