"""What a flow is given when it starts: whether its inputs are declared soundly, and whether values are of their types.

A form and a command line send text, so a value is read by its input's type: "3" is a number, "yes" none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from jsonschema import Draft202012Validator

from flow_editor.engine import start
from flow_editor.engine.definition import Input, parse_input
from flow_editor.engine.errors import Problem
from flow_editor.engine.field_type import Types
from flow_editor.engine.field_types import BUILT_IN, SECONDS
from flow_editor.engine.render import CLOSE, OPEN
from flow_editor.engine.schema import input_schema
from flow_editor.engine.unseen import unseen_problem

MANUAL = "manual"
#: More than these nobody fills in.
MOST_INPUTS = 100


def is_blank(value: Any) -> bool:
	return value is None or value in ([], {}) or (isinstance(value, str) and not value.strip())


# Values


def read_given(
	inputs: Iterable[Input], given: Mapping[str, Any], zone: str
) -> tuple[dict[str, Any], list[Problem]]:
	"""The given variables, and what is wrong with them.

	An input's value is read by its type. An empty one is left out, so that its default holds.

	Args:
		given: as somebody gave them, by name.
		zone: the IANA name of the time zone of moments that name none.

	Returns:
		The variables by name, and a problem for each input that is missing or not of its type.
	"""
	values, problems = dict(given), []
	for one in inputs:
		value = values.get(one.name)
		if is_blank(value):
			values.pop(one.name, None)  # so that its default holds
			if one.must_be_given:
				problems.append(Problem(f"{one.title} is missing. Give it.", field=f"variables.{one.name}"))
			continue
		try:
			values[one.name] = read(one, value, zone)
		except ValueError as error:
			problems.append(Problem(f"{one.title} {error}", field=f"variables.{one.name}"))
	return values, problems


def read(one: Input, value: Any, zone: str) -> Any:
	"""A value as its input's type has it. It never asks whether a document is there.

	Raises:
		ValueError: it is not of that type. The message goes on after the input's name.
	"""
	return one.type.read(one, value, zone)


# How they are declared


@lru_cache(maxsize=16)
def _schema(types: Types) -> Draft202012Validator:
	return Draft202012Validator(input_schema(types))


EXPECTED = {
	"name": "must be letters, digits and _, at most 64, and not begin with a digit. It is read as {{variables.name}}.",
	"label": "must be a text of at most 140 characters.",
	"required": "must be true or false.",
	"options": "must be a list of values, or of objects with value and label.",
	"doctype": "must be the name of a DocType.",
	"minimum": "must be a number.",
	"maximum": "must be a number.",
	"unit": f"must be one of {', '.join(SECONDS)}.",
	"help": "must be a text of at most 500 characters.",
}


def problems(definition: Mapping[str, Any], types: Types = BUILT_IN) -> Iterator[Problem]:
	"""What is wrong with the inputs that a definition declares. The field of each is `inputs.NAME.PART`.

	Args:
		types: the types of fields that there are.
	"""
	declared = definition.get("inputs")
	if not isinstance(declared, list):
		return
	if len(declared) > MOST_INPUTS:
		yield Problem(
			f"The flow asks for {len(declared)} inputs; at most {MOST_INPUTS} are allowed.", field="inputs"
		)
		return
	seen: set[str] = set()
	for index, raw in enumerate(declared):
		if not isinstance(raw, dict):
			yield Problem(
				f"Input {index + 1} is not an object. Write it with name, type and label.", field="inputs"
			)
			continue
		name = raw.get("name")
		where = f"inputs.{name[:64] if isinstance(name, str) and name else index + 1}"
		shape = list(_shape_problems(raw, where, types))
		yield from shape
		if isinstance(name, str):
			if name in seen:
				yield Problem(
					f"There are two inputs called {name[:64]!r}. Give one another name.",
					field=f"{where}.name",
				)
			seen.add(name)
		if not shape:
			yield from _sense_problems(parse_input(raw, types), where, _starts_by_hand(definition))


def _shape_problems(raw: dict[str, Any], where: str, types: Types) -> Iterator[Problem]:
	schema = _schema(types)
	known = schema.schema["properties"]
	for name in raw:
		if name not in known:
			yield Problem(f"{name[:60]!r} is not known here. Remove it.", field=f"{where}.{name[:60]}")
	if raw.get("name") in (None, ""):
		yield Problem("Name is missing. Add it.", field=f"{where}.name")
		return
	for name in ("label", "help"):
		if isinstance(raw.get(name), str) and (message := unseen_problem(raw[name])):
			yield Problem(f"{name.capitalize()} {message}", field=f"{where}.{name}")
	wrong = {str(error.absolute_path[0]) for error in schema.iter_errors(raw) if error.absolute_path}
	for name in known:
		if name in wrong:
			choices = ", ".join(one.name for one in types.of_inputs())
			expected = f"is not known. Use one of {choices}." if name == "type" else EXPECTED[name]
			yield Problem(f"{name.capitalize()} {expected}", field=f"{where}.{name}")


def _sense_problems(one: Input, where: str, by_hand: bool) -> Iterator[Problem]:
	if wrong := one.type.misdeclared(one):
		part, message = wrong
		yield Problem(message, field=f"{where}.{part}")
	elif message := _default_problem(one):
		yield Problem(message, field=f"{where}.default")
	if one.must_be_given and not by_hand:
		yield Problem(
			f"{one.title} must be given, but this flow starts by itself, where nobody is asked. Give it a default, "
			"make it optional, or let the flow be started by hand.",
			field=f"{where}.required",
		)


def _default_problem(one: Input) -> str | None:
	default = one.default
	if default is None:
		return None
	if isinstance(default, str) and (OPEN in default or CLOSE in default):
		return f"The default of {one.title} is a value, and no expression is rendered in it. Write the value."
	try:
		if one.type.is_number and isinstance(default, str):
			raise ValueError("must be a number, without quotes.")
		read(one, default, "UTC")
	except ValueError as error:
		return f"The default of {one.title} {error}"
	return None


def _starts_by_hand(definition: Mapping[str, Any]) -> bool:
	return start.type_of(definition.get("trigger")) == start.MANUAL
