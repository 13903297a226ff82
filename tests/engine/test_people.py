from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal

import pytest

from flow_editor.engine.people import Reader
from flow_editor.engine.render import find, render_text
from flow_editor.engine.values import STANDARD_TYPES, Document, FieldType, document


class Words:
	def __init__(self, language="en"):
		self.code = language

	def language(self, customer):
		return self.code

	def translated(self, text, language):
		return {"Yes": "Oui", "No": "Non"}[text] if language == "fr" else text

	def linked(self, doctype, name, field):
		return {("Company", "ACME", "default_currency"): "JPY"}.get((doctype, name, field))


def read(value, fieldtype, language="en", options="", **others) -> str:
	doc = Document({"x": value, **others}, {"x": FieldType(fieldtype, "X", options)})
	return Reader(Words(language), "").text(find({"doc": doc}, "doc.x"))


@pytest.mark.parametrize(
	("value", "fieldtype", "english", "french"),
	[
		(date(2026, 12, 3), "Date", "3 December 2026", "3 décembre 2026"),
		("2026-12-03", "Date", "3 December 2026", "3 décembre 2026"),
		(datetime(2026, 12, 3, 14, 5, 59, 123), "Datetime", "3 December 2026, 14:05", "3 décembre 2026, 14:05"),
		(datetime(2026, 12, 3, 8, 59), "Datetime", "3 December 2026, 08:59", "3 décembre 2026, 08:59"),
		(time(9, 30), "Time", "9:30", "9:30"),
		("9:30:00", "Time", "9:30", "9:30"),
		(1234567.5, "Currency", "1,234,567.50", "1\u202f234\u202f567,50"),
		(Decimal("79.9"), "Currency", "79.90", "79,90"),
		(0, "Currency", "0.00", "0,00"),
		(-1234.5, "Currency", "-1,234.50", "-1\u202f234,50"),
		(1234.56789, "Float", "1,234.56789", "1\u202f234,56789"),
		(100.0, "Float", "100", "100"),
		(12.5, "Percent", "12.5", "12,5"),
		(1, "Check", "Yes", "Oui"),
		(0, "Check", "No", "Non"),
		(1234567, "Int", "1234567", "1234567"),
		("1234567.5", "Data", "1234567.5", "1234567.5"),
		("2026-12-03", "Data", "2026-12-03", "2026-12-03"),
		(5400, "Duration", "1 hour 30 minutes", "1\u00a0heure 30 minutes"),
		("soon", "Date", "soon", "soon"),
		(None, "Currency", "", ""),
		("", "Date", "", ""),
		(float("nan"), "Currency", "", ""),
	],
)  # fmt: skip
def test_a_field_reads_as_people_write_it(value, fieldtype, english, french):
	assert read(value, fieldtype) == english
	assert read(value, fieldtype, "fr") == french


@pytest.mark.parametrize(
	("language", "day"),
	[
		("en-US", "December 3, 2026"),
		("de", "3. Dezember 2026"),
		("pt-BR", "3 de dezembro de 2026"),
		("zh-TW", "2026年12月3日"),
		("xx-none", "3 December 2026"),
		("", "3 December 2026"),
		("../../etc", "3 December 2026"),
	],
)
def test_the_languages_of_frappe(language, day):
	assert read(date(2026, 12, 3), "Date", language) == day


@pytest.mark.parametrize(
	("options", "others", "written"),
	[
		("currency", {"currency": "JPY"}, "1,235"),
		("currency", {"currency": "KWD"}, "1,234.600"),
		("paid_from_currency", {"paid_from_currency": "JPY", "currency": "CAD"}, "1,235"),
		("Company:company:default_currency", {"company": "ACME"}, "1,235"),
		("Company:company:default_currency", {"company": "Nobody", "currency": "KWD"}, "1,234.600"),
		("", {"currency": "JPY"}, "1,235"),
		("", {}, "1,234.60"),
		("currency", {"currency": "no money"}, "1,234.60"),
	],
)
def test_an_amount_has_the_decimals_of_its_currency(options, others, written):
	assert read(1234.6, "Currency", options=options, **others) == written


def test_a_row_s_amount_is_in_the_currency_of_its_document():
	rows = {"rate": FieldType("Currency", "Rate", "currency"), "on": FieldType("Date")}
	types = {"items": FieldType("Table", "Items", "Row"), **STANDARD_TYPES}
	doc = document(
		{"currency": "JPY", "items": [{"rate": 7.4, "on": "2026-12-03"}, {"rate": 8, "on": None}]},
		types,
		lambda _: rows,
	)
	reader = Reader(Words(), "")
	text = "{{doc.items.0.rate}} {{doc.items.0.on}} | {{doc.items.rate}} | {{doc.items.on}}"
	assert (
		render_text(text, {"doc": doc}, write=reader.text) == "7 3 December 2026 | 7, 8 | 3 December 2026, "
	)


def test_what_has_no_field_reads_as_it_is():
	root = {
		"variables": {"on": "2026-12-03", "amount": 1234.5, "rows": [{"a": 1}]},
		"now": datetime(2026, 12, 3, 9),
		"today": date(2026, 12, 3),
	}
	text = "{{variables.on}} {{variables.amount}} {{now}} {{today}} {{variables.rows}}"
	assert (
		render_text(text, root, write=Reader(Words("fr"), "").text)
		== '2026-12-03 1234.5 2026-12-03 09:00:00 2026-12-03 [{"a": 1}]'
	)


def test_the_field_says_whether_it_holds_html_and_nobody_guesses():
	assert read("<p>No signal &amp;</p><p>since Monday</p>", "Text Editor") == "No signal &\nsince Monday"
	assert read("<b>x</b> &amp;", "Small Text") == "<b>x</b> &amp;"
	made = Document(
		{"address_display": "1 Main St<br>\nLaval<br>"}, {"address_display": FieldType("Small Text")}
	)
	assert Reader(Words(), "").text(find({"doc": made}, "doc.address_display")) == "1 Main St\nLaval"


def test_values_that_have_a_comma_are_divided_by_semicolons():
	assert read([1234.5, 0.5], "Currency", "fr") == "1\u202f234,50; 0,50"
	assert read(["Router", "Modem"], "Data", "fr") == "Router, Modem"
	assert read(["Tremblay, Ana", "Bob"], "Data", "en") == "Tremblay, Ana; Bob"
