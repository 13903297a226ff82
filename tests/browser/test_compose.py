"""A flow composed from nothing, by keyboard and by mouse, means what the shipped one means; and then it is broken."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from compose import PANEL, Keyboard, Mouse, done, fill_step, meaning, publish
from playwright.sync_api import expect

SEED = json.loads((Path(__file__).parent / "composed.json").read_text(encoding="utf-8"))
NAME = "composed_onboarding"


@pytest.mark.parametrize("hands", [Keyboard, Mouse])
def test_a_flow_of_six_steps_is_composed_from_nothing(place, hands):
	page = place.open_flows()
	catalog = place.call("GET", "/catalog")
	kinds = {kind["name"]: kind for kind in catalog["kinds"]}
	triggers = {trigger["name"]: trigger["label"] for trigger in catalog["trigger_types"]}
	hand = hands(page)
	name = f"{NAME}_{hands.__name__.lower()}"
	place.made.append(name)

	if hands is Keyboard:
		hand.tab_to(".fe-templates a.primary")
		page.keyboard.press("Enter")
	else:
		page.click(".fe-templates a.primary")
	page.wait_for_selector(".fe-settings")
	hand.text("#fe-template-name", name)
	for step in SEED["flow_definition"]["steps"]:
		hand.add(kinds[step["kind"]]["label"])
		fill_step(hand, step, kinds[step["kind"]], triggers)
		hand.done()
	events = {event["name"]: event["label"] for event in catalog["events"]}
	hand.choose(".fe-settings [data-field=trigger_event] select", events[SEED["trigger_event"]])
	hand.text(".fe-settings [data-field=applies_to] input", SEED["applies_to"])
	if hands is Keyboard:
		page.keyboard.press("Escape")  # the suggestions
	hand.choose(".fe-settings [data-field=category] select", SEED["category"])
	hand.text(
		".fe-settings [data-field=variables] textarea", json.dumps(SEED["flow_definition"]["variables"])
	)
	page.wait_for_selector("text=No problems")
	if hands is Keyboard:
		hand.tab_to(".fe-card")
		page.keyboard.press("Control+s")
		page.wait_for_selector("text=Not saved", state="detached")
		hand.tab_to("[data-publish]")
		page.keyboard.press("Enter")
		page.wait_for_selector("[data-publish-now]:focus")
		page.keyboard.press("Enter")
		page.wait_for_selector(".fe-publish", state="detached")
	else:
		publish(page)

	stored = place.template(name)
	assert meaning(stored["flow_definition"]) == meaning(SEED["flow_definition"])
	assert stored["flow_definition"]["variables"] == SEED["flow_definition"]["variables"]
	for field in ("trigger_event", "applies_to", "category", "catalog", "re_entry"):
		assert stored[field] == SEED[field], field
	assert stored["step_count"] == len(SEED["flow_definition"]["steps"])


def test_a_flow_is_broken_in_five_ways_and_each_problem_stands_on_its_step(place):
	steps = [
		{"id": "install", "kind": "dispatch_job", "label": "Install", "payload": {"subject": "Install"}},
		{"id": "welcome", "kind": "notify", "label": "Welcome", "depends_on": ["install"], "payload": {"subject": "Hi", "body": "Hello"}},
		{"id": "call", "kind": "webhook", "label": "Call", "depends_on": ["welcome"], "payload": {"url": "https://example.com"}},
		{"id": "update", "kind": "erp_update", "label": "Update", "depends_on": ["call"], "payload": {"doctype": "Customer", "fields_json": '{"customer_details": "x"}'}},
		{"id": "later", "kind": "wait", "label": "Later", "depends_on": ["update"], "trigger": {"type": "after_delay", "delay_days": 2}},
	]  # fmt: skip
	page = place.open_flow(place.create("to_be_broken", steps))
	page.wait_for_selector("text=No problems")

	def edit(step: str, change) -> None:
		page.locator(f"[data-step={step}] > .fe-card").dblclick()
		page.wait_for_selector(PANEL)
		change()
		done(page)

	def fill(field: str, value: str):
		return lambda: page.fill(f"{PANEL} [data-field={field}] :is(input, textarea)", value)

	breaks = {
		"install": (fill("subject", ""), "Subject"),
		"welcome": (fill("body", "{{doc.name"), "{{"),
		"call": (fill("url", "ftp://example.com"), "http"),
		"update": (fill("fields_json", '{"a": '), "JSON"),
		"later": (fill("delay_days", "-1"), "delay"),
	}
	for number, (step, (change, said)) in enumerate(breaks.items(), start=1):
		edit(step, change)
		problem = page.wait_for_selector(f"[data-step={step}] > .fe-card > .fe-problems")
		assert said.lower() in problem.inner_text().lower(), (step, problem.inner_text())
		page.wait_for_selector(f"text={number} problem")
	# It is kept all the same, and not published: each problem leads to its step.
	page.click("[data-save]")
	page.wait_for_selector("text=Not saved", state="detached")
	page.click("[data-publish]")
	expect(page.locator("[data-publish-now]")).to_be_disabled()
	expect(page.locator(".fe-wrong li")).to_have_count(len(breaks))
	page.locator(".fe-wrong button").first.click()
	page.wait_for_selector(f"{PANEL} [data-field=subject]")
	done(page)
	expect(page.locator(".fe-card.invalid")).to_have_count(len(breaks))
	for _ in breaks:
		page.locator(".fe-toolbar >> text=Undo").click()
	page.wait_for_selector("text=No problems")
	expect(page.locator(".fe-card.invalid")).to_have_count(0)
