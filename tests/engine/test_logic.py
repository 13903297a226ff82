from __future__ import annotations

import pytest

from flow_editor.engine.conditions import is_in
from flow_editor.engine.logic import OPERATORS, holds, operator_table, problem

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
		("{nonsense", "not JSON"), ("[]", "not one comparison"), ('"x"', "not one comparison"), ('{"!=": [1, 2]}', "'!='"),
		('{"==": [1]}', "two values"), ('{"==": 5}', "two values"), ('{"==": [1, 2]}', "no field"), ('{"==": [{"var": "a b"}, 1]}', "no field"),
		('{"==": [{"x": "a"}, 1]}', "no field"), ('{"==": [{"var": "a"}, 1], "or": []}', "not one comparison"), ("[" * 100_000, "not JSON"), (7, "not one comparison"),
	],
)  # fmt: skip
def test_what_is_wrong_is_said_and_never_decided(condition, word):
	assert word in problem(condition)
	with pytest.raises(ValueError):
		holds(condition, ROOT)


def test_another_operator_is_one_more_comparison():
	operators = operator_table([{"in": is_in}])
	condition = {"in": [{"var": "doc.status"}, ["Open", "Replied"]]}
	assert problem(condition, operators) is None and "Use one of ==." in problem(condition)
	assert holds(condition, ROOT, operators) and not holds(
		condition, {"doc": {"status": "Closed"}}, operators
	)
	assert set(operators) == {*OPERATORS, "in"} == set(operator_table([{"in": is_in}, {"in": is_in}]))
	assert operators["in"] is is_in


@pytest.mark.parametrize(
	("extra", "error"), [([["in"]], TypeError), ([{"in": "is_in"}], TypeError), ([{"==": is_in}], ValueError)]
)
def test_what_is_no_operator_or_takes_a_name_is_refused(extra, error):
	with pytest.raises(error):
		operator_table(extra)
