"""`{{a.b.c}}` expressions: paths over mappings and lists, and nothing else.

Unknown is empty and nothing is ever evaluated: a path is split at its dots, each part is a key of a mapping, an index
of a list or a column of its rows, and no attribute is ever read. What was rendered is not rendered again. Errors of a
lazy mapping, such as a missing permission, go through; a missing key does not. What values may become is bounded
by a `Budget`, so that a short text which names a long value many times costs no more than it says.
"""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from flow_editor.engine.errors import EITHER, StepFailed
from flow_editor.engine.values import Document, FieldType

OPEN, CLOSE = "{{", "}}"
#: What lies deeper in a value than this many lists and mappings is dropped, so that no outside answer, however
#: deep, can exhaust the stack.
MAX_DEPTH = 100
HALF_CHARACTER = re.compile("[\ud800-\udfff]")
#: A path: parts of letters, digits, _ and -, joined by dots. Every quantifier is bounded by a different
#: character than the next begins with, so that matching is linear.
PATH = re.compile(r"[\w-]+(?:\.[\w-]+)*")
#: How much the values in all of a step's fields may come to, in characters.
MAX_RENDERED = 1_000_000


class Budget:
	"""What one step may still put into its texts, in characters of its values. Its author's own words are free: they
	are as long as the definition is."""

	def __init__(self, characters: int = MAX_RENDERED):
		self._most = self._left = characters

	def spend(self, characters: int) -> None:
		"""Raise StepFailed once it is used up."""
		self._left -= characters
		if self._left < 0:
			raise StepFailed(
				f"The values in this step come to more than {self._most:,} characters. Use shorter ones, or fewer.",
				helps=EITHER,
			)

	def take(self, text: str) -> str:
		self.spend(len(text))
		return text


class Cut(Mapping[str, Any]):
	"""What stands for a value of which only the beginning was kept. Whoever reads it, or anything in it, is told so: a
	hole in its place would go out without a word."""

	def __init__(self, message: str):
		self._message = message

	def _refuse(self, *_: Any) -> Any:
		raise StepFailed(self._message)

	__getitem__ = __iter__ = __len__ = __bool__ = __str__ = __eq__ = __contains__ = get = _refuse
	__hash__ = None


class Beginning(dict):
	"""A mapping that was cut: what it holds can be read, and all else of it is a `Cut`."""

	def __init__(self, values: Mapping[str, Any], cut: Cut):
		super().__init__(values)
		self._cut = cut

	def __missing__(self, key: str) -> Cut:
		return self._cut

	def mapped(self, function: Callable[[Any], Any]) -> Beginning:
		"""The same with other values."""
		return Beginning({key: function(value) for key, value in self.items()}, self._cut)


@dataclass(slots=True)
class Found:
	"""What stands at a path.

	Attributes:
		type: what the field holds, if it is a document's and its DocType says so.
		within: the documents and rows that the path went through, outermost first.
	"""

	path: str
	value: Any = None
	type: FieldType | None = None
	within: tuple[Document, ...] = ()

	@property
	def name(self) -> str:
		return self.path.rpartition(".")[2]


def find(root: Mapping[str, Any], path: str) -> Found:
	"""What stands at a dotted path; nothing, if it leads nowhere. A name after a list is that column of its rows.

	Raises:
		StepFailed: it was cut.
	"""
	value: Any = root
	about: FieldType | None = None
	within: list[Document] = []
	for part in path.split("."):
		holder, about = value, None
		if isinstance(holder, Mapping):
			try:
				value = holder[part]
			except KeyError:
				return Found(path)
		elif isinstance(holder, list | tuple) and part.isascii() and part.isdigit():
			index = int(part) if len(part) < 10 else len(holder)
			if index >= len(holder):
				return Found(path)
			value = holder[index]
		elif isinstance(holder, list | tuple):
			rows = [row for row in holder if isinstance(row, Mapping) and part in row]
			if not rows:
				return Found(path)
			holder, value = rows[0], _column(rows, part)
		else:
			return Found(path)
		if isinstance(holder, Document):
			about = holder.types.get(part)
			within.append(holder)
	return Found(path, value._refuse() if isinstance(value, Cut) else value, about, tuple(within))


def _column(rows: list[Mapping[str, Any]], name: str) -> list[Any]:
	values = []
	for row in rows:
		cell = row[name]
		if isinstance(cell, list | tuple):  # a table within a table
			values += cell
		else:
			values.append(cell)
	return values


def resolve(root: Mapping[str, Any], path: str) -> Any:
	"""The value at a dotted path, or None. Raises StepFailed if it was cut."""
	return find(root, path).value


def plainly(found: Found) -> str:
	"""A value as it is."""
	return as_text(found.value)


def render_text(
	template: str,
	root: Mapping[str, Any],
	*,
	escape: bool = False,
	budget: Budget | None = None,
	write: Callable[[Found], str] = plainly,
) -> str:
	"""Replace every expression by its value as text.

	Args:
		escape: escape the values for HTML; the template's own text stays as it is.
		budget: what the values may come to; if None, as much as one step's may.
		write: how a value is written.

	Raises:
		StepFailed: they come to more, or one was cut.
	"""
	if OPEN not in template:
		return template
	budget = budget or Budget()
	rendered = []
	for text, expression in split(template):
		rendered.append(text)
		if expression is not None:
			value = write(read(root, expression))
			rendered.append(budget.take(html.escape(value) if escape else value))
	return "".join(rendered)


def read(root: Mapping[str, Any], expression: str) -> Found:
	"""What an expression stands for; nothing, if it is none."""
	return find(root, expression) if PATH.fullmatch(expression) else Found(expression)


def render_value(
	value: Any, root: Mapping[str, Any], budget: Budget | None = None, *, as_json: bool = True
) -> Any:
	"""Render the leaves of parsed JSON. A text that is one whole expression becomes the value, of its type.

	Args:
		as_json: make it what JSON can hold; else a date stays a date, so that it can be compared.

	Raises:
		StepFailed: they come to more than the budget, by default one step's.
	"""
	budget = budget or Budget()
	if isinstance(value, str):
		path = whole_path(value)
		if path is None:
			return render_text(value, root, budget=budget)
		found = resolve(root, path)
		shown = jsonable(found)
		budget.spend(_length(shown))
		return shown if as_json else found
	if isinstance(value, Mapping):
		return {key: render_value(item, root, budget, as_json=as_json) for key, item in value.items()}
	if isinstance(value, list | tuple):
		return [render_value(item, root, budget, as_json=as_json) for item in value]
	return value


def _length(value: Any) -> int:
	"""Of a value's JSON, in characters, near enough."""
	if isinstance(value, str):
		return len(value)
	if isinstance(value, Mapping):
		return sum(len(key) + _length(item) + 6 for key, item in value.items()) + 2
	if isinstance(value, list | tuple):
		return sum(_length(item) + 2 for item in value) + 2
	return 8 if value is None or isinstance(value, bool | float) else len(str(value))


def whole_path(text: str) -> str | None:
	"""The path, if the text is exactly one expression."""
	stripped = text.strip()
	if not (stripped.startswith(OPEN) and stripped.endswith(CLOSE)):
		return None
	path = stripped[len(OPEN) : -len(CLOSE)].strip()
	return path if PATH.fullmatch(path) else None


def paths(template: str) -> list[str]:
	"""The paths that a template reads, in order."""
	return [
		expression
		for _, expression in split(template)
		if expression is not None and PATH.fullmatch(expression)
	]


def syntax_problem(template: str) -> str | None:
	"""What keeps a template from parsing, as a sentence that says what to do, or None."""
	position = 0
	while True:
		begin, stray = template.find(OPEN, position), template.find(CLOSE, position)
		if stray != -1 and (begin == -1 or stray < begin):
			return "There is a }} without a {{ before it. Add the {{ or remove the }}."
		if begin == -1:
			return None
		end = template.find(CLOSE, begin + len(OPEN))
		if end == -1:
			return "There is a {{ without a }} after it. Close it with }}."
		expression = template[begin + len(OPEN) : end].strip()
		if not expression:
			return "There is an empty {{ }}. Put a path into it, such as {{doc.name}}."
		if not PATH.fullmatch(expression):
			return (
				f"{{{{{expression[:60]}}}}} is not a path. Write names joined by dots, such as "
				"{{customer.customer_name}}; functions, filters and arithmetic are not available."
			)
		position = end + len(CLOSE)


def split(template: str) -> Iterator[tuple[str, str | None]]:
	"""(text, expression after it) pairs; what is not closed counts as text."""
	position = 0
	while True:
		begin = template.find(OPEN, position)
		end = template.find(CLOSE, begin + len(OPEN)) if begin != -1 else -1
		if end == -1:
			yield template[position:], None
			return
		yield template[position:begin], template[begin + len(OPEN) : end].strip()
		position = end + len(CLOSE)


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
