"""Mails and text messages as who gets them reads them, by `flow-editor run`."""

from __future__ import annotations

from datetime import datetime

import pytest

from flow_editor.lab.host import LabHost
from flow_editor.services import mails, starting, templates
from flow_editor.trial.simulate import simulate

ISSUE = {"doctype": "Issue", "name": "I-1"}


def sent(doc: dict, **payload) -> dict:
	payload = {"to": "ana@example.com", "subject": "s", "body": "b", **payload}
	step = {"id": "m", "kind": "notify", "payload": payload}
	done = simulate({"version": 1, "steps": [step]}, doc=doc, now=datetime(2026, 11, 23, 9))
	assert done.run["step_state"]["m"]["status"] == "done", done.run["step_state"]
	return done.sent[0]


def test_a_name_with_a_comma():
	doc = {**ISSUE, "raised_by": '"Tremblay, Ana" <ana@example.com>, Bob <bob@example.com>'}
	assert sent(doc, to="{{doc.raised_by}}")["to"] == "ana@example.com, bob@example.com"


def test_rich_text_in_messages():
	said = '<div class="ql-editor read-mode"><p>No signal &amp; no phone</p><p>since Monday</p></div>'
	doc = {**ISSUE, "description": said}
	mail = sent(doc, body="We got this:\n{{doc.description}}\nThanks")
	assert (
		mail["body"] == "We got this:\n<div><p>No signal &amp; no phone</p><p>since Monday</p></div>\nThanks"
	)
	text = sent(doc, channel="sms", to="+15145550100", body="New: {{doc.description}}")
	assert text["body"] == "New: No signal & no phone\nsince Monday"


def test_line_breaks():
	doc = {**ISSUE, "d": "2026-12-03", "notes": "Ring twice\nDog in yard"}
	body = "Hello Ana,\n\nYour technician comes on <b>{{doc.d}}</b>.\n\nNotes:\n{{doc.notes}}\n\nThe team"
	assert sent(doc, body=body)["body"].split("<br>\n") == [
		"Hello Ana,", "", "Your technician comes on <b>2026-12-03</b>.", "", "Notes:", "Ring twice", "Dog in yard", "", "The team",
	]  # fmt: skip


def test_recipients_of_a_table():
	rows = [{"email_id": "a@example.com", "is_primary": 1}, {"email_id": "b@example.com", "is_primary": 0}]
	doc = {"doctype": "Contact", "name": "K-1", "email_ids": rows}
	for to in ("{{doc.email_ids}}", "{{doc.email_ids.email_id}}"):
		assert sent(doc, to=to)["to"] == "a@example.com, b@example.com"


@pytest.mark.parametrize(
	("language", "read"),
	[
		(None, "79.90 CAD by 3 December 2026, made 23 November 2026, 08:59, No"),
		("fr", "79,90 CAD by 3 décembre 2026, made 23 novembre 2026, 08:59, Non"),
		("de", "79,90 CAD by 3. Dezember 2026, made 23. November 2026, 08:59, Nein"),
	],
)
def test_an_amount_and_a_date(language, read):
	doc = {
		"doctype": "Sales Invoice",
		"name": "SI-1",
		"customer": {"customer_name": "Ana", "language": language},
		"grand_total": 79.9,
		"currency": "CAD",
		"due_date": "2026-12-03",
		"creation": "2026-11-23 08:59:59.123456",
		"is_return": 0,
	}
	text = (
		"{{doc.grand_total}} {{doc.currency}} by {{doc.due_date}}, made {{doc.creation}}, {{doc.is_return}}"
	)
	mail = sent(doc, subject=text, body=text)
	assert (mail["subject"], mail["body"]) == (read, read)


def test_an_amount_in_the_currency_of_its_company():
	host = LabHost()
	host.documents.insert_quietly("Company", {"name": "ACME", "default_currency": "JPY"})
	host.documents.insert_quietly("Customer", {"name": "Ana", "language": "fr"})
	assert host.words.linked("Company", "ACME", "default_currency") == "JPY"
	assert host.words.linked("Company", "Nobody", "default_currency") is None
	assert [host.words.language(name) for name in ("Ana", "Nobody", "")] == ["fr", "en", "en"]


def test_an_e_mail_template_of_the_lab():
	host = LabHost()
	step = {"id": "m", "kind": "notify", "payload": {"to": "a@example.com", "template_id": "Hello"}}
	host.documents.insert_quietly(
		"Email Template",
		{
			"name": "Hello",
			"subject": "{{doc.description}}",
			"response": "<p>{{doc.description}}</p><p>{{doc.opening_date}}</p>",
		},
	)
	host.documents.insert_quietly(
		"Issue", {**ISSUE, "description": "<b>a</b> &amp;", "opening_date": "2026-12-03"}
	)
	with host.store.transaction():
		made = templates.create(host, {"template_name": "T", "flow_definition": {"steps": [step]}})
		starting.start(host, made["name"], doctype="Issue", docname="I-1")
	(mail,) = host.sent()
	assert mail["subject"] == "a &" and mail["body"] == "<p><b>a</b> &amp;</p><p>3 December 2026</p>"


def test_a_mail_of_the_lab_has_arrived_and_nothing_waits_for_it():
	step = {"id": "m", "kind": "notify", "payload": {"to": "a@example.com", "subject": "s", "body": "b"}}
	run = simulate({"version": 1, "steps": [step]}).run
	assert run["step_state"]["m"]["result"]["fate"] == "sent" and "error" not in run["step_state"]["m"]
	assert mails.with_fates(
		LabHost(), {"a": {"status": "done", "result": "text"}, "b": {"status": "pending"}}
	) == {
		"a": {"status": "done", "result": "text"},
		"b": {"status": "pending"},
	}
