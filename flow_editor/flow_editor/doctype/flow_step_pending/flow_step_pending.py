"""One promise to come back later. Written by the engine (`site.store`); an admin may set one going again."""

from __future__ import annotations

import frappe
from frappe import _
from frappe.model.document import Document

from flow_editor.site.naming import next_name

STATUSES = ("pending", "running", "completed", "failed", "cancelled")


class FlowStepPending(Document):
	def autoname(self) -> None:
		self.name = next_name(self.doctype)

	def validate(self) -> None:
		if not self.flags.ignore_permissions:
			frappe.only_for("System Manager")  # a share gives nobody the role
		if self.status not in STATUSES:
			frappe.throw(_("{0} is no status of an inbox row.").format(self.status))
		if self.retry_count < 0:
			frappe.throw(_("The retry count cannot be negative."))
		if self.context_snapshot and not isinstance(frappe.parse_json(self.context_snapshot), dict):
			frappe.throw(_("The snapshot must be a JSON object."))
		if self.is_new():
			return
		old = self.get_doc_before_save()
		if old and old.status != self.status and self.status == "pending":
			# Given back by hand, it is nobody's any more.
			self.lease_until = self.lease_token = None
		elif old and old.status != self.status and self.status == "running":
			frappe.throw(_("Only a worker sets a row to running. Set it to pending to have it worked."))


def on_doctype_update() -> None:
	frappe.db.add_index("Flow Step Pending", ["status", "trigger_at"])
	frappe.db.add_index("Flow Step Pending", ["status", "lease_until"])
	frappe.db.add_index("Flow Step Pending", ["reference_doctype", "reference_name"])
