"""Item 5: how fast due rows are worked off, by one process and by two."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import frappe
from frappe.utils.background_jobs import get_redis_conn
from rq import Queue, SimpleWorker

from benchmarks import flows, site
from benchmarks.measure import Figure, Pairs, figure, in_turn, per_second
from flow_editor.services import inbox
from flow_editor.site.host import SiteHost

QUEUE = "flow_editor_benchmark"
#: A process that is ready before it is told to begin, and says what it did.
WORKER = """
import json, sys, time
sys.path.insert(0, sys.argv[1])
from benchmarks import site
import frappe
frappe.init(site=site.SITE); frappe.connect(); frappe.local.conf.allow_tests = False
from flow_editor.services import inbox
from flow_editor.site.host import current
inbox.drain(current())
print("ready", flush=True)
for line in sys.stdin:
	worked = inbox.drain(current()).worked
	print(json.dumps({"worked": worked, "at": time.time()}), flush=True)
"""


def measure(host: SiteHost, rounds: int, size: float) -> Iterator[Figure]:
	rounds, count = max(3, rounds // 3), max(200, int(10_000 * size))
	flow = site.template(flows.chain(1, trigger={"type": "after_delay", "delay_days": 3}))
	yield from against_rq(host, flow, rounds, count)
	yield from two_processes(host, flow, rounds, count)
	site.clear()


def against_rq(host: SiteHost, flow, rounds: int, count: int) -> Iterator[Figure]:
	redis = get_redis_conn()
	queue = Queue(QUEUE, connection=redis)
	jobs = max(50, count // 10)

	def drain() -> float:
		site.clear_runs()
		site.insert_waiting_runs(flow, count)
		began = time.perf_counter()
		worked = inbox.drain(host)
		seconds = time.perf_counter() - began
		assert (worked.worked, worked.failed) == (count, 0), worked
		check_worked_once(count)
		return seconds

	def work_jobs() -> float:
		for _ in range(jobs):
			queue.enqueue("time.monotonic", result_ttl=0)
		worker = SimpleWorker([queue], connection=redis)
		worker.log.disabled = True
		began = time.perf_counter()
		ours = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
		try:
			worker.work(burst=True, with_scheduler=False, logging_level="ERROR")
			return (time.perf_counter() - began) * count / jobs
		finally:
			for number, handler in ours.items():  # the worker has put its own in their place
				signal.signal(number, handler)

	pairs = in_turn(drain, work_jobs, rounds)
	queue.delete(delete_jobs=True)
	rows, jobs_rate = pairs.medians
	yield figure(
		"5",
		f"Draining {count:,} due rows in one process, against RQ's SimpleWorker on no-op jobs (its rate, of {jobs:,})",
		pairs.ratios(speed=True),
		2,
		at_most=False,
		detail=f"{per_second(count, rows)} against {per_second(count, jobs_rate)}",
	)


def two_processes(host: SiteHost, flow, rounds: int, count: int) -> Iterator[Figure]:
	script = [sys.executable, "-W", "ignore", "-c", WORKER, str(Path(__file__).parents[1])]
	both = [
		subprocess.Popen(script, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ)
		for _ in range(2)
	]
	try:
		for process in both:
			assert process.stdout.readline().strip() == "ready"

		def drain_with(processes) -> float:
			site.clear_runs()
			site.insert_waiting_runs(flow, count)
			began = time.time()
			for process in processes:
				process.stdin.write("go\n")
				process.stdin.flush()
			answers = [json.loads(process.stdout.readline()) for process in processes]
			frappe.db.rollback()
			assert sum(answer["worked"] for answer in answers) == count, answers
			check_worked_once(count)
			return max(answer["at"] for answer in answers) - began

		pairs: Pairs = in_turn(lambda: drain_with(both), lambda: drain_with(both[:1]), rounds)
	finally:
		for process in both:
			process.stdin.close()
			process.wait(timeout=60)
	two, one = pairs.medians
	yield figure(
		"5",
		f"Two processes against one ({os.cpu_count()} processors, which the database shares; rows worked twice: 0)",
		pairs.ratios(speed=True),
		1.7,
		at_most=False,
		detail=f"{per_second(count, two)} against {per_second(count, one)}",
	)


def check_worked_once(count: int) -> None:
	"""Every row is settled, and every step was tried once."""
	frappe.db.commit()
	rows = dict(frappe.db.sql("SELECT status, COUNT(*) FROM `tabFlow Step Pending` GROUP BY status"))
	assert rows == {"completed": count}, rows
	tried = frappe.db.sql(
		"SELECT JSON_VALUE(step_state, '$.s0.attempts'), status, COUNT(*) FROM `tabFlow Run` GROUP BY 1, 2"
	)
	assert tried == (("1", "completed", count),), tried
