"""A real site to measure on: connected, without runs, and with no flow active but those that a measure makes.

Needs `allow_tests` in the site's config, because it clears all runs. Run with the bench's Python in its sites
folder, which `make benchmark-site` does.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import frappe
from frappe.utils import get_datetime

from benchmarks.flows import Definition
from flow_editor.engine.records import FIRE, Pending, Run
from flow_editor.services import head, inbox
from flow_editor.site.host import SiteHost, current

SITE = os.environ.get("FLOW_EDITOR_SITE", "flow.test")
#: The event that the measured flows listen to, and the DocType that it is about.
EVENT, DOCTYPE = "on_issue_opened", "Issue"
LONG_AGO = "2020-01-01 00:00:00"
#: What the database said it does for each query: filled by the measure of large tables, shown by the report.
PLANS: list[tuple[str, str]] = []


@contextmanager
def site() -> Iterator[SiteHost]:
	frappe.init(site=SITE)
	frappe.connect()
	if not frappe.conf.allow_tests:
		raise SystemExit(f"The site {SITE} does not allow tests, and its runs would be cleared.")
	frappe.set_user("Administrator")
	# The flag is there for the tests alone, and has every query ask Redis whether to print it.
	frappe.local.conf.allow_tests = False
	active = frappe.get_all("Flow Template", filters={"is_active": 1}, pluck="name")
	try:
		clear()
		_activate(active, 0)
		yield current()
	finally:
		frappe.db.rollback()
		clear()
		_activate(active, 1)
		frappe.destroy()


def _activate(names: list[str], active: int) -> None:
	for name in names:
		frappe.db.set_value("Flow Template", name, "is_active", active, update_modified=False)
	frappe.db.commit()


def clear() -> None:
	"""Forget all runs and the flows that were made for a measure."""
	frappe.db.commit()
	for table in ("Flow Step Pending", "Flow Run"):
		frappe.db.sql_ddl(f"TRUNCATE TABLE `tab{table}`")
	own = frappe.get_all("Flow Template", filters={"is_system": 0}, pluck="name")
	if own:
		frappe.db.delete("Flow Version", {"flow_template": ("in", own)})
		frappe.db.delete("Flow Template", {"name": ("in", own)})
	frappe.db.commit()


def clear_runs() -> None:
	for doctype in ("Flow Step Pending", "Flow Run"):
		frappe.db.delete(doctype)
	frappe.db.commit()


@contextmanager
def by_a_worker() -> Iterator[None]:
	"""Have every run left to a worker from its first step on, though it could do without one."""
	most, head.MOST_STEPS = head.MOST_STEPS, 0
	try:
		yield
	finally:
		head.MOST_STEPS = most


def template(definition: Definition, *, event: str = EVENT, name: str = "Benchmark") -> Any:
	made = frappe.get_doc(
		{
			"doctype": "Flow Template",
			"template_name": f"{name} {frappe.generate_hash(length=8)}",
			"category": "other",
			"is_active": 1,
			"trigger_event": event,
			"flow_definition": json.dumps(definition),
			"run_as": "Administrator",
		}
	).insert()
	frappe.db.commit()
	return made


def document() -> Any:
	"""A document for runs to be about."""
	made = frappe.get_doc(
		{"doctype": DOCTYPE, "subject": "No signal", "raised_by": "ana@example.com"}
	).insert()
	frappe.db.commit()
	inbox.drain(current())
	return made


def insert_todo() -> None:
	"""The yardstick: one small document saved the usual way, and committed."""
	frappe.get_doc({"doctype": "ToDo", "description": "x"}).insert()
	frappe.db.commit()


def clear_todos() -> None:
	frappe.db.delete("ToDo", {"description": "x"})
	frappe.db.commit()


def insert_waiting_runs(flow: Any, count: int, *, due: str = LONG_AGO) -> None:
	"""Runs whose first step waits for its time, and the inbox rows that will fire it."""
	host = current()
	steps = json.loads(flow.flow_definition)["steps"]
	states = {
		steps[0]["id"]: {"status": "scheduled", "due_at": due},
		**{step["id"]: {"status": "pending"} for step in steps[1:]},
	}
	for begin in range(0, count, 1000):
		runs = [
			Run(flow.name, flow.version, trigger_event=EVENT, context_doctype=DOCTYPE, context_docname="B", step_state=states, started_at=host.now(), run_as="Administrator", checksum=flow.checksum)
			for _ in range(min(1000, count - begin))
		]  # fmt: skip
		for run in runs:
			host.store.insert_run(run)
		host.store.insert_pending(
			[Pending(run.name, steps[0]["id"], FIRE, get_datetime(due), context_snapshot={"kind": "wait"}) for run in runs]
		)  # fmt: skip
		frappe.db.commit()
