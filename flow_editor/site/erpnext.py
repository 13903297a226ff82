"""What a step may ask of ERPNext alone; see `engine.ports.Erpnext`."""

from __future__ import annotations

import frappe
from frappe.utils import add_days, getdate, nowdate

from flow_editor.engine.ports import CUSTOMER
from flow_editor.site.documents import SiteDocuments
from flow_editor.site.errors import as_flow_errors

ACTIVE = "Active"


class SiteErpnext:
	def __init__(self, documents: SiteDocuments):
		self._documents = documents

	def contact(self, customer: str) -> tuple[str, str]:
		doc = self._documents.load(CUSTOMER, customer, "read")
		email, mobile = doc.get("email_id") or "", doc.get("mobile_no") or ""
		if email and mobile:
			return email, mobile
		contact = doc.get("customer_primary_contact") or self._linked_contact(customer)
		if contact:
			person = self._documents.load("Contact", contact, "read")
			email = email or person.email_id or ""
			mobile = mobile or person.mobile_no or person.phone or ""
		return email, mobile

	@staticmethod
	def _linked_contact(customer: str) -> str | None:
		link, contact = frappe.qb.DocType("Dynamic Link"), frappe.qb.DocType("Contact")
		found = (
			frappe.qb.from_(link)
			.join(contact)
			.on(contact.name == link.parent)
			.select(contact.name)
			.where(
				(link.parenttype == "Contact")
				& (link.link_doctype == CUSTOMER)
				& (link.link_name == customer)
			)
			.orderby(contact.is_primary_contact, order=frappe.qb.desc)
			.orderby(contact.creation)
			.limit(1)
			.run()
		)
		return found[0][0] if found else None

	def activate_subscription(self, name: str) -> tuple[str, str]:
		doc = self._documents.load("Subscription", name, "write")
		was = doc.status
		if was == ACTIVE:
			return was, was
		today = getdate()
		# ERPNext's nightly job would undo a mere change of status while a trial goes on or an end has passed.
		if doc.trial_period_end and getdate(doc.trial_period_end) >= today:
			self._end_trial(doc, today)
		if doc.end_date and getdate(doc.end_date) < today:
			doc.end_date = None
		doc.cancelation_date = None
		doc.status = ACTIVE
		with as_flow_errors(f"change Subscription {name}"):
			doc.update_subscription_period(nowdate())
			doc.save()
		return was, doc.status

	@staticmethod
	def _end_trial(doc, today) -> None:
		"""Let the trial have ended yesterday; one that began no earlier was none. ERPNext lets a save change
		neither of its dates, hence db_set."""
		yesterday = getdate(add_days(today, -1))
		if doc.trial_period_start and getdate(doc.trial_period_start) <= yesterday:
			dates = {"trial_period_end": yesterday}
		else:
			dates = {"trial_period_start": None, "trial_period_end": None}
		doc.db_set(dates, update_modified=False)
