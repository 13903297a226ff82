"""Following a run: whole the first time, and then what has changed; with who completed a step and how often it was tried."""

from __future__ import annotations

import uuid

from flow_editor.services import looking, runs, starting, templates

MANUAL = {"type": "manual"}
STEPS = [
	{"id": "a", "kind": "wait", "trigger": MANUAL, "payload": {}},
	{"id": "b", "kind": "wait", "trigger": MANUAL, "payload": {}},
]
#: A document that is not there: it fails each time.
GONE = {"doctype": "Customer", "docname_ref": "no-such", "fields_json": '{"customer_details": "x"}'}


def run_of(world, steps) -> str:
	with world.transaction():
		flow = templates.create(
			world.host,
			{
				"template_name": f"Contract {uuid.uuid4().hex[:8]}",
				"is_active": 1,
				"flow_definition": {"steps": steps},
			},
		)
	with world.transaction():
		return starting.start(world.host, flow["name"]).run.name


def test_whole_at_first_and_then_what_has_changed(world):
	run = run_of(world, STEPS)
	first = looking.follow(world.host, run)
	assert first["whole"] and [step["id"] for step in first["run"]["flow_definition"]["steps"]] == ["a", "b"]
	assert set(first["run"]["step_state"]) == {"a", "b"}
	same = looking.follow(world.host, run, first["known"])
	assert same == {"run": {"name": run, "step_state": {}}, "known": first["known"], "whole": False}
	with world.transaction():
		runs.complete(world.host, run, "a")
	changed = looking.follow(world.host, run, same["known"])
	assert changed["run"]["name"] == run and set(changed["run"]) == {"name", "step_state"}
	assert {id: entry["status"] for id, entry in changed["run"]["step_state"].items()} == {"a": "done"}
	with world.transaction():
		runs.complete(world.host, run, "b")
	over = looking.follow(world.host, run, changed["known"])
	assert over["run"]["status"] == "completed" and set(over["run"]["step_state"]) == {"b"}
	assert "flow_definition" not in over["run"] and not over["whole"]


def test_what_is_known_of_another_run_counts_as_nothing(world):
	run, other = run_of(world, STEPS), run_of(world, STEPS[:1])
	known = looking.follow(world.host, other)["known"]
	assert looking.follow(world.host, run, known)["whole"]
	assert set(looking.follow(world.host, run, "AAAA" * 3)["run"]["step_state"]) == {"a", "b"}


def test_who_completed_a_step_stands_in_it(world):
	run = run_of(world, STEPS)
	with world.transaction():
		runs.complete(world.host, run, "a")
	state = looking.get(world.host, run)["step_state"]
	assert state["a"]["completed_by"] == world.host.user and "completed_by" not in state["b"]


def test_each_try_is_told_with_its_error_also_after_a_retry(world):
	run = run_of(world, [{"id": "a", "kind": "erp_update", "payload": GONE}])
	with world.transaction():
		runs.retry(world.host, run)
	entry = looking.get(world.host, run)["step_state"]["a"]
	assert entry["status"] == "failed" and entry["retried"] == 1
	assert len(entry["tries"]) == 2
	assert all(one["at"] and "no-such" in one["error"] for one in entry["tries"])
