"""What a flow cannot mean on a real site, whose fields its admins have changed."""

from __future__ import annotations

import frappe
import pytest
import records as r

from flow_editor.services import templates
from flow_editor.services.meaning import About

OPENED = {"event": "on_issue_opened"}


@pytest.fixture
def short_field(site):
	"""A field of Issue's, of twelve characters at most, that the site has made."""
	made = r.make(
		"Custom Field", dt="Issue", fieldname="custom_tower", label="Tower", fieldtype="Data", length=12
	)
	frappe.db.commit()
	frappe.local.flow_editor_types = None
	yield "custom_tower"
	frappe.delete_doc("Custom Field", made.name)
	frappe.db.commit()
	frappe.local.flow_editor_types = None


def told(site, *steps: dict) -> list[str]:
	problems, warnings = templates.check(site, {"trigger": OPENED, "steps": list(steps)}, About())
	return [str(one) for one in problems + warnings]


def test_a_field_of_the_site_s_own_is_known_with_its_length(site, short_field):
	def update(text):
		return r.step("u", "erp_update", payload={"doctype": "Issue", "fields_json": {short_field: text}})

	mail = r.step("m", "notify", payload={"to": "a@b.co", "subject": "{{doc.custom_tower}}", "body": "x"})
	assert told(site, mail, update("Tower 7")) == []
	(warning,) = told(site, update("A tower of many words"))
	assert "Tower of Issue takes 12" in warning


def test_a_name_with_a_comma_is_one_value(site):
	customer = r.customer(customer_name=r.unique("Fils, Cie"))
	frappe.db.commit()
	compare = r.step("c", "condition", payload={"field": "doc.customer", "op": "==", "value": customer.name})
	assert told(site, compare) == []
	compare["payload"]["value"] = "Nobody, Nowhere"
	(warning,) = told(site, compare)
	assert "There is no Customer “Nobody, Nowhere”" in warning


def test_a_flow_that_is_only_warned_about_is_saved_and_switched_on(site):
	odd = r.step("m", "notify", payload={"to": "a@b.co", "subject": "{{doc.nothing}}", "body": "x"})
	assert told(site, odd)
	assert r.template(odd, event="on_issue_opened").is_active
