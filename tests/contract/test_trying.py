"""A flow is tried on a real document in virtual time, and nothing of it lasts."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

import pytest

from flow_editor.doors import handlers
from flow_editor.engine.errors import Conflict, Invalid, NotFound
from flow_editor.engine.kind import Kind
from flow_editor.engine.waiting import Wait, Watch
from flow_editor.services import inbox, looking, starting, templates

BEGAN = "2027-01-31 09:00"


def step(id: str, kind: str = "wait", **fields):
	return {"id": id, "kind": kind, "payload": {}, **fields}


def try_(world, *steps, **more):
	about = {"flow_definition": {"steps": list(steps)}, "now": BEGAN, **more}
	return handlers.trial(world.host, **about)


def create(world, *steps, **fields) -> str:
	values = {
		"template_name": f"Tried {uuid.uuid4().hex[:8]}",
		"flow_definition": {"steps": list(steps)},
		**fields,
	}
	with world.transaction():
		return templates.create(world.host, values)["name"]


def journey(tried) -> list[tuple[str, str, str]]:
	return [(entry["at"], entry["step_id"], entry["status"]) for entry in tried["timeline"]]


JOB = step("job", "dispatch_job", payload={"subject": "Line of {{doc.subject}}", "priority": "high", "merge_key": "k-{{doc.name}}"})  # fmt: skip
MAIL = step(
	"mail", "notify", depends_on=["job"], trigger={"type": "after_delay", "delay_months": 1},
	payload={"to": "ana@example.com", "subject": "About {{doc.subject}}", "body": "Job {{steps.job.result.job}}"},
)  # fmt: skip
CLOSE = step(
	"close", "erp_update", depends_on=["mail"],
	payload={"doctype": "Issue", "docname_ref": "{{doc.name}}", "fields_json": '{"status": "Closed"}'},
)  # fmt: skip
HOOK = step("hook", "webhook", depends_on=["close"], payload={"url": "https://partner.example.com/x", "body_template": '{"status": "{{doc.status}}"}'})  # fmt: skip


def test_it_is_tried_to_its_end_on_a_real_document(world):
	issue = world.issue(world.customer(), subject="No signal")
	before = dict(world.host.documents.get("Issue", issue))
	pending, runs = len(world.host.store.pending({}, limit=10_000)), len(world.host.store.runs({}, limit=500))
	mails = world.mails_sent()
	tried = try_(world, JOB, MAIL, CLOSE, HOOK, doctype="Issue", docname=issue)
	assert set(tried) == {"run", "timeline", "sent", "documents"}
	assert tried["run"]["status"] == "completed" and tried["run"]["stopped"] == ""
	assert journey(tried) == [
		("2027-01-31 09:00:00", "job", "done"),
		("2027-01-31 09:00:00", "mail", "scheduled"),
		("2027-02-28 09:00:00", "mail", "done"),
		("2027-02-28 09:00:00", "close", "done"),
		("2027-02-28 09:00:00", "hook", "running"),
		("2027-02-28 09:00:00", "hook", "done"),
	]
	mail, call = tried["sent"]
	assert (mail["channel"], mail["to"], mail["subject"]) == ("email", "ana@example.com", "About No signal")
	job = tried["run"]["step_state"]["job"]["result"]["job"]
	assert job in mail["body"] and mail["at"].startswith("2027-02-28 09:00")
	assert call["channel"] == "webhook" and '"Closed"' in call["body"]
	made, changed = tried["documents"]
	assert (made["action"], made["doctype"], made["name"]) == ("create", "Dispatch Job", job)
	assert made["values"]["subject"] == "Line of No signal" and made["values"]["priority"].lower() == "high"
	assert (changed["action"], changed["name"], changed["values"]) == ("update", issue, {"status": "Closed"})
	# Nothing of it lasts.
	assert dict(world.host.documents.get("Issue", issue)) == before
	with pytest.raises(NotFound):
		world.host.documents.get("Dispatch Job", job)
	assert world.mails_sent() == mails
	assert len(world.host.store.pending({}, limit=10_000)) == pending
	assert len(world.host.store.runs({}, limit=500)) == runs


def test_a_trial_says_what_the_real_run_does(world):
	issue = world.issue(world.customer(), subject="No signal")
	steps = (JOB, step("ask", "condition", depends_on=["job"], payload={"field": "doc.status", "value": "Open"}), step("yes", parent_id="ask", branch="yes"), step("no", parent_id="ask", branch="no"))  # fmt: skip
	template = create(world, *steps)
	tried = handlers.trial(world.host, template=template, doctype="Issue", docname=issue)
	with world.transaction():
		run = starting.start(world.host, template, doctype="Issue", docname=issue).run.name
	inbox.drain(world.host)
	real = looking.get(world.host, run)
	assert {name: entry["status"] for name, entry in tried["run"]["step_state"].items()} == {
		name: entry["status"] for name, entry in real["step_state"].items()
	}
	assert tried["run"]["flow_template"] == template and tried["run"]["customer"] == real["customer"]
	(made,) = tried["documents"]
	stored = world.host.documents.get("Dispatch Job", real["step_state"]["job"]["result"]["job"])
	for field in ("subject", "customer", "merge_key", "reference_name"):
		assert made["values"][field] == stored[field]


def test_later_steps_read_what_earlier_ones_have_changed(world):
	issue = world.issue(world.customer(), subject="No signal")
	again = {**JOB, "id": "again", "depends_on": ["close"]}
	tried = try_(
		world, JOB, {**CLOSE, "depends_on": ["job"]}, again, step("said", "notify", depends_on=["again"], payload={"to": "a@example.com", "subject": "{{doc.status}}", "body": "x"}),
		doctype="Issue", docname=issue,
	)  # fmt: skip
	state = tried["run"]["step_state"]
	assert state["again"]["result"] == {"job": state["job"]["result"]["job"], "merged": True}
	assert tried["sent"][0]["subject"] == "Closed"


def test_who_tries_it_answers(world):
	steps = (
		step("ask", trigger={"type": "manual"}),
		step("call", trigger={"type": "on_webhook"}),
		step("after", depends_on=["ask"], trigger={"type": "after_delay", "delay_days": 2}),
	)
	open_ = try_(world, *steps)
	assert open_["run"]["status"] == "running"
	assert all(open_["run"]["step_state"][id]["waiting"] for id in ("ask", "call"))
	answered = try_(world, *steps, answers={"ask": {"said": "yes"}, "call": None})
	assert answered["run"]["status"] == "completed"
	assert answered["run"]["step_state"]["ask"]["result"] == {"said": "yes"}
	with pytest.raises(Invalid, match="no step 'nowhere'"):
		try_(world, *steps, answers={"nowhere": 1})
	skipped = try_(world, step("q", "condition", payload={"field": "variables.x", "op": "empty"}), step("no", parent_id="q", branch="no"), answers={"no": 1})  # fmt: skip
	assert "never reached" in skipped["run"]["notes"][0]


def test_it_stops_where_it_is_told_to(world):
	steps = [step("a", trigger={"type": "after_delay", "delay_days": 10})]
	assert try_(world, *steps, until="9d")["run"]["status"] == "running"
	assert try_(world, *steps, until="2027-02-10 09:00")["run"]["status"] == "completed"
	for wrong in ({"now": "soon"}, {"until": "later"}, {"until": "2026-01-01"}):
		with pytest.raises(Invalid) as refused:
			try_(world, *steps, **wrong)
		assert refused.value.problems[0].field == next(iter(wrong))


def test_what_it_is_not_given_is_told(world):
	with pytest.raises(Invalid, match="Give a flow_definition"):
		handlers.trial(world.host)
	with pytest.raises(NotFound):
		handlers.trial(world.host, template="FT-99999")
	with pytest.raises(NotFound):
		try_(world, step("a"), doctype="Issue", docname="ISS-none")
	with pytest.raises(Invalid) as refused:
		try_(world, step("a", depends_on=["nowhere"]))
	assert (refused.value.problems[0].step, refused.value.problems[0].field) == ("a", "depends_on")
	needs = {"steps": [step("a")], "inputs": [{"name": "amount", "type": "number", "required": True}]}
	with pytest.raises(Invalid) as refused:
		handlers.trial(world.host, flow_definition=needs)
	assert refused.value.problems[0].field == "variables.amount"
	given = handlers.trial(world.host, flow_definition=needs, variables={"amount": "5"})
	assert given["run"]["variables"]["amount"] == 5


def test_a_draft_that_was_never_published_is_tried(world):
	with world.transaction():
		name = f"Draft {uuid.uuid4().hex[:8]}"
		made = templates.create_draft(
			world.host, {"template_name": name, "flow_definition": {"steps": [step("only_drafted")]}}
		)
	tried = handlers.trial(world.host, template=made)
	assert set(tried["run"]["step_state"]) == {"only_drafted"}
	with pytest.raises(Conflict), world.transaction():
		starting.start(world.host, made)


def test_a_template_is_tried_as_its_editor_has_it(world):
	template = create(world, step("published"))
	tried = handlers.trial(world.host, template=template, flow_definition={"steps": [step("changed")]})
	assert set(tried["run"]["step_state"]) == {"changed"}
	assert world.host.store.template(template)["version"] == 1


class Watches(Kind):
	"""Waits for an Issue to be closed, at most three days."""

	name = "watches_one"
	label = "Watches"
	effect = "documents"
	watches = ("Issue",)
	branches = (("met", "Met"), ("timed_out", "Timed out"))
	days = 3

	def run(self, step, ctx):
		closed = {"==": [{"var": "doc.status"}, "Closed"]}
		until = ctx.now + timedelta(days=self.days) if self.days else None
		return Wait(until=until, watch=Watch("Issue", ctx.run.context_docname, closed))

	def resume(self, step, ctx, ended):
		return {"branch": "timed_out" if ended.by == "time" else "met"}


@pytest.fixture
def watches(world):
	world.host.catalog.add(kind := Watches())
	yield kind
	world.host.catalog._kinds.pop(Watches.name)
	world.host.catalog.__dict__.pop("watched", None)


@pytest.mark.parametrize("days", [3, 0])
def test_a_document_that_nobody_changes_is_waited_for_to_the_end(world, watches, days):
	watches.days = days
	issue = world.issue(world.customer())
	tried = try_(world, step("w", watches.name), step("t", parent_id="w", branch="timed_out"), doctype="Issue", docname=issue)  # fmt: skip
	if days:
		assert journey(tried)[-1] == ("2027-02-03 09:00:00", "t", "done")
	else:
		assert tried["run"]["step_state"]["w"]["status"] == "waiting"
		assert tried["run"]["step_state"]["w"]["waits_for"]["document"]["docname"] == issue


def test_a_document_that_the_flow_changes_itself_is_seen(world, watches):
	issue = world.issue(world.customer())
	close = {**CLOSE, "depends_on": [], "trigger": {"type": "after_delay", "delay_days": 1}}
	tried = try_(world, step("w", watches.name), step("m", parent_id="w", branch="met"), close, doctype="Issue", docname=issue)  # fmt: skip
	assert journey(tried)[-1] == ("2027-02-01 09:00:00", "m", "done")


def test_a_year_goes_by(world):
	steps = [step("s0")] + [
		step(f"s{n}", depends_on=[f"s{n - 1}"], trigger={"type": "after_delay", "delay_months": 1})
		for n in range(1, 13)
	]
	tried = try_(world, *steps)
	assert tried["run"]["status"] == "completed"
	assert datetime.fromisoformat(tried["run"]["completed_at"]) == datetime(2028, 1, 31, 9)
