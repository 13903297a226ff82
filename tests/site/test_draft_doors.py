"""Drafts on a real site: who sees and writes them, by which doors, and what two do at once."""

from __future__ import annotations

import json

import frappe
import pytest
import records as r
from at_once import at_once
from http_client import Client, key_of

from flow_editor import api
from flow_editor.engine.errors import Conflict, NotAllowed
from flow_editor.services import drafts, publishing, starting, templates
from flow_editor.site.host import current

WORD = "Xenophon"
BROKEN = {"steps": [r.step("a", "no_such_kind")]}


def keep(flow, **values) -> dict:
	return api.update_template(template=flow.name, values=json.dumps({"draft": True, **values}))


def kept(name: str) -> dict | None:
	return drafts.draft_of(current().store.template(name))


# Who


@pytest.mark.parametrize(
	("roles", "reads", "writes"),
	[
		(None, 401, 401),
		(("Sales User",), 403, 403),
		(("Flow User",), 200, 403),
		(("Flow Manager",), 200, 200),
		(("System Manager",), 200, 200),
	],
)
def test_each_door_asks_for_its_role(server, site, roles, reads, writes):
	flow = r.template(r.step("a"), notes="As it is")
	keep(flow, notes=WORD)
	client = Client(server) if roles is None else Client(server, Authorization=key_of(r.user(*roles)))
	path = f"/templates/{flow.name}"
	for below in ("", "/versions", "/versions/1"):
		answer = client("GET", f"{path}{below}")
		assert answer.status_code == reads, (below, answer.text)
		assert (WORD in answer.text) == (reads == 200 and not below)
	if writes != 200:
		before = kept(flow.name)
		for verb, below, body in (
			("PUT", "", {"draft": True, "notes": "x"}),
			("POST", "/publish", {}),
			("POST", "/discard", {}),
			("POST", "/restore", {"version": 1, "draft": True}),
			("POST", "/check", {"draft": True}),
		):
			answer = client(verb, f"{path}{below}", body)
			assert answer.status_code == writes and WORD not in answer.text, (below, answer.text)
		assert (
			client("POST", "/templates", {"draft": True, "template_name": r.unique("x")}).status_code
			== writes
		)
		assert kept(flow.name) == before and frappe.db.get_value("Flow Template", flow.name, "version") == 1
		return
	assert (
		client("PUT", path, {"draft": True, "tags": "t", "draft_revision": 1}).json()["draft"]["notes"]
		== WORD
	)
	clash = client("PUT", path, {"draft": True, "tags": "u", "draft_revision": 1})
	assert clash.status_code == 409 and "kept revision 2" in clash.json()["error"]["message"]
	broken = client("PUT", path, {"draft": True, "flow_definition": BROKEN})
	assert broken.status_code == 200 and broken.json()["problems"][0]["field"] == "kind"
	refused = client("POST", f"{path}/publish", {})
	assert refused.status_code == 422 and refused.json()["error"]["problems"] == broken.json()["problems"]
	assert client("POST", f"{path}/restore", {"version": 1, "draft": True}).status_code == 200
	published = client("POST", f"{path}/publish", {"note": "Why"})
	assert (published.status_code, published.json()["template"]["version"]) == (200, 2)
	assert client("GET", f"{path}/versions").json()["versions"][0]["note"] == "Why"
	first = client("POST", "/templates", {"draft": True, "template_name": r.unique("x")})
	assert (first.status_code, first.json()["template"]["version"]) == (201, 0)
	name = first.json()["template"]["name"]
	for refused in (
		client("PUT", f"/templates/{name}", {"is_active": 1}),
		client("POST", "/start", {"template": name}),
		client("POST", f"/templates/{name}/discard", {}),
	):
		assert refused.status_code == 409 and "never published" in refused.json()["error"]["message"]


def test_a_share_makes_nobody_an_author_of_drafts(site):
	flow, plain = r.template(r.step("a")), r.user("Sales User")
	frappe.share.add("Flow Template", flow.name, plain.name, read=1, write=1)
	frappe.set_user(plain.name)
	for wrong in (
		lambda: site.store.keep_draft(flow.name, "{}", 1, {}),
		lambda: templates.keep_draft(site, flow.name, {"notes": "x"}),
	):
		with pytest.raises(NotAllowed):
			wrong()
	frappe.set_user("Administrator")
	assert kept(flow.name) is None


def test_a_draft_that_names_another_user_is_published_by_who_may_name_them(site):
	flow = r.template(r.step("a"))
	author = r.user("Flow Manager")
	frappe.set_user(author.name)
	answer = keep(flow, run_as=author.name, flow_definition={"steps": [r.step("b")]})
	assert answer["warnings"] == []
	published = api.publish_template(template=flow.name)["template"]
	assert published["run_as"] == author.name
	warning = keep(flow, run_as="Administrator", notes="x")["warnings"]
	assert [one["field"] for one in warning] == ["run_as"] and "Only a System Manager" in warning[0][
		"message"
	]
	with pytest.raises(frappe.PermissionError, match="Only a System Manager"):
		api.publish_template(template=flow.name)
	frappe.set_user("Administrator")
	assert frappe.db.get_value("Flow Template", flow.name, ("run_as", "version")) == (author.name, 2)
	assert kept(flow.name)["run_as"] == "Administrator"
	asked = api.check_template(template=flow.name, values='{"draft": true}')
	assert (asked["run_as"], asked["will_run_as"]) == (author.name, "Administrator")
	answer = api.publish_template(template=flow.name, will_run_as="Administrator", note="Named")
	assert answer["template"]["run_as"] == "Administrator" and "runs as you" in answer["notices"][0]


def test_who_may_not_name_others_publishes_what_runs_as_themselves_and_is_told(site):
	flow = r.template(r.step("a"))
	keep(flow, flow_definition={"steps": [r.step("b", "issue", label="Ticket", payload={"subject": "s"})]})
	author = r.user("Flow Manager")
	frappe.set_user(author.name)
	with pytest.raises(frappe.ValidationError, match="would run as"):
		api.publish_template(template=flow.name, will_run_as="Administrator")
	assert kept(flow.name)
	answer = api.publish_template(template=flow.name, will_run_as=author.name)
	assert answer["template"]["run_as"] == author.name
	assert f"{author.name} may not create Issue, as the step Ticket does." in answer["notices"]
	(newest, _) = api.list_versions(template=flow.name)["versions"]
	assert newest["saved_by"] == author.name


def test_a_draft_may_name_what_there_is_not_and_says_so(site):
	flow = r.template(r.step("a"))
	answer = keep(flow, applies_to="No Such DocType", run_as="nobody@example.com")
	assert {one["field"] for one in answer["problems"]} >= {"applies_to", "run_as"}
	with pytest.raises(frappe.ValidationError, match="No Such DocType"):
		api.publish_template(template=flow.name)
	assert kept(flow.name)["applies_to"] == "No Such DocType"


# By which doors


def test_frappe_s_own_doors_write_no_draft(server, site):
	flow = r.template(r.step("a"))
	keep(flow, notes=WORD)
	before = frappe.db.get_value(
		"Flow Template", flow.name, ("draft", "draft_revision", "draft_by", "draft_at")
	)
	client = Client(server, Authorization=key_of(r.user("Flow Manager", "System Manager")))
	frappe.db.commit()
	method = f"{server}/api/method/frappe.client."
	forged = {
		"draft": json.dumps({"version": 1, "fields": {}}),
		"draft_revision": 77,
		"draft_by": "x",
		"draft_at": "2020-01-01 00:00:00",
	}
	written = [
		client.session.put(f"{server}/api/resource/Flow Template/{flow.name}", json={**forged, "tags": "t"}),
		client.session.post(
			f"{method}set_value", json={"doctype": "Flow Template", "name": flow.name, "fieldname": forged}
		),
		client.session.post(
			f"{method}bulk_update",
			json={"docs": json.dumps([{"doctype": "Flow Template", "docname": flow.name, **forged}])},
		),
	]
	assert [answer.status_code for answer in written] == [200] * 3, [answer.text for answer in written]
	made = client.session.post(
		f"{server}/api/resource/Flow Template",
		json={
			"template_name": r.unique("x"),
			"category": "other",
			"version": 7,
			"flags": {"draft": "{}"},
			**forged,
		},
	)
	assert made.status_code == 200, made.text
	frappe.db.rollback()
	columns = ("draft", "draft_revision", "draft_by", "draft_at")
	assert frappe.db.get_value("Flow Template", flow.name, columns) == before
	assert frappe.db.get_value("Flow Template", flow.name, "tags") == "t"
	name = made.json()["data"]["name"]
	assert frappe.db.get_value("Flow Template", name, ("version", *columns)) == (1, None, 0, None, None)


def test_frappe_shows_no_draft_to_who_may_not_read_the_flow_and_its_records_hold_none(server, site):
	flow = r.template(r.step("a"))
	keep(flow, notes=WORD, flow_definition=BROKEN)
	flow.reload()
	flow.tags = "t"
	flow.save()
	client = Client(server, Authorization=key_of(r.user("Sales User")))
	frappe.db.commit()
	fields = json.dumps(["name", "draft"])
	like = json.dumps([["Flow Template", "draft", "like", f"%{WORD}%"]])
	method = "/api/method/frappe."
	for verb, path, given in (
		("GET", f"/api/resource/Flow Template/{flow.name}", {}),
		("GET", f"/api/v2/document/Flow Template/{flow.name}", {}),
		("GET", "/api/resource/Flow Template", {"fields": fields}),
		("GET", "/api/resource/Flow Run", {"fields": '["flow_template.draft"]'}),
		("GET", "/api/resource/Dispatch Job", {"filters": like}),
		("POST", f"{method}client.get_value", {"doctype": "Flow Template", "fieldname": "draft", "filters": flow.name}),
		("POST", f"{method}client.get_list", {"doctype": "Flow Template", "fields": fields}),
		("POST", f"{method}client.validate_link", {"doctype": "Flow Template", "docname": flow.name, "fields": '["draft"]'}),
		("POST", f"{method}desk.form.load.getdoc", {"doctype": "Flow Template", "name": flow.name}),
		("POST", f"{method}desk.form.load.get_versions", {"doctype": "Flow Template", "name": flow.name}),
		("POST", f"{method}desk.reportview.get", {"doctype": "Flow Template", "fields": fields}),
		("POST", f"{method}utils.global_search.search", {"text": WORD}),
		("POST", "/api/method/flow_editor.api.get_template", {"template": flow.name}),
		("POST", "/api/method/flow_editor.api.list_versions", {"template": flow.name}),
	):  # fmt: skip
		more = {"params": given} if verb == "GET" else {"json": given}
		answer = client.session.request(verb, f"{server}{path}", timeout=60, **more)
		assert WORD not in answer.text.replace(like, ""), (path, answer.text[:300])
	assert WORD not in frappe.as_json(frappe.get_doc("Flow Template", flow.name).as_dict())
	assert not frappe.get_all("Version", filters={"docname": flow.name, "data": ("like", f"%{WORD}%")})
	assert kept(flow.name)["notes"] == WORD


def test_a_draft_holds_no_tag(site):
	flow = r.template(r.step("a"))
	keep(flow, notes="<script>alert(1)</script>", template_name="<b>")
	assert "<" not in frappe.db.get_value("Flow Template", flow.name, "draft")
	assert kept(flow.name)["notes"] == "<script>alert(1)</script>"
	made = api.create_template(values=json.dumps({"draft": True, "template_name": "<img src=x>y"}))[
		"template"
	]
	keep(frappe._dict(made), template_name="<img src=x onerror=alert(1)>")
	assert "<" not in frappe.db.get_value("Flow Template", made["name"], "template_name")


def test_an_open_form_is_saved_beside_a_draft_that_is_kept_meanwhile(site):
	flow = r.template(r.step("a"))
	flow.reload()
	keep(flow, notes=WORD)
	flow.tags = "from the form"
	flow.save()
	assert kept(flow.name)["notes"] == WORD
	sent = frappe.get_doc(
		{**frappe.get_doc("Flow Template", flow.name).as_dict(), "tags": "sent", "draft": None}
	)
	sent.save()
	assert kept(flow.name)["notes"] == WORD and kept(flow.name)["draft_revision"] == 1


def test_frappe_s_doors_publish_nothing_of_what_was_never_published(server, site):
	made = api.create_template(
		values=json.dumps(
			{"draft": True, "template_name": r.unique("x"), "flow_definition": {"steps": [r.step("a")]}}
		)
	)["template"]
	client = Client(server, Authorization=key_of(r.user("Flow Manager")))
	frappe.db.commit()
	for change in ({"is_active": 1}, {"tags": "t"}, {"version": 1}):
		answer = client.session.put(f"{server}/api/resource/Flow Template/{made['name']}", json=change)
		assert answer.status_code in (409, 417) and "never published" in answer.text, answer.text
	frappe.db.rollback()
	assert frappe.db.get_value("Flow Template", made["name"], ("version", "is_active", "tags")) == (
		0,
		0,
		"",
	)
	assert len(kept(made["name"])["flow_definition"]["steps"]) == 1
	with pytest.raises(Conflict, match="never published"):
		starting.start(site, made["name"])
	assert not frappe.db.exists("Flow Version", {"flow_template": made["name"]})
	frappe.delete_doc("Flow Template", made["name"])


# At once


def test_of_many_who_keep_a_draft_at_the_same_moment_one_does_and_the_others_are_told(site):
	flow = r.template(r.step("a"))
	frappe.db.commit()

	def attempt(number: int) -> str:
		frappe.set_user("Administrator")
		try:
			templates.keep_draft(current(), flow.name, {"notes": f"n{number}", "draft_revision": 0})
			frappe.db.commit()
			return f"n{number}"
		except Conflict as error:
			frappe.db.rollback()
			assert "Administrator kept revision 1" in error.message
			return ""

	done = at_once(6, attempt)
	frappe.db.rollback()
	(winner,) = [note for note in done if note]
	assert kept(flow.name)["notes"] == winner and kept(flow.name)["draft_revision"] == 1


def test_of_many_who_publish_a_draft_at_the_same_moment_one_does(site):
	flow = r.template(r.step("a"))
	keep(flow, notes=WORD)
	frappe.db.commit()

	def attempt(number: int) -> bool:
		frappe.set_user("Administrator")
		try:
			publishing.publish(current(), flow.name, draft_revision=1)
			frappe.db.commit()
			return True
		except Conflict as error:
			frappe.db.rollback()
			assert "published or discarded" in error.message
			return False

	assert sum(at_once(4, attempt)) == 1
	frappe.db.rollback()
	assert frappe.db.get_value("Flow Template", flow.name, ("version", "notes")) == (2, WORD)
	assert frappe.db.count("Flow Version", {"flow_template": flow.name}) == 2 and kept(flow.name) is None
