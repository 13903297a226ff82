"""How often the database is asked, pinned: what grows here is paid for by every save and every step."""

from __future__ import annotations

import json
from contextlib import contextmanager, nullcontext

import frappe
import pytest
import records as r

import flow_editor
from flow_editor.services import head, inbox, listening, starting
from flow_editor.site import listeners

# None of the shipped flows listens to it.
EVENT = "on_customer_created"
COMMIT = ("commit", "START TRANSACTION")


@contextmanager
def queries():
	"""The statements that Frappe sends meanwhile, each cut to what it is about."""
	seen: list[str] = []
	real = frappe.db.sql

	def sql(query, *args, **more):
		seen.append(_short(str(query)))
		return real(query, *args, **more)

	frappe.db.sql = sql
	try:
		yield seen
	finally:
		del frappe.db.sql


def _short(query: str) -> str:
	words = query.replace("`", "").split()
	for before in ("FROM", "INTO", "UPDATE"):
		if before in words:
			table = " ".join(words[words.index(before) + 1 :][:3]).split(" (")[0]
			name = next((t for t in TABLES if table.startswith(f"tab{t}")), table.split()[0])
			return f"{words[0].upper()} {name}"
	return " ".join(words)


TABLES = ("Dispatch Job", "Flow Step Pending", "Flow Run", "Flow Template", "Flow Version", "User")


def chain(length: int, **first):
	steps = [r.step(f"s{i}", depends_on=[f"s{i - 1}"] if i else []) for i in range(length)]
	steps[0].update(first)
	return steps


@pytest.fixture
def opened(site):
	"""An issue, with all caches warm and nothing due."""
	issue = r.issue()
	flow = r.template(*chain(2), event=EVENT)
	frappe.db.commit()
	flow_editor.dispatch_event(EVENT, issue)
	r.drain()
	flow.is_active = 0
	flow.save()
	frappe.db.commit()
	return issue


def hearing(*steps):
	"""A flow that this process has started once, so that it is compiled."""
	flow = r.template(*steps, event=EVENT)
	frappe.db.commit()
	flow_editor.dispatch_event(EVENT)
	frappe.db.rollback()
	return flow


@pytest.fixture
def by_a_worker(monkeypatch):
	"""Leave every run to a worker as a whole, as if its flow were large."""
	monkeypatch.setattr(head, "MOST_STEPS", 0)


@pytest.mark.parametrize("length", [1, 10, 100])
def test_a_run_of_instant_steps_is_one_insert_in_the_users_own_transaction(site, opened, length):
	flow = hearing(*chain(length))
	with queries() as seen:
		flow_editor.dispatch_event(EVENT, opened)
		frappe.db.commit()
	assert seen == ["SELECT Flow Template", "INSERT Flow Run", *COMMIT], "and nothing is left to poke for"
	assert [run.status for run in r.runs(flow)] == ["completed"]


def test_conditions_on_the_document_ask_the_database_nothing(site, opened):
	flow = hearing(
		r.step("a", "condition", payload={"field": "doc.subject", "op": "==", "value": "No signal"})
	)
	with queries() as seen:
		flow_editor.dispatch_event(EVENT, opened)
		frappe.db.commit()
	assert seen == ["SELECT Flow Template", "INSERT Flow Run", *COMMIT]
	assert [r.state(run)["a"]["result"]["branch"] for run in r.runs(flow)] == ["yes"]


def test_a_flow_that_begins_with_a_delay_waits_for_it_with_its_start(site, opened):
	flow = hearing(*chain(10, trigger={"type": "after_delay", "delay_days": 3}))
	with queries() as seen:
		flow_editor.dispatch_event(EVENT, opened)
		frappe.db.commit()
	assert seen == ["SELECT Flow Template", "INSERT Flow Run", "INSERT Flow Step Pending", *COMMIT]
	((row),) = r.rows(r.runs(flow)[0])
	assert (row.purpose, row.step_id) == ("fire", "s0")


def test_a_start_that_is_left_to_a_worker_is_two_inserts(site, opened, by_a_worker):
	hearing(*chain(10))
	with queries() as seen:
		flow_editor.dispatch_event(EVENT, opened)
	assert seen == ["SELECT Flow Template", "INSERT Flow Run", "INSERT Flow Step Pending"]


def test_a_change_that_may_be_seen_twice_costs_one_look_more(site, opened, by_a_worker):
	hearing(*chain(1))
	with queries() as seen:
		listening.dispatch_event(site, EVENT, doc={}, trigger_key="this change")
	assert seen == [
		"SELECT Flow Template",
		"SELECT Flow Run",
		"INSERT Flow Run",
		"INSERT Flow Step Pending",
	]


def test_an_event_that_nothing_listens_to_is_one_look(site, opened):
	with queries() as seen:
		assert flow_editor.dispatch_event(EVENT, opened) == []
	assert seen == ["SELECT Flow Template"]


@contextmanager
def without_us():
	"""Frappe's document events without Flow Editor's handler."""
	hooks = frappe.get_doc_hooks()
	frappe.local.doc_events_hooks = {
		doctype: {
			event: [name for name in names if not name.startswith("flow_editor.")]
			for event, names in events.items()
		}
		for doctype, events in hooks.items()
	}
	try:
		yield
	finally:
		frappe.local.doc_events_hooks = hooks


@pytest.mark.parametrize("active", [0, 20])
def test_a_save_that_matches_nothing_asks_no_more_than_without_us(site, opened, active):
	for _ in range(active):
		r.template(*chain(1), event="on_contract_signed")
	todo = r.make("ToDo", description="x")
	unsigned = r.contract(r.customer())
	for doc in (todo, opened, unsigned):
		doc.reload()
		for _ in range(
			2
		):  # what is asked once and then cached: of the links, too, that a first save fills in
			doc.save()
		with without_us(), queries() as bare:
			doc.save()
		with queries() as ours:
			doc.save()
		assert ours == bare and len(bare) > 2, doc.doctype


@pytest.mark.parametrize("moment", ["created", "saved", "changed"])
def test_a_document_that_nothing_listens_to_asks_no_more_than_without_us(site, opened, moment):
	"""Not even the first in its transaction, if others are listened to."""
	about = {"field": "status"} if moment == "changed" else {}
	trigger = {"type": "document", "doctype": "Lead", "moment": moment, **about}
	r.template(*chain(1), event="document", definition={"trigger": trigger}, applies_to="Lead")
	customer = r.customer()
	frappe.db.commit()
	listeners.refresh()
	for make in (r.customer, lambda: customer.save()):
		make()
		with without_us(), queries() as bare:
			make()
		with queries() as ours:
			make()
		assert sorted(ours) == sorted(bare)
		frappe.db.commit()
	with queries() as seen:
		assert listeners.heard().doctypes == {"Lead"}
	assert seen == [], "nor does the first of a transaction"


def test_conditions_that_do_not_hold_are_one_look_for_all_flows_of_a_doctype(site, opened):
	trigger = {"type": "document", "doctype": "ToDo", "moment": "saved"}
	wanted = '{"==": [{"var": "description"}, "Something else"]}'
	for _ in range(20):
		r.template(
			*chain(1),
			event="document",
			definition={"trigger": trigger},
			applies_to="ToDo",
			trigger_condition=wanted,
		)
	frappe.db.commit()
	listeners.refresh()
	todo = r.make("ToDo", description="x")
	frappe.db.commit()
	todo.save()
	frappe.db.commit()
	with queries() as ours:
		todo.save()
	assert ours.count("SELECT Flow Template") == 1
	assert len([one for one in ours if "Flow" in one]) == 1


def test_a_document_that_ends_is_one_look_more_and_none_if_nothing_can_be_about_it(site, opened):
	flow = r.template(*chain(1, trigger={"type": "after_delay", "delay_days": 3}))
	about = r.make("ToDo", description="x")
	starting.start(site, flow.name, doctype="ToDo", docname=about.name)
	frappe.db.commit()
	for make, more in (
		(lambda: r.make("ToDo", description="x"), ["SELECT Flow Run"]),
		(
			lambda: r.make(
				"Comment",
				comment_type="Comment",
				content="x",
				reference_doctype="User",
				reference_name="Administrator",
			),
			[],
		),
		(lambda: about, ["INSERT Flow Step Pending", "SELECT Flow Run"]),
	):
		seen, doc = [], make()
		for ours in (True, False, True):  # the first fills what is cached
			frappe.db.savepoint("earlier")
			with nullcontext() if ours else without_us(), queries() as asked:
				frappe.delete_doc(doc.doctype, doc.name)
			seen.append(sorted(asked))
			frappe.db.rollback(save_point="earlier")
		assert seen[2] == sorted([*seen[1], *more]), doc.doctype


def test_a_drain_that_finds_nothing_writes_nothing(site, opened):
	with queries() as seen:
		assert r.drain().worked == 0
	assert seen == [*COMMIT, "SELECT Flow Step Pending", "SELECT Flow Step Pending", *COMMIT]


@pytest.mark.parametrize("length", [1, 10, 100])
def test_a_run_of_instant_steps_is_claimed_and_written_once(site, opened, by_a_worker, length):
	hearing(*chain(length))
	flow_editor.dispatch_event(EVENT, opened)
	frappe.db.commit()
	with queries() as seen:
		assert inbox.drain(site).worked == 1
	assert seen == [
		"SELECT Flow Step Pending",  # the claim
		"UPDATE Flow Step Pending",
		*COMMIT,
		"SELECT Flow Run",  # the advance
		"SELECT tabIssue",  # is the document still there?
		"UPDATE Flow Run",
		"UPDATE Flow Step Pending",
		*COMMIT,
		"SELECT Flow Step Pending",  # is there more?
	]


def test_rows_that_are_due_together_cost_no_more_queries_than_one(site, opened, by_a_worker, monkeypatch):
	monkeypatch.setattr(inbox, "TOGETHER_SECONDS", 60)
	flow = hearing(*chain(10), r.step("ask", "condition", depends_on=["s9"], payload={"field": "variables.n", "op": "<", "value": 10}), r.step("few", parent_id="ask", branch="yes", trigger={"type": "manual"}))  # fmt: skip
	for number in range(20):
		flow_editor.dispatch_event(EVENT, opened, {"n": number})
	frappe.db.commit()
	with queries() as seen:
		assert inbox.drain(site).worked == 20
	assert len(seen) == 12, seen  # one of them stores the rows of those that wait for somebody
	for run in r.runs(flow):
		few = json.loads(run.variables)["n"] < 10
		assert run.status == ("running" if few else "completed") and bool(run.completed_at) != few
		assert r.state(run)["few"]["status"] == ("pending" if few else "skipped")
		assert [row.status for row in r.rows(run, purpose="start")] == ["completed"]
		assert [row.status for row in r.rows(run, purpose="wait")] == ["pending"] * few


def test_a_step_that_changes_documents_sees_the_runs_before_it_written(
	site, opened, by_a_worker, monkeypatch
):
	"""Else an event that it raises would be refused for a run that has ended."""
	monkeypatch.setattr(inbox, "TOGETHER_SECONDS", 60)
	hearing(*chain(1))
	r.template(r.step("a", "dispatch_job", payload={"subject": "x"}), event=EVENT)
	for _ in range(2):
		flow_editor.dispatch_event(EVENT, opened)
	frappe.db.commit()
	with queries() as seen:
		assert inbox.drain(site).worked == 4
	inserted = [number for number, query in enumerate(seen) if "Dispatch Job" in query and "INSERT" in query]
	written = [number for number, query in enumerate(seen) if query == "UPDATE Flow Run"]
	assert len(inserted) == 2 and written[0] < inserted[0] < written[1] < inserted[1] < written[2]


def test_starting_by_hand_writes_the_run_twice_and_no_inbox_row(site, opened):
	flow = r.template(*chain(10))
	starting.start(site, flow.name)
	frappe.db.commit()
	with queries() as seen:
		starting.start(site, flow.name)
	writes = [query for query in seen if not query.startswith("SELECT")]
	assert writes == ["INSERT Flow Run", "UPDATE Flow Run"]


def test_steps_that_wait_are_written_together(site, opened):
	later = {"type": "after_delay", "delay_days": 3}
	flow = r.template(*(r.step(f"s{i}", trigger=later) for i in range(30)))
	starting.start(site, flow.name)
	frappe.db.commit()
	with queries() as seen:
		starting.start(site, flow.name)
	assert seen.count("INSERT Flow Step Pending") == 1


# One bad row does not spoil the others


def test_a_row_that_cannot_be_worked_leaves_the_others_of_its_batch_alone(site, opened, by_a_worker):
	good = r.template(r.step("a", "dispatch_job", payload={"subject": "kept"}), event=EVENT)
	bad = r.template(*chain(3), event=EVENT)
	for _ in range(5):
		flow_editor.dispatch_event(EVENT, opened)
	spoiled = r.runs(bad)[2].name
	frappe.db.set_value("Flow Run", spoiled, "step_state", '{"s0": "nonsense"}', update_modified=False)
	before = frappe.db.count("Dispatch Job", {"subject": "kept"})
	drained = r.drain()
	assert (drained.worked, drained.failed) == (10, 1)
	assert frappe.db.count("Dispatch Job", {"subject": "kept"}) == before + 5
	assert {run.status for run in r.runs(good)} == {"completed"}
	assert sorted(run.status for run in r.runs(bad)) == ["completed"] * 4 + ["running"]
	(row,) = r.rows(spoiled)
	assert (row.status, row.retry_count) == ("pending", 1) and row.last_error


def test_a_row_that_another_has_taken_keeps_nothing_and_the_others_everything(site, opened, monkeypatch):
	flow = r.template(r.step("a", "dispatch_job", payload={"subject": "once"}), event=EVENT)
	for _ in range(3):
		flow_editor.dispatch_event(EVENT, opened)
	frappe.db.commit()
	before = frappe.db.count("Dispatch Job", {"subject": "once"})
	real = site.store.claim

	def claim(*args):
		rows = real(*args)
		if rows:
			frappe.db.sql(
				"UPDATE `tabFlow Step Pending` SET lease_token = 'another' WHERE name = %s", rows[1].name
			)
			frappe.db.commit()
		return rows

	monkeypatch.setattr(site.store, "claim", claim)
	drained = inbox.drain(site)
	assert (drained.worked, drained.failed) == (3, 1)
	assert frappe.db.count("Dispatch Job", {"subject": "once"}) == before + 2
	assert sorted(run.status for run in r.runs(flow)) == ["completed", "completed", "running"]


def test_a_run_is_never_stored_without_the_row_that_begins_it(site, opened, by_a_worker, monkeypatch):
	from flow_editor.site import store

	flow = r.template(*chain(2), event=EVENT)
	frappe.db.commit()
	monkeypatch.setattr(store, "PENDING_COLUMNS", (*store.PENDING_COLUMNS[:-1], "no_such_column"))
	(result,) = flow_editor.dispatch_event(EVENT, opened)
	assert "no_such_column" in result["error"]
	assert r.runs(flow) == [] and frappe.db.exists("Error Log", {"method": ("like", "%was not started%")})


def test_work_that_kills_its_worker_takes_no_other_row_with_it(site, opened, by_a_worker):
	r.template(*chain(1), event=EVENT)
	for _ in range(3):
		flow_editor.dispatch_event(EVENT, opened)
	frappe.db.commit()
	lease = site.now()
	assert len(site.store.claim(site.now(), 50, lease, "the worker that dies")) == 3
	for _ in range(3):
		(row,) = site.store.claim(site.now(), 50, lease.replace(year=lease.year + 1), "the next")
		assert row.retry_count == 1
	assert list(site.store.claim(site.now(), 50, lease, "one more")) == []


def test_a_claim_that_loses_a_deadlock_is_made_again(site, opened, by_a_worker, monkeypatch):
	r.template(*chain(1), event=EVENT)
	flow_editor.dispatch_event(EVENT, opened)
	frappe.db.commit()
	real, tries = site.store.claim, []

	def claim(*args):
		tries.append(args)
		if len(tries) < 3:
			raise frappe.QueryDeadlockError(1213, "Deadlock found")
		return real(*args)

	monkeypatch.setattr(site.store, "claim", claim)
	assert inbox.drain(site).worked == 1


def test_rows_that_share_a_transaction_share_it_again_after_a_deadlock(site, opened, monkeypatch):
	flow = r.template(r.step("a", "dispatch_job", payload={"subject": "again"}), event=EVENT)
	for _ in range(3):
		flow_editor.dispatch_event(EVENT, opened)
	frappe.db.commit()
	before = frappe.db.count("Dispatch Job", {"subject": "again"})
	real, tries = site.store.finish_together, []

	def finish_together(rows, at):
		tries.append(len(rows))
		if len(tries) == 1:
			raise frappe.QueryDeadlockError(1213, "Deadlock found")
		return real(rows, at)

	monkeypatch.setattr(site.store, "finish_together", finish_together)
	assert inbox.drain(site).worked == 3 and tries == [3, 3]
	assert frappe.db.count("Dispatch Job", {"subject": "again"}) == before + 3
	assert {run.status for run in r.runs(flow)} == {"completed"}
