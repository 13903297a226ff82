"""What is given for a field is stored as its type has it, or refused with what to write."""

from __future__ import annotations

import pytest

from flow_editor.engine.filling import filled
from flow_editor.engine.values import Conventions, FieldType

TYPES = {"Child": {"qty": FieldType("Int", "Qty"), "day": FieldType("Date", "Day")}}


SITE = Conventions(zone="America/Toronto")


def fill(fieldtype, value, site=SITE):
	return filled({"x": value}, {"x": FieldType(fieldtype, "It", "Child")}, site, lambda name: TYPES[name])[
		"x"
	]


@pytest.mark.parametrize(
	("fieldtype", "given", "stored"),
	[
		("Date", "31-12-2026", "2026-12-31"), ("Date", "2026-12-31 10:00:00", "2026-12-31"), ("Date", "2027-01-01T03:00:00Z", "2026-12-31"),
		("Datetime", "2026-12-31T10:00:00Z", "2026-12-31 05:00:00"), ("Datetime", "31-12-2026 9:30", "2026-12-31 09:30:00"), ("Datetime", "31-12-2026", "2026-12-31"),
		("Time", "9:30", "09:30:00"), ("Currency", "1,000.50", 1000.5), ("Float", 2.5, 2.5), ("Int", "3.0", 3), ("Percent", "12.5", 12.5),
		("Check", "Yes", 1), ("Check", False, 0), ("Check", "no", 0), ("Data", "31-12-2026", "31-12-2026"), ("Select", "Open", "Open"),
		("Date", "", ""), ("Currency", None, None), ("Table", [], []), ("JSON", {"a": 1}, {"a": 1}),
		("Table", [{"qty": "3", "day": "31-12-2026", "other": "x"}], [{"qty": 3, "day": "2026-12-31", "other": "x"}]),
	],
)  # fmt: skip
def test_a_value_is_stored_as_its_field_has_it(fieldtype, given, stored):
	assert fill(fieldtype, given) == stored


def test_numbers_are_read_as_the_site_writes_them():
	assert fill("Currency", "1.234,50", Conventions(number="#.###,##")) == 1234.5


@pytest.mark.parametrize(
	("fieldtype", "given"),
	[
		("Date", "soon"), ("Date", 5), ("Datetime", "31-31-2026"), ("Time", "noon"), ("Currency", "12,5"), ("Currency", "Yes"), ("Int", 2.5), ("Int", "many"),
		("Check", "maybe"), ("Check", 5), ("Duration", "1h"), ("Table", "x"), ("Table", ["x"]), ("Table", [{"qty": "many"}]),
	],
)  # fmt: skip
def test_what_a_field_cannot_hold_is_refused(fieldtype, given):
	with pytest.raises(ValueError, match=r"Write one such as|Give it a list"):
		fill(fieldtype, given)


def test_a_field_that_nothing_is_known_of_takes_anything():
	assert filled({"y": "soon"}, {}, Conventions(), TYPES.__getitem__) == {"y": "soon"}
