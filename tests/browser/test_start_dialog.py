"""A flow is started by hand: the dialog asks, says what will happen, and makes one run however often it is pressed."""

from __future__ import annotations

import json

from compose import MODAL, PANEL, done, publish
from playwright.sync_api import expect

START = ".fe-modal:has(#fe-start-form)"
ADDRESS = {"name": "address", "label": "New address", "required": True}
FLOORS = {"name": "floors", "type": "number", "label": "Floors"}
TELL = {
	"id": "tell",
	"kind": "notify",
	"label": "Tell them",
	"payload": {"to": "ana@example.com", "subject": "Move to {{variables.address}}", "body": "b"},
}


def asking(place, name: str, **more) -> str:
	definition = {"steps": [TELL], "inputs": [ADDRESS, FLOORS]}
	return place.create(name, [], flow_definition=definition, **more)


def press(page) -> None:
	page.locator(f"{START} button[type=submit]").click()


def runs(place, template: str) -> list[dict]:
	return place.call("GET", f"/runs?template={template}")["runs"]


def test_it_asks_confirms_and_a_double_click_makes_one_run(place):
	customer = place.document("Customer", {"customer_name": "Asked Customer", "customer_type": "Individual"})
	name = asking(place, "asks_first", applies_to="Customer")
	page = place.open_quick("Customer", customer)
	row = page.locator(f"{MODAL} .fe-rows li").filter(has_text="asks_first")
	row.locator("text=Start now").click()
	address = page.locator(f"{START} [data-field=address] input")
	expect(address).to_be_focused()
	expect(page.locator(f"{START} .fe-told li")).to_have_text("E-mail to ana@example.com: Move to …")
	expect(page.locator(f"{START} .fe-problems")).to_have_count(
		0
	)  # nobody is told off before they have tried
	press(page)
	expect(page.locator(f"{START} [data-field=address] .fe-problems")).to_have_text(
		"New address is missing. Give it."
	)
	expect(address).to_be_focused()
	assert runs(place, name) == []
	address.fill("5 Rue Neuve")
	page.fill(f"{START} [data-field=floors] input", "many")
	expect(page.locator(f"{START} .fe-told li")).to_have_text(
		"E-mail to ana@example.com: Move to 5 Rue Neuve"
	)
	expect(page.locator(f"{START} [data-field=floors] .fe-problems")).to_contain_text("must be a number")
	page.fill(f"{START} [data-field=floors] input", "3")
	expect(page.locator(f"{START} .fe-problems")).to_have_count(0)
	page.locator(f"{START} button[type=submit]").dblclick()
	page.wait_for_selector(START, state="detached")
	page.wait_for_selector(f"{MODAL} .fe-rows li a >> text=asks_first")
	(run,) = runs(place, name)
	assert run["variables"] == {"address": "5 Rue Neuve", "floors": 3} and run["context_docname"] == customer
	# What is opened anew is another start.
	row.locator("text=Start now").click()
	address.fill("6 Rue Neuve")
	page.keyboard.press("Enter")
	page.wait_for_selector(START, state="detached")
	assert len(runs(place, name)) == 2


def test_the_server_keeps_the_lock_where_the_page_does_not(place):
	"""As where the answer is lost, and the button is pressed again."""
	name = asking(place, "lost_answer")
	page = place.open_flow(name)
	page.locator(".fe-settings button:text-is('Start')").click()
	page.fill(f"{START} [data-field=address] input", "5 Rue Neuve")
	expect(page.locator(f"{START} .fe-told li")).to_contain_text("5 Rue Neuve")
	sent = []

	def lose(route):
		sent.append(route.request.post_data_json)
		route.fetch()
		route.abort()

	page.route("**/flow/start", lose)
	press(page)
	expect(page.locator(f"{START} [role=alert]")).to_contain_text("does not answer")
	page.unroute("**/flow/start")
	with page.expect_request("**/flow/start") as again:
		press(page)
	page.wait_for_selector("[data-run-status]")
	assert sent == [again.value.post_data_json] and len(sent[0]["idempotency_key"]) == 32
	assert len(runs(place, name)) == 1
	place.broken.clear()  # the browser's own words about the lost connection


def test_what_cannot_be_started_says_so_and_has_no_button(place):
	customer = place.document("Customer", {"customer_name": "Once Customer", "customer_type": "Individual"})
	name = place.create("only_once", [TELL], applies_to="Customer", re_entry="Once per document")
	place.call("POST", "/start", {"template": name, "doctype": "Customer", "docname": customer})
	page = place.open_quick("Customer", customer)
	page.locator(f"{MODAL} .fe-rows li").filter(has_text="only_once").locator("text=Start now").click()
	expect(page.locator(f"{START} [role=alert]")).to_contain_text("once per document")
	expect(page.locator(f"{START} button[type=submit]")).to_be_disabled()
	page.keyboard.press("Escape")
	expect(page.locator(START)).to_have_count(0)
	expect(page.locator(MODAL)).to_have_count(1)  # what lies below it stays


def test_inputs_are_declared_and_read_without_json(place):
	name = place.create(
		"declares_inputs", [{**TELL, "payload": {"to": "a@b.c", "subject": "s", "body": "b"}}]
	)
	page = place.open_flow(name)
	page.click(".fe-inputs >> text=Add an input")
	row = page.locator("[data-input='0']")
	row.locator("[data-field=input_label] input").fill("Nouvelle adresse à Montréal")
	expect(row.locator("[data-field=input_name] input")).to_have_value("nouvelle_adresse_a_montreal")
	page.click(".fe-inputs >> text=Add an input")
	row = page.locator("[data-input='1']")
	row.locator("[data-field=input_label] input").fill("Size")
	row.locator("[data-field=input_type] select").select_option("select")
	expect(page.locator("[data-input='1'] .fe-problems").first).to_contain_text("nothing to choose from")
	row.locator("[data-field=input_options] textarea").fill("S\nM | Medium\n")
	row.locator("[data-field=input_default] select").select_option("M")
	row.locator("[data-field=input_required] input").uncheck()
	page.click(".fe-inputs >> text=Add an input")
	row = page.locator("[data-input='2']")
	row.locator("[data-field=input_label] input").fill("Gone")
	row.locator("text=Remove").click()
	page.wait_for_selector("text=No problems")
	# The picker offers them by their labels, and the preview has something to show.
	page.locator("[data-step=tell] > .fe-card").dblclick()
	subject = page.locator(f"{PANEL} [data-field=subject] input").first
	subject.fill("To ")
	subject.press("End")
	page.keyboard.type("{{")
	page.locator(".fe-picker input").fill("adresse")
	page.wait_for_selector(".fe-picker [role=option] >> text=Nouvelle adresse à Montréal")
	page.keyboard.press("Enter")
	expect(subject).to_have_value("To {{variables.nouvelle_adresse_a_montreal}}")
	expect(page.locator(".fe-preview dd").filter(has_text="To (")).to_have_text(
		"To (Nouvelle adresse à Montréal)"
	)
	done(page)
	publish(page)
	definition = place.template("declares_inputs")["flow_definition"]
	assert json.loads(json.dumps(definition["inputs"])) == [
		{
			"name": "nouvelle_adresse_a_montreal",
			"type": "text",
			"label": "Nouvelle adresse à Montréal",
			"required": True,
		},
		{
			"name": "size",
			"type": "select",
			"label": "Size",
			"options": ["S", {"value": "M", "label": "Medium"}],
			"default": "M",
		},
	]
	# An undo takes the whole of it back, one input after the other.
	page.click(".fe-settings [data-input='1'] .fe-input-head")
	page.click(".fe-settings [data-input='1'] >> text=Up")
	expect(page.locator("[data-input='0'] .fe-input-head")).to_contain_text("Size")
	page.locator(".fe-canvas").click(position={"x": 5, "y": 5})
	page.click(".fe-toolbar >> text=Undo")
	expect(page.locator("[data-input='0'] .fe-input-head")).to_contain_text("Nouvelle adresse")


def test_it_fits_a_phone(make_place):
	place = make_place()
	place.page.set_viewport_size({"width": 390, "height": 844})
	name = asking(place, "on_a_phone")
	page = place.open_flow(name)
	page.click("[data-more]")
	page.locator(".fe-menu [role=option]").filter(has_text="Settings").click()
	page.locator(".fe-settings button:text-is('Start')").click()
	page.wait_for_selector(f"{START} .fe-told li")
	box = page.locator(START).bounding_box()
	assert box["x"] >= 0 and box["x"] + box["width"] <= 390
	assert page.evaluate(
		"() => document.querySelector('.fe-modal-body').scrollWidth <= document.querySelector('.fe-modal-body').clientWidth"
	)
