"""Real workers, and what happens when Redis is away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone

import bench
import frappe
import pytest
import records as r

from flow_editor.site import poke, worker


def wait_for(holds, seconds: float = 40) -> None:
	deadline = time.monotonic() + seconds
	while not holds():
		assert time.monotonic() < deadline, "it did not happen"
		time.sleep(0.3)
		frappe.db.rollback()


@pytest.fixture
def a_worker(site):
	"""A `bench worker` in a process of its own."""
	empty_queues()
	process = subprocess.Popen(
		[
			str(bench.python()),
			"-m",
			"frappe.utils.bench_helper",
			"frappe",
			"worker",
			"--queue",
			"short,default,long",
		],
		cwd=bench.BENCH / "sites",
		stdout=subprocess.DEVNULL,
		stderr=subprocess.DEVNULL,
		start_new_session=True,
	)
	yield process
	os.killpg(process.pid, signal.SIGTERM)
	process.wait(timeout=60)


def empty_queues() -> None:
	from frappe.utils.background_jobs import get_redis_conn

	get_redis_conn().flushdb()


def completed(flow) -> bool:
	return [run.status for run in r.runs(flow)] == ["completed"]


def test_a_save_is_carried_to_its_end_by_a_worker(site, a_worker):
	flow = r.template(
		r.step("a"),
		r.step("b", "dispatch_job", payload={"subject": "from a worker"}, depends_on=["a"]),
		event="on_issue_opened",
	)
	r.issue(r.customer())
	assert [run.status for run in r.runs(flow)] == ["running"]
	frappe.db.commit()
	wait_for(lambda: completed(flow))
	job = r.state(r.runs(flow)[0])["b"]["result"]["job"]
	assert frappe.db.get_value("Dispatch Job", job, "owner") == "Administrator"


def test_a_user_who_may_nothing_starts_a_flow_that_acts_as_its_own_user(site, a_worker):
	agent = r.user("Support Team")
	website = f"https://{frappe.generate_hash(length=8)}.example"
	payload = {"doctype": "Company", "docname_ref": r.company(), "fields_json": {"website": website}}
	flow = r.template(
		r.step("a", "erp_update", payload=payload), event="on_issue_opened", run_as="Administrator"
	)
	frappe.db.commit()
	frappe.set_user(agent.name)
	assert not frappe.has_permission("Company", "write")
	r.issue()
	frappe.db.commit()
	frappe.set_user("Administrator")
	wait_for(lambda: completed(flow))
	assert frappe.db.get_value("Company", r.company(), "website") == website


def test_a_tick_does_what_is_due(site):
	flow = r.template(r.step("a", trigger={"type": "after_delay", "delay_days": 1}))
	from flow_editor.services import starting

	run = starting.start(site, flow.name).run
	worker.tick()
	assert r.statuses(run.name) == {"a": "scheduled"}
	r.make_due(run.name)
	worker.tick()
	assert r.statuses(run.name) == {"a": "done"}
	job = frappe.get_doc("Scheduled Job Type", {"method": "flow_editor.site.worker.tick"})
	assert (job.frequency, job.cron_format, job.stopped) == ("Cron", "* * * * *", 0)


def test_pokes_do_not_pile_up(site):
	from frappe.utils.background_jobs import get_jobs

	empty_queues()
	for _ in range(20):
		worker.poke()
	assert len(get_jobs(queue="default", key="method").get(frappe.local.site, [])) == 1
	empty_queues()


def test_a_queue_that_takes_no_more_jobs_breaks_no_save(site, monkeypatch):
	def refuse(*_, **__):
		frappe.throw("Too many queued background jobs", frappe.QueueOverloaded)

	empty_queues()
	monkeypatch.setattr(frappe, "enqueue", refuse)
	messages = list(frappe.local.message_log)
	worker.poke()
	assert frappe.local.message_log == messages


def take_and_die(queue: str) -> None:
	"""Take a job from its queue and be killed before it is begun."""
	from frappe.utils.background_jobs import get_queue, get_redis_conn

	assert get_redis_conn().lpop(get_queue(queue).key)


def test_a_drain_that_was_lost_with_its_worker_does_not_keep_others_from_being_queued(site, monkeypatch):
	from frappe.utils.background_jobs import get_queue

	empty_queues()
	worker.poke()
	take_and_die("default")
	worker.poke()
	assert get_queue("default").count == 0, "it may be on its way to its worker"
	monkeypatch.setattr(poke, "LOST_AFTER", timedelta(0))
	worker.poke()
	worker.poke()
	assert get_queue("default").count == 1
	empty_queues()


def test_drains_whose_workers_are_long_silent_do_not_keep_others_from_being_queued(site, monkeypatch):
	from frappe.utils.background_jobs import get_job, get_queue
	from rq.job import JobStatus

	empty_queues()
	for slot in range(poke.SLOTS):
		worker.poke()
		job = get_job(f"flow_editor_drain_{slot}")
		job.set_status(JobStatus.STARTED)
		job.heartbeat(datetime.now(timezone.utc), ttl=60)
		take_and_die("default")
	worker.poke()
	assert get_queue("default").count == 0, "each of them may be at work"
	monkeypatch.setattr(poke, "LOST_AFTER", timedelta(0))
	worker.poke()
	assert get_queue("default").count == 1
	empty_queues()


def test_a_tick_that_was_lost_with_its_worker_comes_again(site, monkeypatch):
	empty_queues()
	job = frappe.get_doc("Scheduled Job Type", {"method": "flow_editor.site.worker.tick"})
	assert job.enqueue(force=True) and not job.enqueue(force=True)
	take_and_die(job.get_queue_name())
	assert not job.enqueue(force=True), "it may be on its way to its worker"
	monkeypatch.setattr(poke, "LOST_AFTER", timedelta(0))
	assert job.enqueue(force=True) and not job.enqueue(force=True)
	other = frappe.get_doc("Scheduled Job Type", {"method": ("not like", "flow_editor.%")})
	assert other.enqueue(force=True)
	take_and_die(other.get_queue_name())
	assert not other.enqueue(force=True), "everybody else's are Frappe's own business"
	empty_queues()


SAVE = """
import sys, time, frappe
frappe.init(site=sys.argv[1]); frappe.connect(); frappe.set_user("Administrator")
began = time.monotonic()
made = frappe.get_doc({"doctype": "Issue", "subject": "while Redis was away", "raised_by": "a@example.com"}).insert()
frappe.db.commit()
print("saved", made.name, round(time.monotonic() - began, 1))
"""


def test_redis_away_loses_no_run_and_breaks_no_save(site):
	flow = r.template(r.reading("a"), event="on_issue_opened")
	frappe.db.commit()
	for name in ("queue", "cache"):
		bench.stop_redis(name)
	try:
		saved = subprocess.run(
			[sys.executable, "-W", "ignore", "-c", SAVE, frappe.local.site],
			capture_output=True,
			text=True,
			timeout=120,
		)
	finally:
		for name in ("cache", "queue"):
			bench.start_redis(name)
	assert saved.returncode == 0, saved.stderr[-3000:]
	frappe.db.rollback()
	assert [run.status for run in r.runs(flow)] == ["running"]
	worker.tick()
	assert completed(flow)


def test_an_accepted_quotation_is_followed_up_by_workers(site, a_worker):
	flow = r.seeded("quotation_follow_up")
	quoted = r.quotation(r.customer())
	quoted.submit()
	r.order_from(quoted)
	frappe.db.commit()
	(run,) = r.runs(flow)
	wait_for(lambda: set(r.statuses(run).values()) == {"scheduled"})
	for sent in (1, 2, 3):
		r.make_due(run, step_id=r.rows(run, status="pending")[0].step_id)
		worker.poke()
		wait_for(lambda sent=sent: list(r.statuses(run).values()).count("done") == sent)
		assert frappe.db.count("Email Queue", {"reference_name": quoted.name}) == sent
	assert completed(flow)
