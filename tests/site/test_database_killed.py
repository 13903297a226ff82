"""MariaDB killed in the middle of transactions: a server of the tests' own, with a copy of the site's data.

The server that others use is never touched.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import bench
import frappe
import pytest

DATABASE = "_flow_killed"
RUNS = 40
KILLS = int(os.environ.get("FLOW_EDITOR_DATABASE_KILLS", "6"))

ON_IT = """
import json, sys, time, frappe
sys.path.insert(0, {tests!r})
frappe.init(site={site!r})
frappe.local.conf.update(db_name={database!r}, db_user={database!r}, db_host="127.0.0.1", db_port={port}, db_socket=None, db_password={password!r})
frappe.connect(); frappe.set_user("Administrator")
import records as r
from flow_editor.services import claiming, inbox
from flow_editor.site.host import current
claiming.LEASE_MINUTES = 1 / 60
"""


class OwnServer:
	"""A MariaDB of our own that can be killed and started again."""

	def __init__(self, folder: Path):
		self.folder = folder
		self.data = folder / "data"
		self.socket = folder / "socket"
		with socket.socket() as probe:
			probe.bind(("127.0.0.1", 0))
			self.port = probe.getsockname()[1]
		self.as_root = ["--user=root"] if os.geteuid() == 0 else []
		self.process: subprocess.Popen | None = None

	def make(self) -> None:
		subprocess.run(
			["mariadb-install-db", "--no-defaults", f"--datadir={self.data}", "--skip-test-db",
			"--auth-root-authentication-method=normal", *self.as_root],
			check=True, capture_output=True,
		)  # fmt: skip
		self.start()
		password = bench.site_config()["db_password"]
		self.sql(
			f"""CREATE DATABASE `{DATABASE}` CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
			CREATE USER '{DATABASE}'@'127.0.0.1' IDENTIFIED BY '{password}';
			GRANT ALL ON `{DATABASE}`.* TO '{DATABASE}'@'127.0.0.1';"""
		)
		config = bench.site_config()
		credentials = self.folder / "credentials"
		credentials.touch(mode=0o600)
		credentials.write_text(
			f"[client]\nuser={config.get('db_user') or config['db_name']}\npassword={config['db_password']}\n"
			f"host={config.get('db_host') or '127.0.0.1'}\nport={config.get('db_port') or 3306}\n"
		)
		dump = subprocess.Popen(
			["mariadb-dump", f"--defaults-file={credentials}", "--single-transaction", "--no-tablespaces", config["db_name"]],
			stdout=subprocess.PIPE,
		)  # fmt: skip
		subprocess.run(
			["mariadb", "--no-defaults", f"--socket={self.socket}", "--user=root", DATABASE],
			stdin=dump.stdout, check=True,
		)  # fmt: skip
		assert dump.wait() == 0

	def sql(self, text: str) -> None:
		subprocess.run(
			["mariadb", "--no-defaults", f"--socket={self.socket}", "--user=root"],
			input=text, text=True, check=True,
		)  # fmt: skip

	def start(self) -> None:
		self.process = subprocess.Popen(
			["mariadbd", "--no-defaults", f"--datadir={self.data}", f"--socket={self.socket}", f"--port={self.port}",
			"--bind-address=127.0.0.1", "--character-set-server=utf8mb4", "--innodb-buffer-pool-size=128M", *self.as_root],
			stdout=subprocess.DEVNULL, stderr=(self.folder / "log").open("ab"),
		)  # fmt: skip
		bench.wait("our MariaDB", lambda: bench.answers("127.0.0.1", self.port))

	def kill(self) -> None:
		self.process.send_signal(signal.SIGKILL)
		self.process.wait()

	def run(self, code: str) -> subprocess.Popen:
		begin = ON_IT.format(
			tests=str(Path(__file__).parent),
			site=bench.SITE,
			database=DATABASE,
			port=self.port,
			password=bench.site_config()["db_password"],
		)
		return subprocess.Popen(
			[sys.executable, "-W", "ignore", "-c", begin + code],
			stdout=subprocess.PIPE,
			stderr=subprocess.PIPE,
			text=True,
		)

	def answer(self, code: str):
		process = self.run(code)
		out, error = process.communicate(timeout=180)
		assert process.returncode == 0, error[-3000:]
		return json.loads(out.splitlines()[-1])


@pytest.fixture
def own_server(tmp_path, site):
	for needed in ("mariadbd", "mariadb-install-db", "mariadb-dump"):
		if shutil.which(needed) is None:
			pytest.skip(f"there is no {needed} here to start a server of our own with")
	server = OwnServer(tmp_path)
	frappe.db.commit()
	try:
		server.make()
		yield server
	finally:
		if server.process is not None:
			server.kill()
		shutil.rmtree(server.data, ignore_errors=True)


def test_mariadb_killed_in_mid_transaction_loses_and_doubles_nothing(own_server):
	flow = own_server.answer(f"""
flow = r.template(
	r.step("a", "dispatch_job", payload={{"subject": "killed a"}}),
	r.step("m", "notify", payload={{"to": "killed@example.com", "subject": "s", "body": "b"}}, depends_on=["a"]),
	r.step("z", "dispatch_job", payload={{"subject": "killed z"}}, depends_on=["m"]),
	event="on_contract_signed",
)
import flow_editor
for number in range({RUNS}):
	flow_editor.dispatch_event("on_contract_signed", customer="", variables={{"number": number}})
frappe.db.commit()
print(json.dumps(flow.name))
""")
	broken = 0
	for _ in range(KILLS):
		# In the midst of a drain, or of a save by a person.
		worker = own_server.run("print('drains', flush=True)\ninbox.drain(current(), batch=5)")
		assert worker.stdout.readline() == "drains\n", worker.stderr.read()[-3000:]
		time.sleep(random.uniform(0.0, 0.25))
		own_server.kill()
		worker.communicate(timeout=120)
		broken += worker.returncode != 0
		own_server.start()
	time.sleep(1.1)
	count = own_server.answer(f"""
for _ in range(30):
	inbox.drain(current())
	frappe.db.sql("UPDATE `tabFlow Step Pending` SET trigger_at = NOW() WHERE status = 'pending'")
	frappe.db.commit()
	if not frappe.db.count("Flow Step Pending", {{"status": ("in", ("pending", "running"))}}):
		break
	time.sleep(0.3)
flow = {{"flow_template": {flow!r}}}
print(json.dumps({{
	"runs": frappe.db.count("Flow Run", flow),
	"completed": frappe.db.count("Flow Run", {{"status": "completed", **flow}}),
	"a": frappe.db.count("Dispatch Job", {{"subject": "killed a"}}),
	"z": frappe.db.count("Dispatch Job", {{"subject": "killed z"}}),
	"mails": frappe.db.count("Email Queue Recipient", {{"recipient": "killed@example.com"}}),
}}))
""")
	print(f"\nMariaDB killed {KILLS} times, {broken} of them in the middle of a drain: {count}")
	assert count == dict.fromkeys(("runs", "completed", "a", "z", "mails"), RUNS)
	assert broken, "no kill came in time to break anything"
