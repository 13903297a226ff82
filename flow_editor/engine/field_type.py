"""What a type of field is: one class with its schema, its words, its reading, its rendering and its form.

A kind's fields and a flow's inputs have the same types. A type keeps nothing of a field: each method is given it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, Protocol

from flow_editor.engine import render

#: How a field's text is written: as it is, as HTML, or as addresses of one medium.
Form = Literal["text", "html", "emails", "phones"]

TEMPLATED = r"\{\{"
NOTHING = {"enum": [None, ""]}


class Described(Protocol):
	"""What a type is told of its field: a kind's `Field`, or a flow's `Input`."""

	doctype: str
	minimum: float | None
	maximum: float | None
	unit: str

	@property
	def title(self) -> str:
		"""What the form calls it."""

	@property
	def choices(self) -> tuple[tuple[Any, str], ...]:
		"""The (value, label) pairs that there are to choose from."""

	@property
	def templated(self) -> bool:
		"""Whether `{{path}}` is rendered in it."""


class Type:
	"""A text of any kind. Every type of a field is one subclass, and stands in a table once.

	Attributes:
		name: what a descriptor calls the type.
		label: what an author reads who chooses the type of an input. A type without one is for a kind's fields alone.
		widget: the name of the form that the editor draws for it; by default the type's own.
		form: how its text is written.
		initial: what an input of this type is if nobody says anything.
		for_people: whether documents' fields are written in it as people read them, if the kind says that people do.
		is_number: whether it holds a number, which an author may write as a text.
		is_json: whether its text is JSON: it is parsed first, and its leaves are rendered after.
		is_path: whether its text is a path of the scope, without braces.
		takes_expression: whether its schema, which takes no text, takes an expression.
	"""

	name: str = ""
	label: str = ""
	widget: str = ""
	form: Form = "text"
	initial: Any = None
	for_people: bool = False
	is_number: bool = False
	is_json: bool = False
	is_path: bool = False
	takes_expression: bool = False

	def __str__(self) -> str:
		return self.name

	# Schema

	def schema(self, field: Described) -> dict[str, Any]:
		"""The JSON Schema of a field: nothing, a value of the type, or an expression if it is templated."""
		allowed = list(self.allowed(field))
		if self.takes_expression and field.templated:
			allowed.append({"type": "string", "pattern": TEMPLATED})
		# Nothing comes last: most fields that are checked hold something, and the first match ends the search.
		return {"anyOf": [*allowed, NOTHING]}

	def allowed(self, field: Described) -> Iterable[dict[str, Any]]:
		"""The JSON Schemas of what the type holds."""
		return ({"type": "string"},)

	# Words

	def expected(self, field: Described) -> str:
		"""What a field must hold, as a sentence that goes on after the field's label."""
		return "must be a text."

	def problem(self, value: Any) -> str | None:
		"""What is wrong with a value that the schema takes, going on after the field's label, or None.

		Args:
			value: as its author wrote it; a text may hold expressions.
		"""
		return None

	def conditions(self, value: Any) -> Iterable[Any]:
		"""The conditions that a value holds; see `engine.logic`."""
		return ()

	def misdeclared(self, field: Described) -> tuple[str, str] | None:
		"""Which part of an input's descriptor is wrong, and why; None if it is sound."""
		if None not in (field.minimum, field.maximum) and field.minimum > field.maximum:
			return (
				"maximum",
				f"{field.title} takes no number at all: at least {field.minimum:g} and at most {field.maximum:g}. Correct "
				"one.",
			)
		return None

	def names(self, doctype: str) -> str:
		"""The DocType that a value names a document of, or an empty text.

		Args:
			doctype: the one that the field's descriptor has.
		"""
		return ""

	def details(self, field: Described) -> dict[str, Any]:
		"""What the form needs to know of a field beside what every descriptor has."""
		return {}

	# Values

	def render(
		self, value: Any, scope: Mapping[str, Any], budget: render.Budget, write: Callable[[str], str]
	) -> Any:
		"""A templated field's value with its expressions rendered.

		Args:
			value: never None.
			budget: what the values may come to.
			write: how a text is rendered in the field's form.

		Raises:
			StepFailed: the values come to more than the budget.
			ValueError, RecursionError: the value is what validation refuses.
		"""
		if isinstance(value, str):
			return write(value)
		if isinstance(value, list):
			return [write(item) if isinstance(item, str) else item for item in value]
		return value

	def read(self, field: Described, value: Any, zone: str) -> Any:
		"""The value of an input. That a document is there is not asked here.

		Args:
			value: as somebody gave it; a form and a command line give texts.
			zone: the IANA name of the time zone of moments that name none.

		Raises:
			ValueError: it is not of this type. The message goes on after the input's name.
		"""
		raise ValueError(f"is of the type {self.name!r}, of which no input can be.")


class Gone(Type):
	"""The type of an input whose app is no longer installed. No value is of it, so that nothing is taken for what it is not."""

	def __init__(self, name: str):
		self.name = name

	def read(self, field, value, zone):
		raise ValueError(
			f"is of the type {self.name!r}, which no app here brings. Install the app that brings it, or give the input "
			"another type."
		)


class Types(dict[str, Type]):
	"""Types by name. A table equals itself alone, so that it can be part of a key."""

	__hash__ = object.__hash__
	__eq__ = object.__eq__

	def named(self, name: str) -> Type:
		"""The type of that name; if there is none, `Gone`."""
		return self.get(name) or Gone(name)

	def of_inputs(self) -> list[Type]:
		"""The types that an input can have."""
		return [one for one in self.values() if one.label]
