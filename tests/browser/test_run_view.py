"""What a run says of itself: in words, with links, in one sentence and in the order of time; and how it is followed."""

from __future__ import annotations

import pytest
from compose import PANEL
from playwright.sync_api import expect

MAIL = {"to": "ana@example.com", "subject": "About {{doc.subject}}", "body": "Hello"}
GONE = {"doctype": "Issue", "docname_ref": "NO-SUCH", "fields_json": '{"subject": "x"}'}
STEPS = [
	{"id": "job", "kind": "dispatch_job", "label": "Book it", "payload": {"subject": "Repair: {{doc.subject}}"}},
	{"id": "mail", "kind": "notify", "label": "Tell them", "depends_on": ["job"], "payload": MAIL},
	{"id": "bad", "kind": "erp_update", "label": "Close it", "depends_on": ["job"], "payload": GONE},
	{"id": "ask", "kind": "wait", "label": "Ask somebody", "depends_on": ["mail"], "trigger": {"type": "manual"}},
]  # fmt: skip


@pytest.fixture
def run(place) -> str:
	issue = place.document("Issue", {"subject": "The picture freezes"})
	flow = place.create("told_in_words", STEPS, applies_to="Issue")
	return place.call("POST", "/start", {"template": flow, "doctype": "Issue", "docname": issue})["run"][
		"name"
	]


def card(page, step: str):
	return page.locator(f"[data-step={step}] > .fe-card")


def test_cards_say_in_words_what_happened_and_link_to_it(place, run):
	page = place.open_run(run)
	state = place.call("GET", f"/runs/{run}")["run"]["step_state"]
	job = state["job"]["result"]["job"]
	expect(card(page, "job").locator("[data-said]")).to_have_text(f"Created Dispatch Job {job}")
	assert job in card(page, "job").locator("[data-said] a").get_attribute("href")
	expect(card(page, "mail").locator("[data-said]")).to_have_text(
		"E-mail to ana@example.com: About The picture freezes"
	)
	assert "{" not in page.inner_text(".fe-canvas")


def test_one_sentence_says_what_failed_and_leads_there(place, run):
	page = place.open_run(run)
	now = page.locator(".fe-now")
	expect(now).to_contain_text(
		"Failed at Close it: There is no Issue 'NO-SUCH'" if place.name == "lab" else "Failed at Close it: "
	)
	now.locator("button:text-is('Close it')").click()
	expect(page.locator(f"{PANEL} h2")).to_have_text("Close it")
	expect(page.locator(f"{PANEL} .fe-error")).to_contain_text("NO-SUCH")
	expect(page.locator(f"{PANEL} :is(input, select, textarea)")).to_have_count(0)
	now.locator("button:text-is('Retry what failed')").click()
	expect(now).to_contain_text("It was retried, and failed again at")
	expect(page.locator(f"{PANEL} h3").first).to_have_text("2 failed tries")
	expect(page.locator(f"{PANEL} .fe-tries li")).to_have_count(2)


def test_the_timeline_stands_beside_and_says_who_completed_a_step(place, run):
	page = place.open_run(run)
	timeline = page.locator(".fe-timeline li")
	expect(timeline.first).to_contain_text("Started by hand")
	expect(timeline.last).to_contain_text("Ask somebody")
	expect(timeline.last).to_have_class("orange coming")
	card(page, "ask").locator("button:text-is('Complete')").click()
	user = place.call("GET", f"/runs/{run}")["run"]["run_as"]
	expect(card(page, "ask").locator("[data-said]")).to_have_text(f"Completed by {user}")
	expect(page.locator(".fe-timeline li.coming")).to_have_count(0)
	timeline.filter(has_text="Book it").locator("button").click()
	expect(page.locator(f"{PANEL} h2")).to_have_text("Book it")


def test_a_step_of_a_run_leads_to_the_flow_at_that_step(place, run):
	page = place.open_run(run)
	card(page, "mail").dblclick()
	page.click(f"{PANEL} >> text=Show it in the flow")
	page.wait_for_selector(f"{PANEL} [data-field=subject]")
	expect(page.locator(f"{PANEL} h2")).to_have_text("Tell them")


def test_it_asks_for_what_has_changed_alone(place, run):
	page = place.page
	answers = []
	page.on("response", lambda answer: answers.append(answer) if f"/flow/runs/{run}" in answer.url else None)
	place.open_run(run)
	page.wait_for_function("() => document.querySelector('.fe-timeline')")
	with page.expect_response(lambda answer: "known=" in answer.url, timeout=10_000) as told:
		pass
	assert told.value.json()["run"] == {"name": run, "step_state": {}}
	place.call("POST", "/complete", {"run": run, "step_id": "ask"})
	page.wait_for_selector("[data-step=ask] .fe-pill >> text=done")
	whole, *later = [answer.json() for answer in answers]
	assert whole["whole"] and "flow_definition" in whole["run"]
	assert all(not answer["whole"] and "flow_definition" not in answer["run"] for answer in later)
	assert any(set(answer["run"]["step_state"]) == {"ask"} for answer in later)
