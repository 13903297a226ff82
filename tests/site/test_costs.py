"""What a small request may cost. Counted are characters, statements and answers, and memory by the process's own count,
not time: what a clock says is another thing on another machine."""

from __future__ import annotations

import json
import tracemalloc

import frappe
import pytest
import records as r
from http_client import Client, key_of

from flow_editor import api
from flow_editor.engine.validation import MOST_PROBLEMS
from flow_editor.services import leads, starting, templates
from flow_editor.site.host import current

MEGABYTE = 1024 * 1024


@pytest.fixture
def user(site, server):
	client = Client(server, Authorization=key_of(r.user("Flow User")))
	frappe.db.commit()
	return client


def peak_of(do) -> float:
	"""The most memory that something takes beyond what was taken before, in MB."""
	tracemalloc.start()
	try:
		do()
		return tracemalloc.get_traced_memory()[1] / MEGABYTE
	finally:
		tracemalloc.stop()


LONG = "x" * 170_000


@pytest.mark.parametrize(
	("kind", "payload", "variables"),
	[
		("notify", {"subject": "s", "body": "{{variables.v}}" * 12_000}, {"v": LONG}),
		("notify", {"subject": "{{variables.v}}" * 12_000, "body": "{{variables}}" * 12_000}, {"v": LONG}),
		("webhook", {"url": "https://x.example/{{variables.v}}", "body_template": json.dumps(["{{variables.v}}"] * 12_000)}, {"v": LONG}),
		("webhook", {"url": "https://x.example/", "body_template": {str(n): "{{variables}}" for n in range(12_000)}}, {"v": LONG}),
		("erp_update", {"doctype": "ToDo", "fields_json": {"description": "{{variables.v}} " * 12_000}}, {"v": [LONG]}),
		("condition", {"field": "{{variables.v}} " * 12_000, "op": "==", "value": ["{{variables.v}}"] * 1000}, {"v": LONG}),
		("notify", {"to": ["{{variables.v}}"] * 12_000, "subject": "s", "body": "b"}, {"v": LONG}),
	],
	ids=range(7),
)  # fmt: skip
def test_a_preview_is_no_longer_than_a_step_may_be(user, kind, payload, variables):
	answer = user("POST", "/preview", {"kind": kind, "payload": payload, "variables": variables})
	assert answer.status_code == 200
	assert len(answer.content) < len(json.dumps(payload)) + 2 * MEGABYTE
	assert "more than 1,000,000 characters" in answer.json()["problems"][0]["message"]


@pytest.mark.parametrize(
	("kind", "payload"),
	[
		("notify", {"to": "a@example.com", "subject": "s", "body": "{{variables.v}}" * 12_000}),
		("notify", {"to": "a@example.com", "subject": "s", "body": "<p>{{variables.v}}</p>" * 12_000}),
		("webhook", {"url": "https://example.com/", "body_template": json.dumps(["{{variables.v}}"] * 12_000)}),
		("webhook", {"url": "https://example.com/", "headers_json": {f"X-{n}": "{{variables.v}}" for n in range(5_000)}}),
		("dispatch_job", {"subject": "s", "on_open_webhook": "https://example.com/" + "{{variables.v}}" * 12_000}),
	],
	ids=range(5),
)  # fmt: skip
def test_nor_is_a_run_s_step(site, kind, payload):
	flow = r.template(r.step("a", kind, payload=payload), variables={"v": ""})

	def go():
		run = starting.start(current(), flow.name, variables={"v": LONG}).run.name
		r.drain()
		state = r.state(run)["a"]
		assert state["status"] == "failed" and "more than 1,000,000 characters" in state["error"]

	assert peak_of(go) < 60


def test_a_definition_with_many_problems_is_told_the_first_of_them(user):
	steps = [
		{"id": f"s{n}", "kind": "wait", "payload": {}, "depends_on": [f"nowhere-{n}-{m}" for m in range(50)]}
		for n in range(8_000)
	]
	answer = user("POST", "/validate", {"flow_definition": {"steps": steps}})
	problems = answer.json()["problems"]
	assert answer.status_code == 200 and len(answer.content) < MEGABYTE
	assert len(problems) == MOST_PROBLEMS + 1 and "There are more problems" in problems[-1]["message"]


@pytest.mark.parametrize("sign", ["[", '{"a":'])
@pytest.mark.parametrize("count", [500, 900, 100_000, 2_500_000])
def test_brackets_are_a_problem_and_no_500(user, sign, count):
	payload = {"url": "https://x.example", "body_template": sign * count}
	answer = user("POST", "/preview", {"kind": "webhook", "payload": payload})
	assert answer.status_code in (200, 413, 422) and (count > 1_000_000 or answer.status_code == 200)
	if answer.status_code == 200:
		assert [problem["field"] for problem in answer.json()["problems"]] == ["body_template"]


def test_so_are_five_million_of_them(user):
	answer = user("POST", "/preview", {"kind": "webhook", "payload": {"body_template": "[" * 5_000_000}})
	assert answer.status_code == 200 and answer.json()["problems"][0]["field"] == "body_template"


@pytest.mark.parametrize("depth", [33, 300, 480, 900])
def test_so_is_what_is_nested_deep_without_being_text(user, depth):
	for kind, field in (("webhook", "body_template"), ("condition", "value"), ("notify", "to")):
		nested = json.loads("[" * depth + "]" * depth)
		answer = user("POST", "/preview", {"kind": kind, "payload": {field: nested}})
		assert answer.status_code == 200 and answer.json()["problems"][0]["field"] == field, answer.text[:300]


def test_a_list_of_large_runs_is_not_as_large_as_they_are(user):
	flow = r.template(r.step("a"))
	for _ in range(3):
		api.start(template=flow.name)
	large = json.dumps({"a": {"status": "done", "result": {"text": "x" * 1_900_000}}})
	names = frappe.get_all("Flow Run", pluck="name", order_by="creation desc, name desc")
	bulk = [(f"FR-LARGE-{n:03}", flow.name, "completed", large) for n in range(12)]
	for row in bulk:
		frappe.db.sql(
			"INSERT INTO `tabFlow Run` (name, flow_template, template_version, status, step_state, creation) VALUES (%s, %s, 1, %s, %s, '2020-01-01')",
			row,
		)
	answer = user("GET", "/runs?limit=500")
	listed = answer.json()["runs"]
	assert [run["name"] for run in listed[:3]] == names and len(listed) == 15
	assert len(answer.content) < 9_000_000
	assert [bool(run.get("truncated")) for run in listed] == [False] * 7 + [True] * 8
	whole = user("GET", f"/runs/{listed[-1]['name']}").json()["run"]
	assert len(whole["step_state"]["a"]["result"]["text"]) == 1_900_000


def test_looking_for_what_a_flow_names_is_bounded(site, monkeypatch):
	monkeypatch.setattr(leads, "MOST_LOOKED_FOR", 50)
	names = frappe.get_all(
		"Country", pluck="name"
	)  # they are there, so that none is told and ends the search
	link = r.make("Custom Field", dt="Issue", fieldname="custom_country", fieldtype="Link", options="Country")
	many = r.step("a", "condition", payload={"field": link.fieldname, "op": "in", "value": names})
	frappe.local.flow_editor_types = None
	before, asked = frappe.db.sql, []
	frappe.db.sql = lambda query, *args, **more: (asked.append(query), before(query, *args, **more))[1]
	try:
		problems, warnings = templates.check(site, {"trigger": {"event": "on_issue_opened"}, "steps": [many]})
	finally:
		del frappe.db.sql
		link.delete()
		frappe.db.commit()
	assert len(names) > 200 and not problems and not warnings
	assert len([query for query in asked if "tabCountry" in str(query)]) == 50
