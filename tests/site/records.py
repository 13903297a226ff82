"""Real documents of a real ERPNext, made the shortest way that its own validation allows."""

from __future__ import annotations

import json

import frappe
from frappe.utils import add_days, nowdate

from flow_editor.engine import waiting


def company() -> str:
	return frappe.get_all("Company", pluck="name")[0]


def unique(stem: str) -> str:
	return f"{stem} {frappe.generate_hash(length=8)}"


def make(doctype: str, **values):
	return frappe.get_doc({"doctype": doctype, **values}).insert()


def user(*roles: str):
	name = f"{frappe.generate_hash(length=10)}@example.com"
	made = make(
		"User", email=name, first_name="Test", send_welcome_email=0, roles=[{"role": role} for role in roles]
	)
	return made


def customer(**values):
	return make(
		"Customer",
		**{
			"customer_name": unique("Ana Tremblay"),
			"customer_type": "Individual",
			"email_id": "ana@example.com",
			"mobile_no": "+15145550100",
			**values,
		},
	)


def item() -> str:
	if not frappe.db.exists("Item", "Flow Test Plan"):
		make("Item", item_code="Flow Test Plan", item_group="Services", stock_uom="Nos", is_stock_item=0)
	return "Flow Test Plan"


def sales_person() -> str:
	if not frappe.db.exists("Sales Person", "Flow Test Person"):
		make("Sales Person", sales_person_name="Flow Test Person", parent_sales_person="Sales Team")
	return "Flow Test Person"


def quotation(party, **values):
	doc = make(
		"Quotation",
		quotation_to="Customer",
		party_name=party.name,
		company=company(),
		transaction_date=nowdate(),
		valid_till=add_days(nowdate(), 30),
		contact_email="buyer@example.com",
		items=[{"item_code": item(), "qty": 1, "rate": 100}],
		**values,
	)
	return doc


def order_from(quoted):
	"""Accept a submitted quotation: make its Sales Order and submit it."""
	from erpnext.selling.doctype.quotation.quotation import make_sales_order

	order = make_sales_order(quoted.name)
	order.delivery_date = add_days(nowdate(), 7)
	order.insert()
	order.submit()
	return order


def contract(party, **values):
	return make(
		"Contract",
		party_type="Customer",
		party_name=party.name,
		contract_terms="Service for a year.",
		start_date=nowdate(),
		**values,
	)


def subscription(party, **values):
	plan = "Flow Test Monthly"
	if not frappe.db.exists("Subscription Plan", plan):
		make(
			"Subscription Plan",
			plan_name=plan,
			item=item(),
			price_determination="Fixed Rate",
			cost=50,
			currency=frappe.db.get_value("Company", company(), "default_currency"),
			billing_interval="Month",
			billing_interval_count=1,
		)
	return make(
		"Subscription",
		party_type="Customer",
		party=party.name,
		company=company(),
		generate_invoice_at="End of the current subscription period",
		plans=[{"plan": plan, "qty": 1}],
		**{"start_date": nowdate(), **values},
	)


def on_trial() -> str:
	"""The status of a Subscription on trial, as this ERPNext spells it: Trialling in 15, Trialing in 16."""
	options = frappe.get_meta("Subscription").get_field("status").options.split("\n")
	return next(option for option in options if option.startswith("Trial"))


def payment(party, **values):
	company_name = company()
	receivable = frappe.db.get_value("Company", company_name, "default_receivable_account")
	cash = frappe.db.get_value("Account", {"company": company_name, "account_type": "Cash", "is_group": 0})
	return make(
		"Payment Entry",
		**{
			"payment_type": "Receive",
			"party_type": "Customer",
			"party": party.name,
			"company": company_name,
			"paid_from": receivable,
			"paid_to": cash,
			"paid_amount": 75,
			"received_amount": 75,
			"reference_no": "R-1",
			"reference_date": nowdate(),
			**values,
		},
	)


def issue(party=None, **values):
	return make(
		"Issue",
		**{
			"subject": "No signal",
			"customer": party.name if party else None,
			"raised_by": "ana@example.com",
			**values,
		},
	)


def template(*steps: dict, event: str = "manual", **values):
	"""A flow of the given steps, switched on."""
	return make(
		"Flow Template",
		template_name=unique("Test flow"),
		category="other",
		is_active=1,
		trigger_event=event,
		flow_definition=json.dumps(
			{
				"version": 1,
				"steps": list(steps),
				"variables": values.pop("variables", {}),
				"inputs": values.pop("inputs", []),
				**values.pop("definition", {}),
			}
		),
		**values,
	)


def step(id: str, kind: str = "wait", **more) -> dict:
	more.setdefault("trigger", {"type": "on_prev_complete"})
	return {"id": id, "kind": kind, **more}


def reading(id: str, **more) -> dict:
	"""A step that asks what the run is called, so that a worker has to do it."""
	return step(id, "condition", payload={"field": "run.name", "op": "not_empty"}, **more)


def runs(of=None, **filters) -> list:
	if of is not None:
		filters["flow_template"] = of.name
	return [
		frappe.get_doc("Flow Run", name) for name in frappe.get_all("Flow Run", filters=filters, pluck="name")
	]


def state(run) -> dict:
	"""The states of a run's steps, as the doors show them."""
	kept = json.loads(
		frappe.db.get_value("Flow Run", run if isinstance(run, str) else run.name, "step_state")
	)
	return {step_id: waiting.shown(entry) for step_id, entry in kept.items()}


def statuses(run) -> dict[str, str]:
	return {step_id: entry["status"] for step_id, entry in state(run).items()}


def rows(run, **filters) -> list:
	return frappe.get_all(
		"Flow Step Pending",
		filters={"flow_run": run if isinstance(run, str) else run.name, **filters},
		fields=["*"],
		order_by="trigger_at",
	)


def make_due(run, **filters) -> None:
	"""Let the time of a run's waiting rows come."""
	for row in rows(run, status="pending", **filters):
		if row.trigger_at:
			frappe.db.set_value(
				"Flow Step Pending", row.name, "trigger_at", add_days(None, -1), update_modified=False
			)
	frappe.db.commit()


def drain():
	"""Commit, and work the inbox off in this process."""
	from flow_editor.services import inbox
	from flow_editor.site.host import current

	frappe.db.commit()
	return inbox.drain(current())


def seeded(name: str):
	return frappe.get_doc("Flow Template", {"template_name": name, "is_system": 1})
