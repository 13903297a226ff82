"""/flow/… on a real web server, by session, API key and internal token."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import bench
import frappe
import pytest
import records as r
from http_client import Client, key_of

sys.path.insert(0, str(Path(__file__).parents[1] / "contract"))
import api_client


@pytest.fixture
def author(site, server):
	client = Client(server, Authorization=key_of(r.user("Flow Manager", "Support Team", "Sales User")))
	frappe.db.commit()
	return client


def test_the_client_that_runs_against_the_lab_runs_here(author):
	opened = r.issue(r.customer())

	def call(verb, path, body=None):
		answer = author(verb, path, body)
		return answer.status_code, answer.json()

	api_client.run_all(call, "Issue", opened.name)


def test_a_template_from_its_beginning_to_its_end(author):
	name = r.unique("Over HTTP")
	made = author("POST", "/templates", {"template_name": name, "flow_definition": {"steps": [r.step("a")]}})
	assert made.status_code == 201
	template = made.json()["template"]
	assert template["version"] == 1 and template["flow_definition"]["steps"][0]["id"] == "a"
	number = template["name"]
	assert author("GET", f"/templates/{number}").json()["template"]["template_name"] == name
	listed = author("GET", "/templates?category=other&is_active=0").json()["templates"]
	assert [t["name"] for t in listed] == [number] and "flow_definition" not in listed[0]
	changed = author("PUT", f"/templates/{number}", {"description": "Changed", "version": 1})
	assert changed.status_code == 200, changed.text
	assert changed.json()["template"]["version"] == 2
	stale = author("PUT", f"/templates/{number}", {"description": "Other", "version": 1})
	assert stale.status_code == 409 and "version 2" in stale.json()["error"]["message"]
	copy = author("POST", f"/templates/{number}/duplicate", {"new_name": name + " 2"})
	assert copy.status_code == 201
	assert author("DELETE", f"/templates/{copy.json()['template']['name']}").json() == {"ok": True}
	assert author("GET", f"/templates/{copy.json()['template']['name']}").status_code == 404
	seed = r.seeded("fiber_install").name
	assert author("DELETE", f"/templates/{seed}").status_code == 403
	broken = author(
		"POST",
		"/templates",
		{
			"template_name": "",
			"flow_definition": {"steps": [{"id": "a", "kind": "nope"}, {"id": "a", "kind": "wait"}]},
		},
	)
	assert broken.status_code == 422
	assert {(p["step"], p["field"]) for p in broken.json()["error"]["problems"]} == {
		("", "template_name"),
		("a", "kind"),
		("a", "id"),
	}


def test_a_run_from_its_beginning_to_its_end(author):
	opened = r.issue(r.customer())
	steps = r.step("first", trigger={"type": "manual"}), r.step("second", depends_on=["first"])
	flow = r.template(*steps, variables={"x": 0})
	started = author(
		"POST",
		"/start",
		{"template": flow.name, "doctype": "Issue", "docname": opened.name, "variables": {"x": 1}},
	)
	assert started.status_code == 201 and started.json()["executed"] == []
	run = started.json()["run"]["name"]
	assert author("POST", "/complete", {"run": run, "step_id": "second"}).status_code == 409
	done = author("POST", "/complete", {"run": run, "step_id": "first", "result": {"a": [1]}}).json()
	assert done["executed"] == ["first", "second"] and done["changed"]
	assert author("POST", "/complete", {"run": run, "step_id": "first"}).json()["changed"] is False
	shown = author("GET", f"/runs/{run}").json()["run"]
	assert shown["status"] == "completed" and shown["step_state"]["first"]["result"] == {"a": [1]}
	assert shown["variables"] == {"x": 1} and shown["customer"] == opened.customer
	assert [
		x["name"]
		for x in author("GET", f"/runs?template={flow.name}&status=completed&limit=5").json()["runs"]
	] == [run]
	assert author("POST", "/advance", {"run": run}).json()["executed"] == []
	assert author("POST", "/cancel", {"run": run}).status_code == 409
	assert author("POST", "/retry", {"run": run}).status_code == 409
	again = author("POST", "/start", {"template": flow.name}).json()["run"]["name"]
	assert author("POST", "/cancel", {"run": again}).json()["run"]["status"] == "cancelled"


def test_an_event_and_the_catalog(author):
	flow = r.template(r.step("a"), event="on_contract_signed")
	opened = r.issue(r.customer())
	results = author(
		"POST", "/event", {"event": "on_contract_signed", "doctype": "Issue", "docname": opened.name}
	).json()["results"]
	assert any(x["template"] == flow.name and x.get("run") for x in results)
	catalog = author("GET", "/catalog").json()
	assert len(catalog["kinds"]) >= 14 and len(catalog["events"]) >= 9
	assert author("POST", "/validate", {"flow_definition": {"steps": 5}}).json()["problems"]
	described = author("GET", "/openapi.json").json()
	assert described["openapi"].startswith("3.1") and "/flow/templates/{template}" in described["paths"]


@pytest.mark.parametrize(
	("verb", "path", "body", "status"),
	[
		("GET", "/nowhere", None, 404), ("GET", "/runs/FR-none", None, 404), ("PUT", "/runs", None, 405), ("DELETE", "/start", None, 405),
		("POST", "/start", {}, 422), ("POST", "/start", {"template": 5}, 422), ("POST", "/start", {"template": "FT-none"}, 404), ("POST", "/start", {"template": "x", "nope": 1}, 422),
		("POST", "/event", {"event": "on_nothing"}, 422), ("POST", "/event", {"event": "manual", "doctype": "Issue", "docname": "none"}, 404), ("GET", "/runs?status=nope", None, 422),
		("GET", "/runs?limit=0", None, 422), ("POST", "/start", [1], 400),
	],
)  # fmt: skip
def test_errors_have_one_shape_and_the_right_status(author, verb, path, body, status):
	assert author(verb, path, body).status_code == status


def test_head_is_get_without_its_body_and_options_tells_the_verbs(author):
	looked = author("HEAD", "/templates")
	assert (looked.status_code, looked.content) == (200, b"")
	asked = author("OPTIONS", "/templates")
	assert (asked.status_code, asked.headers["Allow"]) == (204, "GET, POST, HEAD, OPTIONS")
	assert author("OPTIONS", "/nowhere").status_code == 404


def test_a_template_that_names_what_there_is_not_says_in_which_field(author):
	wanted = {"template_name": r.unique("Links"), "applies_to": "No Such DocType", "run_as": "no@such.user"}
	refused = author("POST", "/templates", wanted)
	assert refused.status_code == 422
	assert {p["field"] for p in refused.json()["error"]["problems"]} == {"applies_to", "run_as"}


def test_what_is_no_json_is_a_400(author):
	answer = author.session.post(
		author.server + "/flow/start",
		data="{nonsense",
		headers={"Content-Type": "application/json"},
		timeout=60,
	)
	assert answer.status_code == 400 and answer.json()["error"]["code"] == "bad_request"


def test_the_internal_token_stands_for_the_service_user(site, server, token):
	flow = r.template(r.step("a", trigger={"type": "manual"}))
	inside = Client(server, Authorization=f"Bearer {token}")
	run = inside("POST", "/start", {"template": flow.name}).json()["run"]["name"]
	assert frappe.db.get_value("Flow Run", run, "owner") == frappe.db.get_single_value(
		"Flow Settings", "service_user"
	)
	for wrong in ("wrong", token[:-1], token + "x", ""):
		assert Client(server, Authorization=f"Bearer {wrong}")("GET", "/runs").status_code == 401
	frappe.db.set_value("User", frappe.db.get_single_value("Flow Settings", "service_user"), "enabled", 0)
	assert inside("GET", "/runs").status_code == 401


def test_without_a_token_set_that_door_is_shut(site, server):
	for tried in ("", "None", "null", "x"):
		assert Client(server, Authorization=f"Bearer {tried}")("GET", "/runs").status_code == 401


def test_who_may_what(site, server):
	flow = r.template(r.step("a", trigger={"type": "manual"}))
	guest, plain, operator = (
		Client(server), Client(server, Authorization=key_of(r.user("Support Team"))), Client(server, Authorization=key_of(r.user("Flow User"))),
	)  # fmt: skip
	for client, status in ((guest, 401), (plain, 403), (operator, 200)):
		assert client("GET", "/runs").status_code == status
	assert operator("POST", "/start", {"template": flow.name}).status_code == 201
	assert operator("PUT", f"/templates/{flow.name}", {"description": "x"}).status_code == 403
	assert Client(server, Authorization="token nobody:nothing")("GET", "/runs").status_code == 401


def test_a_session_needs_its_csrf_token(site, server):
	user = r.user("Flow Manager")
	user.new_password = "A-long-Passw0rd!"
	user.save()
	browser = Client(server)
	frappe.db.commit()
	browser.session.post(
		server + "/api/method/login", data={"usr": user.name, "pwd": "A-long-Passw0rd!"}, timeout=60
	).raise_for_status()
	assert browser("GET", "/runs").status_code == 200
	page = browser.session.get(server + ("/app" if bench.major() < 16 else "/desk"), timeout=60).text
	csrf = page.split('csrf_token = "')[1].split('"')[0]
	flow = r.template(r.step("a"))
	assert browser("POST", "/start", {"template": flow.name}).status_code == 400
	assert (
		browser("POST", "/start", {"template": flow.name}, headers={"X-Frappe-CSRF-Token": csrf}).status_code
		== 201
	)


def test_a_failed_request_leaves_nothing_behind(author):
	before = frappe.db.count("Flow Template")
	assert (
		author("POST", "/templates", {"template_name": "x", "flow_definition": {"steps": 5}}).status_code
		== 422
	)
	assert frappe.db.count("Flow Template") == before


def test_an_unread_body_of_any_kind_is_no_500(author):
	for body in (
		b"",
		b"null",
		b'"x"',
		b"\xff\xfe",
		b"[" * 10_000,
		json.dumps({"template": "x" * 500}).encode(),
	):
		answer = author.session.post(
			author.server + "/flow/start", data=body, headers={"Content-Type": "application/json"}, timeout=60
		)
		assert answer.status_code in (400, 422), (body[:20], answer.status_code, answer.text[:300])
		assert answer.json()["error"]["message"]
