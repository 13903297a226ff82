"""A document goes by its own name, to the letter: what the database takes for the same (case, accents, spaces at the end)
is another to every rule that is kept by name."""

from __future__ import annotations

import frappe
import pytest
import records as r
from http_client import Client, key_of

import flow_editor.api


@pytest.fixture
def party(site):
	name = f"PT ÉOWN {frappe.generate_hash(length=6).upper()}"
	return r.customer(customer_name=name)


@pytest.fixture
def user(site, server, party):
	client = Client(server, Authorization=key_of(r.user("Flow User", "Sales User")))
	frappe.db.commit()
	return client


def spellings(name: str) -> list[str]:
	return [
		name.lower(),
		name.title(),
		f"{name} ",
		name.replace("É", "E"),
		name.replace("É", "E\u0301"),
		f"{name}\u200b",
	]


def test_once_per_document_is_once(user, party):
	flow = r.template(r.step("a"), re_entry="Once per document")
	about = {"template": flow.name, "doctype": "Customer", "docname": party.name}
	assert user("POST", "/start", about).status_code == 201
	for spelled in spellings(party.name):
		for body in ({**about, "docname": spelled}, {"template": flow.name, "customer": spelled}):
			answer = user("POST", "/start", body)
			assert answer.status_code == 404, (spelled, answer.text)
	assert user("POST", "/start", about).status_code == 409
	assert [(run.context_docname, run.customer) for run in r.runs(flow)] == [(party.name, party.name)]


def test_what_is_misspelled_is_told_to_who_may_read_it_and_to_nobody_else(server, party):
	reader, stranger = (Client(server, Authorization=key_of(r.user(*roles))) for roles in (("Flow User", "Sales User"), ("Flow User",)))  # fmt: skip
	flow = r.template(r.step("a"))
	body = {"template": flow.name, "doctype": "Customer", "docname": party.name.lower()}
	assert party.name in reader("POST", "/start", body).json()["error"]["message"]
	refused = stranger("POST", "/start", body)
	assert refused.status_code == 403


@pytest.mark.parametrize("doctype", ["user", "CUSTOMER", "Customer ", "Cústomer", "issue"])
def test_a_doctype_too(user, party, doctype):
	flow = r.template(r.step("a"))
	for verb, path, body in (
		("POST", "/start", {"template": flow.name, "doctype": doctype, "docname": party.name}),
		("POST", "/preview", {"kind": "wait", "payload": {}, "doctype": doctype, "docname": party.name}),
		("GET", f"/paths?doctype={doctype}", None),
	):
		answer = user(verb, path, body)
		assert answer.status_code == 404 and "There is no DocType" in answer.text, (path, answer.text)
	assert r.runs(flow) == []


def test_by_event_and_by_code_likewise(server, party):
	flow = r.template(r.step("a"), event="on_customer_created", re_entry="Once per document")
	author = Client(server, Authorization=key_of(r.user("Flow Manager", "Sales User")))
	about = {"event": "on_customer_created", "doctype": "Customer", "docname": party.name}
	assert author("POST", "/event", about).status_code == 200
	for spelled in spellings(party.name):
		assert author("POST", "/event", {**about, "docname": spelled}).status_code == 404
		(outcome,) = [
			outcome
			for outcome in flow_editor.dispatch_event("on_customer_created", ("Customer", spelled))
			if outcome["template"] == flow.name
		]
		assert "There is no Customer" in outcome["error"]
	assert [run.context_docname for run in r.runs(flow)] == [party.name]


def test_a_document_that_is_saved_under_another_spelling_starts_under_its_own(server, party):
	"""`frappe.client.save` takes the name that it is sent."""
	flow = r.template(r.step("a"), event="on_contract_signed", re_entry="Once per document")
	contract = r.contract(party)
	seller = Client(
		server,
		Authorization=key_of(
			r.user("Sales User", "Sales Manager", "HR Manager", "System Manager", "Purchase Manager")
		),
	)
	frappe.db.commit()
	for spelled in (contract.name, contract.name.lower(), contract.name.title()):
		for signed in (1, 0):
			frappe.db.rollback()
			doc = frappe.get_doc("Contract", contract.name).as_dict(convert_dates_to_str=True)
			doc.update(name=spelled, is_signed=signed)
			seller.session.post(
				f"{server}/api/method/frappe.client.save", data={"doc": frappe.as_json(doc)}, timeout=60
			)
	frappe.db.rollback()
	assert [run.context_docname for run in r.runs(flow)] == [contract.name]


def test_a_step_finds_only_what_is_spelled_right(site, party):
	for payload in (
		{"doctype": "Customer", "docname_ref": party.name.lower(), "fields_json": {"website": "x.example"}},
		{"doctype": "customer", "docname_ref": party.name, "fields_json": {"website": "x.example"}},
	):
		flow = r.template(r.step("a", "erp_update", payload=payload))
		run = flow_editor.api.start(template=flow.name)["run"]["name"]
		r.drain()
		assert "There is no" in r.state(run)["a"]["error"]
