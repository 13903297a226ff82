"""The DocTypes that are this app's, and who else may own their names on a site."""

from __future__ import annotations

import frappe

MODULE = "Flow Editor"
DOCTYPES = (
	"Flow Template",
	"Flow Run",
	"Flow Step Pending",
	"Flow Started",
	"Flow Version",
	"Flow Settings",
	"Flow Secret",
)


def taken() -> dict[str, str]:
	"""Those of our names that DocTypes of another module have here, with that module."""
	found = {doctype: frappe.db.get_value("DocType", doctype, "module") for doctype in DOCTYPES}
	return {doctype: module for doctype, module in found.items() if module and module != MODULE}
