"""What filters take: how a value is read as a text, a number, a date, a time of day or a list, and what they may use beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from functools import cached_property
from typing import Any

from flow_editor.engine import timing
from flow_editor.engine.paths import Found
from flow_editor.engine.people import Reader
from flow_editor.engine.plain import as_text
from flow_editor.engine.values import Conventions, read_time

#: How long a text may become, how many rows a list may have and how large a number may be.
MOST_CHARACTERS = 1_000_000
MOST_ROWS = 10_000
MOST_DIGITS = 30
LARGEST = Decimal(10) ** MOST_DIGITS
#: How many warnings are kept, how long each is, and how much of a value stands in one.
MOST_WARNINGS = 20
WARNING_LENGTH = 300
#: How a site writes of which nothing is known.
SITE = Conventions()


class Unfit(ValueError):
	"""A value that a filter cannot take. The message goes on after the value: “is no number”."""


class PlainWords:
	"""The words of a reader of whom nothing is known."""

	def language(self, customer: str) -> str:
		return "en"

	def translated(self, text: str, language: str) -> str:
		return text

	def linked(self, doctype: str, name: str, field: str) -> Any:
		return None


class Use:
	"""What expressions may use beside the values that they read.

	Args:
		filters: those that there are, by name; if None, the shipped ones, which this module does not know.
		conventions: how what an author typed is read.
		reader: in whose language it is written.
		linked: reads the document that a Link field names: (DocType, name) to its fields, or None if it is gone.
		days_off: the days of a range that are no working days.
		now: what time it is, if anybody knows.
	"""

	def __init__(
		self,
		*,
		filters: Mapping[str, Any] | None = None,
		conventions: Conventions = SITE,
		reader: Callable[[], Reader] | None = None,
		linked: Callable[[str, str], Mapping[str, Any] | None] | None = None,
		days_off: timing.DaysOff = timing.weekends,
		now: Callable[[], datetime] | None = None,
	):
		self.filters = filters
		self.conventions = conventions
		self.linked = linked
		self.days_off = days_off
		self.now = now
		self._reader = reader
		#: What was empty because a filter could not take it.
		self.warnings: list[str] = []

	@cached_property
	def reader(self) -> Reader:
		return self._reader() if self._reader else Reader(PlainWords(), "")

	def warn(self, message: str) -> None:
		message = message[:WARNING_LENGTH]
		if message not in self.warnings and len(self.warnings) < MOST_WARNINGS:
			self.warnings.append(message)


@dataclass(frozen=True, slots=True)
class Setting:
	"""What a filter that is `aware` is given first: what it may use, and where its value comes from."""

	use: Use
	source: Found


@dataclass(frozen=True, slots=True)
class Taken:
	"""What a filter or an argument takes: how it is read, and whether nothing stays nothing."""

	read: Callable[[Any, Use], Any]
	keeps_nothing: bool = True


def is_nothing(value: Any) -> bool:
	return value is None or (isinstance(value, str) and not value.strip())


def text_of(value: Any, use: Use) -> str:
	if isinstance(value, list | tuple | set | Mapping):
		raise Unfit("is no text")
	return as_text(value)


def number_of(value: Any, use: Use) -> Decimal:
	"""A number, as it is or as the site writes it."""
	if isinstance(value, int) and value.bit_length() > 128:
		raise Unfit("is too large a number")
	if isinstance(value, float):
		number: Decimal | None = Decimal(float.__repr__(value))
	elif isinstance(value, int | Decimal):
		number = Decimal(value)
	else:
		number = use.conventions.read_number(value) if isinstance(value, str) else None
	if number is None or not number.is_finite():
		raise Unfit("is no number")
	if abs(number) > LARGEST:
		raise Unfit("is too large a number")
	return number


def whole_of(value: Any, use: Use) -> int:
	number = number_of(value, use)
	if number != number.to_integral_value() or abs(number) > 10_000:
		raise Unfit("is no whole number up to 10,000")
	return int(number)


def moment_of(value: Any, use: Use) -> date | datetime:
	if isinstance(value, datetime):
		return use.conventions.local(value)
	read = (
		value
		if isinstance(value, date)
		else use.conventions.read_moment(value)
		if isinstance(value, str)
		else None
	)
	if read is None:
		raise Unfit("is no date")
	return read


def clock_of(value: Any, use: Use) -> time | datetime:
	if isinstance(value, time):
		return value
	read = read_time(value) if isinstance(value, str) else None
	if read is None:
		moment = moment_of(value, use)
		if not isinstance(moment, datetime):
			raise Unfit("is a date without a time")
		return moment
	return read


def list_of(value: Any, use: Use) -> list[Any]:
	if is_nothing(value):
		return []
	if not isinstance(value, list | tuple):
		raise Unfit("is no list or table")
	if len(value) > MOST_ROWS:
		raise Unfit(f"has more than {MOST_ROWS:,} rows")
	return list(value)


def as_it_is(value: Any, use: Use) -> Any:
	return value


TAKEN: Mapping[str, Taken] = {
	"any": Taken(as_it_is, keeps_nothing=False),
	"text": Taken(text_of),
	"number": Taken(number_of),
	"whole": Taken(whole_of),
	"date": Taken(moment_of),
	"time": Taken(clock_of),
	"list": Taken(list_of, keeps_nothing=False),
}
USUAL = Use()


def check_length(characters: int) -> None:
	"""Raise Unfit for a text that would be too long, before it is made."""
	if characters > MOST_CHARACTERS:
		raise Unfit(f"would become longer than {MOST_CHARACTERS:,} characters")


def plain_number(number: Decimal) -> int | float | Decimal:
	"""A number as the rest of the house has them: whole, or a float if that holds it to the digit."""
	if number == number.to_integral_value():
		return int(number)
	nearest = float(number)
	return nearest if Decimal(float.__repr__(nearest)) == number else number
