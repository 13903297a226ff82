"""What the desk knows of flows from the start: whose forms have them in their menu."""

from __future__ import annotations

from typing import Any

import frappe

from flow_editor.doors.routes import AUTHORS, FLOW_USERS
from flow_editor.site.host import current


def works_with_flows() -> bool:
	"""Whether the acting user finds the app among their apps."""
	return frappe.session.user == "Administrator" or bool(set(frappe.get_roles()) & set(FLOW_USERS))


def extend_bootinfo(bootinfo: Any) -> None:
	"""Add `flow_editor`, for who works with flows: `doctypes` that have or could have them, and `may_edit`."""
	if not works_with_flows():
		return
	roles = set(frappe.get_roles())
	named = frappe.get_all(
		"Flow Template", filters={"applies_to": ("is", "set")}, pluck="applies_to", distinct=True
	)
	raising = [source.doctype for event in current().events.values() for source in event.sources]
	bootinfo.flow_editor = {"doctypes": sorted({*named, *raising}), "may_edit": bool(roles & set(AUTHORS))}
