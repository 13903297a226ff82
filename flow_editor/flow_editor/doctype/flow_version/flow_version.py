"""A definition as it once was. Written once and never changed: runs refer to it for ever."""

from __future__ import annotations

import frappe
from frappe import _
from frappe.model.document import Document


class FlowVersion(Document):
	def validate(self) -> None:
		if not self.is_new():
			frappe.throw(_("A stored version never changes. Save the template to make another."))

	def on_trash(self) -> None:
		used_by = frappe.db.get_value(
			"Flow Run", {"flow_template": self.flow_template, "template_version": self.version}
		)
		if used_by:
			frappe.throw(
				_("Version {0} of {1} stays: run {2} was made with it.").format(
					self.version, self.flow_template, used_by
				),
				frappe.LinkExistsError,
			)


def on_doctype_update() -> None:
	frappe.db.add_unique("Flow Version", ["flow_template", "version"], constraint_name="flow_version_number")
