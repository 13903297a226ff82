"""How a run moves on a real database: completing, cancelling, leases, workers that die or come late."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta

import frappe
import pytest
import records as r
from erpnext.support.doctype.issue.issue import Issue
from frappe.custom.doctype.property_setter.property_setter import make_property_setter
from frappe.utils import now_datetime

import flow_editor
from flow_editor.engine.errors import Conflict, NotFound
from flow_editor.flow_editor.doctype.flow_run.flow_run import FlowRun
from flow_editor.patches import tell_cause_from_parent
from flow_editor.services import advance, inbox, runs, starting
from flow_editor.site.host import current


def job(id, **more):
	return r.step(id, "dispatch_job", payload={"subject": f"step {id}"}, **more)


def made(subject: str) -> int:
	return frappe.db.count("Dispatch Job", {"subject": subject})


def test_manual_and_webhook_steps_wait_for_complete(site):
	flow = r.template(
		r.step("call", trigger={"type": "on_webhook"}), r.step("after", depends_on=["call"], trigger={"type": "manual"}), r.step("end", depends_on=["after"]),
	)  # fmt: skip
	run = starting.start(site, flow.name).run
	assert r.statuses(run.name) == {"call": "pending", "after": "pending", "end": "pending"}
	assert r.state(run.name)["call"]["waiting"]
	assert [(row.purpose, row.trigger_at) for row in r.rows(run.name)] == [("wait", None)]
	with pytest.raises(Conflict, match="not reachable"):
		runs.complete(site, run.name, "after")
	with pytest.raises(NotFound):
		runs.complete(site, run.name, "nowhere")
	moved, note = runs.complete(site, run.name, "call", {"answer": 42})
	assert moved.executed == ["call"] and not note
	assert r.state(run.name)["call"]["result"] == {"answer": 42}
	moved, note = runs.complete(site, run.name, "call", {"answer": 43})
	assert moved.executed == [] and "already done" in note
	assert r.state(run.name)["call"]["result"] == {"answer": 42}
	runs.complete(site, run.name, "after")
	assert frappe.db.get_value("Flow Run", run.name, "status") == "completed"


def test_the_kind_of_a_step_runs_when_it_is_completed(site):
	flow = r.template(
		job("a", trigger={"type": "manual"}),
		r.step(
			"q", "condition", payload={"field": "steps.a.result.job", "op": "not_empty"}, depends_on=["a"]
		),
	)
	before = made("step a")
	run = starting.start(site, flow.name).run
	assert made("step a") == before
	runs.complete(site, run.name, "a", {"note": "by hand"})
	state = r.state(run.name)
	assert made("step a") == before + 1
	assert state["a"]["result"]["note"] == "by hand" and state["a"]["result"]["job"]
	assert state["q"]["result"]["branch"] == "yes"


def test_a_delayed_step_can_be_fired_ahead_of_its_time_and_then_not_again(site):
	flow = r.template(job("late", trigger={"type": "after_delay", "delay_days": 3}))
	before = made("step late")
	run = starting.start(site, flow.name).run
	runs.complete(site, run.name, "late")
	assert [row.status for row in r.rows(run.name)] == ["cancelled"]
	r.make_due(run.name)
	r.drain()
	assert made("step late") == before + 1


def test_a_date_in_the_past_fires_at_once_and_one_ahead_waits(site):
	opened = r.issue(r.customer(), opening_date="2026-01-01")
	flow = r.template(
		r.step("past", trigger={"type": "on_date", "at": "{{doc.opening_date}}"}), r.step("ahead", trigger={"type": "on_date", "at": "2099-01-01 09:00"}),
		r.step("never", trigger={"type": "on_date", "at": "{{doc.nothing}}"}),
	)  # fmt: skip
	run = starting.start(site, flow.name, doctype="Issue", docname=opened.name).run
	assert r.statuses(run.name) == {"past": "done", "ahead": "scheduled", "never": "failed"}
	assert "empty" in r.state(run.name)["never"]["error"]
	assert str(r.rows(run.name)[0].trigger_at) == "2099-01-01 09:00:00"


def test_cancel(site):
	flow = r.template(
		job("late", trigger={"type": "after_delay", "delay_days": 3}),
		r.step("hand", trigger={"type": "manual"}),
		r.step("done"),
	)
	run = starting.start(site, flow.name).run
	runs.cancel(site, run.name)
	assert r.statuses(run.name) == {"late": "cancelled", "hand": "cancelled", "done": "done"}
	assert [row.status for row in r.rows(run.name)] == ["cancelled"] * 2
	assert frappe.db.get_value("Flow Run", run.name, "status") == "cancelled"
	for forbidden in (lambda: runs.complete(site, run.name, "hand"), lambda: runs.retry(site, run.name)):
		with pytest.raises(Conflict):
			forbidden()
	assert runs.advance(site, run.name).executed == []
	assert runs.cancel(site, run.name).status == "cancelled"


def test_a_run_keeps_the_version_that_it_started_on(site):
	flow = r.template(r.step("first", trigger={"type": "manual"}), job("old", depends_on=["first"]))
	run = starting.start(site, flow.name).run
	flow.flow_definition = json.dumps({"steps": [r.step("first", trigger={"type": "manual"})]})
	flow.save()
	before = made("step old")
	runs.complete(site, run.name, "first")
	assert made("step old") == before + 1


def test_a_long_chain_is_as_good_as_a_short_one(site, monkeypatch):
	monkeypatch.setattr(advance, "BUDGET_STEPS", 200)
	flow = r.template(*(r.step(f"s{i}", depends_on=[f"s{i - 1}"] if i else []) for i in range(500)))
	run = starting.start(site, flow.name).run
	r.drain()
	assert set(r.statuses(run.name).values()) == {"done"}
	assert [row.purpose for row in r.rows(run.name)] == ["advance", "advance"]
	assert frappe.db.get_value("Flow Run", run.name, "status") == "completed"


def test_an_advance_of_instant_steps_is_one_write_of_the_run(site, monkeypatch):
	flow = r.template(*(r.step(f"s{i}", depends_on=[f"s{i - 1}"] if i else []) for i in range(10)))
	queries = []
	real = frappe.db.sql
	monkeypatch.setattr(
		frappe.db,
		"sql",
		lambda query, *args, **more: (queries.append(str(query)), real(query, *args, **more))[1],
	)
	starting.start(site, flow.name)
	writes = [query for query in queries if query.lstrip().upper().startswith(("UPDATE", "INSERT"))]
	assert len(writes) == 2 and len(queries) < 12, queries


def test_a_save_that_matches_nothing_asks_the_database_nothing(site, monkeypatch):
	from flow_editor.site.triggers import on_document_event

	todo = r.make("ToDo", description="x")
	on_document_event(todo, "on_update")
	queries = []
	real = frappe.db.sql
	monkeypatch.setattr(
		frappe.db,
		"sql",
		lambda query, *args, **more: (queries.append(str(query)), real(query, *args, **more))[1],
	)
	for moment in ("after_insert", "on_update", "on_submit", "on_update_after_submit", "on_change"):
		on_document_event(todo, moment)
	issue_doc = frappe.get_doc({"doctype": "Issue", "subject": "x"})
	on_document_event(issue_doc, "on_update")
	assert queries == []


# Leases


def lease(row, minutes: int) -> None:
	frappe.db.set_value(
		"Flow Step Pending",
		row.name,
		"lease_until",
		now_datetime() + timedelta(minutes=minutes),
		update_modified=False,
	)
	frappe.db.commit()


def claimed(site, run):
	r.make_due(run.name)
	(row,) = site.store.claim(site.now(), 50, site.now() + timedelta(minutes=10), "token-1")
	return row


def test_a_worker_that_dies_loses_its_lease_and_the_work_is_done_once(site):
	flow = r.template(job("late", trigger={"type": "after_delay", "delay_days": 3}))
	before = made("step late")
	run = starting.start(site, flow.name).run
	row = claimed(site, run)
	assert r.drain().worked == 0, "while the lease holds, nobody else takes it"
	lease(row, -1)
	assert r.drain().worked == 1
	assert made("step late") == before + 1
	assert r.rows(run.name)[0].retry_count == 1


def test_a_worker_that_comes_back_too_late_writes_nothing(site):
	flow = r.template(job("late", trigger={"type": "after_delay", "delay_days": 3}))
	before = made("step late")
	run = starting.start(site, flow.name).run
	row = claimed(site, run)
	lease(row, -1)
	(again,) = site.store.claim(site.now(), 50, site.now() + timedelta(minutes=10), "token-2")
	assert inbox.work(site, row) is False
	assert made("step late") == before and r.statuses(run.name) == {"late": "scheduled"}
	assert inbox.work(site, again) is True
	assert inbox.work(site, row) is False
	assert made("step late") == before + 1


def test_work_that_kills_its_worker_five_times_is_given_up(site):
	flow = r.template(job("late", trigger={"type": "after_delay", "delay_days": 3}))
	run = starting.start(site, flow.name).run
	row = claimed(site, run)
	for _ in range(5):
		lease(row, -1)
		r.drain() if _ == 4 else site.store.claim(
			site.now(), 50, site.now() + timedelta(minutes=10), f"token-{_}"
		)
	assert r.statuses(run.name) == {"late": "failed"}
	assert "died" in r.state(run.name)["late"]["error"]
	assert r.rows(run.name)[0].status == "failed"


def test_a_deadlock_is_tried_again_at_once_and_doubles_nothing(site, monkeypatch):
	flow = r.template(job("late", trigger={"type": "after_delay", "delay_days": 3}))
	before = made("step late")
	run = starting.start(site, flow.name).run
	r.make_due(run.name)
	real, tries = site.store.save_run, []

	def save_run(saved):
		tries.append(saved.name)
		if len(tries) == 1:
			raise frappe.QueryDeadlockError(1213, "Deadlock found")
		return real(saved)

	monkeypatch.setattr(site.store, "save_run", save_run)
	assert r.drain().failed == 0
	assert len(tries) == 2 and made("step late") == before + 1
	assert r.rows(run.name)[0].retry_count == 0


def test_a_definition_broken_behind_the_controllers_fails_the_run_with_its_reason(site):
	flow = r.template(job("a"), event="on_issue_opened")
	r.issue()
	frappe.db.set_value("Flow Version", f"{flow.name}-v1", "definition", "{nonsense")
	from flow_editor.services import definitions

	definitions._compiled.clear()
	(run,) = r.runs(flow)
	for _ in range(5):
		r.make_due(run)
		r.drain()
	run.reload()
	assert run.status == "failed" and "not JSON" in run.error
	assert r.rows(run)[0].status == "failed"


# What a document's own code does to the transaction


def own_code(monkeypatch, act) -> None:
	"""Let each Issue's own code do something as it is saved."""
	on_update = Issue.on_update

	def and_act(self):
		on_update(self)
		act()

	monkeypatch.setattr(Issue, "on_update", and_act)


def opening(id: str, **more) -> dict:
	return r.step(id, "issue", payload={"subject": f"{id} of {{{{run.name}}}}"}, **more)


def opened(run: str, *ids: str) -> list[int]:
	return [frappe.db.count("Issue", {"subject": f"{id} of {run}"}) for id in ids]


def test_a_document_whose_own_code_commits_is_made_once_and_with_its_run(site, monkeypatch):
	flow = r.template(opening("a", trigger={"type": "manual"}), opening("b", depends_on=["a"]))
	run = starting.start(site, flow.name).run.name
	frappe.db.commit()
	own_code(monkeypatch, lambda: frappe.db.commit())
	runs.complete(site, run, "a")
	assert r.statuses(run) == {"a": "done", "b": "done"}
	frappe.db.rollback()  # as where the worker dies before the run is committed
	assert r.statuses(run) == {"a": "pending", "b": "pending"} and opened(run, "a", "b") == [0, 0]
	runs.complete(site, run, "a")
	frappe.db.commit()
	frappe.db.rollback()
	assert r.statuses(run) == {"a": "done", "b": "done"} and opened(run, "a", "b") == [1, 1]


def test_a_document_whose_own_code_rolls_back_fails_its_step_and_undoes_no_other(site, monkeypatch):
	flow = r.template(opening("a"), opening("b", depends_on=["a"], trigger={"type": "manual"}))
	run = starting.start(site, flow.name).run.name
	own_code(monkeypatch, lambda: frappe.db.rollback())
	runs.complete(site, run, "b")
	assert r.statuses(run) == {"a": "done", "b": "failed"}
	assert "rolled the change back" in r.state(run)["b"]["error"]
	assert opened(run, "a", "b") == [1, 0]


# As somebody


def test_steps_obey_the_permissions_of_the_user_that_the_flow_runs_as(site):
	limited = r.user("Flow Manager", "Sales User", "Support Team")
	opened = r.issue(r.customer())
	flow = r.template(
		r.step("go", trigger={"type": "manual"}),
		r.step("write", "erp_update", depends_on=["go"], payload={"doctype": "Issue", "fields_json": '{"priority": "Low"}'}),
		r.step("read", "condition", depends_on=["go"], payload={"field": "doc.subject", "op": "not_empty"}),
		run_as=limited.name,
	)  # fmt: skip
	run = starting.start(site, flow.name, doctype="Issue", docname=opened.name).run
	limited.remove_roles("Support Team")
	runs.complete(site, run.name, "go")
	state = r.state(run.name)
	assert state["write"]["status"] == state["read"]["status"] == "failed"
	assert limited.name in state["write"]["error"] and "may not" in state["read"]["error"]
	assert frappe.session.user == "Administrator"
	limited.add_roles("Support Team")
	runs.retry(site, run.name)
	assert r.statuses(run.name) == {"go": "done", "write": "done", "read": "done"}
	assert frappe.db.get_value("Issue", opened.name, "modified_by") == limited.name


def test_steps_that_are_done_within_a_save_see_what_the_flows_user_may_and_not_what_the_saver_may(site):
	limited = r.user("Flow Manager", "Sales User")
	flow = r.template(
		r.step("read", "condition", payload={"field": "doc.subject", "op": "not_empty"}),
		event="on_issue_opened",
		run_as=limited.name,
	)
	for _ in range(2):
		r.issue()
		r.drain()
		limited.add_roles("Support Team")
	(allowed,) = (r.state(run)["read"] for run in r.runs(flow))
	assert allowed["result"]["branch"] == "yes"
	assert frappe.session.user == "Administrator"

	property_ = {
		"doctype_or_field": "DocField",
		"doc_type": "Issue",
		"field_name": "subject",
		"property": "permlevel",
	}
	r.make("Property Setter", **property_, value="1", property_type="Int")
	frappe.clear_cache(doctype="Issue")
	try:
		r.issue()
		assert r.state(r.runs(flow)[0])["read"]["result"] == {"branch": "no", "value": None}
	finally:
		frappe.db.delete("Property Setter", property_)
		frappe.db.commit()
		frappe.clear_cache(doctype="Issue")


def test_a_disabled_user_fails_the_step_clearly(site):
	gone = r.user("Flow Manager")
	flow = r.template(r.step("a"), run_as=gone.name, event="on_customer_created")
	gone.enabled = 0
	gone.save()
	by_hand = starting.start(site, flow.name).run.name
	flow_editor.dispatch_event("on_customer_created")
	r.drain()
	runs_of_it = [run.name for run in r.runs(flow)]
	assert len(runs_of_it) == 2 and by_hand in runs_of_it
	for run in runs_of_it:
		assert (
			r.statuses(run) == {"a": "failed"}
			and "is disabled. Enable them, or let" in r.state(run)["a"]["error"]
		)
	# Nobody enables a user whom there is not.
	frappe.db.set_value("Flow Template", flow.name, "run_as", "nobody@example.com")
	lost = starting.start(site, flow.name).run
	assert (
		"nobody@example.com whom this flow runs as does not exist. Let the flow"
		in lost.step_state["a"]["error"]
	)


def test_a_field_above_the_user_s_level_is_not_passed_over_in_silence(site):
	setter = make_property_setter("Issue", "subject", "permlevel", 1, "Int")
	author, opened = r.user("Flow Manager", "Support Team", "Sales User"), r.issue(r.customer())
	flow = r.template(
		r.step("a", "erp_update", payload={"doctype": "Issue", "fields_json": {"subject": "x", "priority": "Low"}}),
		run_as=author.name,
	)  # fmt: skip
	try:
		run = starting.start(site, flow.name, doctype="Issue", docname=opened.name).run.name
	finally:
		setter.delete()
		frappe.clear_cache(doctype="Issue")
	state = r.state(run)["a"]
	assert state["status"] == "failed" and f"{author.name} may not change subject" in state["error"]
	opened.reload()
	assert opened.subject == "No signal" and opened.priority != "Low"


def test_a_delay_is_read_as_the_user_of_the_flow_and_what_is_hidden_from_them_is_no_delay(site):
	setter = make_property_setter("Issue", "subject", "permlevel", 1, "Int")
	author, opened = r.user("Flow Manager", "Support Team", "Sales User"), r.issue(r.customer(), subject="3")
	later = {"type": "after_delay", "delay_days": "{{doc.subject}}"}
	flow = r.template(r.step("a"), r.step("b", trigger=later), run_as=author.name)
	try:
		hidden = starting.start(site, flow.name, doctype="Issue", docname=opened.name).run.name
	finally:
		setter.delete()
		frappe.clear_cache(doctype="Issue")
	shown = starting.start(site, flow.name, doctype="Issue", docname=opened.name).run.name
	assert r.statuses(hidden) == {"a": "done", "b": "failed"}
	error = r.state(hidden)["b"]["error"]
	assert "The number of days, {{doc.subject}}, is empty. Give it one." in error
	assert "3" not in error
	assert r.statuses(shown)["a"] == "done" and r.statuses(shown).get("b") != "failed"
	(row,) = r.rows(shown, step_id="b")
	assert 2 <= (row.trigger_at - site.now()).days <= 3


def test_agent_flows_are_stored_and_not_started(site):
	flow = r.template(r.step("a", "say", payload={"message": "Hello"}), catalog="agent")
	with pytest.raises(Conflict, match="not run yet"):
		starting.start(site, flow.name)
	assert frappe.db.count("Flow Run") == 0


# At once, in processes of their own


CONCURRENTLY = """
import sys, time, frappe
frappe.init(site=sys.argv[1]); frappe.connect(); frappe.set_user("Administrator")
from flow_editor.site.host import current
from flow_editor.services import inbox, runs
time.sleep(max(0, float(sys.argv[2]) - time.time()))
{body}
frappe.db.commit()
"""


def at_once(count: int, body: str) -> list[str]:
	import time

	script = CONCURRENTLY.replace("{body}", body)
	began = str(time.time() + 4)
	command = [sys.executable, "-W", "ignore", "-c", script, frappe.local.site, began]
	frappe.db.commit()
	started = [
		subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
		for _ in range(count)
	]
	answers = []
	for process in started:
		answers.append(process.communicate(timeout=180)[0])
		assert process.returncode == 0, answers[-1]
	frappe.db.rollback()
	return answers


def test_several_workers_at_once_work_no_row_twice(site):
	flow = r.template(job("late", trigger={"type": "after_delay", "delay_days": 3}))
	before = made("step late")
	started = [starting.start(site, flow.name).run.name for _ in range(60)]
	frappe.db.sql("UPDATE `tabFlow Step Pending` SET trigger_at = '2026-01-01'")
	answers = at_once(4, "print('worked', inbox.drain(current(), batch=5).worked)")
	worked = [int(answer.split("worked ")[-1].split()[0]) for answer in answers]
	assert sum(worked) == 60 and sum(bool(count) for count in worked) > 1
	assert made("step late") == before + 60
	assert all(r.statuses(name) == {"late": "done"} for name in started)


def test_one_step_completed_by_many_at_once_acts_once(site):
	flow = r.template(job("hand", trigger={"type": "manual"}))
	before = made("step hand")
	run = starting.start(site, flow.name).run
	body = f"""
for _ in range(5):
	moved, note = runs.complete(current(), {run.name!r}, "hand"); frappe.db.commit()
	print("acted" if moved.executed else note)
"""
	answers = at_once(6, body)
	assert sum(answer.count("acted") for answer in answers) == 1
	assert made("step hand") == before + 1


def test_once_per_document_holds_against_many_at_once(site):
	opened = (
		r.issue()
	)  # before the flow is there: a run that is deleted leaves its key to be locked until it is purged
	flow = r.template(r.step("a"), event="on_issue_opened", re_entry="Once per document")
	at_once(
		5,
		f"import flow_editor; print(flow_editor.dispatch_event('on_issue_opened', ('Issue', {opened.name!r})))",
	)
	assert len(r.runs(flow)) == 1


# Keeping


def test_old_finished_runs_are_cleared_and_those_in_flight_never(site):
	flow = r.template(r.step("a"))
	waits = r.template(r.step("a", trigger={"type": "after_delay", "delay_days": 3}))
	finished, waiting, fresh = (starting.start(site, t.name).run.name for t in (flow, waits, flow))
	long_ago = now_datetime() - timedelta(days=500)
	frappe.db.set_value("Flow Run", finished, "completed_at", long_ago)
	frappe.db.set_value("Flow Run", waiting, "started_at", long_ago)
	frappe.get_doc("Flow Run", fresh).clear_old_logs(days=365)
	assert set(frappe.get_all("Flow Run", pluck="name")) == {waiting, fresh}
	assert len(r.rows(waiting)) == 1


def test_a_finished_run_is_kept_while_a_call_of_it_waits_for_a_job_to_be_closed(receiver):
	flow = r.template(r.step("a", "dispatch_job", payload={"subject": "x", "on_close_webhook": receiver.url}))
	run = starting.start(current(), flow.name).run.name
	frappe.db.set_value("Flow Run", run, "completed_at", now_datetime() - timedelta(days=500))
	FlowRun.clear_old_logs(days=365)
	job = frappe.get_doc("Dispatch Job", r.state(run)["a"]["result"]["job"])
	job.status = "Completed"
	job.save()
	r.drain()
	((*_rest, body),) = receiver.calls
	assert '"event": "close"' in body
	FlowRun.clear_old_logs(days=365)
	assert not frappe.db.exists("Flow Run", run) and not r.rows(run)


def test_what_caused_a_run_is_told_from_what_it_is_a_part_of(site):
	flow = r.template(r.step("a", trigger={"type": "manual"}))
	caused, first = (starting.start(site, flow.name).run.name for _ in range(2))
	# As an earlier version has written it.
	frappe.db.sql("UPDATE `tabFlow Run` SET parent_run = %s WHERE name = %s", (first, caused))
	tell_cause_from_parent.execute()
	found = {
		run.name: (run.caused_by, run.parent_run) for run in site.store.runs({"flow_template": flow.name})
	}
	assert found == {caused: (first, ""), first: ("", "")}
