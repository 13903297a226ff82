"""Expressions on a real site: a linked document is read as the run's user may, fields above their level left out."""

from __future__ import annotations

import frappe
import records as r

from flow_editor.services import starting


def set_subject(text: str, **values):
	payload = {"doctype": "Issue", "fields_json": {"subject": text}}
	return r.template(r.step("a", "erp_update", payload=payload), **values)


def issue_with_lead():
	lead = r.make("Lead", lead_name=r.unique("Lena"))
	# By its sender an Issue would find a customer whom somebody else has made.
	return lead, r.issue(lead=lead.name, raised_by=f"{r.unique('l').split()[-1]}@example.com")


def test_a_linked_document_that_the_user_may_not_read_fails_the_step_and_says_so(site):
	lead, issue = issue_with_lead()
	flow = set_subject("{{doc.lead.lead_name}}")
	agent = r.user("Support Team", "Flow Manager")
	assert frappe.has_permission("Issue", "write", issue.name, user=agent.name)
	assert not frappe.has_permission("Lead", "read", lead.name, user=agent.name)
	frappe.db.set_value("Flow Template", flow.name, "run_as", agent.name)
	run = starting.start(site, flow.name, doctype="Issue", docname=issue.name).run.name
	assert r.state(run)["a"]["status"] == "failed"
	assert f"may not read Lead {lead.name}" in r.state(run)["a"]["error"]
	assert frappe.db.get_value("Issue", issue.name, "subject") == issue.subject


def test_a_linked_document_is_read_in_its_types_and_in_the_customers_language(site):
	party = r.customer(language="fr")
	issue = r.issue(party)
	frappe.db.set_value("Customer", party.name, "creation", "2026-12-03 14:05:00")
	flow = set_subject(
		"{{doc.customer.creation | date}}, {{1234.5 | currency: 'CAD'}}, {{doc.company.default_currency}}"
	)
	starting.start(site, flow.name, doctype="Issue", docname=issue.name)
	currency = frappe.db.get_value(
		"Company", frappe.db.get_value("Issue", issue.name, "company"), "default_currency"
	)
	assert (
		frappe.db.get_value("Issue", issue.name, "subject")
		== f"3 décembre 2026, 1\u202f234,50\u00a0$CA, {currency or ''}"
	)


def test_a_field_above_the_users_level_stays_empty_there_too(site):
	_, issue = issue_with_lead()
	flow = set_subject("[{{doc.lead.lead_name}}]")
	agent = r.user("Support Team", "Flow Manager", "Sales User")
	frappe.db.set_value("Flow Template", flow.name, "run_as", agent.name)
	frappe.make_property_setter(
		{
			"doctype": "Lead",
			"fieldname": "lead_name",
			"property": "permlevel",
			"value": "3",
			"property_type": "Int",
		}
	)
	frappe.clear_cache(doctype="Lead")
	try:
		starting.start(site, flow.name, doctype="Issue", docname=issue.name)
		assert frappe.db.get_value("Issue", issue.name, "subject") == "[]"
	finally:
		frappe.db.delete("Property Setter", {"doc_type": "Lead", "property": "permlevel"})
		frappe.clear_cache(doctype="Lead")


def test_a_linked_document_that_is_gone_is_empty(site):
	lead, issue = issue_with_lead()
	frappe.db.delete("Lead", lead.name)
	flow = set_subject("[{{doc.lead.lead_name}}]")
	starting.start(site, flow.name, doctype="Issue", docname=issue.name)
	assert frappe.db.get_value("Issue", issue.name, "subject") == "[]"


def test_many_rows_cost_one_question_for_each_document(site):
	party = r.customer()
	issue = r.issue(party)
	flow = set_subject(
		"{{doc.customer.customer_name}} {{doc.customer.territory}} {{doc.customer.customer_group}}"
	)
	asked = []
	original = site.documents.get

	def counted(doctype, name):
		asked.append((doctype, name))
		return original(doctype, name)

	site.documents.get = counted
	try:
		starting.start(site, flow.name, doctype="Issue", docname=issue.name)
	finally:
		del site.documents.get
	assert asked.count(("Customer", party.name)) == 1
