"""Secrets: sent where they belong, and found nowhere afterwards."""

from __future__ import annotations

import json
from base64 import b64encode
from urllib.parse import quote

import frappe
import pytest
import records as r
from receiver import allow

from flow_editor.kinds.web_call import ANSWER_KB
from flow_editor.services import looking, portable, starting
from flow_editor.site.host import current

VALUE = "s3cret/with+odd=signs-42"


@pytest.fixture
def secret(site, receiver):
	settings = frappe.get_doc("Flow Settings")
	settings.append(
		"secrets",
		{"secret_name": "crm", "value": VALUE, "hosts": f"127.0.0.1:{receiver.server_port}\nAPI.example.com"},
	)
	settings.append("secrets", {"secret_name": "elsewhere", "value": "an-other-0ne", "hosts": "example.com"})
	settings.save()
	frappe.db.commit()
	frappe.local.flow_editor_host = None
	yield receiver
	settings.reload()
	settings.secrets = []
	settings.save()
	frappe.db.commit()
	frappe.local.flow_editor_host = None


def call(receiver, **payload):
	payload = {"url": f"{receiver.url}/in?key={{{{secrets.crm}}}}", **payload}
	flow = r.template(r.step("a", "webhook", payload=payload, retry={"attempts": 2, "on": "any"}))
	run = starting.start(current(), flow.name).run.name
	for _ in range(2):
		r.make_due(run)
		r.drain()
	return flow, run


def everything_kept() -> str:
	"""Every text that the database keeps, but for where passwords are kept."""
	kept = []
	for table in frappe.db.get_tables(cached=False):
		if table != "__Auth":
			kept.append(str(frappe.db.sql(f"SELECT * FROM `{table}`")) if _is_ours(table) else "")
	return "".join(kept)


def _is_ours(table: str) -> bool:
	kept_in = (
		"Flow",
		"Error Log",
		"Version",
		"Singles",
		"Comment",
		"Activity",
		"Deleted Document",
		"Access Log",
	)
	return table == "tabSingles" or table.removeprefix("tab").startswith(kept_in)


def test_it_is_sent_in_headers_and_url_and_kept_nowhere(secret):
	# The receiver is an indiscreet one: it says what it was told, once in a refusal and once in an answer.
	secret.answers += [(500, f"no: {VALUE}"), (200, json.dumps({"you sent": VALUE}))]
	flow, run = call(secret, headers_json={"Authorization": "Bearer {{secrets.crm}}"})
	assert r.statuses(run) == {"a": "done"}
	for _method, path, headers, *_rest in secret.calls:
		assert headers["Authorization"] == f"Bearer {VALUE}" and "s3cret/with%2Bodd%3Dsigns-42" in path
	assert len(secret.calls) == 2
	assert r.state(run)["a"]["result"]["body"] == {"you sent": "***"}
	exported = json.dumps(portable.export(current(), flow.name)) + json.dumps(looking.get(current(), run))
	for spelled in (VALUE, "s3cret/with%2Bodd%3Dsigns-42", "s3cret%2Fwith%2Bodd%3Dsigns-42"):
		assert spelled not in everything_kept() and spelled not in exported


@pytest.mark.parametrize(
	"spelled",
	[
		VALUE.replace("/", r"\/"),
		quote(VALUE, safe="").lower(),
		"x" * (1024 - 22) + VALUE,  # more than is read of an answer, which ends within the value
	],
)
def test_an_answer_that_spells_it_otherwise_or_is_cut_within_it_does_not_tell_it(secret, spelled):
	frappe.db.set_single_value("Flow Settings", "response_limit_kb", 1)
	frappe.clear_document_cache("Flow Settings", "Flow Settings")
	frappe.local.flow_editor_host = None
	secret.answers += [(200, json.dumps({"you sent": "?"}).replace("?", spelled))]
	try:
		_, run = call(secret)
	finally:
		frappe.db.set_single_value("Flow Settings", "response_limit_kb", ANSWER_KB)
		frappe.clear_document_cache("Flow Settings", "Flow Settings")
	assert r.statuses(run) == {"a": "done"}
	kept = json.dumps(r.state(run)["a"]["result"])
	assert "***" in kept and "s3cret" not in kept
	assert "s3cret/w" not in everything_kept() and spelled not in everything_kept()


def test_an_address_that_is_refused_tells_nothing_of_it(secret):
	long = "http://u@127.0.0.1/" + "x" * 170
	flow = r.template(
		r.step("a", "webhook", payload={"url": "{{variables.base}}/{{secrets.crm}}"}), variables={"base": ""}
	)
	run = starting.start(current(), flow.name, variables={"base": long}).run.name
	r.drain()
	error = r.state(run)["a"]["error"]
	assert "without a user name" in error and "s3c" not in error


def test_it_signs_in_and_stays_with_its_host(secret):
	other = secret.url.replace("127.0.0.1", "localhost")
	secret.answers += [(307, "", {"Location": f"{other}/next"})] * 2
	url = f"{secret.url}/in"
	_, run = call(secret, url=url, auth={"type": "basic", "user": "ana", "secret": "crm"}, follow=1)
	state = r.state(run)["a"]
	assert state["status"] == "failed" and "inside address" in state["error"] and len(secret.calls) == 2
	assert [headers["Authorization"] for _, _, headers, *_ in secret.calls] == [
		"Basic " + b64encode(f"ana:{VALUE}".encode()).decode()
	] * len(secret.calls)
	allow(f"127.0.0.1:{secret.server_port}, localhost:{secret.server_port}")
	secret.calls.clear()
	secret.answers[:] = [(307, "", {"Location": f"{other}/next"}), (200, json.dumps({"you sent": VALUE}))]
	_, run = call(secret, url=url, auth={"type": "basic", "user": "ana", "secret": "crm"}, follow=1)
	(_, _, first, _), (_, path, second, body) = secret.calls
	assert "Authorization" in first and "Authorization" not in second and path == "/next" and body
	assert r.state(run)["a"]["result"]["body"] == {"you sent": "***"}
	assert VALUE not in everything_kept()


def test_an_error_does_not_tell_it(secret):
	secret.answers += [(500, VALUE), (401, f"bad key {VALUE}")]
	_, run = call(secret)
	state = r.state(run)["a"]
	assert state["status"] == "failed" and "***" in state["error"]
	assert VALUE not in everything_kept()


def test_it_goes_to_no_host_that_it_is_not_for(secret):
	_, run = call(secret, headers_json={"X-Key": "{{secrets.elsewhere}}"})
	assert r.state(run)["a"]["status"] == "failed"
	assert "elsewhere is not to be sent to 127.0.0.1" in r.state(run)["a"]["error"]
	assert secret.calls == []


def test_one_that_there_is_not_fails_the_step_and_says_so(secret):
	_, run = call(secret, url=secret.url + "/{{secrets.nobody}}")
	assert "no secret 'nobody'" in r.state(run)["a"]["error"] and secret.calls == []


def test_a_value_that_names_a_secret_is_no_secret(secret):
	"""What stands in a document or variable is never rendered again, nor taken for a mark."""
	forged = "{{secrets.crm}} secret.crm.0123456789abcdef"
	flow = r.template(
		r.step("a", "webhook", payload={"url": secret.url, "headers_json": {"X": "{{variables.v}}"}, "body_template": {"v": "{{variables.v}}"}})
	)  # fmt: skip
	run = starting.start(current(), flow.name, variables={"v": forged}).run.name
	r.drain()
	assert r.statuses(run) == {"a": "done"}
	((_method, _path, headers, body, *_rest),) = secret.calls
	assert headers["X"] == forged and VALUE not in str(body)


@pytest.mark.parametrize(
	"step",
	[
		r.step("a", "notify", payload={"subject": "{{secrets.crm}}", "body": "b"}),
		r.step("a", "webhook", payload={"url": "https://x.example", "body_template": {"k": "{{ secrets.crm }}"}}),
		r.step("a", "erp_update", payload={"doctype": "Issue", "docname_ref": "{{secrets.crm}}", "fields_json": {"subject": "x"}}),
	],
)  # fmt: skip
def test_it_stands_nowhere_else(site, step):
	with pytest.raises(frappe.ValidationError, match="only in a webhook's URL and headers"):
		r.template(step)


@pytest.mark.parametrize(
	("row", "words"),
	[
		({"secret_name": "a b", "value": "12345678", "hosts": "x.example"}, "no name for a secret"),
		({"secret_name": "a", "value": "short", "hosts": "x.example"}, "shorter than 8"),
		({"secret_name": "a", "value": "12345678", "hosts": "https://x.example/"}, "names no host"),
	],
)
def test_what_makes_no_sense_is_refused(site, row, words):
	settings = frappe.get_doc("Flow Settings")
	settings.append("secrets", row)
	with pytest.raises(frappe.ValidationError, match=words):
		settings.save()


def test_nobody_is_shown_the_value(secret):
	frappe.set_user(r.user("Flow Manager").name)
	assert not frappe.has_permission("Flow Settings", "read")
	frappe.set_user("Administrator")
	assert VALUE not in frappe.as_json(frappe.get_doc("Flow Settings").as_dict())
