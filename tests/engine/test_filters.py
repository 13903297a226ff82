from __future__ import annotations

import runpy
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path

import pytest

from flow_editor.engine.context import render_html
from flow_editor.engine.expressions import compile
from flow_editor.engine.filters import SHIPPED, Argument, Filter, Unfit, Use, filter_table, shadowed
from flow_editor.engine.people import Reader, plain
from flow_editor.engine.plain import as_text
from flow_editor.engine.render import render_text
from flow_editor.engine.values import STANDARD_TYPES, Conventions, Document, FieldType, document

DOCS = Path(__file__).parents[2] / "docs"


class Words:
	def __init__(self, language):
		self.code = language

	def language(self, customer):
		return self.code

	def translated(self, text, language):
		return {"Today": "Aujourd’hui"}.get(text, text) if language == "fr" else text

	def linked(self, doctype, name, field):
		return None


class Root(dict):
	def __init__(self, language="en", **values):
		super().__init__(values)
		self.use = Use(
			reader=lambda: Reader(Words(language), ""),
			now=lambda: datetime(2026, 12, 3, 9),
			conventions=Conventions(zone="America/Toronto"),
			days_off=lambda first, last: {date(2026, 12, 25), date(2026, 12, 26), date(2026, 12, 27)},
		)


ROWS = [
	{"item": "Router", "qty": 1, "amount": 100.1, "on": "2026-12-17", "free": 0},
	{"item": "Cable", "qty": 3, "amount": 20.2, "on": "2026-12-03", "free": 1},
	{"item": "Modem", "qty": None, "amount": 0, "on": None, "free": 0},
]


def value(expression, language="en", **values):
	compiled = compile(expression)
	assert compiled.problem() is None
	root = Root(language, rows=ROWS, **values)
	found = compiled.value(root)
	assert root.use.warnings == []
	return found


@pytest.mark.parametrize("one", SHIPPED.values(), ids=SHIPPED)
def test_the_example_of_each_filter_reads_as_it_says(one):
	expression, reads = one.example
	compiled = compile(expression)
	assert one.name in [call.name for call in compiled.calls] and compiled.problem() is None
	sample = runpy.run_path(str(DOCS / "filters.py"))["SAMPLE"]
	assert as_text(compiled.value(sample)) == reads
	assert one.help.endswith(".") and one.group != "Other"


def test_the_filters_page_is_what_the_filters_say():
	"""Mend it with: .venv/bin/python docs/filters.py"""
	script = runpy.run_path(str(DOCS / "filters.py"))
	assert (DOCS / "filters.md").read_text(encoding="utf-8") == script["page"]()


@pytest.mark.parametrize(
	("expression", "expected"),
	[
		# Texts
		("0 | default: 1", 0), ("'  ' | default: 1", 1), ("false_ | default: 'x'", False), ("nothing | default: null", None),
		("'éa' | upper", "ÉA"), ("12.5 | upper", "12.5"), ("day | upper", "2026-12-03"), ("\"don't o'brien-x\" | title", "Don't O'brien-X"),
		("'abc' | truncate: 3", "abc"), ("'abcd' | truncate: 3", "ab…"), ("'abcd' | truncate: 3, ''", "abc"),
		("'abcd' | truncate: 2, '...'", "ab"), ("'aaa' | replace: 'a', 'bb'", "bbbbbb"), ("'abc' | replace: '', 'x'", "abc"),
		("'<p>a</p><p>b</p>' | plain", "a\nb"), ("day | raw", date(2026, 12, 3)), ("nothing | upper", None), ("'' | upper", None),
		# Numbers
		("2.5 | round", 3), ("-2.5 | round", -3), ("1234 | round: -2", 1200), ("'1,000.50' | round: 1", 1000.5), ("1.005 | round: 2", 1.01),
		("'-3.5' | abs", 3.5), ("0.1 | plus: 0.2 | minus: 0.3", 0), ("3 | times: '2.5'", 7.5), ("10 | divided_by: 4", 2.5),
		("1 | divided_by: 3", 0.333333333333), ("flag | plus: 1", 2), ("nothing | plus: 1", None),
		("'12345678901234567890.12' | plus: 0", Decimal("12345678901234567890.12")),
		("1234.5 | number", "1,234.5"), ("1234.5 | number: 0", "1,235"), ("0.5 | percent: 1", "0.5%"), ("12.345 | percent: 2", "12.35%"),
		("1234.5 | currency", "1,234.50"), ("1234.5 | currency: 'JPY'", "JP¥1,235"), ("5 | currency: 'cad'", "CA$5.00"),
		# Dates
		("day | add: '-1 month'", date(2026, 11, 3)), ("day | add: '2 weeks and 1 day'", date(2026, 12, 18)),
		("day | add: '4 hours'", datetime(2026, 12, 3, 4)), ("'2026-12-03 09:30' | add: '90 minutes'", datetime(2026, 12, 3, 11)),
		("day | add: 3, 'days'", date(2026, 12, 6)), ("day | add: flag_days, 'day'", date(2026, 12, 8)),
		("'2026-12-24' | add: '2 working days'", date(2026, 12, 29)), ("'2026-12-28' | add: '-1 working day'", date(2026, 12, 24)),
		("'2028-02-29' | add: '1 year'", date(2029, 2, 28)), ("'03-12-2026' | add: '1 day'", date(2026, 12, 4)),
		("moment | start_of: 'day'", datetime(2026, 12, 3)), ("moment | end_of: 'day'", datetime(2026, 12, 3, 23, 59, 59)),
		("day | start_of: 'week'", date(2026, 11, 30)), ("day | end_of: 'week'", date(2026, 12, 6)),
		("day | start_of: 'quarter'", date(2026, 10, 1)), ("'2026-02-10' | end_of: 'month'", date(2026, 2, 28)),
		("day | start_of: 'year'", date(2026, 1, 1)), ("day | end_of: 'year'", date(2026, 12, 31)),
		("moment | date", "3 December 2026"), ("moment | date: 'iso'", "2026-12-03"), ("day | date: 'dd/MM/yyyy'", "03/12/2026"),
		("day | date: 'short'", "03/12/2026"), ("day | date: 'MMMM'", "December"),
		("moment | time", "14:05"), ("clock | time", "9:30"), ("'9:30' | time: 'iso'", "09:30:00"), ("day | datetime", "3 December 2026, 00:00"),
		("moment | datetime: 'iso'", "2026-12-03 14:05:00"), ("day | weekday", "Thursday"),
		("day | in_words", "today"), ("'2026-12-04' | in_words", "tomorrow"), ("'2026-12-02' | in_words", "yesterday"),
		("'2026-12-06' | in_words", "in 3 days"), ("'2026-12-03 07:00' | in_words", "2 hours ago"), ("nothing | in_words", None),
		# Lists
		("nothing | count", 0), ("rows | count", 3), ("nothing | first", None), ("rows.item | last", "Modem"), ("nothing | sum", 0),
		("rows | sum: 'amount'", 120.3), ("rows.qty | sum", 4), ("rows | avg: 'qty'", 2), ("nothing | avg", None),
		("rows | min: 'on'", "2026-12-03"), ("rows | max: 'amount'", 100.1), ("rows.item | min", "Cable"), ("nothing | max", None),
		("rows | column: 'qty'", [1, 3, None]), ("rows.item | join", "Router, Cable, Modem"), ("rows.item | join: ', ', ' and '", "Router, Cable and Modem"),
		("rows | where: 'item', 'Cable' | column: 'qty'", [3]), ("rows | where: 'free' | count", 1), ("rows | where: 'free', 0 | count", 2),
		("rows | where: 'amount', '>=', 20.2 | count", 2), ("rows | where: 'on', 'empty', null | column: 'item'", ["Modem"]),
		("rows | where: 'item', 'in', 'Cable, Modem' | count", 2), ("rows | where: 'qty', '==', null | column: 'item'", ["Modem"]),
		("rows | sort: 'amount' | column: 'item'", ["Modem", "Cable", "Router"]),
		("rows | sort: 'qty', 'desc' | column: 'item'", ["Cable", "Router", "Modem"]), ("rows.item | sort", ["Cable", "Modem", "Router"]),
		("rows | sort: 'on' | column: 'item'", ["Cable", "Router", "Modem"]),
		("rows.free | unique", [0, 1]), ("rows | unique: 'free' | column: 'item'", ["Router", "Cable"]), ("nothing | table", ""),
		("rows | table: 'item', 'qty'", "Item | Qty\nRouter | 1\nCable | 3\nModem | "),
	],
)  # fmt: skip
def test_a_filter(expression, expected):
	found = value(
		expression,
		nothing=None,
		false_=False,
		flag=True,
		flag_days=5,
		day=date(2026, 12, 3),
		moment=datetime(2026, 12, 3, 14, 5),
		clock=time(9, 30),
	)
	assert found == expected and (expected is None or isinstance(found, type(expected)))


@pytest.mark.parametrize(
	("expression", "french"),
	[
		("1234567.5 | number: 2", "1\u202f234\u202f567,50"), ("1234.5 | currency: 'CAD'", "1\u202f234,50\u00a0$CA"), ("12.5 | percent", "12,5\u202f%"),
		("12.5 | percent: 2", "12,50\u202f%"), ("day | date", "3 décembre 2026"), ("day | weekday", "jeudi"), ("'9:30' | time", "9:30"),
		("day | add: '3 days' | in_words", "dans 3 jours"), ("day | in_words", "aujourd’hui"), ("day | add: '1 day' | in_words", "dans 1 jour"),
		("day | add: '-1 day' | in_words", "il y a 1 jour"), ("5400 | in_words", "1\u00a0heure 30 minutes"), ("moment | datetime", "3 décembre 2026, 14:05"),
	],
)  # fmt: skip
def test_what_people_read_is_in_their_language(expression, french):
	found = value(expression, "fr", day=date(2026, 12, 3), moment=datetime(2026, 12, 3, 14, 5))
	assert found.replace("\u00a0%", "\u202f%") == french


@pytest.mark.parametrize(
	("expression", "warning"),
	[
		("'abc' | round", "“abc” is no number, so {{'abc' | round}} is empty. (round)"),
		("rows | upper", "A list or table is no text, so {{rows | upper}} is empty. (upper)"),
		("'abc' | count", "“abc” is no list or table"), ("'soon' | date", "“soon” is no date"), ("'2026-12-03' | time", "is a date without a time"),
		("1 | divided_by: 0", "cannot be divided by 0"), ("'1' | plus: 'x'", "“x” is no number"),
		("mixed | sort", "has values of several types"), ("mixed | sum", "is no number"), ("numbers | column: 'a'", "has no rows with columns"),
		("rows | where: 'qty', 'like', 1", "has no operator “like”"), ("rows | where: 'on', '>', 'soon'", "cannot be looked through: “2026-12-17” is a date"),
		("'2026-12-03' | add: '101 years'", "more than 100 years away"), ("'2026-12-03' | date: 'HH:mm'", "The filter date cannot take"),
		("many | count", "has more than 10,000 rows"), ("large | plus: 1", "is too large a number"), ("'9' | times: '9e99'", "“9e99” is no number"),
		("'2026-12-03' | shout", "There is no filter “shout”"),
	],
)  # fmt: skip
def test_what_a_filter_cannot_take_is_empty_and_told(expression, warning):
	root = Root(rows=ROWS, mixed=[1, "x", date(2026, 1, 1)], numbers=[1, 2], many=[1] * 10_001, large=10**40)
	assert compile(expression).value(root) is None
	(told,) = root.use.warnings
	assert warning in told
	assert render_text(f"[{{{{{expression}}}}}]", root) == "[]" and len(root.use.warnings) == 1


def test_nobody_knows_the_time_by_itself():
	use = Use()
	root = type("Rooted", (dict,), {"use": use})({})
	assert compile("'2026-12-03' | in_words").value(root) is None
	assert "nobody knows what time it is" in use.warnings[0]


TYPES = {
	"currency": FieldType("Link", "Currency", "Currency"),
	"total": FieldType("Currency", "Total", "currency"),
	"due": FieldType("Date", "Due"),
	"note": FieldType("Text Editor", "Note"),
	"items": FieldType("Table", "Items", "Row"),
	**STANDARD_TYPES,
}
ROW_TYPES = {
	**STANDARD_TYPES,
	"item": FieldType("Data", "Item"),
	"rate": FieldType("Currency", "Unit price", "currency"),
	"on": FieldType("Date", "On"),
}


def invoice():
	rows = [
		{"name": "r1", "item": "A <b>", "rate": 1000, "on": "2026-12-03"},
		{"name": "r2", "item": "B", "rate": 7.5, "on": None},
	]
	fields = {"currency": "JPY", "total": 1234.6, "due": "2026-12-03", "note": "<p>Hi</p>", "items": rows}
	return document(fields, TYPES, lambda _: ROW_TYPES)


def test_in_texts_for_people_a_filter_takes_the_value_itself_and_writes_what_it_says():
	root = Root(doc=invoice())
	write = root.use.reader.text

	def text(template):
		return render_text(template, root, write=write)

	assert text("{{doc.total}} {{doc.due}} {{doc.note}}") == "1,235 3 December 2026 Hi"
	assert text("{{doc.total | raw}} {{doc.due | raw}} {{doc.note | raw}}") == "1234.6 2026-12-03 <p>Hi</p>"
	assert (
		text(
			"{{doc.total | currency}} {{doc.total | plus: 1 | currency}} {{doc.items | sum: 'rate' | currency}}"
		)
		== "JP¥1,235 JP¥1,236 JP¥1,008"
	)
	assert (
		text("{{doc.items.0.rate | currency}} {{doc.due | add: '1 day' | date}}")
		== "JP¥1,000 4 December 2026"
	)


def test_a_table_is_one_in_html_and_lines_elsewhere():
	root = Root(doc=invoice())
	template = "{{doc.items | table: 'item', 'rate', 'on'}}"
	assert render_text(template, root) == "Item | Unit price | On\nA <b> | 1,000 | 3 December 2026\nB | 8 | "
	html = render_html(f"<p>Your order</p>{template}", root, plain)
	assert html.startswith("<p>Your order</p><table") and html.count("<tr>") == 3 and html.count("<td") == 6
	assert "A &lt;b&gt;" in html and "text-align:right" in html.replace(": ", ":")
	assert render_text("{{doc.items | table}}", root).startswith("Item | Unit price | On\n")


def test_another_app_s_filters_join_the_shipped_ones():
	shout = Filter(
		"shout",
		lambda text, sign: text.upper() + sign,
		"text",
		"text",
		"Louder.",
		arguments=(Argument("sign", default="!"),),
	)
	table = filter_table([shout])
	assert set(table) == {*SHIPPED, "shout"} and table["upper"] is SHIPPED["upper"]
	use = Use(filters=table)
	root = type("Rooted", (dict,), {"use": use})({})
	assert compile("'a' | shout: '?'").value(root) == "A?" and compile("'a' | shout").problem(table) is None
	own = Filter("upper", str.lower, "text", "text", "Not ours.")
	assert shadowed([own, shout]) == ["upper"] and filter_table([own])["upper"] is SHIPPED["upper"]


def test_a_filter_that_breaks_is_empty_and_told():
	def broken(text):
		raise KeyError("x")

	def refuses(text):
		raise Unfit("is not to my taste")

	use = Use(
		filters=filter_table(
			[Filter("broken", broken, "text", "text", "x."), Filter("picky", refuses, "text", "text", "x.")]
		)
	)
	root = type("Rooted", (dict,), {"use": use})({})
	assert compile("'a' | broken").value(root) is None and compile("'a' | picky").value(root) is None
	assert use.warnings == [
		"The filter broken cannot take “a”, so {{'a' | broken}} is empty. (KeyError)",
		"“a” is not to my taste, so {{'a' | picky}} is empty. (picky)",
	]


@pytest.mark.parametrize(
	"wrong",
	[
		lambda: Filter("Shout", str.upper, "text", "text", "x."),
		lambda: Filter("", str.upper, "text", "text", "x."),
		lambda: Filter("shout", str.upper, "words", "text", "x."),
		lambda: Filter("shout", str.upper, "text", "text", "x.", arguments=(Argument("a", "words"),)),
		lambda: filter_table(
			[
				Filter("shout", str.upper, "text", "text", "x."),
				Filter("shout", str.lower, "text", "text", "x."),
			]
		),
	],
)
def test_a_filter_that_is_none_is_refused(wrong):
	with pytest.raises(ValueError):
		wrong()
	with pytest.raises(TypeError):
		filter_table([str.upper])


def test_a_table_of_documents_keeps_to_its_own_columns():
	rows = [Document({"name": "r", "item": "A", "rate": 1, "on": None}, ROW_TYPES)]
	assert value("rows2 | table", rows2=rows) == "Item | Unit price\nA | 1.00"
