"""What a run holds (variables, results, errors) is read through the doors alone: by no link, no list, no report, no export
and no share. Asked is over HTTP, as Frappe's own clients ask."""

from __future__ import annotations

import json
import re

import frappe
import pytest
import records as r
from frappe.custom.doctype.custom_field.custom_field import create_custom_field
from http_client import Client, key_of

from flow_editor import api
from flow_editor.patches import close_links_to_runs
from flow_editor.site import held
from flow_editor.site.doctor import examine
from flow_editor.site.host import current

WORD = "Xanthippe"
#: The fields that hold what documents say.
HOLDING = {doctype: fields for doctype, fields in held.HELD.items() if fields}


def test_no_doctype_links_to_what_holds_more_than_its_readers_may_read(site):
	everywhere = [
		(field.doctype if "doctype" in field else field.parent, field.fieldname, field.options)
		for field in [
			*frappe.get_all("DocField", filters={"fieldtype": ("in", ("Link", "Table", "Table MultiSelect"))}, fields=["parent", "fieldname", "options"], limit=0),
			*frappe.get_all("Custom Field", filters={"fieldtype": ("in", ("Link", "Table", "Table MultiSelect"))}, fields=["dt as parent", "fieldname", "options"], limit=0),
		]
	]  # fmt: skip
	assert len(everywhere) > 1000
	found = {entry for entry in everywhere if entry[2] in held.HELD}
	# A table of its own, and the engine's own link, which leads from a row that one may see to a run that one may see.
	assert found == {
		("Flow Settings", "secrets", "Flow Secret"),
		("Flow Step Pending", "flow_run", "Flow Run"),
	}
	assert held.links_to_runs() == []


@pytest.mark.parametrize("role", ["Flow User", "Flow Manager", "System Manager"])
def test_nobody_moves_a_row_to_another_run(site, role):
	run, other = (api.start(template=r.template(r.step("a", trigger={"type": "after_delay", "delay_days": 1})).name)["run"]["name"] for _ in range(2))  # fmt: skip
	(row,) = r.rows(run)
	frappe.set_user(r.user(role).name)
	assert not frappe.has_permission("Flow Step Pending", "create")
	doc = frappe.get_doc("Flow Step Pending", row.name)
	doc.flow_run = other
	with pytest.raises((frappe.PermissionError, frappe.CannotChangeConstantError)):
		doc.save()
	with pytest.raises(frappe.PermissionError):
		frappe.get_doc({"doctype": "Flow Step Pending", "flow_run": other, "status": "pending"}).insert()


@pytest.mark.parametrize("doctype", HOLDING)
def test_what_it_holds_is_at_a_level_that_nobody_has(site, doctype):
	meta = frappe.get_meta(doctype)
	assert {field.permlevel for field in meta.fields if field.fieldname in HOLDING[doctype]} == {1}
	assert not [perm for perm in meta.permissions if perm.permlevel]
	for role in ("Flow User", "Flow Manager", "System Manager"):
		frappe.set_user(r.user(role, "System Manager").name)
		assert not set(HOLDING[doctype]) & set(meta.get_permitted_fieldnames(permission_type="read"))


@pytest.fixture
def world(site):
	"""A hidden run about somebody else's Issue with a row of its own, one that is visible, and a link of the old kind."""
	party = r.customer()
	hidden_issue = r.issue(party, subject=WORD)
	flow = r.template(
		r.step(
			"a", "erp_update", payload={"doctype": "Issue", "fields_json": {"priority": "{{doc.subject}}"}}
		),
		r.step("b", trigger={"type": "after_delay", "delay_days": 1}, payload={}),
		event="on_issue_opened",
	)
	hidden = api.start(
		template=flow.name, doctype="Issue", docname=hidden_issue.name, variables={"word": WORD}
	)["run"]["name"]
	r.drain()
	frappe.db.set_value(
		"Flow Step Pending",
		{"flow_run": hidden},
		{"last_error": WORD, "context_snapshot": json.dumps({"w": WORD})},
	)
	row = frappe.db.get_value("Flow Step Pending", {"flow_run": hidden})
	assert WORD in str(r.state(hidden))
	frappe.db.commit()
	status = frappe.db.get_value("Flow Run", hidden, "status")
	return frappe._dict(flow=flow.name, hidden=hidden, status=status, row=row, issue=hidden_issue.name)


def ways(w) -> dict[str, tuple]:
	"""(verb, path, parameters) of every way that Frappe has of reading documents, by name."""
	run, row = "Flow Run", "Flow Step Pending"
	method = "/api/method/frappe."
	fields = json.dumps(["name", "variables", "step_state", "error"])
	dotted = json.dumps(
		[
			"name",
			"flow_run.variables",
			"flow_run.step_state",
			"parent_run.variables",
			"reference_name.variables",
		]
	)
	by_name = json.dumps({"name": w.hidden})
	filtered = json.dumps([[run, "variables", "like", f"%{WORD}%"]])
	return {
		"resource": ("GET", f"/api/resource/{run}/{w.hidden}", {}),
		"resource v2": ("GET", f"/api/v2/document/{run}/{w.hidden}", {}),
		"resource row": ("GET", f"/api/resource/{row}/{w.row}", {}),
		"list": ("GET", f"/api/resource/{run}", {"fields": fields, "limit_page_length": 0}),
		"list all fields": ("GET", f"/api/resource/{run}", {"fields": '["*"]'}),
		"list v2": ("GET", f"/api/v2/document/{run}", {"fields": fields}),
		"list rows": ("GET", f"/api/resource/{row}", {"fields": '["*"]'}),
		"list rows dotted": ("GET", f"/api/resource/{row}", {"fields": dotted}),
		"list runs dotted": ("GET", f"/api/resource/{run}", {"fields": '["name", "parent_run.variables"]'}),
		"list jobs dotted": ("GET", "/api/resource/Dispatch Job", {"fields": dotted}),
		"list jobs filtered dotted": ("GET", "/api/resource/Dispatch Job", {"filters": json.dumps([["flow_run.variables", "like", f"%{WORD}%"]])}),
		"list jobs by another table": ("GET", "/api/resource/Dispatch Job", {"filters": filtered}),
		"list jobs of another table": ("GET", "/api/resource/Dispatch Job", {"fields": '["`tabFlow Run`.variables"]'}),
		"list jobs ordered": ("GET", "/api/resource/Dispatch Job", {"order_by": "`tabFlow Run`.variables"}),
		"list by a function": ("GET", f"/api/resource/{run}", {"fields": '["max(variables) as v"]'}),
		"list by a case": ("GET", f"/api/resource/{run}", {"fields": '["substring(step_state, 1, 1000) as v"]'}),
		"list by a subquery": ("GET", f"/api/resource/{run}", {"fields": '["(select variables from `tabFlow Run` limit 1) as v"]'}),
		"list by a union": ("GET", f"/api/resource/{run}", {"order_by": "name union select variables from `tabFlow Run`"}),
		"list grouped": ("GET", f"/api/resource/{run}", {"group_by": "variables", "fields": '["count(name) as n", "variables"]'}),
		"list or": ("GET", f"/api/resource/{run}", {"or_filters": by_name}),
		"list of a parent": ("GET", f"/api/resource/{run}", {"parent": "Dispatch Job", "fields": fields}),
		"client.get": ("POST", f"{method}client.get", {"doctype": run, "name": w.hidden}),
		"client.get by what it holds": ("POST", f"{method}client.get", {"doctype": run, "filters": filtered}),
		"client.set_value by what it holds": (
			"POST",
			f"{method}client.set_value",
			{"doctype": run, "name": {"variables": ["like", f"%{WORD}%"]}, "fieldname": "status", "value": "x"},
		),
		"form by what it holds": (
			"POST",
			f"{method}desk.form.load.getdoc",
			{"doctype": run, "name": {"step_state": ["like", f"%{WORD}%"]}},
		),
		"client.get by filters": ("POST", f"{method}client.get", {"doctype": run, "filters": by_name}),
		"client.get_list": ("POST", f"{method}client.get_list", {"doctype": run, "fields": fields}),
		"client.get_value": ("POST", f"{method}client.get_value", {"doctype": run, "fieldname": "variables", "filters": w.hidden}),
		"client.get_value of rows": ("POST", f"{method}client.get_value", {"doctype": row, "fieldname": "context_snapshot", "filters": json.dumps({"flow_run": w.hidden})}),
		"client.get_value dotted": ("POST", f"{method}client.get_value", {"doctype": row, "fieldname": "flow_run.variables", "filters": json.dumps({"flow_run": w.hidden})}),
		"client.get_count": ("POST", f"{method}client.get_count", {"doctype": run, "filters": filtered}),
		"client.validate_link": ("POST", f"{method}client.validate_link", {"doctype": run, "docname": w.hidden, "fields": '["variables", "error"]'}),
		"client.is_document_amended": ("POST", f"{method}client.is_document_amended", {"doctype": run, "docname": w.hidden}),
		"client.get_time_zone": ("POST", f"{method}client.get_doc_permissions", {"doctype": run, "docname": w.hidden}),
		"form": ("POST", f"{method}desk.form.load.getdoc", {"doctype": run, "name": w.hidden}),
		"form of a row": ("POST", f"{method}desk.form.load.getdoc", {"doctype": row, "name": w.row}),
		"docinfo": ("POST", f"{method}desk.form.load.get_docinfo", {"doctype": run, "name": w.hidden}),
		"linked": ("POST", f"{method}desk.form.linked_with.get", {"doctype": "Flow Template", "docname": w.flow}),
		"linked deep": ("POST", f"{method}desk.form.linked_with.get_submitted_linked_docs", {"doctype": "Issue", "name": w.issue}),
		"open count": ("POST", f"{method}desk.notifications.get_open_count", {"doctype": run, "name": w.hidden}),
		"reportview": ("POST", f"{method}desk.reportview.get", {"doctype": run, "fields": fields}),
		"reportview list": ("POST", f"{method}desk.reportview.get_list", {"doctype": run, "fields": fields}),
		"reportview all": ("POST", f"{method}desk.reportview.get", {"doctype": run, "fields": '["`tabFlow Run`.*"]'}),
		"reportview count": ("POST", f"{method}desk.reportview.get_count", {"doctype": run, "filters": filtered, "distinct": "false"}),
		"reportview stats": ("POST", f"{method}desk.reportview.get_stats", {"doctype": run, "stats": '["variables", "error"]'}),
		"reportview sidebar": ("POST", f"{method}desk.reportview.get_sidebar_stats", {"doctype": run, "stats": '["variables"]', "filters": "[]"}),
		"reportview export": ("POST", f"{method}desk.reportview.export_query", {"doctype": run, "fields": fields, "file_format_type": "CSV", "title": "x"}),
		"group by": ("POST", f"{method}desk.listview.get_group_by_count", {"doctype": run, "current_filters": "[]", "field": "error"}),
		"search": ("POST", f"{method}desk.search.search_link", {"doctype": run, "txt": w.hidden}),
		"search widget, blind": (
			"POST",
			f"{method}desk.search.search_widget",
			{"doctype": run, "txt": "", "ignore_user_permissions": 1, "filter_fields": fields},
		),
		"search widget, escaped": (
			"POST",
			f"{method}desk.search.search_widget",
			{"doctype": run, "txt": w.hidden, "ignore_user_permissions": 1, "filter_fields": fields.replace("a", "\\u0061")},
		),
		"search link, blind": ("POST", f"{method}desk.search.search_link", {"doctype": run, "txt": "", "ignore_user_permissions": 1}),
		"client.get_count of a customer": ("POST", f"{method}client.get_count", {"doctype": run, "filters": {"name": w.hidden}}),
		"client.get_count with a tail": ("POST", f"{method}client.get_count/x", {"doctype": run, "filters": {"name": w.hidden}}),
		"next": ("POST", f"{method}desk.form.utils.get_next", {"doctype": run, "value": w.hidden, "prev": 0, "sort_field": "variables", "sort_order": "asc"}),
		"search widget": ("POST", f"{method}desk.search.search_widget", {"doctype": run, "txt": WORD, "searchfield": "variables", "filter_fields": fields}),
		"link title": ("POST", f"{method}desk.search.get_link_title", {"doctype": run, "docname": w.hidden}),
		"global search": ("POST", f"{method}utils.global_search.search", {"text": WORD}),
		"print": ("GET", f"/printview?doctype={run}&name={w.hidden}&format=Standard", {}),
		"print html": ("POST", f"{method}www.printview.get_html_and_style", {"doc": run, "name": w.hidden}),
		"pdf": ("GET", f"{method}utils.print_format.download_pdf?doctype={run}&name={w.hidden}", {}),
		"pdf of many": ("GET", f'{method}utils.print_format.download_multi_pdf?doctype={run}&name=["{w.hidden}"]', {}),
		"versions": ("POST", f"{method}desk.form.load.get_versions", {"doctype": run, "name": w.hidden}),
		"data export": ("POST", f"{method}core.doctype.data_export.exporter.export_data", {"doctype": run, "with_data": 1, "all_doctypes": "true", "file_type": "CSV", "select_columns": json.dumps({run: ["name", "variables"]})}),
		"import template": ("POST", f"{method}core.doctype.data_import.data_import.download_template", {"doctype": run, "export_fields": json.dumps({run: ["name", "variables"]}), "export_records": "all"}),
		"mail": ("POST", f"{method}core.doctype.communication.email.make", {"doctype": run, "name": w.hidden, "content": "x", "subject": "x", "recipients": "x@example.org", "send_email": 1, "print_html": "x"}),
		"dashboard": ("POST", f"{method}desk.doctype.dashboard_chart.dashboard_chart.get", {"chart": json.dumps({"document_type": run, "chart_type": "Group By", "group_by_based_on": "error", "group_by_type": "Count", "filters_json": "[]"}), "filters": "[]"}),
		"number card": ("POST", f"{method}desk.doctype.number_card.number_card.get_result", {"doc": json.dumps({"document_type": run, "function": "Count", "filters_json": "[]"}), "filters": filtered}),
		"calendar": ("POST", f"{method}desk.calendar.get_events", {"doctype": run, "start": "2020-01-01", "end": "2040-01-01", "field_map": json.dumps({"start": "started_at", "end": "completed_at", "color": "variables"}), "fields": fields}),
		"gantt": ("POST", f"{method}desk.gantt.get_events", {"doctype": run, "filters": "[]"}),
		"kanban": ("POST", f"{method}desk.reportview.get", {"doctype": run, "fields": fields, "view": "Kanban"}),
		"tree": ("POST", f"{method}desk.treeview.get_children", {"doctype": run, "parent": ""}),
		"rename": ("POST", f"{method}model.rename_doc.update_document_title", {"doctype": run, "docname": w.hidden, "title": "x"}),
		"share": ("POST", f"{method}share.add", {"doctype": run, "name": w.hidden, "user": "Administrator", "read": 1}),
		"assign": ("POST", f"{method}desk.form.assign_to.add", {"doctype": run, "name": w.hidden, "assign_to": '["Administrator"]'}),
		"follow": ("POST", f"{method}desk.form.document_follow.follow_document", {"doctype": run, "doc_name": w.hidden, "user": "Administrator"}),
		"comment": ("POST", f"{method}desk.form.utils.add_comment", {"reference_doctype": run, "reference_name": w.hidden, "content": "x", "comment_email": "x", "comment_by": "x"}),
		"tags": ("POST", f"{method}desk.doctype.tag.tag.add_tag", {"tag": "x", "dt": run, "dn": w.hidden}),
		"attach": ("POST", f"{method}client.attach_file", {"filename": "x.txt", "filedata": "eA==", "doctype": run, "docname": w.hidden, "decode_base64": 1}),
		"set_value": ("POST", f"{method}client.set_value", {"doctype": run, "name": w.hidden, "fieldname": "status", "value": "completed"}),
		"delete": ("DELETE", f"/api/resource/{run}/{w.hidden}", {}),
		"resource row expanded": ("GET", f"/api/resource/{row}/{w.row}", {"expand_links": "True"}),
		"list rows expanded": ("GET", f"/api/resource/{row}", {"fields": '["*"]', "expand": '["flow_run"]'}),
		"our list": ("GET", "/flow/runs", {"docname": w.issue}),
		"our run": ("GET", f"/flow/runs/{w.hidden}", {}),
		"our method": ("POST", "/api/method/flow_editor.api.get_run", {"run": w.hidden}),
	}  # fmt: skip


@pytest.mark.parametrize("role", ["Flow User", "Flow Manager"])
def test_no_way_leads_to_a_hidden_run(server, world, role):
	client = Client(server, Authorization=key_of(r.user(role)))
	frappe.set_user("Administrator")
	r.make(
		"Dispatch Job",
		subject="Any",
		flow_run=world.hidden,
		reference_doctype="Flow Run",
		reference_name=world.hidden,
	)
	frappe.db.commit()
	told, asked = [], ways(world)
	for name, (verb, path, given) in asked.items():
		more = {"params": given} if verb == "GET" else {"json": given}
		answer = client.session.request(verb, f"{server}{path}", timeout=60, **more)
		counted = re.search(r'"message":\s*[1-9]', answer.text) if "count" in name or "card" in name else None
		# A refusal may quote the question.
		repeated = answer.status_code >= 400 and WORD in str(given)
		named = "blind" in name and world.hidden in answer.text
		if (WORD in answer.text and not repeated) or counted or named:
			told.append((name, answer.status_code, answer.text[:300]))
	print(f"\nways to a hidden run as {role}: {len(asked)}, {len(told)} of them lead there")
	assert told == [] and len(asked) > 75
	frappe.db.rollback()
	assert frappe.db.get_value("Flow Run", world.hidden, "status") == world.status
	assert not frappe.db.exists("DocShare", {"share_name": world.hidden})


def guesses(word: str) -> dict[str, tuple]:
	"""(path, parameters) of the ways to name a document by a filter, in which a word is guessed, by name."""
	run, row, like = "Flow Run", "Flow Step Pending", ["like", f"%{word}%"]
	method = "/api/method/frappe."
	by = {"variables": like}
	get = f"{method}client.get"
	return {
		"filter": (get, {"doctype": run, "filters": by}),
		"filter as JSON": (get, {"doctype": run, "filters": json.dumps(by)}),
		"capitals": (get, {"doctype": run, "filters": {"VARIABLES": like}}),
		"dotless i": (get, {"doctype": run, "filters": {"var\N{LATIN SMALL LETTER DOTLESS I}ables": like}}),
		"long s": (get, {"doctype": run, "filters": {"\N{LATIN SMALL LETTER LONG S}tep_state": like}}),
		"the run of a row": (get, {"doctype": row, "filters": {"flow_run.variables": like}}),
		"another method in the path": ("/api/method/flow_editor.api.list_runs", {"cmd": "frappe.client.get", "doctype": run, "filters": by}),
		"form": (f"{method}desk.form.load.getdoc", {"doctype": run, "name": {"Variables": like}}),
		"form's surroundings": (f"{method}desk.form.load.get_docinfo", {"doctype": run, "name": by}),
		"set": (f"{method}client.set_value", {"doctype": run, "name": {"Variables": like}, "fieldname": "status", "value": "x"}),
		"set many": (f"{method}client.bulk_update", {"docs": json.dumps([{"doctype": run, "docname": by}])}),
		"attach": (f"{method}client.attach_file", {"filename": "x", "filedata": "eA==", "doctype": run, "docname": by}),
		"method of a document": ("/api/method/run_doc_method", {"method": "get_title", "dt": run, "dn": by}),
		"method of one that is sent": ("/api/method/run_doc_method", {"method": "get_title", "docs": {"doctype": run, "name": by}}),
		"tag": (f"{method}desk.doctype.tag.tag.add_tag", {"tag": "x", "dt": run, "dn": by}),
		"workflow": (f"{method}model.workflow.get_transitions", {"doc": json.dumps({"doctype": run, "name": by})}),
		"print": (f"{method}printing.page.print.print.get_print_settings_to_show", {"doctype": run, "docname": by}),
		"share": (f"{method}share.get_users", {"doctype": run, "name": by}),
		"v2": ("/api/v2/method/frappe.client.get", {"doctype": run, "filters": by}),
	}  # fmt: skip


def test_nobody_guesses_what_a_hidden_run_holds(server, world):
	client = Client(server, Authorization=key_of(r.user("Flow User")))
	frappe.db.commit()
	right, wrong = WORD[1:], "Qqzzqqzz"
	told, asked = [], [guesses(word) for word in (right, wrong)]
	for name in asked[0]:
		answers = []
		for word, ways_to_guess in zip((right, wrong), asked, strict=True):
			path, given = ways_to_guess[name]
			answer = client.session.post(f"{server}{path}", json=given, timeout=60)
			# Each refusal has a number of its own.
			answers.append((answer.status_code, re.sub(r"[0-9a-f]{40,}", "", answer.text.replace(word, ""))))
		if answers[0] != answers[1]:
			told.append((name, *((status, text[-300:]) for status, text in answers)))
	assert told == []


@pytest.mark.parametrize("role", ["Flow User", "Flow Manager", "System Manager"])
def test_nor_to_what_a_visible_run_holds_but_by_the_doors(server, world, role):
	user = r.user(role, "Support Team", "Sales User")
	client = Client(server, Authorization=key_of(user))
	assert WORD in client("GET", f"/runs/{world.hidden}").text and WORD in client("GET", "/runs").text
	told = []
	for name, (verb, path, given) in ways(world).items():
		if name.startswith("our ") or verb == "DELETE" or WORD in str(given):
			continue
		more = {"params": given} if verb == "GET" else {"json": given}
		answer = client.session.request(verb, f"{server}{path}", timeout=60, **more)
		if WORD in answer.text:
			told.append((name, answer.status_code, answer.text[:300]))
	assert told == []


def test_a_dispatch_job_leads_to_no_run(server, world):
	"""The way in which it was found: whoever may write the link chooses the run."""
	user = r.user("Flow User")
	client = Client(server, Authorization=key_of(user))
	frappe.db.commit()
	made = client.session.post(
		f"{server}/api/resource/Dispatch Job", json={"subject": "Mine", "flow_run": world.hidden}, timeout=60
	)
	assert made.status_code == 200, made.text
	for field in ("flow_run.variables", "flow_run.step_state", "flow_run.error", "flow_run.name"):
		answer = client.session.get(
			f"{server}/api/resource/Dispatch Job", params={"fields": json.dumps(["name", field])}, timeout=60
		)
		assert WORD not in answer.text


@pytest.fixture
def as_it_was(site):
	"""Links as earlier versions and a site have them."""
	name = frappe.db.get_value("DocField", {"parent": "Dispatch Job", "fieldname": "flow_run"})
	frappe.db.set_value("DocField", name, {"fieldtype": "Link", "options": "Flow Run"})
	create_custom_field(
		"Issue", {"fieldname": "its_run", "fieldtype": "Link", "options": "Flow Run", "label": "Its run"}
	)
	user, template = r.user("Support Team"), r.template(r.step("a"))
	frappe.share.add("Flow Template", template.name, user.name, read=1, write=1)
	frappe.db.set_value("Flow Template", template.name, "paused_reason", f"Because of {WORD}")
	frappe.clear_cache(doctype="Dispatch Job")
	yield template.name
	frappe.db.set_value("DocField", name, {"fieldtype": "Data", "options": None})
	frappe.delete_doc("Custom Field", "Issue-its_run", force=True)
	frappe.clear_cache(doctype="Dispatch Job")
	frappe.db.commit()


def test_the_patch_closes_what_earlier_versions_left_open(as_it_was):
	assert {(link.doctype, link.is_ours) for link in held.links_to_runs()} == {
		("Dispatch Job", True),
		("Issue", False),
	}
	close_links_to_runs.execute()
	field = frappe.get_meta("Dispatch Job").get_field("flow_run")
	assert (field.fieldtype, field.options) == ("Data", None)
	# A field of the site's own is the site's: the doctor names it.
	assert [(link.doctype, link.field) for link in held.links_to_runs()] == [("Issue", "its_run")]
	(finding,) = [finding for finding in examine(current()) if finding.what == "Links to runs"]
	assert finding.found == "Issue.its_run" and not finding.ok
	assert not frappe.db.exists("DocShare", {"share_doctype": ("in", [*held.OURS, *held.HELD])})
	assert WORD not in frappe.db.get_value("Flow Template", as_it_was, "paused_reason")


def test_a_link_of_the_site_s_own_shows_nothing_that_a_run_holds(server, world, as_it_was):
	client = Client(server, Authorization=key_of(r.user("Flow User", "Support Team")))
	frappe.db.commit()
	made = client.session.post(
		f"{server}/api/resource/Issue", json={"subject": "x", "its_run": world.hidden}, timeout=60
	)
	assert made.status_code == 200, made.text
	event = {"doctype": "Issue", "start": "2020-01-01", "end": "2040-01-01", "field_map": json.dumps({"start": "opening_date", "end": "opening_date"})}  # fmt: skip
	asked = ["name", *(f"its_run.{field}" for field in ("variables", "step_state", "error"))]
	for fields in (
		asked,
		asked[1:],
		["its_run.customer"],
		["its_run.status"],
		[asked[1]] * 3,
		[f"`{asked[2]}`"],
		[f"{asked[1]} as x"],
	):
		escaped = json.dumps(fields).replace(".", "\\u002e")
		for answer in (
			client.session.get(
				f"{server}/api/resource/Issue", params={"fields": json.dumps(fields)}, timeout=60
			),
			client.session.get(f"{server}/api/resource/Issue", params={"fields": escaped}, timeout=60),
			client.session.get(
				f"{server}/api/resource/Issue",
				params={"filters": json.dumps([[fields[-1], "like", f"%{WORD}%"]])},
				timeout=60,
			),
			client.session.post(
				f"{server}/api/method/frappe.desk.calendar.get_events",
				json={**event, "fields": json.dumps(fields)},
				timeout=60,
			),
		):
			assert WORD not in answer.text and answer.status_code != 200, (fields, answer.text)
	expanded = client.session.get(
		f"{server}/api/resource/Issue/{made.json()['data']['name']}", params={"expand_links": "1"}, timeout=60
	)
	assert WORD not in expanded.text and expanded.status_code == 403
	# What is no business of ours goes its way.
	answer = client.session.get(
		f"{server}/api/resource/Issue",
		params={"fields": '["name", "`tabIssue`.subject", "its_run"]'},
		timeout=60,
	)
	assert answer.status_code == 200, answer.text


def test_ordinary_questions_are_answered(server, world):
	"""What the desk asks of our DocTypes, and what other requests say, whatever words are in it."""
	user = r.user("Flow User", "System Manager", "Support Team", "Sales User")
	client = Client(server, Authorization=key_of(user))
	note = r.make("ToDo", description="x", allocated_to=user.name)
	row = frappe.get_doc("Flow Step Pending", world.row).as_dict(convert_dates_to_str=True)
	frappe.db.commit()
	run, method = "Flow Run", "/api/method/frappe."
	shown = json.dumps(
		[
			"`tabFlow Run`.`name`",
			"`tabFlow Run`.`status`",
			"`tabFlow Run`.`customer`",
			"`tabFlow Run`.`parent_run`",
		]
	)
	for path, given in (
		("desk.reportview.get", {"doctype": run, "fields": shown, "filters": json.dumps([[run, "status", "=", "failed"]]), "order_by": "`tabFlow Run`.`creation` desc"}),
		("desk.reportview.get_count", {"doctype": run, "filters": json.dumps([[run, "customer", "like", "%a%"]]), "fields": "[]", "distinct": "false"}),
		("desk.form.load.getdoc", {"doctype": run, "name": world.hidden}),
		("desk.form.load.getdoctype", {"doctype": run, "with_parent": 1}),
		("desk.search.search_link", {"doctype": run, "txt": "FR", "ignore_user_permissions": "0"}),
		("model.utils.user_settings.save", {"doctype": run, "user_settings": json.dumps({"List": {"filters": [[run, "status", "=", "failed"]]}})}),
		("desk.form.utils.add_comment", {"reference_doctype": run, "reference_name": world.hidden, "content": "What is the error? See variables.", "comment_email": user.name, "comment_by": "x"}),
		("desk.form.assign_to.add", {"doctype": run, "name": world.hidden, "assign_to": json.dumps([user.name]), "description": "Mend the error"}),
		("client.set_value", {"doctype": "ToDo", "name": note.name, "fieldname": "description", "value": "The Flow Run's error"}),
		("client.get_list", {"doctype": "Flow Template", "filters": {"is_active": 1}, "fields": ["name", "description"]}),
		("desk.form.save.savedocs", {"doc": frappe.as_json({**row, "retry_count": 1, "last_error": None, "context_snapshot": None}), "action": "Save"}),
	):  # fmt: skip
		answer = client.session.post(f"{server}{method}{path}", json=given, timeout=60)
		assert answer.status_code == 200, (path, answer.text[:500])
