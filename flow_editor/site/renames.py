"""A document that is renamed takes its runs along; one that is merged into another gives them to that one.

Frappe itself changes the links that it knows of, and keeps what it knows of for hours. So the runs and the inbox rows about
the document are looked for once more, and the re-entry keys, which are made of names, are made anew.
"""

from __future__ import annotations

import frappe

from flow_editor.services import starting

#: How many keys one query looks for.
AT_ONCE = 500


def follow(doctype: str, old: str, new: str) -> None:
	frappe.db.sql(
		"UPDATE `tabFlow Run` SET context_docname = %s WHERE context_doctype = %s AND context_docname = %s",
		(new, doctype, old),
	)
	frappe.db.sql(
		"""UPDATE `tabFlow Step Pending` SET reference_name = %s
		WHERE reference_doctype = %s AND reference_name = %s""",
		(new, doctype, old),
	)
	keys = {}
	for template in frappe.get_all("Flow Template", pluck="name"):
		for rule in (starting.RE_ENTRY_ONCE, starting.RE_ENTRY_ALONE):
			fields = {"name": template, "re_entry": rule}
			keys[starting.reentry_key(fields, doctype, old)] = starting.reentry_key(fields, doctype, new)
	former = list(keys)
	for begin in range(0, len(former), AT_ONCE):
		held = frappe.db.sql(
			"SELECT name, reentry_key FROM `tabFlow Run` WHERE reentry_key IN %s",
			(tuple(former[begin : begin + AT_ONCE]),),
		)
		for run, key in held:
			_give_key(run, keys[key])


def _give_key(run: str, key: str) -> None:
	# If both documents of a merge have had the flow, the run of the other keeps the key.
	taken = frappe.db.sql("SELECT 1 FROM `tabFlow Run` WHERE reentry_key = %s", key)
	frappe.db.sql("UPDATE `tabFlow Run` SET reentry_key = %s WHERE name = %s", (None if taken else key, run))
