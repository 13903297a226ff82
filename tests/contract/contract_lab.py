from __future__ import annotations

from datetime import timedelta

import pytest

from flow_editor.lab.host import LabHost
from flow_editor.services import inbox, portable


class LabWorld:
	def __init__(self, path):
		self.host = LabHost(str(path))

	def customer(self) -> str:
		values = {"customer_name": "Ana Tremblay", "email_id": "ana@example.com", "mobile_no": "+15145550100"}
		return self.host.documents.create("Customer", values)

	def issue(self, customer: str, **values) -> str:
		return self.host.documents.create(
			"Issue", {"subject": "No signal", "customer": customer, "raised_by": "ana@example.com", **values}
		)

	def quotation(self, customer: str) -> str:
		values = {"quotation_to": "Customer", "party_name": customer, "contact_email": "buyer@example.com"}
		return self.host.documents.create("Quotation", values)

	def accept(self, quotation: str) -> None:
		self.host.documents.update("Quotation", quotation, {"status": "Ordered"})

	def remove(self, doctype: str, name: str) -> None:
		"""The lab goes with its file."""

	def cancel(self, doctype: str, name: str) -> None:
		self.host.documents.update(doctype, name, {"docstatus": 2})

	def delete(self, doctype: str, name: str) -> None:
		self.host.documents.delete(doctype, name)

	def vanish(self, doctype: str, name: str) -> None:
		"""Take a document away behind everybody's back."""
		self.host.store.execute("DELETE FROM document WHERE doctype = ? AND name = ?", (doctype, name))

	def amend(self, quotation: str) -> str:
		"""The draft that a cancelled quotation is amended to."""
		fields = {
			**self.host.documents.get("Quotation", quotation),
			"docstatus": 0,
			"amended_from": quotation,
		}
		return self.host.documents.create("Quotation", {**fields, "name": f"{quotation}-1"})

	def drain(self):
		return inbox.drain(self.host)

	def let_due(self, run: str) -> None:
		"""Let the time of a run's waiting rows come."""
		waiting = self.host.store.pending({"flow_run": run, "status": "pending"})
		dues = [row.trigger_at for row in waiting if row.trigger_at]
		self.host.move_clock(max([*dues, self.host.now()]) + timedelta(seconds=1))

	def forget_version(self, run: str) -> None:
		"""Let the version be gone that a run started on."""
		self.host.store.execute(
			"UPDATE run SET template_version = 99, checksum = NULL WHERE name = ?", (run,)
		)

	def delete_run(self, run: str) -> None:
		self.host.store.execute("DELETE FROM run WHERE name = ?", (run,))

	def mails_sent(self) -> int:
		return len([message for message in self.host.sent() if message["channel"] == "email"])

	def told(self, template: str) -> list[str]:
		"""What a template's owner was told of its runs, oldest first."""
		runs = [run.name for run in self.host.store.runs({"flow_template": template}, limit=100)]
		return [
			title
			for title, detail in self.host.logged
			if any(name in title + detail for name in [template, *runs])
		]

	def transaction(self):
		return self.host.store.transaction()


@pytest.fixture
def lab_world(tmp_path):
	world = LabWorld(tmp_path / "lab.db")
	with world.transaction():
		portable.seed(world.host)
	yield world
	world.host.store.close()
