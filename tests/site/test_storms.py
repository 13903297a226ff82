"""Poison and storms: each is bounded, says what to do, and does not keep the others waiting."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import frappe
import pytest
import records as r
from at_once import at_once
from frappe.utils.background_jobs import get_jobs
from receiver import allow
from rq.timeouts import JobTimeoutException, UnixSignalDeathPenalty

from flow_editor.engine.errors import Invalid, StepFailed
from flow_editor.services import advance, inbox, keeping, runs, starting
from flow_editor.site import poke, worker
from flow_editor.site.host import current
from flow_editor.site.http import GuardedHttp

#: How many saves a storm has; the long form takes 10,000.
SAVES = int(os.environ.get("FLOW_EDITOR_SAVES", "200"))
MB = 1024 * 1024


def failing(id: str = "a", **more) -> dict:
	payload = {"doctype": "Issue", "docname_ref": "NO-SUCH", "fields_json": {"subject": "x"}}
	return r.step(id, "erp_update", payload=payload, **more)


def only(*flows) -> None:
	"""Switch every other flow off for the while of this transaction."""
	frappe.db.sql(
		"UPDATE `tabFlow Template` SET is_active = 0 WHERE name NOT IN %s", ([f.name for f in flows],)
	)


@pytest.fixture
def seeds_switched_on_again(site):
	active = frappe.get_all("Flow Template", filters={"is_active": 1}, pluck="name") or [""]
	yield site
	frappe.db.rollback()
	frappe.db.sql("UPDATE `tabFlow Template` SET is_active = 1 WHERE name IN %s", (active,))
	frappe.db.commit()


def save_again_if_undone(act) -> None:
	"""As a person does: MariaDB 11.8 undoes saves of one naming series that meet, on a site without flows too."""
	while True:
		try:
			act()
			frappe.db.commit()
			return
		except frappe.QueryDeadlockError:
			frappe.db.rollback()


def test_a_storm_of_saves_starts_each_run_once_and_queues_a_handful_of_jobs(seeds_switched_on_again):
	from test_workers import empty_queues

	empty_queues()
	flow = r.template(r.reading("a"), r.step("b", depends_on=["a"]), event="on_issue_opened")
	only(flow)
	processes = 4

	def save(number: int) -> None:
		for _ in range(SAVES // processes):
			save_again_if_undone(r.issue)

	began = time.monotonic()
	at_once(processes, save)
	saved = time.monotonic() - began
	queued = get_jobs(queue="default", key="method").get(frappe.local.site, [])
	assert len(queued) <= poke.SLOTS
	assert frappe.db.count("Flow Run", {"flow_template": flow.name}) == SAVES
	began = time.monotonic()
	worked = inbox.drain(current()).worked
	drained = time.monotonic() - began
	frappe.db.rollback()
	assert worked == SAVES
	assert frappe.db.count("Flow Run", {"flow_template": flow.name, "status": "completed"}) == SAVES
	documents = frappe.db.sql(
		"SELECT COUNT(DISTINCT context_docname) FROM `tabFlow Run` WHERE flow_template = %s", flow.name
	)[0][0]
	assert documents == SAVES
	print(
		f"\n{SAVES} saves in {saved:.1f} s, {len(queued)} jobs queued, drained in {drained:.1f} s, each once"
	)
	empty_queues()


def test_a_storm_of_failures_tells_the_owner_twice_and_pauses_the_flow(seeds_switched_on_again):
	poison = r.template(failing(), event="on_issue_opened")
	healthy = r.template(r.reading("a"), event="on_issue_opened")
	only(poison, healthy)
	for _ in range(25):
		r.issue()
	r.drain()
	started = [run.name for run in r.runs(poison)]
	assert {run.status for run in r.runs(poison)} == {"failed"} and len(started) == 25
	assert [run.status for run in r.runs(healthy)] == ["completed"] * 25
	told = frappe.get_all("Notification Log", filters={"document_name": ("in", started)}, pluck="subject")
	assert len(told) == 2, told
	poison.reload()
	assert not poison.is_active and "Mend the cause and switch it on again" in poison.paused_reason
	r.issue()
	assert len(r.runs(poison)) == 25 and len(r.runs(healthy)) == 26


def test_two_flows_that_set_each_other_off_are_stopped(seeds_switched_on_again):
	def half(hears: str, says: str):
		return r.template(
			r.step("a", "issue", payload={"subject": says}),
			event="on_issue_opened",
			trigger_condition=json.dumps({"==": [{"var": "doc.subject"}, hears]}),
		)

	ping, pong = half("ping", "pong"), half("pong", "ping")
	only(ping, pong)
	r.issue(subject="ping")
	r.drain()
	depths = sorted(run.depth for flow in (ping, pong) for run in r.runs(flow))
	assert depths == list(range(current().max_depth + 1))
	(logged,) = frappe.get_all("Error Log", filters={"method": ("like", "%was not started%")}, pluck="error")
	assert "need a condition that ends the loop" in logged


@pytest.fixture
def endless(site):
	"""A receiver whose answer has a hundred megabytes."""

	class Handler(BaseHTTPRequestHandler):
		def do_GET(self):
			self.send_response(200)
			self.end_headers()
			try:
				for _ in range(100):
					self.wfile.write(b"x" * MB)
			except OSError:
				self.server.hung_up.set()

		def log_message(self, *_):
			pass

	server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
	server.hung_up = threading.Event()
	threading.Thread(target=server.serve_forever, daemon=True).start()
	allow("127.0.0.1")
	yield server
	server.shutdown()
	allow("")


def test_an_answer_of_a_hundred_megabytes_is_hung_up_on(endless):
	url = f"http://127.0.0.1:{endless.server_port}/"
	flow = r.template(r.step("a", "webhook", payload={"url": url, "method": "GET"}))
	run = starting.start(current(), flow.name).run.name
	before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
	r.drain()
	grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
	state = r.state(run)["a"]
	assert (
		state["status"] == "done" and state["result"]["truncated"] and len(state["result"]["body"]) < 20_000
	)
	assert endless.hung_up.wait(10) and grown < 20, f"{grown:.0f} MB"


SLOW = {
	"headers": (b"HTTP/1.1 200 OK\r\nX-Long: ", b"x", b"\r\nContent-Length: 0\r\n\r\n"),
	"body": (b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n", b"x", b""),
	"body without an end": (b"HTTP/1.1 200 OK\r\n\r\n", b"x", b""),
	"promises": (b"", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
}


@pytest.mark.parametrize("what", SLOW)
def test_an_answer_that_comes_drop_by_drop_is_hung_up_on(site, what):
	"""Each drop comes well within the time, and all of them do not."""
	first, drop, last = SLOW[what]
	listening = socket.create_server(("127.0.0.1", 0))

	def answer():
		connected, _ = listening.accept()
		with connected, contextlib.suppress(OSError):
			connected.recv(65536)
			connected.sendall(first)
			for _ in range(20):
				connected.sendall(drop)
				time.sleep(0.2)
			connected.sendall(last)

	threading.Thread(target=answer, daemon=True).start()
	http = GuardedHttp(["127.0.0.1"], 1000)
	with listening, pytest.raises(StepFailed, match="it took too long"):
		http.request(
			"GET", f"http://127.0.0.1:{listening.getsockname()[1]}/", headers={}, body=None, timeout=1
		)


@pytest.mark.parametrize("charset", ["idna", "undefined", "hex", "no-such", "x\0y"])
def test_an_answer_in_a_charset_that_is_none_is_read_all_the_same(site, charset):
	listening = socket.create_server(("127.0.0.1", 0))

	def answer():
		connected, _ = listening.accept()
		with connected:
			connected.recv(65536)
			head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset={charset}\r\nContent-Length: 2\r\n\r\nok"
			connected.sendall(head.encode())

	threading.Thread(target=answer, daemon=True).start()
	with listening:
		url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
		answer = GuardedHttp(["127.0.0.1"], 1000).request("GET", url, headers={}, body=None, timeout=5)
	assert answer.body == "ok"


def test_a_result_of_a_hundred_megabytes_is_cut_or_refused(site, other_app):
	flow = r.template(r.step("a", trigger={"type": "manual"}), r.step("b", "huge", payload={}, depends_on=["a"]), catalog="project")  # fmt: skip
	run = starting.start(current(), flow.name).run.name
	with pytest.raises(Invalid, match="Send less, or a link to it"):
		runs.complete(current(), run, "a", {"text": "x" * (100 * MB)})
	assert r.statuses(run) == {"a": "pending", "b": "pending"}
	runs.complete(current(), run, "a", {"text": "x" * 1000})
	result = r.state(run)["b"]["result"]
	assert r.statuses(run)["b"] == "done" and result["truncated"]
	stored = frappe.db.sql("SELECT LENGTH(step_state) FROM `tabFlow Run` WHERE name = %s", run)[0][0]
	assert stored < 2 * keeping.RESULT_LENGTH


def test_a_step_that_never_ends_is_ended_with_its_job_and_given_up_after_five(site, other_app):
	"""RQ's own alarm, set to a second. The step would swallow any exception that RQ raises."""
	endless = r.template(r.step("a", trigger={"type": "after_delay", "delay_days": 1}), r.step("b", "endless", payload={}, depends_on=["a"]), catalog="project")  # fmt: skip
	run = starting.start(current(), endless.name).run.name
	r.make_due(run)
	for _ in range(inbox.MAX_ATTEMPTS):
		with pytest.raises(worker.OutOfTime), UnixSignalDeathPenalty(1, JobTimeoutException):
			worker.drain()
		frappe.db.rollback()
		healthy = starting.start(current(), r.template(r.step("a", trigger={"type": "after_delay", "delay_days": 1})).name).run.name  # fmt: skip
		r.make_due(healthy)
		worker.drain()
		assert r.statuses(healthy) == {"a": "done"}, "the others go on"
		frappe.db.sql("UPDATE `tabFlow Step Pending` SET lease_until = '2026-01-01' WHERE flow_run = %s", run)
		frappe.db.commit()
	worker.drain()
	assert r.statuses(run)["a"] == "failed" and "Look at the worker's log" in r.state(run)["a"]["error"]
	assert frappe.db.count("ToDo", {"description": "endless"}) == 0


@pytest.mark.parametrize("shape", ["chain", "fan", "deep"])
def test_a_definition_at_the_limit_runs_to_its_end_and_lets_others_through(site, shape):
	limits = current().limits
	count = limits.max_depth if shape == "deep" else limits.max_steps
	steps = [r.step("s0", trigger={"type": "after_delay", "delay_days": 1})]
	for number in range(1, count):
		before = {"chain": {"depends_on": [f"s{number - 1}"]}, "fan": {"depends_on": ["s0"]}, "deep": {"parent_id": f"s{number - 1}"}}  # fmt: skip
		steps.append(r.step(f"s{number}", **before[shape]))
	large = starting.start(current(), r.template(*steps).name).run.name
	small = starting.start(
		current(), r.template(r.step("s0", trigger={"type": "after_delay", "delay_days": 1})).name
	).run.name
	r.make_due(large)
	r.make_due(small)
	began = time.monotonic()
	r.drain()
	assert frappe.db.get_value("Flow Run", large, "status") == "completed"
	assert frappe.db.get_value("Flow Run", small, "status") == "completed"
	if shape != "deep":
		assert len(r.rows(large, purpose="advance")) >= count // advance.BUDGET_STEPS - 1, "it took its turns"
	print(f"\n{shape} of {count} steps: {time.monotonic() - began:.1f} s")


def test_what_is_beyond_the_limit_is_refused(site):
	limits = current().limits
	too_many = [r.step(f"s{number}") for number in range(limits.max_steps + 1)]
	too_deep = [
		r.step("s0"),
		*(r.step(f"s{n}", parent_id=f"s{n - 1}") for n in range(1, limits.max_depth + 2)),
	]
	for steps in (too_many, too_deep):
		with pytest.raises(frappe.ValidationError, match="at most"):
			r.template(*steps)
