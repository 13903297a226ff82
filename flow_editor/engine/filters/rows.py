"""Filters of lists and of the rows of tables. No list is nothing: it is an empty one."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from functools import partial
from typing import Any

from flow_editor.engine.conditions import OPERATORS, Uncomparable, evaluate, is_empty
from flow_editor.engine.filters.base import Argument, Filter
from flow_editor.engine.filters.taken import Setting, Unfit, Use, check_length, number_of, plain_number
from flow_editor.engine.paths import Found
from flow_editor.engine.plain import as_text
from flow_editor.engine.values import NUMBERS, STANDARD, Document

GROUP = "Lists and tables"
#: How many columns a table has whose author names none.
MOST_COLUMNS = 8
#: What every row has beside its own fields, which no reader asks for.
NOT_SHOWN = frozenset(("doctype", "__islocal", "__unsaved", *STANDARD))
LEFT, RIGHT = (
	"padding: 4px 8px; border: 1px solid #ccc",
	"padding: 4px 8px; border: 1px solid #ccc; text-align: right",
)


class Table(str):
	"""A table in words, a line for each row, that can be shown as HTML too."""

	markup: str = ""


def count(rows: list[Any]) -> int:
	return len(rows)


def first(rows: list[Any]) -> Any:
	return rows[0] if rows else None


def last(rows: list[Any]) -> Any:
	return rows[-1] if rows else None


def _cells(rows: list[Any], name: str) -> list[Any]:
	"""The values of a column, or of the list itself if none is named; without those that are empty."""
	return [value for value in column(rows, name) if not is_empty(value)]


def column(rows: list[Any], name: str) -> list[Any]:
	if not name:
		return rows
	if rows and not any(isinstance(row, Mapping) for row in rows):
		raise Unfit("has no rows with columns")
	return [row.get(name) for row in rows if isinstance(row, Mapping)]


def total(setting: Setting, rows: list[Any], name: str) -> Any:
	return plain_number(sum((number_of(value, setting.use) for value in _cells(rows, name)), Decimal()))


def average(setting: Setting, rows: list[Any], name: str) -> Any:
	values = [number_of(value, setting.use) for value in _cells(rows, name)]
	return plain_number(round(sum(values, Decimal()) / len(values), 12)) if values else None


def least(setting: Setting, rows: list[Any], name: str) -> Any:
	keyed = _keyed(_cells(rows, name), setting.use)
	return min(keyed, key=_key)[1] if keyed else None


def most(setting: Setting, rows: list[Any], name: str) -> Any:
	keyed = _keyed(_cells(rows, name), setting.use)
	return max(keyed, key=_key)[1] if keyed else None


def _key(pair: tuple[Any, Any]) -> Any:
	return pair[0]


def _keyed(values: list[Any], use: Use) -> list[tuple[Any, Any]]:
	"""Values with what they are put in order by: numbers, days, times of day or texts, and no two of these together."""
	for read in (partial(_numbers, use=use), partial(_moments, use=use), _clocks, _texts):
		keys = read(values)
		if keys is not None:
			return list(zip(keys, values, strict=True))
	raise Unfit("has values of several types, which have no order")


def _numbers(values: list[Any], use: Use) -> list[Decimal] | None:
	read = use.conventions.read_number
	if not all(
		isinstance(value, int | float | Decimal) or (isinstance(value, str) and read(value) is not None)
		for value in values
	):
		return None
	return [number_of(value, use) for value in values]


def _moments(values: list[Any], use: Use) -> list[datetime] | None:
	keys = []
	for value in values:
		moment = use.conventions.read_moment(value) if isinstance(value, str) else value
		if isinstance(moment, datetime):
			keys.append(use.conventions.local(moment))
		elif isinstance(moment, date):
			keys.append(datetime.combine(moment, time()))
		else:
			return None
	return keys


def _clocks(values: list[Any]) -> list[time] | None:
	return values if all(isinstance(value, time) for value in values) else None


def _texts(values: list[Any]) -> list[tuple[str, str]] | None:
	return (
		[(value.casefold(), value) for value in values]
		if all(isinstance(value, str) for value in values)
		else None
	)


def join(rows: list[Any], separator: str, final: str) -> str:
	texts = [as_text(value) for value in rows if not is_empty(value)]
	check_length(sum(map(len, texts)) + len(texts) * len(separator) + len(final))
	if final and len(texts) > 1:
		return f"{separator.join(texts[:-1])}{final}{texts[-1]}"
	return separator.join(texts)


def where(setting: Setting, rows: list[Any], name: str, op: Any, value: Any) -> list[Any]:
	"""With an operator and a value, with a value alone, which it is, or with neither: yes."""
	if value is MISSING:
		op, value = ("==", op) if op is not MISSING else ("", None)
	elif op not in OPERATORS:
		raise Unfit(f"has no operator “{as_text(op)[:20]}”. Use one of {', '.join(OPERATORS)}")
	site = setting.use.conventions
	kept = []
	for row in rows:
		cell = row.get(name) if isinstance(row, Mapping) else None
		try:
			is_wanted = (
				evaluate(cell, op, value, site) if op else not is_empty(cell) and cell not in (0, "0", False)
			)
		except Uncomparable as error:
			raise Unfit(f"cannot be looked through: {error}") from None
		if is_wanted:
			kept.append(row)
	return kept


def sort(setting: Setting, rows: list[Any], name: str, order: str) -> list[Any]:
	cells = column(rows, name)
	whole = [row for row in rows if isinstance(row, Mapping)] if name else rows
	filled = [number for number, cell in enumerate(cells) if not is_empty(cell)]
	keyed = _keyed([cells[number] for number in filled], setting.use)
	ordered = sorted(zip(keyed, filled, strict=True), key=lambda pair: pair[0][0], reverse=order == "desc")
	empty = [row for row, cell in zip(whole, cells, strict=True) if is_empty(cell)]
	return [whole[number] for _, number in ordered] + empty


def unique(rows: list[Any], name: str) -> list[Any]:
	kept: dict[str, Any] = {}
	whole = [row for row in rows if isinstance(row, Mapping)] if name else rows
	for row, cell in zip(whole, column(rows, name), strict=True):
		kept.setdefault(f"{type(cell).__name__} {as_text(cell)}", row)
	return list(kept.values())


def table(setting: Setting, rows: list[Any], *names: str) -> str:
	rows = [row for row in rows if isinstance(row, Mapping)]
	if not rows:
		return ""
	types = next((row.types for row in rows if isinstance(row, Document)), {})
	shown = names or _columns(rows)
	labels = [
		(types[name].label if name in types else "") or name.replace("_", " ").capitalize() for name in shown
	]
	lines = [[_cell(setting, row, name) for name in shown] for row in rows]
	check_length(sum(len(cell) + 60 for line in lines for cell in line))
	made = Table("\n".join(" | ".join(" ".join(cell.split()) for cell in line) for line in (labels, *lines)))
	styles = [RIGHT if all(_is_number(row, name) for row in rows) else LEFT for name in shown]
	made.markup = f'<table style="border-collapse: collapse"><thead>{_line("th", labels, styles)}</thead><tbody>{"".join(_line("td", line, styles) for line in lines)}</tbody></table>'
	return made


def _columns(rows: list[Mapping[str, Any]]) -> list[str]:
	"""The columns that hold something to read."""
	named = dict.fromkeys(name for row in rows for name in row)
	filled = [
		name
		for name in named
		if name not in NOT_SHOWN
		and any(not is_empty(row.get(name)) and not isinstance(row.get(name), list | dict) for row in rows)
	]
	return filled[:MOST_COLUMNS]


def _cell(setting: Setting, row: Mapping[str, Any], name: str) -> str:
	about = row.types.get(name) if isinstance(row, Document) else None
	within = (*setting.source.within, row) if isinstance(row, Document) else setting.source.within
	return setting.use.reader.text(Found(name, row.get(name), about, within))


def _is_number(row: Mapping[str, Any], name: str) -> bool:
	about = row.types.get(name) if isinstance(row, Document) else None
	if about is not None:
		return about.fieldtype in NUMBERS and about.fieldtype != "Check"
	return isinstance(row.get(name), int | float | Decimal) and not isinstance(row.get(name), bool)


def _line(tag: str, cells: Iterable[str], styles: Iterable[str]) -> str:
	written = (
		f'<{tag} style="{style}">{html.escape(cell).replace(chr(10), "<br>")}</{tag}>'
		for cell, style in zip(cells, styles, strict=True)
	)
	return f"<tr>{''.join(written)}</tr>"


#: What an argument is that was left out, if nothing could be meant.
MISSING: Any = object()
OF = (Argument("column", default=""),)
FILTERS = (
	Filter("count", count, "list", "number", "How many there are.", example=('doc.items | count', '3'), group=GROUP),
	Filter("first", first, "list", "a row or value", "The first.", example=('doc.items.item_code | first', 'ROUTER'), group=GROUP),
	Filter("last", last, "list", "a row or value", "The last.", example=('doc.items.item_code | last', 'ROUTER'), group=GROUP),
	Filter("sum", total, "list", "number", "All together, of a column if one is named.", arguments=OF, example=("doc.items | sum: 'amount'", '250.5'), group=GROUP, aware=True),
	Filter("avg", average, "list", "number", "Their average.", arguments=OF, example=('doc.items.qty | avg', '2'), group=GROUP, aware=True),
	Filter("min", least, "list", "a value", "The least, of numbers, dates or texts.", arguments=OF, example=('doc.items.amount | min', '20.5'), group=GROUP, aware=True),
	Filter("max", most, "list", "a value", "The greatest.", arguments=OF, example=("doc.items | max: 'schedule_date'", '2026-12-17'), group=GROUP, aware=True),
	Filter("column", column, "list", "list", "One column of all rows.", arguments=(Argument("column"),), example=("doc.items | column: 'qty' | join: ' + '", '1 + 3 + 2'), group=GROUP),
	Filter(
		"join", join, "list", "text", "All in one text, with something between, and something else before the last.",
		arguments=(Argument("separator", default=", "), Argument("last separator", default="")), example=("doc.items.item_code | unique | join: ', ', ' and '", 'ROUTER and CABLE'), group=GROUP,
	),
	Filter(
		"where", where, "list", "list",
		"The rows of which a column is a value, or compares with it by an operator of a condition; without either, is yes.",
		arguments=(Argument("column"), Argument("operator or value", "any", MISSING), Argument("value", "any", MISSING)),
		example=("doc.items | where: 'qty', '>', 1 | sum: 'amount'", '150.5'), group=GROUP, aware=True,
	),
	Filter(
		"sort", sort, "list", "list", "In order, of a column if one is named. What is empty comes last.",
		arguments=(Argument("column", default=""), Argument("order", default="asc", choices=("asc", "desc"))), example=("doc.items | sort: 'amount', 'desc' | column: 'qty' | join", '2, 1, 3'), group=GROUP, aware=True,
	),
	Filter("unique", unique, "list", "list", "Each once.", arguments=OF, example=('doc.items.item_code | unique | count', '2'), group=GROUP),
	Filter(
		"table", table, "list", "text", "Its rows as a table: in HTML as one, elsewhere a line for each row.",
		arguments=(Argument("column", default="", rest=True),), example=("doc.items | where: 'item_code', 'CABLE' | table: 'item_code', 'qty'", 'Item code | Qty\nCABLE | 3'), group=GROUP, aware=True,
	),
)  # fmt: skip
