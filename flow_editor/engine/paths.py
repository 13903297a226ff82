"""Dotted paths: the keys of mappings, the members of lists and the columns of their rows, and the fields of linked documents.

Nothing is evaluated, and no attribute of a value is ever read. Errors of a lazy mapping, such as a missing permission, go
through; a missing key does not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flow_editor.engine.errors import IN_FLOW, StepFailed
from flow_editor.engine.values import LINKS, Document, FieldType

#: A path: parts of letters, digits, _ and -, joined by dots. Every quantifier is bounded by a different
#: character than the next begins with, so that matching is linear.
PATH = re.compile(r"[\w-]+(?:\.[\w-]+)*")
#: How many Link fields a path goes through at most.
MOST_HOPS = 5


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
	"""What stands at a dotted path; nothing, if it leads nowhere. A name after a list is that column of its rows; a name after
	a Link field is that field of the document which it names, if the root says how to read one (`use.linked`).

	Raises:
		StepFailed: it was cut, or goes through too many documents.
	"""
	value: Any = root
	about: FieldType | None = None
	within: list[Document] = []
	hops = 0
	for part in path.split("."):
		holder, link, about = value, about, None
		if link is not None and link.fieldtype in LINKS and isinstance(holder, str | list):
			if (doctype := _linked_doctype(link, within)) and not (
				isinstance(holder, list) and _is_index(part)
			):
				hops += 1
				holder = _linked(root, path, doctype, holder, hops)
		if isinstance(holder, Mapping):
			try:
				value = holder[part]
			except KeyError:
				return Found(path)
		elif isinstance(holder, list | tuple) and _is_index(part):
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


def _is_index(part: str) -> bool:
	return part.isascii() and part.isdigit()


def _linked_doctype(link: FieldType, within: list[Document]) -> str:
	"""The DocType of what a field names that was found last."""
	if link.fieldtype == "Link" or not within:
		return link.options
	return str(within[-1].get(link.options) or "")


def _linked(root: Mapping[str, Any], path: str, doctype: str, names: Any, hops: int) -> Any:
	"""The documents that a Link field, or a column of one, names."""
	if hops > MOST_HOPS:
		raise StepFailed(
			f"{{{{{path[:100]}}}}} goes through more than {MOST_HOPS} documents. Use a shorter path.",
			helps=IN_FLOW,
		)
	read = getattr(getattr(root, "use", None), "linked", None)
	if read is None:
		return None
	if isinstance(names, str):
		return read(doctype, names) if names else None
	documents = (read(doctype, name) for name in names if isinstance(name, str) and name)
	return [document for document in documents if document is not None]


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
