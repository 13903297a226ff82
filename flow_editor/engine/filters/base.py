"""What a filter is: one row of a table, with a pure function and words for who writes and who reads it.

A filter is given its value and its arguments as what it takes, and gives another value. It never does anything else, asks
nothing but its `Setting`, and keeps nothing. What it cannot take it refuses by `Unfit`: its value is empty then, and the
step says why.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Context, Decimal, localcontext
from functools import cached_property
from typing import Any

from flow_editor.engine import timing
from flow_editor.engine.paths import Found
from flow_editor.engine.people import Reader
from flow_editor.engine.plain import as_text
from flow_editor.engine.values import Conventions, read_time

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
#: How long a text may become, how many rows a list may have and how large a number may be.
MOST_CHARACTERS = 1_000_000
MOST_ROWS = 10_000
MOST_DIGITS = 30
LARGEST = Decimal(10) ** MOST_DIGITS
#: Money is added up to the cent, whatever a float would make of it.
EXACT = Context(prec=50)
#: How many warnings are kept, how long each is, and how much of a value stands in one.
MOST_WARNINGS = 20
WARNING_LENGTH = 300
SHOWN_LENGTH = 40
#: How a site writes of which nothing is known.
SITE = Conventions()
#: What an argument is that has to be given.
REQUIRED: Any = object()
#: What a function may raise over a value that it cannot take.
REFUSALS = (
	ArithmeticError,
	AttributeError,
	LookupError,
	NotImplementedError,
	RecursionError,
	TypeError,
	ValueError,
)


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
		filters: Mapping[str, Filter] | None = None,
		conventions: Conventions = SITE,
		reader: Reader | None = None,
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
		return self._reader or Reader(PlainWords(), "")

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
class Argument:
	"""An argument of a filter.

	Args:
		name: what it is called in words.
		takes: one of TAKEN.
		default: what it is if it is left out; if nothing is said, it may not be.
		choices: the values that it may have, if not any.
		check: what is wrong with a value that its author wrote, as a sentence that goes on after it, or None.
		rest: whether all further arguments are such ones.
	"""

	name: str
	takes: str = "text"
	default: Any = REQUIRED
	choices: tuple[str, ...] = ()
	check: Callable[[Any], str | None] | None = None
	rest: bool = False

	def read(self, value: Any, use: Use) -> Any:
		"""Raises Unfit."""
		if value is None and self.default is not REQUIRED:
			return self.default
		value = TAKEN[self.takes].read(value, use)
		if self.choices and value not in self.choices:
			raise Unfit(f"is none of {', '.join(self.choices)}")
		if self.check and (message := self.check(value)):
			raise Unfit(message)
		return value

	@property
	def in_words(self) -> str:
		name = f"{self.name} …" if self.rest else self.name
		return name if self.default is REQUIRED else f"[{name}]"


@dataclass(frozen=True, slots=True)
class Filter:
	"""A filter.

	Args:
		name: small letters, digits and _.
		apply: its function, of the value and the arguments.
		takes: what its value has to be: one of TAKEN. Nothing stays nothing, but for `any`, and for a `list`, of which it is
			an empty one.
		gives: what it gives, in a word.
		help: one line that says what it does.
		example: an expression that stands alone, and what it reads.
		arguments: in the order in which they are written.
		group: under which heading it is listed.
		aware: whether its function is given a `Setting` before all else.

	Raises:
		ValueError: the name is none, or it takes what there is not.
	"""

	name: str
	apply: Callable[..., Any]
	takes: str
	gives: str
	help: str
	example: tuple[str, str] = ("", "")
	arguments: tuple[Argument, ...] = ()
	group: str = "Other"
	aware: bool = False

	def __post_init__(self) -> None:
		if not NAME.fullmatch(self.name):
			raise ValueError(f"{self.name!r} is no name of a filter: write small letters, digits and _")
		for takes in (self.takes, *(argument.takes for argument in self.arguments)):
			if takes not in TAKEN:
				raise ValueError(
					f"The filter {self.name} takes {takes!r}, which is none of {', '.join(TAKEN)}"
				)

	@property
	def usage(self) -> str:
		"""How it is written, such as `truncate: length, [end]`."""
		words = ", ".join(argument.in_words for argument in self.arguments)
		return f"{self.name}: {words}" if words else self.name

	def argument(self, number: int) -> Argument | None:
		if number < len(self.arguments):
			return self.arguments[number]
		return self.arguments[-1] if self.arguments and self.arguments[-1].rest else None

	def problem(self, arguments: Collection[Any], is_known: Callable[[Any], bool]) -> str | None:
		"""What is wrong with arguments as an author wrote them, as a sentence, or None.

		Args:
			is_known: whether an argument is a value, and not a path to one.
		"""
		needed = sum(argument.default is REQUIRED and not argument.rest for argument in self.arguments)
		if self.arguments and self.arguments[-1].rest and self.arguments[-1].default is REQUIRED:
			needed += 1
		if len(arguments) < needed:
			return f"The filter {self.name} needs more: write {self.usage}."
		for number, value in enumerate(arguments):
			argument = self.argument(number)
			if argument is None:
				return f"The filter {self.name} takes no more than that: write {self.usage}."
			if is_known(value):
				try:
					argument.read(value, USUAL)
				except Unfit as error:
					return f"The filter {self.name} takes {argument.name}, and {_named(value)} {error}. Write {self.usage}."
		return None


def apply(one: Filter, value: Any, arguments: Iterable[Any], use: Use, source: Found, text: str) -> Any:
	"""What a filter makes of a value: nothing, and a warning, if it cannot take it.

	Args:
		text: the expression, for the warning.
	"""
	taken = TAKEN[one.takes]
	if taken.keeps_nothing and is_nothing(value):
		return None
	what = value
	try:
		value = taken.read(value, use)
		read = []
		for number, argument in enumerate(arguments):
			what = argument
			read.append((one.argument(number) or ANYTHING).read(argument, use))
		read += [argument.default for argument in one.arguments[len(read) :] if not argument.rest]
		if REQUIRED in read:
			raise Unfit("is not all that it needs")
		what = value
		with localcontext(EXACT):
			return one.apply(Setting(use, source), value, *read) if one.aware else one.apply(value, *read)
	except Unfit as error:
		use.warn(f"{_named(what)} {error}, so {{{{{text[: SHOWN_LENGTH * 2]}}}}} is empty. ({one.name})")
	except REFUSALS as error:
		use.warn(
			f"The filter {one.name} cannot take {_named(what)}, so {{{{{text[: SHOWN_LENGTH * 2]}}}}} is empty. ({type(error).__name__})"
		)
	return None


def table(filters: Iterable[Filter]) -> dict[str, Filter]:
	"""Filters by name.

	Raises:
		TypeError: one is no filter.
		ValueError: a name is taken.
	"""
	named: dict[str, Filter] = {}
	for one in filters:
		if not isinstance(one, Filter):
			raise TypeError(f"{one!r} is no filter")
		if named.setdefault(one.name, one) is not one:
			raise ValueError(f"Two filters are called {one.name!r}")
	return named


# What filters take


@dataclass(frozen=True, slots=True)
class Taken:
	"""What a filter or an argument takes: how it is read, and whether nothing stays nothing."""

	read: Callable[[Any, Use], Any]
	keeps_nothing: bool = True


def is_nothing(value: Any) -> bool:
	return value is None or (isinstance(value, str) and not value.strip())


def text_of(value: Any, use: Use) -> str:
	if isinstance(value, list | tuple | set | Mapping):
		raise Unfit("is a list or table, and no text")
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
	"moment": Taken(moment_of),
	"clock": Taken(clock_of),
	"list": Taken(list_of, keeps_nothing=False),
}
USUAL = Use()
#: What an argument is beyond those that a filter has, which validation refuses.
ANYTHING = Argument("anything", "any")


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


def _named(value: Any) -> str:
	text = as_text(value) if not isinstance(value, list | tuple | set | Mapping) else "A list or table"
	return f"“{text[:SHOWN_LENGTH]}{'…' if len(text) > SHOWN_LENGTH else ''}”"
