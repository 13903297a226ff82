"""What becomes of a mail after its step is done, in Frappe's own queue."""

from __future__ import annotations

import email
import email.policy
import json

import frappe
import pytest
import records as r

from flow_editor.services import looking, runs, starting
from flow_editor.site import worker
from flow_editor.site.host import current
from flow_editor.site.mail_watch import FAILED, sweep

FAILURE = (
	'Traceback (most recent call last):\n  File "x", line 1\nsmtplib.SMTPAuthenticationError: (535, "no <b>")'
)


def sent(flow=None, count=1, **payload):
	payload = {"to": "ana@example.com", "subject": "s", "body": "b", **payload}
	flow = flow or r.template(r.step("a", "notify", payload=payload, label="Greet"))
	started = [starting.start(current(), flow.name).run.name for _ in range(count)]
	r.drain()
	return started if count > 1 else started[0]


def queue_of(run: str) -> str:
	return r.state(run)["a"]["result"]["email_queue"]


def become(run: str, status: str, error: str | None = None) -> None:
	"""As Frappe's queue does it, which raises no event."""
	frappe.get_doc("Email Queue", queue_of(run)).update_status(status=status, error=error, commit=True)


def step_of(run: str) -> dict:
	return looking.get(current(), run)["step_state"]["a"]


def notices(run: str) -> list:
	fields = ["subject", "email_content", "for_user"]
	return frappe.get_all("Notification Log", filters={"document_name": run}, fields=fields)


@pytest.mark.parametrize(
	("status", "fate"),
	[
		("Not Sent", "queued"),
		("Sending", "queued"),
		("Partially Sent", "partially sent"),
		("Sent", "sent"),
		("Error", "failed"),
	],
)
def test_who_looks_at_a_run_sees_what_became_of_its_mail(site, status, fate):
	run = sent()
	become(run, status, FAILURE if status == "Error" else None)
	shown = step_of(run)
	assert (shown["status"], shown["result"]["fate"]) == ("done", fate)
	assert ("fate_reason" in shown["result"]) == (fate == "failed")
	assert "fate" not in r.state(run)["a"]["result"]


def test_a_mail_that_frappe_has_cleared_is_gone_and_nobody_is_told(site):
	run = sent()
	frappe.db.delete("Email Queue", {"name": queue_of(run)})
	frappe.db.commit()
	sweep(current())
	assert step_of(run)["result"]["fate"] == "gone" and notices(run) == []


def test_the_owner_s_notice_names_the_document_once(site):
	party = r.customer()
	flow = r.template(r.step("a", "notify", payload={"subject": "s", "body": "b"}))
	run = starting.start(current(), flow.name, doctype="Customer", docname=party.name).run.name
	become(run, "Error", FAILURE)
	worker.tick()
	(notice,) = notices(run)
	assert notice.subject.count(party.name) == 1 and "SMTP" in notice.subject


def test_a_mail_that_failed_stands_in_its_run_and_its_owner_is_told_once(site):
	run = sent()
	become(run, "Sending")
	sweep(current())
	assert notices(run) == [] and r.rows(run) == []
	become(run, "Error", FAILURE)
	for _ in range(2):
		worker.tick()
	state = step_of(run)
	assert (state["status"], frappe.db.get_value("Flow Run", run, "status")) == ("done", "completed")
	assert "ana@example.com was not sent" in state["error"] and "SMTPAuthenticationError" in state["error"]
	assert queue_of(run) in state["error"] and "mail_failed" not in state
	(notice,) = notices(run)
	title = frappe.db.get_value(
		"Flow Template", frappe.db.get_value("Flow Run", run, "flow_template"), "template_name"
	)
	assert notice.for_user == frappe.session.user and title in notice.subject
	assert f"The step Greet of run {run}" in notice.email_content and "SMTP" in notice.email_content
	(row,) = r.rows(run)
	assert (row.purpose, row.status, row.reference_name) == ("mail", "failed", queue_of(run))
	assert "<" not in row.last_error
	# Sent from the queue after all, it is no fault any more.
	become(run, "Not Sent")
	become(run, "Sent")
	assert "error" not in step_of(run) and step_of(run)["result"]["fate"] == "sent"


def test_frappe_itself_gives_up_at_last_and_it_is_told(site):
	"""By Frappe's own sending, to a mail server that is not there."""
	run = sent()
	row = frappe.get_doc("Email Queue", queue_of(run))
	frappe.db.set_value("Email Queue", row.name, "retry", 99)
	row.reload()
	frappe.flags.testing_email = True
	try:
		with pytest.raises(Exception):  # noqa: B017, whichever the account gives
			row.send()
	finally:
		frappe.flags.testing_email = False
	assert frappe.db.get_value("Email Queue", row.name, "status") == "Error"
	sweep(current())
	assert "was not sent" in step_of(run)["error"] and len(notices(run)) == 1


def test_a_flow_whose_mails_all_fail_tells_its_owner_once(site):
	flow = r.template(r.step("a", "notify", payload={"to": "ana@example.com", "subject": "s", "body": "b"}))
	started = sent(flow, count=3)
	for run in started:
		become(run, "Error", FAILURE)
	sweep(current())
	told = [notice for run in started for notice in notices(run)]
	assert len(told) == 1 and "2 more" in told[0].email_content
	assert all("was not sent" in step_of(run)["error"] for run in started)


def test_a_cancelled_run_is_told_of_its_mail_all_the_same(site):
	flow = r.template(
		r.step("a", "notify", payload={"to": "ana@example.com", "subject": "s", "body": "b"}),
		r.step("b", trigger={"type": "manual"}, depends_on=["a"]),
	)
	run = sent(flow)
	runs.cancel(current(), run)
	frappe.db.commit()
	become(run, "Error", FAILURE)
	sweep(current())
	assert (
		"was not sent" in step_of(run)["error"]
		and frappe.db.get_value("Flow Run", run, "status") == "cancelled"
	)


def test_a_step_that_was_done_again_is_not_blamed_for_its_first_mail(site):
	run = sent()
	become(run, "Error", FAILURE)
	states = r.state(run)
	states["a"]["result"]["email_queue"] = "another"
	frappe.db.set_value("Flow Run", run, "step_state", json.dumps(states))
	frappe.db.commit()
	sweep(current())
	assert "error" not in r.state(run)["a"] and notices(run) == []


def test_the_look_for_what_failed_uses_indexes(site):
	for _ in range(3):
		sent()
	plan = {row.table: row for row in frappe.db.sql(f"EXPLAIN {FAILED}", 100, as_dict=True)}
	assert plan["run"].key == "PRIMARY" and plan["told"].key, plan
	assert "index_bulk_flush" in (plan["queue"].possible_keys or ""), plan


def test_who_has_unsubscribed_is_left_out_and_named_whatever_the_case(site):
	gone, about = f"{frappe.generate_hash(length=8)}@example.com", r.issue(r.customer())
	left = r.make("Email Unsubscribe", email=gone, reference_doctype="Issue", reference_name=about.name)
	payload = {"to": f"{gone.upper()}, ana@example.com", "subject": "s", "body": "b"}
	flow = r.template(r.step("a", "notify", payload=payload))
	run = starting.start(current(), flow.name, doctype="Issue", docname=about.name).run.name
	r.drain()
	result = r.state(run)["a"]["result"]
	assert (result["to"], result["unsubscribed"]) == (["ana@example.com"], [gone.upper()])
	got = frappe.get_all(
		"Email Queue Recipient", filters={"parent": result["email_queue"]}, pluck="recipient"
	)
	assert got == ["ana@example.com"]
	elsewhere = starting.start(current(), flow.name).run.name
	r.drain()
	assert "unsubscribed" not in r.state(elsewhere)["a"]["result"]
	left.delete()


# What people read


def words_of(run: str) -> tuple[str, str, str]:
	"""A mail's subject, plain text and HTML."""
	message = email.message_from_string(
		frappe.db.get_value("Email Queue", queue_of(run), "message"), policy=email.policy.default
	)
	parts = {
		part.get_content_type(): part.get_content() for part in message.walk() if not part.is_multipart()
	}
	return str(message["Subject"]), parts["text/plain"], parts["text/html"]


def mail_about(doc, **payload) -> tuple[str, str, str]:
	payload = {"to": "ana@example.com", "subject": "s", "body": "b", **payload}
	flow = r.template(r.step("a", "notify", payload=payload))
	run = starting.start(current(), flow.name, doctype=doc.doctype, docname=doc.name).run.name
	r.drain()
	assert r.state(run)["a"]["status"] == "done", r.state(run)
	return words_of(run)


def quoted_to(party, **values):
	doc = r.quotation(party)
	doc.update({"transaction_date": "2026-01-01", "valid_till": "2099-12-03", **values})
	return doc.save()


def test_amounts_and_dates_of_a_real_quotation_in_the_customer_s_language(site):
	text = "{{doc.grand_total}} {{doc.currency}} by {{doc.valid_till}}, {{doc.items.rate}}, {{doc.items.0.qty}}, {{doc.disable_rounded_total}}"
	quoted = quoted_to(r.customer())
	subject, *_ = mail_about(quoted, subject=text)
	assert subject == f"100.00 {quoted.currency} by 3 December 2099, 100.00, 1, No"
	french = quoted_to(r.customer(language="fr"))
	subject, *_ = mail_about(french, subject=text)
	assert subject == f"100,00 {quoted.currency} by 3 décembre 2099, 100,00, 1, {frappe._('No', 'fr')}"


def test_rich_text_of_a_real_issue(site):
	said = "<p>No signal &amp; no phone</p><p>since <b>Monday</b></p>"
	doc = r.issue(r.customer(), description=f'<div class="ql-editor read-mode">{said}</div>')
	subject, plain, shown = mail_about(
		doc, subject="{{doc.description}}", body="We got this:\n{{doc.description}}\nThanks"
	)
	assert subject == "No signal & no phone since Monday"
	assert (
		"No signal &amp; no phone</p>" in shown and "since <b>Monday</b></p>" in shown and "&lt;" not in shown
	)
	assert "No signal & no phone" in plain and "<" not in plain


def test_an_e_mail_template_reads_as_people_write_and_still_counts(site):
	template = r.make(
		"Email Template",
		name=r.unique("Template"),
		subject="{{ doc.valid_till }}: {{ grand_total }}",
		use_html=1,
		response_html=(
			"{% if doc.grand_total > 99 %}<p>{{ grand_total }} twice is {{ grand_total * 2 }}; {{ doc.valid_till }}, "
			"{{ frappe.utils.formatdate(doc.valid_till, 'yyyy') }}; {{ doc.terms }}; {{ variables.v }}; "
			"{{ doc['items'][0].rate }}</p>{% endif %}"
		),
	)
	terms = '<div class="ql-editor read-mode"><p>Pay &amp; <b>smile</b></p></div>'
	quoted = quoted_to(r.customer(), terms=terms)
	payload = {"to": "ana@example.com", "template_id": template.name}
	flow = r.template(r.step("a", "notify", payload=payload), variables={"v": "A <b> & c\ny"})
	run = starting.start(current(), flow.name, doctype="Quotation", docname=quoted.name).run.name
	r.drain()
	assert r.state(run)["a"]["status"] == "done", r.state(run)
	subject, _, shown = words_of(run)
	assert subject == "3 December 2099: 100.00"
	assert "100.00 twice is 200.0; 3 December 2099, 2099; " in shown
	assert "Pay &amp; <b>smile</b>" in shown and "A &lt;b&gt; &amp; c<br>" in shown
	assert shown.count("100.00") == 3  # the subject is its title


def test_all_addresses_of_a_real_contact(site):
	person = r.make(
		"Contact",
		first_name=r.unique("Ana"),
		email_ids=[{"email_id": "a@example.com", "is_primary": 1}, {"email_id": "b@example.com"}],
		phone_nos=[{"phone": "+15145550100", "is_primary_phone": 1}],
	)
	flow = r.template(
		*(
			r.step(name, "notify", payload={"to": to, "subject": "s", "body": "b"})
			for name, to in (
				("table", "{{doc.email_ids}}"),
				("column", "{{doc.email_ids.email_id}}"),
				("phones", "{{doc.phone_nos}}"),
			)
		)
	)
	run = starting.start(current(), flow.name, doctype="Contact", docname=person.name).run.name
	r.drain()
	state = r.state(run)
	assert (
		state["table"]["result"]["to"]
		== state["column"]["result"]["to"]
		== ["a@example.com", "b@example.com"]
	)
	assert (
		"phone, is_primary_phone" in state["phones"]["error"] and "docstatus" not in state["phones"]["error"]
	)


def test_an_issue_that_a_step_opens_keeps_lines_and_markup(site):
	said = '<div class="ql-editor read-mode"><p>No &amp; signal</p></div>'
	doc = r.issue(r.customer(), description=said)
	payload = {
		"subject": "Again",
		"description": "Said before:\n{{doc.description}}\nCall <b>soon</b>\nplease",
	}
	flow = r.template(r.step("a", "issue", payload=payload))
	run = starting.start(current(), flow.name, doctype="Issue", docname=doc.name).run.name
	r.drain()
	opened = frappe.get_doc("Issue", r.state(run)["a"]["result"]["issue"])
	assert opened.description == (
		"Said before:\n<div><p>No &amp; signal</p></div>\nCall <b>soon</b><br>\nplease"
	)
