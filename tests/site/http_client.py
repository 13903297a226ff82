"""The site's web server, and somebody who calls /flow/… on it, however they are known."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import bench
import frappe
import pytest
import records as r
import requests

TOKEN = "an-internal-token-of-some-length"


@pytest.fixture(scope="session")
def server(connection):
	with socket.socket() as probe:
		probe.bind(("127.0.0.1", 0))
		port = probe.getsockname()[1]
	command = [str(bench.python()), str(Path(__file__).parent / "web.py"), bench.SITE, str(port)]
	process = subprocess.Popen(
		command,
		cwd=bench.BENCH / "sites",
		stdout=subprocess.DEVNULL,
		stderr=subprocess.DEVNULL,
		start_new_session=True,
	)
	deadline = time.monotonic() + 60
	while not bench.answers("127.0.0.1", port):
		assert time.monotonic() < deadline and process.poll() is None, "the web server did not start"
		time.sleep(0.2)
	yield f"http://127.0.0.1:{port}"
	os.killpg(process.pid, signal.SIGTERM)
	process.wait(timeout=30)


class Client:
	"""Calls as one user, however that user is known."""

	def __init__(self, server: str, **headers: str):
		self.server = server
		self.session = requests.Session()
		self.session.headers.update({"Host": frappe.local.site, **headers})

	def __call__(self, verb: str, path: str, body=None, **more) -> requests.Response:
		frappe.db.commit()
		answer = self.session.request(verb, f"{self.server}/flow{path}", json=body, timeout=60, **more)
		frappe.db.rollback()
		if answer.status_code >= 400:
			error = answer.json()["error"]
			assert set(error) == {"code", "message", "problems"} and error["message"]
		return answer


def key_of(user) -> str:
	from frappe.core.doctype.user.user import generate_keys

	secret = generate_keys(user.name)["api_secret"]
	return f"token {frappe.db.get_value('User', user.name, 'api_key')}:{secret}"


@pytest.fixture
def token(site):
	settings = frappe.get_doc("Flow Settings")
	settings.internal_token, settings.service_user = TOKEN, r.user("Flow Manager").name
	settings.save()
	frappe.db.commit()
	yield TOKEN
	settings.internal_token, settings.service_user = None, None
	settings.save()
	frappe.db.commit()
