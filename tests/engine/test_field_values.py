from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest

from flow_editor.engine.values import Conventions, Document, FieldType, document, typed


@pytest.mark.parametrize(
	("stored", "fieldtype", "value"),
	[
		("2026-12-03", "Date", date(2026, 12, 3)), (date(2026, 12, 3), "Date", date(2026, 12, 3)), (datetime(2026, 12, 3, 9), "Date", date(2026, 12, 3)),
		("2026-12-03 09:30:00.123456", "Datetime", datetime(2026, 12, 3, 9, 30, 0, 123456)), ("2026-12-03T09:30", "Datetime", datetime(2026, 12, 3, 9, 30)),
		("2026-12-03", "Datetime", datetime(2026, 12, 3)), (timedelta(hours=9, minutes=30), "Time", time(9, 30)), ("9:30:00", "Time", time(9, 30)),
		("79.90", "Currency", 79.9), ("3", "Int", 3), (1, "Check", 1), (True, "Check", True), ("007", "Data", "007"),
		("soon", "Date", "soon"), ("2026-02-30", "Date", "2026-02-30"), ("1,000", "Currency", "1,000"), (timedelta(hours=30), "Time", timedelta(hours=30)),
		("2026-12-03T09:30:00Z", "Datetime", "2026-12-03T09:30:00Z"), (None, "Date", None), ("", "Date", ""),
	],
)  # fmt: skip
def test_a_stored_value_has_its_fields_type_or_stays_as_it_is(stored, fieldtype, value):
	fields = document({"x": stored}, {"x": FieldType(fieldtype)}, lambda doctype: {})
	assert fields["x"] == value and type(fields["x"]) is type(value)


def test_the_rows_of_a_table_have_the_types_of_theirs():
	rows = {"Item": {"due": FieldType("Date", "Due")}}
	made = document(
		{"items": [{"due": "2026-12-03"}, "odd"], "d": "2026-12-03"},
		{"items": FieldType("Table", "", "Item")},
		rows.__getitem__,
	)
	assert (
		made["items"][0]["due"] == date(2026, 12, 3)
		and made["items"][1] == "odd"
		and made["d"] == "2026-12-03"
	)
	assert isinstance(made["items"][0], Document) and made["items"][0].types["due"].label == "Due"


@pytest.mark.parametrize(
	("form", "text", "number"),
	[
		("#,###.##", "1,234,567.5", "1234567.5"), ("#.###,##", "1.234,5", "1234.5"), ("# ###.##", "1 234.5", "1234.5"), ("#,##,###.##", "12,34,567.5", "1234567.5"),
		("#'###.##", "1’234.5", "1234.5"), ("#,###", "1,234", "1234"), ("#.###", "1.234", "1234"), ("#,###.###", "1,234.567", "1234.567"), ("#.########", "12.5", "12.5"),
		("#,###.##", "12.5", "12.5"), ("#.###,##", "12.5", "12.5"), ("#,###.##", "-5", "-5"),
	],
)  # fmt: skip
def test_numbers_are_read_in_every_format_that_a_site_can_have(form, text, number):
	assert str(Conventions(number=form).read_number(text)) == number


@pytest.mark.parametrize("text", ["", "one", "1,2", "1.2.3", "12,", "1e5", "--1"])
def test_what_is_no_number_is_none(text):
	assert Conventions().read_number(text) is None


def test_half_a_date_is_none():
	assert [
		Conventions().read_day(text) for text in ("31-12-26", "12-2026", "31-02-2026", "31-12/2026", "")
	] == [None] * 5
	assert (
		typed("31-12-2026", "Date") == "31-12-2026"
	)  # how a site writes is for what people type, not for what is stored
