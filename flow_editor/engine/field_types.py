"""The types of fields that there are: one class each, and the table of them by name.

Another app brings a type as a subclass of `engine.field_type.Type` or of one of these; see docs/other-apps.md. It is one file,
though long: the types are read best beside one another.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any, Literal, Protocol

from flow_editor.engine import render, timing
from flow_editor.engine.field_type import NOTHING, TEMPLATED, Described, Type, Types
from flow_editor.engine.unseen import unseen_problem

NUMERIC = r"^\s*-?\d{1,15}(\.\d{1,15})?\s*$"
SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400}
TICKED = {"1": True, "true": True, "0": False, "false": False}
#: The ways to sign in that a field of type `auth` knows.
AUTH_TYPES = ("basic", "bearer")

#: What a length of time is put together of.
SPAN_PARTS = ("months", "days", "working_days", "hours", "minutes")
#: How many lanes a step names by itself.
MOST_LANES = 50


class Line(Type):
	"""A text of one line."""

	def problem(self, value):
		return unseen_problem(value) if isinstance(value, str) else None

	def read(self, field, value, zone):
		if not isinstance(value, str):
			raise ValueError("must be a text.")
		value = value.strip()
		if message := self.problem(value):
			raise ValueError(message)
		return value


class Text(Line):
	name = "text"
	label = "Text"
	for_people = True


class TextArea(Type):
	"""Several lines."""

	name = "textarea"
	label = "Long text"
	for_people = True

	def read(self, field, value, zone):
		if not isinstance(value, str):
			raise ValueError("must be a text.")
		if message := unseen_problem(value, lines=True):
			raise ValueError(message)
		return value


class Html(Type):
	"""Several lines that may hold HTML, and keep their line breaks; see `engine.markup`."""

	name = "html"
	form = "html"
	for_people = True


class Number(Type):
	name = "number"
	label = "Number"
	is_number = True
	takes_expression = True

	def allowed(self, field):
		bounds = {
			name: bound
			for name, bound in (("minimum", field.minimum), ("maximum", field.maximum))
			if bound is not None
		}
		return {"type": "number", **bounds}, {"type": "string", "pattern": NUMERIC}

	def noun(self, field: Described) -> str:
		"""What the number is called in a sentence."""
		return "a number"

	def expected(self, field):
		bounds = [
			f", at {word} {bound:g}"
			for word, bound in (("least", field.minimum), ("most", field.maximum))
			if bound is not None
		]
		return f"must be {self.noun(field)}{''.join(bounds)}{_or_expression(field)}."

	def read(self, field, value, zone):
		if isinstance(value, str) and re.match(NUMERIC, value):
			value = float(value) if "." in value else int(value)
		if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
			raise ValueError(f"must be {self.noun(field)}, such as 3 or 2.5.")
		if field.minimum is not None and value < field.minimum:
			raise ValueError(f"must be at least {field.minimum:g}.")
		if field.maximum is not None and value > field.maximum:
			raise ValueError(f"must be at most {field.maximum:g}.")
		return value


class Duration(Number):
	"""A number of the field's `unit`s. An input also reads a length such as 1h 30m."""

	name = "duration"
	label = "Length of time"

	def noun(self, field):
		return f"a number of {field.unit}"

	def details(self, field):
		return {"unit": field.unit}

	def read(self, field, value, zone):
		if isinstance(value, str) and not re.match(NUMERIC, value):
			try:
				span = timing.parse_span(value).normalized()
			except ValueError:
				span = None
			if span is None or span.years or span.months:
				raise ValueError(f"must be a number of {field.unit}, or a length such as 90m, 12h or 3d.")
			seconds = ((span.days * 24 + span.hours) * 60 + span.minutes) * 60 + span.seconds
			value = seconds / SECONDS[field.unit]
			value = int(value) if value == int(value) else value
		return super().read(field, value, zone)


class Select(Type):
	"""One of the field's options."""

	name = "select"
	label = "One of a list"
	takes_expression = True

	def allowed(self, field):
		return ({"enum": [value for value, _ in field.choices]},)

	def expected(self, field):
		return f"must be one of {_values(field)}{_or_expression(field)}."

	def misdeclared(self, field):
		if not field.choices:
			return "options", f"{field.title} has nothing to choose from. Add its options."
		return super().misdeclared(field)

	def read(self, field, value, zone):
		for known, _ in field.choices:
			if known == value or (isinstance(value, str) and str(known) == value.strip()):
				return known
		raise ValueError(f"must be one of {_values(field)}.")


class Check(Type):
	"""Yes or no. A box that nobody ticked says no."""

	name = "check"
	label = "Yes or no"
	initial = False
	takes_expression = True

	def allowed(self, field):
		return ({"enum": [True, False, 0, 1, "0", "1"]},)

	def expected(self, field):
		return "must be 0 or 1."

	def read(self, field, value, zone):
		ticked = TICKED.get(str(value).strip().lower()) if isinstance(value, str | int) else None
		if ticked is None:
			raise ValueError("must be 1 for yes or 0 for no.")
		return ticked


class Date(Line):
	name = "date"
	label = "Date"

	def read(self, field, value, zone):
		try:
			return date.fromisoformat(value.strip()).isoformat()
		except (AttributeError, ValueError):
			raise ValueError("must be a date such as 2027-03-31.") from None


class Datetime(Line):
	name = "datetime"
	label = "Date and time"

	def read(self, field, value, zone):
		try:
			if isinstance(value, str):
				return timing.in_seconds(timing.parse_moment(value, zone))
		except ValueError:
			pass
		raise ValueError("must be a date and time such as 2027-03-31 09:00.")


class Link(Line):
	"""The name of a document of the field's `doctype`."""

	name = "link"
	label = "Document"

	def names(self, doctype):
		return doctype

	def misdeclared(self, field):
		if not field.doctype:
			return "doctype", f"{field.title} names a document, but not of which DocType. Choose one."
		return super().misdeclared(field)


class DocType(Line):
	"""The name of a DocType."""

	name = "doctype"
	label = "DocType"

	def names(self, doctype):
		return "DocType"


class DocField(Line):
	"""The path of a field, such as doc.status."""

	name = "docfield"
	is_path = True


class Recipients(Type):
	"""Addresses or numbers, separated by commas, or a list of them."""

	name = "recipients"
	label = "Addresses"
	form = "emails"

	def allowed(self, field):
		return {"type": "string"}, {"type": "array", "items": {"type": "string"}}

	def expected(self, field):
		return "must be a text of addresses separated by commas, or a list of them."

	def problem(self, value):
		# What nobody sees in an address is taken away when it is read.
		texts = [value] if isinstance(value, str) else value
		return next((message for text in texts if (message := unseen_problem(text, lines=True))), None)

	def read(self, field, value, zone):
		if isinstance(value, list):
			return [_LINE.read(field, address, zone) for address in value]
		return _LINE.read(field, value, zone)


class Url(Line):
	name = "url"
	label = "Web address"

	def read(self, field, value, zone):
		text = super().read(field, value, zone)
		if not text.lower().startswith(("https://", "http://")):
			raise ValueError("must begin with https:// or http://.")
		return text


class Json(Type):
	"""A JSON object or list, or its text. One whole expression stands for its value."""

	name = "json"
	label = "JSON"
	is_json = True

	def allowed(self, field):
		return ({"type": ["string", "object", "array"]},)

	def expected(self, field):
		return "must be a JSON object or list, or a text that holds one."

	def render(self, value, scope, budget, write):
		if isinstance(value, str) and not render.whole(value):
			value = json.loads(value)
		return render.render_value(value, scope, budget)

	def read(self, field, value, zone):
		if isinstance(value, str):
			try:
				value = json.loads(value)
			except (ValueError, RecursionError):
				value = None
		if not isinstance(value, dict | list):
			raise ValueError("must be a JSON object or list.")
		return value


class Condition(Type):
	"""A condition; see `engine.logic`. What it reads, it reads by itself."""

	name = "condition"

	def conditions(self, value):
		return () if value in (None, "", {}) else (value,)

	def allowed(self, field):
		return ({"type": ["object", "string"]},)

	def expected(self, field):
		return 'must be a condition such as {"==": [{"var": "doc.status"}, "Open"]}.'


class Lanes(Type):
	"""Lanes of a step: a list of objects with a `value` and a `label`."""

	name = "lanes"
	#: What an item may hold beside both.
	more: Mapping[str, Any] = {}

	def allowed(self, field):
		known = {
			"value": {"type": "string", "minLength": 1, "maxLength": 64},
			"label": {"type": "string"},
			**self.more,
		}
		item = {
			"type": "object",
			"properties": known,
			"required": ["value", *self.more],
			"additionalProperties": False,
		}
		return ({"type": "array", "items": item, "minItems": 1, "maxItems": MOST_LANES},)

	def expected(self, field):
		return f"must be a list of 1 to {MOST_LANES} objects, each with a value and a label."


class Cases(Lanes):
	"""The same, each with the condition under which it is taken."""

	name = "cases"
	more = {"when": {"type": ["object", "string"]}}

	def expected(self, field):
		return (
			f"must be a list of 1 to {MOST_LANES} objects, each with a value, a label and a condition (when)."
		)

	def conditions(self, value):
		if not isinstance(value, list):
			return ()
		return [case.get("when") for case in value if isinstance(case, Mapping)]


class Value(Type):
	"""Any JSON value. One whole expression keeps the type of what it gives."""

	name = "value"

	def schema(self, field):
		return {}

	def render(self, value, scope, budget, write):
		return render.render_value(value, scope, budget, as_json=False)


class Values(Value):
	"""Names and a value each. A value that is one whole expression keeps its type."""

	name = "values"

	def schema(self, field):
		return {"anyOf": [{"type": "object"}, NOTHING]}

	def expected(self, field):
		return "must be names and a value each."


class Span(Value):
	"""A length of time: any of months, days, working_days, hours and minutes, each a number or an expression that gives one."""

	name = "span"

	def schema(self, field):
		amount = {"anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": TEMPLATED}]}
		return {
			"anyOf": [
				{
					"type": "object",
					"properties": dict.fromkeys(SPAN_PARTS, amount),
					"additionalProperties": False,
				},
				NOTHING,
			]
		}

	def expected(self, field):
		return f"must be a length of time, of {', '.join(SPAN_PARTS)}, each 0 or more."


class Auth(Type):
	"""How a call signs in: `type` (one of AUTH_TYPES), `user`, and the name of a `secret`."""

	name = "auth"

	def allowed(self, field):
		text = {"type": ["string", "null"]}
		return (
			{
				"type": "object",
				"properties": {"type": {"enum": [*AUTH_TYPES, None, ""]}, "user": text, "secret": text},
				"additionalProperties": False,
			},
		)

	def expected(self, field):
		return f"must be an object of type ({' or '.join(AUTH_TYPES)}), user, and secret, the name of one in Flow Settings."

	def problem(self, value):
		user = value.get("user")
		return unseen_problem(user) if isinstance(user, str) else None

	def render(self, value, scope, budget, write):
		return render.render_value(value, scope, budget)


_LINE = Line()


def type_table(types: Iterable[Type] = ()) -> Types:
	"""The built-in types and others, by name.

	Raises:
		TypeError: one is no type.
		ValueError: one has no name, or another type has taken that name.
	"""
	table = Types(BUILT_IN)
	for one in types:
		if not isinstance(one, Type):
			raise TypeError(f"{one!r} is no field type")
		if not one.name:
			raise ValueError(f"{type(one).__name__} has no name")
		known = table.setdefault(one.name, one)
		if type(known) is not type(one):
			raise ValueError(
				f"Two field types are called {one.name!r}: {type(known).__module__} and {type(one).__module__}"
			)
	return table


def _or_expression(field: Described) -> str:
	return " or an expression such as {{variables.x}}" if field.templated else ""


def _values(field: Described) -> str:
	return ", ".join(str(value) for value, _ in field.choices)


#: The types that there are without any other app, in the order in which an author chooses from them.
BUILT_IN = Types(
	(one.name, one)
	for one in (
		Text(),
		TextArea(),
		Html(),
		Number(),
		Select(),
		Check(),
		Date(),
		Datetime(),
		Duration(),
		Link(),
		DocType(),
		DocField(),
		Recipients(),
		Url(),
		Json(),
		Value(),
		Values(),
		Span(),
		Condition(),
		Lanes(),
		Cases(),
		Auth(),
	)
)
