"""What a filter is: one row of a table, with a pure function and words for who writes and who reads it.

A filter is given its value and its arguments as what it takes, and gives another value. It never does anything else, asks
nothing but its `Setting`, and keeps nothing. What it cannot take it refuses by `Unfit`: its value is empty then, and the
step says why.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, localcontext
from typing import Any

from flow_editor.engine.filters.taken import TAKEN, Setting, Unfit, Use, is_nothing
from flow_editor.engine.paths import Found
from flow_editor.engine.plain import as_text

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
#: Money is added up to the cent, whatever a float would make of it.
EXACT = Context(prec=50, rounding=ROUND_HALF_UP)
#: How much of a value stands in a warning.
SHOWN_LENGTH = 40
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
		if value is None and self.default is not REQUIRED and self.takes != "any":
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

	def as_dict(self) -> dict[str, str]:
		"""The filter as an editor offers it."""
		return {
			"name": self.name,
			"usage": self.usage,
			"takes": self.takes,
			"gives": self.gives,
			"help": self.help,
			"group": self.group,
		}

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
		if any(one is REQUIRED for one in read):
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


USUAL = Use()
#: What an argument is beyond those that a filter has, which validation refuses.
ANYTHING = Argument("anything", "any")


def _named(value: Any) -> str:
	if isinstance(value, list | tuple | set | Mapping):
		return "A list or table"
	text = as_text(value)
	return f"“{text[:SHOWN_LENGTH]}{'…' if len(text) > SHOWN_LENGTH else ''}”"
