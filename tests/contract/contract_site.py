from __future__ import annotations

from contextlib import contextmanager

import frappe
import pytest
import records as r


class SiteWorld:
	def __init__(self, host):
		self.host = host

	def customer(self) -> str:
		return r.customer().name

	def issue(self, customer: str, **values) -> str:
		return r.issue(frappe.get_doc("Customer", customer), **values).name

	def quotation(self, customer: str) -> str:
		quoted = r.quotation(frappe.get_doc("Customer", customer))
		quoted.submit()
		return quoted.name

	def accept(self, quotation: str) -> None:
		r.order_from(frappe.get_doc("Quotation", quotation))

	def remove(self, doctype: str, name: str) -> None:
		frappe.delete_doc(doctype, name, force=True)
		frappe.db.commit()

	def cancel(self, doctype: str, name: str) -> None:
		frappe.get_doc(doctype, name).cancel()

	def delete(self, doctype: str, name: str) -> None:
		frappe.delete_doc(doctype, name)

	def vanish(self, doctype: str, name: str) -> None:
		"""Take a document away behind everybody's back."""
		frappe.db.delete(doctype, {"name": name})

	def amend(self, quotation: str) -> str:
		"""The draft that a cancelled quotation is amended to."""
		amended = frappe.copy_doc(frappe.get_doc("Quotation", quotation))
		amended.amended_from = quotation
		return amended.insert().name

	def drain(self):
		return r.drain()

	def let_due(self, run: str) -> None:
		r.make_due(run)

	def forget_version(self, run: str) -> None:
		frappe.db.set_value(
			"Flow Run", run, {"template_version": 99, "checksum": None}, update_modified=False
		)

	def delete_run(self, run: str) -> None:
		frappe.db.delete("Flow Run", run)

	def mails_sent(self) -> int:
		return frappe.db.count("Email Queue")

	def told(self, template: str) -> list[str]:
		"""What a template's owner was told of its runs, oldest first."""
		runs = frappe.get_all("Flow Run", filters={"flow_template": template}, pluck="name")
		filters = {
			"document_type": "Flow Run",
			"document_name": ("in", runs),
			"for_user": frappe.session.user,
		}
		return frappe.get_all("Notification Log", filters=filters, order_by="creation", pluck="subject")

	@contextmanager
	def transaction(self):
		with self.host.store.transaction():
			yield


@pytest.fixture
def site_world(site):
	return SiteWorld(site)
