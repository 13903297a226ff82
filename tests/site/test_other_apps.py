"""Another app's kinds and events, through the hooks."""

from __future__ import annotations

import frappe
import pytest
import records as r
from flow_test_app import flows

from flow_editor import api
from flow_editor.services import runs, starting


def test_its_kind_is_in_the_catalog_validated_and_run(other_app):
	entry = next(kind for kind in api.catalog()["kinds"] if kind["name"] == "greet")
	assert entry["catalog"] == "greetings" and entry["fields"][0]["required"]
	with pytest.raises(frappe.ValidationError, match="Whom is empty"):
		r.template(r.step("a", "greet"))
	party = r.customer()
	flow = r.template(r.step("a", "greet", payload={"whom": "{{doc.customer_name}}"}))
	run = starting.start(other_app, flow.name, doctype="Customer", docname=party.name).run
	assert r.state(run.name)["a"]["result"] == {"greeted": party.customer_name}
	assert frappe.db.exists(
		"Comment", {"reference_name": party.name, "content": f"Hello {party.customer_name}"}
	)


def test_its_events_start_flows_and_a_known_event_gains_a_source(other_app):
	flow = r.template(r.step("a"), event="on_todo_closed")
	todo = r.make("ToDo", description="x")
	todo.status = "Closed"
	todo.save()
	assert len(r.runs(flow)) == 1
	created = r.template(r.step("a"), event="on_customer_created")
	r.make("Lead", first_name=r.unique("Lead"))
	r.customer()
	assert len(r.runs(created)) == 2


def test_an_unforeseen_error_is_tried_again_and_leaves_nothing_behind(other_app):
	flow = r.template(r.step("a", "flaky", payload={"times": 2}))
	run = starting.start(other_app, flow.name).run
	for attempt in (1, 2):
		assert r.state(run.name)["a"]["attempts"] == attempt
		assert r.statuses(run.name) == {"a": "scheduled"}
		(row,) = r.rows(run.name, status="pending")
		assert row.retry_count == attempt and "surroundings" in row.last_error
		r.make_due(run.name)
		r.drain()
	assert r.state(run.name)["a"]["result"] == {"tries": 3}
	assert frappe.db.count("ToDo", {"description": f"flaky {run.name}"}) == 1
	assert frappe.db.get_value("Flow Run", run.name, "status") == "completed"


def test_five_times_then_failed(other_app):
	flow = r.template(
		r.step("a", "flaky", payload={"times": 99}, trigger={"type": "after_delay", "delay_hours": 1})
	)
	run = starting.start(other_app, flow.name).run
	waits = []
	for _ in range(5):
		r.make_due(run.name)
		before = frappe.utils.now_datetime()
		r.drain()
		(row,) = r.rows(run.name)
		waits.append((row.trigger_at - before).total_seconds() / 60)
	assert [round(wait) for wait in waits[:4]] == [1, 4, 16, 64]
	assert (row.status, row.retry_count) == ("failed", 5) and "surroundings" in row.last_error
	assert r.statuses(run.name) == {"a": "failed"} and r.state(run.name)["a"]["attempts"] == 5
	assert frappe.db.count("ToDo", {"description": f"flaky {run.name}"}) == 0

	# As the guide has it: an admin sets the row back, and it is tried again.
	doc = frappe.get_doc("Flow Step Pending", row.name)
	doc.status, doc.retry_count = "pending", 0
	doc.save()
	flows.Flaky.tries = 100
	r.drain()
	assert r.statuses(run.name) == {"a": "done"}
	assert frappe.db.get_value("Flow Run", run.name, "status") == "completed"


def test_a_refusal_is_final_and_its_effects_undone(other_app):
	flow = r.template(
		r.step("a", "flaky", payload={"times": 9, "how": "for good"}),
		r.step("after", depends_on=["a"]),
		r.step("lane"),
	)
	run = starting.start(other_app, flow.name).run
	assert r.statuses(run.name) == {"a": "failed", "after": "pending", "lane": "done"}
	assert frappe.db.get_value("Flow Run", run.name, ["status", "error"]) == (
		"failed",
		"a: It cannot be done.",
	)
	assert frappe.db.count("ToDo", {"description": f"flaky {run.name}"}) == 0
	flows.Flaky.tries = 100
	runs.retry(other_app, run.name)
	assert r.statuses(run.name) == {"a": "done", "after": "done", "lane": "done"}
	assert frappe.db.get_value("Flow Run", run.name, ["status", "error"]) == ("completed", None)


def test_a_failure_that_the_step_handles_lets_the_run_go_on(other_app):
	flow = r.template(
		r.step("a", "flaky", payload={"times": 9, "how": "for good"}, on_error="continue"),
		r.step("after", depends_on=["a"]),
	)
	run = starting.start(other_app, flow.name).run
	assert r.statuses(run.name) == {"a": "done", "after": "done"}
	assert "cannot" in r.state(run.name)["a"]["error"]
