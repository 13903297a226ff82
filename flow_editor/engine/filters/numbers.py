"""Filters of numbers. They count in decimals, so that 0.1 and 0.2 are 0.3."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from flow_editor.engine.filters.base import Argument, Filter
from flow_editor.engine.filters.taken import LARGEST, Setting, Unfit, plain_number

MOST_DECIMALS = 12
GROUP = "Numbers"


def _given(number: Decimal) -> Any:
	if abs(number) > LARGEST:
		raise Unfit("gives too large a number")
	return plain_number(number)


def _rounded(number: Decimal, decimals: int) -> Decimal:
	return number.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)


def rounded(number: Decimal, decimals: int) -> Any:
	return _given(_rounded(number, decimals))


def absolute(number: Decimal) -> Any:
	return _given(abs(number))


def plus(number: Decimal, other: Decimal) -> Any:
	return _given(number + other)


def minus(number: Decimal, other: Decimal) -> Any:
	return _given(number - other)


def times(number: Decimal, other: Decimal) -> Any:
	return _given(number * other)


def divided_by(number: Decimal, other: Decimal) -> Any:
	if not other:
		raise Unfit("cannot be divided by 0")
	return _given((number / other).quantize(Decimal(1).scaleb(-MOST_DECIMALS), rounding=ROUND_HALF_UP))


def number_in_words(setting: Setting, number: Decimal, decimals: int | None) -> str:
	return setting.use.reader.number(number if decimals is None else _rounded(number, decimals), decimals)


def currency(setting: Setting, number: Decimal, code: str) -> str:
	reader = setting.use.reader
	return reader.money(number, code.strip().upper() or reader.currency(setting.source))


def percent(setting: Setting, number: Decimal, decimals: int | None) -> str:
	return setting.use.reader.percent(number if decimals is None else _rounded(number, decimals), decimals)


def _decimals(value: int) -> str | None:
	return None if abs(value) <= MOST_DECIMALS else f"is more than {MOST_DECIMALS} decimals"


def _shown_decimals(value: int) -> str | None:
	return _decimals(value) if value >= 0 else "is less than no decimals"


OTHER = (Argument("number", "number"),)
FILTERS = (
	Filter(
		"round", rounded, "number", "number", "To the nearest with so many decimals, a half away from 0.",
		("12.345 | round: 2", "12.35"), (Argument("decimals", "whole", 0, check=_decimals),), GROUP,
	),
	Filter("abs", absolute, "number", "number", "Without its sign.", ("-3 | abs", "3"), group=GROUP),
	Filter("plus", plus, "number", "number", "And another added.", ("0.1 | plus: 0.2", "0.3"), OTHER, GROUP),
	Filter("minus", minus, "number", "number", "Less another.", ("10 | minus: 2.5", "7.5"), OTHER, GROUP),
	Filter("times", times, "number", "number", "Multiplied by another.", ("3 | times: 1.5", "4.5"), OTHER, GROUP),
	Filter(
		"divided_by", divided_by, "number", "number", f"Divided by another, to {MOST_DECIMALS} decimals.",
		("7 | divided_by: 2", "3.5"), OTHER, GROUP,
	),
	Filter(
		"number", number_in_words, "number", "text", "As people write it in the reader's language, with so many decimals.",
		("1234567.5 | number: 2", "1,234,567.50"), (Argument("decimals", "whole", None, check=_shown_decimals),), GROUP, True,
	),
	Filter(
		"currency", currency, "number", "text",
		"As an amount of money with its sign: of the currency that is named, else of the document's.",
		("1234.5 | currency: 'EUR'", "€1,234.50"), (Argument("currency", default=""),), GROUP, True,
	),
	Filter(
		"percent", percent, "number", "text", "As a percentage: 12.5 is 12.5%.",
		("12.5 | percent", "12.5%"), (Argument("decimals", "whole", None, check=_shown_decimals),), GROUP, True,
	),
)  # fmt: skip
