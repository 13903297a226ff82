"""Each trigger event by a real document of ERPNext, and nothing by any other."""

from __future__ import annotations

import frappe
import pytest
import records as r
from frappe.utils import add_days, nowdate

import flow_editor
from flow_editor.services import events

EVENTS = [event.name for event in events.EVENTS if event.sources]


@pytest.fixture
def listeners(site):
	"""One flow per event."""
	return {event: r.template(r.step("a"), event=event) for event in EVENTS}


def started(listeners) -> dict[str, int]:
	counts = {event: len(r.runs(template)) for event, template in listeners.items()}
	return {event: count for event, count in counts.items() if count}


def test_a_new_customer(listeners):
	made = r.customer()
	assert started(listeners) == {"on_customer_created": 1}
	(run,) = r.runs(listeners["on_customer_created"])
	assert (run.context_doctype, run.context_docname, run.customer) == ("Customer", made.name, made.name)
	made.customer_group = "Individual"
	made.save()
	assert started(listeners) == {"on_customer_created": 1}


def test_a_signed_contract(listeners):
	contract = r.contract(r.customer())
	assert "on_contract_signed" not in started(listeners)
	contract.is_signed = 1
	contract.save()
	contract.save()
	assert started(listeners)["on_contract_signed"] == 1


def test_a_contract_signed_in_the_moment_of_its_submission(listeners):
	contract = r.contract(r.customer())
	contract.is_signed = 1
	contract.submit()
	assert started(listeners)["on_contract_signed"] == 1


def test_a_contract_that_is_created_signed(listeners):
	r.contract(r.customer(), is_signed=1)
	assert started(listeners)["on_contract_signed"] == 1


def test_a_payment_that_is_received(listeners):
	paid = r.payment(r.customer())
	assert "on_payment_received" not in started(listeners)
	paid.submit()
	assert started(listeners)["on_payment_received"] == 1
	(run,) = r.runs(listeners["on_payment_received"])
	assert frappe.parse_json(run.variables)["amount"] == 75


def test_a_payment_that_is_made_starts_nothing(listeners):
	company = r.company()
	cash = frappe.db.get_value("Account", {"company": company, "account_type": "Cash", "is_group": 0})
	supplier = r.make("Supplier", supplier_name=r.unique("Supplier"), supplier_group="Services")
	paid = r.payment(
		supplier,
		payment_type="Pay",
		party_type="Supplier",
		paid_from=cash,
		paid_to=frappe.db.get_value("Company", company, "default_payable_account"),
	)
	paid.submit()
	assert "on_payment_received" not in started(listeners)


def test_a_subscription_that_becomes_active(listeners):
	party = r.customer()
	active = r.subscription(party)
	assert active.status == "Active"
	assert started(listeners)["on_subscription_active"] == 1
	trial = r.subscription(party, trial_period_start=nowdate(), trial_period_end=add_days(nowdate(), 10))
	assert trial.status == r.on_trial()
	assert started(listeners)["on_subscription_active"] == 1
	trial.status = "Active"
	trial.save()
	trial.save()
	assert started(listeners)["on_subscription_active"] == 2


def test_a_quotation_is_created_and_accepted_through_its_order(listeners):
	quoted = r.quotation(r.customer())
	assert started(listeners)["on_quotation_created"] == 1
	quoted.submit()
	assert "on_quotation_accepted" not in started(listeners)
	r.order_from(quoted)
	assert frappe.db.get_value("Quotation", quoted.name, "status") == "Ordered"
	assert started(listeners)["on_quotation_accepted"] == 1
	assert started(listeners)["on_quotation_created"] == 1


def test_an_issue_is_opened(listeners):
	opened = r.issue(r.customer())
	opened.status = "Closed"
	opened.save()
	assert started(listeners)["on_issue_opened"] == 1


def test_a_dispatch_job_is_completed(listeners):
	job = r.make("Dispatch Job", subject="Install", customer=r.customer().name)
	assert "on_dispatch_completed" not in started(listeners)
	job.status = "Completed"
	job.save()
	job.save()
	assert started(listeners)["on_dispatch_completed"] == 1
	cancelled = r.make("Dispatch Job", subject="Other")
	cancelled.status = "Cancelled"
	cancelled.save()
	assert started(listeners)["on_dispatch_completed"] == 1


def test_a_dispatch_job_is_completed_by_db_set(listeners):
	job = r.make("Dispatch Job", subject="Install")
	job.db_set("status", "Completed")
	assert started(listeners)["on_dispatch_completed"] == 1


def test_manual_is_started_by_no_document(site):
	manual = r.template(r.step("a"), event="manual")
	r.issue(r.customer())
	assert r.runs(manual) == []


def test_one_transition_seen_several_times_in_a_transaction_starts_once(listeners):
	quoted = r.quotation(r.customer())
	quoted.submit()
	for _ in range(3):
		# Each loads the quotation as it was before, as ERPNext's own status updaters do.
		again = frappe.get_doc("Quotation", quoted.name)
		again._doc_before_save = frappe.get_doc("Quotation", quoted.name)
		again.status = "Ordered"
		again.run_method("on_change")
	assert started(listeners)["on_quotation_accepted"] == 1


def test_the_same_transition_after_a_rolled_back_savepoint_does_start(listeners):
	frappe.db.savepoint("earlier")
	job = r.make("Dispatch Job", subject="Install", status="Completed")
	assert started(listeners)["on_dispatch_completed"] == 1
	frappe.db.rollback(save_point="earlier")
	assert "on_dispatch_completed" not in started(listeners)
	r.make("Dispatch Job", subject="Install", status="Completed")
	assert started(listeners)["on_dispatch_completed"] == 1
	assert job


def test_only_active_flows_whose_condition_holds_and_which_apply_start(site):
	def flow(**more):
		return r.template(r.step("a"), event="on_issue_opened", **more)

	plain = flow()
	off = flow()
	off.is_active = 0
	off.save()
	holds = flow(trigger_condition='{"==": [{"var": "doc.subject"}, "No signal"]}')
	fails = flow(trigger_condition='{"==": [{"var": "subject"}, "Something else"]}')
	of_customer = flow(trigger_condition='{"==": [{"var": "customer.customer_type"}, "Individual"]}')
	elsewhere = flow(applies_to="Quotation")
	here = flow(applies_to="Issue")
	r.issue(r.customer())
	assert [len(r.runs(t)) for t in (plain, off, holds, fails, of_customer, elsewhere, here)] == [
		1,
		0,
		1,
		0,
		1,
		0,
		1,
	]


def test_a_rolled_back_save_leaves_no_run(listeners):
	frappe.db.commit()
	r.issue()
	assert started(listeners)["on_issue_opened"] == 1
	frappe.db.rollback()
	assert started(listeners) == {}
	assert frappe.db.count("Flow Step Pending") == 0


def test_a_broken_flow_breaks_no_save_and_is_logged(listeners):
	broken = listeners["on_issue_opened"]
	good = r.template(r.step("a"), event="on_issue_opened")
	# As only somebody with the database's own tools can do it.
	frappe.db.set_value("Flow Template", broken.name, "trigger_condition", "{nonsense")
	opened = r.issue()
	assert frappe.db.exists("Issue", opened.name)
	assert not r.runs(broken) and len(r.runs(good)) == 1
	assert frappe.db.count("Error Log", {"method": ("like", f"%{broken.name}%")}) == 1
	assert not [m for m in frappe.local.message_log if "nonsense" in str(m)]


def test_nothing_starts_while_data_are_imported_or_the_site_migrates(listeners):
	for flag in ("in_import", "in_migrate", "in_patch"):
		frappe.flags[flag] = True
		try:
			r.issue()
		finally:
			frappe.flags[flag] = False
	assert started(listeners) == {}


def test_other_apps_dispatch_with_a_document_or_its_name(site):
	party = r.customer()
	flow = r.template(r.step("a"), event="on_contract_signed")
	invoice = r.quotation(party)
	(first,) = [
		x
		for x in flow_editor.dispatch_event("on_contract_signed", invoice, {"signed_at": "2026-11-01"})
		if x["template"] == flow.name
	]
	(second,) = [
		x
		for x in flow_editor.dispatch_event("on_contract_signed", ("Quotation", invoice.name))
		if x["template"] == flow.name
	]
	for answer in (first, second):
		assert frappe.db.get_value("Flow Run", answer["run"], "customer") == party.name
	assert frappe.parse_json(frappe.db.get_value("Flow Run", first["run"], "variables")) == {
		"signed_at": "2026-11-01"
	}
	with pytest.raises(ValueError, match="on_contract_signed"):
		flow_editor.dispatch_event("on_nothing", invoice)


def test_a_flow_that_sets_itself_off_is_stopped(site):
	frappe.db.set_single_value("Flow Settings", "max_depth", 3)
	frappe.clear_document_cache("Flow Settings", "Flow Settings")
	flow = r.template(
		r.step("again", "issue", payload={"subject": "{{doc.subject}} again"}), event="on_issue_opened"
	)
	seed = r.seeded("repair_service")
	frappe.db.set_value("Flow Template", seed.name, "is_active", 0)
	try:
		frappe.local.flow_editor_host = None
		r.issue(r.customer())
		r.drain()
		depths = sorted(run.depth for run in r.runs(flow))
		assert depths == [0, 1, 2, 3]
		assert frappe.db.count("Error Log", {"method": ("like", f"%{flow.name}%")}) == 1
	finally:
		frappe.db.set_single_value("Flow Settings", "max_depth", 5)
		frappe.db.set_value("Flow Template", seed.name, "is_active", 1)
		frappe.clear_document_cache("Flow Settings", "Flow Settings")
		frappe.db.commit()


def test_re_entry(site):
	once = r.template(r.step("a"), event="on_issue_opened", re_entry="Once per document")
	alone = r.template(
		r.step("a", trigger={"type": "manual"}), event="on_issue_opened", re_entry="Not while one runs"
	)
	opened = r.issue()
	again = flow_editor.dispatch_event("on_issue_opened", opened)
	assert len(r.runs(once)) == len(r.runs(alone)) == 1
	assert all("skipped" in x for x in again if x["template"] in (once.name, alone.name))
	r.drain()
	from flow_editor.services import runs
	from flow_editor.site.host import current

	runs.complete(current(), r.runs(alone)[0].name, "a")
	flow_editor.dispatch_event("on_issue_opened", opened)
	assert (len(r.runs(once)), len(r.runs(alone))) == (1, 2)


def test_a_maintenance_visit_that_is_fully_completed(listeners):
	visit = r.make(
		"Maintenance Visit",
		customer=r.customer().name,
		company=r.company(),
		mntc_date=nowdate(),
		maintenance_type="Unscheduled",
		completion_status="Fully Completed",
		purposes=[
			{
				"item_code": r.item(),
				"service_person": r.sales_person(),
				"description": "x",
				"work_done": "x",
			}
		],
	)
	assert "on_dispatch_completed" not in started(listeners)
	visit.submit()
	assert started(listeners)["on_dispatch_completed"] == 1
