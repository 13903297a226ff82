"""Expressions: a path, a text in quotes or a number, and filters after it.

	expression := (path | text | number) { "|" name [ ":" argument { "," argument } ] }
	argument   := path | text | number | true | false | null

A text stands in '…' or "…", with \\ before a quotation mark or a \\ in it. Filters apply from left to right; nothing is nested.
`compile` reads one once for all, in linear time and within bounds. Its value is empty if it leads nowhere or a filter cannot
take it. It never evaluates anything, and reads no attribute.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from flow_editor.engine.filters import SHIPPED, Filter, Use
from flow_editor.engine.filters.base import USUAL, apply
from flow_editor.engine.paths import PATH, Found, find

#: How long an expression is at most, and how many filters and arguments it has.
MOST_CHARACTERS = 2_000
MOST_FILTERS = 20
MOST_ARGUMENTS = 12
NUMBER = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?")
#: A token; every alternative begins with characters of its own.
TOKEN = re.compile(
	r"""\s*(?:(?P<quoted>'[^'\\]*(?:\\.[^'\\]*)*'|"[^"\\]*(?:\\.[^"\\]*)*")|(?P<word>[\w.-]+)|(?P<sign>[|:,])|(?P<other>\S))""",
	re.DOTALL,
)
ESCAPED = re.compile(r"\\(.)", re.DOTALL)
CONSTANTS: Mapping[str, Any] = {"true": True, "false": False, "null": None}
EXAMPLE = "Write a path, a text in quotes or a number, and filters after it, such as {{doc.grand_total | round: 2}}."


class NoExpression(ValueError):
	"""A text that is no expression. The message is a sentence that says what to write."""


class Path(str):
	"""A path, and no text."""

	__slots__ = ()


@dataclass(frozen=True, slots=True)
class Call:
	"""A filter as it is applied.

	Args:
		arguments: each a value, or a `Path` to one.
	"""

	name: str
	arguments: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Expression:
	"""An expression that was read.

	Args:
		text: as its author wrote it.
		source: a `Path`, or a text or number that stands for itself.
	"""

	text: str
	source: Any
	calls: tuple[Call, ...] = ()

	@property
	def path(self) -> str | None:
		"""The path, if it is nothing else."""
		return self.source if isinstance(self.source, Path) and not self.calls else None

	@property
	def paths(self) -> list[str]:
		"""The paths that it reads, in order."""
		read = [self.source, *(argument for call in self.calls for argument in call.arguments)]
		return [one for one in read if isinstance(one, Path)]

	def value(self, root: Mapping[str, Any]) -> Any:
		"""Its value, of the type of its last filter; None if it leads nowhere.

		Raises:
			StepFailed: what it reads was cut, or goes through too many documents.
		"""
		return self.found(root).value

	def found(self, root: Mapping[str, Any]) -> Found:
		"""Its value, and what it is of, if it is a document's field that no filter has changed.

		Args:
			root: what its paths begin at. Its attribute `use`, if it has one, says what filters and links may use.
		"""
		found = find(root, self.source) if isinstance(self.source, Path) else Found("", self.source)
		if not self.calls:
			return found
		use = getattr(root, "use", None) or USUAL
		filters = SHIPPED if use.filters is None else use.filters
		value = found.value
		for call in self.calls:
			arguments = [find(root, one).value if isinstance(one, Path) else one for one in call.arguments]
			known = filters.get(call.name)
			if known is None:
				use.warn(f"There is no filter “{call.name[:40]}”, so {{{{{self.text[:80]}}}}} is empty.")
				return Found(found.path)
			value = apply(known, value, arguments, use, found, self.text)
		return Found(found.path, value)

	def problem(self, filters: Mapping[str, Filter] = SHIPPED) -> str | None:
		"""What is wrong with its filters, as a sentence that says what to do, or None."""
		for call in self.calls:
			if (known := filters.get(call.name)) is None:
				return f"There is no filter “{call.name[:40]}”. Use one of {', '.join(filters)}."
			if message := known.problem(call.arguments, lambda value: not isinstance(value, Path)):
				return message
		return None


def compile(text: str) -> Expression:
	"""Read an expression; the same one is read once.

	Raises:
		NoExpression: it is none.
	"""
	read = _read(text)
	if isinstance(read, str):
		raise NoExpression(read)
	return read


def compiled(text: str) -> Expression | None:
	"""An expression, or None if the text is none."""
	read = _read(text)
	return None if isinstance(read, str) else read


def _read(text: str) -> Expression | str:
	"""An expression, or why it is none."""
	if len(text) > MOST_CHARACTERS:
		return f"An expression is longer than {MOST_CHARACTERS:,} characters. Use shorter ones."
	return _compiled(text)


@lru_cache(maxsize=4096)
def _compiled(text: str) -> Expression | str:
	text = str(text).strip()
	try:
		return _Reader(text).read()
	except NoExpression as error:
		return str(error)


class _Reader:
	def __init__(self, text: str):
		self._text = text
		self._tokens: Iterator[re.Match[str]] = TOKEN.finditer(text)
		self._at: re.Match[str] | None = None
		self._go_on()

	def read(self) -> Expression:
		if self._at is None:
			raise NoExpression("There is an empty {{ }}. Put a path into it, such as {{doc.name}}.")
		source = self._operand({})
		calls: list[Call] = []
		while self._at is not None:
			self._take("|")
			calls.append(self._call())
			if len(calls) > MOST_FILTERS:
				raise NoExpression(f"An expression has more than {MOST_FILTERS} filters. Use fewer.")
		return Expression(self._text, source, tuple(calls))

	def _call(self) -> Call:
		name = self._at["word"] if self._at else None
		if not name or not name.replace("_", "a").isalnum():
			raise self._refusal("After “|” comes the name of a filter.")
		self._go_on()
		arguments: list[Any] = []
		while self._at is not None and self._at["sign"] == (":" if not arguments else ","):
			self._go_on()
			arguments.append(self._operand(CONSTANTS))
			if len(arguments) > MOST_ARGUMENTS:
				raise NoExpression(f"A filter has more than {MOST_ARGUMENTS} arguments. Use fewer.")
		return Call(name, tuple(arguments))

	def _operand(self, constants: Mapping[str, Any]) -> Any:
		token = self._at
		if token is not None and token["quoted"] is not None:
			self._go_on()
			return ESCAPED.sub(r"\1", token["quoted"][1:-1])
		word = token["word"] if token is not None else None
		if word is None:
			raise self._refusal()
		if word in constants:
			value = constants[word]
		elif NUMBER.fullmatch(word):
			value = float(word) if "." in word else int(word)
		elif PATH.fullmatch(word):
			value = Path(word)
		else:
			raise self._refusal()
		self._go_on()
		return value

	def _take(self, sign: str) -> None:
		if self._at is None or self._at["sign"] != sign:
			raise self._refusal()
		self._go_on()

	def _go_on(self) -> None:
		self._at = next(self._tokens, None)

	def _refusal(self, why: str = "") -> NoExpression:
		shown = f"{{{{{self._text[:60]}}}}}"
		if self._at is None:
			return NoExpression(f"{shown} ends too early. {why or EXAMPLE}")
		odd = next(part for part in self._at.groups() if part is not None)
		if odd in ("'", '"'):
			return NoExpression(f"{shown} has a quotation mark without another that ends the text. Close it.")
		return NoExpression(f"{shown} cannot be read at “{odd[:20]}”. {why or EXAMPLE}")
