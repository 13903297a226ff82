"""The editor inside the desk's own forms. In the desk alone: the lab has no forms."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
from compose import MODAL, PANEL, done
from places import Desk
from playwright.sync_api import TimeoutError as PlaywrightTimeout
from playwright.sync_api import expect
from served import SERVED, Served, bench

pytestmark = pytest.mark.skipif(not SERVED, reason="the lab has no forms of Frappe's")

STEPS = [
	{"id": "a", "kind": "wait", "label": "First"},
	{"id": "b", "kind": "wait", "label": "Second", "depends_on": ["a"], "trigger": {"type": "manual"}},
]


def test_the_template_s_form_has_the_tree_in_place_of_json_and_stores_it(place):
	name = place.create("in_a_form", STEPS)
	page = place.open(f"{place.desk}/flow-template/{name}", ".fe-embedded .fe-card")
	expect(page.locator("[data-fieldname=flow_definition] textarea:visible")).to_have_count(0)
	page.locator("[data-step=a] > .fe-card").dblclick()
	page.fill(f"{PANEL} [data-field=label] input", "Changed in the form")
	done(page)
	page.wait_for_selector(".indicator-pill >> text=Not Saved")
	page.keyboard.press("Control+s")
	page.wait_for_selector(".indicator-pill >> text=Not Saved", state="hidden")
	stored = place.template("in_a_form")
	assert [step["label"] for step in stored["flow_definition"]["steps"]] == ["Changed in the form", "Second"]
	assert stored["version"] == 2
	page.click(".fe-embedded .fe-toolbar >> text=JSON")
	assert (
		json.loads(page.input_value("textarea[aria-label=Definition]"))["steps"][0]["label"]
		== "Changed in the form"
	)
	page.click(".fe-embedded .fe-toolbar >> text=JSON")
	page.click(".fe-embedded .fe-toolbar >> text=Undo")
	page.wait_for_selector(".fe-name >> text=First")
	page.wait_for_selector(".indicator-pill >> text=Not Saved")


def test_problems_stand_on_their_steps_in_the_form(place):
	name = place.create("in_a_form_broken", STEPS)
	page = place.open(f"{place.desk}/flow-template/{name}", ".fe-embedded .fe-card")
	page.locator("[data-step=a] > .fe-card").focus()
	page.keyboard.press("Insert")
	page.keyboard.type("Notify")
	page.wait_for_selector(".fe-menu [aria-selected=true] >> text=Notify")
	page.keyboard.press("Enter")
	page.wait_for_selector(f"{PANEL} :focus")
	page.keyboard.press("Control+Enter")
	page.wait_for_selector(".fe-card.invalid .fe-problems >> text=Subject is empty")


def test_the_run_s_form_follows_the_run(place):
	name = place.create("run_in_a_form", STEPS)
	run = place.call("POST", "/start", {"template": name})["run"]["name"]
	page = place.open_run(run)
	page.wait_for_selector("[data-step=b] .fe-pill >> text=waiting")
	page.click("[data-step=b] > .fe-card button:text-is('Complete')")
	page.wait_for_selector("[data-run-status] >> text=completed")
	page.wait_for_selector(".page-head .indicator-pill >> text=/completed/i")


@pytest.fixture
def realtime():
	"""The port of a socket.io of the bench's own."""
	script = bench.BENCH / "apps" / "frappe" / "socketio.js"
	if not (script.parent / "node_modules" / "socket.io").exists():
		pytest.skip("the bench has no socket.io")
	with socket.socket() as probe:
		probe.bind(("127.0.0.1", 0))
		port = probe.getsockname()[1]
	command = ["node", "--require", str(Path(bench.__file__).with_name("loopback.js")), str(script)]
	bench.start(
		"socketio", command, folder=bench.BENCH, FRAPPE_SITE=bench.SITE, FRAPPE_SOCKETIO_PORT=str(port)
	)
	try:
		bench.wait("socket.io", lambda: bench.answers("127.0.0.1", port))
		yield port
	finally:
		bench.stop("socketio")


def test_the_run_s_form_is_told_of_changes(place, realtime):
	steps = [{"id": f"s{n}", "kind": "wait", "trigger": {"type": "manual"}} for n in range(10)]
	run = place.call("POST", "/start", {"template": place.create("run_told_of", steps)})["run"]["name"]
	# As on a developer's bench, whose socket.io has a port of its own; and a page in the background asks for nothing.
	place.page.add_init_script(
		f"""Object.defineProperty(window, "dev_server", {{
			get: () => ((frappe.boot.socketio_port = {realtime}), 1), set() {{}},
		}});
		Object.defineProperty(document, "hidden", {{ get: () => true }});"""
	)
	page = place.open_run(run)
	for step in steps:  # the page is told nothing until socket.io has asked whether it may be
		place.call("POST", "/complete", {"run": run, "step_id": step["id"]})
		try:
			page.wait_for_selector("[data-step] .fe-pill >> text=done", timeout=1000)
			return
		except PlaywrightTimeout:
			continue
	pytest.fail("the page was told of none of ten changes")


def test_a_run_that_is_not_shown_is_not_asked_for(place):
	name = place.create("run_left", STEPS)
	run = place.call("POST", "/start", {"template": name})["run"]["name"]
	page = place.open_run(run)
	page.evaluate("() => frappe.set_route('flow-templates')")
	page.wait_for_selector(".fe-templates table")
	expect(page.locator(".fe-run")).to_have_count(0)
	page.go_back()
	page.wait_for_selector("[data-step=b] .fe-pill:visible >> text=waiting")


def test_leaving_the_editor_asks_about_what_is_not_saved(place):
	name = place.create("to_be_left", STEPS)
	page = place.open_flow(name)
	page.evaluate("() => frappe.set_route('flow-templates')")
	page.wait_for_selector(".fe-templates table")
	expect(page.locator(".fe-dialog")).to_have_count(0)
	page.go_back()
	page.locator("[data-step=b] > .fe-card").focus()
	page.keyboard.press("Delete")
	page.wait_for_selector("text=Not saved")
	page.evaluate("() => frappe.set_route('List', 'Customer')")
	page.click(".modal.show .modal-footer >> text=No")
	page.wait_for_selector(".fe-card:visible >> text=First")
	expect(page.locator(".fe-pill >> text=Not saved")).to_be_visible()
	page.go_back()
	page.click(".modal.show .modal-footer >> text=Yes")
	page.wait_for_selector(".fe-dialog", state="detached")
	place.open_flow(name)
	expect(page.locator(".fe-card")).to_have_count(2)


def test_who_only_starts_flows_reads_them(place):
	name = place.create("only_read", STEPS)
	account = place.bench.account("flow-user-tests@example.com", "Flow User")
	reader = Desk(place.context.browser, Served(place.base, account))
	try:
		page = reader.open(f"{reader.desk}/flow-editor/{name}", ".fe-card")
		expect(page.locator(".fe-dialog-head >> text=Save")).to_have_count(0)
		expect(page.locator(".fe-toolbar >> text=Add step")).to_have_count(0)
		page.locator("[data-step=a] > .fe-card").focus()
		page.keyboard.press("Delete")
		expect(page.locator(".fe-card")).to_have_count(2)
		page = reader.open_flows()
		expect(page.locator("text=New flow")).to_have_count(0)
	finally:
		reader.context.close()
		place.bench.remove_account("flow-user-tests@example.com")
	assert reader.broken == []


def test_who_writes_flows_is_offered_doctypes_by_the_desk_s_own_control(place):
	payload = {"doctype": "Customer", "fields_json": '{"website": "x"}'}
	page = place.open_flow(
		place.create("of_doctypes", [{"id": "u", "kind": "erp_update", "payload": payload}])
	)
	page.locator("[data-step=u] > .fe-card").dblclick()
	doctype = page.locator(f"{PANEL} [data-field=doctype] input")
	doctype.click()
	page.keyboard.press("Control+a")
	page.keyboard.type("Sales Invoice Adv")
	page.wait_for_selector(f"{PANEL} [role=option] >> text=Sales Invoice Advance")
	# Escape is the list's as long as it is open.
	page.keyboard.press("Escape")
	page.wait_for_selector(f"{PANEL} [role=option]", state="hidden")
	page.keyboard.type("a")
	page.wait_for_selector(f"{PANEL} [role=option] >> text=Sales Invoice Advance")
	page.keyboard.press("Enter")
	expect(doctype).to_have_value("Sales Invoice Advance")
	done(page)
	page.wait_for_selector("[data-step=u] .fe-what >> text=Sales Invoice Advance")


def test_a_system_flow_is_duplicated_from_its_form(place):
	name = place.template("fiber_install")["name"]
	place.made.append("fiber_install (copy")
	page = place.open(f"{place.desk}/flow-template/{name}", ".fe-embedded .fe-card")
	page.click(".page-actions >> text=Duplicate")
	page.wait_for_selector(".page-title >> text=fiber_install (copy)")
	expect(page.locator("[data-fieldname=template_name] input:visible")).to_be_editable()


def test_a_flow_is_opened_by_its_name_in_the_address(place):
	page = place.open(f"{place.desk}/flow-editor/fiber_install", ".fe-card")
	expect(page.locator("#fe-template-name")).to_have_value("fiber_install")
	page.wait_for_function("() => /FT-\\d+$/.test(location.pathname)")


def test_a_new_flow_asked_for_before_the_catalog_is_there_has_its_event_all_the_same(place):
	customer = place.document("Customer", {"customer_name": "Early Customer", "customer_type": "Individual"})
	held = []
	place.page.route("**/*catalog*", lambda route: held.append(route))
	page = place.open_quick("Customer", customer)
	page.click(f"{MODAL} >> text=New flow")
	assert held, "the catalog was there before the button was pressed"
	for route in held:
		route.continue_()
	page.wait_for_selector(".fe-dialog:not(.inline) .fe-settings")
	expect(page.locator(".fe-settings [data-field=trigger_event] select")).to_have_value(
		"on_customer_created"
	)


def test_the_template_s_form_starts_it_with_what_it_asks_for(place):
	customer = place.document("Customer", {"customer_name": "Form Customer", "customer_type": "Individual"})
	definition = {"steps": STEPS, "inputs": [{"name": "address", "label": "New address", "required": True}]}
	name = place.create("starts_from_its_form", [], flow_definition=definition, applies_to="Customer")
	page = place.open(f"/app/flow-template/{name}", ".fe-embedded .fe-card")
	page.locator(".page-actions, .standard-actions, .custom-actions").locator(
		"button:visible:text-is('Start')"
	).first.click()
	page.wait_for_selector(f"{MODAL} .fe-told")
	about = page.locator(f"{MODAL} [data-field=about] input")
	about.fill(customer)
	page.wait_for_selector(f"{MODAL} [role=option]:visible, {MODAL} .awesomplete li:visible")
	about.press("Tab")
	page.fill(f"{MODAL} [data-field=address] input", "5 Rue Neuve")
	page.click(f"{MODAL} button[type=submit]")
	page.wait_for_selector("[data-run-status]")
	(run,) = place.call("GET", f"/runs?template={name}")["runs"]
	assert (run["context_docname"], run["variables"]) == (customer, {"address": "5 Rue Neuve"})
	expect(page.locator(MODAL)).to_have_count(0)
