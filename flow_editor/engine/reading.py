"""Reading a definition: JSON, strictly, and within limits.

What two readers could take differently, or a database refuse, is refused here. Nothing is checked of what it means.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from flow_editor.engine.errors import Invalid, Problem


@dataclass(frozen=True, slots=True)
class Limits:
	"""How large a definition may be.

	Args:
		max_bytes: of its JSON text, in UTF-8.
		max_depth: of steps within steps.
		max_json_depth: of objects and lists within each other.
	"""

	max_steps: int = 10_000
	max_bytes: int = 8 * 1024 * 1024
	max_depth: int = 50
	max_json_depth: int = 32


#: What a definition may be, unless an admin says otherwise.
USUAL_LIMITS = Limits()
#: Of a whole number in JSON. What has more is no quantity, and past 308 not even a float holds it.
MAX_DIGITS = 100


def load(written: Any, limits: Limits = USUAL_LIMITS) -> dict[str, Any]:
	"""Read a definition from JSON text, or take one that is parsed.

	Raises:
		Invalid: it is no JSON, no object, too large or too deep.
	"""
	try:
		if isinstance(written, bytes):
			written = written.decode("utf-8")
		# Some editors begin a file with a byte order mark.
		text = written.removeprefix("\ufeff") if isinstance(written, str) else _dump(written)
		_check_size(text, limits)
		definition = read_json(text)
	except UnicodeDecodeError:
		raise _unreadable("The definition is not UTF-8 text.") from None
	except json.JSONDecodeError as error:
		raise _unreadable(
			f"The definition is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
		) from None
	except RecursionError:
		raise _unreadable(
			f"The definition is nested too deep; at most {limits.max_json_depth} levels are allowed."
		) from None
	except ValueError as error:
		raise _unreadable(f"The definition {error}") from None
	if not isinstance(definition, dict):
		raise _unreadable('The definition is not a JSON object. Write {"version": 1, "steps": [...]}.')
	depth = depth_of(definition)
	if depth > limits.max_json_depth:
		raise _unreadable(
			f"The definition is nested {depth} levels deep; at most {limits.max_json_depth} are allowed."
		)
	return definition


def _unreadable(message: str) -> Invalid:
	return Invalid.because([Problem(message, field="flow_definition")])


def _dump(value: Any) -> str:
	try:
		return json.dumps(value, ensure_ascii=False)
	except (TypeError, ValueError) as error:
		raise ValueError(f"holds what JSON cannot: {error}.") from None


def read_json(text: str) -> Any:
	"""Parse JSON strictly: what two readers could take differently, or a database refuse, is refused here.

	Raises:
		json.JSONDecodeError: it is not JSON.
		ValueError: it is not strict; the message goes on after the name of what was read.
		RecursionError: it is nested deeper than the stack.
	"""
	value = json.loads(
		text,
		object_pairs_hook=_distinct,
		parse_constant=_no_constant,
		parse_float=_finite,
		parse_int=_whole,
	)
	try:
		json.dumps(value, ensure_ascii=False).encode("utf-8")
	except UnicodeEncodeError:
		raise ValueError("holds half of a \\u pair, which is no character. Remove it.") from None
	return value


def _check_size(text: str, limits: Limits) -> None:
	size = len(text.encode("utf-8", "surrogatepass"))
	if size > limits.max_bytes:
		raise ValueError(
			f"has {size:,} bytes; at most {limits.max_bytes:,} are allowed. "
			"Split the flow in two, or shorten its texts."
		)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
	found: dict[str, Any] = {}
	for name, value in pairs:
		if name in found:
			raise ValueError(f"has the key {name[:60]!r} twice in one object. Remove one of them.")
		found[name] = value
	return found


def _no_constant(name: str) -> None:
	raise ValueError(f"holds {name}, which is no JSON. Write a number or null.")


def _finite(digits: str) -> float:
	number = float(digits)
	if not math.isfinite(number):
		raise ValueError(f"holds the number {digits[:20]}, which is too large. Write a smaller one.")
	return number


def _whole(digits: str) -> int:
	if len(digits) > MAX_DIGITS:
		raise ValueError(
			f"holds a number of {len(digits):,} digits; at most {MAX_DIGITS} are allowed. "
			"Write it as text, in quotes."
		)
	return int(digits)


def depth_of(value: Any) -> int:
	depth, level = 0, [value]
	while level:
		depth += 1
		level = [
			inner
			for outer in level
			for inner in (outer.values() if isinstance(outer, dict) else outer)
			if isinstance(inner, dict | list)
		]
	return depth
