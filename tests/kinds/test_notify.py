from __future__ import annotations

import pytest

from flow_editor.engine.errors import StepFailed

EMAIL = {"to": "a@example.com", "subject": "Hello", "body": "Dear {{customer.customer_name}},\nyours"}


def test_plain_text_keeps_its_lines_and_escapes_everything(bench):
	result = bench.do("notify", EMAIL)
	(mail,) = bench.emails
	assert mail["body"] == "Dear Ana &lt;b&gt;Bell&lt;/b&gt; &amp; Co,<br>\nyours"
	assert bench.messages.about == ("Issue", "ISS-1")
	assert result == {
		"channel": "email",
		"to": ["a@example.com"],
		"subject": "Hello",
		"email_queue": "SENT-00001",
	}


def test_html_stays_and_its_values_are_escaped(bench):
	bench.do("notify", {**EMAIL, "body": "<p>Dear <i>{{customer.customer_name}}</i></p>\n"})
	body = bench.emails[0]["body"]
	assert body == "<p>Dear <i>Ana &lt;b&gt;Bell&lt;/b&gt; &amp; Co</i></p>\n"


@pytest.mark.parametrize(
	"text", ["Write to <ana@example.com>\nor", "1 < 2\nand 3 > 2", "see <https://x.test>\n"]
)
def test_an_angle_bracket_is_not_yet_html(bench, text):
	bench.do("notify", {**EMAIL, "body": text})
	assert "&lt;" in bench.emails[0]["body"] and "<br>" in bench.emails[0]["body"]


def test_a_subject_is_one_line(bench):
	bench.run.variables["x"] = "a\r\nBcc: b@example.com"
	bench.do("notify", {**EMAIL, "subject": "Hi {{variables.x}}"})
	assert bench.emails[0]["subject"] == "Hi a Bcc: b@example.com"


def test_an_email_template_takes_the_place_of_the_text(bench):
	bench.documents.put(
		"Email Template", "Welcome", subject="Subject of {{run.name}}", response="<p>Body of {{doc.name}}</p>"
	)
	result = bench.do("notify", {"to": "a@example.com", "template_id": "Welcome"})
	assert result["subject"] == "Subject of FR-00001"
	assert bench.emails[0]["body"] == "<p>Body of ISS-1</p>"


@pytest.mark.parametrize(
	("to", "expected"),
	[
		("a@x.test; b@x.test,\nc@x.test", ["a@x.test", "b@x.test", "c@x.test"]),
		("a@x.test, A@X.test,a@x.test", ["a@x.test"]),
		("Ana <ana@x.test>", ["ana@x.test"]),
		("o'brien@x.test", ["o'brien@x.test"]),
		(["a@x.test", "b@x.test"], ["a@x.test", "b@x.test"]),
		("{{variables.many}}", ["a@x.test", "b@x.test"]),
		("", ["ana@example.com"]),
		("{{variables.none}}", ["ana@example.com"]),
	],
)
def test_recipients(bench, to, expected):
	bench.run.variables["many"] = ["a@x.test", "b@x.test"]
	assert bench.do("notify", {**EMAIL, "to": to})["to"] == expected


@pytest.mark.parametrize(
	"to",
	["ana", "@x.test", "a@x.test b@x.test", "a\x00@x.test", "a@x.test, nobody", "a@x.test\r\nBcc: b@x.test"],
)
def test_what_is_no_address_is_refused_by_name(bench, to):
	assert "e-mail address" in bench.fails("notify", {**EMAIL, "to": to})
	assert bench.emails == []


def test_nobody_to_notify_says_what_to_fill_in(bench):
	bench.customer(email_id="", mobile_no="")
	message = bench.fails("notify", {**EMAIL, "to": ""})
	assert "CUST-1" in message and "Fill in To" in message
	assert "mobile" in bench.fails("notify", {"channel": "sms", "body": "a"})
	bench.run.customer = ""
	assert "no customer" in bench.fails("notify", {**EMAIL, "to": ""})


def test_sms(bench):
	payload = {
		"channel": "sms",
		"body": "Hello {{customer.customer_name}}",
		"to": "(514) 555-0100, +33 6 12 34",
	}
	result = bench.do("notify", payload)
	assert [(text["to"], text["body"]) for text in bench.texts] == [
		(number, "Hello Ana <b>Bell</b> & Co") for number in ("(514) 555-0100", "+33 6 12 34")
	]
	assert bench.messages.key == "key-1"
	assert result["channel"] == "sms"
	assert bench.do("notify", {**payload, "to": ""})["to"] == ["+15145550100"]
	assert "phone number" in bench.fails("notify", {**payload, "to": "ana@example.com"})


def test_sms_without_a_gateway_fails_before_anything_is_committed_to(bench):
	bench.messages.problem = "No SMS gateway is set up."
	ctx = bench.context("notify", {"channel": "sms", "body": "a"})
	with pytest.raises(Exception, match="No SMS gateway"):
		ctx.kind.prepare(ctx.step, ctx)


def test_the_effect_is_that_of_the_channel(bench):
	kind = bench.catalog["notify"]
	assert [kind.effect_of(p) for p in ({}, {"channel": "email"}, {"channel": "sms"})] == [
		"documents",
		"documents",
		"external",
	]


def test_what_has_to_be_filled_in(bench):
	assert bench.check("notify", {}) == ["subject", "body"]
	assert bench.check("notify", {"template_id": "Welcome"}) == []
	assert bench.check("notify", {"channel": "sms", "template_id": "Welcome"}) == ["body"]


CASES = {
	"no_signal": "<div class='ql-editor read-mode'><p>No signal &amp; no phone</p><p>since Monday</p></div>",
}


def invoice(bench, **fields):
	bench.documents.typed["Issue"] = {
		"grand_total": ("Currency", "Grand Total", "currency"),
		"due_date": ("Date", "Due Date"),
		"terms": ("Text Editor", "Terms"),
		"description": ("Text Editor", "Description"),
		"notes": ("Small Text", "Notes"),
		"email_ids": ("Table", "Emails", "Contact Email"),
	}
	bench.documents.put("Issue", "ISS-1", **fields)


def test_amounts_and_dates_read_as_people_write_them_and_nowhere_else(bench):
	invoice(bench, grand_total=1234567.5, currency="CAD", due_date="2026-12-03")
	text = "{{doc.grand_total}} {{doc.currency}} by {{doc.due_date}}"
	result = bench.do("notify", {**EMAIL, "subject": text, "body": f"<b>{text}</b>\n"})
	assert result["subject"] == "1,234,567.50 CAD by 3 December 2026"
	assert bench.emails[0]["body"] == "<b>1,234,567.50 CAD by 3 December 2026</b><br>\n"
	bench.customer(language="fr")
	bench.do("notify", {"channel": "sms", "to": "+15145550100", "body": text})
	assert bench.texts[0]["body"] == "1 234 567,50 CAD by 3 décembre 2026"
	assert "2026-12-03" in bench.fails("notify", {**EMAIL, "to": "{{doc.due_date}}"})
	ctx = bench.context("issue", {"subject": text, "description": "{{doc.due_date}}"})
	assert ctx.payload["subject"] == "1234567.5 CAD by 2026-12-03"
	assert ctx.payload["description"] == "2026-12-03"


def test_rich_text_is_markup_in_a_mail_and_words_in_a_text_message(bench):
	invoice(bench, description=CASES["no_signal"], notes="Ring <b>twice</b>\nDog in yard")
	payload = {**EMAIL, "subject": "{{doc.description}}", "body": "We got this:\n{{doc.description}}\nThanks"}
	assert bench.do("notify", payload)["subject"] == "No signal & no phone since Monday"
	assert bench.emails[0]["body"] == (
		"We got this:\n<div><p>No signal &amp; no phone</p><p>since Monday</p></div>\nThanks"
	)
	bench.do(
		"notify", {"channel": "sms", "to": "+15145550100", "body": "New: {{doc.description}}\n{{doc.notes}}"}
	)
	assert bench.texts[0]["body"] == (
		"New: No signal & no phone\nsince Monday\nRing <b>twice</b>\nDog in yard"
	)
	bench.do("notify", {**EMAIL, "body": "<p>{{doc.notes}}</p>"})
	assert bench.emails[1]["body"] == "<p>Ring &lt;b&gt;twice&lt;/b&gt;<br>\nDog in yard</p>"


def test_one_bold_word_takes_no_line_break_away(bench):
	bench.do("notify", {**EMAIL, "body": "Hello,\n\ncome on <b>{{run.name}}</b>.\nBye"})
	assert bench.emails[0]["body"] == "Hello,<br>\n<br>\ncome on <b>FR-00001</b>.<br>\nBye"


def test_recipients_of_a_table(bench):
	invoice(
		bench,
		email_ids=[{"email_id": "a@x.test", "is_primary": 1}, {"email_id": "b@x.test", "is_primary": 0}],
	)
	for to in ("{{doc.email_ids}}", "{{doc.email_ids.email_id}}", ["{{doc.email_ids}}", "a@x.test"]):
		assert bench.do("notify", {**EMAIL, "to": to})["to"] == ["a@x.test", "b@x.test"]
	message = bench.fails("notify", {"channel": "sms", "to": "{{doc.email_ids}}", "body": "x"})
	assert "email_id, is_primary" in message and "{" not in message.replace("{{doc.email_ids", "")


def test_who_has_unsubscribed_is_left_out_and_named(bench):
	bench.messages.gone = ["b@x.test"]
	result = bench.do("notify", {**EMAIL, "to": "a@x.test, b@x.test"})
	assert result["to"] == [bench.emails[0]["to"]] == ["a@x.test"]
	assert result["unsubscribed"] == ["b@x.test"]
	with pytest.raises(StepFailed, match=r"b@x\.test has unsubscribed") as caught:
		bench.do("notify", {**EMAIL, "to": "b@x.test"})
	assert caught.value.result == {"unsubscribed": ["b@x.test"]}
	assert "unsubscribed" not in bench.do("notify", EMAIL)
