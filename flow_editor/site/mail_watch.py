"""What becomes of mails in Frappe's queue, looked at once a minute.

Frappe sets a row's status without telling anybody (`db.set_value`), so each mail of a step leaves a row in the inbox that
waits for no time, and names it. Those whose mail has left, has failed for good or is gone are settled here. One that is
not yet sent costs a look into an index.
"""

from __future__ import annotations

import frappe

from flow_editor.engine.host import FATE_FAILED, MAIL, ROW_COMPLETED, ROW_FAILED, ROW_PENDING, Pending, Run
from flow_editor.services import mails
from flow_editor.site import shown
from flow_editor.site.host import SiteHost

#: How many are settled in one transaction, and how many of those that failed in one tick.
BATCH = 500
MOST_FAILED = 100


def sweep(host: SiteHost) -> None:
	"""Settle what is decided, and tell the owners of flows of what failed."""
	while _settle(host):
		pass
	told: dict[str, list[tuple[Run, str]]] = {}
	for name, run, step, mail in _decided(failed=True, limit=MOST_FAILED):
		row = Pending(run, step, MAIL, name=name, reference_doctype="Email Queue", reference_name=mail)
		with host.store.transaction():
			noted = _note(host, row)
		if noted:
			told.setdefault(noted.flow_template, []).append((noted, step))
	for failed in told.values():
		with host.store.transaction():
			run, step = failed[0]
			mails.tell_owner(host, run, step, len(failed))


def _decided(*, failed: bool, limit: int) -> list[tuple[str, str, str, str]]:
	"""Rows whose mail has failed, or has left or is gone: their names, runs, steps and mails."""
	which = (
		"queue.status IN ('Error', 'Expired')" if failed else "(queue.name IS NULL OR queue.status = 'Sent')"
	)
	return frappe.db.sql(
		f"""SELECT pending.name, pending.flow_run, pending.step_id, pending.reference_name
		FROM `tabFlow Step Pending` pending LEFT JOIN `tabEmail Queue` queue ON queue.name = pending.reference_name
		WHERE pending.status = %s AND pending.trigger_at IS NULL AND pending.purpose = %s AND {which}
		LIMIT %s""",
		(ROW_PENDING, MAIL, limit),
	)


def _settle(host: SiteHost) -> bool:
	"""Whether there may be more."""
	with host.store.transaction():
		rows = _decided(failed=False, limit=BATCH)
		if rows:
			_close([name for name, *_ in rows], ROW_COMPLETED)
	return len(rows) == BATCH


def _note(host: SiteHost, row: Pending) -> Run | None:
	"""The run, if this has written the failure down."""
	run = host.store.lock_runs([row.flow_run]).get(row.flow_run)
	fate = host.messages.fates([row.reference_name])[row.reference_name]
	if fate.status != FATE_FAILED or not _close([row.name], ROW_FAILED, fate.reason):
		return None  # it is tried again, or somebody else has told it
	return run if run and mails.note_failure(host, run, row, fate) else None


def _close(names: list[str], status: str, error: str = "") -> int:
	frappe.db.sql(
		"""UPDATE `tabFlow Step Pending` SET status = %s, executed_at = %s, last_error = %s
		WHERE name IN %s AND status = %s""",
		(status, frappe.utils.now_datetime(), shown.as_plain(error) or None, tuple(names), ROW_PENDING),
	)
	return max(0, frappe.db._cursor.rowcount)
