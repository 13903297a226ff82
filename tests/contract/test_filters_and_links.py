"""Expressions with filters, and paths that go on through Link fields, on whichever host."""

from __future__ import annotations

import uuid

import pytest

from flow_editor.engine.errors import Invalid
from flow_editor.services import compose, listening, starting, templates


def update(subject, **more):
	return {
		"id": "set",
		"kind": "erp_update",
		"payload": {"doctype": "Issue", "fields_json": {"subject": subject, **more}},
	}


def create(world, *steps, **values) -> dict:
	return templates.create(
		world.host,
		{
			"template_name": f"Expressions {uuid.uuid4().hex[:8]}",
			"flow_definition": {"steps": list(steps)},
			**values,
		},
	)


@pytest.fixture
def issue(world) -> str:
	with world.transaction():
		return world.issue(world.customer(), opening_date="2026-01-31", subject="No signal")


def done(world, issue, *steps):
	"""The issue and the entry of its step, once that is through."""
	with world.transaction():
		template = create(world, *steps)
		run = starting.start(world.host, template["name"], doctype="Issue", docname=issue).run
		return world.host.documents.get("Issue", issue), run.step_state["set"]


def test_a_path_goes_on_in_the_document_that_a_link_field_names(world, issue):
	doc, entry = done(world, issue, update("For {{doc.customer.customer_name}} ({{doc.customer.nothing}})"))
	customer = world.host.documents.get("Customer", doc["customer"])
	assert doc["subject"] == f"For {customer['customer_name']} ()" and "warnings" not in entry


def test_filters_make_the_value_and_keep_its_type(world, issue):
	step = update(
		"{{doc.subject | upper}} {{ '{{' }} {{doc.nothing | default: 'n/a'}}",
		opening_date="{{doc.opening_date | add: '1 month'}}",
	)
	doc, _ = done(world, issue, step)
	assert doc["subject"] == "NO SIGNAL {{ n/a" and doc["opening_date"].isoformat() == "2026-02-28"


def test_working_days_are_those_of_the_company(world, issue):
	doc, _ = done(world, issue, update("{{'2026-12-04' | add: '1 working day'}}"))
	off = world.host.days_off("", *(2 * (doc["opening_date"].replace(year=2026, month=12, day=5),)))
	assert doc["subject"] == ("2026-12-07" if off else "2026-12-05")


def test_what_a_filter_cannot_take_is_empty_and_stands_in_the_run(world, issue):
	doc, entry = done(world, issue, update("[{{doc.subject | round: 2}}{{doc.subject | times: 2}}]"))
	assert doc["subject"] == "[]" and entry["status"] == "done"
	assert entry["warnings"] == [
		"“No signal” is no number, so {{doc.subject | round: 2}} is empty. (round)",
		"“No signal” is no number, so {{doc.subject | times: 2}} is empty. (times)",
	]


def test_warnings_are_of_the_step_alone(world, issue):
	quiet = {**update("{{doc.subject}}!"), "id": "quiet", "depends_on": ["set"]}
	with world.transaction():
		template = create(world, update("x{{doc.subject | round}}"), quiet)
		run = starting.start(world.host, template["name"], doctype="Issue", docname=issue).run
	assert run.step_state["set"]["warnings"] and "warnings" not in run.step_state["quiet"]


@pytest.mark.parametrize(
	("subject", "words"),
	[
		("{{doc.subject | shout}}", "There is no filter “shout”"),
		("{{doc.subject | truncate: 'x'}}", "takes length, and “x” is no number"),
		("{{doc.subject | }}", "ends too early"),
	],
)
def test_an_unknown_filter_and_a_wrong_argument_are_problems(world, subject, words):
	with world.transaction(), pytest.raises(Invalid) as refused:
		create(world, update(subject))
	(problem,) = refused.value.problems
	assert (problem.step, problem.field) == ("set", "payload.fields_json") and words in problem.message
	when = {
		"id": "w",
		"kind": "wait",
		"trigger": {"type": "on_date", "at": "{{doc.opening_date | ad: '1 day'}}"},
	}
	(problem,) = templates.check(world.host, {"steps": [when]})[0]
	assert (problem.step, problem.field) == (
		"w",
		"trigger.at",
	) and "There is no filter “ad”" in problem.message


def test_a_path_through_a_link_that_leads_nowhere_is_a_warning(world):
	body = "{{doc.customer.custmer_name}} {{doc.customer.territory}} {{doc.subject | default: doc.nowhere}}"
	step = {
		"id": "m",
		"kind": "notify",
		"payload": {"channel": "email", "to": "a@b.c", "subject": "s", "body": body},
	}
	definition = {"trigger": {"event": "on_issue_opened"}, "steps": [step]}
	problems, warnings = templates.check(world.host, definition)
	assert problems == []
	assert [(one.step, one.field) for one in warnings] == [("m", "payload.body")] * 2
	assert "Customer has no field “custmer_name”. Did you mean “customer_name”?" in warnings[0].message
	assert "{{doc.nowhere}} leads nowhere" in warnings[1].message


def test_a_preview_reads_them_too_and_says_what_was_empty(world, issue):
	payload = {"subject": "{{doc.customer.customer_name | upper}} {{doc.subject | round}}"}
	with world.transaction():
		rendered, problems = compose.preview(world.host, "issue", payload, doctype="Issue", docname=issue)
		customer = world.host.documents.get("Issue", issue)["customer"]
		name = world.host.documents.get("Customer", customer)["customer_name"]
	assert rendered["subject"].strip() == name.upper()
	(problem,) = problems
	assert problem.field == "subject" and "is no number" in problem.message


def test_within_a_save_a_worker_reads_linked_documents(world, issue):
	ask = {
		"id": "ask",
		"kind": "condition",
		"payload": {
			"field": "doc.customer",
			"op": "!=",
			"value": "{{doc.customer.customer_name | default: 'x'}}",
		},
	}
	with world.transaction():
		template = create(world, ask, is_active=1, trigger_event="on_issue_opened")
	with world.transaction():
		results = listening.dispatch_event(world.host, "on_issue_opened", doctype="Issue", docname=issue)
		(run,) = [one["run"] for one in results if one["template"] == template["name"]]
		assert world.host.store.run(run).step_state.get("ask", {}).get("status") in (None, "pending")
	world.drain()
	with world.transaction():
		entry = world.host.store.run(run).step_state["ask"]
	assert entry["status"] == "done" and entry["result"]["branch"] in ("yes", "no")
