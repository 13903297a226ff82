"""The schemas as an outside tool would use them, without `validation` around them."""

from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator

from flow_editor.engine.kind import Field
from flow_editor.engine.schema import definition_schema
from flow_editor.kinds import builtin_kinds

DEFINITION = Draft202012Validator(definition_schema())


def takes(field: Field, value) -> bool:
	return Draft202012Validator(field.type.schema(field)).is_valid(value)


def step(**more):
	return {"version": 1, "steps": [{"id": "a", "kind": "wait", **more}]}


def test_every_schema_is_a_valid_schema():
	Draft202012Validator.check_schema(definition_schema())
	for kind in builtin_kinds():
		for field in kind.fields:
			Draft202012Validator.check_schema(field.type.schema(field))


@pytest.mark.parametrize(
	"definition",
	[
		{}, {"version": None, "trigger": None, "variables": None, "steps": None},
		step(), step(parent_id=None, branch=None, depends_on=None, trigger=None, payload=None, retry=None, on_error=None, label=None, notes=None),
		step(trigger={"type": "after_delay", "delay_days": "1.5", "delay_hours": "", "delay_months": None}),
		step(trigger={"type": "on_date", "at": "2027-03-31", "delay_days": -1, "delay_hours": "-1.5", "if_past": "fail"}),
		step(trigger={"type": "after_delay", "delay_days": "{{doc.credit_days}}", "delay_working_days": 3, "if_past": None}),
		step(retry={"attempts": 20, "delay_minutes": 0, "factor": 1.5, "on": "any"}), step(id="a" * 64), step(id="step_x-1"),
	],
)  # fmt: skip
def test_the_definition_takes(definition):
	assert DEFINITION.is_valid(definition)


@pytest.mark.parametrize(
	"definition",
	[
		[], {"version": 2}, {"version": True}, {"stepz": []}, {"steps": {}}, {"trigger": {"when": 1}}, {"variables": []},
		step(id="a.b"), step(id=""), step(id="a" * 65), step(id="a\n"), step(id=7), step(kind=""), step(label="x" * 301),
		step(depends_on=[1]), step(trigger={"type": "later"}), step(trigger={"delay_days": -1}), step(trigger={"delay_days": "  "}),
		step(trigger={"delay_days": "-1"}), step(trigger={"delay_days": True}), step(retry={"attempts": 0}), step(retry={"attempts": 21}),
		step(trigger={"type": "on_date", "at": "2027-03-31", "delay_days": "soon"}), step(trigger={"type": "after_delay", "delay_days": -1}),
		step(trigger={"type": "on_date", "if_past": "wait"}), step(trigger={"type": "on_date", "delay_days": -60_000_000}),
		step(retry={"factor": 0.5}), step(retry={"on": "never"}), step(on_error="ignore"), step(payload=[]), step(colour="red"),
	],
)  # fmt: skip
def test_the_definition_refuses(definition):
	assert not DEFINITION.is_valid(definition)


@pytest.mark.parametrize("name", ["id", "kind"])
def test_a_step_has_an_id_and_a_kind(name):
	definition = step()
	del definition["steps"][0][name]
	assert not DEFINITION.is_valid(definition)


@pytest.mark.parametrize(
	("field", "good", "bad"),
	[
		(Field("f"), ["x", "{{a.b}}"], [1, [], {}, True]),
		(
			Field("f", "number", minimum=0, maximum=9),
			[0, 9, 2.5, "7", "{{a.b}}"],
			[-1, 10, "seven", True, [], "1e5"],
		),
		(Field("f", "number", templated=False), [1, "1"], ["{{a.b}}"]),
		(
			Field("f", "duration", unit="hours", minimum=0),
			[0, 1.5, "2", "{{a.b}}"],
			[-1, "1h 30m", True],
		),
		(Field("f", "select", options=("a", ("b", "Bee"))), ["a", "b", "{{a.b}}"], ["c", "Bee", 1]),
		(Field("f", "select", options=("a",), templated=False), ["a"], ["{{a.b}}"]),
		(Field("f", "check", templated=False), [True, False, 0, 1, "0", "1"], [2, "yes", []]),
		(Field("f", "json"), ["{}", {"a": 1}, [1]], [1, True]),
		(Field("f", "recipients"), ["a@x.com, b@x.com", ["a@x.com"], []], [[1], {}, 5]),
		(Field("f", "value"), ["x", 1, True, [1], {"a": 1}], []),
	],
)
def test_each_type_of_field(field, good, bad):
	assert [value for value in [*good, None, ""] if not takes(field, value)] == []
	assert [value for value in bad if takes(field, value)] == []
