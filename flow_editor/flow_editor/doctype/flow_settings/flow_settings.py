"""What an admin decides for all flows."""

from __future__ import annotations

import ipaddress

import frappe
from frappe import _
from frappe.model.document import Document


class FlowSettings(Document):
	def validate(self) -> None:
		if self.internal_token and not self.service_user:
			frappe.throw(_("Name the service user whom the internal token stands for."))
		for field in ("max_depth", "max_steps", "max_definition_kb", "response_limit_kb"):
			if (self.get(field) or 0) < (0 if field == "max_depth" else 1):
				frappe.throw(_("{0} is too small.").format(_(self.meta.get_label(field))))
		for entry in (self.allowed_hosts or "").split():
			if "/" in entry:
				try:
					ipaddress.ip_network(entry, strict=False)
				except ValueError:
					frappe.throw(_("{0} is no network. Write one such as 10.1.0.0/16.").format(entry))
