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
			"customer_type": "Individual" if number == 1 else "Company",
			"email_id": email,
			"mobile_no": mobile,
			"territory": territory,
		}
		party = {"party_type": "Customer", "party": name}
		invoice = f"ACC-SINV-2026-{number:05d}"
		made += [
			("Customer", customer),
			(
				"Contract",
				{
					"name": f"CON-2026-{number:05d}",
					"party_type": "Customer",
					"party_name": name,
					"status": "Unsigned",
					"start_date": "2026-12-01",
					"end_date": "2027-11-30",
					"contract_terms": "<p>Internet 500, 24 months</p>",
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
					"transaction_date": "2026-11-20",
					"valid_till": "2026-12-20",
					"grand_total": 1200 * number,
					"currency": "CAD",
					"status": "Open",
					"docstatus": 1,
				},
			),
			(
				"Subscription",
				{
					"name": f"ACC-SUB-2026-{number:05d}",
					**party,
					"status": "Trialling",
					"start_date": "2026-12-01",
				},
			),
			(
				"Sales Invoice",
				{
					"name": invoice,
					"customer": name,
					"customer_name": name,
					"posting_date": "2026-11-20",
					"due_date": "2026-12-20",
					"grand_total": 79.95,
					"outstanding_amount": 79.95,
					"currency": "CAD",
					"status": "Unpaid",
					"docstatus": 1,
				},
			),
			(
				"Payment Entry",
				{
					"name": f"ACC-PAY-2026-{number:05d}",
					**party,
					"party_name": name,
					"payment_type": "Receive",
					"posting_date": "2026-11-23",
					"paid_amount": 79.95,
					"reference_no": f"TRF-{number:04d}",
					"references": [
						{
							"reference_doctype": "Sales Invoice",
							"reference_name": invoice,
							"allocated_amount": 79.95,
						}
					],
					"docstatus": 0,
				},
			),
		]
	made += [
		("Issue", {"name": "ISS-2026-00001", "subject": "No signal since this morning", "customer": "Ana Tremblay", "raised_by": "ana.tremblay@example.com", "priority": "High", "status": "Open", "opening_date": "2026-11-23", "opening_time": "8:40:00", "description": "<p>The modem's light is red.</p>"}),
		("Dispatch Job", {"name": "DJ-SAMPLE", "subject": "Replace the modem", "customer": "Café Lumen", "priority": "medium", "status": "Open"}),
	]  # fmt: skip
	return made


def insert(host: LabHost) -> int:
	"""Insert the samples, quietly: they have been there before any flow. Returns how many."""
	for doctype, fields in documents():
		host.documents.insert_quietly(doctype, fields)
	return len(documents())
