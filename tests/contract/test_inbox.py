"""What the inbox promises of rows that are due together, on whichever host."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta

import pytest
import requests

from flow_editor.engine.errors import Invalid, StepFailed
from flow_editor.engine.records import START, Pending
from flow_editor.services import inbox, keeping, runs, starting, templates


def flow(world, *steps: dict) -> dict:
	with world.transaction():
		return templates.create(
			world.host,
			{
				"template_name": f"Inbox {uuid.uuid4().hex[:8]}",
				"is_active": 1,
				"flow_definition": {"steps": list(steps)},
			},
		)


def waiting_to_begin(world, template, count: int) -> list[str]:
	"""Runs as an event leaves them: stored with the row that is to begin them."""
	host, names = world.host, []
	with world.transaction():
		for _ in range(count):
			run = starting.new_run(host, host.store.template(template["name"]), event="manual")
			assert host.store.insert_run(run, [Pending("", purpose=START, trigger_at=host.now())])
			names.append(run.name)
	return names


def step(id: str, **more) -> dict:
	return {"id": id, "kind": "wait", "trigger": {"type": "on_prev_complete"}, "payload": {}, **more}


def test_what_is_due_together_is_all_worked_and_each_row_settled(world):
	names = waiting_to_begin(world, flow(world, step("a"), step("b", depends_on=["a"])), 7)
	drained = inbox.drain(world.host, batch=3)
	assert (drained.worked, drained.failed, drained.left) == (7, 0, False)
	for name in names:
		run = world.host.store.run(name)
		assert run.status == "completed"
		assert [entry["attempts"] for entry in run.step_state.values()] == [1, 1]
		(row,) = world.host.store.pending({"flow_run": name})
		assert row.status == "completed" and row.executed_at and not row.lease_token
	assert not world.host.store.is_due(world.host.now())
	assert inbox.drain(world.host).worked == 0


def test_a_run_whose_version_is_gone_does_not_hold_back_the_others(world):
	good, bad = (waiting_to_begin(world, flow(world, step(id)), 2) for id in ("good", "bad"))
	with world.transaction():
		# As after somebody's hand in the database: no cache can know it either.
		world.forget_version(bad[0])
	drained = inbox.drain(world.host)
	assert (drained.worked, drained.failed) == (4, 1)
	assert [world.host.store.run(name).status for name in (*good, bad[1])] == ["completed"] * 3
	(row,) = world.host.store.pending({"flow_run": bad[0]})
	assert (row.status, row.retry_count) == ("pending", 1) and "not there any more" in row.last_error


def test_rows_whose_worker_died_come_back_one_at_a_time_and_last(world):
	host = world.host
	waiting_to_begin(world, flow(world, step("a")), 3)
	now = host.now()
	assert len(host.store.claim(now, 50, now, "a worker that dies")) == 3
	assert host.store.is_due(now)
	(fresh,) = waiting_to_begin(world, flow(world, step("b")), 1)
	later = host.now() + timedelta(minutes=10)
	(row,) = host.store.claim(host.now(), 50, later, "another")
	assert (row.flow_run, row.retry_count) == (fresh, 0)
	for _ in range(3):
		(row,) = host.store.claim(host.now(), 50, later, "another")
		assert row.retry_count == 1
	assert not host.store.claim(host.now(), 50, later, "another") and not host.store.is_due(host.now())


def test_rows_of_one_run_that_are_due_together_are_worked_in_turn(world):
	later = {"type": "after_delay", "delay_days": 1}
	template = flow(
		world, step("a", trigger=later), step("b", trigger=later), step("both", depends_on=["a", "b"])
	)
	with world.transaction():
		name = starting.start(world.host, template["name"]).run.name
	world.let_due(name)
	assert world.drain().worked == 2
	run = world.host.store.run(name)
	assert run.status == "completed" and {entry["attempts"] for entry in run.step_state.values()} == {1}


def failing(id: str = "a", **more) -> dict:
	payload = {"doctype": "Issue", "docname_ref": "NO-SUCH", "fields_json": {"subject": "x"}}
	return {**step(id), "kind": "erp_update", "payload": payload, **more}


def test_a_step_is_tried_as_often_as_it_declares(world):
	template = flow(
		world, failing(retry={"attempts": 8, "delay_minutes": 525_600, "factor": 10, "on": "any"})
	)
	with world.transaction():
		name = starting.start(world.host, template["name"]).run.name
	for _ in range(10):
		world.let_due(name)
		world.drain()
	entry = world.host.store.run(name).step_state["a"]
	assert (entry["status"], entry["attempts"]) == ("failed", 8)
	assert "NO-SUCH" in entry["error"]


def test_a_row_whose_run_is_gone_is_failed_and_holds_back_nobody(world):
	with world.transaction():
		world.host.store.insert_pending([Pending("FR-GONE", "a", trigger_at=world.host.now())])
	for _ in range(inbox.MAX_ATTEMPTS):
		(good,) = waiting_to_begin(world, flow(world, step("b")), 1)
		world.let_due("FR-GONE")
		world.drain()
		assert world.host.store.run(good).status == "completed"
	(row,) = world.host.store.pending({"flow_run": "FR-GONE"})
	assert (row.status, row.retry_count) == ("failed", inbox.MAX_ATTEMPTS) and "no flow run" in row.last_error
	assert not world.host.store.is_due(world.host.now())


def test_a_failed_run_can_be_retried_when_its_flow_is_gone(world):
	template = flow(world, failing(), step("b", depends_on=["a"]))
	with world.transaction():
		name = starting.start(world.host, template["name"]).run.name
	with world.transaction():
		templates.delete(world.host, template["name"])
	with world.transaction():
		runs.retry(world.host, name)
	entry = world.host.store.run(name).step_state["a"]
	assert entry["status"] == "failed" and entry["retried"] == 1 and "NO-SUCH" in entry["error"]


def test_a_run_keeps_no_more_than_the_database_takes_at_once(world):
	count = keeping.STATE_LENGTH // keeping.RESULT_LENGTH + 5
	template = flow(world, *(step(f"s{n}", trigger={"type": "manual"}) for n in range(count)))
	with world.transaction():
		name = starting.start(world.host, template["name"]).run.name
	refused = 0
	for n in range(count):
		with world.transaction():
			try:
				runs.complete(world.host, name, f"s{n}", "x" * (keeping.RESULT_LENGTH - 2))
			except Invalid:
				refused += 1
				runs.complete(world.host, name, f"s{n}", {"short": True})
	run = world.host.store.run(name)
	assert run.status == "completed" and refused >= 5
	assert len(json.dumps(run.step_state)) < keeping.STATE_LENGTH * 1.1


def test_variables_that_are_too_large_are_refused(world):
	template = flow(world, step("a"))
	with pytest.raises(Invalid, match="Send fewer"), world.transaction():
		starting.start(world.host, template["name"], variables={"x": "y" * starting.VARIABLES_LENGTH})
	assert world.host.store.runs({"flow_template": template["name"]}) == []


@pytest.mark.parametrize("result", [float("nan"), {"x": float("inf")}, "\ud800", {"\udfff": ["\ud800"]}])
def test_what_no_database_takes_is_taken_out_of_a_result(world, result):
	template = flow(world, step("a", trigger={"type": "manual"}))
	with world.transaction():
		name = starting.start(world.host, template["name"], variables={"v": result}).run.name
	with world.transaction():
		runs.complete(world.host, name, "a", result)
	run = world.host.store.run(name)
	assert run.status == "completed"
	json.dumps([run.step_state, run.variables], allow_nan=False, ensure_ascii=False).encode()


class Refused(Exception):
	"""As a library's own error of its surroundings."""


@pytest.mark.parametrize(
	("error", "status"),
	[
		(ValueError("x"), "failed"),
		("é".encode, "failed"),
		(TypeError("x"), "failed"),
		(KeyError("x"), "failed"),
		(IndexError("x"), "failed"),
		(AttributeError("x"), "failed"),
		(ZeroDivisionError("x"), "failed"),
		(RecursionError("x"), "failed"),
		(OSError("x"), "scheduled"),
		(TimeoutError("x"), "scheduled"),
		(ConnectionResetError("x"), "scheduled"),
		(requests.exceptions.JSONDecodeError("x", "", 0), "scheduled"),
		(MemoryError("x"), "scheduled"),
		(Refused("x"), "scheduled"),
		(StepFailed("x", transient=True), "scheduled"),
		(StepFailed("x"), "failed"),
	],
)
def test_what_a_value_raises_fails_at_once_and_the_surroundings_are_tried_again(
	world, monkeypatch, error, status
):
	def broken(self, step, ctx):
		if callable(error):
			error("ascii")
		raise error

	monkeypatch.setattr(type(world.host.catalog["wait"]), "run", broken)
	with world.transaction():
		name = starting.start(world.host, flow(world, step("a"))["name"]).run.name
	entry = world.host.store.run(name).step_state["a"]
	assert (entry["status"], entry["attempts"]) == (status, 1)
	if status == "failed" and not isinstance(error, StepFailed):
		assert "Correct the step" in entry["error"]


def test_a_kind_may_say_when_to_come_back(world, monkeypatch):
	def busy(self, step, ctx):
		raise StepFailed("busy", transient=True, retry_after="7200")

	monkeypatch.setattr(type(world.host.catalog["wait"]), "run", busy)
	began = world.host.now()
	with world.transaction():
		name = starting.start(world.host, flow(world, step("a"))["name"]).run.name
	(row,) = world.host.store.pending({"flow_run": name})
	assert (
		timedelta(hours=2) <= row.trigger_at - began.replace(microsecond=0) <= timedelta(hours=2, minutes=1)
	)


def test_a_result_that_is_cut_keeps_the_lane_that_its_step_took(world, monkeypatch):
	large = {"branch": "yes", "rows": ["x" * 1000] * (keeping.RESULT_LENGTH // 1000)}
	monkeypatch.setattr(type(world.host.catalog["condition"]), "run", lambda self, step, ctx: large)
	ask = {**step("ask"), "kind": "condition", "payload": {"field": "doc.name", "op": "==", "value": "x"}}
	lanes = [step(lane, parent_id="ask", branch=lane) for lane in ("yes", "no")]
	with world.transaction():
		name = starting.start(world.host, flow(world, ask, *lanes)["name"]).run.name
	state = world.host.store.run(name).step_state
	assert {id: entry["status"] for id, entry in state.items()} == {
		"ask": "done",
		"yes": "done",
		"no": "skipped",
	}
	assert (
		state["ask"]["result"]["truncated"]
		and len(state["ask"]["result"]["text"]) == keeping.BEGINNING_LENGTH
	)
