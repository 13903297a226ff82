"""What installing and migrating leave on a site."""

from __future__ import annotations

import datetime
import json
import re
from contextlib import contextmanager, nullcontext
from pathlib import Path
from xml.etree import ElementTree

import bench
import frappe
import pytest
import records as r
from filelock import FileLock
from frappe import apps, installer
from frappe.desk.desktop import get_desktop_page, get_workspace_sidebar_items
from frappe.utils import add_to_date, now_datetime, scheduler

from flow_editor import install
from flow_editor.engine import records
from flow_editor.site import boot, doctor, naming

FIELDS = {
	"Flow Template": {
		"template_name": "Data",
		"category": "Select",
		"applies_to": "Link",
		"icon": "Data",
		"description": "Small Text",
		"is_active": "Check",
		"is_system": "Check",
		"version": "Int",
		"trigger_event": "Select",
		"trigger_condition": "Code",
		"flow_definition": "Long Text",
		"step_count": "Int",
		"tags": "Data",
		"notes": "Text",
		"run_as": "Link",
		"re_entry": "Select",
		"catalog": "Autocomplete",
		"paused_reason": "Small Text",
		"draft": "Long Text",
		"draft_revision": "Int",
		"draft_by": "Data",
		"draft_at": "Datetime",
	},
	"Flow Run": {
		"flow_template": "Link",
		"template_version": "Int",
		"status": "Select",
		"trigger_event": "Data",
		"context_doctype": "Link",
		"context_docname": "Dynamic Link",
		"customer": "Link",
		"variables": "Long Text",
		"step_state": "Long Text",
		"started_at": "Datetime",
		"completed_at": "Datetime",
		"run_as": "Link",
		"depth": "Int",
		"caused_by": "Data",
		"parent_run": "Data",
		"trigger_key": "Data",
		"reentry_key": "Data",
	},
	"Flow Step Pending": {
		"flow_run": "Link",
		"step_id": "Data",
		"trigger_at": "Datetime",
		"status": "Select",
		"retry_count": "Int",
		"last_error": "Small Text",
		"context_snapshot": "Long Text",
		"executed_at": "Datetime",
		"purpose": "Select",
		"lease_until": "Datetime",
		"lease_token": "Data",
		"idempotency_key": "Data",
		"reference_doctype": "Link",
		"reference_name": "Dynamic Link",
	},
	"Flow Started": {
		"flow_template": "Data",
		"flow_run": "Data",
		"at": "Datetime",
		"digest": "Data",
	},
	"Flow Version": {
		"flow_template": "Link",
		"version": "Int",
		"definition": "Long Text",
		"checksum": "Data",
		"saved_by": "Link",
		"saved_at": "Datetime",
		"note": "Small Text",
	},
	"Flow Settings": {
		"internal_token": "Password",
		"service_user": "Link",
		"allowed_hosts": "Small Text",
		"max_depth": "Int",
		"max_steps": "Int",
		"max_definition_kb": "Int",
		"response_limit_kb": "Int",
		"proxy": "Data",
		"proxy_login": "Password",
		"authorities": "Long Text",
		"secrets": "Table",
	},
	"Flow Secret": {
		"secret_name": "Data",
		"value": "Password",
		"hosts": "Small Text",
	},
}
#: The columns that the engine's queries begin with.
INDEXES = {
	"Flow Template": [("trigger_event", "is_active")],
	"Flow Run": [
		("creation",),
		("flow_template", "creation"),
		("status", "creation"),
		("flow_template", "status"),
		("status", "completed_at"),
		("context_doctype", "context_docname"),
		("customer",),
		("trigger_key",),
		("reentry_key",),
	],
	"Flow Step Pending": [
		("status", "trigger_at"),
		("status", "lease_until"),
		("flow_run",),
		("reference_doctype", "reference_name"),
	],
	"Flow Started": [("at",)],
	"Flow Version": [("flow_template", "version")],
}
RIGHTS = ("read", "write", "create", "delete")
PERMISSIONS = {
	("Flow Template", "System Manager"): "read write create delete",
	("Flow Template", "Flow Manager"): "read write create delete",
	("Flow Template", "Flow User"): "read",
	("Flow Run", "System Manager"): "read delete",
	("Flow Run", "Flow Manager"): "read",
	("Flow Run", "Flow User"): "read",
	("Flow Step Pending", "System Manager"): "read write delete",
	("Flow Step Pending", "Flow Manager"): "read",
	("Flow Step Pending", "Flow User"): "read",
	("Flow Started", "System Manager"): "read",
	("Flow Version", "System Manager"): "read",
	("Flow Version", "Flow Manager"): "read",
	("Flow Settings", "System Manager"): "read write create delete",
}


@pytest.mark.parametrize("doctype", FIELDS)
def test_every_field_is_there(site, doctype):
	meta = frappe.get_meta(doctype, cached=False)
	assert meta.module == "Flow Editor" and not meta.custom
	assert {name: field.fieldtype for name in FIELDS[doctype] if (field := meta.get_field(name))} == FIELDS[
		doctype
	]


#: What of Frappe's field types holds what of a record's.
KEPT_AS = {
	records.TEXT: {"Data", "Link", "Dynamic Link", "Select", "Small Text"},
	records.NUMBER: {"Int", "Check"},
	records.JSON: {"Long Text", "JSON", "Code"},
	records.MOMENT: {"Datetime"},
	records.SENTENCE: {"Small Text", "Text", "Long Text", "Data"},
}


@pytest.mark.parametrize(
	("doctype", "record"), [("Flow Run", records.Run), ("Flow Step Pending", records.Pending)]
)
def test_a_doctype_has_a_field_for_each_of_its_record(site, doctype, record):
	meta = frappe.get_meta(doctype)
	for what, fieldtypes in KEPT_AS.items():
		for name in records.columns(record, what):
			if name != "name":
				assert meta.get_field(name) and meta.get_field(name).fieldtype in fieldtypes, name


def test_trigger_events_are_no_fixed_list(site):
	"""Other apps bring events, so the choices come from the events' table and not from the DocType."""
	from flow_editor.flow_editor.doctype.flow_template.flow_template import trigger_events

	assert not frappe.get_meta("Flow Template").get_field("trigger_event").options
	assert {"on_contract_signed", "on_quotation_accepted", "manual"} <= {
		event["value"] for event in trigger_events()
	}


@pytest.mark.parametrize("doctype", INDEXES)
def test_what_is_queried_is_indexed(site, doctype):
	found = indexes(doctype)
	for columns in INDEXES[doctype]:
		assert any(index[: len(columns)] == columns for index in found.values()), (columns, found)


def indexes(doctype: str) -> dict[str, tuple[str, ...]]:
	found: dict[str, tuple[str, ...]] = {}
	for name, column in frappe.db.sql(
		"""SELECT index_name, column_name FROM information_schema.statistics
		WHERE table_schema = DATABASE() AND table_name = %s ORDER BY index_name, seq_in_index""",
		f"tab{doctype}",
	):
		found[name] = (*found.get(name, ()), column)
	return found


def test_who_may_what(site):
	rules = frappe.get_all(
		"DocPerm",
		filters={"parent": ("in", [*FIELDS])},
		fields=["parent", "role", *(f"`{right}`" for right in RIGHTS)],
	)
	found = {
		(rule.parent, rule.role): " ".join(right for right in RIGHTS if rule.get(right)) for rule in rules
	}
	assert found == PERMISSIONS
	assert all(frappe.db.exists("Role", role) for role in install.ROLES)


def test_names_come_from_a_sequence_and_lock_nobody(site):
	flow = r.template(r.step("a"))
	first = new_run(flow)
	assert re.fullmatch(r"FR-\d{5,}", first.name)
	series = frappe.db.sql("SELECT name FROM tabSeries WHERE name IN ('FT-', 'FR-', 'FSP-')")
	assert not series
	frappe.db.rollback()
	later = [naming.next_name("Flow Run") for _ in range(3)]
	assert (
		len(set(later)) == 3 and min(later, key=number) == later[0] and number(later[0]) > number(first.name)
	)


def test_a_sequence_that_is_made_anew_goes_on_after_the_names_that_there_are(site):
	"""As on a site that was restored from a backup without its sequences."""
	last = new_run(r.template(r.step("a")))
	frappe.db.commit()
	naming.drop_sequences()
	try:
		naming.create_sequences()
		naming.create_sequences()
		name = naming.next_name("Flow Run")
	finally:
		naming.create_sequences()
	assert number(name) == number(last.name) + 1


def number(name: str) -> int:
	return int(name.partition("-")[2])


def new_run(flow, **values):
	return r.make(
		"Flow Run", **{"flow_template": flow.name, "template_version": 1, "step_state": "{}", **values}
	)


def test_migrating_again_changes_nothing(site):
	before = everything()
	frappe.db.commit()
	bench.run([*bench.frappe(), "migrate", "--skip-search-index"])
	frappe.db.rollback()
	frappe.clear_cache()
	assert everything() == before


def everything() -> dict:
	"""The app's own part of the site: its schema, and every record that install and migrate have a hand in."""
	tables = [f"tab{doctype}" for doctype in (*FIELDS, install.DISPATCH_JOB)]

	def rows(query: str, *values) -> list:
		return [tuple(map(str, row)) for row in frappe.db.sql(query, values)]

	module = "WHERE module = 'Flow Editor'"
	return {
		"columns": rows(
			"""SELECT table_name, column_name, column_type, column_default, is_nullable
			FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name IN %s
			ORDER BY 1, 2""",
			tables,
		),
		"indexes": {doctype: indexes(doctype) for doctype in (*INDEXES, install.DISPATCH_JOB)},
		"doctypes": rows(f"SELECT name, modified FROM tabDocType {module} ORDER BY name"),
		"fields": rows(
			"SELECT parent, fieldname, fieldtype, options FROM tabDocField WHERE parent IN %s ORDER BY 1, 2",
			[*FIELDS, install.DISPATCH_JOB],
		),
		"permissions": rows(
			"SELECT parent, role, `read`, `write`, `create` FROM tabDocPerm WHERE parent IN %s ORDER BY 1, 2",
			[*FIELDS, install.DISPATCH_JOB],
		),
		"roles": rows("SELECT name, modified FROM tabRole WHERE name IN %s ORDER BY name", install.ROLES),
		"workspaces": rows(f"SELECT name, modified FROM tabWorkspace {module} ORDER BY name"),
		"cards": rows(f"SELECT name, modified FROM `tabNumber Card` {module} ORDER BY name"),
		"templates": rows("SELECT name, version, modified FROM `tabFlow Template` ORDER BY name"),
		"versions": rows("SELECT name, checksum, modified FROM `tabFlow Version` ORDER BY name"),
		"jobs": rows("SELECT name, method FROM `tabScheduled Job Type` WHERE method LIKE 'flow_editor.%%'"),
	}


def test_a_list_of_modules_from_before_the_app_came_keeps_no_doctype_out(site, monkeypatch):
	before = {app: modules for app, modules in frappe.local.app_modules.items() if app != "flow_editor"}
	monkeypatch.setattr(frappe.local, "app_modules", before)
	frappe.clear_cache()  # as Frappe does before it asks us
	install.before_install()
	assert frappe.local.app_modules["flow_editor"] == ["flow_editor"]


@pytest.mark.parametrize("custom", [0, 1])
@pytest.mark.parametrize("doctype", install.DOCTYPES)
def test_a_doctype_that_somebody_else_owns_is_named_and_nothing_is_installed(site, doctype, custom):
	install.before_install()
	frappe.db.set_value("DocType", doctype, {"module": "Support", "custom": custom})
	with pytest.raises(frappe.ValidationError) as refused:
		install.before_install()
	assert doctype in str(refused.value) and "Support" in str(refused.value)
	others = [other for other in install.DOCTYPES if other != doctype]
	assert not any(other in str(refused.value) for other in others)


def test_what_belongs_to_a_flow_goes_with_the_app(site, monkeypatch):
	"""After another install, names are given again: a share of theirs would let somebody read another flow."""
	monkeypatch.setattr(install.naming, "drop_sequences", lambda: None)  # which would commit
	flow, party = r.seeded("fiber_install"), r.customer()
	for doc in (flow, party):
		doc.add_comment("Comment", "Hello")
		frappe.share.add(doc.doctype, doc.name, r.user("Sales User").name)
	r.make(
		"Notification Log",
		for_user="Administrator",
		subject="x",
		document_type="Flow Run",
		document_name="FR-1",
	)
	try:
		install.before_uninstall()
		for doctype, field in install.BESIDE:
			assert not frappe.db.count(doctype, {field: ("in", [*install.DOCTYPES, install.DISPATCH_JOB])}), (
				doctype
			)
		assert frappe.db.count("DocShare", {"share_doctype": "Customer", "share_name": party.name}) == 1
		# An older version that is installed then is migrated by them, and would not be if they stood there as done.
		assert not frappe.db.count("Patch Log", {"patch": ("like", "flow_editor.%")})
	finally:
		frappe.db.rollback()
		frappe.clear_cache()
	assert frappe.db.exists("Role", "Flow Manager")


def test_the_installer_refuses_a_site_on_which_another_app_owns_flow_run(site):
	"""As the AI app `flow` does from Frappe 16.60 on."""
	frappe.db.sql("UPDATE tabDocType SET name = 'Flow Run of ours' WHERE name = 'Flow Run'")
	theirs = {"name": "Flow Run", "module": "Support", "description": "An agent's run"}
	frappe.get_doc({"doctype": "DocType", **theirs}).db_insert()
	before = frappe.db.get_value("DocType", "Flow Run", "*")
	try:
		with pytest.raises(frappe.ValidationError) as refused:
			installer.install_app("flow_editor", force=True)
		assert "Flow Run (of module Support)" in str(refused.value)
		assert "Flow Template" not in str(refused.value)
		assert frappe.db.get_value("DocType", "Flow Run", "*") == before
		(finding,) = doctor._doctypes(site)
		assert not finding.ok and "Support" in finding.found and finding.what == "DocType Flow Run"
	finally:
		frappe.db.rollback()
		frappe.flags.in_install = False
		frappe.clear_cache()
	assert frappe.db.get_value("DocType", "Flow Run", "module") == "Flow Editor"
	assert not list(doctor._doctypes(site))


def test_a_dispatch_job_of_the_sites_own_is_left_as_it_is(site):
	name = install.DISPATCH_JOB
	frappe.db.set_value(
		"DocType", name, {"module": "Support", "description": "Ours", "modified": "2020-01-01"}
	)
	frappe.db.delete("DocField", {"parent": name, "fieldname": "merge_key"})
	before = frappe.db.sql(f"SELECT * FROM tabDocType WHERE name = '{name}'")
	fields = frappe.db.sql(f"SELECT * FROM tabDocField WHERE parent = '{name}' ORDER BY name")
	install.after_migrate()
	assert frappe.db.sql(f"SELECT * FROM tabDocType WHERE name = '{name}'") == before
	assert frappe.db.sql(f"SELECT * FROM tabDocField WHERE parent = '{name}' ORDER BY name") == fields


def test_seeding_again_brings_back_what_is_missing_and_keeps_what_was_edited(site):
	edited, deleted = r.seeded("fiber_install"), r.seeded("phone_service")
	edited.notes = "As we do it here"
	edited.is_active = 0
	edited.save()
	for version in frappe.get_all("Flow Version", filters={"flow_template": deleted.name}, pluck="name"):
		frappe.db.delete("Flow Version", version)
	frappe.db.delete("Flow Template", deleted.name)
	install.after_migrate()
	again = r.seeded("fiber_install")
	assert (again.notes, again.is_active, again.version) == ("As we do it here", 0, edited.version)
	assert r.seeded("phone_service").name != deleted.name
	assert frappe.db.count("Flow Template", {"is_system": 1}) == 6


def test_the_workspace_opens_for_who_works_with_flows_and_for_nobody_else(site):
	worker, stranger = r.user("Flow User").name, r.user("Stock User").name
	frappe.set_user(worker)
	assert "Flows" in [page["name"] for page in get_workspace_sidebar_items()["pages"]]
	page = get_desktop_page(json.dumps({"name": "Flows", "title": "Flows", "public": 1}))
	assert {"Flow Templates", "Flow Runs", "Inbox"} <= {item["label"] for item in page["shortcuts"]["items"]}
	assert len(page["number_cards"]["items"]) == 3
	frappe.set_user(stranger)
	assert "Flows" not in [page["name"] for page in get_workspace_sidebar_items()["pages"]]


def test_the_app_stands_on_the_apps_screen_of_who_works_with_flows(site):
	def shown() -> dict | None:
		frappe.cache.delete_value("apps_list")
		return next((app for app in apps.get_apps() if app["name"] == "flow_editor"), None)

	entry = shown()
	assert entry["title"] == "Flow Editor" and entry["route"] == "/app/flows"
	logo = Path(frappe.get_app_path("flow_editor")) / "public" / entry["logo"].partition("/flow_editor/")[2]
	assert ElementTree.fromstring(logo.read_bytes()).tag.endswith("svg")
	assert frappe.get_hooks("app_logo_url", app_name="flow_editor") == [entry["logo"]]
	users = {r.user("Flow User").name: True, r.user("Stock User").name: False}
	for user, is_there in users.items():
		frappe.set_user(user)
		assert boot.works_with_flows() is is_there


@pytest.mark.parametrize("field", ["last_execution", "creation"])
def test_a_job_whose_time_lies_in_the_future_is_due(site, field):
	name = frappe.db.get_value("Scheduled Job Type", {"method": doctor.TICK})
	others = frappe.get_all(
		"Scheduled Job Type", {"method": ("not like", "flow_editor.%"), "frequency": "All"}, pluck="name"
	)
	later = add_to_date(now_datetime(), hours=9)
	for job in (name, others[0]):
		frappe.db.set_value(
			"Scheduled Job Type", job, {"last_execution": None, field: later}, update_modified=False
		)
	assert frappe.get_doc("Scheduled Job Type", name).is_event_due()
	assert not frappe.get_doc("Scheduled Job Type", others[0]).is_event_due()  # that is Frappe's


@contextmanager
def scheduler_runs():
	"""What Frappe takes for a scheduler's process: somebody holds its lock."""
	with FileLock(scheduler._get_scheduler_lock_file()):
		yield


@pytest.mark.parametrize(
	("minutes", "running", "found", "advice"),
	[
		(540, False, "has not come yet", "bench schedule"), (540, True, "has not come yet", "jobs are not worked"), (-540, False, "last ticked", "bench schedule"),
		(-540, True, "last ticked", "jobs are not worked"), (-1, True, "last ticked", ""),
	],
)  # fmt: skip
def test_the_doctor_names_why_nothing_ticks(site, monkeypatch, minutes, running, found, advice):
	monkeypatch.setattr(doctor, "WORKER_SECONDS", 1)
	monkeypatch.setattr(doctor, "STARTING_SECONDS", 1)
	monkeypatch.setitem(frappe.local.conf, "scheduler_tick_interval", 1)
	frappe.db.set_single_value("System Settings", "enable_scheduler", 1)
	name, before = frappe.db.get_value(
		"Scheduled Job Type", {"method": doctor.TICK}, ["name", "last_execution"]
	)
	at = add_to_date(now_datetime(), minutes=minutes)
	frappe.db.set_value("Scheduled Job Type", name, "last_execution", at, update_modified=False)
	frappe.db.commit()  # it looks in transactions of its own
	# Somebody may have read the setting again before that, and it is kept.
	frappe.clear_document_cache("System Settings", "System Settings")
	try:
		with scheduler_runs() if running else nullcontext():
			(finding,) = doctor._scheduler(site)
	finally:
		frappe.db.set_value("Scheduled Job Type", name, "last_execution", before, update_modified=False)
		frappe.db.set_single_value("System Settings", "enable_scheduler", 0)
		frappe.db.commit()
	assert found in finding.found and (advice in finding.advice if advice else finding.ok)


def test_what_leads_to_the_workspace_in_frappe_16_leads_somewhere(site):
	"""Frappe 15 does not read these files."""
	folder = Path(frappe.get_app_path("flow_editor"))
	icon = json.loads((folder / "desktop_icon" / "flows.json").read_text())
	sidebar = json.loads((folder / "workspace_sidebar" / "flows.json").read_text())
	assert icon["label"] == icon["link_to"] == sidebar["title"] == sidebar["name"] == install.WORKSPACE
	for variant in ("solid", "subtle"):  # without these the desktop shows a letter
		image = folder / "public" / "icons" / "desktop_icons" / variant / f"{frappe.scrub(icon['label'])}.svg"
		assert ElementTree.fromstring(image.read_bytes()).tag.endswith("svg")
	links = [item for item in sidebar["items"] if item["type"] == "Link"]
	assert links and all(frappe.db.exists(item["link_type"], item["link_to"]) for item in links)


def test_the_keys_of_starts_are_cleared_after_a_week_and_never_within_a_day(site):
	from frappe.core.doctype.log_settings.log_settings import LogType
	from frappe.model.base_document import get_controller

	controller = get_controller("Flow Started")
	assert issubclass(controller, LogType)
	now = frappe.utils.now_datetime()
	ages = {"old": 8, "young": 6, "new": 0.5}
	for name, days in ages.items():
		site.store.claim_start(name, "FT-1", "x", now - datetime.timedelta(days=days))
	controller.clear_old_logs()
	assert set(frappe.get_all("Flow Started", pluck="name")) == {"young", "new"}
	controller.clear_old_logs(days=0)
	assert frappe.get_all("Flow Started", pluck="name") == ["new"]


def test_clearing_old_runs_takes_the_finished_ones_and_their_inbox_rows_alone(site):
	from frappe.core.doctype.log_settings.log_settings import LogType
	from frappe.model.base_document import get_controller

	controller = get_controller("Flow Run")
	assert issubclass(controller, LogType)
	flow = r.template(r.step("a"))
	old, young = "2020-01-01 00:00:00", frappe.utils.now()
	gone = {
		new_run(flow, status=status, completed_at=old).name for status in ("completed", "failed", "cancelled")
	}
	kept = {
		new_run(flow, status="completed", completed_at=young).name,
		new_run(flow, status="running", started_at=old).name,
		new_run(flow, status="failed", started_at=old).name,
	}
	for name in gone | kept:
		r.make("Flow Step Pending", flow_run=name, step_id="a", status="completed")
	controller.clear_old_logs(days=180)
	assert set(frappe.get_all("Flow Run", pluck="name")) == kept
	assert set(frappe.get_all("Flow Step Pending", pluck="flow_run")) == kept
