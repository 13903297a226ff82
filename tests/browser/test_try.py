"""A flow is tried before it is real: on a document, in virtual time, with answers; and nothing of it is left."""

from __future__ import annotations

from compose import PANEL
from playwright.sync_api import expect

STEPS = [
	{"id": "mail", "kind": "notify", "label": "Tell them", "payload": {"to": "ana@example.com", "subject": "About {{doc.subject}}", "body": "<p>Hello</p>"}},
	{"id": "day", "kind": "wait", "label": "A day", "depends_on": ["mail"], "trigger": {"type": "after_delay", "delay_days": 1}},
	{"id": "ask", "kind": "condition", "label": "Go on?", "depends_on": ["day"], "trigger": {"type": "manual"}, "payload": {"field": "doc.subject", "op": "empty"}},
	{"id": "yes", "kind": "dispatch_job", "label": "Visit", "parent_id": "ask", "branch": "yes", "payload": {"subject": "Visit"}},
	{"id": "no", "kind": "wait", "label": "Leave it", "parent_id": "ask", "branch": "no"},
]  # fmt: skip


def test_a_draft_is_tried_on_a_document_with_answers_and_nothing_is_left(place):
	issue = place.document("Issue", {"subject": "The picture freezes"})
	name = place.create("to_be_tried", STEPS[:1], applies_to="Issue")
	place.call("PUT", f"/templates/{name}", {"draft": True, "flow_definition": {"steps": STEPS}})
	page = place.open_flow(name)
	page.click("[data-try]")
	page.fill(f"{PANEL} [data-field=try_docname] input", issue)
	page.click(f"{PANEL} h2")
	page.click("[data-try-now]")
	page.wait_for_selector("[data-tried]")
	expect(page.locator(".fe-message")).to_contain_text("About The picture freezes")
	expect(page.locator("[data-step=mail] .fe-pill")).to_have_text("done")
	expect(page.locator(".fe-timeline > li.coming")).to_contain_text("Go on?")
	page.locator(".fe-timeline button:text-is('Yes')").click()
	expect(page.locator("[data-tried]")).to_have_text("completed")
	expect(page.locator("[data-step=yes] [data-said]")).to_contain_text("Created Dispatch Job")
	expect(page.locator("[data-step=yes] [data-said] a")).to_have_count(0)
	expect(page.locator("[data-step=no] .fe-pill")).to_have_text("skipped")
	page.get_by_label("Take back the answer to Go on?").click()
	expect(page.locator(".fe-timeline > li.coming")).to_contain_text("Go on?")
	assert place.call("GET", f"/runs?template={name}")["runs"] == []
	page.click(f"{PANEL} [data-close]")
	expect(page.locator(".fe-card .fe-pill")).to_have_count(0)
	page.locator("[data-step=mail] > .fe-card").dblclick()
	page.wait_for_selector(f"{PANEL} [data-field=subject] :is(input, textarea)")


def test_what_cannot_be_tried_says_why_and_leads_to_the_step(place):
	name = place.create("not_yet", STEPS[:1])
	page = place.open_flow(name)
	page.locator("[data-step=mail] > .fe-card").dblclick()
	page.fill(f"{PANEL} [data-field=subject] :is(input, textarea)", "")
	page.click(f"{PANEL} [data-close]")
	page.click("[data-try]")
	page.click("[data-try-now]")
	page.wait_for_selector(f"{PANEL} >> text=It cannot be tried yet")
	page.locator(f"{PANEL} .fe-problems button").click()
	page.wait_for_selector(f"{PANEL} [data-field=subject] .fe-problems")
