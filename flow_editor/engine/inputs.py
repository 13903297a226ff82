"""What a flow is given when it starts: whether its inputs are declared soundly, and whether values are of their types.

A form and a command line send text, so a value is read by its input's type: "3" is a number, "yes" none.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from jsonschema import Draft202012Validator

from flow_editor.engine import timing
from flow_editor.engine.definition import INPUT_TYPES, Input, parse_input
from flow_editor.engine.errors import Problem
from flow_editor.engine.render import CLOSE, OPEN
from flow_editor.engine.schema import NUMERIC, input_schema
from flow_editor.engine.unseen import unseen_problem

MANUAL = "manual"
#: More than these nobody fills in.
MOST_INPUTS = 100
#: The types that name a document, or a DocType.
LINKS = ("link", "doctype")
NUMBERS = ("number", "duration")
SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400}
TICKED = {"1": True, "true": True, "0": False, "false": False}


def is_blank(value: Any) -> bool:
	return value is None or value in ([], {}) or (isinstance(value, str) and not value.strip())


# Values


def read_given(
	inputs: Iterable[Input], given: Mapping[str, Any], zone: str
) -> tuple[dict[str, Any], list[Problem]]:
	"""The given variables, those that are inputs as values of their types, without those that are empty; and a problem
	for each input that is missing or not of its type."""
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
	"""A value as its input's type has it; that a document is there is not asked here.

	Raises:
		ValueError: it is not of that type. The message goes on after the input's name.
	"""
	return READERS[one.type](one, value, zone)


def _text(one: Input, value: Any, zone: str) -> str:
	if not isinstance(value, str):
		raise ValueError("must be a text.")
	value = value.strip()
	if message := unseen_problem(value):
		raise ValueError(message)
	return value


def _long_text(one: Input, value: Any, zone: str) -> str:
	if not isinstance(value, str):
		raise ValueError("must be a text.")
	if message := unseen_problem(value, lines=True):
		raise ValueError(message)
	return value


def _number(one: Input, value: Any, zone: str) -> float:
	if isinstance(value, str) and re.match(NUMERIC, value):
		value = float(value) if "." in value else int(value)
	if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
		raise ValueError("must be a number, such as 3 or 2.5.")
	if one.minimum is not None and value < one.minimum:
		raise ValueError(f"must be at least {one.minimum:g}.")
	if one.maximum is not None and value > one.maximum:
		raise ValueError(f"must be at most {one.maximum:g}.")
	return value


def _duration(one: Input, value: Any, zone: str) -> float:
	if isinstance(value, str) and not re.match(NUMERIC, value):
		try:
			span = timing.parse_span(value).normalized()
		except ValueError:
			span = None
		if span is None or span.years or span.months:
			raise ValueError(f"must be a number of {one.unit}, or a length such as 90m, 12h or 3d.")
		seconds = ((span.days * 24 + span.hours) * 60 + span.minutes) * 60 + span.seconds
		value = seconds / SECONDS[one.unit]
		value = int(value) if value == int(value) else value
	try:
		return _number(one, value, zone)
	except ValueError as error:
		raise ValueError(str(error).replace("a number,", f"a number of {one.unit},")) from None


def _option(one: Input, value: Any, zone: str) -> Any:
	for known, _ in one.options:
		if known == value or (isinstance(value, str) and str(known) == value.strip()):
			return known
	raise ValueError(f"must be one of {', '.join(str(known) for known, _ in one.options)}.")


def _tick(one: Input, value: Any, zone: str) -> bool:
	ticked = TICKED.get(str(value).strip().lower()) if isinstance(value, str | int) else None
	if ticked is None:
		raise ValueError("must be 1 for yes or 0 for no.")
	return ticked


def _day(one: Input, value: Any, zone: str) -> str:
	try:
		return date.fromisoformat(value.strip()).isoformat()
	except (AttributeError, ValueError):
		raise ValueError("must be a date such as 2027-03-31.") from None


def _moment(one: Input, value: Any, zone: str) -> str:
	try:
		if isinstance(value, str):
			return timing.parse_moment(value, zone).isoformat(sep=" ", timespec="seconds")
	except ValueError:
		pass
	raise ValueError("must be a date and time such as 2027-03-31 09:00.")


def _recipients(one: Input, value: Any, zone: str) -> str | list[str]:
	if isinstance(value, list):
		return [_text(one, address, zone) for address in value]
	return _text(one, value, zone)


def _url(one: Input, value: Any, zone: str) -> str:
	text = _text(one, value, zone)
	if not text.lower().startswith(("https://", "http://")):
		raise ValueError("must begin with https:// or http://.")
	return text


def _json(one: Input, value: Any, zone: str) -> Any:
	if isinstance(value, str):
		try:
			value = json.loads(value)
		except (ValueError, RecursionError):
			value = None
	if not isinstance(value, dict | list):
		raise ValueError("must be a JSON object or list.")
	return value


#: How a value of each of INPUT_TYPES is read.
READERS: Mapping[str, Callable[[Input, Any, str], Any]] = {
	"text": _text,
	"textarea": _long_text,
	"number": _number,
	"select": _option,
	"check": _tick,
	"date": _day,
	"datetime": _moment,
	"duration": _duration,
	"link": _text,
	"doctype": _text,
	"recipients": _recipients,
	"url": _url,
	"json": _json,
}


# How they are declared

_SCHEMA = Draft202012Validator(input_schema())
EXPECTED = {
	"name": "must be letters, digits and _, at most 64, and not begin with a digit. It is read as {{variables.name}}.",
	"type": f"is not known. Use one of {', '.join(INPUT_TYPES)}.",
	"label": "must be a text of at most 140 characters.",
	"required": "must be true or false.",
	"options": "must be a list of values, or of objects with value and label.",
	"doctype": "must be the name of a DocType.",
	"minimum": "must be a number.",
	"maximum": "must be a number.",
	"unit": f"must be one of {', '.join(SECONDS)}.",
	"help": "must be a text of at most 500 characters.",
}


def problems(definition: Mapping[str, Any]) -> Iterator[Problem]:
	"""What is wrong with the inputs that a definition declares. The field of each is `inputs.NAME.PART`."""
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
		shape = list(_shape_problems(raw, where))
		yield from shape
		if isinstance(name, str):
			if name in seen:
				yield Problem(
					f"There are two inputs called {name[:64]!r}. Give one another name.",
					field=f"{where}.name",
				)
			seen.add(name)
		if not shape:
			yield from _sense_problems(parse_input(raw), where, _starts_by_hand(definition))


def _shape_problems(raw: dict[str, Any], where: str) -> Iterator[Problem]:
	known = _SCHEMA.schema["properties"]
	for name in raw:
		if name not in known:
			yield Problem(f"{name[:60]!r} is not known here. Remove it.", field=f"{where}.{name[:60]}")
	if raw.get("name") in (None, ""):
		yield Problem("Name is missing. Add it.", field=f"{where}.name")
		return
	for name in ("label", "help"):
		if isinstance(raw.get(name), str) and (message := unseen_problem(raw[name])):
			yield Problem(f"{name.capitalize()} {message}", field=f"{where}.{name}")
	wrong = {str(error.absolute_path[0]) for error in _SCHEMA.iter_errors(raw) if error.absolute_path}
	for name in known:
		if name in wrong:
			yield Problem(f"{name.capitalize()} {EXPECTED[name]}", field=f"{where}.{name}")


def _sense_problems(one: Input, where: str, by_hand: bool) -> Iterator[Problem]:
	if one.type == "select" and not one.options:
		yield Problem(f"{one.title} has nothing to choose from. Add its options.", field=f"{where}.options")
	elif one.type == "link" and not one.doctype:
		yield Problem(
			f"{one.title} names a document, but not of which DocType. Choose one.", field=f"{where}.doctype"
		)
	elif None not in (one.minimum, one.maximum) and one.minimum > one.maximum:
		message = f"{one.title} takes no number at all: at least {one.minimum:g} and at most {one.maximum:g}. Correct one."
		yield Problem(message, field=f"{where}.maximum")
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
		if one.type in NUMBERS and isinstance(default, str):
			raise ValueError("must be a number, without quotes.")
		read(one, default, "UTC")
	except ValueError as error:
		return f"The default of {one.title} {error}"
	return None


def _starts_by_hand(definition: Mapping[str, Any]) -> bool:
	trigger = definition.get("trigger")
	return not isinstance(trigger, Mapping) or (trigger.get("event") or MANUAL) == MANUAL
