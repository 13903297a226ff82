"""The shipped flows, from a real document to their end."""

from __future__ import annotations

import json
from datetime import timedelta

import frappe
import pytest
import records as r
from frappe.utils import add_days, add_months, get_datetime, now_datetime, nowdate

from flow_editor.services import portable, runs, starting


def mails(about=None) -> list:
	filters = {"reference_name": about.name} if about else {}
	return frappe.get_all("Email Queue", filters=filters, fields=["name", "message"], order_by="creation")


def recipients(queued) -> list[str]:
	return frappe.get_all("Email Queue Recipient", filters={"parent": queued.name}, pluck="recipient")


def test_an_accepted_quotation_is_followed_up_three_times(site):
	flow = r.seeded("quotation_follow_up")
	quoted = r.quotation(r.customer())
	quoted.submit()
	before = now_datetime()
	r.order_from(quoted)
	(run,) = r.runs(flow)
	r.drain()
	waiting = r.rows(run, status="pending")
	assert [row.step_id for row in waiting] == ["day_3", "day_7", "day_14"]
	for row, days in zip(waiting, (3, 7, 14), strict=True):
		assert timedelta(0) <= row.trigger_at - (before + timedelta(days=days)) < timedelta(minutes=2)
		assert json.loads(row.context_snapshot)["kind"] == "notify"
	assert r.statuses(run) == dict.fromkeys(("day_3", "day_7", "day_14"), "scheduled")
	for sent, step in enumerate(("day_3", "day_7", "day_14"), 1):
		r.make_due(run, step_id=step)
		r.drain()
		r.drain()
		assert len(mails(quoted)) == sent
		assert r.statuses(run)[step] == "done"
	assert all(recipients(mail) == ["buyer@example.com"] for mail in mails(quoted))
	run.reload()
	assert run.status == "completed" and run.completed_at
	assert [row.status for row in r.rows(run)] == ["completed"] * 3
	assert all(row.executed_at for row in r.rows(run))


def test_a_signed_contract_is_onboarded_whatever_happens_to_the_flow_meanwhile(site):
	flow = r.seeded("residential_onboarding")
	party = r.customer()
	subscription = r.subscription(
		party, trial_period_start=nowdate(), trial_period_end=add_days(nowdate(), 10)
	)
	assert subscription.status == r.on_trial()
	contract = r.contract(party)
	contract.is_signed = 1
	contract.save()
	r.drain()
	(run,) = r.runs(flow)
	states = r.state(run)
	job = frappe.get_doc("Dispatch Job", states["install"]["result"]["job"])
	assert (job.customer, job.status, job.job_type) == (party.name, "Open", "Installation")
	(welcome,) = mails(contract)
	assert recipients(welcome) == ["ana@example.com"]
	# Nobody pays before the technician has been.
	assert frappe.db.get_value("Subscription", subscription.name, "status") == r.on_trial()
	assert states["installed"]["waiting"]
	installed = now_datetime()
	runs.complete(site, run.name, "installed")
	r.drain()
	assert frappe.db.get_value("Subscription", subscription.name, "status") == "Active"
	assert r.statuses(run)["set_up_billing"] == "skipped"
	survey, renewal = r.rows(run, status="pending")
	assert (survey.step_id, renewal.step_id) == ("survey", "renewal")
	started = get_datetime(run.started_at)
	assert abs(survey.trigger_at - installed - timedelta(hours=24)) < timedelta(minutes=2)
	assert abs(renewal.trigger_at - add_months(started, 11)) < timedelta(hours=2)

	definition = json.loads(flow.flow_definition)
	kept = flow.flow_definition
	definition["steps"] = [step for step in definition["steps"] if step["id"] != "survey"]
	flow.flow_definition = json.dumps(definition)
	flow.save()
	try:
		r.make_due(run)
		r.drain()
		run.reload()
		assert run.template_version == flow.version - 1
		assert (run.status, r.statuses(run)["survey"], r.statuses(run)["renewal"]) == (
			"completed",
			"done",
			"done",
		)
		assert len(mails(contract)) == 3
	finally:
		flow.reload()
		flow.flow_definition = kept
		flow.save()
		frappe.db.commit()


def test_a_customer_without_a_subscription_fails_nothing_and_gives_the_back_office_a_job(site):
	party = r.customer()
	contract = r.contract(party)
	contract.is_signed = 1
	contract.save()
	r.drain()
	(run,) = r.runs(r.seeded("residential_onboarding"))
	runs.complete(site, run.name, "installed")
	r.drain()
	job = frappe.get_doc("Dispatch Job", r.state(run)["set_up_billing"]["result"]["job"])
	assert (job.job_type, job.assigned_group, job.customer) == ("Billing", "Back office", party.name)
	assert "has no subscription" in r.state(run)["activate"]["error"]
	for _ in range(3):
		r.make_due(run)
		r.drain()
	run.reload()
	assert run.status == "completed" and set(r.statuses(run).values()) == {"done"}


def test_a_contract_is_welcomed_once_also_if_it_is_amended_or_signed_again(site):
	contract = r.contract(r.customer())
	contract.submit()
	for is_signed in (1, 0, 1):
		contract.is_signed = is_signed
		contract.save()
		r.drain()
	flow = r.seeded("residential_onboarding")
	assert len(r.runs(flow)) == len(mails(contract)) == 1
	contract.cancel()
	amended = frappe.copy_doc(contract)
	amended.amended_from = contract.name
	amended.insert()
	amended.submit()
	r.drain()
	(run,) = r.runs(flow)
	assert (run.context_docname, run.status) == (contract.name, "cancelled")
	assert mails(amended) == []


def test_a_quotation_that_is_ordered_anew_is_followed_up_once(site):
	quoted = r.quotation(r.customer())
	quoted.submit()
	r.order_from(quoted).cancel()
	r.order_from(quoted)
	assert len(r.runs(r.seeded("quotation_follow_up"))) == 1


@pytest.mark.parametrize(
	("priority", "taken", "other"), [("High", "urgent_repair", "repair"), ("Low", "repair", "urgent_repair")]
)
def test_an_issue_is_triaged(site, priority, taken, other):
	opened = r.issue(r.customer(), priority=priority)
	r.drain()
	(run,) = r.runs(r.seeded("repair_service"))
	assert run.status == "completed"
	assert r.statuses(run)[taken] == "done" and r.statuses(run)[other] == "skipped"
	job = frappe.get_doc("Dispatch Job", r.state(run)[taken]["result"]["job"])
	assert (job.subject, job.job_type, job.reference_name) == ("No signal", "Repair", opened.name)
	assert len(mails(opened)) == 1


def test_a_repair_is_planned_whatever_length_the_subject_has(site):
	opened = r.issue(r.customer(), subject="x" * 140)
	r.drain()
	(run,) = r.runs(r.seeded("repair_service"))
	assert run.status == "completed"
	job = frappe.get_doc("Dispatch Job", r.state(run)["repair"]["result"]["job"])
	assert job.subject == opened.subject
	assert (job.reference_doctype, job.reference_name) == ("Issue", opened.name)


@pytest.mark.parametrize("name", ["fiber_install", "phone_service", "move_service"])
def test_a_flow_that_is_started_by_hand_runs_to_its_end(site, name):
	party = r.customer()
	r.subscription(party)
	given = {"move_service": {"new_address": "5 Rue Neuve"}, "phone_service": {"number": "+15145550123"}}.get(
		name, {}
	)
	moved = starting.start(site, r.seeded(name).name, doctype="Customer", docname=party.name, variables=given)
	for _ in range(6):
		waiting = [step for step, entry in r.state(moved.run.name).items() if entry.get("waiting")]
		for step in waiting:
			runs.complete(site, moved.run.name, step)
		r.make_due(moved.run.name)
		r.drain()
	assert frappe.db.get_value("Flow Run", moved.run.name, "status") == "completed"
	assert set(r.statuses(moved.run.name).values()) - {"skipped"} == {"done"}
	assert frappe.db.count("Email Queue", {"reference_name": party.name}) >= 2


@pytest.mark.parametrize(("name", "done"), [("fiber_install", "installed"), ("phone_service", "line_on")])
def test_nobody_s_installation_fails_for_want_of_a_subscription(site, name, done):
	party = r.customer()
	moved = starting.start(site, r.seeded(name).name, doctype="Customer", docname=party.name)
	r.drain()
	runs.complete(site, moved.run.name, done)
	for _ in range(3):
		r.make_due(moved.run.name)
		r.drain()
	states = r.state(moved.run.name)
	job = frappe.get_doc("Dispatch Job", states["set_up_billing"]["result"]["job"])
	assert (job.job_type, job.assigned_group, job.customer) == ("Billing", "Back office", party.name)
	assert "has no subscription" in states["activate"]["error"]
	assert frappe.db.get_value("Flow Run", moved.run.name, "status") == "completed"
	assert set(r.statuses(moved.run.name).values()) - {"skipped"} == {"done"}


def test_seeding_again_changes_nothing_and_brings_back_what_is_missing(site):
	assert portable.seed(site) == []
	flow = r.seeded("phone_service")
	flow.description = "Ours"
	flow.save()
	assert portable.seed(site) == []
	assert frappe.db.get_value("Flow Template", flow.name, "description") == "Ours"
	frappe.db.delete("Flow Template", {"name": flow.name})
	(brought_back,) = portable.seed(site)
	again = frappe.get_doc("Flow Template", brought_back)
	assert (again.template_name, again.is_system, again.version) == ("phone_service", 1, 1)
	assert not again.is_active  # somebody looks at it first
