"""What Frappe's queue could not send, looked for once a minute.

Frappe sets a row's status without telling anybody (`db.set_value`). So those that have failed are asked for: few, by an
index. The Message-ID of a flow's mail ends with its run, and the row of the inbox that says that a failure has been told
names the mail.
"""

from __future__ import annotations

import frappe

from flow_editor.engine.ports import FATE_FAILED
from flow_editor.engine.records import MAIL, ROW_FAILED, Pending, Run
from flow_editor.services import mails
from flow_editor.site.host import SiteHost

QUEUE = "Email Queue"
#: How many are looked at in one tick.
MOST = 100
FAILED = """SELECT queue.name, run.name
	FROM `tabEmail Queue` queue
	JOIN `tabFlow Run` run ON run.name = SUBSTRING_INDEX(SUBSTRING_INDEX(queue.message_id, '@', 1), '.', -1)
	LEFT JOIN `tabFlow Step Pending` told
		ON told.reference_doctype = 'Email Queue' AND told.reference_name = queue.name
	WHERE queue.status IN ('Error', 'Expired') AND told.name IS NULL
	LIMIT %s"""


def sweep(host: SiteHost) -> None:
	"""Write down which mails of steps were not sent, and tell the owners of their flows: each once, however many."""
	told: dict[str, list[tuple[Run, str]]] = {}
	with host.store.transaction():
		failed = frappe.db.sql(FAILED, MOST)
	for mail, name in failed:
		with host.store.transaction():
			run, step = _note(host, mail, name)
		if run and step:
			told.setdefault(run.flow_template, []).append((run, step))
	for of_one in told.values():
		with host.store.transaction():
			mails.tell_owner(host, *of_one[0], len(of_one))


def _note(host: SiteHost, mail: str, name: str) -> tuple[Run | None, str]:
	"""The run and the step that the failure was written down with, if this has done it."""
	run = host.store.lock_runs([name]).get(name)
	fate = host.messages.fates([mail])[mail]
	if run is None or fate.status != FATE_FAILED:
		return None, ""  # somebody has it sent again
	step = mails.note_failure(host, run, mail, f"{QUEUE} {mail}", fate)
	host.store.insert_pending(
		[
			Pending(
				name,
				step,
				MAIL,
				status=ROW_FAILED,
				last_error=fate.reason,
				reference_doctype=QUEUE,
				reference_name=mail,
				executed_at=host.now(),
			)
		]
	)
	return run, step
