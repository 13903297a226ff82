"""What the inbox promises of rows that are due together, on whichever host."""

from __future__ import annotations

import uuid
from datetime import timedelta

from flow_editor.engine.host import START, Pending
from flow_editor.services import inbox, runs, templates


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
			run = runs.new_run(host, host.store.template(template["name"]), event="manual")
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
		name = runs.start(world.host, template["name"]).run.name
	world.let_due(name)
	assert world.drain().worked == 2
	run = world.host.store.run(name)
	assert run.status == "completed" and {entry["attempts"] for entry in run.step_state.values()} == {1}
