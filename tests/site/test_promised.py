"""Calls that were promised, on a real database: the rows of earlier versions, deletion by hand, retention, and the doctor."""

from __future__ import annotations

import json

import frappe
import pytest
import records as r

from flow_editor.engine.records import CALL, FIRE, SIDE_CALL, Pending
from flow_editor.patches import give_waits_rows, name_side_calls
from flow_editor.services import runs, starting
from flow_editor.site.doctor import examine

URL = "https://partner.example.com/close"


@pytest.fixture
def run(site):
	"""A run that has been cancelled."""
	flow = r.template(r.step("hand", trigger={"type": "manual"}))
	name = starting.start(site, flow.name).run.name
	runs.cancel(site, name)
	return name


def promise(site, run: str, purpose: str = SIDE_CALL, status: str = "pending", **snapshot) -> str:
	row = Pending(run, "hand", purpose, site.now(), status, context_snapshot=snapshot or None)
	site.store.insert_pending([row])
	return row.name


def purpose(row: str) -> str:
	return frappe.db.get_value("Flow Step Pending", row, "purpose")


def test_a_migration_names_the_calls_of_earlier_versions(site, run, monkeypatch):
	monkeypatch.setattr(name_side_calls, "ROWS_AT_ONCE", 2)
	request = {"url": URL, "json": {"beside": True}}
	beside = [
		promise(site, run, CALL, status, request=request, beside=True)
		for status in ("pending", "failed", "completed")
	]
	others = {
		promise(site, run, CALL, request=request): CALL,
		promise(site, run, CALL, request=request, beside=False): CALL,
		promise(site, run, FIRE, beside=True): FIRE,
	}
	beside.append(promise(site, run, CALL, request=request, beside=True))
	for _ in range(2):  # it may be run again
		name_side_calls.execute()
		assert {purpose(row) for row in beside} == {SIDE_CALL}
		assert {row: purpose(row) for row in others} == others
	assert "flow_editor.patches.name_side_calls" in frappe.get_file_items(
		frappe.get_app_path("flow_editor", "patches.txt")
	)


def test_a_migration_gives_rows_to_what_waits(site, monkeypatch):
	monkeypatch.setattr(give_waits_rows, "AT_ONCE", 2)
	flow = r.template(r.step("hand", trigger={"type": "manual"}))
	waiting = [starting.start(site, flow.name).run.name for _ in range(3)]
	parked = [promise(site, run, request={"url": URL}) for run in waiting]
	# As version 0.3.0 left them.
	frappe.db.delete("Flow Step Pending", {"flow_run": ("in", waiting), "purpose": "wait"})
	for run, row in zip(waiting, parked, strict=True):
		states = '{"hand": {"status": "pending", "waiting": true}}'
		frappe.db.set_value("Flow Run", run, "step_state", states, update_modified=False)
		values = {"trigger_at": None, "reference_doctype": "Dispatch Job", "reference_name": "none"}
		frappe.db.set_value("Flow Step Pending", row, values, update_modified=False)
	for _ in range(2):  # it may be run again
		give_waits_rows.execute()
		rows = frappe.get_all(
			"Flow Step Pending",
			{"flow_run": ("in", waiting)},
			["flow_run", "step_id", "purpose", "status", "trigger_at"],
		)
		assert sorted((row.flow_run, row.purpose, row.status, bool(row.trigger_at)) for row in rows) == [
			(run, *rest)
			for run in waiting
			for rest in (("wait", "pending", False), ("watched_call", "pending", True))
		]
	r.drain()
	assert {frappe.db.get_value("Flow Step Pending", row, "status") for row in parked} == {"cancelled"}
	for run in waiting:
		runs.complete(site, run, "hand")
		assert frappe.db.get_value("Flow Run", run, "status") == "completed"


def test_an_admin_may_have_such_a_call_tried_again(site, run):
	row = frappe.get_doc("Flow Step Pending", promise(site, run, status="failed", request={"url": URL}))
	row.update({"status": "pending", "retry_count": 0})
	row.save()
	assert purpose(row.name) == SIDE_CALL


@pytest.mark.parametrize("owed", [SIDE_CALL, CALL])
def test_a_run_that_owes_a_call_is_not_deleted_by_hand(site, run, owed):
	row = promise(site, run, owed, request={"url": URL})
	with pytest.raises(frappe.ValidationError, match=f"yet to be made: {row}"):
		frappe.delete_doc("Flow Run", run)
	frappe.db.set_value("Flow Step Pending", row, "status", "cancelled")
	frappe.delete_doc("Flow Run", run)
	assert not frappe.db.exists("Flow Run", run) and not frappe.db.exists("Flow Step Pending", row)


def test_retention_leaves_a_run_that_owes_a_call(site, run):
	row = promise(site, run, request={"url": URL})
	frappe.db.set_value("Flow Run", run, "completed_at", "2020-01-01 00:00:00", update_modified=False)
	clear = frappe.get_doc("Flow Run", run).clear_old_logs
	clear(days=30)
	assert frappe.db.exists("Flow Run", run) and frappe.db.exists("Flow Step Pending", row)
	frappe.db.set_value("Flow Step Pending", row, "status", "completed")
	clear(days=30)
	assert not frappe.db.exists("Flow Run", run) and not frappe.db.exists("Flow Step Pending", row)


def found(site, what: str) -> str:
	(finding,) = [finding for finding in examine(site) if finding.what == what]
	return finding.found


def test_the_doctor_counts_the_calls_that_failed_and_not_what_looks_like_one(site, run):
	promise(site, run, CALL, "failed", request={"url": URL, "json": {"beside": True}})
	assert found(site, "Calls of dispatch jobs").startswith("0 failed")
	promise(site, run, status="failed", request={"url": URL})
	assert found(site, "Calls of dispatch jobs").startswith("1 failed")


def test_the_doctor_counts_the_flows_that_send_sms_and_not_those_that_mention_it(site):
	def count() -> int:
		said = found(site, "SMS gateway")
		return int(said.split(";")[1].split()[0]) if ";" in said else 0

	before = count()
	mentions = json.dumps({"channel": "sms"}) + ' "channel": "sms"'
	r.template(r.step("a", notes=mentions), variables={"channel": "sms"})
	assert count() == before
	r.template(r.step("a", "notify", payload={"channel": "sms", "body": "b", "to": "+15145550100"}))
	assert count() == before + 1
