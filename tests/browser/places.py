"""The two places in which the editor lives, to the same tests: the lab, and the desk of a real ERPNext."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import Any

import requests
from playwright.sync_api import Browser, Page
from werkzeug.serving import make_server

from flow_editor.lab.server import LabApp, open_lab
from flow_editor.services import portable

sys.path.insert(0, str(Path(__file__).parents[1]))
from served import Served, bench

EDITOR = ".fe-root"


class Place:
	"""A page in Chromium, and the API of the host behind it."""

	base: str
	page: Page
	#: What the browser complained of.
	broken: list[str]

	def __init__(self, browser: Browser, **options: Any):
		self.context = browser.new_context(
			base_url=self.base, viewport={"width": 1280, "height": 900}, **options
		)
		self.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=self.base)
		self.broken = []
		self.made: list[str] = []
		self.page = self.new_page()

	def new_page(self) -> Page:
		page = self.context.new_page()
		page.on("pageerror", lambda error: self.broken.append(str(error)))
		page.on("console", lambda message: self._listen(message.type, message.text))
		return page

	def _listen(self, kind: str, text: str) -> None:
		# A refusal that the page shows is no break; neither is a desk without its socket.io.
		if kind == "error" and "Failed to load resource" not in text and "socket.io" not in text:
			self.broken.append(text)

	def call(self, verb: str, path: str, body: Any = None) -> dict[str, Any]:
		answer = requests.request(
			verb, f"{self.base}/flow{path}", json=body, headers=self.headers(), timeout=60
		)
		assert answer.ok, (verb, path, answer.status_code, answer.text[:2000])
		return answer.json()

	def headers(self) -> dict[str, str]:
		return {}

	def create(self, name: str, steps: list[dict[str, Any]], **fields: Any) -> str:
		"""Store a template, and return its name. What an earlier, broken test left of that name is deleted first."""
		self.forget(name)
		values = {"template_name": name, "flow_definition": {"steps": steps}, **fields}
		template = self.call("POST", "/templates", values)["template"]["name"]
		self.made.append(name)
		return template

	def forget(self, name: str) -> None:
		"""Delete the flows whose names begin like this, with the runs that they are on."""
		for found in self.call("GET", "/templates")["templates"]:
			if not found["template_name"].startswith(name):
				continue
			for run in self.call("GET", f"/runs?template={found['name']}&limit=100")["runs"]:
				if run["status"] in ("running", "failed"):
					self.call("POST", "/cancel", {"run": run["name"]})
			self.call("DELETE", f"/templates/{found['name']}")

	def template(self, template_name: str) -> dict[str, Any]:
		"""A template by its human name."""
		found = [
			t for t in self.call("GET", "/templates")["templates"] if t["template_name"] == template_name
		]
		return self.call("GET", f"/templates/{found[0]['name']}")["template"]

	def open(self, address: str, ready: str) -> Page:
		"""Go to an address of the host, and wait for an element."""
		self.page.goto("about:blank")
		self.page.goto(address)
		self.page.wait_for_selector(ready)
		return self.page

	def open_flow(self, name: str) -> Page:
		page = self.open(self.flow_address(name), EDITOR)
		page.wait_for_selector(".fe-pill >> text=/problem/i")
		return page

	def open_flows(self) -> Page:
		return self.open(self.flows_address, ".fe-templates table")

	def answer_next(self, page: Page, button: str, within: str = "") -> str:
		"""Press a button, or a menu's entry, that asks whether one is sure, answer yes, and return what was asked."""
		asked = []

		def answer(dialog):
			asked.append(dialog.message)
			dialog.accept()

		page.once("dialog", answer)
		place = page.locator(within or "body")
		named = place.get_by_role("button", name=button, exact=True)
		named.or_(place.get_by_role("option", name=button, exact=True)).click()
		return self._asked(page, asked)

	def _asked(self, page: Page, asked: list[str]) -> str:
		"""By the browser's own dialog."""
		for _ in range(100):
			if asked:
				break
			page.wait_for_timeout(50)
		return asked[0]

	def put_back(self, template: str) -> None:
		"""Let a shipped flow be as it came."""
		self.call("POST", f"/templates/{template}/restore", {"version": "shipped"})

	def open_run(self, name: str) -> Page:
		return self.open(self.run_address(name), "[data-run-status]")

	def close(self) -> None:
		self.context.close()


class Lab(Place):
	name = "lab"
	flows_address = "/#/templates"

	def __init__(self, browser: Browser, folder: Path, **options: Any):
		self.host = open_lab(str(folder / "lab.db"))
		self.server = make_server("127.0.0.1", 0, None, threaded=False)
		self.base = f"http://127.0.0.1:{self.server.server_port}"
		self.server.app = LabApp(self.host, self.server.server_port)
		threading.Thread(target=self.server.serve_forever, daemon=True).start()
		super().__init__(browser, **options)

	def flow_address(self, name: str) -> str:
		return f"/#/templates/{name}"

	def run_address(self, name: str) -> str:
		return f"/#/runs/{name}"

	def document(self, doctype: str, values: dict[str, Any]) -> str:
		answer = requests.post(f"{self.base}/lab/documents", json={"doctype": doctype, **values}, timeout=60)
		return answer.json()["document"]["name"]

	def open_quick(self, doctype: str, name: str) -> Page:
		page = self.open(f"/#/documents?name={doctype}%0A{name}", ".fe-quick")
		page.click(".fe-quick >> text=Flows")
		page.wait_for_selector(".fe-modal")
		return page

	def seed_anew(self) -> None:
		"""Let the shipped flows be as they come to a new site."""
		self.host.switches_seeds_on = False
		with self.host.store.transaction():
			self.host.store.execute("DELETE FROM template")
			portable.seed(self.host)

	def spoil(self, template: str, text: str) -> None:
		"""Write a definition as no door would."""
		with self.host.store.transaction():
			fields = {**self.host.store.template(template), "flow_definition": text}
			self.host.store.execute(
				"UPDATE template SET fields = ? WHERE name = ?", (json.dumps(fields), template)
			)

	def close(self) -> None:
		super().close()
		self.server.shutdown()
		self.host.store.close()


class Desk(Place):
	name = "desk"
	bench = bench

	def __init__(self, browser: Browser, served: Served, **options: Any):
		self.served, self.base = served, served.base
		account = served.account
		#: Where the desk is: Frappe 16 has moved it.
		self.desk = "/app" if bench.major() < 16 else "/desk"
		self.flows_address = f"{self.desk}/flow-templates"
		super().__init__(browser, **options)
		signed_in = self.context.request.post(
			"/api/method/login", form={"usr": account["user"], "pwd": account["password"]}
		)
		assert signed_in.ok, signed_in.text()

	def headers(self) -> dict[str, str]:
		return self.served.headers

	def flow_address(self, name: str) -> str:
		return f"{self.desk}/flow-editor/{name}"

	def run_address(self, name: str) -> str:
		return f"{self.desk}/flow-run/{name}"

	def _asked(self, page: Page, asked: list[str]) -> str:
		"""By Frappe's."""
		text = page.inner_text(".modal.show .modal-body:visible")
		page.click(".modal.show button:text-is('Yes')")
		return text

	def run_as(self, template: str, user: str) -> None:
		bench.execute(f"frappe.db.set_value('Flow Template', {template!r}, 'run_as', {user!r})")

	def put_back(self, template: str) -> None:
		super().put_back(template)
		self.run_as(template, "Administrator")

	def document(self, doctype: str, values: dict[str, Any]) -> str:
		answer = requests.post(
			f"{self.base}/api/resource/{doctype}", json=values, headers=self.headers(), timeout=60
		)
		assert answer.ok, answer.text[:2000]
		return answer.json()["data"]["name"]

	def open_quick(self, doctype: str, name: str) -> Page:
		page = self.open(f"{self.desk}/{doctype.lower().replace(' ', '-')}/{name}", ".form-layout:visible")
		page.click(".page-actions .menu-btn-group button:visible")
		page.click(".menu-btn-group .dropdown-menu:visible >> text=Flows")
		page.wait_for_selector(".fe-modal")
		return page

	def seed_anew(self) -> None:
		bench.execute(
			"from flow_editor.services import portable; from flow_editor.site.host import current\n"
			"frappe.db.delete('Flow Template', {'is_system': 1}); portable.seed(current())"
		)

	def spoil(self, template: str, text: str) -> None:
		bench.execute(f"frappe.db.set_value('Flow Template', {template!r}, 'flow_definition', {text!r})")

	def close(self) -> None:
		super().close()
		for name in {*self.made}:
			self.forget(name)
