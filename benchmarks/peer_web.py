"""Peers that are servers of their own: n8n and Restate, each started on loopback and asked over HTTP.

Both come from `benchmarks/peers`, into which `make benchmark-peers` installs them.
"""

from __future__ import annotations

import json
import os
import re
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path
from typing import Any

import requests

FOLDER = Path(__file__).parent / "peers"
PROGRAMS = FOLDER / "node_modules" / ".bin"
START_SECONDS = 90


class Server:
	"""A peer's processes, ended with `close`.

	Args:
		folder: where it keeps its state and its logs.
	"""

	name = version = ""

	def __init__(self, folder: Path):
		if not PROGRAMS.exists():
			raise FileNotFoundError(f"{FOLDER} has nothing installed; run `make benchmark-peers`.")
		self.folder = folder
		self._processes: list[subprocess.Popen] = []

	def run(self, count: int, at_once: int = 1) -> float:
		"""The seconds that so many runs of ten steps take, so many at once."""
		sessions = [requests.Session() for _ in range(at_once)]
		shares = [count // at_once] * at_once

		def ask(session: requests.Session, share: int) -> None:
			for _ in range(share):
				answer = session.post(self.address, json={})
				answer.raise_for_status()

		began = time.perf_counter()
		with ThreadPoolExecutor(at_once) as pool:
			list(pool.map(ask, sessions, shares))
		return (time.perf_counter() - began) * count / sum(shares)

	def start(self, *command: Any, **environment: str) -> None:
		with (self.folder / f"{len(self._processes)}.log").open("wb") as log:
			self._processes.append(
				subprocess.Popen(
					list(map(str, command)),
					cwd=FOLDER,
					env={**os.environ, **environment},
					stdout=log,
					stderr=subprocess.STDOUT,
				)
			)

	def close(self) -> None:
		for process in reversed(self._processes):
			process.terminate()
			process.wait(timeout=60)

	@property
	def memory(self) -> int:
		"""What its first process keeps in memory, in bytes."""
		status = Path(f"/proc/{self._processes[0].pid}/status").read_text()
		return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024


class Restate(Server):
	name = "Restate"
	version = "1.7.12"

	def __init__(self, folder: Path):
		super().__init__(folder)
		service, ingress, admin, node = (free_port() for _ in range(4))
		self.address = f"http://127.0.0.1:{ingress}/chain/run"
		self.start(
			PROGRAMS / "restate-server",
			"--base-dir",
			folder,
			RESTATE_BIND_ADDRESS=f"127.0.0.1:{node}",
			RESTATE_ADVERTISED_ADDRESS=f"http://127.0.0.1:{node}",
			RESTATE_INGRESS__BIND_ADDRESS=f"127.0.0.1:{ingress}",
			RESTATE_ADMIN__BIND_ADDRESS=f"127.0.0.1:{admin}",
			RESTATE_DISABLE_TELEMETRY="true",
		)
		self.start("node", FOLDER / "restate_service.js", service)
		wait(lambda: requests.get(f"http://127.0.0.1:{admin}/health", timeout=5).ok, self.name)
		wait(
			lambda: (
				requests.post(
					f"http://127.0.0.1:{admin}/deployments",
					json={"uri": f"http://127.0.0.1:{service}"},
					timeout=30,
				).ok
			),
			self.name,
		)
		wait(lambda: requests.post(self.address, json={}, timeout=30).json() == 45, self.name)


class N8n(Server):
	name = "n8n"
	version = "2.8.4"
	#: n8n keeps shorter waits in memory and looks for due ones once a minute.
	WAIT = timedelta(seconds=100)

	def __init__(self, folder: Path):
		super().__init__(folder)
		port = free_port()
		self.address = f"http://127.0.0.1:{port}/webhook/ten"
		self._waits = f"http://127.0.0.1:{port}/webhook/waits"
		self._settings = {
			"N8N_USER_FOLDER": str(folder),
			"N8N_PORT": str(port),
			"N8N_LISTEN_ADDRESS": "127.0.0.1",
			"N8N_RUNNERS_ENABLED": "false",
			"N8N_DIAGNOSTICS_ENABLED": "false",
			"N8N_VERSION_NOTIFICATIONS_ENABLED": "false",
			"N8N_TEMPLATES_ENABLED": "false",
			"GENERIC_TIMEZONE": "UTC",
		}
		flows = folder / "flows.json"
		flows.write_text(json.dumps([n8n_flow("ten"), n8n_flow("waits", WAIT_NODE)]))
		self._command("import:workflow", f"--input={flows}")
		for flow in ("ten", "waits"):
			self._command("publish:workflow", f"--id={flow}")
		self.start(PROGRAMS / "n8n", "start", **self._settings)
		# Before it says that it is ready it takes webhooks, and for a moment none.
		wait(lambda: "Editor is now accessible" in (folder / "0.log").read_text(), self.name)
		wait(lambda: requests.post(self.address, json={}, timeout=30).ok, self.name)

	def _command(self, *arguments: str) -> None:
		subprocess.run(
			[PROGRAMS / "n8n", *arguments],
			cwd=FOLDER,
			env={**os.environ, **self._settings},
			check=True,
			capture_output=True,
		)

	def resume(self, count: int) -> float:
		"""The seconds from the moment at which so many waits are due to the end of the last of their runs."""
		due = datetime.now(timezone.utc) + self.WAIT
		with requests.Session() as session:
			for _ in range(count):
				session.post(self._waits, params={"until": due.isoformat()}).raise_for_status()
		while self._count("waiting") < count:
			assert datetime.now(timezone.utc) < due, "they came due before all of them were there"
			time.sleep(0.1)
		while self._count("waiting", "running", "new"):
			time.sleep(0.1)
		rows = self._ask(
			"SELECT MIN(startedAt), MAX(stoppedAt), COUNT(*) FROM execution_entity"
			" WHERE workflowId = 'waits' AND status = 'success' AND stoppedAt >= ?",
			due.strftime("%Y-%m-%d %H:%M:%S"),
		)
		_, last, done = rows[0]
		assert done == count, rows
		return (datetime.fromisoformat(last).replace(tzinfo=timezone.utc) - due).total_seconds()

	def _count(self, *statuses: str) -> int:
		marks = ", ".join("?" * len(statuses))
		return self._ask(f"SELECT COUNT(*) FROM execution_entity WHERE status IN ({marks})", *statuses)[0][0]

	def _ask(self, query: str, *values: str) -> list[tuple]:
		file = self.folder / ".n8n" / "database.sqlite"
		with sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=30) as database:
			return database.execute(query, values).fetchall()


WAIT_NODE = {
	"id": "wait",
	"name": "wait",
	"type": "n8n-nodes-base.wait",
	"typeVersion": 1.1,
	"webhookId": "wait",
	"parameters": {"resume": "specificTime", "dateTime": "={{ $json.query.until }}"},
}


def n8n_flow(name: str, *first: dict[str, Any]) -> dict[str, Any]:
	"""A webhook, and ten nodes that do nothing; answered when they are through, or at once if others are first."""
	webhook = {
		"id": "webhook",
		"name": "webhook",
		"type": "n8n-nodes-base.webhook",
		"typeVersion": 2,
		"webhookId": name,
		"parameters": {
			"httpMethod": "POST",
			"path": name,
			"responseMode": "onReceived" if first else "lastNode",
		},
	}
	steps = [
		{"id": f"s{number}", "name": f"s{number}", "type": "n8n-nodes-base.noOp", "typeVersion": 1}
		for number in range(10)
	]
	nodes = [
		{"position": [200 * place, 0], "parameters": {}, **node}
		for place, node in enumerate([webhook, *first, *steps])
	]
	following = pairwise(nodes)
	connections = {
		node["name"]: {"main": [[{"node": after["name"], "type": "main", "index": 0}]]}
		for node, after in following
	}
	return {
		"id": name,
		"name": name,
		"versionId": name,
		"active": False,
		"nodes": nodes,
		"connections": connections,
		"settings": {"executionOrder": "v1"},
	}


def free_port() -> int:
	with socket.socket() as probe:
		probe.bind(("127.0.0.1", 0))
		return probe.getsockname()[1]


def wait(is_there: Callable[[], bool], what: str) -> None:
	until = time.monotonic() + START_SECONDS
	while True:
		try:
			if is_there():
				return
		except requests.RequestException as error:
			last = error
		else:
			last = None
		if time.monotonic() > until:
			raise TimeoutError(f"{what} did not start within {START_SECONDS} seconds.") from last
		time.sleep(0.5)
