"""Runs in flight end with their documents from now on, too; of earlier versions' runs it was not said."""

import frappe


def execute() -> None:
	about = frappe.db.sql(
		"SELECT DISTINCT context_doctype FROM `tabFlow Run` WHERE completed_at IS NULL AND context_doctype IS NOT NULL",
		pluck=True,
	)
	for doctype in about:
		if not frappe.db.table_exists(doctype):
			continue
		frappe.db.sql(
			f"""UPDATE `tabFlow Run` run JOIN `tab{doctype}` document ON document.name = run.context_docname
			SET run.ends_with_document = 1
			WHERE run.context_doctype = %s AND run.completed_at IS NULL AND document.docstatus < 2""",
			doctype,
		)
