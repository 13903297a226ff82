from __future__ import annotations

import json
import re
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flow_editor.engine.conditions import Uncomparable
from flow_editor.engine.evaluation import TooMuch
from flow_editor.engine.logic import (
	CONSTRUCTS,
	OPERATORS,
	Compared,
	holds,
	operator_table,
	problem,
	read,
	value,
	verdict,
)

ROOT = {"doc": {"status": "Open", "is_signed": 1}, "customer": {"territory": "Canada"}, "variables": {}}


@pytest.mark.parametrize(
	"condition",
	[
		"", None, "  ", {}, '{"==": [{"var": "doc.status"}, "Open"]}', '{"==": ["Open", {"var": "doc.status"}]}',
		{"==": [{"var": "customer.territory"}, "Canada"]}, '{"==": [{"var": "status"}, "Open"]}',
		'{"==": [{"var": "doc.is_signed"}, true]}', '{"==": [{"var": ["doc.missing", "x"]}, "x"]}', '{"==": [{"var": "doc.missing"}, ""]}',
	],
)  # fmt: skip
def test_holds(condition):
	assert problem(condition) is None
	assert holds(condition, ROOT)


@pytest.mark.parametrize(
	"condition",
	['{"==": [{"var": "doc.status"}, "Closed"]}', '{"==": [{"var": "variables.status"}, "Open"]}'],
)
def test_does_not_hold(condition):
	assert not holds(condition, ROOT)


@pytest.mark.parametrize(
	("condition", "word"),
	[
		("{nonsense", "not JSON"), ("[]", "not one comparison"), ('"x"', "not one comparison"), ('{"=>": [1, 2]}', "'=>'"),
		('{"==": [1]}', "two values"), ('{"==": 5}', "two values"), ('{"==": [1, 2]}', "no field"), ('{"==": [{"var": "a b"}, 1]}', "no field"),
		('{"==": [{"x": "a"}, 1]}', "'x' is not known"), ('{"==": [{"var": "a"}, 1], "or": []}', "not one comparison"), ("[" * 100_000, "not JSON"), (7, "not one comparison"),
	],
)  # fmt: skip
def test_what_is_wrong_is_said_and_never_decided(condition, word):
	assert word in problem(condition)
	with pytest.raises(ValueError):
		holds(condition, ROOT)


def near(one, other):
	return abs(one - other) <= 1


def test_another_operator_is_one_more_comparison():
	operators = operator_table([{"near": near}])
	condition = {"near": [{"var": "variables.n"}, 3]}
	assert problem(condition, operators) is None and "'near' is not known" in problem(condition)
	for n, holding in ((2, True), (5, False)):
		assert holds(condition, {**ROOT, "variables": {"n": n}}, operators) is holding
	assert set(operators) == {*OPERATORS, "near"} == set(operator_table([{"near": near}, {"near": near}]))
	assert operators["near"] is near


def test_a_name_of_the_language_s_own_is_left_out_and_told():
	told = []
	operators = operator_table([{"in": near, "some": near, "==": near}], ignored=told.append)
	assert told == ["in", "some", "=="] and set(operators) == set(OPERATORS)
	assert holds({"in": [{"var": "status"}, ["Open"]]}, ROOT, operators)


@pytest.mark.parametrize(("extra", "error"), [([["in"]], TypeError), ([{"near": "near"}], TypeError)])
def test_what_is_no_operator_is_refused(extra, error):
	with pytest.raises(error):
		operator_table(extra)
	with pytest.raises(ValueError, match="Two operators"):
		operator_table([{"near": near}, {"near": max}])


# JSONLogic


CASES = json.loads((Path(__file__).parent / "jsonlogic.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=[json.dumps(case["rule"])[:60] for case in CASES])
def test_every_case_of_jsonlogic(case):
	found = value(case["rule"], {"doc": case.get("data")})
	assert found == case["result"] and isinstance(found, bool) == isinstance(case["result"], bool)


# What a path is


DOC = {
	"status": "Open",
	"grand_total": 1000.5,
	"due_date": date(2026, 12, 31),
	"name": "ISS-1",
	"items": [
		{"item_group": "Hardware", "qty": 2, "rate": 10.0},
		{"item_group": "Services", "qty": 1, "rate": 500.0},
	],
}
SCOPE = {
	"doc": DOC,
	"customer": {"territory": "Quebec"},
	"variables": {"least": 2, "groups": ["Hardware"]},
	"now": datetime(2026, 12, 30, 9),
	"today": date(2026, 12, 30),
}


@pytest.mark.parametrize(
	("condition", "wanted"),
	[
		({"some": [{"var": "items"}, {"==": [{"var": "item_group"}, "Hardware"]}]}, True),
		({"all": [{"var": "items"}, {">=": [{"var": "qty"}, {"var": "variables.least"}]}]}, False),
		({"some": [{"var": "items"}, {"in": [{"var": "item_group"}, {"var": "variables.groups"}]}]}, True),
		({"none": [{"var": "doc.items"}, {"==": [{"var": "customer.territory"}, "Ontario"]}]}, True),
		({">": [{"reduce": [{"var": "items"}, {"+": [{"var": "accumulator"}, {"*": [{"var": "current.qty"}, {"var": "current.rate"}]}]}, 0]}, 500]}, True),
		({"==": [{"var": "items | sum: 'rate'"}, 510]}, True),
		({"==": [{"var": "items.0.item_group"}, "hardware"]}, False),
		({"same_text": [{"var": "items.0.item_group"}, "hardware"]}, True),
		({"==": [{"var": "status | upper"}, "OPEN"]}, True),
		({"==": [{"var": ["nothing", "Open"]}, {"var": "status"}]}, True),
		({"<": [{"var": "due_date"}, "01-01-2027"]}, True),
		({"==": [{"var": "due_date"}, "31-12-2026"]}, True),
		({"<=": ["2026-12-01", {"var": "due_date"}, "2026-12-31 08:00"]}, True),
		({"==": [{"var": "due_date"}, "{{today | add: '1 day'}}"]}, True),
		({"==": ["{{doc.name}}-x", "ISS-1-x"]}, True),
		({"==": [{"var": "grand_total"}, "1,000.50"]}, True),
		({">": [{"+": [{"var": "grand_total"}, "1,000"]}, 2000]}, True),
		({"<": [{"var": "nothing"}, 5]}, False), ({">": [{"var": "nothing"}, 5]}, False), ({">=": [{"var": "nothing"}, 0]}, False),
		({"==": [{"var": "nothing"}, ""]}, True), ({"empty": {"var": "nothing"}}, True), ({"not_empty": [{"var": "status"}]}, True),
		({"in": ["pe", {"var": "status"}]}, True), ({"contains": [{"var": "status"}, "pe"]}, True), ({"not_in": [{"var": "status"}, ["Closed"]]}, True),
		({"starts_with": [{"var": "status"}, "Op"]}, True), ({"ends_with": [{"var": "status"}, "Op"]}, False),
		({"in": [{"var": "status"}, "Open, Closed"]}, True), ({"in": [{"var": "status"}, "Closed, or Open again"]}, True),
		({"and": [{"==": [{"var": "status"}, "Open"]}, {"or": [{"==": [1, 2]}, {"!": [{"==": [1, 2]}]}]}]}, True),
	],
)  # fmt: skip
def test_paths_rows_and_types(condition, wanted):
	assert problem(condition) is None
	assert holds(condition, SCOPE) is wanted


def test_and_and_or_stop_as_soon_as_they_know():
	wrong = {"<": [{"var": "due_date"}, "soon"]}
	assert not holds({"and": [{"==": [{"var": "status"}, "Closed"]}, wrong]}, SCOPE)
	assert holds({"or": [{"==": [{"var": "status"}, "Open"]}, wrong]}, SCOPE)
	with pytest.raises(Uncomparable, match="soon"):
		holds({"and": [{"==": [{"var": "status"}, "Open"]}, wrong]}, SCOPE)


@pytest.mark.parametrize(
	("rule", "word"),
	[
		({"+": [{"var": "status"}, 1]}, "no number"), ({"/": [1, {"var": "nothing"}]}, "divides by zero"), ({"in": [1, 5]}, "neither a list nor a text"),
		({">": [{"var": "items"}, 1]}, "table"), ({"*": [10**40, 10**40]}, "cannot be worked out"),
	],
)  # fmt: skip
def test_what_cannot_be_told_is_never_answered(rule, word):
	with pytest.raises(Uncomparable, match=word):
		value(rule, SCOPE)


@pytest.mark.parametrize(
	("condition", "word"),
	[
		({"and": [{"nonsense": [{"var": "a"}]}]}, "'nonsense' is not known"), ({"==": [{"var": "a | nothing_known"}, 1]}, "There is no filter"),
		({"==": [{"var": "a |"}, 1]}, "no field"), ({"some": [{"var": "items"}]}, "two values"), ({"and": [{"==": [{"var": "a"}, 1], "x": 1}]}, "one operator"),
		({"var": [{}]}, "one operator"), ({"!": [[[[[]]]]]}, "no field"), ({"==": [{"var": True}, 1]}, "a path such as"),
	],
)  # fmt: skip
def test_what_is_wrong_within_is_said(condition, word):
	message = problem(condition)
	assert (message is None) if word is None else word in message


def test_what_it_reads_and_compares_is_known_beforehand_and_told_after():
	condition = {"and": [{"==": [{"var": "status"}, "Open"]}, {">": [{"var": "customer.limit"}, {"var": "grand_total"}]}, {"some": [{"var": "items"}, {">": [{"var": "qty"}, 1]}]}]}  # fmt: skip
	known = read(condition)
	assert known.paths == ("status", "customer.limit", "grand_total", "items")
	assert known.compared == (Compared("status", "==", "Open"), Compared("customer.limit", ">", None))
	told = verdict(condition, SCOPE)
	assert not told.holds and told.read == {"status": "Open", "customer.limit": None, "grand_total": 1000.5}


# Bounds


def test_it_is_bounded():
	deep: object = {"var": "a"}
	for _ in range(60):
		deep = {"!": [deep]}
	assert "too large" in problem(deep)
	assert "too large" in problem({"in": [{"var": "a"}, list(range(3000))]})
	ten = list(range(10))
	inner: object = {"==": [{"var": ""}, -1]}
	for _ in range(8):
		inner = {"some": [ten, inner]}
	with pytest.raises(TooMuch):
		holds({"and": [{"empty": [{"var": "x"}]}, inner]}, SCOPE)
	doubling = {"reduce": [list(range(100)), {"cat": [{"var": "accumulator"}, {"var": "accumulator"}]}, "ab"]}
	with pytest.raises(TooMuch):
		value(doubling, SCOPE)
	with pytest.raises(TooMuch):
		value(
			{"reduce": [list(range(100)), {"merge": [{"var": "accumulator"}, {"var": "accumulator"}]}, [1]]},
			SCOPE,
		)
	with pytest.raises(Uncomparable):
		value(
			{"reduce": [list(range(100)), {"*": [{"var": "accumulator"}, {"var": "accumulator"}]}, 10]}, SCOPE
		)


LEAVES = st.one_of(
	st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=6), st.sampled_from(["{{doc.name}}", "{{x", "31-12-2026", "Open"]),
	st.sampled_from(["status", "items", "due_date", "items.qty", "", "a b", "now", "items | count", "customer"]).map(lambda path: {"var": path}),
)  # fmt: skip
RULES = st.recursive(
	LEAVES,
	lambda inner: st.one_of(
		st.lists(inner, max_size=4),
		st.tuples(st.sampled_from([*OPERATORS, *CONSTRUCTS, "nothing"]), st.lists(inner, max_size=4)).map(lambda pair: {pair[0]: pair[1]}),
	),
	max_leaves=12,
)  # fmt: skip


@given(RULES)
@settings(max_examples=1500, deadline=2000)
def test_no_condition_crashes_or_hangs(rule):
	"""It is refused with a sentence, cannot be told with a sentence, or holds or does not."""
	message = problem(rule)
	if message is not None:
		assert message.endswith(".")
		return
	try:
		assert holds(rule, SCOPE) in (True, False)
	except Uncomparable as error:
		assert str(error)


def test_the_page_lists_every_operator():
	page = (Path(__file__).parents[2] / "docs" / "conditions.md").read_text(encoding="utf-8")
	listed = {
		name
		for row in page.splitlines()
		if row.startswith("| `")
		for name in re.findall(r"`([^`]+)`", row.split("|")[1])
	}
	assert listed == {*OPERATORS, *CONSTRUCTS}
	examples = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
	assert [problem(example) for example in examples] == [None]
