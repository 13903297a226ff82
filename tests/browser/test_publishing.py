"""A draft beside what is published: kept whatever is wrong with it, published with what it changes in sight, looked back at."""

from __future__ import annotations

import time

from compose import PANEL, publish
from playwright.sync_api import expect

STEPS = [
	{"id": "a", "kind": "wait", "label": "First", "trigger": {"type": "manual"}},
	{
		"id": "b",
		"kind": "dispatch_job",
		"label": "Visit",
		"depends_on": ["a"],
		"payload": {"subject": "Visit"},
	},
]


def rename(page, step: str, label: str) -> None:
	page.locator(f"[data-step={step}] > .fe-card").dblclick()
	page.fill(f"{PANEL} [data-field=label] input", label)
	page.click(f"{PANEL} [data-close]")


def changes(page) -> list[str]:
	return [" ".join(text.split()) for text in page.locator(".fe-publish .fe-changes li").all_inner_texts()]


def test_what_is_saved_is_a_draft_and_publishing_says_what_it_changes(place):
	name = place.create("beside", STEPS)
	page = place.open_flow(name)
	expect(page.locator("[data-save]")).to_be_disabled()
	expect(page.locator("[data-publish]")).to_be_disabled()
	rename(page, "a", "Renamed")
	page.keyboard.press("Control+s")
	page.wait_for_selector("text=Not saved", state="detached")
	expect(page.locator("[data-stands]")).to_contain_text("Draft of")
	kept = place.call("GET", f"/templates/{name}")
	assert kept["template"]["flow_definition"]["steps"][0]["label"] == "First"
	assert kept["draft"]["flow_definition"]["steps"][0]["label"] == "Renamed"
	page = place.open_flow(name)
	expect(page.locator("[data-step=a] .fe-name")).to_have_text("Renamed")
	page.click("[data-publish]")
	assert changes(page) == ["~ Changed: Renamed Label"]
	page.fill("#fe-note", "A better name")
	page.click("[data-publish-now]")
	page.wait_for_selector(".fe-publish", state="detached")
	expect(page.locator("[data-stands]")).to_have_text("Version 2 ·")
	assert place.template("beside")["flow_definition"]["steps"][0]["label"] == "Renamed"
	(now, _) = place.call("GET", f"/templates/{name}/versions")["versions"]
	assert (now["version"], now["note"]) == (2, "A better name")


def test_a_draft_with_problems_is_saved_and_its_problems_lead_to_their_step(place):
	name = place.create("with_gaps", STEPS)
	page = place.open_flow(name)
	page.locator("[data-step=b] > .fe-card").dblclick()
	page.fill(f"{PANEL} [data-field=subject] :is(input, textarea)", "")
	page.wait_for_selector("[data-step=b].invalid, [data-step=b] .fe-card.invalid")
	page.click("[data-save]")
	page.wait_for_selector("text=Not saved", state="detached")
	assert (
		place.call("GET", f"/templates/{name}")["draft"]["flow_definition"]["steps"][1]["payload"]["subject"]
		== ""
	)
	page.click("[data-publish]")
	expect(page.locator("[data-publish-now]")).to_be_disabled()
	page.locator(".fe-wrong button").first.click()
	expect(page.locator(f"{PANEL} h2")).to_have_text("Visit")


def test_it_is_switched_on_and_off_at_once_and_the_draft_stays(place):
	name = place.create("switched", STEPS)
	page = place.open_flow(name)
	rename(page, "a", "In hand")
	page.locator(".fe-onoff input").click()
	page.wait_for_function("() => document.querySelector('.fe-onoff').textContent.trim() === 'On'")
	stored = place.template("switched")
	assert stored["is_active"] == 1 and stored["flow_definition"]["steps"][0]["label"] == "First"
	page.wait_for_selector("text=Not saved")
	publish(page)
	stored = place.template("switched")
	assert stored["is_active"] == 1 and stored["flow_definition"]["steps"][0]["label"] == "In hand"


def test_a_new_flow_is_switched_on_with_its_first_version(place):
	place.made.append("brand new")
	page = place.open_flows()
	page.click(".fe-templates a.primary")
	page.fill("#fe-template-name", "brand new")
	page.keyboard.press("Control+s")
	page.wait_for_selector("text=Not saved", state="detached")
	expect(page.locator("[data-stands]")).to_contain_text("Never published")
	page.click("[data-publish]")
	assert changes(page) == ["+ New: The first version, with 0 steps"]
	page.get_by_label("Switch it on").check()
	page.click("[data-publish-now]")
	# It is switched on by a request of its own, once there is a version.
	page.wait_for_selector(".fe-publish", state="detached")
	deadline = time.monotonic() + 20
	while not (stored := place.template("brand new"))["is_active"] and time.monotonic() < deadline:
		page.wait_for_timeout(100)
	assert (stored["is_active"], stored["flow_definition"]["steps"]) == (1, [])


def test_a_version_is_looked_at_and_restored_into_the_draft(place):
	name = place.create("looked_back_at", STEPS)
	place.call("PUT", f"/templates/{name}", {"flow_definition": {"steps": STEPS[:1]}})
	page = place.open_flow(name)
	expect(page.locator(".fe-card")).to_have_count(1)
	page.click("[data-history]")
	expect(page.locator("[data-version='2'] .fe-pill")).to_have_text("published")
	page.click("[data-version='2'] summary")
	expect(page.locator("[data-version='2'] .fe-changes li")).to_have_text(["−Gone: Visit"])
	page.click("[data-version='1'] button")
	expect(page.locator(".fe-card")).to_have_count(2)
	expect(page.locator("[data-draft] .fe-changes li")).to_have_text(["+New: Visit"])
	assert place.template("looked_back_at")["step_count"] == 1
	page.click("[data-draft] button:text-is('Publish')")
	page.click("[data-publish-now]")
	page.wait_for_selector(".fe-publish", state="detached")
	assert place.template("looked_back_at")["step_count"] == 2


def test_a_draft_is_discarded(place):
	name = place.create("given_up", STEPS)
	place.call("PUT", f"/templates/{name}", {"draft": True, "flow_definition": {"steps": STEPS[:1]}})
	page = place.open_flow(name)
	expect(page.locator(".fe-card")).to_have_count(1)
	page.click("[data-publish]")
	asked = place.answer_next(page, "Discard the draft", within=".fe-publish")
	assert "not published is lost" in asked
	expect(page.locator(".fe-card")).to_have_count(2)
	assert place.call("GET", f"/templates/{name}")["draft"] is None


def test_somebody_else_s_draft_is_shown_as_theirs(place):
	name = place.create("of_two", STEPS)
	place.call("PUT", f"/templates/{name}", {"draft": True, "flow_definition": {"steps": STEPS[:1]}})
	page = place.page
	page.route(
		f"**/flow/templates/{name}",
		lambda route: (
			route.fulfill(json=of_bo(route.fetch().json()))
			if route.request.method == "GET"
			else route.continue_()
		),
	)
	place.open_flow(name)
	expect(page.locator("[data-their-draft]")).to_contain_text("a draft that bo@example.com kept on")
	page.click("[data-their-draft] >> text=What it changes")
	assert changes(page) == ["− Gone: Visit"]
	page.click("[data-their-draft] >> text=I have seen it")
	expect(page.locator("[data-their-draft]")).to_have_count(0)
	page.unroute_all()


def of_bo(answer: dict) -> dict:
	return answer | {"draft": answer["draft"] | {"draft_by": "bo@example.com"}}
