"""A step that waits until a document is as it should be, on whichever host."""

from __future__ import annotations

import uuid

import pytest

from flow_editor.doors import handlers
from flow_editor.engine.errors import Conflict
from flow_editor.services import inbox, looking, runs, starting, templates

IS_CLOSED = {"==": [{"var": "status"}, "Closed"]}


def step(id: str, kind: str = "wait", payload=None, **fields):
	return {"id": id, "kind": kind, "payload": payload or {}, **fields}


LANES = (step("m", parent_id="w", branch="met"), step("t", parent_id="w", branch="timed_out"))


def start(world, payload, *, doctype="", docname="", variables=None) -> str:
	steps = [step("w", "wait_until", payload), *LANES]
	with world.transaction():
		template = templates.create(
			world.host,
			{"template_name": f"Until {uuid.uuid4().hex[:8]}", "flow_definition": {"steps": steps}},
		)
	with world.transaction():
		name = starting.start(
			world.host, template["name"], doctype=doctype, docname=docname, variables=variables
		).run.name
	inbox.drain(world.host)
	return name


def statuses(world, run) -> dict[str, str]:
	return {name: one["status"] for name, one in looking.get(world.host, run)["step_state"].items()}


def update(world, doctype, name, **values) -> None:
	with world.transaction():
		world.host.documents.update(doctype, name, values)
	inbox.drain(world.host)


def test_it_goes_on_once_its_own_document_is_so(world):
	issue = world.issue(world.customer())
	run = start(world, {"when": IS_CLOSED}, doctype="Issue", docname=issue)
	update(world, "Issue", issue, priority="Low")
	assert statuses(world, run)["w"] == "waiting"
	update(world, "Issue", issue, status="Closed")
	assert statuses(world, run) == {"w": "done", "m": "done", "t": "skipped"}
	assert looking.get(world.host, run)["step_state"]["w"]["result"] == {"branch": "met"}


def test_it_waits_for_another_document_that_is_named(world):
	issue, other = (world.issue(world.customer()) for _ in range(2))
	payload = {"when": IS_CLOSED, "doctype": "Issue", "docname_ref": "{{variables.other}}"}
	run = start(world, payload, doctype="Issue", docname=issue, variables={"other": other})
	update(world, "Issue", issue, status="Closed")
	assert statuses(world, run)["w"] == "waiting"
	update(world, "Issue", other, status="Closed")
	assert statuses(world, run)["w"] == "done"


def test_a_document_that_is_so_already_is_not_waited_for(world):
	issue = world.issue(world.customer(), status="Closed")
	run = start(world, {"when": IS_CLOSED}, doctype="Issue", docname=issue)
	assert statuses(world, run)["m"] == "done"


def test_it_waits_no_longer_than_it_may(world):
	issue = world.issue(world.customer())
	steps = [
		step("w", "wait_until", {"when": IS_CLOSED, "timeout": {"days": "{{variables.n}}", "hours": 1}}),
		*LANES,
	]
	tried = handlers.trial(
		world.host, flow_definition={"steps": steps, "variables": {"n": 2}}, doctype="Issue", docname=issue, now="2027-01-01 09:00",
	)  # fmt: skip
	last = tried["timeline"][-1]
	assert (last["at"], last["step_id"], last["status"]) == ("2027-01-03 10:00:00", "t", "done")
	assert tried["run"]["step_state"]["w"]["result"] == {"branch": "timed_out"}


def test_what_a_flow_changes_itself_ends_a_wait_too(world):
	issue = world.issue(world.customer())
	close = step("c", "erp_update", {"doctype": "Issue", "docname_ref": "{{doc.name}}", "fields_json": '{"status": "Closed"}'}, trigger={"type": "after_delay", "delay_days": 1})  # fmt: skip
	steps = [step("w", "wait_until", {"when": IS_CLOSED, "timeout": {"days": 3}}), *LANES, close]
	tried = handlers.trial(
		world.host, flow_definition={"steps": steps}, doctype="Issue", docname=issue, now="2027-01-01 09:00"
	)
	assert tried["run"]["step_state"]["m"]["status"] == "done"
	assert tried["run"]["completed_at"] == "2027-01-02 09:00:00"


def test_somebody_may_go_on_without_it(world):
	issue = world.issue(world.customer())
	run = start(world, {"when": IS_CLOSED}, doctype="Issue", docname=issue)
	with pytest.raises(Conflict, match="no branch"), world.transaction():
		runs.complete(world.host, run, "w", {"branch": "nowhere"})
	with world.transaction():
		runs.complete(world.host, run, "w", {"branch": "timed_out"})
	assert statuses(world, run) == {"w": "done", "m": "skipped", "t": "done"}


@pytest.mark.parametrize(
	("payload", "word"),
	[
		({"when": IS_CLOSED}, "about no document"),
		({"when": IS_CLOSED, "doctype": "Issue", "docname_ref": "{{variables.none}}"}, "is empty"),
		({"when": IS_CLOSED, "doctype": "Issue", "docname_ref": "ISS-none"}, "ISS-none"),
	],
)
def test_what_cannot_be_waited_for_fails_the_step(world, payload, word):
	run = start(world, payload)
	assert statuses(world, run)["w"] == "failed"
	assert word in looking.get(world.host, run)["step_state"]["w"]["error"]


def test_a_condition_that_cannot_be_told_fails_the_step(world):
	issue = world.issue(world.customer(), opening_date=world.host.now().date().isoformat(), subject="soon")
	when = {"<": [{"var": "opening_date"}, "{{doc.subject}}"]}
	run = start(world, {"when": when}, doctype="Issue", docname=issue)
	failed = looking.get(world.host, run)["step_state"]["w"]
	assert failed["status"] == "failed" and "soon" in failed["error"]


@pytest.mark.parametrize(
	("payload", "field"),
	[
		({}, "when"),
		({"when": {"nonsense": 1}}, "when"),
		({"when": IS_CLOSED, "doctype": "Issue"}, "docname_ref"),
		({"when": IS_CLOSED, "docname_ref": "x"}, "doctype"),
		({"when": IS_CLOSED, "timeout": {"weeks": 1}}, "timeout"),
		({"when": IS_CLOSED, "timeout": {"days": -1}}, "timeout"),
		({"when": IS_CLOSED, "timeout": 3}, "timeout"),
	],
)
def test_what_is_wrong_is_told_at_its_field(world, payload, field):
	found = handlers.validate(world.host, {"steps": [step("w", "wait_until", payload)]})["problems"]
	assert [one["field"] for one in found] == [f"payload.{field}"]
