"""The workspace is called Flows: under its old name it stood at the address of the editor's page."""

import frappe


def execute() -> None:
	frappe.delete_doc_if_exists("Workspace", "Flow Editor", force=True)
