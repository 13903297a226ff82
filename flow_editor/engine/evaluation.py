"""JSONLogic's evaluation, by panzi-json-logic, with typed comparisons and within bounds.

The library walks a rule and decides what is evaluated. This module gives it the operations: those of `conditions` in place of
its own comparisons, arithmetic that a rule cannot blow up, and `var` over the scope. It is the one that knows the library; a
rule has been read by `logic` before, so that its operations are known, its paths are compiled and its depth is bounded.
Nothing here calls anything that a rule names.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from decimal import Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from itertools import pairwise
from typing import Any

from json_logic.apply import apply
from json_logic.builtins import BUILTINS, to_bool

from flow_editor.engine.conditions import Uncomparable, is_before, is_empty
from flow_editor.engine.expressions import Expression, compiled
from flow_editor.engine.render import as_text, render_text
from flow_editor.engine.values import Conventions

#: What is written in a rule that was read in place of rows that are gone through, of a text with expressions, and of a
#: `reduce`, of which the library does not work out what it begins with.
ROWS, TEXT, REDUCE = "\0rows", "\0text", "\0reduce"
#: How many operations one evaluation does at most, rows that it goes through included.
MOST_WORK = 200_000
#: How long a text or list is that an operation makes.
MOST_LENGTH = 100_000
#: Numbers are kept to so many digits, and no larger than a sum of money ever is.
DIGITS = Context(prec=28, Emax=60, Emin=-60, traps=[DivisionByZero, InvalidOperation, Overflow])
#: What stands for a row where there is none.
NO_ROW = object()
#: How much of what a condition has read is kept for who asks why.
MOST_READ = 40


class TooMuch(Uncomparable):
	"""A condition that does more than it may."""


class Evaluation:
	"""One evaluation under way: what it reads, and how much it has done.

	Args:
		root: what paths begin at.
	"""

	__slots__ = ("read", "root", "top", "work")

	def __init__(self, root: Mapping[str, Any]):
		self.root = root
		self.top = Names(root, NO_ROW)
		self.work = 0
		#: What was read of the scope, by expression, in order; not what rows hold.
		self.read: dict[str, Any] = {}


#: The evaluation under way: the library hands its operations nothing but values.
_under_way: ContextVar[Evaluation] = ContextVar("flow_editor_evaluation")


@dataclass(frozen=True, slots=True)
class Quoted:
	"""A rule that is no value yet."""

	rule: Any


class Language:
	"""The operations, made once for all evaluations.

	Args:
		compare: what compares two values, by the names of operations.
		site: how what an author typed is read.
	"""

	def __init__(self, compare: Mapping[str, Callable[[Any, Any], Any]], site: Conventions):
		self._site = site
		self._operations = {
			**BUILTINS,
			**{name: self._compared(test) for name, test in compare.items()},
			"<": self._between(lambda one, other: is_before(one, other, site)),
			">": self._between(lambda one, other: is_before(other, one, site)),
			"<=": self._between(compare["<="]),
			">=": self._between(compare[">="]),
			"in": self._in(compare["in"], compare["contains"]),
			"+": self._counted(self._sum),
			"-": self._counted(self._difference),
			"*": self._counted(self._product),
			"/": self._counted(lambda one=0, other=1, *_: self._divided(one, other)),
			"%": self._counted(lambda one=0, other=1, *_: self._remainder(one, other)),
			"min": self._counted(lambda *values: self._extreme(values, True)),
			"max": self._counted(lambda *values: self._extreme(values, False)),
			"cat": self._counted(self._joined),
			"merge": self._counted(self._merged),
			"log": self._counted(lambda value=None, *_: value),
			"var": self._var,
			"missing": self._missing,
			"missing_some": self._missing_some,
			ROWS: self._counted(self._rows),
			REDUCE: self._reduced,
			TEXT: lambda data, text: render_text(text, self._names(data)),
		}

	def value(self, rule: Any, evaluation: Evaluation) -> Any:
		"""What a rule comes to.

		Raises:
			Uncomparable: it compares what has nothing in common, counts with what is no number, or does too much.
		"""
		token = _under_way.set(evaluation)
		try:
			return _plain(apply(rule, evaluation.top, self._operations))
		except (TypeError, ValueError, ArithmeticError, LookupError) as error:
			if isinstance(error, Uncomparable):
				raise
			# An operation of the library's own, or another app's, does not take what it is given.
			raise Uncomparable(f"The condition cannot be worked out: {error}") from error
		finally:
			_under_way.reset(token)

	def holds(self, rule: Any, evaluation: Evaluation) -> bool:
		"""Whether a rule comes to what counts as yes. Raises as `value`."""
		return to_bool(self.value(rule, evaluation))

	# How much is done

	@staticmethod
	def _spend(work: int = 1) -> None:
		evaluation = _under_way.get()
		evaluation.work += work
		if evaluation.work > MOST_WORK:
			raise TooMuch(
				f"The condition goes through more than {MOST_WORK:,} values. Let it go through fewer rows, or fewer times."
			)

	def _counted(self, operation: Callable[..., Any]) -> Callable[..., Any]:
		def operate(_data: Any, *arguments: Any) -> Any:
			self._spend(1 + len(arguments))
			return operation(*arguments)

		return operate

	# What is compared

	def _compared(self, test: Callable[[Any, Any], Any]) -> Callable[..., Any]:
		return self._counted(lambda one=None, other=None, *_: test(one, other))

	def _between(self, test: Callable[[Any, Any], Any]) -> Callable[..., Any]:
		"""An order of two values, or of three that follow each other."""
		return self._counted(
			lambda *values: all(test(one, other) for one, other in pairwise(values)) and len(values) > 1
		)

	def _in(self, member: Callable[..., Any], part: Callable[..., Any]) -> Callable[..., Any]:
		def test(one: Any = None, other: Any = None, *_: Any) -> Any:
			if isinstance(other, str):
				return part(other, one)
			if isinstance(other, list):
				self._spend(len(other))
				return member(one, other)
			if isinstance(other, Mapping):
				return as_text(one) in other
			if is_empty(other):
				return False
			raise Uncomparable(
				f"“{as_text(other)[:60]}” is neither a list nor a text, so nothing is in it. Give a list, or use “is”."
			)

		return self._counted(test)

	# What is counted with

	def _number(self, value: Any) -> Decimal:
		if is_empty(value):
			return Decimal(0)
		if isinstance(value, bool | int | Decimal):
			return Decimal(int(value) if isinstance(value, bool) else value)
		if isinstance(value, float):
			return Decimal(str(value))
		read = self._site.read_number(value) if isinstance(value, str) else None
		if read is None:
			raise Uncomparable(
				f"“{as_text(value)[:60]}” is no number, so it cannot be counted with. Use a number."
			)
		return Decimal(read)

	def _sum(self, *values: Any) -> Any:
		total = Decimal(0)
		for value in values:
			total = DIGITS.add(total, self._number(value))
		return _plain(total)

	def _difference(self, one: Any = 0, *other: Any) -> Any:
		if not other:
			return _plain(DIGITS.minus(self._number(one)))
		return _plain(DIGITS.subtract(self._number(one), self._number(other[0])))

	def _product(self, *values: Any) -> Any:
		total = Decimal(1)
		for value in values:
			total = DIGITS.multiply(total, self._number(value))
		return _plain(total)

	def _divided(self, one: Any, other: Any) -> Any:
		divisor = self._number(other)
		if not divisor:
			raise Uncomparable("The condition divides by zero, or by what is empty. Ask first whether it is.")
		return _plain(DIGITS.divide(self._number(one), divisor))

	def _remainder(self, one: Any, other: Any) -> Any:
		divisor = self._number(other)
		if not divisor:
			raise Uncomparable("The condition divides by zero, or by what is empty. Ask first whether it is.")
		return _plain(DIGITS.remainder(self._number(one), divisor))

	def _extreme(self, values: tuple[Any, ...], is_least: bool) -> Any:
		"""The least or greatest of numbers, dates or times; None of none."""
		known = [value for value in values if not is_empty(value)]
		best = known[0] if known else None
		for value in known[1:]:
			first, second = (value, best) if is_least else (best, value)
			if is_before(first, second, self._site):
				best = value
		return best

	# What is put together

	def _joined(self, *values: Any) -> str:
		text = "".join(as_text(value) for value in values)
		self._spend(len(text) // 100)
		if len(text) > MOST_LENGTH:
			raise TooMuch(
				f"The condition makes a text of more than {MOST_LENGTH:,} characters. Make it shorter."
			)
		return text

	def _merged(self, *values: Any) -> list[Any]:
		merged: list[Any] = []
		for value in values:
			merged.extend(value) if isinstance(value, list) else merged.append(value)
			self._spend(len(value) if isinstance(value, list) else 1)
			if len(merged) > MOST_LENGTH:
				raise TooMuch(
					f"The condition makes a list of more than {MOST_LENGTH:,} values. Make it shorter."
				)
		return merged

	def _rows(self, value: Any = None, *_: Any) -> Any:
		rows = _plain(value)
		if isinstance(rows, list):
			self._spend(len(rows))
		return rows

	def _reduced(self, _data: Any, rows: Any, quoted: Quoted, begin: Any = None) -> Any:
		accumulator = begin
		for row in rows if isinstance(rows, list) else ():
			self._spend()
			accumulator = apply(quoted.rule, {"current": row, "accumulator": accumulator}, self._operations)
		return accumulator

	# What is read

	@staticmethod
	def _names(data: Any) -> Mapping[str, Any]:
		evaluation = _under_way.get()
		return evaluation.top if data is evaluation.top else Names(evaluation.root, data)

	def _var(self, data: Any, key: Any = None, default: Any = None, *_: Any) -> Any:
		self._spend()
		evaluation = _under_way.get()
		is_top = data is evaluation.top
		if key is None or key == "":
			return _plain(evaluation.root.get("doc") if is_top else data)
		expression = key if isinstance(key, Expression) else compiled(as_text(key))
		if expression is None:
			return default
		value = _plain(expression.value(self._names(data)))
		if is_top and len(evaluation.read) < MOST_READ:
			evaluation.read[expression.text] = value
		return default if value is None else value

	def _missing(self, data: Any, *keys: Any) -> list[Any]:
		wanted = keys[0] if keys and isinstance(keys[0], list) else keys
		return [key for key in wanted if self._var(data, key) in (None, "")]

	def _missing_some(self, data: Any, needed: Any = 0, keys: Any = None, *_: Any) -> list[Any]:
		if not isinstance(keys, list):
			return []
		missing = self._missing(data, keys)
		return [] if len(keys) - len(missing) >= self._number(needed) else missing


class Names(Mapping[str, Any]):
	"""What paths begin at: the roots, and beside them what a row holds, or the document."""

	def __init__(self, root: Mapping[str, Any], row: Any):
		self._root = root
		self._row = row
		self.use = getattr(root, "use", None)

	def _own(self) -> Any:
		return self._root.get("doc") if self._row is NO_ROW else self._row

	def __getitem__(self, name: str) -> Any:
		if name in self._root:
			return self._root[name]
		own = self._own()
		if isinstance(own, Mapping):
			return own[name]
		if isinstance(own, list) and name.isascii() and name.isdigit() and int(name[:9]) < len(own):
			return own[int(name)]
		raise KeyError(name)

	def __iter__(self) -> Iterator[str]:
		return iter(self._root)

	def __len__(self) -> int:
		return len(self._root)


def _plain(value: Any) -> Any:
	"""A value as the library takes it: a number that is exact only where it has to be, and lists for whatever is one."""
	if isinstance(value, Decimal):
		if not value.is_finite():
			return None
		return int(value) if value == value.to_integral_value() else float(value)
	if isinstance(value, tuple | set):
		return list(value)
	if isinstance(value, float) and not math.isfinite(value):
		return None
	return value
