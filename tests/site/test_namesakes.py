"""Templates of one name and category, on a real database: of two authors at once one is told so, and old twins are numbered."""

from __future__ import annotations

import frappe
import records as r
from at_once import at_once
from http_client import Client, key_of

from flow_editor.engine.errors import Invalid
from flow_editor.patches import number_namesakes
from flow_editor.services import authored, templates
from flow_editor.site import namesakes
from flow_editor.site.host import current


def test_of_many_who_save_one_name_at_the_same_moment_one_does_and_the_others_are_told(site):
	name = r.unique("At once")

	def save(number: int) -> str:
		frappe.set_user("Administrator")
		try:
			return templates.create(current(), {"template_name": name if number % 2 else name.upper()})[
				"name"
			]
		except Invalid as error:
			((problem),) = error.problems
			frappe.db.rollback()
			return f"{problem.field}: {problem.message}"

	told = at_once(8, save)
	made = frappe.get_all("Flow Template", filters={"template_name": name}, pluck="name")
	assert len(made) == 1 and told.count(made[0]) == 1
	assert sum(said.startswith("template_name: There is a flow") for said in told) == 7
	assert frappe.db.count("Flow Version", {"flow_template": made[0]}) == 1


def test_the_door_and_the_form_say_it_too(site, server, monkeypatch):
	flow = r.template(r.step("a"))
	author = Client(server, Authorization=key_of(r.user("Flow Manager")))
	answer = author("POST", "/templates", {"template_name": flow.template_name})
	assert answer.status_code == 422 and answer.json()["error"]["problems"][0]["field"] == "template_name"
	monkeypatch.setattr(authored, "_field_problems", lambda *_: [])
	again = frappe.copy_doc(flow)
	frappe.clear_messages()
	try:
		again.insert()
	except frappe.ValidationError as error:
		assert "already" in str(error) and error.problems[0].field == "template_name"
	else:
		raise AssertionError("two of one name")
	assert [message for message in frappe.get_message_log() if "must be unique" in message["message"]] == []


def test_a_migration_numbers_the_later_ones_and_says_so(site):
	stem = r.unique("Été")
	frappe.db.sql_ddl(f"ALTER TABLE `tabFlow Template` DROP INDEX `{namesakes.INDEX}`")
	try:
		made = [r.template(r.step("a")) for _ in range(5)]
		wanted = [stem, stem.upper(), stem.replace("é", "e"), f"{stem} (2)", stem]
		for flow, name in zip(made, wanted, strict=True):
			flow.db_set("template_name", name, update_modified=False)
		made[4].db_set("is_system", 1, update_modified=False)
		frappe.db.set_value("Flow Template", made[4].name, "creation", "2030-01-01", update_modified=False)
	finally:
		number_namesakes.execute()
	number_namesakes.execute()  # it may be run again
	names = [frappe.db.get_value("Flow Template", flow.name, "template_name") for flow in made]
	assert names[4] == stem and names[3] == f"{stem} (2)"
	assert names[:3] == [f"{stem} (3)", f"{stem.upper()} (4)", f"{wanted[2]} (5)"]
	((told),) = frappe.get_all("Error Log", filters={"method": ("like", "%were renamed")}, fields=["error"])
	assert all(flow.name in told.error for flow in made[:3]) and made[4].name not in told.error
	assert frappe.db.has_index("tabFlow Template", namesakes.INDEX)
	frappe.db.delete("Flow Template", {"name": made[4].name})
	frappe.db.commit()
