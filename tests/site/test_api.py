"""The whitelisted methods, as the desk calls them."""

from __future__ import annotations

import frappe
import pytest
import records as r

from flow_editor import api


def test_start_complete_and_look(site):
	flow = r.template(r.step("a", trigger={"type": "manual"}), r.step("b", depends_on=["a"]))
	started = api.start(flow.name, variables='{"x": 1}')
	name = started["run"]["name"]
	assert started["executed"] == [] and started["run"]["variables"] == {"x": 1}
	done = api.complete(name, "a", '{"note": "ok"}')
	assert done["executed"] == ["a", "b"] and done["changed"] and done["run"]["status"] == "completed"
	again = api.complete(name, "a")
	assert not again["changed"] and "already" in again["note"]
	assert api.get_run(name)["run"]["step_state"]["a"]["result"] == {"note": "ok"}
	assert [run["name"] for run in api.list_runs(template=flow.name, status="completed")["runs"]] == [name]
	with pytest.raises(frappe.ValidationError, match="no run status"):
		api.list_runs(status="nope")


def test_templates(site):
	made = api.create_template({"template_name": r.unique("x"), "flow_definition": {"steps": []}})["template"]
	changed = api.update_template(made["name"], {"description": "d", "version": 1})["template"]
	assert changed["version"] == 2
	with pytest.raises(frappe.ValidationError, match="Somebody saved version 2"):
		api.update_template(made["name"], {"description": "e", "version": 1})
	copy = api.duplicate_template(made["name"])["template"]
	assert api.delete_template(copy["name"]) == {"ok": True}
	assert made["name"] in [t["name"] for t in api.list_templates(category="other")["templates"]]
	assert api.get_template(made["name"])["template"]["flow_definition"]["steps"] == []
	with pytest.raises(frappe.ValidationError, match="no field"):
		api.update_template(made["name"], {"descriptoin": "d"})
	with pytest.raises(frappe.DoesNotExistError):
		api.get_template("FT-none")


def test_validate_and_catalog(site):
	problems = api.validate({"steps": [{"id": "a", "kind": "nope"}]})["problems"]
	assert [(p["step"], p["field"]) for p in problems] == [("a", "kind")]
	catalog = api.catalog()
	assert {"notify", "condition", "say"} <= {kind["name"] for kind in catalog["kinds"]}
	assert "on_issue_opened" in {event["name"] for event in catalog["events"]}


def test_event(site):
	flow = r.template(r.step("a"), event="on_contract_signed")
	results = api.event("on_contract_signed", "Customer", r.customer().name)["results"]
	assert any(x["template"] == flow.name and "run" in x for x in results)
	with pytest.raises(frappe.ValidationError, match="no event"):
		api.event("on_nothing")


OPERATORS_ONLY = (
	"start",
	"advance",
	"complete",
	"retry",
	"cancel",
	"get_run",
	"list_runs",
	"list_templates",
	"get_template",
	"validate",
	"catalog",
)
AUTHORS_ONLY = ("create_template", "update_template", "delete_template", "duplicate_template", "event")


def test_every_door_asks_who_is_there(site):
	flow = r.template(r.step("a", trigger={"type": "manual"}))
	run = api.start(flow.name)["run"]["name"]
	arguments = {
		"start": (flow.name,), "advance": (run,), "complete": (run, "a"), "retry": (run,), "cancel": (run,), "get_run": (run,), "get_template": (flow.name,),
		"validate": ({},), "create_template": ({},), "update_template": (flow.name, {}), "delete_template": (flow.name,), "duplicate_template": (flow.name,), "event": ("manual",),
	}  # fmt: skip
	whitelisted = {f.__name__ for f in frappe.whitelisted if f.__module__ == api.__name__}
	assert whitelisted == {*OPERATORS_ONLY, *AUTHORS_ONLY}, "a door without a row here"
	plain, operator = r.user("Support Team"), r.user("Flow User")
	for user, refused in (
		(plain.name, (*OPERATORS_ONLY, *AUTHORS_ONLY)),
		(operator.name, AUTHORS_ONLY),
		("Guest", (*OPERATORS_ONLY, *AUTHORS_ONLY)),
	):
		frappe.set_user(user)
		for name in refused:
			with pytest.raises(frappe.PermissionError):
				getattr(api, name)(*arguments.get(name, ()))


def test_a_run_about_a_document_that_one_may_not_see(site):
	operator = r.user("Flow User")
	opened = r.issue(r.customer())
	flow = r.template(r.step("a", trigger={"type": "manual"}))
	run = api.start(flow.name, "Issue", opened.name)["run"]["name"]
	frappe.set_user(operator.name)
	for refused in (
		lambda: api.complete(run, "a"),
		lambda: api.get_run(run),
		lambda: api.start(flow.name, "Issue", opened.name),
	):
		with pytest.raises(frappe.PermissionError):
			refused()
