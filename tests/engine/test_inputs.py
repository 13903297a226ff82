"""What a flow asks for: how values are read, and what is wrong with how inputs are declared."""

from __future__ import annotations

import pytest

from flow_editor.engine import inputs
from flow_editor.engine.definition import parse, parse_input
from flow_editor.engine.field_type import Type
from flow_editor.engine.field_types import BUILT_IN
from flow_editor.engine.validation import validate
from flow_editor.kinds import builtin_kinds

KINDS = {kind.name: kind for kind in builtin_kinds()}


def declared(*entries, event: str = "manual", **more) -> list[tuple[str, str]]:
	definition = {"trigger": {"event": event}, "inputs": list(entries), "steps": [], **more}
	return [(problem.field, problem.message) for problem in validate(definition, KINDS)]


@pytest.mark.parametrize(
	("descriptor", "given", "value"),
	[
		({}, "  5 Rue Neuve ", "5 Rue Neuve"),
		({"type": "textarea"}, "one\ntwo", "one\ntwo"),
		({"type": "number"}, "3", 3),
		({"type": "number"}, " -2.50 ", -2.5),
		({"type": "number"}, 7, 7),
		({"type": "select", "options": ["A", ["b", "B"], {"value": 3, "label": "Three"}]}, "3", 3),
		({"type": "select", "options": ["A", ["b", "B"]]}, "b", "b"),
		({"type": "check"}, "1", True),
		({"type": "check"}, 0, False),
		({"type": "check"}, "false", False),
		({"type": "date"}, "2027-03-31", "2027-03-31"),
		({"type": "datetime"}, "2027-03-31 09:00", "2027-03-31 09:00:00"),
		({"type": "datetime"}, "2027-03-31T09:00:00Z", "2027-03-31 05:00:00"),
		({"type": "duration", "unit": "hours"}, "90m", 1.5),
		({"type": "duration", "unit": "days"}, "2w", 14),
		({"type": "duration"}, "30", 30),
		({"type": "link", "doctype": "Customer"}, "Ana", "Ana"),
		({"type": "recipients"}, ["a@b.c"], ["a@b.c"]),
		({"type": "url"}, "https://example.com", "https://example.com"),
		({"type": "json"}, '[{"a": 1}]', [{"a": 1}]),
	],
)
def test_a_value_is_read_by_its_type(descriptor, given, value):
	one = parse_input({"name": "x", **descriptor})
	read = inputs.read(one, given, "America/Toronto")
	assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(
	("descriptor", "given"),
	[
		({}, 5),
		({}, "two\nlines"),
		({}, "a\x07bell"),
		({"type": "textarea"}, "a\x00null"),
		({"type": "number"}, "1,000"),
		({"type": "number"}, True),
		({"type": "number"}, "nan"),
		({"type": "number", "minimum": 1}, "0"),
		({"type": "number", "maximum": 1}, 2),
		({"type": "select", "options": ["A"]}, "a"),
		({"type": "check"}, "yes"),
		({"type": "check"}, 2),
		({"type": "date"}, "31-12-2026"),
		({"type": "date"}, "2027-02-30"),
		({"type": "date"}, "2027-03-31 09:00"),
		({"type": "datetime"}, "soon"),
		({"type": "datetime"}, 5),
		({"type": "duration"}, "2mo"),
		({"type": "duration"}, "long"),
		({"type": "link", "doctype": "Customer"}, {"name": "Ana"}),
		({"type": "recipients"}, [5]),
		({"type": "url"}, "javascript:alert(1)"),
		({"type": "json"}, "{"),
		({"type": "json"}, "5"),
	],
)
def test_what_is_not_of_its_type_is_refused(descriptor, given):
	one = parse_input({"name": "x", **descriptor})
	_, problems = inputs.read_given([one], {"x": given}, "UTC")
	assert [problem.field for problem in problems] == ["variables.x"]
	assert problems[0].message.startswith("X ") and problems[0].message.endswith(".")


def test_each_type_that_an_input_can_have_reads_its_values():
	chosen = BUILT_IN.of_inputs()
	assert len(chosen) == 13 and all(type(one).read is not Type.read for one in chosen)
	assert {name for name in BUILT_IN if not BUILT_IN[name].label} == {
		"html",
		"docfield",
		"value",
		"values",
		"condition",
		"lanes",
		"span",
		"cases",
		"auth",
	}


def test_what_is_empty_is_not_given_and_missing_only_if_it_must_be():
	needed, free = parse_input({"name": "a", "required": True}), parse_input({"name": "b"})
	held = parse_input({"name": "c", "required": True, "default": "x"})
	values, problems = inputs.read_given([needed, free, held], {"a": " ", "b": "", "c": None, "d": ""}, "UTC")
	assert values == {"d": ""}
	assert [(problem.field, problem.message) for problem in problems] == [
		("variables.a", "A is missing. Give it.")
	]


def test_a_default_lies_over_the_variables_and_a_box_that_nobody_ticked_says_no():
	flow = parse(
		{
			"variables": {"a": "of variables", "b": "of variables", "d": True},
			"inputs": [
				{"name": "a", "default": "of the input"},
				{"name": "b"},
				{"name": "c", "type": "check"},
				{"name": "d", "type": "check"},
				{"name": "e"},
			],
		}
	)
	assert flow.initial == {"a": "of the input", "b": "of variables", "c": False, "d": True}


def test_sound_inputs_have_no_problem():
	assert not declared(
		{"name": "address", "type": "text", "label": "New address", "required": True, "help": "Where to."},
		{"name": "size", "type": "select", "options": ["S", "M"], "default": "M"},
		{"name": "sub", "type": "link", "doctype": "Subscription"},
		{"name": "from", "type": "date", "default": "2027-03-31"},
		{"name": "for_days", "type": "duration", "unit": "days", "default": 3, "minimum": 1},
		{"name": "sure", "type": "check", "default": False},
	)
	assert not declared() and not validate({"inputs": None, "steps": []}, KINDS)


@pytest.mark.parametrize(
	("entry", "field"),
	[
		({"type": "text"}, "inputs.1.name"),
		({"name": "new address"}, "inputs.new address.name"),
		({"name": "a.b"}, "inputs.a.b.name"),
		({"name": "1a"}, "inputs.1a.name"),
		({"name": 5}, "inputs.1.name"),
		({"name": "a", "type": "docfield"}, "inputs.a.type"),
		({"name": "a", "required": "yes"}, "inputs.a.required"),
		({"name": "a", "color": "red"}, "inputs.a.color"),
		({"name": "a", "type": "select"}, "inputs.a.options"),
		({"name": "a", "options": "A\nB"}, "inputs.a.options"),
		({"name": "a", "type": "link"}, "inputs.a.doctype"),
		({"name": "a", "type": "number", "default": "3"}, "inputs.a.default"),
		({"name": "a", "type": "number", "default": 3, "minimum": 4}, "inputs.a.default"),
		({"name": "a", "type": "select", "options": ["A"], "default": "B"}, "inputs.a.default"),
		({"name": "a", "type": "date", "default": "soon"}, "inputs.a.default"),
		({"name": "a", "default": "{{customer.name}}"}, "inputs.a.default"),
		("address", "inputs"),
	],
)
def test_what_is_wrong_with_an_input_is_said_where_it_is(entry, field):
	((found, message),) = declared(entry)
	assert found == field and message.endswith(".")


def test_two_of_one_name_and_no_list_are_problems():
	assert [field for field, _ in declared({"name": "a"}, {"name": "a"})] == ["inputs.a.name"]
	(problem,) = validate({"inputs": {"name": "a"}, "steps": []}, KINDS)
	assert (problem.field, problem.message) == ("inputs", "Inputs must be a list of inputs.")
	many = [{"name": f"a{number}"} for number in range(inputs.MOST_INPUTS + 1)]
	assert [field for field, _ in declared(*many)] == ["inputs"]


def test_a_flow_that_starts_by_itself_cannot_ask():
	needed = {"name": "a", "required": True}
	assert [field for field, _ in declared(needed, event="on_issue_opened")] == ["inputs.a.required"]
	assert not declared({**needed, "default": "x"}, event="on_issue_opened")
	assert not declared({"name": "a"}, event="on_issue_opened")
	assert not validate({"inputs": [needed], "steps": []}, KINDS)


def test_bounds_that_leave_no_number_are_a_problem():
	assert declared({"name": "n", "type": "number", "minimum": 1, "maximum": 1}) == []
	((field, message),) = declared({"name": "n", "type": "number", "minimum": 5, "maximum": 1})
	assert field == "inputs.n.maximum" and "at least 5 and at most 1" in message
