"""Sample documents that read like a small telecom's, enough to set off every trigger event from the page."""

from __future__ import annotations

from typing import Any

from flow_editor.lab.host import LabHost

CUSTOMERS = (
	("Ana Tremblay", "ana.tremblay@example.com", "+15145550101", "Montreal"),
	("Café Lumen", "office@cafelumen.example", "+15145550102", "Laval"),
	("Dorval Dental Clinic", "it@dorvaldental.example", "+15145550103", "Dorval"),
)


def documents() -> list[tuple[str, dict[str, Any]]]:
	"""(DocType, fields) in the order in which they are to be created."""
	made: list[tuple[str, dict[str, Any]]] = []
	for number, (name, email, mobile, territory) in enumerate(CUSTOMERS, 1):
		customer = {
			"name": name,
			"customer_name": name,
			"email_id": email,
			"mobile_no": mobile,
			"territory": territory,
		}
		party = {"party_type": "Customer", "party": name}
		made += [
			("Customer", customer),
			(
				"Contract",
				{
					"name": f"CON-2026-{number:05d}",
					"party_type": "Customer",
					"party_name": name,
					"contract_type": "Internet 500",
					"is_signed": 0,
				},
			),
			(
				"Quotation",
				{
					"name": f"SAL-QTN-2026-{number:05d}",
					"quotation_to": "Customer",
					"party_name": name,
					"customer_name": name,
					"contact_email": email,
					"grand_total": 1200 * number,
					"currency": "CAD",
					"status": "Open",
				},
			),
			(
				"Subscription",
				{"name": f"SUB-2026-{number:05d}", **party, "status": "Trialling", "plan": "Internet 500"},
			),
			(
				"Sales Invoice",
				{
					"name": f"ACC-SINV-2026-{number:05d}",
					"customer": name,
					"grand_total": 79.95,
					"status": "Unpaid",
				},
			),
			(
				"Payment Entry",
				{
					"name": f"ACC-PAY-2026-{number:05d}",
					**party,
					"payment_type": "Receive",
					"paid_amount": 79.95,
					"docstatus": 0,
				},
			),
		]
	made += [
		("Issue", {"name": "ISS-2026-00001", "subject": "No signal since this morning", "customer": "Ana Tremblay", "raised_by": "ana.tremblay@example.com", "priority": "High", "status": "Open"}),
		("Dispatch Job", {"name": "DJ-SAMPLE", "subject": "Replace the modem", "customer": "Café Lumen", "priority": "medium", "status": "Open"}),
	]  # fmt: skip
	return made


def insert(host: LabHost) -> int:
	"""Insert the samples, quietly: they have been there before any flow. Returns how many."""
	for doctype, fields in documents():
		host.documents.insert_quietly(doctype, fields)
	return len(documents())
