"""What caused a run has a field of its own from now on: the parent is the run that it is a part of."""

import frappe


def execute() -> None:
	frappe.db.sql(
		"UPDATE `tabFlow Run` SET caused_by = parent_run, parent_run = NULL WHERE IFNULL(parent_run, '') != ''"
	)
