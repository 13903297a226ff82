"""Each step kind's real effect on a real ERPNext."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl

import frappe
import pytest
import records as r
from frappe.utils import add_days, nowdate
from receiver import allow

from flow_editor.services import starting


def run_step(site, kind: str, payload: dict, doc=None, variables=None) -> dict:
	"""Run one step, by hand, on a document; returns its state."""
	flow = r.template(r.step("a", kind, payload=payload), variables=variables or {})
	about = {"doctype": doc.doctype, "docname": doc.name} if doc else {}
	moved = starting.start(site, flow.name, **about)
	r.drain()
	return r.state(moved.run.name)["a"]


def current():
	from flow_editor.site.host import current

	return current()


# dispatch_job


def test_dispatch_job_creates_and_merges(site):
	party = r.customer()
	key = r.unique("key")
	payload = {
		"subject": "Line of {{doc.customer_name}}",
		"job_type": "Repair",
		"priority": "low",
		"duration_h": 1.5,
		"assigned_group": "North",
		"merge_key": key,
	}
	first = run_step(site, "dispatch_job", payload, party)["result"]
	second = run_step(
		site, "dispatch_job", {**payload, "subject": "More", "priority": "urgent", "duration_h": 1}, party
	)["result"]
	assert second == {"job": first["job"], "merged": True} and first["merged"] is False
	job = frappe.get_doc("Dispatch Job", first["job"])
	assert job.subject == f"Line of {party.customer_name}"
	assert (job.duration_h, job.priority, job.customer, job.assigned_group) == (
		2.5,
		"urgent",
		party.name,
		"North",
	)
	assert "More" in job.description
	job.status = "Completed"
	job.save()
	third = run_step(site, "dispatch_job", payload, party)["result"]
	assert third["merged"] is False and third["job"] != job.name


def test_dispatch_job_calls_when_it_opens_and_when_it_closes(site, receiver):
	payload = {
		"subject": "Install",
		"on_open_webhook": receiver.url + "/open",
		"on_close_webhook": receiver.url + "/close/{{doc.name}}",
	}
	party = r.customer()
	flow = r.template(r.step("a", "dispatch_job", payload=payload))
	run = starting.start(current(), flow.name, doctype="Customer", docname=party.name).run
	r.drain()
	assert [call[1] for call in receiver.calls] == ["/open"]
	assert frappe.db.get_value("Flow Run", run.name, "status") == "completed"
	job = frappe.get_doc("Dispatch Job", r.state(run.name)["a"]["result"]["job"])
	job.status = "Assigned"
	job.save()
	r.drain()
	assert len(receiver.calls) == 1
	job.status = "Completed"
	job.save()
	r.drain()
	assert [call[1] for call in receiver.calls] == ["/open", "/close/" + party.name.replace(" ", "%20")]
	assert json.loads(receiver.calls[1][3])["job"] == job.name
	job.save()
	r.drain()
	assert len(receiver.calls) == 2


def test_dispatch_job_sets_only_fields_that_the_site_has(site):
	field = frappe.get_doc("DocField", {"parent": "Dispatch Job", "fieldname": "assigned_group"})
	frappe.db.delete("DocField", {"name": field.name})
	frappe.clear_cache(doctype="Dispatch Job")
	try:
		flow = r.template(
			r.step("a", "dispatch_job", payload={"subject": "Install", "assigned_group": "North"})
		)
		moved = starting.start(site, flow.name)
		assert moved.run.step_state["a"]["status"] == "done"
	finally:
		frappe.db.rollback()
		frappe.clear_cache(doctype="Dispatch Job")


# issue


def test_issue(site):
	party = r.customer()
	name = run_step(
		site,
		"issue",
		{"subject": "Call {{customer.customer_name}}", "description": "a", "priority": "high"},
		party,
	)["result"]["issue"]
	made = frappe.get_doc("Issue", name)
	assert (made.subject, made.customer, made.priority) == (f"Call {party.customer_name}", party.name, "High")
	failed = run_step(site, "issue", {"subject": "x", "priority": "whenever"})
	assert failed["status"] == "failed" and "High" in failed["error"] and "whenever" in failed["error"]


# notify


MARKUP = {"who": "<b>Bob</b> & Co"}


def test_notify_by_e_mail_escapes_values(site):
	payload = {
		"to": "a@example.com, b@example.com",
		"subject": "Hi {{variables.who}}",
		"body": "Dear {{variables.who}},\nyours",
	}
	state = run_step(site, "notify", payload, variables=MARKUP)
	queued = frappe.get_doc("Email Queue", state["result"]["email_queue"])
	assert {row.recipient for row in queued.recipients} == {"a@example.com", "b@example.com"}
	text = _decoded(frappe.safe_decode(queued.message))
	assert "&lt;b&gt;Bob&lt;/b&gt; &amp; Co,<br>" in text and "<b>Bob" not in text.split("<body")[-1]
	html = run_step(
		site, "notify", {**payload, "body": "<p><i>Dear</i> {{variables.who}}</p>"}, variables=MARKUP
	)
	text = _decoded(
		frappe.safe_decode(frappe.db.get_value("Email Queue", html["result"]["email_queue"], "message"))
	)
	assert "<i>Dear</i> &lt;b&gt;Bob" in text


def _decoded(message: str) -> str:
	import email

	parts = email.message_from_string(message).walk()
	return "\n".join(
		(part.get_payload(decode=True) or b"").decode("utf-8", "replace")
		for part in parts
		if not part.is_multipart()
	)


def test_notify_falls_back_to_the_customer(site):
	party = r.customer(email_id="primary@example.com")
	assert run_step(site, "notify", {"subject": "a", "body": "b"}, party)["result"]["to"] == [
		"primary@example.com"
	]
	nobody = r.customer(email_id=None, mobile_no=None)
	failed = run_step(site, "notify", {"subject": "a", "body": "b"}, nobody)
	assert failed["status"] == "failed" and nobody.name in failed["error"]


def test_notify_on_a_site_that_sends_no_mail_fails_at_once_and_says_what_to_do(site):
	accounts = frappe.get_all("Email Account", filters={"default_outgoing": 1}, pluck="name")
	flow = r.template(
		r.step("a", "notify", payload={"to": "a@example.com", "subject": "a", "body": "b"}),
	)
	frappe.db.set_value("Email Account", {"default_outgoing": 1}, "default_outgoing", 0)
	frappe.local.outgoing_email_account = {}
	try:
		state = starting.start(site, flow.name).run.step_state["a"]
		assert state["status"] == "failed" and "default outgoing" in state["error"]
		assert not frappe.db.count("Error Log") and not frappe.db.count("Flow Step Pending")
	finally:
		frappe.db.rollback()
		frappe.local.outgoing_email_account = {}
	assert frappe.get_all("Email Account", filters={"default_outgoing": 1}, pluck="name") == accounts


def test_notify_uses_an_email_template(site):
	template = r.make(
		"Email Template",
		name=r.unique("Welcome"),
		subject="Hello {{ customer_name }}",
		response="<p>{{ doc.customer_name }} {{ variables.who }}</p>",
	)
	party = r.customer()
	state = run_step(
		site, "notify", {"to": "a@example.com", "template_id": template.name}, party, variables=MARKUP
	)
	assert state["result"]["subject"] == f"Hello {party.customer_name}"
	text = _decoded(
		frappe.safe_decode(frappe.db.get_value("Email Queue", state["result"]["email_queue"], "message"))
	)
	assert party.customer_name in text and "&lt;b&gt;Bob" in text
	missing = run_step(site, "notify", {"to": "a@example.com", "template_id": "No such"})
	assert missing["status"] == "failed" and "No such" in missing["error"]


def test_notify_uses_no_e_mail_template_that_its_user_may_not_read(site):
	name = r.unique("Welcome")
	r.make("Email Template", name=name, subject="Welcome", response="Hello")
	outsider = r.user("Flow Manager")
	frappe.db.set_value("User", outsider.name, "user_type", "Website User")
	frappe.clear_cache(user=outsider.name)
	flow = r.template(r.step("a", "notify", payload={"to": "ana@example.com", "template_id": name}))
	frappe.db.set_value("Flow Template", flow.name, "run_as", outsider.name)
	run = starting.start(site, flow.name).run.name
	assert "may not read Email Template" in r.state(run)["a"]["error"]


@pytest.mark.parametrize(
	"to", ["not an address", "a@example.com\r\nBcc: b@example.com x", "{{doc.nothing}}@"]
)
def test_notify_refuses_what_is_no_address(site, to):
	state = run_step(site, "notify", {"to": to, "subject": "a", "body": "b"})
	assert state["status"] == "failed" and frappe.db.count("Email Queue") == 0


def test_notify_by_sms_without_a_gateway_says_so(site):
	failed = run_step(site, "notify", {"channel": "sms", "body": "Hello"}, r.customer())
	assert failed["status"] == "failed" and "SMS Settings" in failed["error"]


def test_notify_by_sms_through_the_gateway(site, receiver):
	settings = frappe.get_doc("SMS Settings")
	settings.update(
		{
			"sms_gateway_url": receiver.url + "/sms",
			"message_parameter": "text",
			"receiver_parameter": "to",
			"use_post": 1,
			"parameters": [{"parameter": "key", "value": "s3cret"}],
		}
	)
	settings.save()
	try:
		party = r.customer(mobile_no="+15145550111")
		state = run_step(site, "notify", {"channel": "sms", "body": "Hello {{doc.customer_name}}"}, party)
		assert state["result"]["to"] == ["+15145550111"] and state["status"] == "done"
		assert len(receiver.calls) == 1 and "s3cret" in receiver.calls[0][3]
		assert "s3cret" not in json.dumps(state)
		assert frappe.db.count("SMS Log", {"message": f"Hello {party.customer_name}"}) == 1
		receiver.answers.append((403, "key s3cret refused"))
		failed = run_step(site, "notify", {"channel": "sms", "body": "Hello"}, party)
		assert failed["status"] == "failed" and "s3cret" not in json.dumps(failed)
		receiver.answers.append((302, "", {"Location": receiver.url + "/login?key=s3cret"}))
		moved = run_step(site, "notify", {"channel": "sms", "body": "Hello"}, party)
		assert moved["status"] == "failed" and f"{receiver.url}/login, where" in moved["error"]
		receiver.answers.append((429, "busy", {"Retry-After": "600"}))
		began = frappe.utils.now_datetime()
		busy = run_step(site, "notify", {"channel": "sms", "body": "Hello"}, party)
		waits = (frappe.utils.get_datetime(busy["due_at"]) - began).total_seconds()
		assert busy["status"] == "running" and 599 <= waits <= 610
		receiver.calls.clear()
		receiver.answers += [(200, "ok"), (503, "busy")]
		both = {"channel": "sms", "body": "Hello", "to": "+15145550111, +15145550122"}
		failed = run_step(site, "notify", both, party)
		assert failed["status"] == "failed" and len(receiver.calls) == 2
		assert "+15145550111 got the message and +15145550122 did not" in failed["error"]
	finally:
		settings.update({"sms_gateway_url": None, "parameters": []})
		frappe.db.set_single_value("SMS Settings", "sms_gateway_url", None)
		frappe.db.commit()


# webhook


def test_webhook_sends_and_keeps_the_answer(site, receiver):
	receiver.answers.append((201, '{"ticket": 7}'))
	party = r.customer(customer_name='Quote " and \\ ' + frappe.generate_hash(length=5))
	body = '{"name": "{{doc.customer_name}}", "disabled": "{{doc.disabled}}", "text": "is {{doc.disabled}}"}'
	state = run_step(
		current(),
		"webhook",
		{
			"url": receiver.url + "/x?c={{doc.customer_name}}",
			"method": "PUT",
			"body_template": body,
			"headers_json": '{"X-From": "{{doc.customer_type}}"}',
		},
		party,
	)
	assert state["status"] == "done"
	assert state["result"] == {"status": 201, "body": {"ticket": 7}, "truncated": False}
	((method, path, headers, sent),) = receiver.calls
	assert method == "PUT" and path.startswith("/x?c=Quote%20%22%20and%20%5C%20")
	assert json.loads(sent) == {"name": party.customer_name, "disabled": 0, "text": "is 0"}
	assert (
		headers["X-From"] == "Individual"
		and headers["Idempotency-Key"]
		and headers["Content-Type"] == "application/json"
	)


def test_webhook_fails_at_400_and_more(site, receiver):
	receiver.answers.append((404, "no"))
	state = run_step(current(), "webhook", {"url": receiver.url})
	assert state["status"] == "failed" and "404" in state["error"] and state["result"]["status"] == 404
	assert len(receiver.calls) == 1


@pytest.mark.parametrize(("status", "wait", "least"), [(503, "1800", 1800), (429, "120", 120), (503, "-5", 60), (503, "soon", 60), (500, "", 60)])  # fmt: skip
def test_webhook_is_not_tried_again_before_the_receiver_says(site, receiver, status, wait, least):
	receiver.answers.append((status, "busy", {"Retry-After": wait}))
	began = frappe.utils.now_datetime()
	state = run_step(current(), "webhook", {"url": receiver.url})
	waits = (frappe.utils.get_datetime(state["due_at"]) - began).total_seconds()
	assert state["status"] == "running" and least - 1 <= waits <= least + 10


def test_a_call_beside_a_step_waits_likewise_and_one_that_is_refused_is_not_made_again(site, receiver):
	receiver.answers += [(503, "busy", {"Retry-After": "1800"}), (404, "no")]
	payload = {"subject": r.unique("Job"), "on_open_webhook": receiver.url}
	flow = r.template(r.step("a", "dispatch_job", payload=payload))
	run = starting.start(current(), flow.name).run.name
	began = frappe.utils.now_datetime()
	r.drain()
	(row,) = r.rows(run, purpose="side_call")
	assert row.status == "pending" and 1799 <= (row.trigger_at - began).total_seconds() <= 1810
	r.make_due(run)
	r.drain()
	(row,) = r.rows(run, purpose="side_call")
	assert (row.status, len(receiver.calls)) == ("failed", 2) and "404" in row.last_error


def test_webhook_sends_a_whole_document_as_json_and_as_a_form(site, receiver):
	party = r.customer(customer_name=r.unique("Café & Lumen"))
	form = {"body_type": "form", "body_template": {"Name": "{{doc.customer_name}}", "On": "{{doc.creation}}"}}
	for payload in ({"body_template": "{{doc}}"}, form):
		assert run_step(current(), "webhook", {"url": receiver.url, **payload}, party)["status"] == "done"
	(_, _, _, as_json), (_, _, headers, as_form) = receiver.calls
	sent = json.loads(as_json)
	assert (sent["name"], sent["customer_name"]) == (party.name, party.customer_name)
	assert sent["disabled"] == 0 and sent["creation"][:10] == str(party.creation)[:10]
	assert dict(parse_qsl(as_form))["Name"] == party.customer_name
	assert dict(parse_qsl(as_form))["On"][:10] == str(party.creation)[:10]
	assert headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_webhook_reads_a_long_answer_and_one_with_a_byte_order_mark(site, receiver):
	long = json.dumps({"id": "REAL-ID", "rows": [{"label": "é" * 100}] * 1500})
	for answer in (long, "\ufeff" + long):
		receiver.answers.append((200, answer))
		steps = (
			r.step("call", "webhook", payload={"url": receiver.url, "method": "GET"}),
			r.step("say", "erp_update", payload={"doctype": "Issue", "fields_json": {"subject": "{{steps.call.result.body.id}}"}}, depends_on=["call"]),
		)  # fmt: skip
		opened = r.issue(r.customer())
		run = starting.start(
			current(), r.template(*steps).name, doctype="Issue", docname=opened.name
		).run.name
		r.drain()
		assert r.statuses(run) == {"call": "done", "say": "done"}
		assert frappe.db.get_value("Issue", opened.name, "subject") == "REAL-ID"


def test_a_step_that_reads_an_answer_which_was_cut_fails_and_others_go_on(site, receiver):
	receiver.answers.append((200, json.dumps({"id": "REAL-ID", "label": "a" * 1_100_000})))
	mail = {"to": "ops@example.com", "template_id": _email_template("{{ steps.call.result.body.id }}")}
	plain = {"to": "ops@example.com", "template_id": _email_template("{{ steps.call.result.status }}")}
	steps = (
		r.step("call", "webhook", payload={"url": receiver.url, "method": "GET"}),
		r.step("reads", "notify", payload={"to": "ops@example.com", "subject": "{{steps.call.result.body.id}}", "body": "b"}, depends_on=["call"]),
		r.step("asks", "condition", payload={"field": "steps.call.result.body.id", "op": "==", "value": "x"}, depends_on=["call"]),
		r.step("waits", trigger={"type": "on_date", "at": "{{steps.call.result.body.on}}"}, depends_on=["call"]),
		r.step("renders", "notify", payload=mail, depends_on=["call"]),
		r.step("other", "notify", payload=plain, depends_on=["call"]),
	)  # fmt: skip
	run = starting.start(current(), r.template(*steps).name).run.name
	r.drain()
	assert r.statuses(run) == {
		"call": "done", "reads": "failed", "asks": "failed", "waits": "failed", "renders": "failed", "other": "done",
	}  # fmt: skip
	for id in ("reads", "asks", "waits", "renders"):
		assert "step call was too long" in r.state(run)[id]["error"]


def _email_template(text: str) -> str:
	return (
		frappe.get_doc(
			{"doctype": "Email Template", "name": r.unique("Cut"), "subject": "s", "response": text}
		)
		.insert()
		.name
	)


def test_webhook_is_retried_as_declared_with_the_same_key(site, receiver):
	receiver.answers += [(503, "later"), (200, "ok")]
	flow = r.template(
		r.step("a", "webhook", payload={"url": receiver.url}, retry={"attempts": 3, "on": "any"})
	)
	run = starting.start(current(), flow.name).run
	r.drain()
	(row,) = r.rows(run.name)
	assert (row.status, row.retry_count) == ("pending", 1) and "503" in row.last_error
	r.make_due(run.name)
	r.drain()
	assert r.statuses(run.name) == {"a": "done"}
	assert len({call[2]["Idempotency-Key"] for call in receiver.calls}) == 1 and len(receiver.calls) == 2


def test_a_failed_call_is_made_again_when_an_admin_sets_its_row_back(site, receiver):
	receiver.answers += [(404, "no")]
	flow = r.template(r.step("a", "webhook", payload={"url": receiver.url}), r.step("b", depends_on=["a"]))
	run = starting.start(current(), flow.name).run
	r.drain()
	assert r.statuses(run.name) == {"a": "failed", "b": "pending"}
	row = frappe.get_doc("Flow Step Pending", r.rows(run.name)[0].name)
	assert row.status == "failed"
	row.status, row.retry_count = "pending", 0
	row.save()
	r.drain()
	assert r.statuses(run.name) == {"a": "done", "b": "done"}
	assert len(receiver.calls) == 2 and len({call[2]["Idempotency-Key"] for call in receiver.calls}) == 1
	assert frappe.db.get_value("Flow Run", run.name, "status") == "completed"


def test_webhook_to_a_closed_port_is_tried_five_times_by_default(site, receiver):
	allow("127.0.0.1")
	flow = r.template(r.step("a", "webhook", payload={"url": "http://127.0.0.1:9/"}))
	run = starting.start(current(), flow.name).run
	for attempt in range(1, 6):
		r.make_due(run.name)
		r.drain()
		(row,) = r.rows(run.name)
		assert r.state(run.name)["a"]["attempts"] == attempt
	assert row.status == "failed" and row.last_error
	assert r.statuses(run.name) == {"a": "failed"}
	assert frappe.db.get_value("Flow Run", run.name, "status") == "failed"


@pytest.mark.parametrize(
	"url",
	[
		"http://127.0.0.1/",
		"http://localhost/",
		"http://[::1]/",
		"http://169.254.169.254/latest",
		"http://10.0.0.1/",
		"http://2130706433/",
		"http://0x7f.1/",
		"http://[::ffff:127.0.0.1]/",
		"http://[64:ff9b::7f00:1]/",
		"http://0.0.0.0/",
	],
)
def test_webhook_never_calls_inside(site, url):
	state = run_step(site, "webhook", {"url": url})
	assert state["status"] == "failed" and "inside address" in state["error"]


# erp_update


def test_erp_update(site):
	opened = r.issue(r.customer())
	state = run_step(
		site,
		"erp_update",
		{
			"doctype": "Issue",
			"fields_json": '{"subject": "{{doc.subject}} at {{customer.customer_name}}", "priority": "Low"}',
		},
		opened,
	)
	assert state["status"] == "done" and set(state["result"]["changed"]) == {"subject", "priority"}
	opened.reload()
	assert opened.subject.startswith("No signal at Ana") and opened.priority == "Low"
	unknown = run_step(
		site, "erp_update", {"doctype": "Issue", "fields_json": '{"sujet": "x", "priority": "High"}'}, opened
	)
	assert unknown["status"] == "failed" and "sujet" in unknown["error"] and "subject" in unknown["error"]
	opened.reload()
	assert opened.priority == "Low"
	refused = run_step(
		site,
		"erp_update",
		{"doctype": "Issue", "docname_ref": "{{doc.name}}", "fields_json": '{"owner": "Guest"}'},
		opened,
	)
	assert refused["status"] == "failed" and "owner" in refused["error"]
	missing = run_step(
		site,
		"erp_update",
		{"doctype": "Issue", "docname_ref": "ISS-none", "fields_json": '{"priority": "Low"}'},
	)
	assert missing["status"] == "failed" and "ISS-none" in missing["error"]


# condition and wait


def test_a_value_that_no_column_takes_fails_at_once(site):
	payload = {"doctype": "Customer", "fields_json": {"default_commission_rate": 1e300}}
	state = run_step(site, "erp_update", payload, r.customer())
	assert state["status"] == "failed" and state["attempts"] == 1, state


def test_a_value_that_is_none_of_its_field_is_refused_by_us_or_by_the_database_at_once(site):
	customer = r.customer()
	fields = {"default_commission_rate": "{{variables.rate}}", "is_frozen": "Yes"}
	payload = {"doctype": "Customer", "fields_json": fields}
	assert run_step(site, "erp_update", payload, customer, {"rate": "1,012.5"})["status"] == "done"
	customer.reload()
	assert (customer.default_commission_rate, customer.is_frozen) == (1012.5, 1)
	refused = run_step(site, "erp_update", payload, customer, {"rate": "12,5"})  # Frappe would store 125
	assert refused["attempts"] == 1 and "“12,5” is none" in refused["error"]
	customer.reload()
	assert customer.default_commission_rate == 1012.5
	with pytest.raises(frappe.db.OperationalError) as error:
		frappe.db.sql("UPDATE `tabIssue` SET opening_date = 'soon' WHERE name = 'none'")
		frappe.db.sql("INSERT INTO `tabIssue` (name, opening_date) VALUES ('none', 'soon')")
	assert "does not take a value: Incorrect date value" in current().refusal(error.value)


def test_condition_reads_documents(site):
	state = run_step(
		site,
		"condition",
		{"field": "customer.customer_type", "op": "in", "value": "Company,Individual"},
		r.customer(),
	)
	assert state["result"]["branch"] == "yes"


# subscription_activate


@pytest.mark.parametrize(
	"status",
	["On trial", "On trial since", "Cancelled", "Past Due Date", "Unpaid", "Completed", "Grace Period"],
)
def test_subscription_activate_from_any_state(site, status):
	party = r.customer()
	if status.startswith("On trial"):
		began = add_days(nowdate(), -3) if status.endswith("since") else nowdate()
		status = r.on_trial()
		made = r.subscription(
			party, start_date=began, trial_period_start=began, trial_period_end=add_days(nowdate(), 14)
		)
	else:
		made = r.subscription(party)
		made.db_set("status", status)
		if status == "Cancelled":
			made.db_set("cancelation_date", nowdate())
	assert frappe.db.get_value("Subscription", made.name, "status") == status
	state = run_step(site, "subscription_activate", {"subscription_ref": made.name}, party)
	assert state["status"] == "done", state
	assert state["result"] == {"subscription": made.name, "status": "Active", "was": status, "changed": True}
	made.reload()
	assert made.status == "Active"
	made.set_subscription_status(nowdate())
	assert made.status == "Active", "ERPNext's own nightly check would undo it"


def test_subscription_activate_leaves_an_active_one_alone(site):
	party = r.customer()
	made = r.subscription(party)
	before = frappe.db.get_value("Subscription", made.name, "modified")
	state = run_step(site, "subscription_activate", {}, party)
	assert state["result"]["changed"] is False
	assert frappe.db.get_value("Subscription", made.name, "modified") == before
	nobody = run_step(site, "subscription_activate", {}, r.customer())
	assert nobody["status"] == "failed" and "no subscription" in nobody["error"]
