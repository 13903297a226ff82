"""Workers that want the same rows of the database: none undoes another for nothing, and a collision is no failed try."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from types import SimpleNamespace

import frappe
import pytest
import records as r
from at_once import at_once
from test_faults import made, waiting_job

from flow_editor.services import claiming, inbox, starting
from flow_editor.site import errors
from flow_editor.site.host import current
from flow_editor.site.store import SiteStore

WORKERS = 8
#: Holds the row of a naming series until it is told to let go.
HOLDER = """
import sys, frappe
frappe.init(site=sys.argv[1]); frappe.connect()
frappe.db.sql("SELECT current FROM `tabSeries` WHERE name = %s FOR UPDATE", sys.argv[2])
print("held", flush=True)
sys.stdin.readline()
frappe.db.rollback()
"""


def variable(name: str) -> str | None:
	found = frappe.db.sql("SHOW SESSION VARIABLES LIKE %s", name)
	return found[0][1] if found else None


@contextmanager
def nobody_waits():
	"""Let this connection be refused a lock at once that another holds."""
	before = variable("innodb_lock_wait_timeout")
	frappe.db.sql("SET SESSION innodb_lock_wait_timeout = 0")
	try:
		yield
	finally:
		frappe.db.rollback()
		frappe.db.sql(f"SET SESSION innodb_lock_wait_timeout = {int(before)}")


@contextmanager
def held(series: str):
	holder = subprocess.Popen(
		[sys.executable, "-W", "ignore", "-c", HOLDER, frappe.local.site, series],
		stdin=subprocess.PIPE,
		stdout=subprocess.PIPE,
		text=True,
	)
	try:
		assert holder.stdout.readline() == "held\n"
		yield
	finally:
		holder.communicate("let go\n", timeout=60)


def rows_of(started: list[str]) -> list:
	return frappe.get_all(
		"Flow Step Pending",
		filters={"flow_run": ("in", started)},
		fields=["status", "retry_count", "last_error", "trigger_at"],
	)


def test_workers_that_make_documents_of_one_series_undo_none_of_each_others_work(site):
	started, subject = waiting_job(160)

	def work(_number: int) -> tuple[int, int]:
		drained = inbox.drain(current())
		return drained.worked, drained.failed

	drained = at_once(WORKERS, work)
	assert sum(failed for _, failed in drained) == 0
	assert made(subject) == len(started)
	assert {(row.status, row.retry_count, row.last_error) for row in rows_of(started)} == {
		("completed", 0, None)
	}


def test_the_engine_waits_where_the_server_would_undo_it_and_asks_once_for_each_connection(site):
	store = SiteStore()
	frappe.db.commit()
	if variable("innodb_snapshot_isolation") is not None:
		frappe.db.sql("SET SESSION innodb_snapshot_isolation = ON")
	frappe.local.flow_editor_connection = None
	with store.transaction():
		assert variable("innodb_snapshot_isolation") in (None, "OFF")
	asked = []
	real = frappe.db.sql
	frappe.db.sql = lambda query, *args, **more: asked.append(query) or real(query, *args, **more)
	try:
		with store.transaction():
			pass
	finally:
		del frappe.db.sql
	assert not [query for query in asked if "isolation" in query]
	frappe.db.close()
	frappe.connect(set_admin_as_user=False)
	with store.transaction():
		assert variable("innodb_snapshot_isolation") in (None, "OFF")


@pytest.mark.parametrize("count", [1, 3])
def test_a_collision_is_no_failed_try(site, count):
	r.drain()
	waiting_job()  # after which the series is there
	r.drain()
	started, subject = waiting_job(count)
	with held("DJ-"), nobody_waits():
		assert inbox.drain(site).failed == count
		for row in rows_of(started):
			assert (row.status, row.retry_count) == ("pending", 0)
			assert row.last_error.startswith("Others were changing the same rows")
			waits = (row.trigger_at - site.now()).total_seconds()
			assert waits <= inbox.COLLISION_SECONDS[1]
	assert made(subject) == 0
	frappe.db.sql("UPDATE `tabFlow Step Pending` SET trigger_at = '2026-01-01' WHERE status = 'pending'")
	r.drain()
	assert made(subject) == count
	for run in started:
		assert r.state(run)["late"]["attempts"] == 1
	assert {(row.status, row.retry_count) for row in rows_of(started)} == {("completed", 0)}
	assert frappe.db.count("Error Log", {"method": ("like", "Workers collide%")}) <= 1


def test_who_collided_waits_a_little_longer_each_time_and_at_random(site, monkeypatch):
	r.drain()
	waiting_job()  # after which the series is there
	r.drain()
	waits = []
	monkeypatch.setattr(claiming, "time", SimpleNamespace(sleep=waits.append))
	for _ in range(2):
		waiting_job()
		with held("DJ-"), nobody_waits():
			assert inbox.drain(site).failed == 1
		frappe.db.delete("Flow Step Pending", {"status": "pending"})
		frappe.db.commit()
	# Together with those that are due, and then alone: each is tried three times.
	pauses = claiming.TRIES_AT_ONCE - 1
	assert len(waits) == 2 * 2 * pauses
	for number, wait in enumerate(waits):
		assert 0 <= wait <= claiming.PAUSE * 2 ** (number % pauses)
	assert len(set(waits)) == len(waits)


@pytest.mark.parametrize("code", errors.CONFLICT)
def test_every_kind_of_collision_counts_as_one_and_a_lost_connection_does_not(site, code):
	assert site.is_conflict(frappe.db.OperationalError(code, "said the database"))
	assert site.is_conflict(frappe.QueryDeadlockError(code)) and site.is_conflict(frappe.QueryTimeoutError())
	for other in (frappe.db.OperationalError(2006, "gone away"), ValueError(code), frappe.ValidationError()):
		assert not site.is_conflict(other)


@pytest.mark.parametrize("collisions", [1, claiming.CLAIM_TRIES])
def test_what_came_of_a_call_is_written_without_making_it_again_at_once(
	site, receiver, monkeypatch, collisions
):
	monkeypatch.setattr(claiming, "PAUSE", 0)
	flow = r.template(r.step("a", "webhook", payload={"url": receiver.url}))
	run = starting.start(site, flow.name).run.name
	frappe.db.commit()
	store = current().store
	real, left = store.run, collisions

	def collides(name: str, *, lock: bool = False):
		nonlocal left
		if lock and receiver.calls and left:
			left -= 1
			raise frappe.QueryDeadlockError(1020, "Record has changed since last read")
		return real(name, lock=lock)

	monkeypatch.setattr(store, "run", collides)
	r.drain()
	assert len(receiver.calls) == 1 and not left
	(row,) = r.rows(run, purpose="call")
	if collisions == 1:
		assert (row.status, row.retry_count) == ("completed", 0) and r.statuses(run) == {"a": "done"}
	else:
		# It may have been heard, so it is no collision like others: that would call for ever.
		assert (row.status, row.retry_count) == ("pending", 1)
		assert "The call was made" in row.last_error
