"""Calls that were committed to are made, whatever becomes of the run; and what they set off counts as caused by it."""

from __future__ import annotations

import uuid

import pytest

from flow_editor.engine.errors import Conflict, StepFailed
from flow_editor.engine.ports import HttpResponse
from flow_editor.engine.records import CALL, SIDE_CALL, WATCHED_CALL, Pending
from flow_editor.services import claiming, inbox, listening, runs, starting, templates

OPEN, CLOSE, HOOK = (f"https://partner.example.com/{name}" for name in ("open", "close", "hook"))
EVENT = "on_issue_opened"


class Receiver:
	"""Stands for the outside: keeps what it was called for, and does `then` at every call."""

	def __init__(self, then=lambda: None, status: int = 200):
		self.calls: list[tuple[str, str]] = []
		self.then = then
		self.status = status

	def request(self, method, url, *, headers, body, timeout):
		self.calls.append((url, headers["Idempotency-Key"]))
		self.then()
		return HttpResponse(self.status, {}, '{"taken": true}')

	@property
	def urls(self) -> list[str]:
		return [url for url, _ in self.calls]


@pytest.fixture
def receiver(world):
	world.host.http = Receiver()
	return world.host.http


def step(id: str, kind: str = "wait", **more) -> dict:
	return {"id": id, "kind": kind, "trigger": {"type": "on_prev_complete"}, "payload": {}, **more}


def job(id: str = "job", **more) -> dict:
	payload = {"subject": "Install", "on_open_webhook": OPEN, "on_close_webhook": CLOSE}
	return step(id, "dispatch_job", payload=payload, **more)


def hook(id: str = "hook", **more) -> dict:
	return step(id, "webhook", payload={"method": "POST", "url": HOOK}, **more)


def start(world, *steps: dict, **fields) -> str:
	with world.transaction():
		template = templates.create(
			world.host,
			{
				"template_name": f"Calls {uuid.uuid4().hex[:8]}",
				"flow_definition": {"steps": list(steps)},
				**fields,
			},
		)
	with world.transaction():
		return starting.start(world.host, template["name"]).run.name


def rows(world, run: str, **filters) -> list[Pending]:
	return world.host.store.pending({"flow_run": run, **filters})


def cancel(world, run: str) -> None:
	with world.transaction():
		runs.cancel(world.host, run)


def test_calls_beside_a_step_have_a_purpose_of_their_own(world, receiver):
	run = start(world, job())
	assert {row.purpose for row in rows(world, run)} == {SIDE_CALL, WATCHED_CALL}
	assert all("beside" not in row.context_snapshot for row in rows(world, run))


def test_who_hears_of_the_end_has_heard_of_the_beginning_though_the_run_was_cancelled(world, receiver):
	run = start(world, job(), step("later", trigger={"type": "manual"}))
	cancel(world, run)
	world.drain()
	assert receiver.urls == [OPEN]
	name = world.host.store.run(run).step_state["job"]["result"]["job"]
	with world.transaction():
		world.host.documents.update("Dispatch Job", name, {"status": "Completed"})
	world.drain()
	assert receiver.urls == [OPEN, CLOSE]
	assert {row.status for row in rows(world, run, purpose=SIDE_CALL)} == {"completed"}
	assert world.host.store.run(run).status == "cancelled"


def test_a_call_that_is_claimed_while_its_run_is_cancelled_is_made(world, receiver):
	run = start(world, job(), step("later", trigger={"type": "manual"}))
	claimed = world.host.store.claim(world.host.now(), 5, claiming.lease(world.host), "a worker")
	(row,) = [row for row in claimed if row.purpose == SIDE_CALL]
	cancel(world, run)
	assert inbox.work(world.host, row) and receiver.urls == [OPEN]


def test_a_retry_of_the_step_leaves_what_it_had_promised(world, receiver):
	"""The step's own failure rolls its promises back; those that stand are of an attempt that was done."""
	run = start(world, step("hand", trigger={"type": "manual"}))
	with world.transaction():
		world.host.store.insert_pending(
			[Pending(run, "hand", SIDE_CALL, world.host.now(), context_snapshot={"request": {"url": OPEN}})]
		)
		runs.complete(world.host, run, "hand")
	world.drain()
	assert receiver.urls == [OPEN]


def test_a_call_of_a_cancelled_run_is_made_and_its_answer_kept(world, receiver):
	run = start(world, hook(), step("after", depends_on=["hook"]), step("lane", trigger={"type": "manual"}))
	cancel(world, run)
	kept = world.host.store.run(run)
	assert kept.status == "cancelled" and kept.step_state["hook"]["status"] == "running"
	assert {kept.step_state[id]["status"] for id in ("after", "lane")} == {"cancelled"}
	world.drain()
	kept = world.host.store.run(run)
	assert receiver.urls == [HOOK] and kept.status == "cancelled" and kept.completed_at
	assert kept.step_state["hook"]["status"] == "done"
	assert kept.step_state["hook"]["result"]["body"] == {"taken": True}
	assert {kept.step_state[id]["status"] for id in ("after", "lane")} == {"cancelled"}
	with pytest.raises(Conflict), world.transaction():
		runs.retry(world.host, run)


def test_a_run_that_is_cancelled_during_a_call_keeps_its_answer(world, receiver):
	run = start(world, hook(), step("after", depends_on=["hook"]))
	receiver.then = lambda: cancel(world, run)
	world.drain()
	kept = world.host.store.run(run)
	assert kept.status == "cancelled" and receiver.urls == [HOOK]
	assert (kept.step_state["hook"]["status"], kept.step_state["after"]["status"]) == ("done", "cancelled")
	assert not [row for row in rows(world, run) if row.status in ("pending", "running")]


def test_a_call_of_a_cancelled_run_is_tried_again_with_its_key(world, receiver):
	def refuse():
		if len(receiver.calls) < 3:
			raise StepFailed("nobody answers", transient=True)

	run = start(world, hook())
	cancel(world, run)
	receiver.then = refuse
	for _ in range(3):
		world.let_due(run)
		world.drain()
	kept = world.host.store.run(run)
	assert len(receiver.calls) == 3 and len({key for _, key in receiver.calls}) == 1
	assert (kept.status, kept.step_state["hook"]["status"]) == ("cancelled", "done")


def test_a_call_of_a_cancelled_run_that_fails_for_good_says_so(world, receiver):
	run = start(world, hook())
	cancel(world, run)
	receiver.status = 404
	world.drain()
	kept = world.host.store.run(run)
	assert (kept.status, kept.step_state["hook"]["status"]) == ("cancelled", "failed")
	assert "404" in kept.step_state["hook"]["error"] and "404" in kept.error
	((row),) = rows(world, run)
	assert row.status == "failed" and "404" in row.last_error


def test_a_call_that_no_worker_could_make_leaves_no_step_running(world, receiver):
	run = start(world, hook())
	cancel(world, run)

	def break_it():
		raise RuntimeError("out of order")

	receiver.then = break_it
	for _ in range(20):
		world.let_due(run)
		world.drain()
	kept = world.host.store.run(run)
	assert kept.status == "cancelled" and kept.step_state["hook"]["status"] == "failed"
	assert world.host.store.next_due() is None


def test_rows_of_earlier_versions_are_worked(world, receiver):
	run = start(world, step("a"))
	snapshot = {"request": {"method": "POST", "url": OPEN, "json": {}}, "beside": True}
	with world.transaction():
		world.host.store.insert_pending(
			[Pending(run, "a", CALL, world.host.now(), context_snapshot=snapshot, idempotency_key="k")]
		)
	world.drain()
	assert receiver.calls == [(OPEN, "k")]
	((row),) = rows(world, run)
	assert row.status == "completed"


@pytest.mark.parametrize("calling", [hook, job])
def test_what_a_call_sets_off_is_caused_by_its_run(world, receiver, calling):
	with world.transaction():
		flow = templates.create(
			world.host,
			{
				"template_name": f"Hears {uuid.uuid4().hex[:8]}",
				"is_active": 1,
				"trigger_event": EVENT,
				"flow_definition": {"steps": [step("a")]},
			},
		)
	receiver.then = lambda: listening.dispatch_event(world.host, EVENT)
	run = start(world, calling())
	world.drain()
	(caused,) = world.host.store.runs({"flow_template": flow["name"]})
	assert (caused.caused_by, caused.parent_run, caused.depth) == (run, "", 1)


def test_a_call_that_sets_its_own_flow_off_ends_at_the_limit(world, receiver):
	receiver.then = lambda: listening.dispatch_event(world.host, EVENT)
	run = start(world, hook(), is_active=1, trigger_event=EVENT)
	for _ in range(world.host.max_depth + 3):
		world.drain()
	flow = world.host.store.run(run).flow_template
	found = world.host.store.runs({"flow_template": flow}, limit=100)
	assert sorted(one.depth for one in found) == list(range(world.host.max_depth + 1))
