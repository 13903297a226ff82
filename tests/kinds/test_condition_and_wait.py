from __future__ import annotations

import pytest


@pytest.mark.parametrize(
	("field", "op", "value", "branch"),
	[
		("doc.priority", "==", "High", "yes"),
		("{{doc.priority}}", "==", "Low", "no"),
		("priority", "in", "High,Urgent", "yes"),
		("{{ priority }}", "in", ["High", "Urgent"], "yes"),
		("{{doc.priority}}-{{doc.status}}", "==", "High-Open", "yes"),
		("customer.customer_name", "starts_with", "Ana", "yes"),
		("variables.amount", ">=", 100, "yes"),
		("variables.amount", "<", "{{variables.limit}}", "yes"),
		("doc.nothing", "empty", None, "yes"),
		("nothing.at.all", "not_empty", None, "no"),
	],
)
def test_it_takes_a_branch(bench, field, op, value, branch):
	bench.run.variables.update(amount=100, limit=200)
	assert bench.do("condition", {"field": field, "op": op, "value": value})["branch"] == branch


def test_is_is_the_default_and_the_value_is_kept(bench):
	assert bench.do("condition", {"field": "priority", "value": "High"}) == {"branch": "yes", "value": "High"}


def test_a_long_value_is_cut(bench):
	bench.run.variables["long"] = ["a" * 100] * 100
	assert len(bench.do("condition", {"field": "variables.long", "op": "not_empty"})["value"]) == 500


def test_somebody_may_decide(bench):
	payload = {"field": "priority", "value": "High"}
	assert bench.do("condition", payload, given={"branch": "no"})["branch"] == "no"
	assert bench.do("condition", payload, given={"remark": "a"})["branch"] == "yes"
	assert "maybe" in bench.fails("condition", payload, given={"branch": "maybe"})


def test_what_the_schema_cannot_say(bench):
	assert bench.check("condition", {"field": "doc status", "value": "x"}) == ["field"]
	assert bench.check("condition", {"field": "doc.status", "op": "in", "value": ""}) == ["value"]
	assert bench.check("condition", {"field": "doc.status", "op": "empty"}) == []


def test_waiting_does_nothing(bench):
	assert bench.do("wait", {}) == {}
