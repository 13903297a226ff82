"""The one condition language: which documents start a flow, which way a step goes, when a wait ends.

It is JSONLogic, whole, with typed comparisons and operators of our own: `{"and": [{"==": [{"var": "status"}, "Open"]}, …]}`. A
`var` takes an expression, filters included. A path whose first name is no root is the document's; within `some`, `all`, `none`,
`filter`, `map` and `reduce` it is the row's, and the roots stay reachable. A text with an expression in it is rendered.

A condition is read once for all, and refused with a sentence if it cannot be one; `evaluation` works it out. What cannot be
compared is never answered: it raises `Uncomparable`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any

from flow_editor.engine import conditions, filters
from flow_editor.engine.conditions import USUAL
from flow_editor.engine.evaluation import REDUCE, ROWS, TEXT, Evaluation, Language, Quoted
from flow_editor.engine.expressions import Expression, NoExpression, Path, compile
from flow_editor.engine.filters import Filter
from flow_editor.engine.render import OPEN, expressions, whole
from flow_editor.engine.values import Conventions

#: What an operator says of two values.
Operator = Callable[[Any, Any], bool]

SHAPE = 'Write it as {"==": [{"var": "doc.status"}, "Open"]}, or leave it empty.'
#: A place in a list, and one in a list that stands there.
PLACE = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})*")
#: How many operations, values and lists a condition may have, and how deep they may stand in each other.
MOST_PARTS = 2_000
MOST_DEPTH = 40

#: The operators over two values that come with the app, by name. Other apps bring theirs through a hook.
OPERATORS: Mapping[str, Callable[..., bool]] = {
	name: partial(conditions.compare, name) for name in conditions.COMPARISONS
}
#: What else there is, and how many operands each takes at least and at most; None: as many as one likes.
CONSTRUCTS: Mapping[str, tuple[int, int | None]] = {
	"and": (1, None), "or": (1, None), "!": (1, 1), "!!": (1, 1), "if": (0, None), "?:": (0, None), "===": (2, 2), "!==": (2, 2),
	"var": (0, 2), "missing": (0, None), "missing_some": (2, 2), "some": (2, 2), "all": (2, 2), "none": (2, 2), "filter": (2, 2),
	"map": (2, 2), "reduce": (2, 3), "merge": (0, None), "+": (1, None), "-": (1, 2), "*": (1, None), "/": (2, 2), "%": (2, 2),
	"min": (0, None), "max": (0, None), "cat": (0, None), "substr": (2, 3), "log": (1, 1),
}  # fmt: skip
#: Those that go through rows: their first operand gives them, and in their second a path is a row's.
OVER_ROWS = ("some", "all", "none", "filter", "map", "reduce")
#: How many operands an order of values takes: two, or three of which the second lies between.
IN_ORDER = ("<", "<=", ">", ">=")
#: Those that take one operand.
OF_ONE = ("empty", "not_empty")


class Operators(dict[str, Operator]):
	"""Operators by name, and the language that is made of them."""

	def __init__(self, operators: Mapping[str, Operator], site: Conventions = USUAL):
		super().__init__(operators)
		self.site = site
		self._made: tuple[int, Language, tuple[str, ...]] | None = None

	@property
	def language(self) -> Language:
		return self._current()[1]

	@property
	def names(self) -> tuple[str, ...]:
		return self._current()[2]

	def _current(self) -> tuple[int, Language, tuple[str, ...]]:
		if self._made is None or self._made[0] != len(self):
			shipped = {name: partial(operator, site=self.site) for name, operator in OPERATORS.items()}
			self._made = len(self), Language({**shipped, **self}, self.site), tuple(self)
		return self._made


def operator_table(
	extra: Iterable[Mapping[str, Operator]] = (),
	site: Conventions = USUAL,
	ignored: Callable[[str], None] = lambda name: None,
) -> Operators:
	"""The shipped operators and others, by name.

	Args:
		site: how what an author typed is read.
		ignored: told the name of each that is left out, since the language has that already.

	Raises:
		TypeError: something is no table of operators.
		ValueError: two of the others have one name.
	"""
	shipped = {name: partial(operator, site=site) for name, operator in OPERATORS.items()}
	others: dict[str, Operator] = {}
	for operators in extra:
		if not isinstance(operators, Mapping) or not all(map(callable, operators.values())):
			raise TypeError(f"{operators!r} is no table of operators: a name, and a function of two values")
		for name, operator in operators.items():
			if name in shipped or name in CONSTRUCTS:
				ignored(name)
			elif others.setdefault(name, operator) is not operator:
				raise ValueError(f"Two operators are called {name!r}")
	return Operators({**shipped, **others}, site)


#: The shipped operators alone, as they read what is written usually.
SHIPPED = operator_table()


@dataclass(frozen=True, slots=True)
class Compared:
	"""A comparison of what stands at a path with what an author wrote.

	Args:
		path: of the scope; `doc.` stands before one that is the document's.
		op: the operator.
		value: as it was written; None if it is read too.
	"""

	path: str
	op: str
	value: Any


@dataclass(frozen=True, slots=True)
class Condition:
	"""A condition that was read.

	Args:
		rule: what the library is given.
		paths: what it reads of the scope, in order, each once; not what it reads of rows.
		compared: its comparisons of one path with a written value or with another path.
		expressions: all that stand in it.
	"""

	rule: Any
	paths: tuple[str, ...] = ()
	compared: tuple[Compared, ...] = ()
	expressions: tuple[Expression, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
	"""Whether a condition holds, and what it has read, by expression."""

	holds: bool
	read: Mapping[str, Any] = field(default_factory=dict)


ALWAYS = Verdict(True)


def problem(
	condition: Any,
	operators: Mapping[str, Operator] = SHIPPED,
	known: Mapping[str, Filter] = filters.SHIPPED,
) -> str | None:
	"""What is wrong with a condition, as a sentence that says what to do, or None.

	Args:
		known: the filters that its expressions may have, by name.
	"""
	try:
		found = read(condition, operators)
	except ValueError as error:
		return str(error)
	return next((said for one in found.expressions if (said := one.problem(known))), None) if found else None


def holds(condition: Any, root: Mapping[str, Any], operators: Mapping[str, Operator] = SHIPPED) -> bool:
	"""Whether a condition holds; an empty one always does.

	Raises:
		Uncomparable: it compares what has nothing in common.
		ValueError: it is not a condition, with the sentence of `problem`.
	"""
	return verdict(condition, root, operators).holds


def verdict(condition: Any, root: Mapping[str, Any], operators: Mapping[str, Operator] = SHIPPED) -> Verdict:
	"""Whether a condition holds, and what it has read. Raises as `holds`."""
	known = read(condition, operators)
	if known is None:
		return ALWAYS
	evaluation = Evaluation(root)
	held = _table(operators).language.holds(known.rule, evaluation)
	return Verdict(held, evaluation.read)


def value(rule: Any, root: Mapping[str, Any], operators: Mapping[str, Operator] = SHIPPED) -> Any:
	"""What a rule comes to that need be no yes or no. Raises as `holds`."""
	table = _table(operators)
	return table.language.value(_Reader(table.names).read(rule).rule, Evaluation(root))


def read(condition: Any, operators: Mapping[str, Operator] = SHIPPED) -> Condition | None:
	"""A condition, read; None if it is empty. The same one is read once.

	Raises:
		ValueError: it is none, with a sentence that says what to do.
	"""
	if condition is None or condition == {} or (isinstance(condition, str) and not condition.strip()):
		return None
	if not isinstance(condition, str):
		try:
			condition = json.dumps(condition, ensure_ascii=False)
		except (TypeError, ValueError, RecursionError):
			raise ValueError(f"The condition is not JSON. {SHAPE}") from None
	found = _read(condition, _table(operators).names)
	if isinstance(found, str):
		raise ValueError(found)
	return found


def _table(operators: Mapping[str, Operator]) -> Operators:
	return operators if isinstance(operators, Operators) else Operators(operators)


@lru_cache(maxsize=2048)
def _read(text: str, names: tuple[str, ...]) -> Condition | str | None:
	"""A condition, None for an empty one, or why it is none."""
	try:
		condition = json.loads(text)
	except (ValueError, RecursionError) as error:
		return f"The condition is not JSON ({error}). {SHAPE}"
	if condition in ({}, None):
		return None
	if not isinstance(condition, Mapping) or len(condition) != 1:
		return f"The condition is not one comparison. {SHAPE}"
	try:
		found = _Reader(names).read(condition)
	except ValueError as error:
		return str(error)
	if not found.paths and not _reads(condition):
		return f"The condition reads no field. {SHAPE}"
	return found


def _reads(rule: Any) -> bool:
	"""Whether a rule reads anything: of rows, or by a path that it works out."""
	if isinstance(rule, Mapping):
		return any(
			name in ("var", "missing", "missing_some") or _reads(operands) for name, operands in rule.items()
		)
	if isinstance(rule, str):
		return OPEN in rule
	return isinstance(rule, list) and any(map(_reads, rule))


class _Reader:
	"""Reads a rule into what the library is given, and notes what it reads and compares."""

	def __init__(self, names: Iterable[str]):
		self._names = names
		self._parts = 0
		self._paths: dict[str, None] = {}
		self._compared: list[Compared] = []
		self._expressions: list[Expression] = []

	def read(self, rule: Any) -> Condition:
		read = self._rule(rule, 0, False)
		return Condition(read, tuple(self._paths), tuple(self._compared), tuple(self._expressions))

	def _rule(self, rule: Any, depth: int, in_row: bool) -> Any:
		self._parts += 1
		if self._parts > MOST_PARTS or depth > MOST_DEPTH:
			raise ValueError(
				f"The condition is too large: it has more than {MOST_PARTS:,} parts, or more than {MOST_DEPTH} within each "
				"other. Make it smaller."
			)
		if isinstance(rule, str) and OPEN in rule:
			return self._text(rule, in_row)
		if isinstance(rule, list):
			return [self._rule(one, depth + 1, in_row) for one in rule]
		if not isinstance(rule, Mapping):
			return rule
		if len(rule) != 1:
			names = ", ".join(map(str, rule)) or "none"
			raise ValueError(
				f"In the condition, {{…}} holds one operator, and here it holds {names[:80]}. {SHAPE}"
			)
		((name, operands),) = rule.items()
		operands = operands if isinstance(operands, list) else [operands]
		self._check(name, operands)
		if name == "var":
			return {"var": self._var(operands, depth, in_row)}
		if name in ("missing", "missing_some"):
			self._note_missing(operands, in_row)
		if name not in CONSTRUCTS or name in ("===", "!=="):
			self._note_comparison(name, operands, in_row)
		if name in OVER_ROWS:
			rows, *rest = operands
			within = [self._rule(rest[0], depth + 1, True)]
			rows = {ROWS: [self._rule(rows, depth + 1, in_row)]}
			if name == "reduce":
				begin = [self._rule(one, depth + 1, in_row) for one in rest[1:]]
				return {REDUCE: [rows, Quoted(*within), *begin]}
			return {name: [rows, *within]}
		return {name: [self._rule(one, depth + 1, in_row) for one in operands]}

	def _check(self, name: str, operands: list[Any]) -> None:
		if name in CONSTRUCTS:
			least, most = CONSTRUCTS[name]
		elif name in self._names:
			least, most = (1, 2) if name in OF_ONE else (2, 3 if name in IN_ORDER else 2)
		else:
			known = ", ".join([*self._names, *CONSTRUCTS])
			raise ValueError(
				f"The condition's operator {str(name)[:60]!r} is not known. Use one of {known}. {SHAPE}"
			)
		if len(operands) < least or (most is not None and len(operands) > most):
			counts = {1: "one value", 2: "two values", 3: "three values"}
			takes = (
				f"at least {counts.get(least, least)}"
				if most is None
				else counts.get(least, "no value")
				if least == most
				else f"{least} to {counts[most]}"
			)
			raise ValueError(f"In the condition, {name} takes {takes}, and is given {len(operands)}. {SHAPE}")

	def _var(self, operands: list[Any], depth: int, in_row: bool) -> list[Any]:
		if not operands:
			return [""]
		path, *default = operands
		rest = [self._rule(one, depth + 1, in_row) for one in default]
		if isinstance(path, Mapping):  # which one it is, is worked out
			return [self._rule(path, depth + 1, in_row), *rest]
		if path is None or path == "":
			return ["", *rest]
		if isinstance(path, bool) or not isinstance(path, str | int):
			raise ValueError(
				f"In the condition, var takes a path such as doc.status, and not {str(path)[:60]!r}."
			)
		return [self._expression(str(path), in_row), *rest]

	def _expression(self, text: str, in_row: bool) -> Expression:
		try:
			# By itself a number is a place in a list.
			expression = Expression(text, Path(text)) if PLACE.fullmatch(text) else compile(text)
		except NoExpression as error:
			raise ValueError(f"The condition has an operand that is no field. {error}") from None
		self._expressions.append(expression)
		if not in_row:
			for path in expression.paths:
				self._paths[path] = None
		return expression

	def _text(self, text: str, in_row: bool) -> Any:
		"""A text with expressions in it: what the only one of it comes to, or the text that it renders to."""
		stripped = text.strip()
		if whole(text) or (
			stripped.startswith(OPEN) and stripped.endswith("}}") and stripped.count(OPEN) == 1
		):
			return {"var": [self._expression(stripped[2:-2], in_row)]}
		self._expressions += expressions(text)
		return {TEXT: [text]}

	def _note_missing(self, operands: list[Any], in_row: bool) -> None:
		for one in operands:
			for key in one if isinstance(one, list) else [one]:
				if isinstance(key, str) and not in_row:
					self._expression(key, in_row)

	def _note_comparison(self, name: str, operands: list[Any], in_row: bool) -> None:
		if in_row or len(operands) not in (1, 2):
			return
		pairs = [(operands[0], operands[1] if len(operands) == 2 else None)]
		if name in ("==", "!=", "===", "!==") and len(operands) == 2:
			pairs.append((operands[1], operands[0]))
		for one, other in pairs:
			if (path := _path_of(one)) is not None:
				is_written = not isinstance(other, Mapping) and not (isinstance(other, str) and OPEN in other)
				self._compared.append(Compared(path, name, other if is_written else None))


def _path_of(operand: Any) -> str | None:
	"""The path that an operand is, if it is one and nothing more."""
	if not isinstance(operand, Mapping) or set(operand) != {"var"}:
		return None
	path = operand["var"]
	path = path[0] if isinstance(path, list) and path else path
	try:
		return compile(path).path if isinstance(path, str) and path else None
	except NoExpression:
		return None
