"""Every view, light and dark, to axe-core; the theme, a narrow screen, and the size of what is loaded."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from compose import MODAL, PANEL, done

ROOT = Path(__file__).parents[2]
AXE = ROOT / "flow_editor" / "lab" / "node_modules" / "axe-core" / "axe.min.js"
SIZE_LIMIT = 300_000

STEPS = [
	{"id": "ask", "kind": "condition", "label": "Urgent?", "payload": {"field": "doc.priority", "op": "==", "value": "High"}},
	{"id": "call", "kind": "webhook", "label": "Call", "parent_id": "ask", "branch": "yes", "payload": {"url": "https://example.com", "body_template": '{"a": [1, true, "{{doc.name}}"]}'}},
	{"id": "hand", "kind": "wait", "label": "By hand", "depends_on": ["ask"], "trigger": {"type": "manual"}},
	{"id": "answer", "kind": "wait", "label": "Answer", "depends_on": [], "trigger": {"type": "on_webhook"}},
	{"id": "bad", "kind": "erp_update", "label": "Bad", "depends_on": [], "payload": {"doctype": "Issue", "docname_ref": "NO-SUCH", "fields_json": '{"subject": "x"}'}},
	{"id": "later", "kind": "notify", "label": "Later", "depends_on": [], "trigger": {"type": "after_delay", "delay_days": 2}, "payload": {"subject": "Hi {{customer.name}}", "body": "Hello"}},
]  # fmt: skip
INPUTS = [
	{"name": "address", "required": True, "help": "Where to."},
	{"name": "size", "type": "select", "options": ["S", "M"]},
	{"name": "sure", "type": "check"},
	{"name": "days", "type": "duration", "unit": "days"},
	{"name": "day", "type": "date"},
	{"name": "moment", "type": "datetime"},
	{"name": "who", "type": "link", "doctype": "Customer"},
	{"name": "text", "type": "textarea"},
	{"name": "data", "type": "json"},
]


@pytest.fixture(params=["light", "dark"])
def place(request, make_place):
	place = make_place(color_scheme=request.param)
	place.theme = request.param
	return place


def violations(place) -> list[str]:
	page = place.page
	if place.name == "desk":
		page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", place.theme)
	page.wait_for_timeout(350)  # colours that change are between two for a moment
	page.evaluate(AXE.read_text(encoding="utf-8"))
	# What Frappe's own pages do around the editor is Frappe's.
	looked = page.evaluate("() => axe.run({ include: [['.flow-editor']] })")
	passed = {rule["id"] for rule in looked["passes"]}
	assert {"color-contrast", "button-name"} & passed, "axe looked at nothing"
	return [
		f"{rule['id']}: {rule['help']}: {[node['target'] + [check['message'] for check in node['any'][:1]] for node in rule['nodes'][:3]]}"
		for rule in looked["violations"]
	]


def test_no_view_has_a_violation(place):
	name = place.create("looked_at", STEPS, trigger_event="on_issue_opened")
	run = place.call("POST", "/start", {"template": name})["run"]["name"]
	found = {}

	def look(view: str) -> None:
		if complaints := violations(place):
			found[view] = complaints

	page = place.open_flows()
	look("flows")
	page = place.open_flow(name)
	look("editor")
	page.locator("[data-step=hand] > .fe-card").focus()
	page.keyboard.press("Insert")
	page.wait_for_selector(".fe-menu input:focus")
	look("kinds")
	page.keyboard.press("Escape")
	page.locator("[data-step=hand] button[aria-haspopup]").click()
	page.wait_for_selector(".fe-menu")
	look("step menu")
	page.keyboard.press("Escape")
	for step in ("ask", "call", "bad", "later"):
		page.locator(f"[data-step={step}] > .fe-card").focus()
		page.keyboard.press("Enter")
		page.wait_for_selector(PANEL)
		page.locator(f"{PANEL} details:not(.fe-preview) > summary").click()
		page.locator(f"{PANEL} .fe-field-head button").first.click()
		page.wait_for_selector(".fe-picker")
		look(f"step {step}")
		page.keyboard.press("Escape")
		if step == "later":
			page.fill(f"{PANEL} [data-field=subject] input", "{{broken")
			page.wait_for_selector(f"{PANEL} .fe-problems")
			look("problems in a form")
		done(page)
	page.wait_for_selector(".fe-card.invalid")
	look("problems on a card")
	page.fill(".fe-search input", "later")
	look("search")
	page.fill(".fe-search input", "")
	page.locator("[data-step=hand] > .fe-card").focus()
	page.keyboard.press("?")
	page.wait_for_selector(f"{MODAL} .fe-keys")
	look("help")
	page.keyboard.press("Escape")
	page.click(".fe-toolbar >> text=JSON")
	look("JSON")
	place.call("PUT", f"/templates/{name}", {"description": "Theirs"})
	page.click("[data-save]")
	page.wait_for_selector(".fe-notice")
	look("refused")
	page.click("text=Overwrite theirs")
	page.wait_for_selector(".fe-notice", state="detached")
	page.click(".fe-toolbar >> text=JSON")
	page.click("[data-publish]")
	page.wait_for_selector(".fe-publish li")
	look("publish")
	page.click("[data-history]")
	page.locator(".fe-history summary").first.click()
	page.wait_for_selector(".fe-history details[open] :is(li, .fe-help)")
	look("history")
	page.click("[data-try]")
	page.click("[data-try-now]")
	page.wait_for_selector(".fe-try .fe-error")
	look("what cannot be tried")
	page.click(f"{PANEL} [data-close]")
	page = place.open_run(run)
	page.wait_for_selector("[data-step=bad] .fe-pill >> text=failed")
	look("run")
	place.call("POST", "/complete", {"run": run, "step_id": "hand"})
	page.click("[data-step=answer] > .fe-card button:text-is('Complete')")
	page.click(f"{MODAL} summary")
	page.fill(f"{MODAL} textarea", "{oops")
	page.click(f"{MODAL} button[type=submit]")
	page.wait_for_selector(f"{MODAL} .fe-problems")
	look("answering a step")
	page.keyboard.press("Escape")
	page.locator("[data-step=bad] > .fe-card").dblclick()
	page.wait_for_selector(PANEL)
	look("step of a run")
	customer = place.document("Customer", {"customer_name": "Looked At", "customer_type": "Individual"})
	page = place.open_flow(place.create("looked_at_try", STEPS[:1]))
	page.click("[data-try]")
	page.click("[data-try-now]")
	page.wait_for_selector("[data-tried]")
	look("try")
	asking = place.create(
		"looked_at_start", [], flow_definition={"steps": STEPS, "inputs": INPUTS}, applies_to="Customer"
	)
	page = place.open_quick("Customer", customer)
	look("quick button")
	page.locator(f"{MODAL} li").filter(has_text="looked_at_start").locator("text=Start now").click()
	page.wait_for_selector(f"{MODAL} .fe-told li")
	look("start")
	page.locator(f"{MODAL} button[type=submit]").click()
	page.wait_for_selector(f"{MODAL} .fe-problems")
	look("start, with something missing")
	page = place.open_flow(asking)
	page.locator(".fe-input-head").nth(3).click()
	look("inputs")
	place.call("POST", f"/templates/{name}/discard")
	place.spoil(name, '{"steps": [{"id"')
	page = place.open(place.flow_address(name), "textarea[aria-label=Definition]")
	page.wait_for_selector("text=/problem/")
	look("a definition that does not parse")
	assert found == {}


def test_a_new_site_s_list_has_no_violation(place):
	place.seed_anew()
	place.spoil(place.template("phone_service")["name"], '{"steps": [{"id"')
	page = place.open_flows()
	page.wait_for_selector(".fe-templates >> text=came with the app")
	page.locator("tr[data-template=phone_service] [role=switch]").click()
	page.wait_for_selector("tr[data-template=phone_service] [role=alert]")
	assert violations(place) == []


def test_it_takes_the_theme(place):
	page = place.open_flow(place.create("themed", STEPS[:1]))
	if place.name == "desk":
		page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", place.theme)
		page.wait_for_timeout(350)
	brightness = page.evaluate(
		"""() => [".fe-canvas", ".fe-card", ".fe-panel"].map(selector =>
			getComputedStyle(document.querySelector(selector)).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number)
				.reduce((a, b) => a + b) / 3)"""
	)
	assert all(value < 80 if place.theme == "dark" else value > 200 for value in brightness), brightness


def test_it_can_be_used_on_a_phone(make_place):
	place = make_place(has_touch=True)
	place.page.set_viewport_size({"width": 390, "height": 800})
	page = place.open_flow(place.create("on_a_phone", STEPS))
	card = page.locator("[data-step=call] > .fe-card")
	card.scroll_into_view_if_needed()
	box = card.bounding_box()
	assert box["x"] >= 0 and box["x"] + box["width"] <= 390
	page.locator("[data-step=call] button[aria-haspopup]").tap()
	page.locator(".fe-menu [data-value=edit]").tap()
	page.wait_for_selector(PANEL)
	modal = page.locator(PANEL).bounding_box()
	assert modal["x"] >= 0 and modal["x"] + modal["width"] <= 390
	assert page.evaluate("() => document.querySelector('.fe-panel-body').scrollWidth <= document.querySelector('.fe-panel-body').clientWidth")  # fmt: skip


def test_what_is_loaded_is_small(make_place):
	place = make_place()
	loaded = []
	place.page.on("response", lambda answer: loaded.append(answer) if "editor" in answer.url and answer.url.split("?")[0].endswith((".js", ".css")) else None)  # fmt: skip
	place.open_flow(place.create("small", STEPS[:1]))
	sizes = {answer.url: len(gzip.compress(answer.body())) for answer in loaded}
	assert sizes and sum(sizes.values()) < SIZE_LIMIT, sizes
