"""Flows that start on a document by themselves, on a real ERPNext; what both hosts do alike is in tests/contract."""

from __future__ import annotations

import json
import threading

import frappe
import pytest
import records as r

from flow_editor.engine.errors import Invalid
from flow_editor.services import looking, templates
from flow_editor.site import listeners

LATER = {"type": "after_delay", "delay_days": 3}


def starts(moment: str, doctype: str = "ToDo", *, head=None, **more):
	about = {name: more.pop(name) for name in ("field", "from", "to") if name in more}
	trigger = {"type": "document", "doctype": doctype, "moment": moment, **about}
	return r.template(
		r.step("a", trigger=LATER),
		event="document",
		applies_to=doctype,
		definition={"trigger": trigger, **(head or {})},
		**more,
	)


def test_a_submission_a_cancellation_and_the_changes_that_each_makes(site):
	submitted, cancelled = starts("submitted", "Quotation"), starts("cancelled", "Quotation")
	status = starts("changed", "Quotation", field="status", to=["Open", "Cancelled"])
	quoted = r.quotation(r.customer())
	assert [len(r.runs(one)) for one in (submitted, cancelled, status)] == [0, 0, 0]
	quoted.submit()
	assert [len(r.runs(one)) for one in (submitted, cancelled, status)] == [1, 0, 1]
	frappe.db.commit()
	quoted.cancel()
	assert [len(r.runs(one)) for one in (submitted, cancelled, status)] == [1, 1, 2]


def test_db_set_is_heard_as_a_change(site):
	ordered = starts("changed", "Quotation", field="status", to="Ordered")
	saved = starts("saved", "Quotation")
	quoted = r.quotation(r.customer())
	quoted.submit()
	before = len(r.runs(saved))
	frappe.db.commit()
	r.order_from(quoted)
	assert len(r.runs(ordered)) == 1
	assert len(r.runs(saved)) == before, "it raises no save"


def test_one_save_that_changes_a_field_twice_starts_once(site):
	changed = starts("changed", field="priority")
	todo = r.make("ToDo", description="x", priority="Low")
	frappe.db.commit()
	todo.priority = "High"
	todo.save()
	todo.db_set("priority", "Medium")
	assert len(r.runs(changed)) == 1


def test_of_a_document_that_is_being_deleted_nothing_is_heard_but_that(site):
	every = {moment: starts(moment) for moment in ("saved", "deleted")}
	every["changed"] = starts("changed", field="status")
	todo = r.make("ToDo", description="x")
	frappe.db.commit()
	started = {moment: len(r.runs(flow)) for moment, flow in every.items()}
	frappe.delete_doc("ToDo", todo.name)
	now = {moment: len(r.runs(flow)) for moment, flow in every.items()}
	assert now == {**started, "deleted": 1}


def test_a_run_keeps_what_its_user_could_read_of_a_deleted_document(site):
	flow = starts("deleted")
	todo = r.make("ToDo", description="Call back", date="2026-12-03")
	frappe.delete_doc("ToDo", todo.name)
	(run,) = r.runs(flow)
	kept = site.store.run(run.name).kept_document
	assert (kept["description"], kept["date"], kept["name"]) == ("Call back", "2026-12-03", todo.name)
	assert "kept_document" not in looking.get(site, run.name), "it is read by the steps alone"


def test_an_import_starts_what_says_so(site):
	plain, also = starts("created"), starts("created", head={"on_import": True})
	frappe.flags.in_import = True
	try:
		r.make("ToDo", description="x")
	finally:
		frappe.flags.in_import = False
	assert [len(r.runs(one)) for one in (plain, also)] == [0, 1]


def test_who_publishes_must_be_able_to_read_the_doctype(site):
	author = r.user("Flow Manager")
	frappe.set_user(author.name)
	trigger = {"type": "document", "doctype": "Payment Entry", "moment": "created"}
	values = {
		"template_name": r.unique("Flow"),
		"flow_definition": {"steps": [r.step("a")], "trigger": trigger},
	}
	with pytest.raises(Invalid) as refused:
		templates.create(site, values)
	(problem,) = refused.value.problems
	assert problem.field == "trigger.doctype" and "You may not read Payment Entry" in problem.message
	values["flow_definition"]["trigger"] = {**trigger, "doctype": "No Such Thing"}
	with pytest.raises(Invalid) as refused:
		templates.create(site, values)
	assert "no DocType" in refused.value.problems[0].message


def test_it_starts_only_on_what_its_user_may_read(site):
	reader = r.user("Flow Manager")
	flow = starts("created", "Quotation", run_as=reader.name)
	r.quotation(r.customer())
	assert r.runs(flow) == []


def test_a_broken_start_breaks_no_save_and_no_other_flow(site):
	broken, good = starts("created"), starts("created")
	frappe.db.set_value("Flow Version", {"flow_template": broken.name}, "definition", "{nonsense")
	frappe.db.set_value("Flow Template", broken.name, "checksum", "")
	todo = r.make("ToDo", description="x")
	assert frappe.db.exists("ToDo", todo.name)
	assert (len(r.runs(broken)), len(r.runs(good))) == (0, 1)
	assert frappe.db.count("Error Log", {"method": ("like", f"%{broken.name}%")}) == 1


# Who listens


def heard_elsewhere(kept: bool = False) -> listeners.Heard:
	"""What a transaction in another process hears, that begins now."""
	found = []

	name = frappe.local.site

	def run() -> None:
		frappe.init(site=name)
		frappe.connect()
		try:
			found.append(listeners._kept() if kept else listeners.heard())
		finally:
			frappe.destroy()

	thread = threading.Thread(target=run)
	thread.start()
	thread.join()
	return found[0]


def test_what_is_switched_on_is_heard_by_what_begins_after_its_commit(site):
	listeners.refresh()
	assert heard_elsewhere(kept=True).doctypes == frozenset(), "the answer is kept, the empty one too"
	flow = starts("created", "Lead")
	assert "Lead" in listeners.heard().doctypes, "in its own transaction at once"
	assert "Lead" not in heard_elsewhere().doctypes
	frappe.db.commit()
	assert "Lead" in heard_elsewhere().doctypes
	listeners.refresh()
	assert heard_elsewhere(kept=True).doctypes == {"Lead"}
	flow.is_active = 0
	flow.save()
	frappe.db.commit()
	assert "Lead" not in heard_elsewhere().doctypes


def test_while_a_flow_is_written_nothing_is_kept(site):
	"""As if whoever publishes were killed between the commit and what comes after it."""
	listeners.refresh()
	listeners._move_on(b"changing:dead", "99999999999")
	assert heard_elsewhere(kept=True) is None
	listeners.refresh()
	assert heard_elsewhere(kept=True) is None
	listeners._move_on(b"changing:dead", "1")
	listeners.refresh()
	assert heard_elsewhere(kept=True) is not None, "a mark of the dead goes"


def test_an_answer_that_was_begun_before_a_change_is_not_kept(site):
	listeners.refresh()
	era = listeners._hash()[listeners.ERA]
	listeners._move_on(b"changing:somebody", "1")
	listeners._move_on(b"changing:somebody", "")
	frappe.cache.execute_command("EVAL", listeners.KEEP, 1, listeners._key(), era, json.dumps([]))
	assert heard_elsewhere(kept=True) is None


def test_a_publishing_that_is_rolled_back_leaves_no_mark(site):
	listeners.refresh()
	starts("created", "Lead")
	frappe.db.rollback()
	assert heard_elsewhere(kept=True).doctypes == frozenset()
