"""Closes what earlier versions left open: links by which a run's variables and state could be read, shares that stood for
a role, and reasons of pauses that quote a document.

A DocType that the site or another app owns is left as it is: `flow doctor` names it.
"""

from __future__ import annotations

import frappe

from flow_editor.site.held import HELD, OURS, links_to_runs

PAUSED = "Its last runs have all failed. Open the newest of them to see why. Mend the cause and switch it on again."


def execute() -> None:
	for link in links_to_runs():
		if link.is_ours:
			frappe.db.set_value(link.kept_in, link.name, {"fieldtype": "Data", "options": None})
			frappe.clear_cache(doctype=link.doctype)
	frappe.db.delete("DocShare", {"share_doctype": ("in", [*OURS, *HELD])})
	template = frappe.qb.DocType("Flow Template")
	frappe.qb.update(template).set(template.paused_reason, PAUSED).where(
		template.paused_reason.isnotnull() & (template.paused_reason != "")
	).run()
