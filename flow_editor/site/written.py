"""The values of a scope for Frappe's Jinja: they count, compare and add up as what they are, and read as people write them.

In HTML a text is escaped and keeps its lines, and a field that holds HTML is cleaned markup; elsewhere both are words.
What a filter of Jinja's or a function makes of a value is plain again, and still escaped.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from typing import Any

from flow_editor.engine import markup
from flow_editor.engine.people import Reader, holds_html
from flow_editor.engine.render import Beginning, Cut, Found, as_text
from flow_editor.engine.values import Document


class _Written:
	"""A value that is put into words when it is printed, and not before: a document has many fields."""

	#: None, if arithmetic has made it of another.
	_write: Callable[[], str] | None = None

	def __str__(self) -> str:
		return self._write() if self._write else super().__str__()

	__html__ = __str__


class _Text(_Written, str): ...


class _Int(_Written, int): ...


class _Float(_Written, float): ...


class _Moment(_Written, datetime): ...


class _Date(_Written, date): ...


class _Time(_Written, time): ...


def values(scope: Mapping[str, Any], reader: Reader, *, as_html: bool) -> dict[str, Any]:
	"""All of a scope, with the document's fields at the top, as everywhere in Frappe."""
	roots = {root: _value(Found(root, scope[root]), reader, as_html) for root in scope}
	return {**roots["doc"], **roots}


def _value(found: Found, reader: Reader, as_html: bool) -> Any:
	value = found.value
	if isinstance(value, Cut):
		return value  # only who reads it is refused
	if isinstance(value, Beginning):
		return value.mapped(lambda item: _value(Found(found.path, item), reader, as_html))
	if isinstance(value, Mapping):
		types = value.types if isinstance(value, Document) else {}
		within = (*found.within, value) if isinstance(value, Document) else found.within
		return {
			name: _value(Found(name, item, types.get(name), within), reader, as_html)
			for name, item in value.items()
		}
	if isinstance(value, list | tuple):
		return [_value(Found(found.path, item, found.type, found.within), reader, as_html) for item in value]
	if value is None or isinstance(value, bool):
		return value
	written = _copied(value, as_html)
	written._write = lambda: _words(found, reader, as_html)
	return written


def _copied(value: Any, as_html: bool) -> _Written:
	if isinstance(value, int):
		return _Int(value)
	if isinstance(value, float):
		return _Float(value)
	if isinstance(value, datetime):
		return _Moment.combine(value.date(), value.timetz())
	if isinstance(value, date):
		return _Date(value.year, value.month, value.day)
	if isinstance(value, time):
		return _Time(value.hour, value.minute, value.second, value.microsecond, value.tzinfo)
	text = as_text(value)
	return _Text(html.escape(text) if as_html else text)


def _words(found: Found, reader: Reader, as_html: bool) -> str:
	if not as_html:
		return reader.text(found)
	return (
		markup.safe(found.value) if holds_html(found) else markup.with_breaks(html.escape(reader.text(found)))
	)
