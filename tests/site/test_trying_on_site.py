"""A trial on a real site: nothing is written, sent, locked or numbered, and nobody reads what they may not."""

from __future__ import annotations

import json

import frappe
import pytest
import records as r
from test_commands import flow as command

from flow_editor import api
from flow_editor.engine.errors import NotAllowed
from flow_editor.kinds.control.wait import Wait
from flow_editor.services import trying
from flow_editor.site.host import current

STEPS = (
	r.step("job", "dispatch_job", payload={"subject": "Line of {{doc.subject}}", "merge_key": "m-{{doc.name}}", "on_open_webhook": "https://partner.example.com/o", "on_close_webhook": "https://partner.example.com/c"}),
	r.step("mail", "notify", depends_on=["job"], trigger={"type": "after_delay", "delay_days": 3}, payload={"to": "ana@example.com", "subject": "{{doc.subject}}", "body": "{{steps.job.result.job}}"}),
	r.step("issue", "issue", depends_on=["mail"], payload={"subject": "Follow-up"}),
	r.step("close", "erp_update", depends_on=["issue"], payload={"doctype": "Issue", "docname_ref": "{{doc.name}}", "fields_json": '{"status": "Closed"}'}),
	r.step("call", "webhook", depends_on=["close"], payload={"url": "https://partner.example.com/x"}),
	r.step("hand", depends_on=["call"], trigger={"type": "manual"}),
)  # fmt: skip


def everything() -> dict[str, object]:
	"""A checksum of each table, and how long each queue is."""
	frappe.db.rollback()
	tables = frappe.db.sql_list("SHOW TABLES")
	sums = dict(frappe.db.sql("CHECKSUM TABLE " + ", ".join(f"`{table}`" for table in tables)))
	queues = {}
	from frappe.utils.background_jobs import get_redis_conn

	queue = get_redis_conn()
	for key in queue.keys("rq:queue:*"):
		queues[key] = queue.llen(key)
	frappe.db.rollback()
	return {**sums, **queues}


def test_nothing_is_written_queued_or_numbered(site):
	issue = r.issue(r.customer(), subject="No signal")
	flow = r.template(*STEPS)
	listens = r.template(r.step("a"), event="on_issue_opened")
	frappe.db.commit()
	before = everything()
	for about in ({"template": flow.name}, {"flow_definition": json.dumps({"steps": list(STEPS)})}):
		tried = api.trial(
			**about, doctype="Issue", docname=issue.name, answers=json.dumps({"hand": {"by": "me"}})
		)
		assert tried["run"]["status"] == "completed" and tried["run"]["error"] == ""
		assert [message["channel"] for message in tried["sent"]] == ["webhook", "email", "webhook"]
		assert {change["doctype"] for change in tried["documents"]} == {"Dispatch Job", "Issue"}
	frappe.db.commit()  # as the request's end would
	after = everything()
	assert {name for name in after if after[name] != before.get(name)} == set()
	assert listens.name and frappe.db.get_value("Issue", issue.name, "status") == "Open"


def test_a_kind_that_writes_by_itself_is_refused_by_the_database(site, monkeypatch):
	issue = r.issue(r.customer())
	frappe.db.commit()

	def writes(self, step, ctx):
		frappe.db.set_value("Issue", issue.name, "status", "Closed")
		return {}

	monkeypatch.setattr(Wait, "run", writes)
	tried = api.trial(flow_definition=json.dumps({"steps": [r.step("a", retry={"attempts": 1})]}))
	assert tried["run"]["status"] == "failed" and "writes to the database by itself" in tried["run"]["error"]
	assert frappe.db.get_value("Issue", issue.name, "status") == "Open"
	frappe.db.set_value("Issue", issue.name, "priority", "Low")  # it may be written again afterwards
	frappe.db.commit()


def test_what_the_caller_has_written_so_far_is_kept(site):
	todo = r.make("ToDo", description="Not committed yet")
	trying.try_flow(current(), flow_definition={"steps": [r.step("a")]})
	assert frappe.db.exists("ToDo", todo.name)
	frappe.db.rollback()
	assert not frappe.db.exists("ToDo", todo.name)


def test_who_may_not_read_the_document_may_not_try_it_on_it(site):
	todo = r.make("ToDo", description="Private words", allocated_to="Administrator")
	frappe.db.commit()
	frappe.set_user(r.user("Flow Manager").name)
	with pytest.raises(frappe.PermissionError):
		api.trial(flow_definition=json.dumps({"steps": [r.step("a")]}), doctype="ToDo", docname=todo.name)


def test_a_flow_of_another_shows_no_more_than_both_may_read(site):
	"""A step may name a document: it is read as the flow's user, and only if who tries it may read it too."""
	secret = r.make("ToDo", description="Private words", allocated_to="Administrator")
	update = r.step("u", "erp_update", payload={"doctype": "ToDo", "docname_ref": secret.name, "fields_json": '{"priority": "High"}'})  # fmt: skip
	flow = r.template(update, run_as="Administrator")
	frappe.db.commit()
	assert api.trial(template=flow.name)["run"]["status"] == "completed"
	frappe.set_user(r.user("Flow User").name)
	tried = api.trial(template=flow.name)
	assert tried["run"]["status"] == "failed" and "Private words" not in json.dumps(tried)
	assert tried["documents"] == []


def test_it_obeys_whom_the_flow_runs_as(site):
	limited = r.user("Flow User").name
	flow = r.template(r.step("issue", "issue", payload={"subject": "x"}), run_as=limited)
	frappe.db.commit()
	tried = api.trial(template=flow.name)
	assert tried["run"]["status"] == "failed" and "may not" in tried["run"]["error"]


@pytest.mark.parametrize(
	("fields", "word"),
	[
		({"customer": "Nobody at all"}, "Nobody at all"),
		({"status": "No such status"}, "No such status"),
		({"no_such_field": 1}, "no_such_field"),
	],
)
def test_a_change_that_would_be_refused_is_refused(site, fields, word):
	issue = r.issue(r.customer())
	frappe.db.commit()
	steps = [
		r.step("u", "erp_update", payload={"doctype": "Issue", "docname_ref": issue.name, "fields_json": json.dumps(fields)}),
	]  # fmt: skip
	try:
		tried = api.trial(flow_definition=json.dumps({"steps": steps}))
	except frappe.ValidationError as error:  # validation can see it already
		assert word in str(error)
		return
	assert tried["run"]["status"] == "failed" and word in tried["run"]["error"]
	real = frappe.get_doc("Issue", issue.name)
	assert real.customer != "Nobody at all" and real.status == "Open"


def test_numbers_and_links_are_read_as_the_site_reads_them(site):
	customer = r.customer()
	issue = r.issue(customer)
	frappe.db.commit()
	steps = [
		r.step("u", "erp_update", payload={"doctype": "Customer", "docname_ref": customer.name, "fields_json": '{"is_frozen": "1"}'}),
		r.step("q", "condition", depends_on=["u"], payload={"field": "customer.is_frozen", "value": "1"}),
	]  # fmt: skip
	tried = api.trial(flow_definition=json.dumps({"steps": steps}), doctype="Issue", docname=issue.name)
	assert tried["run"]["step_state"]["q"]["result"]["branch"] == "yes"
	assert tried["documents"][0]["values"] == {"is_frozen": 1}


def test_by_the_command_line(site):
	issue = r.issue(r.customer(), subject="No signal")
	flow = r.template(*STEPS)
	frappe.db.commit()
	done = command(
		"trial", flow.template_name, "--doctype", "Issue", "--docname", issue.name, "--now", "2027-01-31 09:00",
		"--complete", 'hand={"by": "me"}', "--json",
	)  # fmt: skip
	tried = json.loads(done.stdout)
	assert tried["run"]["status"] == "completed" and tried["timeline"][-1]["step_id"] == "hand"


def test_a_refusal_names_the_user(site):
	with pytest.raises(NotAllowed):
		frappe.set_user(r.user("Support Team").name)
		with current().acting_as(frappe.session.user):
			trying.try_flow(
				current(), flow_definition={"steps": [r.step("a")]}, doctype="User", docname="Administrator"
			)
