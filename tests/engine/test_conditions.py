from __future__ import annotations

from datetime import date, datetime, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flow_editor.engine.conditions import OPERATORS, evaluate

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
		("2026-11-23", "==", date(2026, 11, 23)), ("2026-11-23", "<", "2026-11-23 10:00:00"),
		(datetime(2026, 11, 23, 10), ">", date(2026, 11, 23)), ("2026-11-23T10:00:00Z", "==", "2026-11-23T05:00:00-05:00"),
		(datetime(2026, 1, 1, tzinfo=timezone.utc), "<", "2026-01-02"), ("2026-11-23T10:00:00", "==", "2026-11-23 10:00"),
		(None, "==", ""), ("", "==", None), ([], "==", None), ("  ", "empty", None), (None, "empty", None),
		(0, "not_empty", None), (False, "not_empty", None), (None, "!=", 0), (None, "!=", "x"),
		("a", "in", ["a", "b"]), ("b", "in", "a, b"), (2, "in", "1,2,3"), ("x", "in", '["x", "y"]'), ("c", "not_in", "a,b"),
		(None, "not_in", "a"), ("a", "not_in", None), ("a", "not_in", ""),
		("hello world", "contains", "lo w"), ([1, 2], "contains", "2"), ({"k": 1}, "contains", "k"),
		("INV-001", "starts_with", "INV"), ("INV-001", "ends_with", "001"), (1234, "starts_with", 12),
		("007", "!=", "7"), ("007", "==", 7), ("+15145550100", "!=", "15145550100"), ("1e5", "!=", "100000"),
		("nan", "==", "nan"), (float("nan"), "!=", 1), (5, "<=", 5), ("b", ">=", "b"),
	],
)  # fmt: skip
def test_holds(left, op, right):
	assert evaluate(left, op, right) is True


@pytest.mark.parametrize(
	("left", "op", "right"),
	[
		(1, "==", "true"), (1, "==", "Yes"), ("no", "==", 0), (0, "==", "false"), (1, "!=", "no"), (2, "!=", "yes"),
		("yes", "!=", "1"), (1, "in", "yes,maybe"),
	],
)  # fmt: skip
def test_a_check_field_equals_the_words_for_it(left, op, right):
	assert evaluate(left, op, right) is True
	assert evaluate(right, op, left) is True or op == "in"


@pytest.mark.parametrize(
	("left", "right"), [(999, "1,000"), (5, "abc"), (date(2026, 1, 1), "soon"), (5, date(2026, 1, 1))]
)
def test_a_number_or_date_is_neither_before_nor_after_what_is_none(left, right):
	for op in ("<", ">", "<=", ">=", "=="):
		assert evaluate(left, op, right) is False
		assert evaluate(right, op, left) is False


def test_a_text_nested_too_deep_for_the_stack_is_only_not_equal():
	assert evaluate("a", "in", "[" * 900 + "]" * 900) is False


@pytest.mark.parametrize(
	("left", "op", "right"),
	[
		(None, "<", 1), (None, ">", 1), (None, "<=", None), (None, ">=", ""), (1, "<", None), (0, "==", ""), (0, "empty", None),
		("", "contains", "a"), ("abc", "contains", ""), (None, "in", "a,b"), ("abc", "starts_with", ""), ([], "not_empty", None),
		("a", "in", None), ({"a": 1}, "<", {"b": 2}), ("2026-13-45", "==", "2026-11-23"), ("a", "==", "A"), ("10", "<", "9"),
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
def test_never_throws_over_a_value(left, op, right):
	assert evaluate(left, op, right) in (True, False)


@settings(max_examples=200, deadline=None)
@given(JSON, JSON)
def test_opposites_are_opposite_and_equality_is_symmetric(left, right):
	assert evaluate(left, "==", right) is not evaluate(left, "!=", right)
	assert evaluate(left, "in", right) is not evaluate(left, "not_in", right)
	assert evaluate(left, "==", right) is evaluate(right, "==", left)
	assert not (evaluate(left, "<", right) and evaluate(left, ">", right))
