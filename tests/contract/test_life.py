"""A run's life is tied to its document's, on whichever host."""

from __future__ import annotations

import uuid

import pytest

from flow_editor.engine.errors import Conflict
from flow_editor.engine.ports import HttpResponse
from flow_editor.services import inbox, listening, looking, runs, starting, templates

LATER = {"type": "after_delay", "delay_days": 3}
BY_HAND = {"type": "manual"}


def step(id: str, kind: str = "wait", **more) -> dict:
	return {"id": id, "kind": kind, "trigger": {"type": "on_prev_complete"}, "payload": {}, **more}


def mail(id: str, **more) -> dict:
	payload = {"to": "ana@example.com", "subject": f"Reminder {id}", "body": "x"}
	return step(id, "notify", payload=payload, **more)


def failing(id: str) -> dict:
	payload = {
		"doctype": "Customer",
		"docname_ref": "{{variables.none}}",
		"fields_json": {"customer_name": "x"},
	}
	return step(id, "erp_update", payload=payload)


def reminders() -> list[dict]:
	return [mail("a", trigger=LATER), mail("b", depends_on=["a"], trigger=LATER)]


def create(world, *steps: dict, head: dict | None = None, **values) -> dict:
	with world.transaction():
		return templates.create(
			world.host,
			{
				"template_name": f"Life {uuid.uuid4().hex[:8]}",
				"is_active": 1,
				"flow_definition": {"steps": list(steps), **(head or {})},
				**values,
			},
		)


def start(world, template, doctype: str, docname: str) -> str:
	with world.transaction():
		return starting.start(world.host, template["name"], doctype=doctype, docname=docname).run.name


def make(world, doctype: str) -> str:
	with world.transaction():
		customer = world.customer()
		return world.quotation(customer) if doctype == "Quotation" else customer


def shown(world, run: str) -> dict:
	return looking.get(world.host, run)


def statuses(world, run: str) -> dict[str, str]:
	return {id: entry["status"] for id, entry in shown(world, run)["step_state"].items()}


def waiting(world, run: str) -> list[str]:
	rows = world.host.store.pending({"flow_run": run, "status": "pending"})
	return [
		row.purpose for row in rows if row.purpose != "mail"
	]  # what becomes of a mail is looked at all the same


def raise_event(world, event: str, doctype: str, docname: str, template: dict, **more) -> dict:
	with world.transaction():
		results = listening.dispatch_event(world.host, event, doctype=doctype, docname=docname, **more)
	(result,) = [one for one in results if one["template"] == template["name"]]
	return result


ENDS = [("Quotation", "cancelled"), ("Customer", "deleted")]


def end(world, doctype: str, docname: str, how: str) -> None:
	with world.transaction():
		(world.cancel if how == "cancelled" else world.delete)(doctype, docname)


@pytest.mark.parametrize(("doctype", "how"), ENDS)
def test_a_run_ends_with_its_document_and_nothing_more_goes_out(world, doctype, how):
	docname = make(world, doctype)
	run = start(world, create(world, *reminders()), doctype, docname)
	before = world.mails_sent()
	world.let_due(run)
	world.drain()
	assert statuses(world, run) == {"a": "done", "b": "scheduled"} and world.mails_sent() == before + 1
	end(world, doctype, docname, how)
	assert shown(world, run)["status"] == "running", "whoever saves it only writes a row"
	assert waiting(world, run) == ["document_end", "fire"]
	world.drain()
	over = shown(world, run)
	assert (over["status"], over["stop_reason"]) == ("cancelled", f"{doctype} {docname} was {how}.")
	assert over["completed_at"] and statuses(world, run) == {"a": "done", "b": "cancelled"}
	assert waiting(world, run) == []
	world.let_due(run)
	world.drain()
	assert world.mails_sent() == before + 1


@pytest.mark.parametrize(("doctype", "how"), ENDS)
def test_a_step_that_is_due_before_the_row_is_worked_looks_by_itself(world, doctype, how):
	docname = make(world, doctype)
	run = start(world, create(world, *reminders()), doctype, docname)
	world.let_due(run)
	before = world.mails_sent()
	end(world, doctype, docname, how)
	(first, *_) = world.host.store.pending({"flow_run": run, "status": "pending"})
	assert first.purpose == "fire", "it is claimed first, and in one batch with the other"
	drained = world.drain()
	assert drained.failed == 0 and world.mails_sent() == before
	assert (shown(world, run)["status"], waiting(world, run)) == ("cancelled", [])


def test_a_document_that_has_vanished_ends_the_run_at_its_next_step(world):
	docname = make(world, "Customer")
	delayed, by_hand = (
		start(world, create(world, *steps), "Customer", docname)
		for steps in (reminders(), [mail("a", trigger=BY_HAND)])
	)
	with world.transaction():
		world.vanish("Customer", docname)
	before = world.mails_sent()
	world.let_due(delayed)
	world.drain()
	with world.transaction():
		moved, note = runs.complete(world.host, by_hand, "a")
	assert moved.executed == [] and "was deleted" in note and "was not done" in note
	for run in (delayed, by_hand):
		assert shown(world, run)["stop_reason"] == f"Customer {docname} was deleted."
		assert shown(world, run)["status"] == "cancelled" and statuses(world, run)["a"] == "cancelled"
	assert world.mails_sent() == before


def test_retrying_a_failed_step_about_a_vanished_document_ends_the_run(world):
	docname = make(world, "Customer")
	fails = failing("a")
	run = start(world, create(world, fails, step("b", depends_on=["a"])), "Customer", docname)
	assert shown(world, run)["status"] == "failed"
	with world.transaction():
		world.vanish("Customer", docname)
		runs.retry(world.host, run)
	assert shown(world, run)["status"] == "cancelled"
	assert statuses(world, run) == {"a": "failed", "b": "cancelled"}


@pytest.mark.parametrize(("doctype", "how"), ENDS)
def test_a_flow_may_say_that_its_runs_go_on(world, doctype, how):
	docname = make(world, doctype)
	flow = create(world, *reminders(), head={"on_document_end": "continue"})
	run = start(world, flow, doctype, docname)
	before = world.mails_sent()
	end(world, doctype, docname, how)
	assert waiting(world, run) == ["fire"]
	for _ in range(2):
		world.let_due(run)
		world.drain()
	assert (shown(world, run)["status"], shown(world, run)["stop_reason"]) == ("completed", "")
	assert world.mails_sent() == before + 2


def test_runs_about_nothing_or_about_what_was_over_already_go_on(world):
	docname = make(world, "Quotation")
	end(world, "Quotation", docname, "cancelled")
	flow = create(world, *reminders(), trigger_event="on_customer_created")
	about_nothing, about_what_is_over = start(world, flow, "", ""), start(world, flow, "Quotation", docname)
	started = raise_event(world, "on_customer_created", "Quotation", docname, flow)["run"]
	for run in (about_nothing, about_what_is_over, started):
		world.let_due(run)
	world.drain()
	for run in (about_nothing, about_what_is_over, started):
		assert statuses(world, run) == {"a": "done", "b": "scheduled"}


def test_a_run_with_a_failed_lane_ends_too(world):
	docname = make(world, "Customer")
	fails = failing("a")
	run = start(world, create(world, fails, mail("b", trigger=LATER)), "Customer", docname)
	assert shown(world, run)["status"] == "failed"
	end(world, "Customer", docname, "deleted")
	world.drain()
	assert shown(world, run)["status"] == "cancelled"
	assert statuses(world, run) == {"a": "failed", "b": "cancelled"}


class Receiver:
	"""What a call reaches. `meanwhile` happens while it is answered."""

	def __init__(self, status: int = 200):
		self.status, self.heard, self.meanwhile = status, [], lambda: None

	def request(self, method, url, **more):
		self.heard.append(url)
		self.meanwhile()
		return HttpResponse(self.status, {}, '{"ok": true}')


def calling() -> list[dict]:
	call = step("call", "webhook", payload={"url": "https://example.com/open", "body_template": "{}"})
	return [call, mail("after", depends_on=["call"])]


@pytest.mark.parametrize("when", ["before the call", "while it is made"])
@pytest.mark.parametrize(("status", "becomes"), [(200, "done"), (400, "failed")])
def test_a_call_that_was_committed_to_is_made_and_its_result_kept(world, when, status, becomes):
	docname = make(world, "Customer")
	receiver = world.host.http = Receiver(status)
	run = start(world, create(world, *calling()), "Customer", docname)
	before = world.mails_sent()

	def vanish():
		end(world, "Customer", docname, "deleted")

	if when == "before the call":
		vanish()
	else:
		receiver.meanwhile = vanish
	world.drain()
	over = shown(world, run)
	assert receiver.heard == ["https://example.com/open"]
	assert (over["status"], over["stop_reason"]) == ("cancelled", f"Customer {docname} was deleted.")
	assert statuses(world, run) == {"call": becomes, "after": "cancelled"}
	assert over["step_state"]["call"]["result"]["status"] == status
	assert world.mails_sent() == before and waiting(world, run) == []


def test_a_run_that_has_not_begun_ends_before_its_first_step(world):
	docname = make(world, "Customer")
	flow = create(world, mail("a"), trigger_event="on_customer_created")
	run = raise_event(world, "on_customer_created", "Customer", docname, flow)["run"]
	assert waiting(world, run) == ["start"]
	end(world, "Customer", docname, "deleted")
	before = world.mails_sent()
	world.drain()
	assert shown(world, run)["status"] == "cancelled" and world.mails_sent() == before


# Amendments


def once(world, *steps: dict) -> dict:
	return create(world, *steps, trigger_event="on_customer_created", re_entry="Once per document")


def test_an_amended_document_is_not_welcomed_twice(world):
	first = make(world, "Quotation")
	flow = once(world, mail("welcome"), step("later", depends_on=["welcome"], trigger=LATER))
	run = raise_event(world, "on_customer_created", "Quotation", first, flow)["run"]
	world.drain()
	assert statuses(world, run)["welcome"] == "done"
	end(world, "Quotation", first, "cancelled")
	world.drain()
	with world.transaction():
		second = world.amend(first)
	assert (
		"once per document" in raise_event(world, "on_customer_created", "Quotation", second, flow)["skipped"]
	)
	with pytest.raises(Conflict, match="once per document"):
		start(world, flow, "Quotation", second)


@pytest.mark.parametrize("worked", [True, False])
def test_a_run_that_ended_before_it_did_anything_does_not_count(world, worked):
	first = make(world, "Quotation")
	flow = once(world, mail("welcome", trigger=LATER))
	run = raise_event(world, "on_customer_created", "Quotation", first, flow)["run"]
	end(world, "Quotation", first, "cancelled")
	if worked:
		world.drain()
	with world.transaction():
		second = world.amend(first)
	again = raise_event(world, "on_customer_created", "Quotation", second, flow)["run"]
	world.drain()
	assert shown(world, run)["status"] == "cancelled" and shown(world, again)["status"] == "running"
	assert shown(world, again)["context_docname"] == second
	# The amendment of the amendment counts by the first of all, whose key the second now holds.
	assert "skipped" in raise_event(world, "on_customer_created", "Quotation", second, flow)
	world.let_due(again)
	world.drain()
	end(world, "Quotation", second, "deleted")
	assert "skipped" in raise_event(world, "on_customer_created", "Quotation", first, flow)


def test_not_while_one_runs_counts_each_document_by_its_own_name(world):
	first = make(world, "Quotation")
	end(world, "Quotation", first, "cancelled")
	flow = create(
		world, step("a", trigger=BY_HAND), trigger_event="on_customer_created", re_entry="Not while one runs"
	)
	with world.transaction():
		second = world.amend(first)
	for docname in (first, second):
		assert raise_event(world, "on_customer_created", "Quotation", docname, flow)["run"]
		assert "skipped" in raise_event(world, "on_customer_created", "Quotation", docname, flow)


# Imports


def test_an_import_starts_only_flows_that_say_so(world):
	docname = make(world, "Customer")
	told = []
	world.host.left_out = lambda *what: told.append(what)
	try:
		silent = create(world, step("a"), trigger_event="on_customer_created")
		elsewhere = create(
			world,
			step("a"),
			trigger_event="on_customer_created",
			trigger_condition={"==": [{"var": "doc.customer_type"}, "Other"]},
		)
		wanted = create(world, step("a"), trigger_event="on_customer_created", head={"on_import": True})
		about = ("on_customer_created", "Customer", docname)
		assert raise_event(world, *about, wanted, imported_by="Data Import 1")["run"]
		assert "on_import" in raise_event(world, *about, silent, imported_by="Data Import 1")["skipped"]
		assert "condition" in raise_event(world, *about, elsewhere, imported_by="Data Import 1")["skipped"]
	finally:
		del world.host.left_out
	assert set(told) == {(silent["name"], "Customer", docname, "Data Import 1")}
	assert looking.find(world.host, {"template": silent["name"]}) == []


def test_what_says_how_a_run_ends_is_checked(world):
	for head, field in (
		({"on_import": "yes"}, "on_import"),
		({"on_document_end": "go on"}, "on_document_end"),
		({"on_documents_end": "cancel"}, "on_documents_end"),
	):
		with pytest.raises(Exception, match=field.replace("_", ".")) as error:
			create(world, step("a"), head=head)
		assert field in [problem.field for problem in error.value.problems]
	kept = create(world, step("a"), head={"on_import": True, "on_document_end": "continue"})[
		"flow_definition"
	]
	assert (kept["on_import"], kept["on_document_end"]) == (True, "continue")


# The calls that wait for a dispatch job's closing


@pytest.mark.parametrize(("how", "row_is"), [("closed", "completed"), ("deleted", "cancelled")])
def test_a_deletion_is_no_closing(world, how, row_is):
	receiver = world.host.http = Receiver()
	payload = {"subject": "Install", "on_close_webhook": "https://example.com/closed"}
	flow = create(world, step("job", "dispatch_job", payload=payload))
	run = start(world, flow, "", "")
	job = shown(world, run)["step_state"]["job"]["result"]["job"]
	inbox.drain(world.host)
	(waiting,) = world.host.store.pending({"flow_run": run})
	assert waiting.trigger_at > world.host.now() and receiver.heard == []
	with world.transaction():
		if how == "closed":
			world.host.documents.update("Dispatch Job", job, {"status": "Completed"})
		else:
			world.delete("Dispatch Job", job)
	inbox.drain(world.host)
	(row,) = world.host.store.pending({"flow_run": run, "purpose": "watched_call"})
	assert row.status == row_is and bool(receiver.heard) == (how == "closed")
	if how == "deleted":
		assert f"Dispatch Job {job} was deleted" in row.last_error
