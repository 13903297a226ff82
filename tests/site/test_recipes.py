"""The recipes of docs/other-apps.md, followed to the letter by an app on a real site."""

from __future__ import annotations

import frappe
import pytest
import records as r
from flow_test_app import readme

from flow_editor import api
from flow_editor.engine.errors import FlowError
from flow_editor.services import starting


def test_the_hooks_that_it_names_are_those_that_this_app_has(other_app):
	hooks: dict = {}
	exec(readme.block("flow_editor_kinds = "), hooks)
	for hook in (
		"flow_editor_kinds",
		"flow_editor_events",
		"flow_editor_operators",
		"flow_editor_field_types",
		"flow_editor_filters",
	):
		ours = [path.replace("my_app.flows", "flow_test_app.readme") for path in hooks[hook]]
		assert set(ours) <= set(frappe.get_hooks(hook))


def test_its_kind_has_a_form_and_runs(other_app):
	entry = next(kind for kind in api.catalog()["kinds"] if kind["name"] == "send_invite")
	assert [field["name"] for field in entry["fields"]] == ["to", "role"] and entry["results"]
	with pytest.raises(frappe.ValidationError, match="E-mail is empty"):
		r.template(r.step("a", "send_invite"))
	flow = r.template(r.step("a", "send_invite", payload={"to": "ana@example.com", "role": "technician"}))
	run = starting.start(other_app, flow.name).run
	assert r.state(run.name)["a"]["result"] == {"invited": "ana@example.com"}
	mail = frappe.get_last_doc("Email Queue")
	assert mail.recipients[0].recipient == "ana@example.com" and "technician" in mail.message


def test_its_event_starts_flows(other_app):
	flow = r.template(r.step("a"), event="on_issue_resolved")
	issue = r.issue()
	assert not r.runs(flow)
	issue.reload()
	issue.status = "Resolved"
	issue.save()
	assert len(r.runs(flow)) == 1


def test_its_catalog_holds_its_kind(other_app):
	assert [kind["name"] for kind in api.catalog()["kinds"] if kind["catalog"] == "billing"] == ["dun"]
	flow = r.template(r.step("a", "dun", payload={"to": "ana@example.com"}), catalog="billing")
	assert r.statuses(starting.start(other_app, flow.name).run.name) == {"a": "done"}


def test_a_condition_with_its_operator_gates_flows(other_app):
	condition = readme.CONDITION.replace("doc.version", "doc.subject")
	flow = r.template(r.step("a"), event="on_issue_opened", trigger_condition=condition)
	r.issue(subject="1")
	assert not r.runs(flow)
	r.issue(subject="4")
	assert len(r.runs(flow)) == 1


def test_its_type_of_field_is_an_input_s(other_app):
	chosen = {entry["name"]: entry["label"] for entry in api.catalog()["input_types"]}
	assert chosen["postal_code"] == "Postal code"
	asked = [{"name": "code", "type": "postal_code", "required": True}]
	flow = r.template(r.step("a"), inputs=asked)
	assert api.confirm(template=flow.name)["inputs"][0]["widget"] == "text"
	run = starting.start(other_app, flow.name, variables={"code": " k1a 0b1 "}).run
	assert run.variables["code"] == "K1A 0B1"
	with pytest.raises(FlowError, match="Code must be a postal code such as K1A 0B1"):
		starting.start(other_app, flow.name, variables={"code": "75001"})


def test_a_type_of_field_that_no_app_brings_is_explained(site):
	with pytest.raises(frappe.ValidationError, match="Type is not known"):
		r.template(r.step("a"), inputs=[{"name": "code", "type": "postal_code"}])


def test_a_condition_with_an_operator_that_no_app_brings_is_explained(site):
	with pytest.raises(frappe.ValidationError, match="operator 'within_one' is not known"):
		r.template(r.step("a"), event="on_issue_opened", trigger_condition=readme.CONDITION)


def test_its_filter_is_written_in_texts_and_refuses_what_it_cannot_take(other_app):
	assert "last_digits" in [one["name"] for one in api.catalog()["filters"]]
	with pytest.raises(frappe.ValidationError, match="takes no more than that: write last_digits"):
		r.template(r.step("a", "issue", payload={"subject": "{{doc.subject | last_digits: 1, 2}}"}))
	payload = {"doctype": "Issue", "fields_json": {"subject": "{{doc.subject | last_digits: 3}}."}}
	flow = r.template(r.step("a", "erp_update", payload=payload))
	for subject, reads, warns in (("Call 514-555-0199", "199.", 0), ("Call 12", ".", 1)):
		issue = r.issue(subject=subject)
		run = starting.start(other_app, flow.name, doctype="Issue", docname=issue.name).run
		assert frappe.db.get_value("Issue", issue.name, "subject") == reads
		assert len(r.state(run.name)["a"].get("warnings", ())) == warns
