"""Frozen workers, clocks that go back, Redis emptied, a migration under way, many workers at once.

MariaDB's own death is in test_database_killed.py, and processes that are killed in chaos.py.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import bench
import frappe
import pytest
import records as r
from at_once import at_once
from receiver import allow

from flow_editor.services import inbox, runs, starting
from flow_editor.site import worker
from flow_editor.site.host import SiteHost, current

#: How many rows several workers share; the long form takes 10,000.
ROWS = int(os.environ.get("FLOW_EDITOR_ROWS", "400"))


def job(id: str, subject: str, **more) -> dict:
	return r.step(id, "dispatch_job", payload={"subject": subject}, **more)


def made(subject: str) -> int:
	frappe.db.rollback()
	return frappe.db.count("Dispatch Job", {"subject": subject})


def waiting_job(count: int = 1):
	"""Runs whose one step is due, and the subject of the documents that it makes."""
	subject = r.unique("job")
	flow = r.template(job("late", subject, trigger={"type": "after_delay", "delay_days": 3}))
	started = [starting.start(current(), flow.name).run.name for _ in range(count)]
	frappe.db.sql(
		"UPDATE `tabFlow Step Pending` SET trigger_at = '2026-01-01' WHERE flow_run IN %s", (started,)
	)
	frappe.db.commit()
	return started, subject


# Frozen

A_WORKER = """
import os, signal, sys, frappe
frappe.init(site=sys.argv[1]); frappe.connect(); frappe.set_user("Administrator")
from datetime import timedelta
from flow_editor.services import claiming, inbox
from flow_editor.site.host import current
claiming.LEASE_MINUTES = 1 / 60
host = current()
"""


def a_worker(code: str) -> subprocess.Popen:
	frappe.db.commit()
	return subprocess.Popen(
		[sys.executable, "-W", "ignore", "-c", A_WORKER + code, frappe.local.site],
		stdout=subprocess.PIPE,
		stderr=subprocess.STDOUT,
		text=True,
	)


def wait_until_frozen(process: subprocess.Popen) -> None:
	deadline = time.monotonic() + 60
	while open(f"/proc/{process.pid}/stat").read().rpartition(")")[2].split()[0] != "T":
		assert time.monotonic() < deadline and process.poll() is None, "it was not frozen"
		time.sleep(0.05)


def test_a_worker_frozen_past_its_lease_and_woken_writes_nothing(site):
	(run,), subject = waiting_job()
	frozen = a_worker(
		"rows = host.store.claim(host.now(), 50, host.now() + timedelta(seconds=1), 'frozen')\n"
		"os.kill(os.getpid(), signal.SIGSTOP)\n"
		"print('kept', [inbox.work(host, row) for row in rows])"
	)
	wait_until_frozen(frozen)
	time.sleep(1.1)
	assert r.drain().worked == 1 and made(subject) == 1
	frozen.send_signal(signal.SIGCONT)
	assert "kept [False]" in frozen.communicate(timeout=60)[0]
	assert made(subject) == 1 and r.statuses(run) == {"late": "done"}
	assert frappe.db.count("Error Log", {"method": ("like", "%no longer this worker's%")}) == 1


@pytest.fixture
def slow_first(site):
	"""A receiver whose first answer comes only when `go_on` is set."""

	class Handler(BaseHTTPRequestHandler):
		def do_POST(self):
			self.rfile.read(int(self.headers["Content-Length"]))
			self.server.keys.append(self.headers["Idempotency-Key"])
			number = len(self.server.keys)
			if number == 1:
				self.server.go_on.wait(60)
			body = f'{{"answer": {number}}}'.encode()
			self.send_response(200)
			self.send_header("Content-Length", str(len(body)))
			self.end_headers()
			self.wfile.write(body)

		def log_message(self, *_):
			pass

	server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
	server.keys, server.go_on = [], threading.Event()
	threading.Thread(target=server.serve_forever, daemon=True).start()
	allow(f"127.0.0.1:{server.server_port}")
	yield server
	server.go_on.set()
	server.shutdown()
	allow("")


def test_a_call_that_was_frozen_past_its_lease_is_made_again_with_its_key_and_its_late_answer_refused(
	site, slow_first
):
	url, subject = f"http://127.0.0.1:{slow_first.server_port}/", r.unique("job")
	flow = r.template(
		r.step("a", "webhook", payload={"url": url, "timeout": 60}), job("b", subject, depends_on=["a"])
	)
	run = starting.start(current(), flow.name).run.name
	frappe.db.sql("UPDATE `tabFlow Step Pending` SET trigger_at = '2026-01-01'")
	frozen = a_worker("print('drained', inbox.drain(host))")
	deadline = time.monotonic() + 60
	while not slow_first.keys:
		assert time.monotonic() < deadline, frozen.communicate(timeout=5)
		time.sleep(0.05)
	frozen.send_signal(signal.SIGSTOP)
	time.sleep(1.2)
	r.drain()
	assert r.statuses(run) == {"a": "done", "b": "done"}
	slow_first.go_on.set()
	frozen.send_signal(signal.SIGCONT)
	assert "failed=1" in frozen.communicate(timeout=60)[0]
	frappe.db.rollback()
	assert r.state(run)["a"]["result"]["body"] == {"answer": 2}
	assert len(slow_first.keys) == 2 and len(set(slow_first.keys)) == 1
	assert made(subject) == 1


# Clocks


def test_a_clock_set_back_an_hour_makes_things_late_and_never_twice(site, monkeypatch):
	(run,), subject = waiting_job()
	real = SiteHost.now
	flow = r.template(job("soon", subject, trigger={"type": "after_delay", "delay_minutes": 30}))
	soon = starting.start(current(), flow.name).run.name
	# Somebody holds the one row while the clock goes back; the other falls due by the old clock only.
	(held,) = site.store.claim(site.now(), 1, site.now() + timedelta(minutes=10), "held")
	assert held.flow_run == run
	monkeypatch.setattr(SiteHost, "now", lambda self: real(self) - timedelta(hours=1))
	assert r.drain().worked == 0 and made(subject) == 0
	assert inbox.work(site, held), "a claim is known by its token, whatever the clock says"
	assert made(subject) == 1
	monkeypatch.setattr(SiteHost, "now", lambda self: real(self) + timedelta(minutes=31))
	assert r.drain().worked == 1 and r.drain().worked == 0
	assert made(subject) == 2
	assert {*r.statuses(run).values(), *r.statuses(soon).values()} == {"done"}


def test_a_lease_that_was_taken_before_the_clock_went_back_runs_out_an_hour_later(site, monkeypatch):
	_, subject = waiting_job()
	assert site.store.claim(site.now(), 1, site.now() + timedelta(minutes=10), "of one who died")
	real = SiteHost.now
	monkeypatch.setattr(SiteHost, "now", lambda self: real(self) - timedelta(hours=1))
	assert r.drain().worked == 0
	monkeypatch.setattr(SiteHost, "now", lambda self: real(self) + timedelta(minutes=11))
	assert r.drain().worked == 1 and made(subject) == 1


# Redis and migration


def test_redis_emptied_loses_nothing(site):
	(run,), subject = waiting_job()
	flow = r.template(job("a", subject), event="on_issue_opened")
	r.issue()
	frappe.db.commit()  # a drain is queued for it
	for name in ("queue", "cache"):
		host, port = bench.redis_address(name)
		import redis

		redis.Redis(host, port).flushall()
	worker.tick()
	assert [run.status for run in r.runs(flow)] == ["completed"]
	assert made(subject) == 2 and r.statuses(run) == {"late": "done"}


def test_a_migration_under_runs_in_flight_loses_nothing(site):
	(due,), subject = waiting_job()
	by_hand = r.template(r.step("a", trigger={"type": "manual"}), job("b", subject, depends_on=["a"]))
	waits = starting.start(current(), by_hand.name).run.name
	listens = r.template(job("a", subject), event="on_issue_opened")
	r.issue()
	(held,) = site.store.claim(site.now(), 1, site.now() + timedelta(minutes=10), "held")
	bench.run([*bench.frappe(), "migrate", "--skip-search-index"])
	frappe.db.rollback()
	frappe.clear_cache()
	assert inbox.work(site, held)
	r.drain()
	runs.complete(current(), waits, "a")
	frappe.db.commit()
	(begun,) = r.runs(listens)
	for run in (due, waits, begun.name):
		assert set(r.statuses(run).values()) == {"done"}
	assert made(subject) == 3


def test_an_upgrade_that_takes_a_kind_away_says_so_on_the_runs_and_its_return_mends_them(site, other_app):
	flow = r.template(
		r.step("a", trigger={"type": "manual"}), r.step("b", "flaky", depends_on=["a"], payload={}), catalog="project"
	)  # fmt: skip
	run = starting.start(current(), flow.name).run.name
	frappe.db.commit()
	kinds = type(current()).catalog.fget
	without = type(
		"Without", (SiteHost,), {"catalog": property(lambda self: _without(kinds(self), "flaky"))}
	)()
	runs.complete(without, run, "a")
	assert r.statuses(run) == {"a": "done", "b": "failed"}
	assert (
		"no step kind 'flaky'" in r.state(run)["b"]["error"]
		and "Install the app" in r.state(run)["b"]["error"]
	)
	runs.retry(current(), run)
	assert r.statuses(run)["b"] in ("done", "scheduled")


def _without(catalog, name: str):
	from flow_editor.engine.kind import Catalog

	return Catalog(kind for kind in catalog.values() if kind.name != name)


# Many at once


@pytest.mark.parametrize("workers", [2, 4, 8])
def test_workers_that_drain_at_once_work_every_row_once(site, workers):
	started, subject = waiting_job(ROWS)
	worked = at_once(workers, lambda number: inbox.drain(current(), batch=20).worked)
	assert sum(worked) == ROWS and made(subject) == ROWS
	assert frappe.db.count("Flow Run", {"status": "completed", "name": ("in", started)}) == ROWS
	print(f"\n{workers} workers, {ROWS} rows: {worked}, each once")


def test_one_step_completed_fifty_times_at_once_acts_once(site):
	subject = r.unique("job")
	flow = r.template(job("hand", subject, trigger={"type": "manual"}))
	run = starting.start(site, flow.name).run.name
	acted = at_once(50, lambda number: runs.complete(current(), run, "hand", {"by": number})[0].executed)
	assert sum(executed == ["hand"] for executed in acted) == 1 and made(subject) == 1
