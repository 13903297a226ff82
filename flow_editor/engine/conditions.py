"""The operators of a condition, over whatever a document holds.

Values are compared as what they look like: numbers as numbers, dates as dates, everything else as text with
its case. A missing value (None, blank text, an empty list or mapping) is empty: it equals only what is empty
too, and is neither before nor after anything. 0 and false are not empty. Text is a number only in plain
decimal notation without leading zeros or a plus sign, so that "007" and "+15145550100" stay text between texts.
A number or a date is neither before nor after a text that reads as none ("1,000", "soon"). A boolean, and the
0 or 1 of a Check field, equals the words true, yes, false and no as they mean it.
Nothing here raises an error over a value, only over an unknown operator.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timezone
from decimal import Decimal
from typing import Any

from flow_editor.engine.render import as_text

NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,30})(?:\.\d{1,30})?")
LOOSE_NUMBER = re.compile(r"[+-]?\d{1,30}(?:\.\d{1,30})?")
MOMENT = re.compile(r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:?\d\d)?)?")
TRUE_WORDS = {"1", "true", "yes"}
FALSE_WORDS = {"0", "false", "no"}
#: Types that say themselves what they are. Text next to one must read as the same, or nothing compares.
TYPED = int | float | Decimal | date | Mapping | list | tuple | set


def is_empty(value: Any) -> bool:
	if value is None:
		return True
	if isinstance(value, str):
		return not value.strip()
	return isinstance(value, Mapping | list | tuple | set) and not value


def equals(left: Any, right: Any) -> bool:
	if is_empty(left) or is_empty(right):
		return is_empty(left) and is_empty(right)
	if isinstance(left, bool) or isinstance(right, bool) or _is_check(left, right) or _is_check(right, left):
		return _truth(left) is not None and _truth(left) == _truth(right)
	if isinstance(left, Mapping | list | tuple) or isinstance(right, Mapping | list | tuple):
		return as_text(left) == as_text(right)
	pair = _comparable(left, right)
	return pair is not None and pair[0] == pair[1]


def is_before(left: Any, right: Any) -> bool:
	"""Whether the one is less than the other; never where either is missing."""
	if is_empty(left) or is_empty(right):
		return False
	pair = _comparable(left, right)
	return pair is not None and pair[0] < pair[1]


def is_in(left: Any, right: Any) -> bool:
	"""Whether a value is one of a list, a JSON list or a comma-separated text."""
	return any(equals(left, item) for item in _items(right))


def contains(left: Any, right: Any) -> bool:
	"""Whether a list has the member, a mapping the key, or a text the part."""
	if is_empty(left) or is_empty(right):
		return False
	if isinstance(left, Mapping):
		return as_text(right) in left
	if isinstance(left, list | tuple | set):
		return any(equals(item, right) for item in left)
	return as_text(right) in as_text(left)


def _affix(test: Callable[[str, str], bool]) -> Callable[[Any, Any], bool]:
	return lambda left, right: (
		not is_empty(left) and not is_empty(right) and test(as_text(left), as_text(right))
	)


_TESTS: Mapping[str, Callable[[Any, Any], bool]] = {
	"==": equals,
	"!=": lambda left, right: not equals(left, right),
	"<": is_before,
	">": lambda left, right: is_before(right, left),
	"<=": lambda left, right: is_before(left, right) or _both_present_and_equal(left, right),
	">=": lambda left, right: is_before(right, left) or _both_present_and_equal(left, right),
	"in": is_in,
	"not_in": lambda left, right: not is_in(left, right),
	"empty": lambda left, right: is_empty(left),
	"not_empty": lambda left, right: not is_empty(left),
	"contains": contains,
	"starts_with": _affix(str.startswith),
	"ends_with": _affix(str.endswith),
}

#: The operators and the words that an operator reads for them.
OPERATORS: Mapping[str, str] = {
	"==": "is",
	"!=": "is not",
	"<": "is less than",
	">": "is more than",
	"<=": "is at most",
	">=": "is at least",
	"in": "is one of",
	"not_in": "is none of",
	"empty": "is empty",
	"not_empty": "is not empty",
	"contains": "contains",
	"starts_with": "starts with",
	"ends_with": "ends with",
}


def evaluate(left: Any, op: str, right: Any = None) -> bool:
	"""Compare two values.

	Raises:
		ValueError: there is no such operator.
	"""
	test = _TESTS.get(op) if isinstance(op, str) else None
	if test is None:
		raise ValueError(f"There is no operator {op!r}. Use one of {', '.join(OPERATORS)}.")
	return test(left, right)


def _both_present_and_equal(left: Any, right: Any) -> bool:
	return not is_empty(left) and not is_empty(right) and equals(left, right)


def _comparable(left: Any, right: Any) -> tuple[Any, Any] | None:
	"""The two as values of one type, or None where they have none in common."""
	texts = isinstance(left, str) and isinstance(right, str)
	# Next to a real number, "007" means 7; between two texts it is a code.
	numbers = _number(left, loose=not texts), _number(right, loose=not texts)
	if None not in numbers:
		return numbers
	moments = _moment(left), _moment(right)
	if None not in moments:
		return moments
	if isinstance(left, TYPED) or isinstance(right, TYPED):
		return None
	return as_text(left), as_text(right)


def _number(value: Any, *, loose: bool) -> Decimal | None:
	if isinstance(value, bool):
		return Decimal(int(value))
	if isinstance(value, int):
		return Decimal(value)
	if isinstance(value, float | Decimal):
		number = Decimal(str(value))
		return number if number.is_finite() else None
	if isinstance(value, str):
		text = value.strip()
		if (LOOSE_NUMBER if loose else NUMBER).fullmatch(text):
			return Decimal(text)
	return None


def _moment(value: Any) -> datetime | None:
	"""The moment that a value names; one with an offset in UTC, any other as it stands."""
	if isinstance(value, datetime):
		moment = value
	elif isinstance(value, date):
		return datetime.combine(value, time())
	elif isinstance(value, str) and MOMENT.fullmatch(value.strip()):
		try:
			moment = datetime.fromisoformat(_with_offset(value.strip()))
		except ValueError:
			return None
	else:
		return None
	if moment.tzinfo is None:
		return moment
	try:
		return moment.astimezone(timezone.utc).replace(tzinfo=None)
	except OverflowError:
		return None


def _with_offset(text: str) -> str:
	"""As Python 3.10 reads it: no Z, and a colon in the offset."""
	text = text[:-1] + "+00:00" if text.endswith("Z") else text
	return re.sub(r"([+-]\d\d)(\d\d)$", r"\1:\2", text) if len(text) > 10 else text


def _is_check(number: Any, word: Any) -> bool:
	return isinstance(number, int) and number in (0, 1) and isinstance(word, str) and _truth(word) is not None


def _truth(value: Any) -> bool | None:
	word = as_text(value).strip().lower()
	return True if word in TRUE_WORDS else False if word in FALSE_WORDS else None


def _items(value: Any) -> list[Any]:
	if isinstance(value, list | tuple | set):
		return list(value)
	if isinstance(value, str):
		text = value.strip()
		if text.startswith("["):
			try:
				parsed = json.loads(text)
			except (ValueError, RecursionError):
				parsed = None
			if isinstance(parsed, list):
				return parsed
		return [item.strip() for item in text.split(",")] if text else []
	return [] if value is None else [value]
