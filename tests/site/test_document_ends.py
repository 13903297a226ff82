"""How a run ends with its document on a real site: hooks, renames, merges, amendments, imports and races."""

from __future__ import annotations

import subprocess
import sys

import frappe
import pytest
import records as r
from at_once import at_once
from frappe.core.doctype.data_import.data_import import start_import

import flow_editor
from flow_editor.patches import tie_runs_to_documents
from flow_editor.services import inbox, starting
from flow_editor.site.host import current

LATER = {"type": "after_delay", "delay_days": 3}


def todo():
	return r.make("ToDo", description="x")


def mail(id: str, **more):
	return r.step(id, "notify", payload={"to": "ana@example.com", "subject": "Reminder", "body": "x"}, **more)


def about(site, flow, doc) -> str:
	return starting.start(site, flow.name, doctype=doc.doctype, docname=doc.name).run.name


def field(run: str, name: str):
	return frappe.db.get_value("Flow Run", run, name)


def waiting(run: str) -> list[str]:
	return sorted(row.purpose for row in r.rows(run, status="pending") if row.purpose != "mail")


# What is heard of a document that is deleted


def test_deleting_what_is_completed_or_active_starts_nothing(site):
	listening = {
		event: r.template(r.step("a"), event=event)
		for event in ("on_dispatch_completed", "on_subscription_active")
	}
	job = r.make("Dispatch Job", subject="Install", status="Completed")
	active = r.subscription(r.customer())
	assert active.status == "Active"
	frappe.db.commit()  # the next change is another transition
	for flow in listening.values():
		assert len(r.runs(flow)) == 1
	for doc in (job, active):
		frappe.delete_doc(doc.doctype, doc.name)
	for flow in listening.values():
		assert len(r.runs(flow)) == 1


def test_the_end_of_a_document_may_start_a_flow_whose_run_goes_on(other_app):
	gone = r.template(mail("a", trigger=LATER), event="on_todo_gone")
	cancelled = r.template(mail("a", trigger=LATER), event="on_quotation_cancelled")
	doc = todo()
	frappe.delete_doc("ToDo", doc.name)
	quoted = r.quotation(r.customer())
	quoted.submit()
	quoted.cancel()
	for flow in (gone, cancelled):
		(run,) = r.runs(flow)
		r.make_due(run.name)
		r.drain()
		assert (field(run.name, "status"), r.statuses(run.name)) == ("completed", {"a": "done"})


def test_a_document_without_an_end_keeps_its_run(site):
	settings = frappe.get_doc("Selling Settings")
	run = about(site, r.template(mail("a", trigger=LATER)), settings)
	r.make_due(run)
	r.drain()
	assert field(run, "status") == "completed"


def test_a_document_of_a_doctype_that_is_gone_is_gone(site):
	run = about(site, r.template(mail("a", trigger=LATER)), todo())
	frappe.db.set_value("Flow Run", run, "context_doctype", "No Such DocType")
	r.make_due(run)
	r.drain()
	assert field(run, "status") == "cancelled"


def test_a_document_that_was_never_stored_ends_no_run(site):
	flow = r.template(mail("a", trigger=LATER), event="on_customer_created")
	unsaved = frappe.get_doc({"doctype": "ToDo", "name": "nowhere", "description": "x"})
	(result,) = flow_editor.dispatch_event("on_customer_created", unsaved)
	assert field(result["run"], "flow_template") == flow.name
	r.make_due(result["run"])
	r.drain()
	assert field(result["run"], "status") == "completed"


@pytest.mark.parametrize("way", ["db.set_value", "db_set", "sql"])
def test_a_cancellation_that_tells_nobody_is_found_at_the_next_step(site, way):
	quoted = r.quotation(r.customer())
	quoted.submit()
	run = about(site, r.template(mail("a", trigger=LATER)), quoted)
	if way == "db.set_value":
		frappe.db.set_value("Quotation", quoted.name, "docstatus", 2)
	elif way == "db_set":
		quoted.db_set("docstatus", 2)
	else:
		frappe.db.sql("UPDATE `tabQuotation` SET docstatus = 2 WHERE name = %s", quoted.name)
	assert waiting(run) == ["fire"]
	r.make_due(run)
	r.drain()
	assert field(run, "stop_reason") == f"Quotation {quoted.name} was cancelled."
	assert field(run, "status") == "cancelled" and not frappe.db.count("Email Queue")


def test_an_end_that_is_rolled_back_ends_nothing(site):
	doc = todo()
	run = about(site, r.template(mail("a", trigger=LATER)), doc)
	frappe.db.savepoint("earlier")
	frappe.delete_doc("ToDo", doc.name)
	assert waiting(run) == ["document_end", "fire"]
	frappe.db.rollback(save_point="earlier")
	assert waiting(run) == ["fire"]


def test_what_waits_for_a_dispatch_job_hears_that_it_is_cancelled(site):
	job = r.make("Dispatch Job", subject="Install")
	about_it = {"purpose": "saved", "reference_doctype": "Dispatch Job", "reference_name": job.name}
	assert not frappe.db.exists("Flow Step Pending", about_it), "nothing waited for it before it was there"
	job.run_method("on_cancel")  # as of a site's own Dispatch Job that can be submitted
	assert frappe.db.exists("Flow Step Pending", about_it)


# Names


def test_a_rename_is_followed_with_its_keys_and_its_rows(site):
	party = r.customer()
	once = r.template(r.step("a"), event="on_customer_created", re_entry="Once per document")
	alone = r.template(mail("a", trigger=LATER), event="on_customer_created", re_entry="Not while one runs")
	results = {x["template"]: x["run"] for x in flow_editor.dispatch_event("on_customer_created", party)}
	old, new = party.name, r.unique("Renamed")
	frappe.rename_doc("Customer", old, new, force=True, show_alert=False, rebuild_search=False)
	for run in results.values():
		assert (field(run, "context_docname"), field(run, "customer")) == (new, new)
	renamed = frappe.get_doc("Customer", new)
	assert all("skipped" in x for x in flow_editor.dispatch_event("on_customer_created", renamed))
	again = r.make("Customer", customer_name=old, customer_type="Individual")
	assert again.name == old and len(r.runs(once)) == len(r.runs(alone)) == 2, "its name is another's now"
	frappe.delete_doc("Customer", new)
	r.drain()
	run = results[alone.name]
	assert (field(run, "status"), field(run, "stop_reason")) == ("cancelled", f"Customer {new} was deleted.")


def test_runs_of_a_merged_document_go_on_about_the_one_it_was_merged_into(site):
	one, other = r.customer(), r.customer()
	once = r.template(mail("a", trigger=LATER), event="on_customer_created", re_entry="Once per document")
	for party in (one, other):
		flow_editor.dispatch_event("on_customer_created", party)
	frappe.rename_doc(
		"Customer", one.name, other.name, merge=True, force=True, show_alert=False, rebuild_search=False
	)
	assert [run.context_docname for run in r.runs(once)] == [other.name] * 2
	assert "skipped" in flow_editor.dispatch_event("on_customer_created", other)[0]
	for run in r.runs(once):
		assert waiting(run.name) == ["fire"], "the deletion that a merge ends with is none of a run's"
		r.make_due(run.name)
	r.drain()
	assert {run.status for run in r.runs(once)} == {"completed"}


def test_a_broken_rename_of_ours_breaks_no_rename(site, monkeypatch):
	from flow_editor.site import renames

	party, new = r.customer(), r.unique("Renamed")
	monkeypatch.setattr(renames, "AT_ONCE", 0)
	frappe.rename_doc("Customer", party.name, new, force=True, show_alert=False, rebuild_search=False)
	assert frappe.db.exists("Customer", new)
	assert frappe.db.count("Error Log", {"method": ("like", "Flow triggers of Customer%")}) == 1


# Runs of earlier versions


def test_runs_of_earlier_versions_are_tied_to_their_documents(site):
	kept, over = todo(), todo()
	flow = r.template(mail("a", trigger=LATER))
	tied, gone, nothing = (
		about(site, flow, kept),
		about(site, flow, over),
		starting.start(site, flow.name).run.name,
	)
	frappe.db.delete("ToDo", {"name": over.name})
	frappe.db.sql("UPDATE `tabFlow Run` SET ends_with_document = 0")
	tie_runs_to_documents.execute()
	assert [field(run, "ends_with_document") for run in (tied, gone, nothing)] == [1, 0, 0]


# Imports


@pytest.fixture
def importing():
	frappe.flags.in_import = True
	yield
	frappe.flags.in_import = False


def test_an_end_is_heard_in_an_import_too(site, importing):
	doc = todo()
	run = about(site, r.template(mail("a", trigger=LATER)), doc)
	frappe.delete_doc("ToDo", doc.name)
	r.drain()
	assert field(run, "status") == "cancelled"


def test_a_data_import_starts_what_wants_it_and_tells_once_what_it_left_out(site):
	def flow(**head):
		return r.make(
			"Flow Template",
			template_name=r.unique("Test flow"),
			category="other",
			is_active=1,
			trigger_event="on_issue_opened",
			flow_definition=frappe.as_json({"steps": [r.step("a")], **head}),
		)

	wanted, left, also_left = flow(on_import=True), flow(), flow()
	subject = r.unique("Imported")
	rows = "\n".join(f"{subject},ana{n}@example.com" for n in range(7))
	file = r.make("File", file_name=f"{subject}.csv", content=f"Subject,Raised By (Email)\n{rows}\n")
	imported = r.make(
		"Data Import",
		reference_doctype="Issue",
		import_type="Insert New Records",
		import_file=file.file_url,
	)
	frappe.db.commit()
	try:
		start_import(imported.name)
		issues = frappe.get_all("Issue", filters={"subject": subject}, pluck="name")
		assert len(issues) == 7
		assert [len(r.runs(t)) for t in (wanted, left, also_left)] == [7, 0, 0]
		told = frappe.get_all(
			"Error Log", filters={"method": ("like", "%started no flow%")}, fields=["method", "error"]
		)
		((title, detail),) = [(one.method, one.error) for one in told]
		# The shipped flow for issues is left out as well.
		assert title == f"Data Import {imported.name} started no flow 21 times"
		for flow in (left, also_left):
			assert f"{flow.template_name} ({flow.name}): 7 documents" in detail
		assert wanted.name not in detail and issues[-1] in detail
	finally:
		frappe.db.rollback()
		for name in frappe.get_all("Issue", filters={"subject": subject}, pluck="name"):
			frappe.delete_doc("Issue", name, force=True)
		frappe.delete_doc("Data Import", imported.name, force=True)
		frappe.delete_doc("File", file.name, force=True)
		frappe.db.commit()


def test_what_an_import_rolls_back_was_not_left_out(site, importing):
	r.template(r.step("a"), event="on_issue_opened")
	r.issue()
	frappe.db.rollback()
	frappe.db.commit()
	assert not frappe.db.count("Error Log", {"method": ("like", "%started no flow%")})


# At once


def test_whoever_ends_a_document_waits_for_no_worker(site, monkeypatch):
	"""The worker that had locked the run first may do its step; nothing more goes out after that."""
	doc = todo()
	flow = r.template(
		r.step("first", "dispatch_job", payload={"subject": r.unique("job")}, trigger=LATER),
		mail("second", depends_on=["first"], trigger=LATER),
	)
	run = about(site, flow, doc)
	r.make_due(run)
	script = (
		"import sys, frappe\n"
		"frappe.init(site=sys.argv[1]); frappe.connect()\n"
		"frappe.delete_doc('ToDo', sys.argv[2]); frappe.db.commit()\n"
	)
	real = site.documents.create

	def create(*given):
		command = [sys.executable, "-W", "ignore", "-c", script, frappe.local.site, doc.name]
		done = subprocess.run(command, capture_output=True, text=True, timeout=40)
		assert done.returncode == 0, done.stderr
		return real(*given)

	monkeypatch.setattr(site.documents, "create", create)
	inbox.drain(site)
	frappe.db.rollback()
	assert not frappe.db.exists("ToDo", doc.name)
	assert r.statuses(run) == {"first": "done", "second": "cancelled"} and field(run, "status") == "cancelled"
	r.make_due(run)
	r.drain()
	assert not frappe.db.count("Email Queue")


def test_documents_that_are_deleted_while_workers_fire_either_got_their_mail_or_a_cancelled_run(site):
	flow = r.template(mail("a", trigger=LATER))
	docs = [todo().name for _ in range(40)]
	names = [about(site, flow, frappe.get_doc("ToDo", name)) for name in docs]
	frappe.db.sql("UPDATE `tabFlow Step Pending` SET trigger_at = '2026-01-01'")

	def act(number: int) -> None:
		if number < 2:
			for name in docs[number::2]:
				frappe.delete_doc("ToDo", name)
				frappe.db.commit()
		else:
			inbox.drain(current(), batch=3)

	at_once(4, act)
	r.drain()
	done = 0
	for run in names:
		status, steps = field(run, "status"), r.statuses(run)
		assert (status, steps["a"]) in (("completed", "done"), ("cancelled", "cancelled"))
		done += status == "completed"
	assert frappe.db.count("Email Queue") == done
	open_ = {"status": ("in", ("pending", "running")), "purpose": ("!=", "mail")}
	assert frappe.db.count("Flow Step Pending", open_) == 0
