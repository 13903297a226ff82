"""Values as plain text and as JSON: what they are, never how a language writes them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

#: What lies deeper in a value than this many lists and mappings is dropped, so that no outside answer, however
#: deep, can exhaust the stack.
MAX_DEPTH = 100
HALF_CHARACTER = re.compile("[\ud800-\udfff]")


def as_text(value: Any) -> str:
	"""A value as a reader expects to see it: nothing for None, no needless decimals, dates as ERPNext has them."""
	if value is None:
		return ""
	if isinstance(value, bool):
		return "true" if value else "false"
	if isinstance(value, str):
		return value
	if isinstance(value, float) and math.isfinite(value):
		return _plain(Decimal(float.__repr__(value)))
	if isinstance(value, Decimal) and value.is_finite():
		return _plain(value)  # and not by way of a float, which would lose digits
	value = jsonable(value)
	if value is None:  # a number that is none
		return ""
	return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _plain(number: Decimal) -> str:
	"""A finite number without an exponent and without zeros that say nothing."""
	if not number:
		return "0"
	text = format(number, "f")
	return text.rstrip("0").rstrip(".") if "." in text else text


def jsonable(value: Any, depth: int = MAX_DEPTH) -> Any:
	"""The value as JSON can hold it and a database store it: dates and times as text, decimals as numbers, the
	unknown as text, half of a surrogate pair as U+FFFD.

	Args:
		depth: how many lists and mappings within each other are kept; what lies deeper becomes None.
	"""
	if isinstance(value, str):
		return value if value.isascii() else HALF_CHARACTER.sub("\ufffd", value)
	if value is None or isinstance(value, int | bool):
		return value
	if isinstance(value, float):
		return value if math.isfinite(value) else None
	if isinstance(value, Mapping):
		return (
			{jsonable(str(key)): jsonable(item, depth - 1) for key, item in value.items()} if depth else None
		)
	if isinstance(value, list | tuple | set | frozenset):
		return [jsonable(item, depth - 1) for item in value] if depth else None
	if isinstance(value, datetime):
		return value.isoformat(sep=" ")
	if isinstance(value, date | time):
		return value.isoformat()
	if isinstance(value, timedelta):
		return str(value)
	if isinstance(value, Decimal):
		if not value.is_finite():
			return None
		return int(value) if value == value.to_integral_value() else float(value)
	if isinstance(value, bytes):
		return value.decode("utf-8", "replace")
	return jsonable(str(value))
