"""The widgets of a step's form, each as a person uses it."""

from __future__ import annotations

import pytest
from compose import PANEL, done, publish
from playwright.sync_api import expect

from flow_editor.engine.kind import Field, Kind

FIELD = PANEL + " [data-field={}]"


class EveryType(Kind):
	"""A kind of another app, with a field of every type."""

	name = "every_type"
	label = "Every type"
	icon = "tool"
	color = "cyan"
	description = "Shows what there is."
	summary = "{a_text} within {a_duration|any time}"
	fields = (
		Field("a_text", "text", "Text", required=True),
		Field("a_textarea", "textarea", "Lines"),
		Field("a_html", "html", "HTML"),
		Field("a_number", "number", "Number", minimum=0),
		Field("a_select", "select", "Select", options=("one", ("two", "The second"))),
		Field("a_check", "check", "Check", default=1, templated=False),
		Field("a_datetime", "datetime", "Moment"),
		Field("a_duration", "duration", "Duration", unit="hours"),
		Field("a_link", "link", "Link", doctype="Customer"),
		Field("a_doctype", "doctype", "DocType", templated=False),
		Field("a_docfield", "docfield", "Field"),
		Field("a_json", "json", "JSON"),
		Field("a_recipients", "recipients", "Recipients"),
		Field("a_url", "url", "URL"),
		Field("a_value", "value", "Value"),
		Field("seconds", "duration", "Seconds", templated=False),
	)

	def run(self, step, ctx):
		return {}


def payload_of(place, name: str) -> dict:
	(step,) = place.template(name)["flow_definition"]["steps"]
	return step["payload"]


def save(page) -> None:
	done(page)
	page.wait_for_selector("text=No problems")
	publish(page)


def test_a_webhook_signs_in_and_says_what_it_sends_without_json(place):
	name = place.create(
		"sign_in", [{"id": "call", "kind": "webhook", "payload": {"url": "https://x.example/"}}]
	)
	page = place.open_flow(name)
	page.locator("[data-step=call] > .fe-card").dblclick()
	auth = page.locator(FIELD.format("auth"))
	auth.locator("select").select_option("basic")
	page.wait_for_selector(f"{FIELD.format('auth')} .fe-problems >> text=Name the secret")
	auth.locator("[name=auth-user]").fill("ana")
	auth.locator("[name=auth-secret]").fill("crm")
	page.wait_for_selector(f"{FIELD.format('auth')} .fe-problems", state="detached")
	body = page.locator(FIELD.format("body_template"))
	expect(body.locator(".fe-json")).to_have_count(1)
	page.locator(FIELD.format("body_type") + " select").select_option("text")
	expect(body.locator(".fe-json")).to_have_count(0)
	body.locator("textarea").fill("Dear {{doc.name}}, no { JSON")
	page.locator(FIELD.format("follow") + " input").check()
	save(page)
	payload = payload_of(place, "sign_in")
	assert payload["auth"] == {"type": "basic", "user": "ana", "secret": "crm"}
	assert (payload["body_type"], payload["body_template"]) == ("text", "Dear {{doc.name}}, no { JSON")
	assert payload["follow"] is True
	page.locator("[data-step=call] > .fe-card").dblclick()
	auth.locator("select").select_option("bearer")
	expect(auth.locator("[name=auth-user]")).to_have_count(0)
	save(page)
	assert payload_of(place, "sign_in")["auth"] == {"type": "bearer", "secret": "crm"}
	page.locator("[data-step=call] > .fe-card").dblclick()
	auth.locator("select").select_option("")
	save(page)
	assert "auth" not in payload_of(place, "sign_in")


def test_numbers_and_durations_stay_as_they_are_typed(place):
	name = place.create("typed_numbers", [{"id": "job", "kind": "dispatch_job", "payload": {"subject": "s"}}])
	page = place.open_flow(name)
	page.locator("[data-step=job] > .fe-card").dblclick()
	duration = page.locator(FIELD.format("duration_h") + " input")
	duration.click()
	for typed, words in (
		("1.05", "1 hour, 3 minutes"),
		("90m", "1 hour, 30 minutes"),
		("2d 1h", "2 days, 1 hour"),
	):
		page.keyboard.press("Control+a")
		page.keyboard.type(typed)
		expect(duration).to_have_value(typed)
		page.wait_for_selector(f"{FIELD.format('duration_h')} .fe-help >> text={words}")
	save(page)
	assert payload_of(place, "typed_numbers")["duration_h"] == 49
	page.locator("[data-step=job] > .fe-card").dblclick()
	expect(duration).to_have_value("49")
	duration.click()
	page.keyboard.press("Control+a")
	page.keyboard.type("soon")
	page.wait_for_selector(f"{FIELD.format('duration_h')} .fe-problems >> text=number of hours")


def test_recipients_are_read_one_by_one(place):
	payload = {"to": ["ana@example.com", "{{doc.raised_by}}"], "subject": "x", "body": "y"}
	name = place.create(
		"recipients", [{"id": "n", "kind": "notify", "payload": payload}], trigger_event="on_issue_opened"
	)
	page = place.open_flow(name)
	page.locator("[data-step=n] > .fe-card").dblclick()
	to = page.locator(FIELD.format("to") + " input")
	expect(to).to_have_value("ana@example.com, {{doc.raised_by}}")
	expect(page.locator(".fe-recipients .fe-pill.gray")).to_have_count(2)
	to.fill("ana@example.com, somebody")
	expect(page.locator(".fe-recipients .fe-pill.orange")).to_have_text(["somebody"])
	to.fill("ana@example.com")
	page.click(FIELD.format("to") + " .fe-field-head button")
	page.keyboard.type("doc.raised_by")
	page.keyboard.press("Enter")
	expect(to).to_have_value("ana@example.com, {{doc.raised_by}}")
	save(page)
	assert payload_of(place, "recipients")["to"] == "ana@example.com, {{doc.raised_by}}"


def test_a_kind_of_another_app_has_a_widget_for_each_field(place):
	if place.name == "desk":
		pytest.skip("another app's kinds are those of the bench's apps")
	place.host.catalog.add(EveryType())
	name = place.create("every_type", [{"id": "e", "kind": "every_type", "payload": {"a_text": "x"}}])
	page = place.open_flow(name)
	page.wait_for_selector("[data-step=e] .fe-what >> text=x within any time")
	page.locator("[data-step=e] > .fe-card").dblclick()
	expect(page.locator(FIELD.format("a_check") + " input")).to_be_checked()
	written = {
		"a_text": "Hello {{customer.name}}",
		"a_textarea": "One\nTwo",
		"a_html": "<b>{{doc.name}}</b>",
		"a_number": "0.5",
		"a_datetime": "2027-03-31 09:00",
		"a_duration": "1h 30m",
		"a_link": "Ana Tremblay",
		"a_doctype": "Issue",
		"a_docfield": "doc.status",
		"a_json": '{"a": [1, true, null]}',
		"a_recipients": "a@example.com, +15145550100",
		"a_url": "https://example.com",
		"a_value": "High",
		"seconds": "2m",
	}
	for field, text in written.items():
		widget = page.locator(FIELD.format(field) + " :is(input[type=text], textarea)").first
		widget.click()
		page.keyboard.press("Control+a")
		page.keyboard.insert_text(text)
	page.select_option(FIELD.format("a_select") + " select", label="The second")
	page.uncheck(FIELD.format("a_check") + " input")
	expect(page.locator(FIELD.format("a_datetime") + " [type=datetime-local]")).to_have_value(
		"2027-03-31T09:00"
	)
	assert page.locator(FIELD.format("a_json") + " .hljs-attr").count() == 1
	pickable = page.locator(f"{PANEL} .fe-field-head button").count()
	# All but what is not templated, and the label.
	assert pickable == len([field for field in EveryType.fields if field.templated])
	save(page)
	assert payload_of(place, "every_type") == {
		**written,
		"a_number": 0.5,
		"a_duration": 1.5,
		"seconds": 120,
		"a_select": "two",
		"a_check": False,
	}
	page.wait_for_selector("[data-step=e] .fe-what >> text=within 1.5")


def test_a_wait_asks_how_long_first_and_waits_from_the_beginning(place):
	name = place.create("waits_a_while", [])
	page = place.open_flow(name)
	page.click(".fe-toolbar >> text=Add step")
	page.fill(".fe-menu input", "delay")
	page.keyboard.press("Enter")
	page.wait_for_selector(f"{PANEL} #fe-delay-unit")
	expect(page.locator(f"{PANEL} #fe-delay_days")).to_have_value("1")
	expect(page.locator(".fe-card")).to_contain_text("1 day")
	page.select_option(f"{PANEL} #fe-delay-unit", label="Hours")
	page.fill(f"{PANEL} #fe-delay_hours", "3")
	save(page)
	(step,) = place.template("waits_a_while")["flow_definition"]["steps"]
	assert step["trigger"] == {"type": "after_delay", "delay_hours": 3}


def test_what_a_failure_means_may_be_a_branch(place):
	name = place.create(
		"may_fail", [{"id": "call", "kind": "webhook", "payload": {"url": "https://x.example/"}}]
	)
	page = place.open_flow(name)
	page.locator("[data-step=call] > .fe-card").dblclick()
	page.click(f"{PANEL} summary >> text=If it fails")
	page.select_option(f"{PANEL} #fe-on-error", "lane")
	page.wait_for_selector(".fe-lanes >> text=If it fails")
	save(page)
	(step,) = place.template("may_fail")["flow_definition"]["steps"]
	assert step["on_error"] == "lane"
