"""The recipes of docs/other-apps.md, in the lab."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "site"))
from flow_test_app import readme

from flow_editor.engine.errors import Invalid
from flow_editor.engine.field_types import BUILT_IN, type_table
from flow_editor.engine.filters import filter_table
from flow_editor.engine.kind import Field
from flow_editor.lab.host import LabHost
from flow_editor.services import compose, inbox, listening, looking, starting, templates


@pytest.fixture
def host():
	host = LabHost()
	host.catalog.add(readme.SendInvite())
	host.catalog.add(readme.Chase())
	host.catalog.add(readme.Dun())
	host.events.update({event.name: event for event in readme.EVENTS})
	host.operators.update(readme.OPERATORS)
	host.field_types = type_table([readme.PostalCode()])
	yield host
	host.store.close()


def create(host, kind: str, payload: dict | None = None, **fields) -> dict:
	steps = [{"id": "a", "kind": kind, "payload": payload or {}}]
	with host.store.transaction():
		return templates.create(
			host, {"template_name": kind, "is_active": 1, "flow_definition": {"steps": steps}, **fields}
		)


def test_a_kind_and_a_catalog(host):
	for kind in ("send_invite", "dun"):
		template = create(host, kind, {"to": "ana@example.com"})
		with host.store.transaction():
			run = starting.start(host, template["name"]).run
		assert run.step_state["a"]["result"] == {"invited": "ana@example.com"}
	assert [message["to"] for message in host.sent()] == ["ana@example.com"] * 2
	assert [kind["name"] for kind in host.catalog.as_list() if kind["catalog"] == "billing"] == ["dun"]


def test_a_step_that_waits_after_it_has_acted(host):
	issue = host.documents.create("Issue", {"subject": "x", "status": "Open"})
	template = create(host, "chase", {"to": "ana@example.com", "issue": issue})
	with host.store.transaction():
		run = starting.start(host, template["name"]).run
	inbox.drain(host)
	assert looking.get(host, run.name)["step_state"]["a"]["waits_for"]["document"]["docname"] == issue
	with host.store.transaction():
		host.documents.update("Issue", issue, {"status": "Closed"})
	inbox.drain(host)
	done = looking.get(host, run.name)["step_state"]["a"]
	assert done["result"] == {"invited": "ana@example.com", "branch": "met"} and len(host.sent()) == 1


def test_an_event(host):
	template = create(host, "wait", trigger_event="on_issue_resolved")
	with host.store.transaction():
		issue = host.documents.create("Issue", {"subject": "x"})
		host.documents.update("Issue", issue, {"status": "Resolved"})
	assert len(looking.find(host, {"template": template["name"]})) == 1


def test_a_condition(host):
	create(host, "wait", trigger_event="on_issue_opened", trigger_condition=readme.CONDITION)
	started = []
	for version in (1, 4):
		with host.store.transaction():
			name = host.documents.create("Issue", {"subject": "x", "version": version})
			results = listening.dispatch_event(host, "on_issue_opened", doctype="Issue", docname=name)
			started.append([result["run"] for result in results if result.get("run")])
	assert started[0] == [] and len(started[1]) == 1
	del host.operators["within_one"]
	with pytest.raises(Invalid, match="operator 'within_one' is not known"):
		create(host, "wait", trigger_event="on_issue_opened", trigger_condition=readme.CONDITION)


def test_a_type_of_field(host):
	class Visit(readme.SendInvite):
		name = "visit"
		fields = (*readme.SendInvite.fields, Field("code", readme.PostalCode(), "Code"))

		def run(self, step, ctx):
			return {"code": ctx.payload["code"]}

	host.catalog.add(Visit())
	payload = {"to": "ana@example.com"}
	with pytest.raises(Invalid, match="Code must be a postal code"):
		create(host, "visit", {**payload, "code": "75001"})
	steps = [{"id": "a", "kind": "visit", "payload": {**payload, "code": "{{variables.code}}"}}]
	definition = {"inputs": [{"name": "code", "type": "postal_code"}], "steps": steps}
	with host.store.transaction():
		template = templates.create(
			host, {"template_name": "visits", "is_active": 1, "flow_definition": definition}
		)
		run = starting.start(host, template["name"], variables={"code": "k1a 0b1"}).run
	assert run.step_state["a"]["result"] == {"code": "K1A 0B1"}
	with host.store.transaction(), pytest.raises(Invalid, match="Code must be a postal code"):
		starting.start(host, template["name"], variables={"code": "75001"})
	host.field_types = BUILT_IN
	with host.store.transaction(), pytest.raises(Invalid, match="'postal_code', which no app here brings"):
		starting.start(host, template["name"], variables={"code": "k1a 0b1"})


def test_a_filter_is_written_in_texts(host):
	step = {"id": "a", "kind": "issue", "payload": {"subject": "{{doc.phone | last_digits: 3}}"}}
	(problem,) = templates.check(host, {"steps": [step]})[0]
	assert "There is no filter “last_digits”" in problem.message
	host.filters = filter_table(readme.FILTERS)
	assert templates.check(host, {"steps": [step]})[0] == []
	for phone, reads, told in (("514-555-0199", "199", 0), ("12", "", 1)):
		with host.store.transaction():
			issue = host.documents.create("Issue", {"subject": "x", "phone": phone})
			rendered, problems = compose.preview(
				host, "issue", step["payload"], doctype="Issue", docname=issue
			)
		assert rendered["subject"] == reads and len(problems) == told


def test_every_recipe_is_a_block_that_runs_here():
	named = [
		block for block in readme.BLOCKS if "my_app.flows" not in block and "dispatch_event" not in block
	]
	# The README names what the recipes import; test_readme.py imports it.
	assert len([block for block in named if "\n\n" in block]) == 7
