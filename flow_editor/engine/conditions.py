"""The operators of a condition, over whatever a document holds.

Values are compared by their types: numbers as numbers, days as days, times of day as such, texts as text with its case (in
NFC, trimmed). A text that is held against a typed value is read by that type, as the site writes it. A day against a
moment compares days. Two texts are numbers, dates or times if both look so; text is a number, plain or as the site writes
it, only without leading zeros or a plus sign, so that "007" and "+15145550100" stay text between texts.

A missing value (None, blank text, an empty list or mapping, a number that is none) is empty: it equals only what is empty
too, and is neither before nor after anything. 0 and false are not empty. A boolean, and the 0 or 1 of a Check field,
equals the words true, yes, false and no as they mean it.

What cannot be compared (a date with a word, rows with a text) is never answered: it raises `Uncomparable`. It is one file,
though long: what two values are alike as is decided at one place.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from flow_editor.engine.plain import as_text
from flow_editor.engine.values import COLUMN, NUMBERS, TABLES, Conventions, FieldType, read_time

NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,30})(?:\.\d{1,30})?")
#: What a code or a telephone number begins with, and no number.
NO_NUMBER = re.compile(r"\+|-?0\d")
TRUE_WORDS = {"1", "true", "yes"}
FALSE_WORDS = {"0", "false", "no"}
USUAL = Conventions()
#: How much of a value stands in a sentence about it.
SHOWN_LENGTH = 60

#: The types that a value can have here, and the word for each.
CHECK, AMOUNT, DAY, MOMENT, TIME, ROWS, TEXT = (
	"a yes or no", "a number", "a date", "a moment", "a time of day", "a list or table", "a text",
)  # fmt: skip
EXAMPLES: Mapping[str, str] = {
	CHECK: "Yes or No",
	AMOUNT: "1000.50",
	DAY: "2026-12-31 or {{today}}",
	MOMENT: "2026-12-31 09:30 or {{now}}",
	TIME: "09:30",
}


#: What Frappe's field types hold, and a value of each type.
BY_FIELD: Mapping[str, str] = {
	"Date": DAY, "Datetime": MOMENT, "Time": TIME, **dict.fromkeys(NUMBERS, AMOUNT),
	**dict.fromkeys((*TABLES, COLUMN), ROWS),
}  # fmt: skip
#: The word and the example for fields whose numbers are written otherwise than amounts.
OF_FIELD: Mapping[str, tuple[str, str]] = {
	"Check": (CHECK, EXAMPLES[CHECK]),
	"Int": ("a whole number", "3"),
	"Percent": ("a number", "12.5"),
	"Duration": ("a length of time in seconds", "3600"),
}
EXAMPLE_VALUES: Mapping[str, Any] = {
	AMOUNT: Decimal("1000.5"),
	DAY: date(2026, 12, 31),
	MOMENT: datetime(2026, 12, 31, 9, 30),
	TIME: time(9, 30),
}


class Uncomparable(ValueError):
	"""Two values that have nothing in common. The message is a sentence that says what to write."""


def is_empty(value: Any) -> bool:
	if value is None:
		return True
	if isinstance(value, str):
		return not value.strip()
	if isinstance(value, float | Decimal):
		return not math.isfinite(value)
	return isinstance(value, Mapping | list | tuple | set) and not value


def equals(left: Any, right: Any, site: Conventions = USUAL) -> bool:
	"""Whether the two are the same. Raises Uncomparable."""
	if is_empty(left) or is_empty(right):
		return is_empty(left) and is_empty(right)
	one, other = _alike(left, right, site, in_order=False)
	return one == other


def is_before(left: Any, right: Any, site: Conventions = USUAL) -> bool:
	"""Whether the one is less than the other; never if either is missing. Raises Uncomparable."""
	if is_empty(left) or is_empty(right):
		return False
	one, other = _alike(left, right, site, in_order=True)
	return one < other


def is_in(left: Any, right: Any, site: Conventions = USUAL) -> bool:
	"""Whether a value is one of a list, a JSON list or a comma-separated text. Raises Uncomparable if it is none of
	them, and one of them is nothing that it could be."""
	refused: Uncomparable | None = None
	for item in members(right):
		try:
			if equals(left, item, site):
				return True
		except Uncomparable as error:
			refused = error
	if refused is not None:
		raise refused
	return False


def contains(left: Any, right: Any, site: Conventions = USUAL) -> bool:
	"""Whether a list has the member, a mapping the key, or a text the part. Raises Uncomparable over rows."""
	if is_empty(left) or is_empty(right):
		return False
	if isinstance(left, Mapping):
		return as_text(right) in left
	if isinstance(left, list | tuple | set):
		if any(isinstance(item, Mapping) for item in left):
			raise Uncomparable(
				f"{_named(left)} is a table, and {_named(right)} is none of its rows. Name a column of it."
			)
		return is_in(right, list(left), site)
	return _plain(right) in _plain(left)


def _affix(test: Callable[[str, str], bool]) -> Callable[[Any, Any, Conventions], bool]:
	def compare(left: Any, right: Any, site: Conventions) -> bool:
		if is_empty(left) or is_empty(right):
			return False
		if _type(left) == ROWS:
			raise Uncomparable(
				f"{_named(left)} is {ROWS}, which does not begin or end with anything. Use “contains”."
			)
		return test(_plain(left), _plain(right))

	return compare


_TESTS: Mapping[str, Callable[[Any, Any, Conventions], bool]] = {
	"==": equals,
	"!=": lambda left, right, site: not equals(left, right, site),
	"<": is_before,
	">": lambda left, right, site: is_before(right, left, site),
	"<=": lambda left, right, site: is_before(left, right, site) or _both_and_equal(left, right, site),
	">=": lambda left, right, site: is_before(right, left, site) or _both_and_equal(left, right, site),
	"in": is_in,
	"not_in": lambda left, right, site: not is_in(left, right, site),
	"empty": lambda left, right, site: is_empty(left),
	"not_empty": lambda left, right, site: not is_empty(left),
	"contains": contains,
	"starts_with": _affix(str.startswith),
	"ends_with": _affix(str.endswith),
}


def same_text(left: Any, right: Any, site: Conventions = USUAL) -> bool:
	"""Whether two texts are the same but for their case and accents' composition."""
	if is_empty(left) or is_empty(right):
		return is_empty(left) and is_empty(right)
	return _plain(left).casefold() == _plain(right).casefold()


#: What conditions compare two values with: the operators that a step offers, and one more.
COMPARISONS: Mapping[str, Callable[[Any, Any, Conventions], bool]] = {**_TESTS, "same_text": same_text}


def compare(op: str, left: Any, right: Any = None, site: Conventions = USUAL) -> bool:
	"""Compare two values by one of COMPARISONS. Raises Uncomparable."""
	return COMPARISONS[op](left, right, site)


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


def evaluate(left: Any, op: str, right: Any = None, site: Conventions = USUAL) -> bool:
	"""Compare two values.

	Args:
		site: how a text that an author typed is read.

	Raises:
		Uncomparable: they have nothing in common.
		ValueError: there is no such operator.
	"""
	test = _TESTS.get(op) if isinstance(op, str) else None
	if test is None:
		raise ValueError(f"There is no operator {op!r}. Use one of {', '.join(OPERATORS)}.")
	return test(left, right, site)


def _both_and_equal(left: Any, right: Any, site: Conventions) -> bool:
	return not is_empty(left) and not is_empty(right) and equals(left, right, site)


def literal_problem(about: FieldType, op: str, value: Any, site: Conventions = USUAL) -> str | None:
	"""Why a value that an author wrote can never be compared with what a field holds, as a sentence, or None.

	Args:
		about: what the field holds.
		op: one of OPERATORS; of another nothing is known.
		value: with no expression in it.
	"""
	wanted = BY_FIELD.get(about.fieldtype)
	if wanted is None or op not in OPERATORS or op in ("empty", "not_empty"):
		return None
	if about.fieldtype in TABLES:
		return f"{about.label} is a table, which cannot be compared. Use a column of one of its rows, or “is empty”."
	if op == "contains":
		return None
	if wanted == ROWS:
		return (
			f"{about.label} is a column of several rows, which cannot be compared. Use “contains” or “is empty”, or say "
			"which row, counted from 0, such as {{doc.items.0.item_code}}."
		)
	if op in ("starts_with", "ends_with"):
		return None
	for one in members(value) if op in ("in", "not_in") else [value]:
		if is_empty(one) or (about.fieldtype == "Check" and truth(one) is not None):
			continue
		try:
			_alike(EXAMPLE_VALUES[wanted], one, site, in_order=False)
		except Uncomparable:
			what, example = OF_FIELD.get(about.fieldtype, (wanted, EXAMPLES[wanted]))
			return f"{about.label} is {what}, and {_named(one)} is none. Write one such as {example}."
	return None


# Two values of one type


def _alike(left: Any, right: Any, site: Conventions, *, in_order: bool) -> tuple[Any, Any]:
	"""The two as values of one type.

	Args:
		in_order: whether one is to be put before the other.

	Raises:
		Uncomparable: they have none in common.
	"""
	types = _type(left), _type(right)
	if types == (TEXT, TEXT):
		return _two_texts(left, right, site, in_order)
	if ROWS in types:
		return _rows(left, right, in_order)
	if TEXT in types:
		text, value = (left, right) if types[0] == TEXT else (right, left)
		if _is_check(value) and truth(text) is not None:
			return truth(left), truth(right)
		wanted = types[1] if types[0] == TEXT else types[0]
		read = _read(text, wanted, site)
		if read is None:
			raise Uncomparable(
				f"{_named(text)} is not {wanted}, so it cannot be compared with {_named(value)}. "
				f"Write one such as {EXAMPLES[wanted]}."
			)
		left, right = (read, value) if types[0] == TEXT else (value, read)
	return _two_values(left, right, site)


def _two_values(left: Any, right: Any, site: Conventions) -> tuple[Any, Any]:
	types = {_type(left), _type(right)}
	if types <= {AMOUNT, CHECK}:
		return _number(left), _number(right)
	if types <= {DAY, MOMENT}:
		if DAY in types:
			return _day(left, site), _day(right, site)
		return site.local(left), site.local(right)
	if types == {TIME}:
		return _time(left), _time(right)
	raise Uncomparable(
		f"{_named(left)} is {_type(left)} and {_named(right)} is {_type(right)}: nothing says which comes first, or whether "
		"they are the same. Compare values of one kind."
	)


def _two_texts(left: str, right: str, site: Conventions, in_order: bool) -> tuple[Any, Any]:
	"""What nothing says the type of: as what both look like, else as text."""
	for read in (partial(_number_in, site=site), site.read_moment, read_time):
		one, other = read(left), read(right)
		if one is not None and other is not None:
			return (one, other) if isinstance(one, Decimal | time) else _two_values(one, other, site)
		if in_order and (one is not None or other is not None):
			odd, known = (right, left) if one is not None else (left, right)
			raise Uncomparable(
				f"{_named(known)} is {_type(one if one is not None else other)}, and {_named(odd)} is not: nothing says which "
				"comes first. Compare values of one kind."
			)
	return _plain(left), _plain(right)


def _rows(left: Any, right: Any, in_order: bool) -> tuple[Any, Any]:
	if not in_order:
		left, right = (_parsed(value) if isinstance(value, str) else value for value in (left, right))
		if _type(left) == _type(right) == ROWS:
			return as_text(left), as_text(right)
	table = left if _type(left) == ROWS else right
	raise Uncomparable(
		f"{_named(table)} is {ROWS}, which cannot be compared with {_named(right if table is left else left)}. "
		"Compare one of its values, or use “contains” or “is empty”."
	)


def _type(value: Any) -> str:
	if isinstance(value, bool):
		return CHECK
	if isinstance(value, int | float | Decimal):
		return AMOUNT
	if isinstance(value, datetime):
		return MOMENT
	if isinstance(value, date):
		return DAY
	if isinstance(value, time | timedelta):
		return TIME
	return ROWS if isinstance(value, Mapping | list | tuple | set) else TEXT


def _read(text: Any, wanted: str, site: Conventions) -> Any:
	text = as_text(text)
	if wanted == CHECK:
		return truth(text)
	if wanted == AMOUNT:
		return site.read_number(text)
	return read_time(text) if wanted == TIME else site.read_moment(text)


def _number_in(text: str, site: Conventions) -> Decimal | None:
	"""The number that a text between texts is, plain or with the site's separators."""
	text = text.strip()
	if NUMBER.fullmatch(text):
		return Decimal(text)
	return None if NO_NUMBER.match(text) else site.read_number(text)


def _number(value: Any) -> Decimal:
	return (
		value
		if isinstance(value, Decimal)
		else Decimal(str(int(value) if isinstance(value, bool) else value))
	)


def _day(value: Any, site: Conventions) -> date:
	return site.local(value).date() if isinstance(value, datetime) else value


def _time(value: Any) -> timedelta:
	if isinstance(value, timedelta):
		return value
	return timedelta(
		hours=value.hour, minutes=value.minute, seconds=value.second, microseconds=value.microsecond
	)


def _is_check(value: Any) -> bool:
	return isinstance(value, int) and value in (0, 1)


def truth(value: Any) -> bool | None:
	"""What a value means as a yes or no; None if nothing."""
	word = as_text(value).strip().lower()
	return True if word in TRUE_WORDS else False if word in FALSE_WORDS else None


def _plain(value: Any) -> str:
	return unicodedata.normalize("NFC", as_text(value)).strip()


def _named(value: Any) -> str:
	text = as_text(value)
	return f"“{text[:SHOWN_LENGTH]}{'…' if len(text) > SHOWN_LENGTH else ''}”"


def _parsed(text: str) -> Any:
	"""The list or object that a text holds as JSON, else the text."""
	if not text.strip().startswith(("[", "{")):
		return text
	try:
		parsed = json.loads(text)
	except (ValueError, RecursionError):
		return text
	return parsed if isinstance(parsed, list | dict) else text


def members(value: Any) -> list[Any]:
	"""The values that one may be among: of a list, a JSON list or a comma-separated text."""
	if isinstance(value, list | tuple | set):
		return list(value)
	if isinstance(value, str):
		parsed = _parsed(value)
		if isinstance(parsed, list):
			return parsed
		return [item.strip() for item in value.split(",")] if value.strip() else []
	return [] if value is None else [value]
