"""The kill test: whatever is killed, whenever, nothing is lost and nothing is doubled.

    python chaos.py --kills 1000        run by the bench's Python, in its sites folder; `make test-chaos KILLS=1000`

While customers open issues over HTTP, and flows answer them with documents, e-mails, webhooks, delays, retries and
joins, the processes that do it (real bench workers, web server, scheduler; see chaos_nursery.py) are killed with
SIGKILL: in turn before, within and after each of their first commits, and at random moments. Then the killing stops,
what is left is worked off, and everything is counted: a line of JSON with kills, runs, effects, lost and doubled.

Time is compressed: leases last seconds, delays and retries are let come due, and what Redis would find out about
dead workers after a minute and a half it is told at once. Nothing of the product is replaced.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count, cycle, product
from pathlib import Path

import bench
import fixtures
import frappe
import records as r
import requests
from frappe.utils import now_datetime
from http_client import key_of

WORKERS = 3
#: How many runs may be under way before customers wait.
UNDER_WAY = 60
#: Commits of a process at which it is killed, in turn.
COMMITS = range(1, 17)
#: Seconds that an idle worker is given to get something to do before it is killed all the same.
PATIENCE = 1
SETTLE_SECONDS = 240
SUBJECT = "chaos"
FLOW_USER_ROLES = ("System Manager", "Flow Manager", "Support Team")


# The load


def steps(url: str) -> dict[str, list[dict]]:
	"""Two flows that the same issue sets off, by name."""

	def job(id: str, **more) -> dict:
		return r.step(
			id, "dispatch_job", payload={"subject": f"{SUBJECT} {id}", **more.pop("payload", {})}, **more
		)

	def mail(id: str, **more) -> dict:
		payload = {"to": f"{id}@example.com", "subject": f"{SUBJECT} {id}", "body": "For {{doc.name}}"}
		return r.step(id, "notify", payload=payload, **more)

	def call(id: str, **more) -> dict:
		payload = {"url": f"{url}/{id}", "body_template": {"issue": "{{doc.name}}"}}
		return r.step(id, "webhook", payload=payload, **more)

	mixed = [
		r.step("asked", "condition", payload={"field": "doc.subject", "op": "contains", "value": "fiber"}),
		job("fiber", parent_id="asked", branch="yes", payload={"on_open_webhook": f"{url}/opened?issue={{{{doc.name}}}}"}),
		mail("copper", parent_id="asked", branch="no"),
		call("told"),
		call("flaky", retry={"attempts": 4, "delay_minutes": 1, "on": "any"}),
		mail("later", depends_on=["told"], trigger={"type": "after_delay", "delay_days": 3}),
		mail("by_hand", depends_on=["fiber", "copper"], trigger={"type": "manual"}),
		job("joined", depends_on=["fiber", "copper", "told", "flaky", "later", "by_hand"]),
	]  # fmt: skip
	chain = [
		r.step("a0", "erp_update", payload={"doctype": "Issue", "docname_ref": "{{doc.name}}", "fields_json": {"description": "seen"}}),
		*(r.step(f"a{n}", depends_on=[f"a{n - 1}"]) for n in range(1, 10)),
		job("end", depends_on=["a9"]),
		mail("goodbye", depends_on=["end"]),
		call("bye", depends_on=["goodbye"], trigger={"type": "after_delay", "delay_minutes": 10}),
	]  # fmt: skip
	return {"mixed": mixed, "chain": chain}


def expected(subject: str) -> dict[str, set[str]]:
	"""What one issue is to lead to: documents, mails and calls, by step."""
	fiber = "fiber" in subject
	return {
		"jobs": {"joined", "end"} | ({"fiber"} if fiber else set()),
		"mails": {"later", "by_hand", "goodbye"} | (set() if fiber else {"copper"}),
		"calls": {"told", "flaky", "bye"} | ({"opened"} if fiber else set()),
	}


class Receiver(ThreadingHTTPServer):
	"""Whom the webhooks call. It notes (step, issue, key), and refuses what is flaky the first time."""

	daemon_threads = True

	def __init__(self) -> None:
		super().__init__(("127.0.0.1", 0), Reception)
		self.arrived: list[tuple[str, str, str]] = []
		self.lock = threading.Lock()
		threading.Thread(target=self.serve_forever, daemon=True).start()

	@property
	def url(self) -> str:
		return f"http://127.0.0.1:{self.server_port}"

	def handle_error(self, request, client_address) -> None:
		"""A caller that is killed in the middle of its call is what this is about."""


class Reception(BaseHTTPRequestHandler):
	def do_POST(self) -> None:
		body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
		step, _, query = self.path.lstrip("/").partition("?issue=")
		arrival = (step, query or body["issue"], self.headers["Idempotency-Key"])
		with self.server.lock:
			first = arrival not in self.server.arrived
			self.server.arrived.append(arrival)
		self.send_response(503 if step == "flaky" and first else 200)
		self.end_headers()

	def log_message(self, *_: object) -> None:
		pass


class Customers(threading.Thread):
	"""Open issues over HTTP, one after another, whatever becomes of the web server in between."""

	def __init__(self, chaos: Chaos):
		super().__init__(daemon=True)
		self.chaos = chaos
		self.opened = 0
		self.broken = 0

	def run(self) -> None:
		for number in count():
			while self.chaos.under_way > UNDER_WAY and not self.chaos.over.is_set():
				time.sleep(0.1)
			if self.chaos.over.is_set():
				return
			kind = "fiber" if number % 2 else "copper"
			self.open(f"{SUBJECT} {kind} {uuid.uuid4().hex}")

	def open(self, subject: str) -> None:
		while not self.chaos.over.is_set():
			# After a broken connection nobody knows whether it was saved, so one looks first.
			filters = json.dumps([["subject", "=", subject]])
			found = self.chaos.ask("GET", "/api/resource/Issue", params={"filters": filters})
			if found is None:
				continue
			if found["data"]:
				self.opened += 1
				return
			about = {"subject": subject, "raised_by": "ana@example.com"}
			if self.chaos.ask("POST", "/api/resource/Issue", json=about) is None:
				self.broken += 1
			else:
				self.opened += 1
				return


# The killing


@dataclass
class Slot:
	"""A place for one process, and what is planned for the one in it."""

	role: str
	pid: int = 0
	born: float = 0
	#: When it is killed, if it has not died by then.
	until: float = 0
	#: By which it is known that it killed itself, and at which commit.
	mark: Path | None = None
	boundary: tuple[str, int, str] | None = None


@dataclass
class Chaos:
	kills: int
	seed: int
	slots: list[Slot] = field(default_factory=list)
	deaths: Counter = field(default_factory=Counter)
	boundaries: set[tuple[str, int, str]] = field(default_factory=set)
	under_way: int = 0
	over: threading.Event = field(default_factory=threading.Event)

	def __post_init__(self) -> None:
		self.random = random.Random(self.seed)
		self.folder = Path(tempfile.mkdtemp(prefix="chaos"))
		self.receiver = Receiver()
		self.session = threading.local()
		self.plans = cycle(product(COMMITS, ("before", "between", "after"), ("both", "self")))
		self.web_plans = cycle(product(range(1, 4), ("before", "between", "after")))
		with socket.socket() as probe:
			probe.bind(("127.0.0.1", 0))
			self.port = probe.getsockname()[1]
		self.nursery = subprocess.Popen(
			[sys.executable, "-W", "ignore", str(Path(__file__).parent / "chaos_nursery.py")],
			stdin=subprocess.PIPE,
			stdout=subprocess.PIPE,
			text=True,
			env={**os.environ, "FLOW_CHAOS": self.folder.name},
		)

	# Setting up and clearing away

	def set_up(self) -> None:
		_forget_documents()  # of one that was interrupted, which would count as lost
		self.seeds = frappe.get_all("Flow Template", filters={"is_active": 1}, pluck="name")
		for name in self.seeds:
			frappe.db.set_value("Flow Template", name, "is_active", 0)
		self.settings = frappe.get_doc("Flow Settings")
		self.allowed_before = self.settings.allowed_hosts
		self.settings.allowed_hosts = "127.0.0.1"
		self.settings.save()
		self.user = r.user(*FLOW_USER_ROLES)
		self.key = key_of(self.user)
		self.flows = {
			name: r.template(*made, event="on_issue_opened", applies_to="Issue").name
			for name, made in steps(self.receiver.url).items()
		}
		frappe.db.commit()
		frappe.clear_cache()
		_redis().flushdb()

	def clear_away(self) -> None:
		self.over.set()
		self.nursery.stdin.close()
		self.nursery.wait(timeout=10)
		for pid in self._ours():
			_kill(pid)
		frappe.db.rollback()
		_redis().flushdb()
		for name in self.seeds:
			frappe.db.set_value("Flow Template", name, "is_active", 1)
		self.settings.reload()
		self.settings.allowed_hosts = self.allowed_before
		self.settings.save()
		_forget_documents()
		frappe.delete_doc("User", self.user.name, force=True)
		frappe.db.commit()
		frappe.clear_cache()

	def _ours(self) -> list[int]:
		"""Processes that came out of the nursery, with jobs whose worker was killed from over them."""
		found = []
		for process in Path("/proc").glob("[0-9]*"):
			try:
				environment = (process / "environ").read_bytes()
			except OSError:  # it has ended meanwhile
				continue
			if f"FLOW_CHAOS={self.folder.name}".encode() in environment and int(process.name) != os.getpid():
				found.append(int(process.name))
		return found

	def ask(self, verb: str, path: str, **more) -> dict | None:
		"""The answer of whichever web server is there, or None if it was not to be had."""
		session = getattr(self.session, "it", None)
		if session is None:
			session = self.session.it = requests.Session()
			session.headers["Authorization"] = self.key
		try:
			answer = session.request(verb, f"http://127.0.0.1:{self.port}{path}", timeout=20, **more)
			answer.raise_for_status()
			return answer.json()
		except (requests.RequestException, ValueError):
			time.sleep(0.1)
			return None

	# Life and death

	def bear(self, slot: Slot, *, plan: bool) -> None:
		order = {"role": slot.role, "site": bench.SITE, "port": self.port, "log": str(self.folder / "log")}
		slot.mark = None
		slot.born = time.monotonic()
		slot.until = slot.born + self.random.uniform(0.2, 1.5 if slot.role == "worker" else 3)
		if plan and slot.role != "scheduler" and self.random.random() < 0.7:
			slot.mark = self.folder / uuid.uuid4().hex
			commit, when, whom = (
				next(self.plans) if slot.role == "worker" else (*next(self.web_plans), "self")
			)
			order["armed"] = {"commit": commit, "when": when, "whom": whom, "mark": str(slot.mark)}
			slot.boundary = (slot.role, commit, when)
			slot.until = slot.born + (3 if slot.role == "worker" else 6)
		self.nursery.stdin.write(json.dumps(order) + "\n")
		self.nursery.stdin.flush()
		slot.pid = int(self.nursery.stdout.readline())
		if not plan:
			slot.until = float("inf")

	def look_after(self, slot: Slot, *, plan: bool = True) -> None:
		"""Bury a process that has killed itself, kill one whose time has come, and replace either."""
		if slot.mark is not None and slot.mark.exists():
			self.deaths[f"{slot.role} at a commit"] += 1
			self.boundaries.add(slot.boundary)
			slot.mark = None
			# A job alone may have died, and its worker goes on for a while.
			slot.until = min(slot.until, time.monotonic() + self.random.uniform(0.2, 1))
		if not bench.alive(slot.pid):
			self.bear(slot, plan=plan)
		elif time.monotonic() > slot.until + (
			PATIENCE if slot.role == "worker" and not _children(slot.pid) else 0
		):
			self.kill(slot)
			self.bear(slot, plan=plan)

	def kill(self, slot: Slot) -> None:
		children = _children(slot.pid)
		how = "at work" if children or slot.role != "worker" else "idle"
		# A job with its worker, a worker from over its job, or a job from under its worker, who has a moment to see it.
		for pid in self.random.choice([[slot.pid, *children], [slot.pid], children]):
			_kill(pid)
		time.sleep(0.02)
		_kill(slot.pid)
		self.deaths[f"{slot.role} at random, {how}"] += 1
		while bench.alive(slot.pid):
			time.sleep(0.005)

	@property
	def killed(self) -> int:
		return self.deaths.total()

	# The whole

	def run(self) -> dict:
		self.slots = [Slot("web"), Slot("scheduler"), *(Slot("worker") for _ in range(WORKERS))]
		for slot in self.slots:
			self.bear(slot, plan=False)
		bench.wait("the web server", lambda: bench.answers("127.0.0.1", self.port))
		customers = [Customers(self) for _ in range(2)]
		for customer in customers:
			customer.start()
		began = time.monotonic()
		for slot in self.slots:
			slot.until = time.monotonic() + 1
		beat = 0.0
		while self.killed < self.kills:
			for slot in self.slots:
				self.look_after(slot)
			if time.monotonic() - beat > 1:
				beat = time.monotonic()
				self.let_time_pass()
				if sys.stdout.isatty() or os.environ.get("CHAOS_PROGRESS"):
					print(f"{self.killed} kills, {self.under_way} runs under way", flush=True)
			time.sleep(0.02)
		self.over.set()
		for customer in customers:
			customer.join(30)
		for slot in self.slots:
			slot.until, slot.mark = 0, None
			self.look_after(slot, plan=False)
		retried = self.settle()
		counted = self.count()
		return {
			"kills": self.killed,
			"how": dict(sorted(self.deaths.items())),
			"commit boundaries hit": len(self.boundaries),
			"broken requests": sum(customer.broken for customer in customers),
			**counted,
			"retried by hand": retried,
			"seconds": round(time.monotonic() - began),
			"seed": self.seed,
		}

	def settle(self) -> int:
		"""Work off what is left. What was failed, its worker having died over it too often, is retried by hand."""
		retried = 0
		deadline = time.monotonic() + SETTLE_SECONDS
		while time.monotonic() < deadline:
			time.sleep(0.5)
			for slot in self.slots:
				self.look_after(slot, plan=False)
			self.let_time_pass()
			if self.under_way:
				continue
			failed = frappe.get_all(
				"Flow Run", filters={"status": "failed", **self._ours_only()}, pluck="name"
			)
			if not failed:
				break
			for run in failed:
				retried += self.ask("POST", "/flow/retry", json={"run": run}) is not None
		return retried

	def _ours_only(self) -> dict:
		return {"flow_template": ("in", list(self.flows.values()))}

	def let_time_pass(self) -> None:
		"""A minute, or three days: what waits comes due, people do their part, and Redis forgets the dead."""
		frappe.db.rollback()
		with suppress(frappe.QueryDeadlockError):  # a worker was there first; time passes in the next second
			frappe.db.sql(
				"""UPDATE `tabFlow Step Pending` SET trigger_at = %s WHERE status = 'pending' AND trigger_at > %s""",
				(now_datetime(), now_datetime()),
			)
			frappe.db.commit()
		frappe.db.rollback()
		self.under_way = frappe.db.count("Flow Run", {"status": "running", **self._ours_only()})
		waiting = frappe.db.sql(
			"""SELECT name FROM `tabFlow Run` WHERE status = 'running' AND flow_template = %s
			AND step_state LIKE %s LIMIT 20""",
			(self.flows["mixed"], '%"by_hand":{"status":"waiting"%'),
		)
		frappe.db.rollback()
		for (run,) in waiting:
			self.ask("POST", "/flow/complete", json={"run": run, "step_id": "by_hand"})
		forget_the_dead()

	# Counting

	def count(self) -> dict:
		frappe.db.rollback()
		issues = dict(
			frappe.get_all("Issue", filters={"subject": ("like", f"{SUBJECT} %")}, fields=["name", "subject"], as_list=True)
		)  # fmt: skip
		lost, doubled = [], []
		runs, effects = Counter(), Counter()
		for run in frappe.get_all(
			"Flow Run", filters=self._ours_only(), fields=["name", "flow_template", "context_docname", "status", "error"]
		):  # fmt: skip
			runs[run.flow_template, run.context_docname] += 1
			if run.status != "completed":
				lost.append(f"run {run.name} is {run.status}: {run.error}")
		for row in frappe.get_all(
			"Flow Step Pending", filters={"status": ("in", ("pending", "running"))}, pluck="name"
		):
			lost.append(f"inbox row {row} is left")
		done = {"jobs": self._jobs(), "mails": self._mails(), "calls": Counter(self._calls())}
		keys, groups = self._keys(), self._attempt_groups()
		for issue, subject in issues.items():
			for flow in self.flows.values():
				_compare(runs[flow, issue], f"run of {flow} for {issue}", lost, doubled)
			for what, ids in expected(subject).items():
				for id in ids:
					found = done[what].pop((id, issue), 0)
					effects[what] += found
					if what == "calls":
						most = groups.get((id, issue), 1)
						_compare(len(keys[id, issue]), f"key of call {id} for {issue}", lost, doubled, most)
					else:
						_compare(found, f"{what} {id} for {issue}", lost, doubled)
		for what, more in done.items():
			doubled += [f"{what} {id} for {issue}, whom nobody asked" for id, issue in more]
		if len(set().union(*keys.values())) != sum(map(len, keys.values())):
			doubled.append("an idempotency key of two calls")
		return {
			"issues": len(issues),
			"runs": sum(runs.values()),
			"effects": sum(effects.values()),
			**effects,
			"calls repeated": effects["calls"] - len(keys),
			"lost": lost[:20] if lost else 0,
			"doubled": doubled[:20] if doubled else 0,
		}

	@staticmethod
	def _jobs() -> Counter:
		rows = frappe.get_all(
			"Dispatch Job",
			filters={"subject": ("like", f"{SUBJECT} %")},
			fields=["subject", "reference_name"],
		)
		return Counter((row.subject.removeprefix(f"{SUBJECT} "), row.reference_name) for row in rows)

	@staticmethod
	def _mails() -> Counter:
		rows = frappe.db.sql(
			"""SELECT recipient.recipient, queue.reference_name FROM `tabEmail Queue` queue
			JOIN `tabEmail Queue Recipient` recipient ON recipient.parent = queue.name
			WHERE queue.reference_doctype = 'Issue'"""
		)
		return Counter((recipient.partition("@")[0], issue) for recipient, issue in rows)

	def _calls(self) -> list[tuple[str, str]]:
		return [(step, issue) for step, issue, _ in self.receiver.arrived]

	def _attempt_groups(self) -> dict[tuple[str, str], int]:
		"""How many attempt groups a step has had: one, and one more each time that it was retried by hand."""
		groups = {}
		for run in frappe.get_all(
			"Flow Run", filters=self._ours_only(), fields=["context_docname", "step_state"]
		):
			for step_id, entry in json.loads(run.step_state).items():
				groups[step_id, run.context_docname] = 1 + entry.get("retried", 0)
		return groups

	def _keys(self) -> dict[tuple[str, str], set[str]]:
		keys = defaultdict(set)
		for step, issue, key in self.receiver.arrived:
			keys[step, issue].add(key)
		return keys


def _compare(found: int, what: str, lost: list[str], doubled: list[str], most: int = 1) -> None:
	if found == 0:
		lost.append(what)
	elif found > most:
		doubled.append(f"{what}: {found} times")


def _children(pid: int) -> list[int]:
	try:
		return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
	except OSError:  # it has ended meanwhile
		return []


def _kill(pid: int) -> None:
	with suppress(ProcessLookupError):  # it came to its end by itself in this moment
		os.kill(pid, signal.SIGKILL)


def _redis():
	from frappe.utils.background_jobs import get_redis_conn

	return get_redis_conn()


def forget_the_dead() -> None:
	"""Fail the jobs whose worker is dead, as RQ does by itself when their heartbeat has been missing for long."""
	from rq import Worker
	from rq.exceptions import NoSuchJobError
	from rq.job import Job, JobStatus
	from rq.registry import StartedJobRegistry

	redis = _redis()
	living = set()
	for worker in Worker.all(connection=redis):
		if worker.pid and bench.alive(worker.pid):
			living.add(worker.name)
		else:
			worker.register_death()
	for queue in ("short", "default", "long"):
		registry = StartedJobRegistry(name=_queue_name(queue), connection=redis)
		registry.cleanup()
		for entry in redis.zrange(registry.key, 0, -1):
			# RQ 2 writes the execution behind the job, and lets nobody remove a job as such.
			for job_id in (entry.decode(), entry.decode().rpartition(":")[0]):
				with suppress(NoSuchJobError):
					job = Job.fetch(job_id, connection=redis)
					break
			else:
				redis.zrem(registry.key, entry)
				continue
			if job.worker_name not in living:
				job.set_status(JobStatus.FAILED)
				redis.zrem(registry.key, entry)


def _forget_documents() -> None:
	for doctype in ("Issue", "Dispatch Job"):
		frappe.db.delete(doctype, {"subject": ("like", f"{SUBJECT} %")})


def _queue_name(queue: str) -> str:
	from frappe.utils.background_jobs import generate_qname

	return generate_qname(queue)


def main() -> int:
	parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
	parser.add_argument("--kills", type=int, default=1000)
	parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
	options = parser.parse_args()
	frappe.init(site=bench.SITE)
	frappe.connect()
	frappe.local.conf.throttle_user_limit = 100_000
	fixtures._clear()
	chaos = Chaos(options.kills, options.seed)
	try:
		chaos.set_up()
		result = chaos.run()
	finally:
		chaos.clear_away()
		fixtures._clear()
		frappe.destroy()
	print(json.dumps(result, indent=1))
	return 1 if result["lost"] or result["doubled"] else 0


if __name__ == "__main__":
	sys.exit(main())
