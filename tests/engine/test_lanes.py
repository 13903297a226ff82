"""Which lanes a step took, the error lane, steps that are switched off, and what ends with a run."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flow_editor.engine.definition import parse
from flow_editor.engine.fields import Field
from flow_editor.engine.kind import Catalog, Kind
from flow_editor.engine.machine import (
	CANCELLED,
	COMPLETED,
	DONE,
	FAILED,
	PENDING,
	RUNNING,
	SCHEDULED,
	SKIPPED,
	WAITING,
	Machine,
	StepChange,
	run_status,
	stop_steps,
)
from flow_editor.engine.upgrading import upgrade
from flow_editor.engine.validation import validate


class Cases(Kind):
	"""A kind whose lanes are what its payload says."""

	name = "cases"
	label = "Cases"
	fields = (Field("cases", "json"),)

	def lanes(self, payload):
		cases = payload.get("cases")
		return tuple((case, case.title()) for case in cases) if isinstance(cases, list) else ()


class AllAtOnce(Cases):
	name = "all_at_once"
	takes_all_lanes = True


class Plain(Kind):
	name = "plain"
	label = "Plain"


CATALOG = Catalog([Cases(), AllAtOnce(), Plain()])


def step(id: str, kind: str = "plain", **more) -> dict:
	return {"id": id, "kind": kind, **more}


def play(steps: list[dict], fail=(), took=None):
	"""Do each step as it becomes ready, as the services do; (the order, the states, the machine)."""
	flow, state, order = parse({"steps": steps}), {}, []
	machine = Machine(flow, state)
	machine.start()
	while (one := machine.next_ready()) is not None:
		if one.off:
			machine.pass_over(one, off=True)
			continue
		order.append(one.id)
		if one.id not in fail:
			machine.mark(one.id, DONE)
			result = {"branch": (took or {}).get(one.id)}
			machine.done(one, CATALOG[one.kind].taken(one.payload, result))
		elif one.on_error == "fail":
			machine.mark(one.id, FAILED)
		else:
			machine.mark(one.id, DONE)
			machine.done(one, ["error"] if one.on_error == "lane" else [])
	return order, {name: entry["status"] for name, entry in state.items()}, machine


LANED = [
	step("call", on_error="lane"),
	step("sorry", parent_id="call", branch="error"),
	step("thanks", parent_id="call"),
	step("after", depends_on=["call"]),
]


def test_after_a_failure_the_error_lane_alone_goes_on_and_what_comes_after_the_block():
	order, states, _ = play(LANED, fail=["call"])
	assert order == ["call", "sorry", "after"]
	assert states == {"call": DONE, "sorry": DONE, "thanks": SKIPPED, "after": DONE}


def test_without_a_failure_the_error_lane_is_skipped():
	order, states, _ = play(LANED)
	assert order == ["call", "thanks", "after"]
	assert states["sorry"] == SKIPPED


def test_the_error_lane_of_a_step_that_branches_leaves_its_own_lanes_out():
	steps = [
		step("q", "cases", payload={"cases": ["red", "blue"]}, on_error="lane"),
		step("red", parent_id="q", branch="red"),
		step("any", parent_id="q"),
		step("oops", parent_id="q", branch="error"),
	]
	assert play(steps, fail=["q"])[0] == ["q", "oops"]
	assert play(steps, took={"q": "red"})[0] == ["q", "red", "any"]


def test_a_step_takes_all_its_lanes_at_once():
	steps = [
		step("all", "all_at_once", payload={"cases": ["a", "b", "empty"]}),
		step("a1", parent_id="all", branch="a"),
		step("b1", parent_id="all", branch="b"),
		step("a2", parent_id="all", branch="a", depends_on=["a1"]),
		step("join", depends_on=["all"]),
	]
	assert play(steps)[0] == ["all", "a1", "b1", "a2", "join"]


def test_a_lane_that_an_earlier_version_kept_with_the_result_alone_goes_on():
	flow = parse(
		{
			"steps": [
				step("q"),
				step("yes", parent_id="q", branch="yes"),
				step("no", parent_id="q", branch="no"),
			]
		}
	)
	state = {
		"q": {"status": DONE, "result": {"branch": "yes"}},
		"yes": {"status": PENDING},
		"no": {"status": SKIPPED},
	}
	for entry in state.values():
		upgrade(entry)
	machine = Machine(flow, state)
	machine.rescan()
	assert machine.next_ready() is flow.by_id["yes"] and machine.is_reachable(flow.by_id["yes"])


def test_a_step_that_is_off_counts_as_done_with_its_block_and_without_a_trace_of_acting():
	steps = [
		step("before"),
		step("q", off=True, depends_on=["before"]),
		step("yes", parent_id="q", branch="yes"),
		step("deep", parent_id="yes"),
		step("after", depends_on=["q"]),
		step("after_inner", depends_on=["deep"]),
	]
	order, states, machine = play(steps)
	assert order == ["before", "after", "after_inner"] and set(states.values()) == {DONE}
	assert run_status(machine.state) == COMPLETED
	assert [name for name, entry in machine.state.items() if entry.get("off")] == ["q", "yes", "deep"]


def test_what_has_not_begun_ends_with_the_run():
	def state():
		return {
			"done": {"status": DONE},
			"waits": {"status": SCHEDULED, "due_at": "2026-01-01 00:00:00"},
			"asks": {"status": WAITING, "wait": {"answer": True}},
			"calls": {"status": RUNNING},
			"stuck": {"status": RUNNING},
		}

	cancelled = state()
	changes = stop_steps(cancelled, CANCELLED, ["calls"])
	assert cancelled == {
		"done": {"status": DONE},
		"waits": {"status": CANCELLED},
		"asks": {"status": CANCELLED},
		"calls": {"status": RUNNING},
		"stuck": {"status": CANCELLED},
	}
	assert changes == [
		StepChange("waits", SCHEDULED, CANCELLED),
		StepChange("asks", WAITING, CANCELLED),
		StepChange("stuck", RUNNING, CANCELLED),
	]
	completed = state()
	stop_steps(completed, COMPLETED)
	assert [entry["status"] for entry in completed.values()] == [DONE, SKIPPED, SKIPPED, RUNNING, RUNNING]


@pytest.mark.parametrize(
	"steps, field, said",
	[
		([step("a"), step("b", parent_id="a", branch="error")], "branch", "has none"),
		([step("a", "cases", payload={"cases": ["error"]})], "payload", "that a failed step takes"),
		([step("a", "cases", payload={"cases": ["x", "x"]})], "payload", "Two of its lanes"),
		([step("a", "all_at_once", payload={"cases": ["x"]}), step("b", parent_id="a")], "branch", "stands in none"),
		([step("a", "cases", payload={"cases": ["x"]}), step("b", parent_id="a", branch="y")], "branch", "Use one of x."),
		([step("a", on_error="retry")], "on_error", "fail, continue or lane"),
		([step("a", off="yes")], "off", ""),
	],
)  # fmt: skip
def test_what_is_wrong_with_lanes_is_said_at_its_field(steps, field, said):
	(problem,) = validate({"version": 1, "trigger": {}, "variables": {}, "steps": steps}, CATALOG)
	assert problem.field == field and said in problem.message


def test_lanes_that_are_right_are_no_problem():
	steps = [
		*LANED,
		step("all", "all_at_once", payload={"cases": ["x"]}, off=True),
		step("x", parent_id="all", branch="x"),
	]
	assert validate({"version": 1, "trigger": {}, "variables": {}, "steps": steps}, CATALOG) == []


def test_no_kind_has_a_lane_of_the_engine_s_own_name():
	class Wrong(Kind):
		name = "wrong"
		branches = (("error", "Error"),)

	with pytest.raises(ValueError, match="a failed step takes"):
		Catalog([Wrong()])


@st.composite
def definitions(draw):
	"""Sound definitions of up to a dozen steps: nested, dependent, switched off, with lanes of every sort."""
	steps: list[dict] = []
	for number in range(draw(st.integers(1, 12))):
		kind = draw(st.sampled_from(["plain", "cases", "all_at_once"]))
		one = step(f"s{number}", kind, on_error=draw(st.sampled_from(["fail", "continue", "lane"])))
		one["off"] = draw(st.booleans()) and draw(st.booleans())
		if kind != "plain":
			one["payload"] = {"cases": ["a", "b"]}
		parent = draw(st.sampled_from([None, *steps]))
		if parent is not None:
			lanes = [] if parent["kind"] == "plain" else ["a", "b"]
			lanes += ["error"] if parent["on_error"] == "lane" else []
			lanes += [] if parent["kind"] == "all_at_once" else [None]
			one["parent_id"], one["branch"] = parent["id"], draw(st.sampled_from(lanes))
		before = [other["id"] for other in steps if other.get("parent_id") == one.get("parent_id")]
		one["depends_on"] = draw(st.lists(st.sampled_from(before), unique=True, max_size=2)) if before else []
		steps.append(one)
	return steps


@given(definitions(), st.data())
@settings(max_examples=300, deadline=None)
def test_every_run_ends_and_keeps_the_rules_of_its_lanes(steps, data):
	assert validate({"version": 1, "trigger": {}, "variables": {}, "steps": steps}, CATALOG) == []
	names = [one["id"] for one in steps]
	fail = data.draw(st.sets(st.sampled_from(names)))
	took = {name: data.draw(st.sampled_from(["a", "b"])) for name in names}
	order, states, machine = play(steps, fail, took)
	flow = machine.flow
	assert len(order) == len(set(order))
	held_back = {name for name, status in states.items() if status in (FAILED, PENDING)}
	if not any(states[name] == FAILED for name in names):
		assert not held_back, "nothing failed, so nothing is left over"
	for name in order:
		one = flow.by_id[name]
		if one.parent_id is None:
			continue
		parent = flow.by_id[one.parent_id]
		assert states[parent.id] == DONE and not machine.state[parent.id].get("off")
		has_failed = parent.id in fail
		if has_failed and parent.on_error == "lane":
			assert one.branch == "error"
		elif has_failed:
			assert one.branch is None  # it went on without having taken a lane
		elif parent.kind == "cases":
			assert one.branch in (None, took[parent.id])
		else:
			assert one.branch != "error"
