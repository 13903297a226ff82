"""A client of the HTTP API that does everything the API offers, and knows nothing of which host answers."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

#: (verb, path below /flow, body) to (status, answer)
Call = Callable[..., tuple[int, Any]]


def expect(call: Call, status: int, verb: str, path: str, body: Any = None) -> Any:
	found, answer = call(verb, path, body)
	assert found == status, (verb, path, found, answer)
	if status >= 400:
		assert set(answer) == {"error"} and set(answer["error"]) == {"code", "message", "problems"}
		assert answer["error"]["problems"] or status != 422, (verb, path, answer)
		return answer["error"]
	return answer


def run_all(call: Call, doctype: str, docname: str) -> None:
	"""Author, start, move, look and clean up, on a document whose customer the host can tell."""
	name = f"Client {uuid.uuid4().hex[:8]}"
	definition = {
		"version": 1,
		"variables": {"greeting": "Hello"},
		"steps": [
			{
				"id": "ask",
				"kind": "condition",
				"payload": {"field": "variables.amount", "op": ">=", "value": 50},
			},
			{
				"id": "hand",
				"kind": "wait",
				"parent_id": "ask",
				"branch": "yes",
				"trigger": {"type": "manual"},
			},
			{"id": "small", "kind": "wait", "parent_id": "ask", "branch": "no"},
			{
				"id": "later",
				"kind": "wait",
				"depends_on": ["ask"],
				"trigger": {"type": "after_delay", "delay_days": 3},
			},
		],
	}
	template = expect(
		call,
		201,
		"POST",
		"/templates",
		{"template_name": name, "category": "billing", "flow_definition": definition},
	)["template"]
	number = template["name"]
	assert (template["version"], template["step_count"], template["is_active"]) == (1, 4, 0)
	assert (
		expect(call, 200, "GET", f"/templates/{number}")["template"]["flow_definition"]["steps"]
		== definition["steps"]
	)
	assert number in [t["name"] for t in expect(call, 200, "GET", "/templates?category=billing")["templates"]]
	assert number not in [t["name"] for t in expect(call, 200, "GET", "/templates?is_active=1")["templates"]]
	changed = expect(
		call,
		200,
		"PUT",
		f"/templates/{number}",
		{"is_active": 1, "trigger_event": "on_contract_signed", "version": 1},
	)["template"]
	assert changed["version"] == 2
	expect(call, 409, "PUT", f"/templates/{number}", {"notes": "x", "version": 1})
	problems = expect(
		call,
		422,
		"PUT",
		f"/templates/{number}",
		{"flow_definition": {"steps": [{"id": "a", "kind": "nope"}]}},
	)["problems"]
	assert [(p["step"], p["field"]) for p in problems] == [("a", "kind")] and problems[0]["message"]
	assert expect(call, 200, "POST", "/validate", {"flow_definition": definition})["problems"] == []

	started = expect(
		call,
		201,
		"POST",
		"/start",
		{"template": number, "doctype": doctype, "docname": docname, "variables": {"amount": 75}},
	)
	run = started["run"]["name"]
	assert started["executed"] == ["ask"] and started["scheduled"] == []
	assert started["run"]["variables"] == {"greeting": "Hello", "amount": 75} and started["run"]["customer"]
	expect(call, 409, "POST", "/complete", {"run": run, "step_id": "later"})
	done = expect(call, 200, "POST", "/complete", {"run": run, "step_id": "hand", "result": {"by": "client"}})
	assert (done["executed"], done["scheduled"], done["changed"]) == (["hand"], ["later"], True)
	assert expect(call, 200, "POST", "/complete", {"run": run, "step_id": "hand"})["changed"] is False
	shown = expect(call, 200, "GET", f"/runs/{run}")["run"]
	assert {id: entry["status"] for id, entry in shown["step_state"].items()} == {
		"ask": "done",
		"hand": "done",
		"small": "skipped",
		"later": "scheduled",
	}
	assert shown["step_state"]["hand"]["result"] == {"by": "client"} and shown["status"] == "running"
	assert run in [
		r["name"]
		for r in expect(
			call, 200, "GET", f"/runs?template={number}&status=running&customer={shown['customer']}"
		)["runs"]
	]
	assert expect(call, 200, "POST", "/advance", {"run": run})["executed"] == []
	expect(call, 409, "DELETE", f"/templates/{number}")
	assert (
		expect(call, 200, "POST", "/complete", {"run": run, "step_id": "later"})["run"]["status"]
		== "completed"
	)
	expect(call, 409, "POST", "/cancel", {"run": run})
	expect(call, 409, "POST", "/retry", {"run": run})

	results = expect(
		call,
		200,
		"POST",
		"/event",
		{"event": "on_contract_signed", "doctype": doctype, "docname": docname, "variables": {"amount": 1}},
	)["results"]
	(caused,) = [result["run"] for result in results if result["template"] == number]
	expect(call, 200, "POST", "/advance", {"run": caused})
	assert expect(call, 200, "POST", "/cancel", {"run": caused})["run"]["status"] == "cancelled"

	copy = expect(call, 201, "POST", f"/templates/{number}/duplicate", {"new_name": f"{name} copy"})[
		"template"
	]
	assert (copy["template_name"], copy["is_system"], copy["version"]) == (f"{name} copy", 0, 1)
	for each in (copy["name"], number):
		assert expect(call, 200, "DELETE", f"/templates/{each}") == {"ok": True}
		expect(call, 404, "GET", f"/templates/{each}")
	(seed,) = [
		t["name"]
		for t in expect(call, 200, "GET", "/templates")["templates"]
		if t["template_name"] == "fiber_install"
	]
	expect(call, 403, "DELETE", f"/templates/{seed}")

	catalog = expect(call, 200, "GET", "/catalog")
	assert {"notify", "webhook", "say"} <= {kind["name"] for kind in catalog["kinds"]}
	assert "on_issue_opened" in {event["name"] for event in catalog["events"]}
	assert "/flow/runs/{run}" in expect(call, 200, "GET", "/openapi.json")["paths"]
	for verb, path, body, status in (
		("GET", "/nowhere", None, 404), ("GET", "/runs/FR-none", None, 404), ("PUT", "/start", {}, 405), ("POST", "/start", {}, 422),
		("POST", "/start", [1], 400), ("POST", "/start", {"template": "FT-none"}, 404), ("GET", "/runs?status=nope", None, 422), ("POST", "/event", {"event": "nope"}, 422),
		("POST", "/start", {"template": seed, "doctype": doctype}, 422), ("POST", "/start", {"template": seed, "unknown": 1}, 422),
		("PATCH", "/templates", None, 405), ("PATCH", "/nowhere", None, 404), ("POST", "/templates", {"template_name": "x" * 141}, 422),
		("POST", "/event", {"event": "on_issue_opened", "doctype": "No Such DocType", "docname": "x"}, 404),
	):  # fmt: skip
		expect(call, status, verb, path, body)
