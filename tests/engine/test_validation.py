from __future__ import annotations

import json
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flow_editor.engine.definition import parse
from flow_editor.engine.errors import Invalid
from flow_editor.engine.kind import Catalog, Field, Kind
from flow_editor.engine.reading import Limits, load
from flow_editor.engine.validation import validate
from flow_editor.kinds import builtin_kinds

CATALOG = Catalog(builtin_kinds())
GOOD = {
	"notify": {"channel": "email", "to": "a@example.com", "subject": "s", "body": "b"},
	"condition": {"field": "doc.status", "op": "==", "value": "Open"},
	"webhook": {"url": "https://example.com", "body_template": '{"a": "{{doc.name}}"}'},
	"erp_update": {"doctype": "Issue", "fields_json": {"status": "Closed"}},
	"dispatch_job": {"subject": "Install {{customer.customer_name}}", "priority": "medium", "duration_h": 2},
	"issue": {"subject": "s"},
	"wait": {},
	"subscription_activate": {"subscription_ref": "{{variables.subscription}}"},
}


def step(id="a", kind="wait", **more):
	return {"id": id, "kind": kind, "payload": GOOD.get(kind, {}), **more}


def problems(*steps, events=None, **head):
	return validate({"version": 1, "steps": list(steps), **head}, CATALOG, events=events)


def only(*steps, **head):
	found = problems(*steps, **head)
	assert len(found) == 1, [str(p) for p in found]
	return found[0]


def test_the_guides_example_is_valid():
	assert not validate(
		{
			"version": 1,
			"trigger": {"event": "on_contract_signed", "condition": ""},
			"variables": {"default_group": "Tech"},
			"steps": [
				{
					"id": "step_abc123", "kind": "dispatch_job", "label": "Installation fibre", "parent_id": None, "branch": None,
					"depends_on": [], "trigger": {"type": "on_flow_start"},
					"payload": {"subject": "Installation {{customer.customer_name}}", "job_type": "Installation", "priority": "medium", "duration_h": 2, "assigned_group": "Tech"},
				}
			],
		},
		CATALOG,
		events=["on_contract_signed"],
	)  # fmt: skip


@pytest.mark.parametrize("kind", GOOD)
def test_each_kind_takes_its_payload(kind):
	assert problems(step(kind=kind)) == []


def test_an_empty_flow_is_a_draft_and_valid():
	assert problems() == [] and validate({}, CATALOG) == [] and validate("{}", CATALOG) == []


@pytest.mark.parametrize(
	("broken", "field", "words"),
	[
		(step(kind="notfy"), "kind", "notify"),
		(step(id="a.b"), "id", "letters"),
		(step(id=""), "id", "letters"),
		(step(id="a\n"), "id", "letters"),
		(step(label="x" * 301), "label", "300"),
		({"kind": "wait"}, "id", "missing"),
		({"id": "a"}, "kind", "missing"),
		(step(trigger={"type": "after_lunch"}), "trigger.type", "after_delay"),
		(step(trigger={"type": "after_delay"}), "trigger.delay_days", "none is set"),
		(step(trigger={"type": "after_delay", "delay_hours": -1}), "trigger.delay_hours", "0 or more"),
		(step(trigger={"type": "after_delay", "delay_hours": "soon"}), "trigger.delay_hours", "number"),
		(step(trigger={"type": "after_delay", "delay_months": 1.5}), "trigger.delay_months", "whole"),
		(step(trigger={"type": "after_delay", "delay_days": 40_000}), "trigger.delay_days", "100 years"),
		(step(trigger={"type": "after_delay", "delay_hours": 1_752_000}), "trigger.delay_hours", "100 years"),
		(step(trigger={"type": "after_delay", "delay_days": "  "}), "trigger.delay_days", "number"),
		(step(trigger={"type": "after_delay", "delay_days": "-1"}), "trigger.delay_days", "0 or more"),
		(step(trigger={"type": "after_delay", "delay_months": "inf"}), "trigger.delay_months", "number"),
		(step(trigger={"type": "after_delay", "delay_days": True}), "trigger.delay_days", "number"),
		(step(trigger={"type": "after_delay", "delay_days": "{{doc.x"}), "trigger.delay_days", "Close"),
		(
			step(trigger={"type": "after_delay", "delay_days": "{{doc.x}} days"}),
			"trigger.delay_days",
			"alone",
		),
		(
			step(trigger={"type": "after_delay", "delay_working_days": 1.5}),
			"trigger.delay_working_days",
			"hours",
		),
		(
			step(trigger={"type": "after_delay", "delay_working_days": 10_001}),
			"trigger.delay_working_days",
			"10,000",
		),
		(
			step(trigger={"type": "after_delay", "delay_days": 1, "if_past": "run"}),
			"trigger.if_past",
			"on_date",
		),
		(step(trigger={"if_past": "skip"}), "trigger.if_past", "on_date"),
		(
			step(trigger={"type": "on_date", "at": "2027-01-01", "if_past": "wait"}),
			"trigger.if_past",
			"run, skip, fail",
		),
		(
			step(trigger={"type": "on_date", "at": "2027-01-01", "delay_months": -0.5}),
			"trigger.delay_months",
			"whole",
		),
		(
			step(trigger={"type": "on_date", "at": "2027-01-01", "delay_days": -40_000}),
			"trigger.delay_days",
			"100 years",
		),
		(
			step(trigger={"type": "on_date", "at": "2027-01-01", "delay_days": "soon"}),
			"trigger.delay_days",
			"number",
		),
		(step(trigger={"type": "on_date", "delay_days": -1}), "trigger.at", "none is set"),
		(step(trigger={"type": "manual", "delay_working_days": 1}), "trigger.delay_working_days", "on_date"),
		(step(trigger={"delay_days": 1}), "trigger.delay_days", "after_delay"),
		(step(trigger={"type": None, "at": "2027-01-01"}), "trigger.at", "on_date"),
		(step(trigger={"type": "on_date"}), "trigger.at", "none is set"),
		(step(trigger={"type": "on_date", "at": "next week"}), "trigger.at", "not a date"),
		(step(trigger={"type": "on_date", "at": "{{doc.x"}), "trigger.at", "Close"),
		(step(trigger={"type": "manual", "delay_days": 1}), "trigger.delay_days", "after_delay"),
		(step(trigger={"type": "manual", "dealy_days": 1}), "trigger.dealy_days", "delay_days"),
		(step(parent_id="nowhere"), "parent_id", "nowhere"),
		(step(depends_on=["nowhere"]), "depends_on", "nowhere"),
		(step(depends_on=["a"]), "depends_on", "itself"),
		(step(parent_id="a"), "parent_id", "within each other"),
		(step(branch="yes"), "branch", "no step that branches"),
		(step(on_error="shrug"), "on_error", "continue"),
		(step(retry={"attempts": 0}), "retry.attempts", "1 to 20"),
		(step(depend_on=["x"]), "depend_on", "depends_on"),
		(step(depends_on="x"), "depends_on", "list"),
		(step(payload=[]), "payload", "object"),
		(step(kind="issue", payload={}), "payload.subject", "empty"),
		(step(kind="issue", payload={"subject": "  "}), "payload.subject", "empty"),
		(step(kind="issue", payload={"subject": 5}), "payload.subject", "text"),
		(step(kind="issue", payload={"subject": "s", "sujbect": "s"}), "payload.sujbect", "subject"),
		(step(kind="issue", payload={"subject": "{{doc.name"}), "payload.subject", "Close"),
		(step(kind="issue", payload={"subject": "{{doc.name|shout}}"}), "payload.subject", "no filter"),
		(
			step(kind="dispatch_job", payload={"subject": "s", "priority": "soonish"}),
			"payload.priority",
			"urgent",
		),
		(
			step(kind="dispatch_job", payload={"subject": "s", "duration_h": -1}),
			"payload.duration_h",
			"least 0",
		),
		(
			step(kind="dispatch_job", payload={"subject": "s", "duration_h": "-1"}),
			"payload.duration_h",
			"least 0",
		),
		(
			step(kind="dispatch_job", payload={"subject": "s", "duration_h": "9" * 400}),
			"payload.duration_h",
			"number",
		),
		(step(kind="notify", payload={"subject": "s"}), "payload.body", "empty"),
		(step(kind="notify", payload={"channel": "fax", "body": "b"}), "payload.channel", "sms"),
		(step(kind="webhook", payload={"url": "ftp://x"}), "payload.url", "https"),
		(
			step(kind="webhook", payload={"url": "https://x", "body_template": "{oops"}),
			"payload.body_template",
			"not JSON",
		),
		(
			step(kind="webhook", payload={"url": "https://x", "body_template": '{"a": {{doc.n}}}'}),
			"payload.body_template",
			"quotes",
		),
		(
			step(kind="webhook", payload={"url": "https://x", "body_template": '{"a": "{{doc.n"}'}),
			"payload.body_template",
			"Close",
		),
		(step(kind="condition", payload={"field": "doc.x", "op": "~"}), "payload.op", "starts_with"),
		(step(kind="condition", payload={"op": "empty"}), "payload.field", "empty"),
		(
			step(kind="erp_update", payload={"doctype": "Issue", "fields_json": "[1"}),
			"payload.fields_json",
			"not JSON",
		),
	],
)
def test_each_mistake_is_said_with_its_step_and_field(broken, field, words):
	problem = only(broken)
	assert problem.field == field and words in problem.message
	assert problem.step == (broken.get("id") or ("#1" if "id" not in broken else ""))
	assert problem.message[0].isupper() or problem.message[0] in "'{"
	assert problem.message.rstrip().endswith((".", "}"))


@pytest.mark.parametrize(
	("body", "words"),
	[
		('{"a": 1, "a": 2}', "twice"), ('{"a": NaN}', "NaN"), ('{"a": 1e400}', "too large"), ('{"a": ' + "1" * 5000 + "}", "5,000 digits"),
		('{"a": "\\ud800"}', "half"), ("[" * 33 + "]" * 33, "33 levels"), ("[" * 900 + "]" * 900, "levels"), ("[" * 100_000, "deep"), ('"text"', "neither"),
	],
	ids=["twice", "nan", "infinite", "digits", "surrogate", "depth", "deeper", "stack", "scalar"],
)  # fmt: skip
def test_json_in_a_field_is_read_as_strictly_as_the_definition(body, words):
	problem = only(step(kind="webhook", payload={"url": "https://x", "body_template": body}))
	assert problem.field == "payload.body_template" and words in problem.message


def test_each_dependency_on_a_block_that_holds_the_step_is_said_and_the_cycles_too():
	found = problems(
		step("p"),
		step("x", parent_id="p", depends_on=["p"]),
		step("y", parent_id="x", depends_on=["p", "y"]),
		step("a", depends_on=["a", "b"]),
		step("b", depends_on=["a"]),
		step("b", depends_on=["nowhere"]),
	)
	assert sorted((p.step, p.field) for p in found) == [
		("a", "depends_on"), ("a", "depends_on"), ("b", "depends_on"), ("b", "id"), ("x", "depends_on"),
		("y", "depends_on"), ("y", "depends_on"),
	]  # fmt: skip


def test_nesting_is_said_beside_a_cycle_elsewhere():
	nested = [step(f"s{i}", parent_id=f"s{i - 1}" if i else None) for i in range(60)]
	found = problems(step("a", depends_on=["b"]), step("b", depends_on=["a"]), *nested)
	assert [(p.step, p.field) for p in found] == [("a", "depends_on"), ("s59", "parent_id")]


def test_an_empty_field_means_its_default_where_another_is_shown_by_it():
	class Letter(Kind):
		name = "letter"
		fields = (
			Field("by", "select", default="mail", options=("mail", "fax")),
			Field("to", required=True, shown_when={"by": ("mail",)}),
		)

	def fields(payload):
		flow = {"steps": [{"id": "a", "kind": "letter", "payload": payload}]}
		return [problem.field for problem in validate(flow, Catalog([Letter()]))]

	assert (
		fields({}) == fields({"by": None}) == fields({"by": ""}) == fields({"by": "mail"}) == ["payload.to"]
	)
	assert fields({"by": "fax"}) == []


def test_no_events_take_any():
	assert validate({"trigger": {"event": "on_moon"}}, CATALOG, events=[]) == []


def test_what_is_valid_parses():
	"""Whatever passes must be fit for the machine, down to numbers in texts and nulls."""
	written = {
		"steps": [
			step("a", trigger={"type": "after_delay", "delay_days": " 1.5 ", "delay_hours": "", "delay_months": None}),
			step("b", depends_on=None, branch=None, parent_id="", retry=None, on_error=None, notes=None, label=None, payload=None),
		],
		"variables": None,
		"trigger": None,
	}  # fmt: skip
	assert validate(written, CATALOG) == []
	assert parse(load(written)).by_id["a"].trigger.delay == {"delay_days": 1.5}


def test_a_date_takes_an_offset_and_a_delay_an_expression():
	before = {
		"type": "on_date",
		"at": "{{doc.end_date}}",
		"delay_days": -30,
		"delay_months": "-1",
		"if_past": "skip",
	}
	read = {
		"type": "after_delay",
		"delay_days": "{{doc.credit_days}}",
		"delay_working_days": "3",
		"if_past": None,
	}
	around = {
		"type": "on_date",
		"at": "2027-03-31 9:30:00",
		"delay_hours": "-{{ variables.hours }}",
		"if_past": "",
	}
	steps = [step("a", trigger=before), step("b", trigger=read), step("c", trigger=around)]
	assert problems(*steps) == []
	triggers = [one.trigger for one in parse({"steps": steps}).steps]
	assert [dict(trigger.delay) for trigger in triggers] == [
		{"delay_days": -30, "delay_months": -1},
		{"delay_days": "{{doc.credit_days}}", "delay_working_days": 3},
		{"delay_hours": "-{{ variables.hours }}"},
	]
	assert [trigger.if_past for trigger in triggers] == ["skip", "run", "run"]
	assert [trigger.is_read for trigger in triggers] == [True, False, True]


def test_branches():
	question = step("q", "condition")
	assert problems(question, step(parent_id="q", branch="yes"), step("b", parent_id="q")) == []
	assert "yes, no" in only(question, step(parent_id="q", branch="maybe")).message
	assert only(step("p"), step(parent_id="p", branch="yes")).field == "branch"


def test_every_problem_at_once():
	found = problems(
		step("a", "nope"),
		step("a"),
		step("b", depends_on=["zz"], parent_id="yy"),
		step("c", "issue", payload={}),
		7,
		trigger={"event": "on_nothing", "condition": "{"},
		variables=[],
		events=["manual"],
	)
	assert {(p.step, p.field) for p in found} == {
		("", "trigger.event"), ("", "trigger.condition"), ("", "variables"), ("a", "kind"), ("a", "id"), ("b", "depends_on"),
		("b", "parent_id"), ("c", "payload.subject"), ("", "steps"),
	}  # fmt: skip


@pytest.mark.parametrize(
	"steps",
	[
		[step("a", depends_on=["b"]), step("b", depends_on=["a"])],
		[step("a", parent_id="b"), step("b", parent_id="a")],
		[step("a", depends_on=["p"], parent_id="p"), step("p")],
		[step("p", depends_on=["x"]), step("x", parent_id="p")],
		[step("p"), step("c", parent_id="p", depends_on=["q"]), step("q", depends_on=["p"])],
		[step("a", depends_on=["c"]), step("b", depends_on=["a"]), step("c", depends_on=["b"])],
	],
)
def test_each_cycle_is_said_once(steps):
	problem = only(*steps)
	assert problem.field in ("depends_on", "parent_id")


def test_two_cycles_are_two_problems():
	assert (
		len(
			problems(
				step("a", depends_on=["b"]),
				step("b", depends_on=["a"]),
				step("c", depends_on=["d"]),
				step("d", depends_on=["c"]),
			)
		)
		== 2
	)


def test_a_lane_may_depend_on_another_lane_and_on_a_block_before():
	assert (
		problems(
			step("q", "condition"),
			step("y", parent_id="q", branch="yes"),
			step("n", parent_id="q", branch="no", depends_on=["y"]),
			step("end", depends_on=["q", "n"]),
		)
		== []
	)


@pytest.mark.parametrize(
	("written", "words"),
	[
		("{", "line 1"), ("[1]", "object"), ("null", "object"), ('{"a": 1, "a": 2}', "twice"), ('{"a": NaN}', "NaN"), (b"\xff", "UTF-8"),
		("[" * 100_000, "deep"), ('{"variables": ' + '{"a":' * 40 + "1" + "}" * 41, "levels"),
		(5, "object"), ({"variables": {"a": {1}}}, "JSON"),
		('{"variables": {"a": 1e400}}', "too large"), ({"variables": {"a": float("inf")}}, "Infinity"), ('{"variables": {"a": "\\ud800"}}', "half"),
		({"variables": {"a": "\ud800"}}, "half"), ({"steps": [{"id": "a", "trigger": {"delay_days": 10**400}}]}, "401 digits"),
	],
)  # fmt: skip
def test_what_cannot_be_read(written, words):
	with pytest.raises(Invalid) as error:
		load(written)
	(problem,) = error.value.problems
	assert words in problem.message
	assert validate(written, CATALOG) == [problem]


def test_limits_are_said_with_their_figures():
	many = {"steps": [step(f"s{i}") for i in range(11)]}
	(problem,) = validate(many, CATALOG, limits=Limits(max_steps=10))
	assert "11" in problem.message and "10" in problem.message
	(problem,) = validate(json.dumps(many), CATALOG, limits=Limits(max_bytes=100))
	assert "100" in problem.message
	nested = [step(f"s{i}", parent_id=f"s{i - 1}" if i else None) for i in range(60)]
	assert "60 steps deep" in only(*nested).message


def test_ten_thousand_steps_and_a_problem():
	chain = [step(f"s{i}", depends_on=[f"s{i - 1}"] if i else []) for i in range(10_000)]
	assert problems(*chain) == []
	chain[0]["depends_on"] = ["s9999"]
	assert len(problems(*chain)) == 1


@pytest.mark.parametrize("count", [199, 200, 201, 10_000])
def test_of_more_than_two_hundred_problems_the_first_are_told_and_that_there_are_more(count):
	found = problems(*(step(f"s{i}", depends_on=["nowhere"]) for i in range(count)))
	assert [problem.step for problem in found[:200]] == [f"s{i}" for i in range(min(count, 200))]
	assert [problem.message for problem in found[200:]] == (
		["There are more problems than these 200. Mend them, and check again."] if count > 200 else []
	)


@pytest.mark.parametrize(
	"wrong",
	[
		lambda count: {"depends_on": [f"nowhere-{i}" for i in range(count)]},
		lambda count: {f"field_{i}": 1 for i in range(count)},
		lambda count: {"payload": {f"field_{i}": 1 for i in range(count)}},
		lambda count: {"depends_on": [i for i in range(count)]},
		lambda count: {"trigger": {f"field_{i}": 1 for i in range(count)}},
	],
)
def test_what_is_wrong_costs_no_more_than_its_length(wrong):
	few, many = (lines_run(lambda: problems(step("a", **wrong(count)))) for count in (2_000, 10_000))  # noqa: B023
	assert many < 5.5 * few


def nested(count: int) -> list[dict]:
	"""Steps each in the one before it, and all in a circle with one more."""
	below = [step(f"s{i}", parent_id=f"s{i - 1}" if i else None, depends_on=["z"]) for i in range(count)]
	return [*below, step("z", depends_on=["s0"])]


def lines_run(do) -> int:
	"""How many lines of Python something takes: what a clock would say, on any machine alike."""
	lines = 0

	def trace(frame, event, argument):
		nonlocal lines
		lines += event == "line"
		return trace

	before = sys.gettrace()
	sys.settrace(trace)
	try:
		do()
	finally:
		sys.settrace(before)
	return lines


def test_hostile_sizes_take_linear_time():
	assert lines_run(lambda: problems(*nested(800))) < 2.2 * lines_run(lambda: problems(*nested(400)))
	assert {p.field for p in problems(*nested(9_999))} == {"depends_on", "parent_id"}
	# Quadratic would be minutes.
	assert "twice" in validate("{" + ",".join(f'"k{i}":0' for i in range(100_000)) + ',"k99999":1}', CATALOG)[0].message  # fmt: skip


class Broken(Kind):
	name = "broken"
	fields = (Field("a"),)

	def check(self, payload):
		raise RuntimeError("bug")


def test_a_kind_whose_own_check_breaks_is_named():
	(problem,) = validate(
		{"steps": [{"id": "a", "kind": "broken"}, {"id": "b", "kind": "nope"}]}, Catalog([Broken()])
	)[:1]
	assert "broken" in problem.message and "RuntimeError" in problem.message


JSON = st.recursive(
	st.none()
	| st.booleans()
	| st.integers()
	| st.floats(allow_nan=False, allow_infinity=False)
	| st.text(max_size=8),
	lambda inner: (
		st.lists(inner, max_size=3)
		| st.dictionaries(
			st.sampled_from(
				["id", "kind", "payload", "trigger", "type", "depends_on", "parent_id", "branch", "at", "x"]
			),
			inner,
			max_size=4,
		)
	),
	max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(st.lists(JSON, max_size=4), JSON, JSON)
def test_garbage_gives_problems_and_never_an_error(steps, trigger, variables):
	found = validate({"steps": steps, "trigger": trigger, "variables": variables}, CATALOG, events=["manual"])
	assert all(problem.message for problem in found)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(list(GOOD)), st.data())
def test_garbage_in_payloads_gives_problems_and_never_an_error(kind, data):
	names = [field.name for field in CATALOG[kind].fields] or ["x"]
	payload = data.draw(st.dictionaries(st.sampled_from(names), JSON, max_size=5))
	assert all(problem.step == "a" for problem in problems(step(kind=kind, payload=payload)))
