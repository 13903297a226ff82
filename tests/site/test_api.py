"""The whitelisted methods, as the desk calls them."""

from __future__ import annotations

import frappe
import pytest
import records as r

from flow_editor import api
from flow_editor.doors.routes import ROUTES


def test_start_complete_and_look(site):
	flow = r.template(r.step("a", trigger={"type": "manual"}), r.step("b", depends_on=["a"]))
	started = api.start(template=flow.name, variables='{"x": 1}')
	name = started["run"]["name"]
	assert started["executed"] == [] and started["run"]["variables"] == {"x": 1}
	done = api.complete(run=name, step_id="a", result='{"note": "ok"}')
	assert done["executed"] == ["a", "b"] and done["changed"] and done["run"]["status"] == "completed"
	again = api.complete(run=name, step_id="a")
	assert not again["changed"] and "already" in again["note"]
	assert api.get_run(run=name)["run"]["step_state"]["a"]["result"] == {"note": "ok"}
	assert [run["name"] for run in api.list_runs(template=flow.name, status="completed")["runs"]] == [name]
	with pytest.raises(frappe.ValidationError, match="status is not what it should be"):
		api.list_runs(status="nope")


def test_templates(site):
	made = api.create_template(values={"template_name": r.unique("x"), "flow_definition": {"steps": []}})[
		"template"
	]
	changed = api.update_template(template=made["name"], values={"description": "d", "version": 1})[
		"template"
	]
	assert changed["version"] == 2
	with pytest.raises(frappe.ValidationError, match="Somebody saved version 2"):
		api.update_template(template=made["name"], values={"description": "e", "version": 1})
	copy = api.duplicate_template(template=made["name"])["template"]
	assert api.delete_template(template=copy["name"]) == {"ok": True}
	assert made["name"] in [t["name"] for t in api.list_templates(category="other")["templates"]]
	assert api.get_template(template=made["name"])["template"]["flow_definition"]["steps"] == []
	with pytest.raises(frappe.ValidationError, match="no field"):
		api.update_template(template=made["name"], values={"descriptoin": "d"})
	with pytest.raises(frappe.DoesNotExistError):
		api.get_template(template="FT-none")


def test_validate_and_catalog(site):
	problems = api.validate(flow_definition={"steps": [{"id": "a", "kind": "nope"}]})["problems"]
	assert [(p["step"], p["field"]) for p in problems] == [("a", "kind")]
	catalog = api.catalog()
	assert {"notify", "condition", "say"} <= {kind["name"] for kind in catalog["kinds"]}
	assert "on_issue_opened" in {event["name"] for event in catalog["events"]}


def test_event(site):
	flow = r.template(r.step("a"), event="on_contract_signed")
	results = api.event(event="on_contract_signed", doctype="Customer", docname=r.customer().name)["results"]
	assert any(x["template"] == flow.name and "run" in x for x in results)
	with pytest.raises(frappe.ValidationError, match="no event"):
		api.event(event="on_nothing")


def test_every_door_asks_who_is_there(site):
	"""Each route of the table, with each kind of user: none is let in whom its roles do not name."""
	flow = r.template(r.step("a", trigger={"type": "manual"}))
	run = api.start(template=flow.name)["run"]["name"]
	arguments = {
		"template": flow.name,
		"run": run,
		"step_id": "a",
		"event": "manual",
		"values": {},
		"flow_definition": {},
	}
	whitelisted = {f.__name__ for f in frappe.whitelisted if f.__module__ == api.__name__}
	assert whitelisted >= {route.name for route in ROUTES}
	users = {"Guest": set(), r.user("Support Team").name: set(), r.user("Flow User").name: {"Flow User"}}
	refused = 0
	for user, roles in users.items():
		frappe.set_user(user)
		for route in ROUTES:
			if not roles & set(route.roles):
				takes = {*route.parts, *route.body} | ({"values"} if route.open_body else set())
				with pytest.raises((frappe.PermissionError, frappe.AuthenticationError)):
					getattr(api, route.name)(**{name: arguments[name] for name in takes & set(arguments)})
				refused += 1
	assert refused == 2 * len(ROUTES) + sum("Flow User" not in route.roles for route in ROUTES)


def test_a_run_about_a_document_that_one_may_not_see(site):
	operator = r.user("Flow User")
	opened = r.issue(r.customer())
	flow = r.template(r.step("a", trigger={"type": "manual"}))
	run = api.start(template=flow.name, doctype="Issue", docname=opened.name)["run"]["name"]
	frappe.set_user(operator.name)
	for refused in (
		lambda: api.complete(run=run, step_id="a"),
		lambda: api.get_run(run=run),
		lambda: api.start(template=flow.name, doctype="Issue", docname=opened.name),
	):
		with pytest.raises(frappe.PermissionError):
			refused()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800", {"\udc00": 1}])
def test_what_is_no_json_is_refused(site, value):
	flow = r.template(r.step("a", trigger={"type": "manual"}))
	run = api.start(template=flow.name)["run"]["name"]
	for call in (
		lambda: api.start(template=flow.name, variables={"v": value}),
		lambda: api.complete(run=run, step_id="a", result=[value]),
		lambda: api.create_template(values={"template_name": r.unique("x"), "notes": value}),
		lambda: api.validate(flow_definition={"x": value}),
	):
		with pytest.raises(frappe.ValidationError, match="what JSON cannot"):
			call()


@pytest.mark.parametrize("name", ["1e309", "12e4", "17", "true", "null"])
def test_a_document_whose_name_could_be_json_is_found_by_its_name(site, name):
	todo = frappe.get_doc({"doctype": "ToDo", "description": "x"})
	todo.insert(set_name=name)
	frappe.db.commit()
	flow = r.template(r.step("a", trigger={"type": "manual"}))
	started = api.start(template=flow.name, doctype="ToDo", docname=name, idempotency_key="42")["run"]
	assert started["context_docname"] == todo.name == name
