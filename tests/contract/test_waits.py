"""Steps that wait after they have acted: for a time, a document or an answer; and what earlier versions left waiting."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from flow_editor.engine.errors import Conflict, StepFailed
from flow_editor.engine.kind import Kind
from flow_editor.engine.records import FIRE, SIDE_CALL, WAIT, Pending
from flow_editor.engine.waiting import LOOK_AGAIN, SETTLES, Wait, Watch
from flow_editor.services import claiming, inbox, looking, runs, starting, templates

IS_CLOSED = {"==": [{"var": "doc.status"}, "Closed"]}


class Asks(Kind):
	"""Makes a ToDo, and waits for what its test says; every resumption is noted."""

	name = "asks"
	label = "Asks"
	effect = "documents"
	watches = ("Issue",)
	branches = (("met", "Met"), ("timed_out", "Timed out"))

	def __init__(self, wait, resumed=None):
		self.wait, self.resumed, self.ended, self.ran = wait, resumed, [], 0

	def run(self, step, ctx):
		self.ran += 1
		todo = ctx.documents.create("ToDo", {"description": "Look at it"})
		return self.wait(ctx, todo)

	def resume(self, step, ctx, ended):
		self.ended.append(ended)
		if self.resumed is not None:
			return self.resumed(ctx, ended)
		return {"branch": "timed_out" if ended.by == "time" else "met", "todo": ended.keep}


@pytest.fixture
def ask(world):
	"""Puts the kind into the catalog."""

	def put(wait, resumed=None) -> Asks:
		world.host.catalog.add(kind := Asks(wait, resumed))
		return kind

	yield put
	world.host.catalog._kinds.pop(Asks.name, None)
	world.host.catalog.__dict__.pop("watched", None)


def step(id: str, kind: str = "wait", **fields):
	return {"id": id, "kind": kind, "payload": {}, **fields}


BRANCHES = (step("m", parent_id="a", branch="met"), step("t", parent_id="a", branch="timed_out"))


def start(world, *steps, doctype="", docname="") -> str:
	name = f"Waits {uuid.uuid4().hex[:8]}"
	with world.transaction():
		template = templates.create(
			world.host, {"template_name": name, "flow_definition": {"steps": list(steps)}}
		)
	with world.transaction():
		return starting.start(world.host, template["name"], doctype=doctype, docname=docname).run.name


def entry(world, run: str, step_id: str = "a"):
	return world.host.store.run(run).step_state[step_id]


def statuses(world, run: str) -> dict[str, str]:
	return {step_id: one["status"] for step_id, one in looking.get(world.host, run)["step_state"].items()}


def rows(world, run: str, **filters) -> list[Pending]:
	return world.host.store.pending({"flow_run": run, **filters})


def in_hours(hours: float):
	return lambda ctx, keep: Wait(until=ctx.now.replace(microsecond=0) + timedelta(hours=hours), keep=keep)


def for_answer(ctx, keep):
	return Wait(answer=True, keep=keep)


def closing(issue: str, hours: float | None = None):
	def wait(ctx, keep):
		until = ctx.now.replace(microsecond=0) + timedelta(hours=hours) if hours else None
		return Wait(until=until, watch=Watch("Issue", issue, IS_CLOSED), keep=keep)

	return wait


def update(world, issue: str, **values) -> None:
	with world.transaction():
		world.host.documents.update("Issue", issue, values)


# A time


def test_it_acts_once_and_goes_on_when_its_time_comes(world, ask):
	kind = ask(in_hours(2))
	run = start(world, step("a", "asks"), *BRANCHES)
	assert kind.ran == 1 and entry(world, run)["status"] == "waiting"
	shown = looking.get(world.host, run)["step_state"]["a"]
	assert shown["status"] == "waiting" and shown["waits_for"] == {"until": shown["due_at"]}
	((row),) = rows(world, run, status="pending")
	assert (row.purpose, str(row.trigger_at)[:19]) == (WAIT, shown["due_at"])
	world.drain()
	assert kind.ended == []
	world.let_due(run)
	if row.trigger_at > world.host.now():  # the site's clock does not move: the row alone was made due
		with world.transaction():
			stored = world.host.store.run(run)
			stored.step_state["a"]["wait"]["until"] = str(world.host.now() - timedelta(hours=1))
			world.host.store.save_run(stored)
	world.drain()
	assert kind.ran == 1 and [ended.by for ended in kind.ended] == ["time"]
	assert statuses(world, run) == {"a": "done", "m": "skipped", "t": "done"}
	done = looking.get(world.host, run)["step_state"]["a"]
	assert "waits_for" not in done and "due_at" not in done and done["result"]["todo"]
	assert world.host.store.run(run).status == "completed"


# A document


def test_a_document_is_looked_at_when_it_is_saved(world, ask):
	issue = world.issue(world.customer())
	kind = ask(closing(issue))
	run = start(world, step("a", "asks"), *BRANCHES)
	world.drain()
	((row),) = rows(world, run, status="pending")
	# Once more when all saves are over that had begun before it waited; after that, daily.
	assert SETTLES - timedelta(minutes=1) < row.trigger_at - world.host.now() <= SETTLES
	wait = Wait(watch=Watch("Issue", issue, IS_CLOSED))
	now = world.host.now()
	assert wait.next_look(now + SETTLES, now) == now + SETTLES + LOOK_AGAIN
	assert looking.get(world.host, run)["step_state"]["a"]["waits_for"] == {
		"document": {"doctype": "Issue", "docname": issue}
	}
	update(world, issue, priority="Low")
	world.drain()
	assert kind.ended == [] and entry(world, run)["status"] == "waiting"
	update(world, issue, status="Closed")
	world.drain()
	assert [ended.by for ended in kind.ended] == ["document"]
	assert statuses(world, run) == {"a": "done", "m": "done", "t": "skipped"}
	assert world.host.store.pending({"purpose": "saved"}) == []


def test_a_save_before_the_watch_was_there_is_not_missed(world, ask):
	issue = world.issue(world.customer())
	kind = ask(closing(issue))
	update(world, issue, status="Closed")
	run = start(world, step("a", "asks"))
	world.drain()
	assert len(kind.ended) == 1 and statuses(world, run) == {"a": "done"}


def test_a_change_that_nobody_tells_is_seen_the_day_after(world, ask):
	issue = world.issue(world.customer())
	kind = ask(closing(issue))
	run = start(world, step("a", "asks"))
	world.drain()
	update(world, issue, status="Closed")
	for row in world.host.store.pending({"purpose": "saved"}):  # as if it had been raw SQL
		with world.transaction():
			(claimed,) = world.host.store.claim(world.host.now(), 1, claiming.lease(world.host), "somebody")
			assert claimed.name == row.name and world.host.store.finish(
				claimed, "completed", world.host.now()
			)
	world.drain()
	assert kind.ended == []
	world.let_due(run)
	world.drain()
	assert len(kind.ended) == 1


def test_a_save_takes_the_look_from_a_worker_that_saw_the_document_before_it(world, ask):
	issue = world.issue(world.customer())
	kind = ask(closing(issue))
	start(world, step("a", "asks"))
	host = world.host
	claimed = host.store.claim(host.now(), 5, claiming.lease(host), "slow")
	update(world, issue, status="Closed")
	world.drain()
	assert len(kind.ended) == 1
	(look,) = [row for row in claimed if row.purpose == WAIT]
	with world.transaction():
		assert not host.store.postpone(look, host.now(), "")


def test_one_save_is_told_once(world, ask):
	issue = world.issue(world.customer())
	ask(closing(issue))
	with world.transaction():
		for priority in ("Low", "High", "Medium"):
			world.host.documents.update("Issue", issue, {"priority": priority})
	saved = world.host.store.pending({"purpose": "saved"})
	assert [(row.reference_doctype, row.reference_name, row.flow_run) for row in saved] == [
		("Issue", issue, "")
	]
	world.drain()


def test_a_save_of_what_nothing_waits_for_is_not_told(world):
	issue = world.issue(world.customer())
	update(world, issue, priority="Low")
	assert world.host.store.pending({"purpose": "saved"}) == []


def test_a_document_that_is_gone_fails_the_step(world, ask):
	with world.transaction():
		todo = world.host.documents.create("ToDo", {"description": "Look at it"})
	ask(lambda ctx, keep: Wait(watch=Watch("ToDo", todo, IS_CLOSED)))
	run = start(world, step("a", "asks"))
	world.drain()
	with world.transaction():
		world.delete("ToDo", todo)
	world.drain()
	failed = entry(world, run)
	assert failed["status"] == "failed" and todo in failed["error"]
	assert world.host.store.run(run).status == "failed"


# An answer


def test_an_answer_is_handed_to_the_kind(world, ask):
	kind = ask(for_answer)
	run = start(world, step("a", "asks"), *BRANCHES)
	((row),) = rows(world, run)
	assert (row.purpose, row.trigger_at, row.status) == (WAIT, None, "pending")
	with world.transaction():
		runs.complete(world.host, run, "a", {"said": "yes"})
	((ended),) = kind.ended
	assert ended.by == "answer" and ended.answer == {"said": "yes"} and ended.keep
	assert kind.ran == 1 and statuses(world, run) == {"a": "done", "m": "done", "t": "skipped"}
	assert [row.status for row in rows(world, run)] == ["cancelled"]
	with world.transaction():
		_, message = runs.complete(world.host, run, "a", {"said": "no"})
	assert "already done" in message and len(kind.ended) == 1


def test_an_answer_that_cannot_be_taken_now_is_not_lost(world, ask):
	tries = []

	def resumed(ctx, ended):
		tries.append(ended.answer)
		if len(tries) == 1:
			raise StepFailed("The line is busy.", transient=True)
		return {"branch": "met"}

	kind = ask(for_answer, resumed)
	run = start(world, step("a", "asks"), *BRANCHES)
	with world.transaction():
		runs.complete(world.host, run, "a", {"said": "yes"})
	assert entry(world, run)["status"] == "waiting" and "busy" in entry(world, run)["error"]
	world.let_due(run)
	world.drain()
	assert tries == [{"said": "yes"}] * 2 and kind.ran == 1
	assert statuses(world, run) == {"a": "done", "m": "done", "t": "skipped"}
	assert "error" not in entry(world, run)


def test_what_is_given_to_a_step_that_fails_is_given_to_it_again(world, ask):
	tries = []

	def once(ctx, keep):
		tries.append(keep)
		if len(tries) == 1:
			raise StepFailed("The line is busy.", transient=True)
		return {"todo": keep}

	ask(once)
	run = start(world, step("a", "asks", trigger={"type": "manual"}))
	with world.transaction():
		runs.complete(world.host, run, "a", {"by": "Ana"})
	assert entry(world, run)["status"] == "scheduled"
	world.let_due(run)
	world.drain()
	assert entry(world, run)["result"]["by"] == "Ana" and len(tries) == 2


def test_it_may_wait_more_than_once(world, ask):
	def resumed(ctx, ended):
		return {"branch": "met"} if ended.answer == "enough" else Wait(answer=True, keep="again")

	kind = ask(for_answer, resumed)
	run = start(world, step("a", "asks"), *BRANCHES)
	for answer in ("more", "more", "enough"):
		with world.transaction():
			runs.complete(world.host, run, "a", answer)
	assert [ended.keep for ended in kind.ended][1:] == ["again", "again"] and kind.ran == 1
	assert statuses(world, run)["a"] == "done"


def test_a_step_that_fails_as_it_goes_on_is_tried_anew_by_hand(world, ask):
	def resumed(ctx, ended):
		raise StepFailed("Nobody is there.")

	kind = ask(for_answer, resumed)
	run = start(world, step("a", "asks"))
	with world.transaction():
		runs.complete(world.host, run, "a", "yes")
	failed = entry(world, run)
	assert failed["status"] == "failed" and "wait" not in failed
	kind.resumed = lambda ctx, ended: {}
	with world.transaction():
		runs.retry(world.host, run, "a")
	assert kind.ran == 2 and entry(world, run)["status"] == "waiting"


# The end of the run


def test_a_run_that_is_cancelled_waits_for_nothing(world, ask):
	issue = world.issue(world.customer())
	kind = ask(closing(issue, hours=1))
	run = start(world, step("a", "asks"))
	world.drain()
	with world.transaction():
		runs.cancel(world.host, run)
	update(world, issue, status="Closed")
	world.drain()
	assert kind.ended == [] and statuses(world, run) == {"a": "cancelled"}
	assert {row.status for row in rows(world, run)} == {"cancelled"}
	with pytest.raises(Conflict), world.transaction():
		runs.complete(world.host, run, "a")


def test_a_run_that_ends_with_its_document_waits_for_nothing(world, ask):
	issue = world.issue(world.customer())
	kind = ask(for_answer)
	run = start(world, step("a", "asks"), doctype="Issue", docname=issue)
	with world.transaction():
		world.delete("Issue", issue)
	world.drain()
	assert world.host.store.run(run).status == "cancelled" and kind.ended == []
	assert {row.status for row in rows(world, run, purpose=WAIT)} == {"cancelled"}


# What earlier versions left waiting


def test_steps_that_wait_as_version_0_1_0_had_them_go_on(world):
	run = start(
		world,
		step("q", "condition", payload={"field": "variables.x", "op": "empty"}),
		step("yes", parent_id="q", branch="yes", trigger={"type": "manual"}),
		step("no", parent_id="q", branch="no"),
		step("late", trigger={"type": "after_delay", "delay_days": 3}),
	)
	with world.transaction():
		stored = world.host.store.run(run)
		stored.step_state = {
			"q": {"status": "done", "attempts": 1, "result": {"branch": "yes", "value": None}},
			"yes": {"status": "pending", "waiting": True, "ready_at": "2026-01-01 09:00:00"},
			"no": {"status": "skipped"},
			"late": {"status": "scheduled", "due_at": "2026-01-04 09:00:00"},
		}
		world.host.store.save_run(stored)
		world.host.store.cancel_pending(run, "yes")
	shown = looking.get(world.host, run)["step_state"]
	assert shown["yes"] == {"status": "pending", "waiting": True, "ready_at": "2026-01-01 09:00:00"}
	with world.transaction():
		runs.complete(world.host, run, "yes", {"by": "Ana"})
	assert statuses(world, run) == {"q": "done", "yes": "done", "no": "skipped", "late": "scheduled"}
	((late),) = rows(world, run, purpose=FIRE)
	assert late.status == "pending"
	world.let_due(run)
	world.drain()
	assert world.host.store.run(run).status == "completed"


def test_a_call_without_a_watch_is_made_whatever_wrote_it(world):
	calls = []

	class Http:
		def request(self, method, url, *, headers, body, timeout):
			from flow_editor.engine.ports import HttpResponse

			calls.append(url)
			return HttpResponse(200, {}, "{}")

	run = start(world, step("a"))
	http, world.host.http = world.host.http, Http()
	try:
		with world.transaction():
			snapshot = {"request": {"method": "POST", "url": "https://example.com/x", "json": {}}}
			world.host.store.insert_pending(
				[Pending(run, "a", SIDE_CALL, world.host.now(), context_snapshot=snapshot)]
			)
		inbox.drain(world.host)
	finally:
		world.host.http = http
	assert calls == ["https://example.com/x"]
