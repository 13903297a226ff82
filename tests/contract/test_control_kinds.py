"""The kinds that say which way a run goes, and when it ends, on whichever host."""

from __future__ import annotations

import uuid

import pytest

from flow_editor.doors import handlers
from flow_editor.engine.errors import Conflict
from flow_editor.services import inbox, looking, runs, starting, templates


def step(id: str, kind: str = "wait", payload=None, **fields):
	return {"id": id, "kind": kind, "payload": payload or {}, **fields}


def create(world, *steps, **more) -> str:
	definition = {"steps": list(steps), **more}
	with world.transaction():
		return templates.create(
			world.host, {"template_name": f"Control {uuid.uuid4().hex[:8]}", "flow_definition": definition}
		)["name"]


def run(world, *steps, doctype="", docname="", variables=None, **more):
	template = create(world, *steps, **more)
	with world.transaction():
		name = starting.start(
			world.host, template, doctype=doctype, docname=docname, variables=variables
		).run.name
	inbox.drain(world.host)
	return looking.get(world.host, name)


def statuses(shown) -> dict[str, str]:
	return {name: entry["status"] for name, entry in shown["step_state"].items()}


def problems(world, *steps) -> list[tuple[str, str]]:
	found = handlers.validate(world.host, {"steps": list(steps)})["problems"]
	return [(one["field"], one["message"]) for one in found]


# Variables


def test_variables_are_set_for_the_steps_after_it(world):
	issue = world.issue(world.customer(), subject="No signal")
	shown = run(
		world,
		step("set", "set_variables", {"values": {"title": "{{doc.subject}}!", "n": "{{variables.n | plus: 1}}", "all": {"of": ["{{doc.subject}}", 2]}}}),
		step("ask", "condition", {"field": "variables.n", "value": 6}, depends_on=["set"]),
		doctype="Issue", docname=issue, variables={"n": 5, "kept": "x"},
	)  # fmt: skip
	assert shown["variables"] == {"n": 6, "kept": "x", "title": "No signal!", "all": {"of": ["No signal", 2]}}
	assert shown["step_state"]["set"]["result"]["title"] == "No signal!"
	assert shown["step_state"]["ask"]["result"]["branch"] == "yes"


def test_what_is_no_variable_is_refused(world):
	for values, word in (
		({"a b": 1}, "no name"),
		({"a.b": 1}, "no name"),
		([1], "names and a value"),
		({}, ""),
	):
		found = problems(world, step("set", "set_variables", {"values": values}))
		assert (found == []) if values == {} else (found[0][0] == "payload.values" and word in found[0][1])
	assert problems(world, step("set", "set_variables", {}))[0][0] == "payload.values"
	large = run(world, step("s", "set_variables", {"values": {"b": "{{variables.a}}{{variables.a}}"}}, on_error="continue"), variables={"a": "x" * 400_000})  # fmt: skip
	assert "characters of JSON" in large["step_state"]["s"]["error"] and "b" not in large["variables"]


# Cases


CASES = [
	{"value": "high", "label": "High", "when": {"in": [{"var": "priority"}, ["High", "Urgent"]]}},
	{"value": "mine", "when": {"==": [{"var": "variables.who"}, "me"]}},
]


@pytest.mark.parametrize(
	("priority", "who", "taken"),
	[("High", "me", "high"), ("Low", "me", "mine"), ("Low", "you", "otherwise")],
)
def test_the_first_case_that_holds_is_taken(world, priority, who, taken):
	issue = world.issue(world.customer(), priority=priority)
	lanes = [step(f"in_{lane}", parent_id="s", branch=lane) for lane in ("high", "mine", "otherwise")]
	shown = run(
		world, step("s", "switch", {"cases": CASES}), *lanes, step("after", depends_on=["s"]),
		doctype="Issue", docname=issue, variables={"who": who},
	)  # fmt: skip
	assert statuses(shown) == {
		"s": "done",
		"after": "done",
		**{f"in_{lane}": "done" if lane == taken else "skipped" for lane in ("high", "mine", "otherwise")},
	}
	assert shown["step_state"]["s"]["result"]["branch"] == taken


def test_somebody_may_choose_a_case(world):
	template = create(world, step("s", "switch", {"cases": CASES}, trigger={"type": "manual"}), step("m", parent_id="s", branch="mine"))  # fmt: skip
	with world.transaction():
		name = starting.start(world.host, template).run.name
	with pytest.raises(Conflict, match="no branch 'nowhere'"), world.transaction():
		runs.complete(world.host, name, "s", {"branch": "nowhere"})
	with world.transaction():
		runs.complete(world.host, name, "s", {"branch": "mine"})
	assert statuses(looking.get(world.host, name)) == {"s": "done", "m": "done"}


@pytest.mark.parametrize(
	("cases", "word"),
	[
		([], "is empty"), ([{"value": "a"}], "when"), ([{"value": "error", "when": {"==": [{"var": "x"}, 1]}}], "lane that a failed step takes"),
		([*CASES, CASES[0]], "Two of its lanes"), ([{"value": "a", "when": {"nonsense": 1}}], "not known"), ([{"value": "otherwise", "when": {"==": [{"var": "x"}, 1]}}], "Two of its lanes"),
	],
)  # fmt: skip
def test_what_is_wrong_with_cases_is_told(world, cases, word):
	assert any(word in message for _, message in problems(world, step("s", "switch", {"cases": cases})))


def test_a_step_in_a_case_that_there_is_not_is_a_problem(world):
	found = problems(world, step("s", "switch", {"cases": CASES}), step("x", parent_id="s", branch="low"))
	assert found[0][0] == "branch"


def test_a_case_that_cannot_be_told_fails_the_step(world):
	issue = world.issue(world.customer(), opening_date=world.host.now().date().isoformat())
	cases = [{"value": "a", "when": {"<": [{"var": "opening_date"}, "{{doc.subject}}"]}}]
	shown = run(world, step("s", "switch", {"cases": cases}), doctype="Issue", docname=issue)
	assert statuses(shown) == {"s": "failed"} and "cannot be told" in shown["error"]


# Side by side


def test_all_ways_are_gone_at_once_and_waited_for(world):
	lanes = [{"value": "a", "label": "One"}, {"value": "b"}, {"value": "empty"}]
	template = create(
		world, step("p", "parallel", {"lanes": lanes}), step("in_a", parent_id="p", branch="a", trigger={"type": "manual"}),
		step("in_b", parent_id="p", branch="b"), step("after", depends_on=["p"]),
	)  # fmt: skip
	with world.transaction():
		name = starting.start(world.host, template).run.name
	inbox.drain(world.host)
	assert statuses(looking.get(world.host, name)) == {"p": "done", "in_a": "pending", "in_b": "done", "after": "pending"}  # fmt: skip
	with world.transaction():
		runs.complete(world.host, name, "in_a")
	inbox.drain(world.host)
	assert set(statuses(looking.get(world.host, name)).values()) == {"done"}


def test_what_stands_in_no_way_is_a_problem(world):
	found = problems(world, step("p", "parallel", {"lanes": [{"value": "a"}]}), step("x", parent_id="p"))
	assert found[0][0] == "branch"


# The end


@pytest.mark.parametrize(
	("payload", "status", "left"),
	[({}, "completed", "skipped"), ({"outcome": "cancelled"}, "cancelled", "cancelled"), ({"outcome": "failed"}, "failed", "skipped")],
)  # fmt: skip
def test_a_step_ends_the_run(world, payload, status, left):
	issue = world.issue(world.customer(), subject="No signal")
	shown = run(
		world,
		step("before"),
		step("hand", trigger={"type": "manual"}),
		step("late", trigger={"type": "after_delay", "delay_days": 3}),
		step("end", "stop", {**payload, "reason": "{{doc.subject}} is gone."}, depends_on=["before"]),
		step("after", depends_on=["end"]),
		doctype="Issue", docname=issue,
	)  # fmt: skip
	assert statuses(shown) == {"before": "done", "end": "done", "hand": left, "late": left, "after": left}
	assert (shown["status"], shown["stop_reason"]) == (status, "No signal is gone.")
	assert shown["completed_at"] and bool(shown["error"]) == (status == "failed")
	assert [
		row.status for row in world.host.store.pending({"flow_run": shown["name"], "status": "pending"})
	] == []
	for refused in (
		lambda: runs.complete(world.host, shown["name"], "hand"),
		lambda: runs.retry(world.host, shown["name"]),
	):
		with pytest.raises(Conflict), world.transaction():
			refused()
	assert looking.get(world.host, shown["name"])["status"] == status


def test_an_end_without_a_reason_names_its_step(world):
	shown = run(world, step("end", "stop", label="Enough"))
	assert shown["stop_reason"] == "It was ended by its step Enough."


def test_a_call_that_was_committed_to_is_made_after_the_end(world):
	heard = []

	class Http:
		def request(self, method, url, *, headers, body, timeout):
			from flow_editor.engine.ports import HttpResponse

			heard.append(url)
			return HttpResponse(200, {}, '{"taken": true}')

	kept, world.host.http = world.host.http, Http()
	try:
		for outcome in ("completed", "failed"):
			shown = run(world, step("call", "webhook", {"url": "https://example.com/x"}), step("end", "stop", {"outcome": outcome}), step("after", depends_on=["call"]))  # fmt: skip
			assert statuses(shown) == {"call": "done", "end": "done", "after": "skipped"}
			assert shown["status"] == outcome and shown["step_state"]["call"]["result"]["body"] == {
				"taken": True
			}
	finally:
		world.host.http = kept
	assert heard == ["https://example.com/x"] * 2


def test_who_owns_a_flow_is_told_of_an_end_that_is_a_failure(world):
	template = create(world, step("end", "stop", {"outcome": "failed", "reason": "Nobody paid."}))
	with world.transaction():
		starting.start(world.host, template)
	inbox.drain(world.host)
	assert any("Nobody paid" in told or "end" in told for told in world.told(template))


def test_they_are_tried_in_virtual_time(world):
	steps = [
		step("wait", trigger={"type": "after_delay", "delay_days": 2}),
		step("set", "set_variables", {"values": {"who": "me"}}, depends_on=["wait"]),
		step("s", "switch", {"cases": CASES}, depends_on=["set"]),
		step("end", "stop", {"reason": "Mine."}, parent_id="s", branch="mine"),
	]
	tried = handlers.trial(world.host, flow_definition={"steps": steps}, now="2027-01-01 09:00")
	assert tried["run"]["stop_reason"] == "Mine." and tried["timeline"][-1]["at"] == "2027-01-03 09:00:00"
