"""One customer with the worst of names, put wherever a value can be put."""

from __future__ import annotations

import email
import email.policy
import json
from urllib.parse import parse_qs, urlsplit

import frappe
import pytest
import records as r

from flow_editor.services import starting
from flow_editor.site.host import current

NAMES = (
	'<script>alert(1)</script>',
	'"}, "admin": true, "x": {"y": "',
	"a\r\nBcc: evil@example.com\r\n\r\nbody",
	"{{customer.email_id}} {% raw %}{{ 7*7 }}{% endraw %} ${7*7} {{secrets.x}}",
	"x@evil.example, y@evil.example",
	"../../../etc/passwd?x=1&admin=1#z",
	"'; DROP TABLE `tabFlow Run`; --",
	"=HYPERLINK(\"http://evil.example\")",
	"\u202egnp.exe \u0000 \u2028",
)  # fmt: skip


def only_step(kind: str, value: str, **payload) -> tuple[dict, str]:
	"""The state of a step that is run with `variables.v` set to the value, and its run."""
	flow = r.template(r.step("a", kind, payload=payload))
	run = starting.start(current(), flow.name, variables={"v": value}).run.name
	r.drain()
	return r.state(run)["a"], run


@pytest.fixture(params=NAMES, ids=range(len(NAMES)))
def value(request, site) -> str:
	return request.param


def test_in_html_mail_it_is_text_and_in_its_headers_it_is_one_line(value):
	state, _ = only_step(
		"notify", value, to="ana@example.com", subject="For {{variables.v}}", body="<p>Dear {{variables.v}},</p>"
	)  # fmt: skip
	assert state["status"] == "done", state
	queued = frappe.get_doc("Email Queue", state["result"]["email_queue"])
	assert [row.recipient for row in queued.recipients] == ["ana@example.com"]
	message = email.message_from_string(queued.message, policy=email.policy.default)
	assert message["Bcc"] is None and "evil" not in str(message["To"])
	assert "\n" not in message["Subject"]
	html = message.get_body(("html",)).get_content()
	assert "<script" not in html and "49" not in html.replace("&#", "")
	assert html.count("Dear") == 1


def test_as_a_recipient_it_is_refused(value):
	state, _ = only_step("notify", value, to="{{variables.v}}", subject="s", body="b")
	if "@evil.example" in value and "," in value:
		# A list of addresses is what the field takes; each is an address of its own and nothing more.
		assert state["result"]["to"] == ["x@evil.example", "y@evil.example"]
		return
	assert state["status"] == "failed" and "is not an e-mail address" in state["error"]
	assert frappe.db.count("Email Queue") == 0


def test_in_json_it_is_a_text_whatever_it_holds(receiver, value):
	body = {"name": "{{variables.v}}", "said": "I am {{variables.v}}.", "fixed": 1}
	state, _ = only_step("webhook", value, url=receiver.url, body_template=json.dumps(body))
	assert state["status"] == "done", state
	((_method, _path, _headers, sent),) = receiver.calls
	assert json.loads(sent) == {"name": value, "said": f"I am {value}.", "fixed": 1}


def test_in_a_url_it_stays_where_it_was_put(receiver, value):
	url = receiver.url + "/p/{{variables.v}}/end?q={{variables.v}}&z=1"
	state, _ = only_step("webhook", value, url=url)
	assert state["status"] == "done", state
	((_method, path, _headers, _body),) = receiver.calls
	parts = urlsplit(path)
	assert parse_qs(parts.query, keep_blank_values=True) == {"q": [value], "z": ["1"]}
	assert parts.path.count("/") == 3 and not parts.fragment


def test_in_a_header_it_is_one_line_or_refused(receiver, value):
	state, _ = only_step("webhook", value, url=receiver.url, headers_json={"X-Name": "{{variables.v}}"})
	if any(ord(character) < 32 or ord(character) > 255 for character in value):
		assert state["status"] == "failed" and receiver.calls == []
		assert "line break" in state["error"]
		return
	((_method, _path, headers, _body),) = receiver.calls
	assert headers["X-Name"] == value.strip() and "Bcc" not in headers


def test_in_a_document_it_is_a_value(value):
	customer = r.customer()
	opened = r.issue(customer)
	state, _ = only_step(
		"erp_update", value, doctype="Issue", docname_ref=opened.name, fields_json='{"subject": "{{variables.v}}"}'
	)  # fmt: skip
	assert state["status"] in ("done", "failed")
	opened.reload()
	if state["status"] == "done":
		assert "<script" not in opened.subject
	assert opened.customer == customer.name and opened.owner == "Administrator"
	assert frappe.db.table_exists("Flow Run")


MARKUP = "<img src=x onerror=alert(1)>"


def test_nothing_that_frappe_s_own_views_show_as_html_holds_a_tag(receiver):
	"""Forms, reports and print views put these columns into the page as they are."""
	receiver.answers += [(400, MARKUP)] * 2
	flow = r.template(
		r.step("a", "webhook", label=MARKUP, payload={"url": receiver.url, "body_template": {"v": MARKUP}}),
		r.step("b", label=MARKUP, trigger={"type": "after_delay", "delay_days": 1}),
	)
	run = starting.start(current(), flow.name, variables={"v": MARKUP}).run.name
	r.drain()
	error = r.state(run)["a"]["error"]
	assert MARKUP in error and json.loads(frappe.db.get_value("Flow Run", run, "variables")) == {"v": MARKUP}
	assert current().store.pause_template(flow.name, 1, error)
	frappe.db.commit()
	for doctype, filters in (
		("Flow Run", {"name": run}),
		("Flow Step Pending", {"flow_run": run}),
		("Flow Template", {"name": flow.name}),
		("Flow Version", {"flow_template": flow.name}),
		("Notification Log", {"document_name": run}),
	):
		found = frappe.get_all(doctype, filters=filters, fields=["*"])
		texts = [value for row in found for value in row.values() if isinstance(value, str)]
		assert found and not any("<img" in text for text in texts), doctype
	shown = json.loads(frappe.db.get_value("Flow Template", flow.name, "flow_definition"))
	assert shown["steps"][0]["label"] == MARKUP
