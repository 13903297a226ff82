"""What a start does by itself, in the transaction that set it off, and what it leaves to a worker."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from flow_editor.services import head, listening, runs, templates

EVENT = "on_customer_created"


def step(id: str, kind: str = "wait", **more) -> dict:
	return {"id": id, "kind": kind, "trigger": {"type": "on_prev_complete"}, "payload": {}, **more}


def ask(field: str, value: object, **more) -> dict:
	return step("ask", "condition", payload={"field": field, "op": "==", "value": value}, **more)


def hears(world, *steps: dict, **values) -> str:
	with world.transaction():
		fields = {
			"template_name": f"Head {uuid.uuid4().hex[:8]}",
			"is_active": 1,
			"trigger_event": EVENT,
			"flow_definition": {"steps": list(steps)},
			**values,
		}
		return templates.create(world.host, fields)["name"]


def raised(world, flow: str, **about) -> str:
	"""The run that an event starts."""
	with world.transaction():
		(outcome,) = [
			outcome
			for outcome in listening.dispatch_event(world.host, EVENT, **about)
			if outcome["template"] == flow
		]
	assert "run" in outcome, outcome
	return outcome["run"]


def statuses(world, run: str) -> dict[str, str]:
	return {id: entry["status"] for id, entry in world.host.store.run(run).step_state.items()}


def rows(world, run: str) -> list[tuple[str, str]]:
	return [(row.purpose, row.status) for row in world.host.store.pending({"flow_run": run})]


def test_steps_that_need_nothing_are_done_as_the_run_is_stored(world):
	flow = hears(
		world, step("a"), ask("variables.n", 1, depends_on=["a"]),
		step("yes", parent_id="ask", branch="yes"), step("no", parent_id="ask", branch="no"),
	)  # fmt: skip
	run = raised(world, flow, variables={"n": 1})
	assert statuses(world, run) == {"a": "done", "ask": "done", "yes": "done", "no": "skipped"}
	stored = world.host.store.run(run)
	assert stored.status == "completed" and stored.completed_at
	assert [entry["attempts"] for entry in stored.step_state.values() if "attempts" in entry] == [1, 1, 1]
	assert rows(world, run) == []


def test_they_are_undone_with_the_transaction(world):
	flow = hears(world, step("a"), step("b", trigger={"type": "after_delay", "delay_days": 1}))
	before = len(world.host.store.pending({}, limit=1000))
	with pytest.raises(ZeroDivisionError), world.transaction():
		assert [
			outcome for outcome in listening.dispatch_event(world.host, EVENT) if outcome["template"] == flow
		]
		raise ZeroDivisionError
	assert world.host.store.runs({"flow_template": flow}) == []
	assert len(world.host.store.pending({}, limit=1000)) == before


def test_a_delay_is_scheduled_at_once_and_fires_in_its_time(world):
	flow = hears(
		world, step("a"), step("b", depends_on=["a"], trigger={"type": "after_delay", "delay_days": 3})
	)
	before = world.host.now()
	run = raised(world, flow)
	((row),) = world.host.store.pending({"flow_run": run})
	assert (row.purpose, row.step_id, row.status) == ("fire", "b", "pending")
	assert timedelta() <= row.trigger_at - before - timedelta(days=3) < timedelta(minutes=1)
	world.drain()
	assert statuses(world, run) == {"a": "done", "b": "scheduled"}
	world.let_due(run)
	world.drain()
	assert world.host.store.run(run).status == "completed"


def test_a_step_for_somebody_waits_with_a_row_that_is_never_due(world):
	run = raised(world, hears(world, step("a", trigger={"type": "manual"})))
	(row,) = world.host.store.pending({"flow_run": run})
	assert (row.purpose, row.step_id, row.trigger_at, row.status) == ("wait", "a", None, "pending")
	assert world.host.store.run(run).status == "running"
	with world.transaction():
		runs.complete(world.host, run, "a", {"by": "Ana"})
	stored = world.host.store.run(run)
	assert stored.status == "completed" and stored.step_state["a"]["result"] == {"by": "Ana"}
	assert [row.status for row in world.host.store.pending({"flow_run": run})] == ["cancelled"]


def test_the_document_that_set_it_off_is_at_hand(world):
	issue = world.issue(world.customer(), priority="High")
	flow = hears(world, ask("doc.subject", "No signal"), step("yes", parent_id="ask", branch="yes"))
	run = raised(world, flow, doctype="Issue", docname=issue)
	assert statuses(world, run) == {"ask": "done", "yes": "done"} and rows(world, run) == []


def test_a_step_that_reads_another_document_is_left_to_a_worker_with_what_follows(world):
	customer = world.customer()
	issue = world.issue(customer)
	flow = hears(world, ask("customer.name", customer), step("yes", parent_id="ask", branch="yes"))
	run = raised(world, flow, doctype="Issue", docname=issue)
	assert rows(world, run) == [("start", "pending")] and world.host.store.run(run).step_state == {}
	world.drain()
	assert statuses(world, run) == {"ask": "done", "yes": "done"}
	assert rows(world, run) == [("start", "completed")]


def test_what_is_left_begins_where_the_head_ended(world):
	customer = world.customer()
	mail = {"channel": "email", "to": "ana@example.com", "subject": "x", "body": "x"}
	flow = hears(
		world, step("a"), step("mail", "notify", depends_on=["a"], payload=mail), step("b", depends_on=["mail"]),
		step("later", trigger={"type": "after_delay", "delay_days": 1}), step("beside", depends_on=["a"]),
	)  # fmt: skip
	sent = world.mails_sent()
	run = raised(world, flow, doctype="Customer", docname=customer)
	assert statuses(world, run) == {
		"a": "done", "mail": "pending", "b": "pending", "later": "scheduled", "beside": "done",
	}  # fmt: skip
	assert sorted(rows(world, run)) == [("advance", "pending"), ("fire", "pending")]
	assert world.mails_sent() == sent
	world.drain()
	assert statuses(world, run) == {
		"a": "done", "mail": "done", "b": "done", "later": "scheduled", "beside": "done",
	}  # fmt: skip
	assert world.mails_sent() == sent + 1
	assert world.host.store.run(run).step_state["a"]["attempts"] == 1


@pytest.mark.parametrize(
	"path, value", [("run.depth", "0"), ("template.version", "1"), ("customer.name", "")]
)
def test_what_is_not_known_before_the_run_is_stored_is_looked_up_by_a_worker(world, path, value):
	run = raised(world, hears(world, ask(path, value), step("yes", parent_id="ask", branch="yes")))
	assert rows(world, run) == [("start", "pending")]
	world.drain()
	assert statuses(world, run) == {"ask": "done", "yes": "done"}


@pytest.mark.parametrize("at", ["{{customer.name}}", "{{variables.nonsense}}"])
def test_a_date_that_cannot_be_told_yet_is_left_to_a_worker(world, at):
	issue = world.issue(world.customer())
	flow = hears(world, step("a", trigger={"type": "on_date", "at": at}))
	run = raised(world, flow, doctype="Issue", docname=issue, variables={"nonsense": "soon"})
	assert rows(world, run) == [("start", "pending")]
	world.drain()
	assert statuses(world, run) == {"a": "failed"}


def test_a_date_of_the_document_is_told_at_once(world):
	issue = world.issue(world.customer(), opening_date="2026-01-05")
	flow = hears(world, step("a", trigger={"type": "on_date", "at": "{{doc.opening_date}}"}))
	run = raised(world, flow, doctype="Issue", docname=issue)
	assert statuses(world, run) == {"a": "done"}


def test_a_past_date_is_skipped_at_once_and_one_that_is_to_fail_is_left_to_a_worker(world):
	past = {"type": "on_date", "at": "2026-01-05"}
	flow = hears(
		world,
		step("a", trigger={**past, "if_past": "skip"}),
		step("below", parent_id="a"),
		step("b", depends_on=["a"]),
	)
	run = raised(world, flow)
	assert statuses(world, run) == {"a": "skipped", "below": "skipped", "b": "skipped"}
	assert world.host.store.run(run).status == "completed" and rows(world, run) == []
	run = raised(world, hears(world, step("a", trigger={**past, "if_past": "fail"})))
	assert rows(world, run) == [("start", "pending")]
	world.drain()
	assert "2026-01-05" in world.host.store.run(run).error


def test_working_days_are_left_to_a_worker_who_may_ask_for_the_holiday_list(world):
	flow = hears(world, step("a", trigger={"type": "after_delay", "delay_working_days": 3}))
	run = raised(world, flow)
	assert rows(world, run) == [("start", "pending")]
	world.drain()
	assert statuses(world, run) == {"a": "scheduled"}
	assert rows(world, run)[-1] == ("fire", "pending")


def test_an_error_in_the_head_is_told_by_the_worker(world, monkeypatch):
	flow = hears(world, step("a"), step("b", depends_on=["a"]))
	kind = type(world.host.catalog["wait"])
	monkeypatch.setattr(kind, "run", lambda self, step, ctx: open("/no/such") if step.id == "b" else {})
	run = raised(world, flow)
	assert statuses(world, run) == {"a": "done", "b": "pending"}
	world.drain()
	state = world.host.store.run(run).step_state["b"]
	assert (state["status"], state["attempts"]) == ("scheduled", 1) and "FileNotFoundError" in state["error"]


def test_a_large_flow_is_left_to_a_worker_as_a_whole(world):
	flow = hears(world, *(step(f"s{number}") for number in range(head.MOST_STEPS + 1)))
	run = raised(world, flow)
	assert rows(world, run) == [("start", "pending")]
	world.drain()
	assert world.host.store.run(run).status == "completed"


def test_a_run_that_ends_at_once_keeps_the_rule_of_one_at_a_time(world):
	customer = world.customer()
	about = {"doctype": "Customer", "docname": customer}
	flow = hears(
		world,
		ask("variables.wait", 1),
		step("yes", parent_id="ask", branch="yes", trigger={"type": "manual"}),
		re_entry="Not while one runs",
	)
	for _ in range(2):
		assert world.host.store.run(raised(world, flow, **about)).status == "completed"
	run = raised(world, flow, variables={"wait": 1}, **about)
	assert world.host.store.run(run).status == "running"
	with world.transaction():
		(outcome,) = [
			o for o in listening.dispatch_event(world.host, EVENT, **about) if o["template"] == flow
		]
	assert "while it is running" in outcome["skipped"]
	with world.transaction():
		runs.complete(world.host, run, "yes")
	raised(world, flow, **about)
