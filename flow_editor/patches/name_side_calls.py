"""Calls beside a step, such as those of a dispatch job, are a purpose of their own. Earlier versions told them by a flag in
what is kept of the call.

It goes through the rows by name and commits as it goes, so it may be stopped and run again.
"""

from __future__ import annotations

import json

import frappe

from flow_editor.engine.records import CALL, SIDE_CALL

ROWS_AT_ONCE = 1000


def execute() -> None:
	last = ""
	while rows := frappe.db.sql(
		# The flag is looked for in the text, which is quick; whether it is one, the parsed snapshot says.
		"""SELECT name, context_snapshot FROM `tabFlow Step Pending`
		WHERE name > %s AND purpose = %s AND context_snapshot LIKE %s ORDER BY name LIMIT %s""",
		(last, CALL, '%"beside"%', ROWS_AT_ONCE),
	):
		last = rows[-1][0]
		names = [name for name, snapshot in rows if _is_beside(snapshot)]
		if names:
			frappe.db.sql(
				"UPDATE `tabFlow Step Pending` SET purpose = %s WHERE name IN %s AND purpose = %s",
				(SIDE_CALL, names, CALL),
			)
			frappe.db.commit()  # nosemgrep: each batch is whole in itself, and a transaction has a limit


def _is_beside(snapshot: str) -> bool:
	try:
		return json.loads(snapshot).get("beside") is True
	except (ValueError, AttributeError):
		return False  # somebody has written it by hand, and no version could work it
