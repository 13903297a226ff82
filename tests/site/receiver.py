"""Whom webhooks call in the tests: a web server on loopback."""

from __future__ import annotations

import http.server
import threading

import frappe
import pytest


class Receiver(http.server.BaseHTTPRequestHandler):
	"""Notes what it is asked in `server.calls`, and answers what stands in `server.answers`, or that all is well."""

	def do_POST(self):
		body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
		self.server.calls.append((self.command, self.path, dict(self.headers), body))
		status, answer, *more = self.server.answers.pop(0) if self.server.answers else (200, '{"ok": true}')
		self.send_response(status)
		for name, value in (more[0] if more else {}).items():
			self.send_header(name, value)
		self.end_headers()
		self.wfile.write(answer.encode())

	do_GET = do_PUT = do_DELETE = do_POST

	def log_message(self, *args):
		pass


@pytest.fixture
def receiver(site):
	"""A web server on loopback, which Flow Settings allow for the while."""
	server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
	server.calls, server.answers = [], []
	server.url = f"http://127.0.0.1:{server.server_port}"
	threading.Thread(target=server.serve_forever, daemon=True).start()
	allow(f"example.com, http://127.0.0.1:{server.server_port}/")
	yield server
	server.shutdown()
	server.server_close()
	allow("")


def allow(hosts: str) -> None:
	"""Let webhooks call these inside addresses."""
	frappe.db.set_single_value("Flow Settings", "allowed_hosts", hosts)
	frappe.clear_document_cache("Flow Settings", "Flow Settings")
	frappe.db.commit()
	frappe.local.flow_editor_host = None
