"""Texts and JSON with `{{ expressions }}` in them; see `engine.expressions`.

Unknown is empty and nothing is ever evaluated. What was rendered is not rendered again. What values may become is bounded
by a `Budget`, so that a short text which names a long value many times costs no more than it says.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from flow_editor.engine.errors import EITHER, StepFailed
from flow_editor.engine.expressions import Expression, NoExpression, compile, compiled
from flow_editor.engine.filters import SHIPPED, Filter
from flow_editor.engine.paths import PATH, Beginning, Cut, Found, find, resolve
from flow_editor.engine.plain import MAX_DEPTH, as_text, jsonable

OPEN, CLOSE = "{{", "}}"
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
	for text, expression in read(template):
		rendered.append(text)
		if expression is not None:
			value = write(expression.found(root))
			rendered.append(budget.take(html.escape(value) if escape else value))
	return "".join(rendered)


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
		expression = whole(value)
		if expression is None:
			return render_text(value, root, budget=budget)
		found = expression.value(root)
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


def whole(text: str) -> Expression | None:
	"""The expression, if the text is exactly one."""
	if OPEN not in text:
		return None
	stripped = text.strip()
	pieces = read(stripped)
	if len(pieces) == 2 and not pieces[0][0] and pieces[1] == ("", None):
		return pieces[0][1] if pieces[0][1] is not NOTHING else None
	return None


def whole_path(text: str) -> str | None:
	"""The path, if the text is exactly one expression, and that a path without filters."""
	expression = whole(text)
	return expression.path if expression else None


def expressions(template: str) -> list[Expression]:
	"""The expressions of a template, in order; what is none is left out."""
	return [one for _, one in read(template) if one is not None and one is not NOTHING]


def paths(template: str) -> list[str]:
	"""The paths that a template reads, in order."""
	return [path for expression in expressions(template) for path in expression.paths]


def syntax_problem(template: str, filters: Mapping[str, Filter] = SHIPPED) -> str | None:
	"""What keeps a template from being rendered, as a sentence that says what to do, or None.

	Args:
		filters: those that there are, by name.
	"""
	position = 0
	while True:
		begin, stray = template.find(OPEN, position), template.find(CLOSE, position)
		if stray != -1 and (begin == -1 or stray < begin):
			return "There is a }} without a {{ before it. Add the {{ or remove the }}."
		if begin == -1:
			return None
		end = _end(template, begin + len(OPEN))
		if end == -1 and stray != -1:
			return "There is a quotation mark after {{ without another that ends the text. Close it."
		if end == -1:
			return "There is a {{ without a }} after it. Close it with }}."
		try:
			expression = compile(template[begin + len(OPEN) : end])
		except NoExpression as error:
			return str(error)
		if message := expression.problem(filters):
			return message
		position = end + len(CLOSE)


#: What stands for an expression that is none.
NOTHING = Expression("", None)
#: How long a template is whose parts are kept, so that it is read once.
KEPT_LENGTH = 20_000
QUOTE = re.compile("['\"]")
#: The rest of a quoted text. Every quantifier is bounded by a character that it cannot match.
REST = {
	"'": re.compile(r"[^'\\]*(?:\\.[^'\\]*)*'", re.DOTALL),
	'"': re.compile(r'[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL),
}


def read(template: str) -> tuple[tuple[str, Expression | None], ...]:
	"""(text, expression after it) pairs, the last without one. What is not closed counts as text; what is no expression
	is `NOTHING`, which is empty."""
	return _kept(template) if len(template) <= KEPT_LENGTH else _read(template)


def _read(template: str) -> tuple[tuple[str, Expression | None], ...]:
	return tuple(
		(text, None if inner is None else compiled(inner) or NOTHING) for text, inner in split(template)
	)


_kept = lru_cache(maxsize=1024)(_read)


def split(template: str) -> Iterator[tuple[str, str | None]]:
	"""(text, what stands in braces after it) pairs; what is not closed counts as text."""
	position = 0
	while True:
		begin = template.find(OPEN, position)
		end = _end(template, begin + len(OPEN)) if begin != -1 else -1
		if end == -1:
			yield template[position:], None
			return
		yield template[position:begin], template[begin + len(OPEN) : end].strip()
		position = end + len(CLOSE)


def _end(template: str, position: int) -> int:
	"""Where the braces close that stand open at a position: at the first }} that is not within quotes; -1 if nowhere."""
	end = template.find(CLOSE, position)
	while end != -1 and (quote := QUOTE.search(template, position, end)):
		rest = REST[quote[0]].match(template, quote.end())
		if rest is None:
			return -1
		position = rest.end()
		if position > end:
			end = template.find(CLOSE, position)
	return end
