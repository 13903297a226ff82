"""Kills processes with SIGKILL while a load of mixed flows runs, and counts what was lost or doubled.

    python tests/site/bench.py chaos [KILLS]

Two sorts of processes are killed: those that change documents (a ToDo and the event that it raises, in one transaction)
and those that work the inbox. Half of the kills come at random moments, half at a commit: just before it or just after
it, at the first commit of a process, the second, and so on in turn. A killed worker's lease is let run out after a second
in place of minutes, so that its rows are taken up again while the test goes on.

Each flow makes a Dispatch Job, an e-mail and two web calls, one of which is refused at first and tried again, waits, sets a
field of the document, and joins its lanes. In the end every run must be settled, every document and Email Queue row that
a run should make be there exactly once, and every call have arrived at least once, with one idempotency key.
"""

from __future__ import annotations

import json
import logging
import os
import random
import signal
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import frappe

from flow_editor.services import inbox, runs
from flow_editor.site.host import current
from flow_editor.site.triggers import dispatch

EVENT = "on_contract_signed"
MARK = "chaos"
WORKERS, WRITERS = 3, 1
LEASE_MINUTES = 1 / 60
#: Rows of one claim. A worker that is killed costs each row that it holds a try, of which there are five.
BATCH = 10
#: Seconds between two kills.
PAUSE = (0.02, 0.25)
#: At most so many runs are unfinished at once; the writers wait.
BACKLOG = 40
SETTLE_SECONDS = 300


@dataclass
class Counts:
	kills: int = 0
	at_a_commit: int = 0
	documents: int = 0
	runs: int = 0
	effects: int = 0
	lost: int = 0
	doubled: int = 0
	#: Steps that were given up because their worker died five times over them; an operator's retry completed them.
	given_up: int = 0
	calls_repeated: int = 0


class Receiver:
	"""A web server that remembers each call, and refuses the first of each run to /refused."""

	def __init__(self):
		self.keys: dict[tuple[str, str], list[str]] = defaultdict(list)
		receiver = self

		class Handler(BaseHTTPRequestHandler):
			def do_POST(self):
				run = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["run"]
				calls = receiver.keys[run, self.path]
				calls.append(self.headers["Idempotency-Key"])
				self.send_response(503 if self.path == "/refused" and len(calls) == 1 else 200)
				self.send_header("Content-Length", "0")
				self.end_headers()

			def log_message(self, *_):
				pass

		self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
		self.port = self.server.server_port
		threading.Thread(target=self.server.serve_forever, daemon=True).start()


def definition(port: int) -> dict:
	def call(path: str) -> dict:
		return {
			"url": f"http://127.0.0.1:{port}{path}",
			"body_template": '{"run": "{{run.name}}"}',
			"timeout": 5,
		}

	soon = {"type": "after_delay", "delay_minutes": 0.01}
	again = {"attempts": 4, "delay_minutes": 0.005, "factor": 1, "on": "any"}
	return {
		"steps": [
			{"id": "job", "kind": "dispatch_job", "payload": {"subject": f"{MARK} {{{{run.name}}}}"}},
			{"id": "mail", "kind": "notify", "payload": {"to": "chaos@example.com", "subject": f"{MARK} {{{{run.name}}}}", "body": "x"}},
			{"id": "call", "kind": "webhook", "payload": call("/called"), "retry": again},
			{"id": "refused", "kind": "webhook", "payload": call("/refused"), "retry": again},
			{"id": "later", "kind": "wait", "depends_on": ["job"], "trigger": soon},
			{"id": "ask", "kind": "condition", "depends_on": ["later"], "payload": {"field": "doc.priority", "op": "==", "value": "High"}},
			{"id": "high", "kind": "wait", "parent_id": "ask", "branch": "yes"},
			{"id": "set", "kind": "erp_update", "depends_on": ["ask", "mail"], "payload": {"doctype": "ToDo", "docname_ref": "{{doc.name}}", "fields_json": '{"color": "#112233"}'}},
			{"id": "end", "kind": "wait", "depends_on": ["call", "refused", "set"]},
		]
	}  # fmt: skip


# The processes that are killed


def fork(main, site: str, commit: tuple[int, bool] | None) -> int:
	"""Start `main` in a process of its own. `commit`: (n, before): it kills itself at its n-th commit."""
	if pid := os.fork():
		return pid
	try:
		signal.signal(signal.SIGTERM, signal.SIG_DFL)
		random.seed()
		frappe.init(site=site, force=True)
		frappe.connect()
		frappe.set_user("Administrator")
		inbox.LEASE_MINUTES = LEASE_MINUTES
		if commit:
			kill_at_commit(*commit)
		main()
	finally:
		os._exit(1)


def kill_at_commit(number: int, before: bool) -> None:
	really, count = frappe.db.commit, [0]

	def commit(*arguments, **options):
		count[0] += 1
		if count[0] == number and before:
			os.kill(os.getpid(), signal.SIGKILL)
		really(*arguments, **options)
		if count[0] == number:
			os.kill(os.getpid(), signal.SIGKILL)

	frappe.db.commit = commit


def work() -> None:
	while True:
		inbox.drain(current(), batch=BATCH)
		time.sleep(0.02)


def write() -> None:
	while True:
		if frappe.db.count("Flow Run", {"status": "running"}) < BACKLOG:
			todo = frappe.get_doc(
				{"doctype": "ToDo", "description": MARK, "priority": random.choice(("High", "Low"))}
			)
			todo.insert()
			dispatch(EVENT, todo)
		frappe.db.commit()
		time.sleep(0.01)


# The attack, and what is left after it


def attack(kills: int, *, report=None) -> Counts:
	"""Run the load, kill so many processes, let what is left be worked off, and count.

	Args:
		report: called with the counts now and then.
	"""
	counts = Counts()
	site = frappe.local.site
	with receiving() as receiver, flow(receiver.port) as template:
		processes: dict[int, tuple] = {}

		def start(main) -> None:
			commit = None
			if (counts.kills + len(processes)) % 2:
				commit = (1 + (counts.kills // 4) % 8, bool(counts.kills // 2 % 2))
			processes[fork(main, site, commit)] = (main, commit)

		for main in [work] * WORKERS + [write] * WRITERS:
			start(main)
		while counts.kills < kills:
			time.sleep(random.uniform(*PAUSE))
			random_one = random.choice([pid for pid, (_, commit) in processes.items() if not commit] or [0])
			if random_one:
				os.kill(random_one, signal.SIGKILL)
			for pid in [pid for pid in processes if pid == random_one or os.waitpid(pid, os.WNOHANG)[0]]:
				if pid == random_one:
					os.waitpid(pid, 0)
				main, commit = processes.pop(pid)
				counts.kills += 1
				counts.at_a_commit += bool(commit)
				start(main)
			if report and counts.kills % 50 == 0:
				report(counts)
		for pid in processes:
			os.kill(pid, signal.SIGKILL)
			os.waitpid(pid, 0)
		settle(template, counts)
		count(template, receiver, counts)
	return counts


@contextmanager
def receiving() -> Iterator[Receiver]:
	receiver = Receiver()
	settings = frappe.get_doc("Flow Settings")
	before = settings.allowed_hosts
	settings.allowed_hosts = f"127.0.0.1:{receiver.port}"
	settings.save()
	frappe.db.commit()
	try:
		yield receiver
	finally:
		frappe.db.rollback()
		settings.reload()
		settings.allowed_hosts = before
		settings.save()
		frappe.db.commit()
		receiver.server.shutdown()


@contextmanager
def flow(port: int) -> Iterator[str]:
	"""The flow of the load, alone at its event, on a site without chaos of an earlier day."""
	for doctype, field in (("Dispatch Job", "subject"), ("ToDo", "description")):
		frappe.db.delete(doctype, {field: ("like", f"{MARK}%")})
	others = frappe.get_all("Flow Template", filters={"trigger_event": EVENT, "is_active": 1}, pluck="name")
	for other in others:
		frappe.db.set_value("Flow Template", other, "is_active", 0, update_modified=False)
	values = {"template_name": f"{MARK} {time.time()}", "trigger_event": EVENT, "is_active": 1}
	template = frappe.get_doc(
		{"doctype": "Flow Template", **values, "flow_definition": json.dumps(definition(port))}
	)
	template.insert()
	frappe.db.commit()
	try:
		yield template.name
	finally:
		for other in others:
			frappe.db.set_value("Flow Template", other, "is_active", 1, update_modified=False)
		frappe.db.set_value("Flow Template", template.name, "is_active", 0)
		frappe.db.commit()


def settle(template: str, counts: Counts) -> None:
	"""Work off what is left, as the next tick would. What was given up, an operator tries again."""
	deadline = time.monotonic() + SETTLE_SECONDS
	host = current()
	while time.monotonic() < deadline:
		frappe.db.rollback()
		inbox.drain(host, batch=BATCH)
		if frappe.db.count("Flow Run", {"flow_template": template, "status": "running"}):
			time.sleep(0.2)
			continue
		failed = frappe.get_all(
			"Flow Run", filters={"flow_template": template, "status": "failed"}, pluck="name"
		)
		if not failed:
			return
		for name in failed:
			with host.store.transaction():
				state = host.store.run(name).step_state
				counts.given_up += sum(entry["status"] == "failed" for entry in state.values())
				runs.retry(host, name)


def count(template: str, receiver: Receiver, counts: Counts) -> None:
	frappe.db.rollback()
	found = frappe.get_all("Flow Run", filters={"flow_template": template}, fields=["name", "status", "context_docname", "step_state"])  # fmt: skip
	todos = frappe.get_all("ToDo", filters={"description": MARK}, fields=["name", "color"])
	jobs = Counter(
		frappe.get_all("Dispatch Job", filters={"subject": ("like", f"{MARK} %")}, pluck="subject")
	)
	# The subject stands in the message, a line of its own.
	texts = frappe.get_all(
		"Email Queue", filters={"message": ("like", f"%Subject: {MARK} FR-%")}, pluck="message"
	)
	mails = Counter(
		next(line[9:].strip() for line in text.splitlines() if line.startswith("Subject: ")) for text in texts
	)
	counts.runs, counts.documents = len(found), len(todos)
	colours = {todo.name: todo.color for todo in todos}
	of_documents = Counter(run.context_docname for run in found)
	# A document and its run are one transaction.
	counts.lost += sum(of_documents[name] == 0 for name in colours) + sum(
		name not in colours for name in of_documents
	)
	counts.doubled += sum(number > 1 for number in of_documents.values())
	for run in found:
		subject = f"{MARK} {run.name}"
		groups = {step: 1 + entry.get("retried", 0) for step, entry in json.loads(run.step_state).items()}
		for effects in (jobs[subject], mails[subject]):
			counts.effects += effects
			counts.lost += effects == 0
			counts.doubled += effects > 1
		counts.lost += run.status != "completed" or colours.get(run.context_docname) != "#112233"
		for step, path in (("call", "/called"), ("refused", "/refused")):
			keys = receiver.keys[run.name, path]
			counts.effects += bool(keys)
			counts.lost += not keys
			counts.doubled += len(set(keys)) > groups[step]
			counts.calls_repeated += max(0, len(keys) - (2 if step == "refused" else 1))


if __name__ == "__main__":
	import sys

	site, kills = sys.argv[1], int(sys.argv[2])
	# What the mail's style sheet says is no concern of this.
	logging.getLogger("CSSUTILS").setLevel(logging.CRITICAL)
	frappe.init(site=site)
	frappe.connect()
	frappe.set_user("Administrator")
	began = time.monotonic()
	result = attack(kills, report=lambda counts: print(f"… {counts.kills} kills", flush=True))
	print(
		f"after {time.monotonic() - began:.0f} s: {', '.join(f'{name} {value}' for name, value in asdict(result).items())}"
	)
	sys.exit(1 if result.lost or result.doubled else 0)
