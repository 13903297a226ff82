"""What every write of a template goes through, whoever writes."""

from __future__ import annotations

import json

import frappe
import frappe.client
import pytest
import records as r

from flow_editor import api
from flow_editor.services import looking, portable, starting, templates


def versions(flow) -> list[int]:
	return frappe.get_all(
		"Flow Version", filters={"flow_template": flow.name}, pluck="version", order_by="version"
	)


def test_a_save_is_a_version_and_one_that_changes_nothing_is_none(site):
	flow = r.template(r.step("a"))
	assert (flow.name[:3], flow.version, flow.step_count, versions(flow)) == ("FT-", 1, 1, [1])
	flow.save()
	flow.reload()
	flow.flow_definition = json.dumps(json.loads(flow.flow_definition), indent=8, sort_keys=True)
	flow.save()
	assert (flow.version, versions(flow)) == (1, [1])
	flow.flow_definition = json.dumps({"steps": [r.step("a"), r.step("b")]})
	flow.save()
	assert (flow.version, flow.step_count, versions(flow)) == (2, 2, [1, 2])
	flow.description = "Other"
	flow.save()
	flow.is_active = 0
	flow.save()
	assert (flow.version, versions(flow)) == (4, [1, 2, 3, 4])
	kept = frappe.get_doc("Flow Version", f"{flow.name}-v2")
	assert (kept.saved_by, kept.checksum, len(json.loads(kept.definition)["steps"])) == (
		"Administrator",
		flow.checksum,
		2,
	)
	kept.definition = "{}"
	with pytest.raises(frappe.ValidationError, match="never changes"):
		kept.save()


def test_every_mistake_at_once_and_nothing_is_stored(site):
	before = frappe.db.count("Flow Template")
	definition = {
		"steps": [
			r.step("a", "nope"), r.step("a"), r.step("b", depends_on=["x"]), r.step("c", parent_id="y"), r.step("d", "issue", payload={}),
			r.step("e", depends_on=["f"]), r.step("f", depends_on=["e"]), r.step("g", trigger={"type": "after_delay"}), r.step("h", branch="yes"),
		]
	}  # fmt: skip
	with pytest.raises(frappe.ValidationError) as error:
		r.make(
			"Flow Template",
			template_name="",
			category="nowhere",
			trigger_event="on_x",
			trigger_condition="{",
			flow_definition=json.dumps(definition),
		)
	found = {(problem.step, problem.field) for problem in error.value.problems}
	assert found == {
		("", "template_name"), ("", "category"), ("", "trigger_event"), ("", "trigger_condition"), ("a", "kind"), ("a", "id"), ("b", "depends_on"),
		("c", "parent_id"), ("d", "payload.subject"), ("e", "depends_on"), ("g", "trigger.delay_days"), ("h", "branch"),
	}  # fmt: skip
	shown = " ".join(str(message) for message in frappe.local.message_log)
	assert "12 problems" in shown and "<script" not in shown
	frappe.db.rollback()
	assert frappe.db.count("Flow Template") == before


@pytest.mark.parametrize("definition", ["{nonsense", "[]", '{"steps": 5}', '{"steps": [5]}', "[" * 5000])
def test_a_definition_that_cannot_be_read_is_refused_by_every_way_of_writing(site, definition):
	with pytest.raises(frappe.ValidationError):
		r.make("Flow Template", template_name="x", category="other", flow_definition=definition)
	flow = r.template(r.step("a"))
	flow.flow_definition = definition
	with pytest.raises(frappe.ValidationError):
		flow.save(ignore_permissions=True)
	with pytest.raises(frappe.ValidationError):
		frappe.client.set_value("Flow Template", flow.name, "flow_definition", definition)


def test_a_name_is_unique_within_its_category(site):
	flow = r.template(r.step("a"))
	with pytest.raises(frappe.ValidationError, match="already"):
		r.make("Flow Template", template_name=flow.template_name, category="other")
	assert r.make("Flow Template", template_name=flow.template_name, category="billing").name


def test_a_definition_that_comes_alone_brings_its_trigger_and_the_fields_win_after(site):
	definition = {
		"trigger": {"event": "on_issue_opened", "condition": {"==": [{"var": "doc.priority"}, "High"]}},
		"steps": [],
	}
	flow = r.make(
		"Flow Template", template_name=r.unique("x"), category="other", flow_definition=json.dumps(definition)
	)
	assert flow.trigger_event == "on_issue_opened" and json.loads(flow.trigger_condition)["=="]
	flow.trigger_event = "on_customer_created"
	flow.save()
	assert json.loads(flow.flow_definition)["trigger"]["event"] == "on_customer_created"


def test_system_templates_are_edited_and_duplicated_but_not_deleted_or_renamed(site):
	flow = r.seeded("fiber_install")
	with pytest.raises(frappe.PermissionError, match="cannot be deleted"):
		flow.delete()
	flow.template_name = "Other"
	with pytest.raises(frappe.PermissionError, match="keeps its name"):
		flow.save()
	flow.reload()
	flow.is_system = 0
	flow.save()
	assert frappe.db.get_value("Flow Template", flow.name, "is_system") == 1
	with pytest.raises(frappe.ValidationError):
		frappe.rename_doc("Flow Template", flow.name, "FT-99999", force=True)
	copy = templates.duplicate(site, flow.name)
	assert (copy["template_name"], copy["is_system"], copy["is_active"], copy["version"]) == (
		"fiber_install (copy)",
		0,
		0,
		1,
	)
	assert templates.duplicate(site, flow.name)["template_name"] == "fiber_install (copy 2)"
	assert templates.duplicate(site, flow.name, "Ours")["template_name"] == "Ours"
	templates.delete(site, copy["name"])
	assert not frappe.db.exists("Flow Template", copy["name"])
	mine = r.make("Flow Template", template_name=r.unique("x"), category="other", is_system=1)
	assert mine.is_system == 0


def test_a_template_with_runs_under_way_is_not_deleted_and_old_versions_stay_readable(site):
	from flow_editor.services import runs

	flow = r.template(r.step("a", trigger={"type": "manual"}))
	run = starting.start(site, flow.name).run
	with pytest.raises(frappe.ValidationError, match="under way"):
		flow.delete()
	runs.complete(site, run.name, "a")
	flow.description = "Another version, which no run refers to"
	flow.save()
	flow.delete()
	assert site.store.definition(flow.name, 1) and versions(flow) == [1]
	assert looking.get(site, run.name)["status"] == "completed"


def test_a_number_is_never_given_again(site):
	"""A new template must not inherit the runs and versions of one that was deleted."""

	flow = r.template(r.step("a"))
	starting.start(site, flow.name)
	flow.delete()
	assert r.template(r.step("b")).name > flow.name


def test_what_flows_have_done_keeps_nobody_from_deleting_a_document(site):

	party = r.customer()
	flow = r.template(r.step("a", trigger={"type": "manual"}))
	run = starting.start(site, flow.name, doctype="Customer", docname=party.name).run
	party.delete()
	r.drain()
	assert frappe.db.get_value("Flow Run", run.name, "status") == "cancelled"


def test_who_a_flow_runs_as(site):
	manager = r.user("Flow Manager")
	other = r.user("Flow Manager")
	frappe.set_user(manager.name)
	mine = r.template(r.step("a"))
	assert mine.run_as == manager.name
	mine.run_as = other.name
	with pytest.raises(frappe.PermissionError, match="System Manager"):
		mine.save()
	frappe.set_user("Administrator")
	mine.reload()
	mine.run_as = other.name
	mine.save()
	assert mine.run_as == other.name

	# Whoever may not name another does not get to act as another by editing.
	frappe.set_user(manager.name)
	seed = r.seeded("phone_service")
	assert seed.run_as == "Administrator"
	seed.tags = "ours"
	seed.save()
	assert seed.run_as == "Administrator"
	seed.trigger_event = "on_customer_created"
	seed.save()
	assert seed.run_as == manager.name
	assert any("runs as you" in str(message) for message in frappe.local.message_log)
	frappe.set_user("Administrator")
	seed.reload()
	seed.run_as, seed.trigger_event, seed.tags = "Administrator", "manual", "telephone"
	seed.save()
	frappe.db.commit()


def test_roles(site):
	flow = r.template(r.step("a"))
	plain, operator, author = r.user(), r.user("Flow User"), r.user("Flow Manager")
	for user, reads, writes in ((plain, False, False), (operator, True, False), (author, True, True)):
		frappe.set_user(user.name)
		assert frappe.has_permission("Flow Template", "read") is reads
		assert frappe.has_permission("Flow Template", "write", flow.name) is writes
		assert frappe.has_permission("Flow Run", "read") is reads
		for doctype in ("Flow Run", "Flow Step Pending", "Flow Version"):
			assert not frappe.has_permission(doctype, "create")
			assert not frappe.has_permission(doctype, "write")
		assert not frappe.has_permission("Flow Settings", "read")


def test_export_and_import(site):
	flow = r.seeded("quotation_follow_up")
	exported = json.loads(json.dumps(portable.export(site, flow.name)))
	assert "run_as" not in exported and "name" not in exported
	again, is_new = portable.import_(site, exported)
	assert (again["name"], again["version"], is_new) == (flow.name, flow.version, False)
	made, is_new = portable.import_(site, {**exported, "template_name": r.unique("Imported")})
	assert is_new and made["step_count"] == 3 and made["is_system"] == 0


def test_frappe_s_record_of_changes_is_without_the_definitions_which_flow_version_keeps(site):
	flow = r.template(r.step("a"))
	flow.reload()
	flow.description, flow.flow_definition = "Otherwise", json.dumps({"steps": [r.step("b")]})
	flow.save()
	(kept,) = frappe.get_all("Version", filters={"docname": flow.name}, pluck="data")
	changed = {field for field, *_ in json.loads(kept)["changed"]}
	assert {"description", "version"} <= changed and "flow_definition" not in changed


def put(flow, **values) -> dict:
	return api.update_template(template=flow.name, values=json.dumps(values))


def test_who_may_not_name_others_is_told_what_they_may_not_do_before_and_after(site):
	steps = [
		r.step("a", "issue", label="Ticket", payload={"subject": "s"}),
		r.step(
			"b", "erp_update", payload={"doctype": "User", "docname_ref": "x", "fields_json": '{"bio": "x"}'}
		),
		r.step("c", "notify", payload={"subject": "s", "body": "b", "to": "a@example.com"}),
	]
	flow = r.template(*steps, event="on_issue_opened", applies_to="Issue")
	manager = r.user("Flow Manager")
	frappe.set_user(manager.name)
	changed = {"flow_definition": {"steps": steps[:2]}, "version": flow.version}
	may_not = [
		f"{manager.name} may not read Issue, and the flow starts only on what they may read.",
		f"{manager.name} may not read Customer, and the flow starts only on what they may read.",
		f"{manager.name} may not create Issue, as the step Ticket does.",
		f"{manager.name} may not write User, as the step b does.",
	]
	asked = api.check_template(template=flow.name, values=json.dumps(changed))
	assert asked == {
		"run_as": "Administrator",
		"will_run_as": manager.name,
		"may_keep": False,
		"may_not": may_not,
	}
	assert api.check_template(template=flow.name, values='{"tags": "x"}')["will_run_as"] == "Administrator"

	# Whoever was not told is refused, if they say of whom they were; without a word it is as it was, and told after.
	with pytest.raises(frappe.ValidationError, match="would run as"):
		put(flow, **changed, will_run_as="Administrator")
	frappe.local.message_log.clear()
	answer = put(flow, **changed)
	assert answer["template"]["run_as"] == manager.name
	assert answer["notices"] == [
		f"This flow now runs as you ({manager.name}), no longer as Administrator: only a System Manager may change "
		"what runs as another.",
		*may_not,
	]
	assert "may not create Issue" in str(frappe.local.message_log)
	assert put(flow, description="x")["notices"] == []

	# Of somebody else's rights only those are told who may name them.
	frappe.set_user("Administrator")
	assert put(flow, run_as=manager.name)["notices"] == []
	named = api.check_template(template=flow.name, values=json.dumps({"run_as": "Administrator"}))
	assert (named["run_as"], named["will_run_as"], named["may_keep"], named["may_not"]) == (
		manager.name,
		"Administrator",
		True,
		[],
	)
	other = r.user("Flow Manager")
	frappe.set_user(other.name)
	assert api.check_template(template=flow.name, values='{"tags": "x"}')["may_not"] == []
	assert (
		api.duplicate_template(template=flow.name)["notices"][0] == f"This flow runs as you ({other.name})."
	)


def test_a_share_and_rights_to_one_s_own_are_no_rights_to_all(site):
	person = r.user("Flow Manager")
	issue = r.issue(r.customer())
	frappe.share.add("Issue", issue.name, person.name, read=1)
	frappe.set_user(person.name)
	assert not site.documents.may("read", "Issue")
	assert site.documents.may("read", "Flow Template") and site.documents.may("create", "No Such DocType")
	may = site.documents.may
	assert may("create", "Google Calendar") and not may("write", "Google Calendar")  # but their own


def test_who_may_not_name_others_makes_a_restored_flow_run_as_themselves_and_is_told(site):
	seed = r.seeded("repair_service")
	put(seed, flow_definition={"steps": []})
	manager = r.user("Flow Manager")
	frappe.set_user(manager.name)
	asked = api.check_template(template=seed.name, values='{"restore": "shipped"}')
	assert (asked["will_run_as"], asked["may_keep"]) == (manager.name, False) and asked["may_not"]
	answer = api.restore_template(template=seed.name, version="shipped")
	assert answer["template"]["run_as"] == manager.name and "runs as you" in answer["notices"][1]
	frappe.set_user("Administrator")
	put(seed, run_as="Administrator", is_active=seed.is_active)
	frappe.db.commit()


def test_the_owner_s_notice_names_the_document_to_who_may_read_it_alone(site):

	author = r.user("Flow Manager")
	flow = r.template(r.step("a", "notify", label="Write to them", payload={"subject": "s", "body": "b"}))
	frappe.db.set_value("Flow Template", flow.name, "owner", author.name)
	issue = r.issue(r.make("Customer", customer_name=r.unique("No address")))

	def told() -> list[str]:
		return frappe.get_all(
			"Notification Log", {"for_user": author.name}, pluck="subject", order_by="creation"
		)

	starting.start(site, flow.name, doctype="Issue", docname=issue.name)
	assert told() == [f"{flow.template_name} has failed at the step Write to them"]
	author.add_roles("Support Team", "Sales User")
	flow.reload()
	flow.description = "Changed, so that it is told anew"
	flow.save()
	starting.start(site, flow.name, doctype="Issue", docname=issue.name)
	assert told()[1].startswith(
		f"{flow.template_name} has failed at the step Write to them for Issue {issue.name}: There is nobody"
	)


def test_what_a_flow_may_not_do_as_its_user_is_a_warning(site):
	step = r.step("a", "issue", payload={"subject": "x"})
	definition = {"version": 1, "steps": [step]}
	frappe.set_user(r.user("Flow Manager").name)
	problems, warnings = templates.check(site, definition)
	assert problems == [] and [one.field for one in warnings if "may not create Issue" in one.message] == [
		"run_as"
	]
	frappe.set_user("Administrator")
	assert not [one for one in templates.check(site, definition)[1] if one.field == "run_as"]
