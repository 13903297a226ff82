"""Why a flow would start on a document now, or would not, on whichever host."""

from __future__ import annotations

import uuid

import pytest

from flow_editor.engine.errors import Conflict, Invalid, NotFound
from flow_editor.services import starting, templates, why

OPENED = {"event": "on_issue_opened"}
WAITS = {"id": "a", "kind": "wait", "trigger": {"type": "manual"}, "payload": {}}


def create(world, trigger: dict, head: dict | None = None, **values) -> str:
	with world.transaction():
		return templates.create(
			world.host,
			{
				"template_name": f"Why {uuid.uuid4().hex[:8]}",
				"is_active": 1,
				"flow_definition": {"steps": [WAITS], "trigger": trigger, **(head or {})},
				**values,
			},
		)["name"]


@pytest.fixture
def issue(world) -> str:
	with world.transaction():
		return world.issue(world.customer(), subject="No signal")


def asked(world, template: str, doctype: str = "Issue", docname: str = "") -> tuple[bool, dict]:
	found = why.explain(world.host, template, doctype=doctype, docname=docname)
	return found["would_start"], {gate["gate"]: gate for gate in found["gates"]}


def test_a_flow_that_would_start_says_so_at_each_gate(world, issue):
	condition = {"==": [{"var": "subject"}, "No signal"]}
	for trigger in (OPENED, {"type": "document", "doctype": "Issue", "moment": "saved"}):
		name = create(world, {**trigger, "condition": condition})
		starts, gates = asked(world, name, docname=issue)
		assert starts, gates
		assert list(gates) == ["switched_on", "heard", "readable", "condition", "runnable", "re_entry"]
		assert gates["condition"]["values"] == {"subject": "No signal"}
		assert all(gate["says"].endswith(".") for gate in gates.values())
		assert world.host.store.runs({"flow_template": name}) == [], "and starts nothing"


@pytest.mark.parametrize(
	("trigger", "values", "gate", "word"),
	[
		(OPENED, {"is_active": 0}, "switched_on", "switched off"),
		({"event": "on_quotation_created"}, {}, "heard", "Quotation"),
		(OPENED, {"applies_to": "Quotation"}, "heard", "applies to Quotation"),
		(
			{"type": "document", "doctype": "Quotation", "moment": "created"},
			{},
			"heard",
			"a Quotation is created",
		),
		(
			{"type": "schedule", "every": "week", "on": "mon", "at": "9:00"},
			{},
			"heard",
			"every week on mon at 09:00",
		),
		({"type": "manual"}, {}, "heard", "by hand"),
		({**OPENED, "condition": {"==": [{"var": "doc.subject"}, "x"]}}, {}, "condition", "does not hold"),
		(
			{**OPENED, "condition": {"==": [{"var": "subject"}, {"var": "today"}]}},
			{},
			"condition",
			"cannot be told",
		),
	],
)
def test_the_gate_that_keeps_it_says_why(world, issue, trigger, values, gate, word):
	starts, gates = asked(world, create(world, trigger, **values), docname=issue)
	assert not starts
	assert [name for name, one in gates.items() if not one["passes"]] == [gate]
	assert word in gates[gate]["says"]


def test_a_run_in_its_way_is_named(world, issue):
	name = create(world, OPENED, re_entry="Not while one runs")
	with world.transaction():
		run = starting.start(world.host, name, doctype="Issue", docname=issue).run
	starts, gates = asked(world, name, docname=issue)
	assert not starts and run.name in gates["re_entry"]["says"]


def test_what_is_not_there_is_refused(world, issue):
	name = create(world, OPENED)
	with pytest.raises(NotFound):
		asked(world, "FT-99999", docname=issue)
	with pytest.raises(NotFound):
		asked(world, name, docname="ISS-none")
	with pytest.raises(Invalid):
		asked(world, name)
	with world.transaction():
		draft = templates.create_draft(world.host, {"template_name": f"Why {uuid.uuid4().hex[:8]}"})
	with pytest.raises(Conflict):
		asked(world, draft if isinstance(draft, str) else draft["name"], docname=issue)
