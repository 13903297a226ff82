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

	def drain(self):
		return r.drain()

	def let_due(self, run: str) -> None:
		r.make_due(run)

	def forget_version(self, run: str) -> None:
		frappe.db.set_value(
			"Flow Run", run, {"template_version": 99, "checksum": None}, update_modified=False
		)

	def mails_sent(self) -> int:
		return frappe.db.count("Email Queue")

	@contextmanager
	def transaction(self):
		with self.host.store.transaction():
			yield


@pytest.fixture
def site_world(site):
	return SiteWorld(site)
