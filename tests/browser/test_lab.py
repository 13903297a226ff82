"""The lab's pages in headless Chromium."""

from __future__ import annotations

import os
import shutil
import threading

import pytest
from werkzeug.serving import make_server

from flow_editor.lab.server import LabApp, open_lab

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
if CHROMIUM is None:
	os.environ["FLOW_EDITOR_LEFT_OUT"] = "The browser's tests: there is no Chromium on this machine."
	pytest.skip("there is no Chromium on this machine", allow_module_level=True)

from playwright.sync_api import sync_playwright

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


@pytest.fixture(scope="module")
def browser():
	with sync_playwright() as playwright:
		browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
		yield browser
		browser.close()


@pytest.fixture
def page(browser, tmp_path):
	host = open_lab(str(tmp_path / "lab.db"))
	server = make_server("127.0.0.1", 0, None)
	server.app = LabApp(host, server.server_port)
	thread = threading.Thread(target=server.serve_forever, daemon=True)
	thread.start()
	page = browser.new_page(base_url=f"http://127.0.0.1:{server.server_port}")
	broken: list[str] = []
	page.on("pageerror", lambda error: broken.append(str(error)))
	page.on("console", lambda message: broken.append(message.text) if message.type == "error" else None)
	page.goto("/")
	page.wait_for_selector("table")
	yield page
	page.close()
	server.shutdown()
	host.store.close()
	assert [text for text in broken if "422" not in text] == []


def test_a_contract_is_signed_and_a_year_passes(page):
	page.click("nav >> text=Documents")
	page.click("text=CON-2026-00001")
	page.click("text=Sign it")
	page.click("nav >> text=Runs")
	page.click("td >> text=FR-00001")
	page.wait_for_selector("text=renewal")
	for _ in range(2):
		before = page.inner_text("#now")
		page.click("#next")
		page.wait_for_function("before => document.getElementById('now').textContent !== before", arg=before)
	page.wait_for_selector(".head .completed")
	assert page.inner_text("#now").startswith(str(int(before[:4]) + 1)) or page.inner_text("#now") > before
	page.click("nav >> text=Sent")
	page.wait_for_selector("text=Your contract is up for renewal next month")


def test_a_flow_is_written_with_its_problems_beside_it_saved_and_started(page):
	page.once("dialog", lambda dialog: dialog.accept("My own flow"))
	page.click("text=New flow")
	page.wait_for_selector("h1 >> text=My own flow")
	page.fill("textarea", '{"steps": [{"id": "a", "kind": "notfy"}]}')
	page.wait_for_selector(".problems >> text=There is no step kind")
	page.click("text=Save")
	page.wait_for_selector("#notice >> text=notfy")
	page.fill("textarea", '{"steps": [{"id": "a", "kind": "wait", "trigger": {"type": "manual"}}]}')
	page.wait_for_selector("text=No problems.")
	page.click("button.primary >> text=Save")
	page.wait_for_selector("text=version 2")
	page.click("button >> text=Start")
	page.wait_for_selector("td .waiting")
	page.click("td >> text=Complete")
	page.wait_for_selector(".head .completed")


def test_flows_are_filtered_switched_duplicated_and_deleted(page):
	page.select_option("select", "incident")
	page.wait_for_function("() => document.querySelectorAll('tbody tr').length === 1")
	page.click("text=Switch off")
	page.wait_for_selector("td .off")
	page.click("text=Duplicate")
	page.wait_for_function("() => document.querySelectorAll('tbody tr').length === 2")
	page.once("dialog", lambda dialog: dialog.accept())
	page.click("button >> text=Delete")
	page.wait_for_function("() => document.querySelectorAll('tbody tr').length === 1")


def test_an_event_is_raised_by_hand(page):
	page.click("nav >> text=Documents")
	page.click("text=ISS-2026-00001")
	assert page.input_value("select[aria-label=Event]") == "on_issue_opened"
	page.click("text=Raise it")
	page.wait_for_selector("h1 >> text=FR-00001")
	page.wait_for_selector("td >> text=urgent_repair")


def test_script_in_a_document_is_shown_and_not_run(page):
	page.click("nav >> text=Documents")
	page.fill(
		"textarea",
		'{"doctype": "Customer", "name": "<img src=x onerror=alert(1)>", "customer_name": "<script>alert(1)</script>"}',
	)
	page.click("text=Create")
	page.wait_for_selector("text=<img src=x onerror=alert(1)>")
	assert page.locator("main img").count() == 0
