"""What the lab has around the editor: documents, the clock, and what would have been sent."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from compose import PANEL, done, publish
from playwright.sync_api import expect
from served import SERVED

sys.path.insert(0, str(Path(__file__).parents[1] / "site"))
from flow_test_app import readme

pytestmark = pytest.mark.skipif(SERVED, reason="the lab's own pages")


@pytest.fixture
def page(place):
	return place.open("/", "table")


def test_a_contract_is_signed_and_a_year_passes(page):
	page.click("nav >> text=Documents")
	page.click("text=CON-2026-00001")
	page.click("text=Sign it")
	page.click("nav >> text=Runs")
	page.click("td >> text=FR-00001")
	page.wait_for_selector("[data-step=renewal] .fe-pill >> text=scheduled")
	page.locator("[data-step=installed] > .fe-card button:text-is('Complete')").click()
	page.wait_for_selector("[data-step=activate] .fe-pill >> text=done")
	for _ in range(2):
		before = page.inner_text("#now")
		page.click("#next")
		page.wait_for_function("before => document.getElementById('now').textContent !== before", arg=before)
	page.wait_for_selector("[data-run-status] >> text=completed")
	assert page.inner_text("#now")[:4] > before[:4] or page.inner_text("#now") > before
	page.click("nav >> text=Sent")
	page.wait_for_selector("text=Your contract is up for renewal next month")


def test_a_flow_is_written_started_by_hand_and_completed(page):
	page.click("text=New flow")
	page.fill("#fe-template-name", "My own flow")
	page.click(".fe-toolbar >> text=JSON")
	page.fill(
		"textarea[aria-label=Definition]",
		'{"steps": [{"id": "a", "kind": "wait", "trigger": {"type": "manual"}}]}',
	)
	page.click(".fe-toolbar >> text=JSON")
	publish(page)
	assert "#/templates/FT-" in page.url
	page.locator(".fe-settings button:text-is('Start')").click()
	page.locator(".fe-modal button[type=submit]").click()
	page.locator("[data-step=a] button:text-is('Complete')").click()
	page.wait_for_selector("[data-run-status] >> text=completed")


def test_what_web_calls_are_answered_is_said_on_the_page_of_what_was_sent(page):
	page.click("nav >> text=Sent")
	page.click("text=What web calls are answered")
	for label, text in (
		("Address holds", "x.example"),
		("Status", "503"),
		("Headers", "Retry-After: 120"),
		("Body", "busy"),
		("How often", "2"),
	):
		page.locator(".answer label", has_text=label).locator("input, textarea").fill(text)
	page.click(".answer button")
	row = page.locator(".answers tbody tr")
	expect(row).to_contain_text("x.example")
	expect(row).to_contain_text("Retry-After: 120")
	page.reload()
	expect(row).to_contain_text("503")
	page.locator(".answer label", has_text="Status").locator("input").fill("99")
	page.click(".answer button")
	expect(page.locator("#notice")).to_contain_text("no status")
	row.locator("button").click()
	expect(row).to_have_count(0)


def test_an_event_is_raised_by_hand(page):
	page.click("nav >> text=Documents")
	page.click("text=ISS-2026-00001")
	expect(page.locator("select[aria-label=Event]")).to_have_value("on_issue_opened")
	page.click("text=Raise it")
	page.wait_for_selector("h1 >> text=FR-00001")
	page.wait_for_selector("[data-step=urgent_repair]")


def test_the_runs_of_one_flow_are_listed(place, page):
	first, second = (template["name"] for template in place.call("GET", "/templates")["templates"][:2])
	for template in (first, second):
		place.call("POST", "/start", {"template": template})
	page.click("nav >> text=Runs")
	page.wait_for_function("() => document.querySelectorAll('tbody tr').length === 2")
	page.goto(f"{place.base}/#/runs?template={first}")
	page.wait_for_function("() => document.querySelectorAll('tbody tr').length === 1")


def test_leaving_a_changed_flow_asks_first(place, page):
	name = place.template("fiber_install")["name"]
	place.open_flow(name)
	cards = page.locator(".fe-card").count()
	page.locator(".fe-card").first.focus()
	page.keyboard.press("Delete")
	expect(page.locator(".fe-card")).to_have_count(cards - 1)
	page.once("dialog", lambda dialog: dialog.dismiss())
	page.click("nav >> text=Documents")
	page.wait_for_function(f"() => location.hash.endsWith('{name}')")
	expect(page.locator(".fe-card")).to_have_count(cards - 1)
	page.once("dialog", lambda dialog: dialog.accept())
	page.click("nav >> text=Documents")
	page.wait_for_selector("h1 >> text=Documents")


def test_script_in_a_document_is_shown_and_not_run(page):
	page.click("nav >> text=Documents")
	page.fill(
		"textarea",
		'{"doctype": "Customer", "name": "<img src=x onerror=alert(1)>", "customer_name": "<script>alert(1)</script>"}',
	)
	page.click("text=Create")
	page.wait_for_selector("text=<img src=x onerror=alert(1)>")
	expect(page.locator("main img")).to_have_count(0)


def test_an_e_mail_is_shown_as_its_reader_would_see_it_and_runs_no_script(place, page):
	place.host.messages.send_email(
		["ana@example.com"], "Hello", "It&#x27;s <b>done</b>.<script>parent.ran = 1</script>"
	)
	place.host.messages.send_email(
		["ana@example.com"], "Image", "<img src='data:,' onerror='parent.ran = 1'>"
	)
	page.click("nav >> text=Sent")
	expect(page.frame_locator("iframe[title=Hello]").locator("b")).to_have_text("done")
	expect(page.frame_locator("iframe[title=Hello]").locator("body")).to_contain_text("It's done.")
	page.frame_locator("iframe[title=Image]").locator("img").wait_for(state="attached")
	assert page.evaluate("window.ran") is None
	assert place.broken and all(
		"script" in message for message in place.broken
	)  # the browser says that it ran none
	place.broken.clear()


def test_a_lab_with_a_token_asks_for_it_once(place):
	place.server.app.token = "s3cret"
	asked = []
	page = place.new_page()
	page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.accept("s3cret")))
	page.goto(place.base)
	expect(page.locator("tbody tr")).to_have_count(6)
	expect(page.locator("#notice")).to_be_empty()
	assert len(asked) == 1
	place.server.app.token = ""


def test_a_kind_that_is_added_in_python_has_its_form_without_a_line_of_javascript(place):
	place.host.catalog.add(readme.SendInvite())
	page = place.open_flow(place.create("with_a_new_kind", []))
	page.click(".fe-toolbar >> text=Add step")
	page.locator(".fe-menu [role=option]").filter(has_text="Portal invitation").click()
	page.fill(f"{PANEL} [data-field=to] input", "ana@example.com")
	page.select_option(f"{PANEL} [data-field=role] select", "technician")
	done(page)
	page.wait_for_selector(".fe-what >> text=Invite ana@example.com as Technician")
	publish(page)
	run = place.call("POST", "/start", {"template": place.template("with_a_new_kind")["name"]})["run"]
	assert [entry["result"] for entry in run["step_state"].values()] == [{"invited": "ana@example.com"}]
