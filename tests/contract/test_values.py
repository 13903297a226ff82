"""Values keep their types from the document to the comparison, on whichever host."""

from __future__ import annotations

import uuid
from datetime import date, datetime, time, timedelta

import pytest

from flow_editor.doors import handlers
from flow_editor.engine.values import Document
from flow_editor.services import inbox, listening, starting, templates


@pytest.fixture
def issue(world) -> tuple[str, str]:
	with world.transaction():
		customer = world.customer()
		today = world.host.now().date().isoformat()
		values = {"opening_date": today, "opening_time": "9:30:00", "description": "<p>No signal</p>"}
		return "Issue", world.issue(customer, **values)


def branch(world, issue, field, op, value) -> str | None:
	step = {"id": "ask", "kind": "condition", "payload": {"field": field, "op": op, "value": value}}
	with world.transaction():
		template = templates.create(
			world.host,
			{"template_name": f"Types {uuid.uuid4().hex[:8]}", "flow_definition": {"steps": [step]}},
		)
		entry = starting.start(
			world.host, template["name"], doctype=issue[0], docname=issue[1]
		).run.step_state["ask"]
	return entry["result"]["branch"] if entry["status"] == "done" else entry["error"]


def test_a_documents_fields_have_their_types(world, issue):
	doc = world.host.documents.get(*issue)
	assert isinstance(doc, Document) and doc.types["opening_date"].fieldtype == "Date"
	assert doc["opening_date"] == world.host.now().date() and type(doc["opening_date"]) is date
	assert doc["opening_time"] == time(9, 30)
	assert world.host.documents.types("No such DocType") == {}


def test_they_are_compared_by_them(world, issue):
	now = world.host.now()
	tomorrow = now + timedelta(days=1)
	for field, op, value in (
		("doc.opening_date", "==", "{{now}}"), ("doc.opening_date", "<=", "{{now}}"), ("opening_date", "==", "{{today}}"), ("opening_date", "<", tomorrow.strftime("%Y-%m-%d")),
		("opening_time", "<", "10:00:00"), ("opening_time", ">", "9:29"), ("today", "<", f"{tomorrow:%Y-%m-%d} 00:00:00"),
		("opening_date", "in", f"2020-01-01, {now:%Y-%m-%d}"),
	):  # fmt: skip
		assert branch(world, issue, field, op, value) == "yes", (field, op, value)
	assert branch(world, issue, "doc.opening_date", "<", "{{now}}") == "no"


def test_what_a_date_is_held_against_is_read_as_the_site_writes_it(world, issue):
	form = world.host.conventions.date.replace("yyyy", "%Y").replace("mm", "%m").replace("dd", "%d")
	written = (world.host.now() + timedelta(days=40)).strftime(form)
	assert branch(world, issue, "opening_date", "<", written) == "yes"


def test_a_step_that_cannot_tell_fails_with_a_sentence_and_answers_nothing(world, issue):
	said = branch(world, issue, "opening_date", "<", "{{doc.subject}}")
	assert "is not a date, so it cannot be compared" in said and "Write one such as" in said


def test_a_start_that_cannot_tell_is_refused_and_told(world, issue):
	# An operand that is a path is not seen through beforehand.
	condition = {"==": [{"var": "doc.opening_date"}, {"var": "doc.subject"}]}
	with world.transaction():
		template = templates.create(
			world.host,
			{
				"template_name": f"Types {uuid.uuid4().hex[:8]}",
				"is_active": 1,
				"trigger_event": "on_issue_opened",
				"trigger_condition": condition,
				"flow_definition": {"steps": []},
			},
		)
	with world.transaction():
		results = listening.dispatch_event(world.host, "on_issue_opened", doctype=issue[0], docname=issue[1])
	(mine,) = [result for result in results if result["template"] == template["name"]]
	assert "run" not in mine and "cannot be compared" in mine["error"]


def test_what_can_never_be_compared_is_refused_at_the_save_with_its_field(world):
	step = {
		"id": "ask",
		"kind": "condition",
		"payload": {"field": "opening_date", "op": "<", "value": "soon"},
	}
	definition = {"trigger": {"event": "on_issue_opened"}, "steps": [step]}
	problems, warnings = templates.check(world.host, definition)
	assert [(one.step, one.field) for one in problems] == [("ask", "payload.value")] and warnings == []
	step["payload"] = {"field": "openin_date", "op": "<", "value": "2026-12-31"}
	problems, (warning,) = templates.check(world.host, definition)
	assert problems == [] and (warning.step, warning.field) == ("ask", "payload.field")
	assert "opening_date" in warning.message


def test_now_is_a_moment_and_today_a_day(world, issue):
	from flow_editor.engine.context import Scope
	from flow_editor.engine.records import Run

	scope = Scope(world.host, Run(flow_template="", template_version=0))
	assert isinstance(scope["now"], datetime) and scope["now"].microsecond == 0
	assert scope["today"] == world.host.now().date() and type(scope["today"]) is date


# Whole conditions


def whole(world, when, **more):
	issue = world.issue(world.customer(), opening_date=world.host.now().date().isoformat(), **more)
	with world.transaction():
		template = templates.create(
			world.host,
			{
				"template_name": f"When {uuid.uuid4().hex[:8]}",
				"flow_definition": {"steps": [{"id": "q", "kind": "condition", "payload": {"when": when}}]},
			},
		)
	with world.transaction():
		run = starting.start(world.host, template["name"], doctype="Issue", docname=issue).run
	inbox.drain(world.host)
	return world.host.store.run(run.name).step_state["q"]


@pytest.mark.parametrize(
	("when", "branch"),
	[
		({"and": [{"==": [{"var": "status"}, "Open"]}, {"in": [{"var": "priority"}, ["High", "Urgent"]]}]}, "yes"),
		({"or": [{"==": [{"var": "status"}, "Closed"]}, {"empty": [{"var": "doc.subject"}]}]}, "no"),
		({"<": [{"var": "opening_date"}, "{{today | add: '1 day'}}"]}, "yes"),
		({">": [{"+": [{"var": "first_response_time"}, 5]}, 4]}, "yes"),
		({"same_text": [{"var": "subject | upper"}, "no signal"]}, "yes"),
	],
)  # fmt: skip
def test_a_step_goes_by_a_whole_condition(world, when, branch):
	entry = whole(world, when, subject="No signal", priority="High")
	assert entry["status"] == "done" and entry["result"]["branch"] == branch
	assert entry["result"]["read"]


def test_what_a_whole_condition_cannot_tell_fails_the_step(world):
	entry = whole(world, {"<": [{"var": "opening_date"}, "{{doc.subject}}"]}, subject="soon")
	assert entry["status"] == "failed" and "soon" in entry["error"] and "cannot be told" in entry["error"]


@pytest.mark.parametrize(
	("payload", "field", "word"),
	[
		({}, "field", "empty"),
		({"when": {"nonsense": [{"var": "status"}, 1]}}, "when", "not known"),
		({"when": {"==": [{"var": "status"}, 1]}, "field": "status", "value": "x"}, "when", "only one"),
		({"when": {"<": [{"var": "doc.opening_date"}, "soon"]}}, "when", "soon"),
	],
)  # fmt: skip
def test_what_is_wrong_with_a_whole_condition_is_told_at_its_field(world, payload, field, word):
	steps = [{"id": "q", "kind": "condition", "payload": payload}]
	answer = handlers.validate(world.host, {"steps": steps}, applies_to="Issue")
	(problem,) = [one for one in answer["problems"] if one["field"] == f"payload.{field}"]
	assert problem["step"] == "q" and word in problem["message"]


def test_a_path_of_a_whole_condition_that_leads_nowhere_is_a_warning(world):
	steps = [
		{"id": "q", "kind": "condition", "payload": {"when": {"==": [{"var": "steps.none.result.x"}, 1]}}}
	]
	answer = handlers.validate(world.host, {"steps": steps}, applies_to="Issue")
	assert answer["problems"] == [] and "payload.when" in [one["field"] for one in answer["warnings"]]
