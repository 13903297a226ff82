"""The trigger events of ERPNext's own documents. Others are added by other apps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flow_editor.engine.event import (
	CHANGE,
	INSERT,
	NOW,
	SUBMIT,
	UPDATE,
	UPDATE_AFTER_SUBMIT,
	Source,
	TriggerEvent,
)

MANUAL = "manual"
#: DocTypes that no flow is about: our own, and what Frappe itself writes and clears by the thousand.
UNHEARD = frozenset(
	(
		"Flow Template", "Flow Version", "Flow Run", "Flow Step Pending", "Flow Started", "Flow Settings", "Flow Secret",
		"Access Log", "Activity Log", "Comment", "Data Import Log", "Deleted Document", "DocShare", "Email Queue",
		"Error Log", "File", "Notification Log", "Prepared Report", "Route History", "Scheduled Job Log", "Version", "View Log",
	)
)  # fmt: skip
SIGNED = ("is_signed", (1, True))


def paid_invoice(payment: Mapping[str, Any]) -> str | None:
	"""The first invoice that a Payment Entry is for."""
	rows = payment.get("references")
	for row in rows if isinstance(rows, list) else ():
		if row.get("reference_doctype") == "Sales Invoice":
			return row.get("reference_name")
	return None


#: The events of ERPNext's own documents. Others are added by other apps.
EVENTS = (
	TriggerEvent(
		"on_contract_signed",
		"Contract signed",
		tuple(
			Source(
				doctype,
				(UPDATE, UPDATE_AFTER_SUBMIT),
				turns=SIGNED,
				variables={
					"contract_type": kind,
					"signed_at": lambda doc: doc.get("signed_on") or doc.get("modified"),
				},
			)
			for doctype, kind in (("Contract", "contract_template"), ("Service Contract", "contract_type"))
		),
	),
	TriggerEvent(
		"on_payment_received",
		"Payment received",
		(
			Source(
				"Payment Entry",
				(SUBMIT,),
				where={"payment_type": "Receive", "party_type": "Customer"},
				variables={
					"amount": "paid_amount",
					"payment_reference": "reference_no",
					"invoice": paid_invoice,
				},
			),
		),
	),
	TriggerEvent(
		"on_subscription_active",
		"Subscription active",
		(Source("Subscription", (INSERT, UPDATE, CHANGE), turns=("status", ("Active",))),),
	),
	TriggerEvent("on_quotation_created", "Quotation created", (Source("Quotation", (INSERT,)),)),
	TriggerEvent(
		"on_quotation_accepted",
		"Quotation accepted",
		# The Sales Order sets it through db_set, which raises on_change and no on_update.
		(
			Source(
				"Quotation",
				(CHANGE,),
				turns=("status", ("Ordered", "Partially Ordered")),
				variables={"accepted_at": NOW},
			),
		),
	),
	TriggerEvent("on_issue_opened", "Issue opened", (Source("Issue", (INSERT,)),)),
	TriggerEvent("on_customer_created", "Customer created", (Source("Customer", (INSERT,)),)),
	TriggerEvent(
		"on_dispatch_completed",
		"Dispatch completed",
		(
			Source("Dispatch Job", (UPDATE, CHANGE), turns=("status", ("Completed", "Closed", "Done"))),
			Source("Delivery Trip", (CHANGE,), turns=("status", ("Completed",))),
			Source("Maintenance Visit", (SUBMIT,), where={"completion_status": "Fully Completed"}),
		),
	),
	TriggerEvent(MANUAL, "Started by hand"),
)


def event_table(extra: Iterable[TriggerEvent] = ()) -> dict[str, TriggerEvent]:
	"""The shipped events and others, by name. An event of a known name adds its sources to that one."""
	table: dict[str, TriggerEvent] = {}
	for event in (*EVENTS, *extra):
		if known := table.get(event.name):
			event = TriggerEvent(known.name, known.label, (*known.sources, *event.sources))
		table[event.name] = event
	return table
