"""A key or password that webhooks may send, by name, to the hosts that it is for. A row of Flow Settings."""

from __future__ import annotations

from frappe.model.document import Document


class FlowSecret(Document):
	pass
