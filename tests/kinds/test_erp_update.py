from __future__ import annotations

import pytest

KNOWN = {"subject": {}, "status": {}, "priority": {}}


@pytest.fixture(autouse=True)
def known(bench):
	bench.documents.known["Issue"] = KNOWN
	bench.documents.put("Issue", "ISS-2", subject="Other", status="Open")


def test_it_updates_the_runs_own_document(bench):
	result = bench.do(
		"erp_update", {"doctype": "Issue", "fields_json": '{"status": "Closed", "priority": "High"}'}
	)
	assert result == {"doctype": "Issue", "name": "ISS-1", "changed": ["status"]}


def test_it_updates_the_document_that_is_named(bench):
	bench.run.variables["other"] = "ISS-2"
	payload = {
		"doctype": "Issue",
		"docname_ref": "{{variables.other}}",
		"fields_json": {"subject": "a {{doc.name}}"},
	}
	assert bench.do("erp_update", payload)["name"] == "ISS-2"
	assert bench.documents.get("Issue", "ISS-2")["subject"] == "a ISS-1"


def test_a_reference_that_renders_empty_does_not_hit_the_runs_own_document(bench):
	payload = {
		"doctype": "Issue",
		"docname_ref": "{{steps.x.result.issue}}",
		"fields_json": {"status": "Closed"},
	}
	assert "steps.x.result.issue" in bench.fails("erp_update", payload)
	assert bench.documents.updates == []


def test_another_doctype_has_to_be_named(bench):
	assert "Fill in Document" in bench.fails(
		"erp_update", {"doctype": "Lead", "fields_json": {"status": "Open"}}
	)


def test_all_that_may_not_be_set_is_named_at_once(bench):
	fields = {"sujet": "a", "owner": "Guest", "docstatus": 1, "wholly_other": 1, "status": "Closed"}
	message = bench.fails("erp_update", {"doctype": "Issue", "fields_json": fields})
	assert all(
		name in message for name in ("sujet (did you mean subject?)", "owner", "docstatus", "wholly_other")
	)
	assert bench.documents.updates == []


@pytest.mark.parametrize("field", ["name", "modified_by", "idx", "parent", "parenttype", "creation"])
def test_what_erpnext_keeps_itself_is_refused_even_where_any_field_will_do(bench, field):
	bench.documents.known.clear()
	assert field in bench.fails("erp_update", {"doctype": "Issue", "fields_json": {field: "x"}})


def test_fields_are_an_object(bench):
	assert bench.check("erp_update", {"fields_json": []}) == ["fields_json"]
	assert "no fields" in bench.fails("erp_update", {"doctype": "Issue", "fields_json": {}})


def test_fields_may_be_a_value_as_a_whole(bench):
	bench.run.variables["values"] = {"status": "Closed"}
	payload = {"doctype": "Issue", "fields_json": "{{variables.values}}"}
	(write,) = bench.catalog["erp_update"].writes(payload)
	assert (write.doctype, write.values) == ("Issue", {})
	bench.do("erp_update", payload)
	assert bench.documents.get("Issue", "ISS-1")["status"] == "Closed"
	bench.run.variables["values"] = ["Closed"]
	assert "no fields to set" in bench.fails("erp_update", payload)


def test_a_value_is_stored_as_its_field_has_it_and_what_it_cannot_hold_sets_nothing(bench):
	bench.documents.known.clear()
	bench.documents.typed["Issue"] = {"due": ("Date", "Due"), "cost": ("Currency", "Cost")}
	bench.run.variables["cost"] = "1,000.50"
	bench.do(
		"erp_update", {"doctype": "Issue", "fields_json": {"due": "31-12-2026", "cost": "{{variables.cost}}"}}
	)
	stored = bench.documents.stored("Issue", "ISS-1")
	assert (stored["due"], stored["cost"]) == ("2026-12-31", 1000.5)
	bench.run.variables["cost"] = "12,5"
	error = bench.fails("erp_update", {"doctype": "Issue", "fields_json": {"cost": "{{variables.cost}}"}})
	assert "Cost is a number, and “12,5” is none" in error and "Nothing was set" in error
