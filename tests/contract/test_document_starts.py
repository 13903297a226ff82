"""Flows that start on a document by themselves, on whichever host."""

from __future__ import annotations

import json
import uuid

import pytest

from flow_editor.engine.errors import Invalid
from flow_editor.services import drafts, looking, templates

LATER = {"type": "after_delay", "delay_days": 3}


def document(moment: str, doctype: str = "Issue", **more) -> dict:
	return {"type": "document", "doctype": doctype, "moment": moment, **more}


def create(world, trigger: dict | None, *steps: dict, head: dict | None = None, **values) -> dict:
	steps = steps or ({"id": "a", "kind": "wait", "trigger": LATER, "payload": {}},)
	definition = {"steps": list(steps), **({} if trigger is None else {"trigger": trigger}), **(head or {})}
	with world.transaction():
		return templates.create(
			world.host,
			{
				"template_name": f"Starts {uuid.uuid4().hex[:8]}",
				"is_active": 1,
				"flow_definition": definition,
				**values,
			},
		)


def fields_of(template: dict) -> tuple[str, str, str]:
	return tuple(template[name] or "" for name in ("trigger_event", "trigger_condition", "applies_to"))


def runs(world, template: dict) -> list:
	return world.host.store.runs({"flow_template": template["name"]}, limit=100)


def an_issue(world, **values) -> str:
	with world.transaction():
		return world.issue(world.customer(), **values)


def change(world, issue: str, **values) -> None:
	with world.transaction():
		world.host.documents.update("Issue", issue, values)


# One trigger, and the template's own fields


def test_the_fields_say_what_the_trigger_does(world):
	made = create(world, {**document("created"), "condition": {"==": [{"var": "status"}, "Open"]}})
	assert fields_of(made) == ("document", '{"==": [{"var": "status"}, "Open"]}', "Issue")
	assert made["flow_definition"]["trigger"] == {
		**document("created"),
		"condition": '{"==": [{"var": "status"}, "Open"]}',
	}


def test_a_field_that_is_written_wins_over_the_definition_beside_it(world):
	made = create(world, document("created"), applies_to="Quotation")
	assert made["flow_definition"]["trigger"]["doctype"] == "Quotation"


def test_a_write_of_a_field_is_one_of_the_trigger(world):
	made = create(world, {**document("created"), "condition": '{"==": [{"var": "status"}, "Open"]}'})

	def write(**values) -> dict:
		nonlocal made
		with world.transaction():
			made = templates.update(world.host, made["name"], values)
		return made["flow_definition"]["trigger"]

	assert write(applies_to="Quotation") == {
		**document("created", "Quotation"),
		"condition": '{"==": [{"var": "status"}, "Open"]}',
	}
	assert write(trigger_condition="") == {**document("created", "Quotation"), "condition": ""}
	steps = made["flow_definition"]["steps"]
	assert write(flow_definition={"steps": steps, "variables": {"a": 1}})["moment"] == "created", (
		"a definition that says nothing of its start leaves it as it is"
	)
	assert write(trigger_event="on_issue_opened") == {"event": "on_issue_opened", "condition": ""}
	assert write(flow_definition={"steps": steps, "trigger": document("saved")})["doctype"] == "Issue"
	assert fields_of(made) == ("document", "", "Issue")
	assert write(flow_definition={"steps": steps, "trigger": {"type": "manual"}})["type"] == "manual"
	assert made["trigger_event"] == "manual"


def test_the_guides_form_stays_as_it_was_written(world):
	made = create(world, {"event": "on_issue_opened", "condition": ""})
	assert made["flow_definition"]["trigger"] == {"event": "on_issue_opened", "condition": ""}
	made = create(world, {"type": "event", "event": "on_issue_opened"})
	assert made["flow_definition"]["trigger"] == {
		"type": "event",
		"event": "on_issue_opened",
		"condition": "",
	}


def test_a_draft_takes_a_start_that_is_not_finished(world):
	made = create(world, {"event": "on_issue_opened"})
	with world.transaction():
		templates.keep_draft(
			world.host, made["name"], {"flow_definition": {"steps": [], "trigger": {"type": "document"}}}
		)
	draft = drafts.draft_of(world.host.store.template(made["name"]))
	assert draft["flow_definition"]["trigger"] == {"type": "document", "doctype": "", "condition": ""}
	assert draft["trigger_event"] == "document"


@pytest.mark.parametrize(
	("trigger", "field", "word"),
	[
		({"type": "sometimes"}, "trigger.type", "event, document"),
		(document(""), "trigger.moment", "created, saved"),
		(document("created", ""), "trigger.doctype", "Choose the documents"),
		(document("changed"), "trigger.field", "Choose the field"),
		(document("created", field="status"), "trigger.field", "created"),
		(document("changed", field="status", to={"a": 1}), "trigger.to", "a list of values"),
		(document("changed", field="stattus"), "trigger.field", "Did you mean “status”"),
		(document("created", "Flow Run"), "trigger.doctype", "start no flow"),
		({"type": "event", "event": "on_issue_opened", "moment": "saved"}, "trigger.moment", "no part of"),
		({"type": "event"}, "trigger.event", "No event"),
		({"moments": 1}, "trigger.moments", "Did you mean 'moment'"),
	],
)
def test_what_is_wrong_is_said_in_words_with_its_field(world, trigger, field, word):
	with pytest.raises(Invalid) as refused:
		create(world, trigger)
	found = {problem.field: problem.message for problem in refused.value.problems}
	assert word in found[field]


# What starts


def test_each_moment_starts_what_waits_for_it(world):
	listening = {
		moment: create(world, document(moment), head={"on_document_end": "continue"})
		for moment in ("created", "saved", "deleted")
	}
	listening["changed"] = create(world, document("changed", field="status"))

	def started() -> dict[str, int]:
		return {moment: len(runs(world, template)) for moment, template in listening.items()}

	issue = an_issue(world)
	assert started() == {"created": 1, "saved": 1, "deleted": 0, "changed": 0}
	change(world, issue, status="Replied")
	assert started() == {"created": 1, "saved": 2, "deleted": 0, "changed": 1}
	change(world, issue, subject="Another word")
	assert started() == {"created": 1, "saved": 3, "deleted": 0, "changed": 1}
	with world.transaction():
		world.delete("Issue", issue)
	assert started() == {"created": 1, "saved": 3, "deleted": 1, "changed": 1}


def test_other_documents_and_flows_that_are_off_start_nothing(world):
	other, off = (
		create(world, document("created", "Quotation")),
		create(world, document("created"), is_active=0),
	)
	an_issue(world)
	assert (runs(world, other), runs(world, off)) == ([], [])


def test_a_change_is_told_by_what_the_field_was_and_is(world):
	some = create(
		world, document("changed", field="status", **{"from": ["Open", "On Hold"], "to": "Replied"})
	)
	back = create(world, document("changed", field="status", to=["Open"]))
	emptied = create(world, document("changed", field="description", to=""))
	issue = an_issue(world, description="Since noon")
	assert [len(runs(world, one)) for one in (some, back, emptied)] == [0, 0, 0], (
		"what is new has not changed"
	)
	change(world, issue, status="Replied")
	change(world, issue, status="Closed")
	change(world, issue, status="Replied")
	assert [len(runs(world, one)) for one in (some, back, emptied)] == [1, 0, 0]
	change(world, issue, status="Open", description="")
	assert [len(runs(world, one)) for one in (some, back, emptied)] == [1, 1, 1]


def test_a_condition_reads_what_was_before(world):
	wanted = {"==": [{"var": "before.status"}, "Open"]}
	gated = create(world, {**document("saved"), "condition": wanted})
	issue = an_issue(world)
	assert runs(world, gated) == []
	change(world, issue, status="Replied")
	change(world, issue, subject="Another word")
	assert len(runs(world, gated)) == 1


def test_a_save_that_is_rolled_back_starts_nothing(world):
	made = create(world, document("created"))

	class Undo(Exception):
		pass

	with pytest.raises(Undo), world.transaction():
		world.issue(world.customer())
		assert len(runs(world, made)) == 1
		raise Undo
	assert runs(world, made) == []


def test_one_transaction_starts_once_about_one_document(world):
	made = create(world, document("changed", field="status"))
	issue = an_issue(world)
	with world.transaction():
		world.host.documents.update("Issue", issue, {"status": "Replied"})
		world.host.documents.update("Issue", issue, {"status": "Closed"})
	assert len(runs(world, made)) == 1
	change(world, issue, status="Open")
	assert len(runs(world, made)) == 2


def test_a_deleted_documents_fields_are_kept_in_the_run(world):
	mail = {
		"id": "a",
		"kind": "notify",
		"trigger": LATER,
		"payload": {
			"to": "ana@example.com",
			"subject": "{{doc.subject}} by {{doc.opening_date}}",
			"body": "x",
		},
	}
	made = create(
		world,
		document("deleted"),
		mail,
		{**mail, "id": "b", "payload": {**mail["payload"], "to": "{{doc.raised_by}}"}},
	)
	issue = an_issue(world, opening_date="2026-12-03")
	with world.transaction():
		world.delete("Issue", issue)
	(run,) = runs(world, made)
	world.let_due(run.name)
	world.drain()
	done = looking.get(world.host, run.name)
	assert done["status"] == "completed", json.dumps(done["step_state"])
	assert world.mails_sent() >= 2


def test_what_the_start_cannot_compare_is_told_and_starts_nothing(world):
	made = create(
		world, {**document("saved"), "condition": {"==": [{"var": "subject"}, {"var": "opening_date"}]}}
	)
	an_issue(world, opening_date="2026-12-03")
	assert runs(world, made) == []
