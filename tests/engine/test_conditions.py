from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flow_editor.engine.conditions import OPERATORS, Uncomparable, evaluate, literal_problem
from flow_editor.engine.values import Conventions, FieldType

JSON = st.recursive(
	st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.dates(),
	lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
	max_leaves=5,
)


@pytest.mark.parametrize(
	("left", "op", "right"),
	[
		("10", ">", "9"), (10, "==", "10.0"), ("10", "==", 10), (9, "<", "10"), ("2.5", ">=", 2.5), (-1, "<", 0),
		("abc", "<", "abd"), ("A", "!=", "a"), ("10 apples", "<", "9 apples"),
		(1, "==", True), ("yes", "==", True), (0, "==", False), ("0", "==", False), (1, "==", "1"),
		("2026-11-23", "==", date(2026, 11, 23)), ("2026-11-23", "==", "2026-11-23 10:00:00"),
		(datetime(2026, 11, 23, 10), "<=", date(2026, 11, 23)), ("2026-11-23T10:00:00Z", "==", "2026-11-23T05:00:00-05:00"),
		(datetime(2026, 1, 1, tzinfo=timezone.utc), "<", "2026-01-02"), ("2026-11-23T10:00:00", "==", "2026-11-23 10:00"),
		(None, "==", ""), ("", "==", None), ([], "==", None), ("  ", "empty", None), (None, "empty", None),
		(0, "not_empty", None), (False, "not_empty", None), (None, "!=", 0), (None, "!=", "x"),
		("a", "in", ["a", "b"]), ("b", "in", "a, b"), (2, "in", "1,2,3"), ("x", "in", '["x", "y"]'), ("c", "not_in", "a,b"),
		(None, "not_in", "a"), ("a", "not_in", None), ("a", "not_in", ""),
		("hello world", "contains", "lo w"), ([1, 2], "contains", "2"), ({"k": 1}, "contains", "k"),
		("INV-001", "starts_with", "INV"), ("INV-001", "ends_with", "001"), (1234, "starts_with", 12),
		("007", "!=", "7"), ("007", "==", 7), ("+15145550100", "!=", "15145550100"), ("1e5", "!=", "100000"),
		("nan", "==", "nan"), (float("nan"), "!=", 1), (5, "<=", 5), ("b", ">=", "b"), ("é", "==", "e\u0301"), ("Open", "==", " Open "),
	],
)  # fmt: skip
def test_holds(left, op, right):
	assert evaluate(left, op, right) is True


@pytest.mark.parametrize(
	("left", "op", "right"),
	[
		(1, "==", "true"), (1, "==", "Yes"), ("no", "==", 0), (0, "==", "false"), (1, "!=", "no"),
		("yes", "!=", "1"), (1, "in", "yes,maybe"),
	],
)  # fmt: skip
def test_a_check_field_equals_the_words_for_it(left, op, right):
	assert evaluate(left, op, right) is True
	if op != "in":
		assert evaluate(right, op, left) is True


NINE, TODAY = datetime(2026, 11, 23, 9), date(2026, 11, 23)


@pytest.mark.parametrize(
	("left", "op", "right"),
	[
		(TODAY, "==", NINE), (TODAY, ">=", NINE), (datetime(2026, 11, 23, 14), "==", TODAY), (datetime(2026, 11, 23, 14), "==", "2026-11-23"),
		(datetime(2026, 11, 23, 14), ">", NINE), (datetime(2026, 11, 23, 14), "!=", NINE), (date(2026, 11, 22), "<", NINE),
		(TODAY, "<", "31-12-2026"), (TODAY, "==", "23-11-2026"), ("23/11/2026", "==", TODAY), (TODAY, "in", "22-11-2026, 23-11-2026"),
		(NINE, "==", "23-11-2026"), (NINE, "<", "23-11-2026 09:01"), (999, "<", "1,000"), (1000.5, "==", "1,000.50"), (Decimal("1000"), "<=", "1,000"),
		(timedelta(hours=9, minutes=30), "<", "10:00:00"), (time(9, 30), "<", time(10)), (time(9, 30), "==", "9:30"), ("9:30:00", "<", "10:00:00"),
		(time(9, 30), "==", timedelta(hours=9, minutes=30)), (100000, "==", "1,00,000"),
		("1500", ">", "1,000"), ("10,500", ">", "2,000"), ("1,500", "==", "1500"), ("007", "!=", "7"), ("+1514", "!=", "1514"), ("-0123", "!=", "-123"),
	],
)  # fmt: skip
def test_values_are_compared_by_their_types_and_texts_as_the_site_writes_them(left, op, right):
	assert evaluate(left, op, right) is True


@pytest.mark.parametrize(
	("left", "right", "site"),
	[
		(date(2026, 12, 31), "12/31/2026", Conventions(date="mm/dd/yyyy")), (date(2026, 12, 31), "31.12.2026", Conventions(date="dd.mm.yyyy")),
		(1000.5, "1.000,50", Conventions(number="#.###,##")), (1234567, "1 234 567", Conventions(number="# ###.##")),
		(1234567, "1\u202f234\u202f567", Conventions(number="# ###,##")), (1000, "1,000", Conventions(number="#,###")), (1000.5, "1000.5", Conventions(number="#.###,##")),
		(datetime(2026, 11, 23, 5), "2026-11-23T10:00:00Z", Conventions(zone="America/Toronto")),
	],
)  # fmt: skip
def test_what_an_author_typed_is_read_as_the_site_writes_it(left, right, site):
	assert evaluate(left, "==", right, site) is True
	assert evaluate(right, "==", left, site) is True


@pytest.mark.parametrize(
	("left", "right"),
	[
		(5, "abc"), (999, "1,00.0.0"), (date(2026, 1, 1), "soon"), (date(2026, 1, 1), "31-31-2026"), (5, date(2026, 1, 1)), (TODAY, time(9)),
		(time(9, 30), "noon"), (2, "yes"), ([{"item": "A"}], "A"), ([{"item": "A"}], 5), (True, "perhaps"), (TODAY, "2027"),
	],
)  # fmt: skip
def test_what_cannot_be_compared_is_never_answered(left, right):
	for op in ("<", ">", "<=", ">=", "==", "!=", "in", "not_in"):
		with pytest.raises(Uncomparable):
			evaluate(left, op, right)
	for op in ("<", ">", "==", "!="):
		with pytest.raises(Uncomparable):
			evaluate(right, op, left)


@pytest.mark.parametrize(
	("left", "right"), [("2026-12-03", "soon"), ("10", "ten"), ("9:30", "noon"), ({"a": 1}, {"b": 2})]
)
def test_two_texts_of_which_one_is_no_word_have_no_order(left, right):
	for op in ("<", ">", "<=", ">="):
		with pytest.raises(Uncomparable):
			evaluate(left, op, right)
		with pytest.raises(Uncomparable):
			evaluate(right, op, left)
	assert evaluate(left, "==", right) is False


def test_rows_have_no_member_that_is_a_text():
	with pytest.raises(Uncomparable, match="Name a column"):
		evaluate([{"item": "A"}], "contains", "A")


def test_the_sentence_names_both_and_says_what_to_write():
	with pytest.raises(
		Uncomparable, match=r"“soon” is not a date.*“2026-11-23”. Write one such as 2026-12-31"
	):
		evaluate(TODAY, "<", "soon")


def test_a_text_nested_too_deep_for_the_stack_is_only_not_comparable():
	with pytest.raises(Uncomparable):
		evaluate("a", "in", "[" * 900 + "]" * 900)


@pytest.mark.parametrize(
	("left", "op", "right"),
	[
		(None, "<", 1), (None, ">", 1), (None, "<=", None), (None, ">=", ""), (1, "<", None), (0, "==", ""), (0, "empty", None),
		("", "contains", "a"), ("abc", "contains", ""), (None, "in", "a,b"), ("abc", "starts_with", ""), ([], "not_empty", None),
		("a", "in", None), ({"a": 1}, "==", {"b": 2}), ("2026-13-45", "==", "2026-11-23"), ("a", "==", "A"), ("10", "<", "9"),
	],
)  # fmt: skip
def test_does_not_hold(left, op, right):
	assert evaluate(left, op, right) is False


def test_there_are_thirteen_operators_and_no_other():
	assert set(OPERATORS) == {
		"==",
		"!=",
		"<",
		">",
		"<=",
		">=",
		"in",
		"not_in",
		"empty",
		"not_empty",
		"contains",
		"starts_with",
		"ends_with",
	}
	for unknown in ("=", "eval", None, ["=="]):
		with pytest.raises(ValueError, match="operator"):
			evaluate(1, unknown, 1)


@settings(max_examples=300, deadline=None)
@given(JSON, st.sampled_from(list(OPERATORS)), JSON)
def test_over_any_values_it_answers_or_says_why_not(left, op, right):
	assert answer(left, op, right) in (True, False, None)


def answer(left, op, right) -> bool | None:
	try:
		return evaluate(left, op, right)
	except Uncomparable as error:
		assert str(error).endswith(".")
		return None


@settings(max_examples=200, deadline=None)
@given(JSON, JSON)
def test_opposites_are_opposite_and_equality_is_symmetric(left, right):
	opposite = {True: False, False: True, None: None}
	assert answer(left, "==", right) is opposite[answer(left, "!=", right)]
	assert answer(left, "in", right) is opposite[answer(left, "not_in", right)]
	assert answer(left, "==", right) is answer(right, "==", left)
	assert not (answer(left, "<", right) and answer(left, ">", right))


@pytest.mark.parametrize(
	("fieldtype", "value", "words"),
	[
		("Check", "Oui", "is a yes or no, and “Oui” is none. Write one such as Yes or No."),
		("Int", "Submitted", "is a whole number, and “Submitted” is none. Write one such as 3."),
		(
			"Duration",
			"1 hour",
			"is a length of time in seconds, and “1 hour” is none. Write one such as 3600.",
		),
		("Date", "today", "is a date, and “today” is none. Write one such as 2026-12-31 or {{today}}."),
	],
)
def test_what_is_to_be_written_is_said_by_the_field_s_type(fieldtype, value, words):
	assert literal_problem(FieldType(fieldtype, "It"), "==", value) == f"It {words}"


def test_a_list_begins_and_ends_with_nothing():
	for op in ("starts_with", "ends_with"):
		with pytest.raises(Uncomparable, match="Use “contains”"):
			evaluate(["INV-001"], op, "INV")
