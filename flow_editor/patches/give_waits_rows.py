"""What waits is a row of the inbox from now on: calls that were parked on a document watch it, and a step that waits for
somebody has a row.

It goes through rows and runs by name and commits as it goes, so it may be stopped and run again.
"""

from __future__ import annotations

import json

import frappe
from frappe.utils import now_datetime

from flow_editor.engine.records import ROW_PENDING, SIDE_CALL, WAIT, Pending, Run
from flow_editor.engine.upgrading import upgrade
from flow_editor.services import old_rows
from flow_editor.site.store import SiteStore

AT_ONCE = 500


def execute() -> None:
	store = SiteStore()
	_watch_documents(store)
	_give_rows(store)


def _watch_documents(store: SiteStore) -> None:
	while parked := store.pending(
		{"purpose": SIDE_CALL, "status": ROW_PENDING, "trigger_at": None}, limit=AT_ONCE
	):
		for row in parked:
			watching = old_rows.watched_call(row, now_datetime())
			frappe.db.sql(
				"UPDATE `tabFlow Step Pending` SET purpose = %s, trigger_at = %s, context_snapshot = %s WHERE name = %s",
				(watching.purpose, watching.trigger_at, json.dumps(watching.context_snapshot), row.name),
			)
		frappe.db.commit()  # nosemgrep: each batch is whole in itself, and a transaction has a limit


def _give_rows(store: SiteStore) -> None:
	last = ""
	while found := frappe.db.sql(
		# The flag is looked for in the text, which is quick; whether it is one, the parsed states say.
		"""SELECT name, flow_template, template_version, step_state FROM `tabFlow Run`
		WHERE name > %s AND completed_at IS NULL AND step_state LIKE %s ORDER BY name LIMIT %s""",
		(last, '%"waiting"%', AT_ONCE),
	):
		for name, template, version, text in found:
			run = Run(template, version, name=name, step_state=json.loads(text))
			for entry in run.step_state.values():
				upgrade(entry)
			known = set(
				frappe.get_all("Flow Step Pending", {"flow_run": name, "purpose": WAIT}, pluck="step_id")
			)
			rows: list[Pending] = [row for row in old_rows.waits_to_begin(run) if row.step_id not in known]
			if rows:
				store.insert_pending(rows)
			last = name
		frappe.db.commit()  # nosemgrep: likewise
