"""Doors that stand ajar in small ways: the internal token, secrets on their way, shares, caches, Frappe's own RPC."""

from __future__ import annotations

import http.client
import json
from urllib.parse import urlsplit

import frappe
import pytest
import records as r
from http_client import TOKEN, Client, key_of

from flow_editor import api
from flow_editor.services import starting
from flow_editor.site import token as internal
from flow_editor.site import visibility
from flow_editor.site.doctor import examine
from flow_editor.site.host import current


@pytest.fixture
def settings(site):
	frappe.clear_document_cache("Flow Settings", "Flow Settings")
	yield frappe.get_doc("Flow Settings")
	frappe.db.rollback()
	found = frappe.get_doc("Flow Settings")
	found.internal_token = found.service_user = None
	found.secrets = []
	found.save()
	frappe.db.commit()
	frappe.local.flow_editor_host = None


# The internal token


@pytest.mark.parametrize(
	("token", "user", "words"),
	[
		("x", None, "too easily guessed"),
		("a" * 40, None, "too easily guessed"),
		("nineteen-characters", None, "too easily guessed"),
		(TOKEN, "Administrator", "Administrator cannot be the service user"),
		(TOKEN, "Guest", "Guest cannot be the service user"),
		(TOKEN, "", "Name the service user"),
	],
)
def test_a_token_that_guards_nothing_is_not_taken(settings, token, user, words):
	settings.internal_token = token
	settings.service_user = r.user("Flow User").name if user is None else user
	with pytest.raises(frappe.ValidationError, match=words):
		settings.save()


@pytest.mark.parametrize(("stored", "user"), [("x", None), (TOKEN, "Administrator")])
def test_nor_does_one_that_an_earlier_version_took_open_anything(settings, server, stored, user):
	settings.internal_token, settings.service_user = TOKEN, r.user("Flow Manager").name
	settings.save()
	client = Client(server, Authorization=f"Bearer {stored}")
	frappe.utils.password.set_encrypted_password("Flow Settings", "Flow Settings", stored, "internal_token")
	if user:
		frappe.db.set_single_value("Flow Settings", "service_user", user)
	frappe.clear_document_cache("Flow Settings", "Flow Settings")
	assert client("GET", "/templates").status_code == 401
	frappe.local.flow_editor_host = None
	(finding,) = [finding for finding in examine(current()) if finding.what == "Internal token"]
	assert finding.found == "refused" and not finding.ok


@pytest.fixture
def locked_out(token):
	yield
	frappe.cache.delete_value(["login_failed_count", "login_failed_time"])


def test_wrong_tokens_are_slowed_whoever_guesses_right_in_the_end(server, locked_out):
	wrong, right = (Client(server, Authorization=f"Bearer {value}") for value in ("wrong", TOKEN))
	assert right("GET", "/templates").status_code == 200
	assert {wrong("GET", "/templates").status_code for _ in range(internal.WRONG_IN_A_ROW)} == {401}
	for client in (wrong, right):
		answer = client("GET", "/templates")
		assert answer.status_code == 429 and answer.json()["error"]["code"] == "too_many"
	key = Client(server, Authorization=key_of(r.user("Flow User")))
	assert key("GET", "/templates").status_code == 200  # another door


def test_a_right_one_between_forgives(server, locked_out):
	wrong, right = (Client(server, Authorization=f"Bearer {value}") for value in ("wrong", TOKEN))
	for _ in range(3):
		for _ in range(internal.WRONG_IN_A_ROW - 1):
			assert wrong("GET", "/templates").status_code == 401
		assert right("GET", "/templates").status_code == 200


@pytest.mark.parametrize("verb", ["POST", "PUT", "GET", "DELETE"])
def test_a_body_with_cmd_runs_no_method_of_frappe_s(server, locked_out, verb):
	"""Frappe takes `cmd`, in a body or a query, for the name of a method to run, and would run it as the service user."""
	todo = r.make("ToDo", description="Private words")
	frappe.db.commit()
	command = {"cmd": "frappe.client.get_list", "doctype": "User", "fields": '["name"]'}
	delete = {"cmd": "frappe.client.delete", "doctype": "ToDo", "name": todo.name}
	manager = r.user("System Manager")
	for caller in (f"Bearer {TOKEN}", key_of(manager)):
		client = Client(server, Authorization=caller)
		frappe.db.commit()
		for body in (command, delete):
			for path in ("/validate", "/start", "/templates/none", "/nowhere", ""):
				for more in (
					{"json": body},
					{"data": body},
					{"params": body},
					{"json": {**body, "flow_definition": {}}},
				):
					answer = client.session.request(verb, f"{server}/flow{path}", timeout=60, **more)
					assert "message" not in answer.json() and manager.name not in answer.text, (
						verb,
						path,
						more,
					)
					assert set(answer.json()) & {"error", "problems"} and answer.status_code != 500, (
						answer.text
					)
	frappe.db.rollback()
	assert frappe.db.exists("ToDo", todo.name)


# Secrets on their way

VALUE = "s3cret-with-signs-42"


@pytest.mark.parametrize(
	("hosts", "goes"),
	[
		("127.0.0.1:{port}", True),
		("http://127.0.0.1:{port}", True),
		("api.example.com\n127.0.0.1:{port}", True),
		("127.0.0.1", False),  # port 443, or 80 of this machine
		("127.0.0.1:1", False),
		("https://127.0.0.1:{port}", False),
		("localhost:{port}", False),
		("api.example.com:{port}", False),
	],
)
def test_a_secret_goes_to_the_port_that_it_is_for(settings, receiver, hosts, goes):
	port = urlsplit(receiver.url).port
	settings.reload()
	settings.append("secrets", {"secret_name": "crm", "value": VALUE, "hosts": hosts.format(port=port)})
	settings.save()
	frappe.db.commit()
	frappe.local.flow_editor_host = None
	flow = r.template(
		r.step("a", "webhook", payload={"url": receiver.url, "headers_json": {"X-Key": "{{secrets.crm}}"}})
	)
	run = starting.start(current(), flow.name).run.name
	r.drain()
	if goes:
		assert receiver.calls[0][2]["X-Key"] == VALUE
	else:
		assert (
			receiver.calls == []
			and f"is not to be sent to 127.0.0.1:{port} over http" in r.state(run)["a"]["error"]
		)


@pytest.mark.parametrize("hosts", ["https://x.example/", "x.example/path", "ftp://x.example", "user@x.example", "x.example:99999", "x y.example:z", "http://", ":443"])  # fmt: skip
def test_what_names_no_host_is_refused_and_not_merely_never_matched(settings, hosts):
	settings.append("secrets", {"secret_name": "crm", "value": VALUE, "hosts": hosts})
	with pytest.raises(frappe.ValidationError, match="names no host"):
		settings.save()


def test_the_doctor_names_one_that_an_earlier_version_took(settings):
	settings.append("secrets", {"secret_name": "crm", "value": VALUE, "hosts": "x.example"})
	settings.save()
	frappe.db.set_value("Flow Secret", settings.secrets[0].name, "hosts", "x.example/path")
	frappe.clear_document_cache("Flow Settings", "Flow Settings")
	frappe.local.flow_editor_host = None
	(finding,) = [finding for finding in examine(current()) if finding.what == "Secret crm"]
	assert "x.example/path" in finding.advice


# Shares


@pytest.mark.parametrize("roles", [(), ("Support Team",), ("Flow User",)])
def test_a_write_share_makes_nobody_an_author(server, site, roles):
	flow = r.template(r.step("a"))
	flow.is_active = 0
	flow.save()
	plain = r.user(*roles)
	client = Client(server, Authorization=key_of(plain))
	frappe.share.add("Flow Template", flow.name, plain.name, read=1, write=1, share=1)
	frappe.db.commit()
	definition = json.dumps(
		{
			"steps": [
				r.step(
					"a",
					"erp_update",
					payload={"doctype": "ToDo", "docname_ref": "x", "fields_json": {"y": 1}},
				)
			]
		}
	)
	for change in ({"is_active": 1}, {"flow_definition": definition}, {"description": "x"}):
		for verb, path, body in (
			("PUT", f"/api/resource/Flow Template/{flow.name}", change),
			(
				"POST",
				"/api/method/frappe.client.set_value",
				{"doctype": "Flow Template", "name": flow.name, "fieldname": change},
			),
			(
				"POST",
				"/api/method/flow_editor.api.update_template",
				{"template": flow.name, "values": change},
			),
			("PUT", f"/flow/templates/{flow.name}", change),
		):
			answer = client.session.request(verb, f"{server}{path}", json=body, timeout=60)
			assert answer.status_code == 403, (path, answer.text[:300])
	frappe.db.rollback()
	flow.reload()
	assert (flow.version, flow.is_active) == (2, 0)
	listed = client.session.get(
		f"{server}/api/method/flow_editor.flow_editor.doctype.flow_template.flow_template.trigger_events",
		timeout=60,
	)
	assert listed.status_code == (200 if "Flow User" in roles else 403)


def test_nor_does_one_of_the_inbox_or_the_settings(site):
	plain = r.user("Flow User")
	run = api.start(template=r.template(r.step("a", trigger={"type": "after_delay", "delay_days": 1})).name)[
		"run"
	]["name"]
	(row,) = r.rows(run)
	for doctype, name in (("Flow Step Pending", row.name), ("Flow Settings", "Flow Settings")):
		frappe.share.add(doctype, name, plain.name, read=1, write=1)
	frappe.set_user(plain.name)
	for doctype, name, change in (
		("Flow Step Pending", row.name, {"retry_count": 4}),
		("Flow Settings", "Flow Settings", {"max_depth": 99}),
	):
		doc = frappe.get_doc(doctype, name)
		doc.update(change)
		with pytest.raises(frappe.PermissionError):
			doc.save()
	frappe.set_user("Administrator")
	frappe.db.delete("DocShare", {"user": plain.name})


@pytest.mark.parametrize("doctype", ["Flow Template", "Flow Run", "Flow Step Pending", "Flow Version"])
def test_nobody_shares_what_is_ours(site, doctype):
	for user in [r.user(role).name for role in ("Flow User", "Flow Manager", "System Manager")]:
		frappe.set_user(user)
		assert not frappe.has_permission(doctype, "share")


# What is kept on the way


def test_no_answer_is_kept_by_a_cache(server, site):
	manager = r.user("Flow Manager")
	callers = (
		Client(server, Authorization=key_of(manager)),
		Client(server),
		Client(server, Authorization="Bearer x"),
	)
	frappe.db.commit()
	for client in callers:
		for verb, path in (("GET", "/flow/templates"), ("GET", "/flow/openapi.json"), ("GET", "/flow/nowhere"), ("PATCH", "/flow/runs"), ("OPTIONS", "/flow/runs"), ("HEAD", "/flow/runs"), ("POST", "/flow/start"), ("GET", "/flow"), ("GET", "/api/method/flow_editor.api.list_runs")):  # fmt: skip
			answer = client.session.request(verb, f"{server}{path}", timeout=60)
			assert answer.headers.get("Cache-Control") == "no-store", (verb, path, answer.status_code)


def test_a_body_in_chunks_is_as_limited_as_another(server, site):
	key = key_of(r.user("Flow User"))
	frappe.db.commit()
	for size, status in ((1000, 422), (api.MAX_BODY + 1, 413)):
		connection = http.client.HTTPConnection(urlsplit(server).netloc, timeout=60)
		body = iter([b'{"x": "' + b"y" * size + b'"}'])
		connection.request("POST", "/flow/start", body, {"Authorization": key, "Host": frappe.local.site, "Content-Type": "application/json"}, encode_chunked=True)  # fmt: skip
		assert connection.getresponse().status == status
		connection.close()


# Lists


@pytest.mark.parametrize("name", ["50% Off", "%", "a%sb", "100%%", "it's 5%", "\\% \\\\%", '"%"', "é%\n"])
def test_a_name_with_a_percent_sign_is_written_as_it_is(site, name):
	written = visibility.without_percent(f"SELECT {frappe.db.escape(name, percent=False)}")
	((read,),) = frappe.db.sql(written)
	assert (read.decode() if isinstance(read, bytes) else read) == name
	assert "%" not in written


def test_who_is_restricted_to_a_name_with_one_sees_its_runs(site):
	party, other = (
		r.customer(customer_name=f"{percent} Off {frappe.generate_hash(length=6)}")
		for percent in ("50%", "60%s")
	)
	user = r.user("Flow User", "Sales User")
	r.make("User Permission", user=user.name, allow="Customer", for_value=party.name)
	flow = r.template(r.step("a"))
	mine, _ = (
		api.start(template=flow.name, doctype="Customer", docname=one.name)["run"]["name"]
		for one in (party, other)
	)
	by_customer = api.start(template=flow.name, customer=party.name)["run"]["name"]
	frappe.set_user(user.name)
	assert set(frappe.get_list("Flow Run", pluck="name")) == {mine, by_customer}
	assert {run["name"] for run in api.list_runs()["runs"]} == {mine, by_customer}
