"""What an author is told, and what helps when a flow or its edit went wrong, on whichever host."""

from __future__ import annotations

import json

import pytest
from test_services import create, start, statuses, step

from flow_editor.doors import routes
from flow_editor.engine.errors import Conflict, Invalid, NotFound, RunAsChanges
from flow_editor.engine.kind import Kind
from flow_editor.services import looking, portable, runs, templates

CONDITION = '{"==": [{"var": "doc.priority"}, "High"]}'


def ask(world, verb: str, path: str, **body):
	route, parts = routes.find(verb, path)
	with world.transaction():
		return route.handler(world.host, **routes.read(route, parts, {}, json.dumps(body).encode()))


def seeded(world, name: str) -> dict:
	return next(one for one in templates.find(world.host, {}) if one["template_name"] == name)


class Late(Kind):
	"""What an app brought that is taken away again."""

	name = "late_kind"
	label = "Late"


@pytest.fixture
def late_kind(world):
	world.host.catalog.add(Late())
	yield Late.name
	world.host.catalog._kinds.pop(Late.name, None)


# Restore


def test_a_shipped_flow_that_was_saved_empty_is_restored_as_a_new_version(world):
	name = seeded(world, "fiber_install")["name"]
	# An older site's may be of an older version of the app.
	before = ask(world, "POST", f"/templates/{name}/restore", version="shipped")["template"]
	emptied = ask(
		world, "PUT", f"/templates/{name}", flow_definition={"steps": []}, trigger_event="on_issue_opened",
		trigger_condition=CONDITION, re_entry="Once per document", description="Ours", is_active=0,
	)["template"]  # fmt: skip
	assert emptied["step_count"] == 0
	answer = ask(world, "POST", f"/templates/{name}/restore", version="shipped")
	restored = answer["template"]
	for field in (
		"flow_definition",
		"trigger_event",
		"trigger_condition",
		"re_entry",
		"description",
		"run_as",
	):
		assert restored[field] == before[field], field
	assert (restored["version"], restored["is_active"], restored["is_system"]) == (
		emptied["version"] + 1,
		0,
		1,
	)
	assert answer["notices"] == [
		f"This flow is as it came with the app, which is version {restored['version']} now. "
		f"What it was before is kept as version {emptied['version']}."
	]
	again = ask(world, "POST", f"/templates/{name}/restore", version="shipped")
	assert again["template"]["version"] == restored["version"] and "already" in again["notices"][0]
	with world.transaction():
		templates.update(world.host, name, {"is_active": before["is_active"]})


def test_a_shipped_flow_in_another_category_is_not_brought_again_and_is_restored(world):
	flow = seeded(world, "phone_service")
	ask(world, "PUT", f"/templates/{flow['name']}", category="other")
	with world.transaction():
		assert portable.seed(world.host) == []
	restored = ask(world, "POST", f"/templates/{flow['name']}/restore", version="shipped")["template"]
	assert restored["category"] == "residential"


def test_an_earlier_version_is_restored_with_its_start(world):
	made = create(world, step("first"), trigger_event="on_issue_opened", trigger_condition=CONDITION)
	with world.transaction():
		templates.update(
			world.host, made["name"], {"flow_definition": {"steps": []}, "trigger_event": "manual", "trigger_condition": ""}
		)  # fmt: skip
	restored = ask(world, "POST", f"/templates/{made['name']}/restore", version=1)["template"]
	assert (restored["version"], restored["step_count"], restored["trigger_event"]) == (
		3,
		1,
		"on_issue_opened",
	)
	assert json.loads(restored["trigger_condition"]) == json.loads(CONDITION)
	with pytest.raises(NotFound, match="Version 9"):
		ask(world, "POST", f"/templates/{made['name']}/restore", version=9)
	with pytest.raises(Invalid, match="no version"):
		ask(world, "POST", f"/templates/{made['name']}/restore", version="latest")
	with pytest.raises(Conflict, match="did not come with the app"):
		ask(world, "POST", f"/templates/{made['name']}/restore", version="shipped")


def test_a_version_that_is_wrong_by_now_is_not_restored(world, late_kind):
	made = create(world, step("a", late_kind))
	with world.transaction():
		templates.update(world.host, made["name"], {"flow_definition": {"steps": [step("b")]}})
	world.host.catalog._kinds.pop(late_kind)
	with pytest.raises(Invalid, match="kind"):
		ask(world, "POST", f"/templates/{made['name']}/restore", version=1)
	assert templates.get(world.host, made["name"])["version"] == 2


# Who it runs as


def test_an_answer_says_what_became_of_a_write_and_a_check_says_it_before(world):
	made = create(world, step("a"))
	path, me = f"/templates/{made['name']}", world.host.user
	assert ask(world, "PUT", path, description="x")["notices"] == []
	asked = ask(world, "POST", f"{path}/check", flow_definition={"steps": [step("b")]})
	assert asked == {"run_as": me, "will_run_as": me, "may_keep": True, "may_not": []}
	assert templates.get(world.host, made["name"])["flow_definition"]["steps"][0]["id"] == "a"
	with pytest.raises(Invalid):
		ask(world, "POST", f"{path}/check", flow_definition={"steps": [step("b"), step("b")]})


def test_a_write_that_would_run_as_another_than_was_said_is_refused(world):
	made = create(world, step("a"))
	path = f"/templates/{made['name']}"
	with pytest.raises(RunAsChanges, match=f"would run as {world.host.user}"):
		ask(world, "PUT", path, description="y", will_run_as="ana@example.com")
	assert templates.get(world.host, made["name"])["version"] == 1
	assert ask(world, "PUT", path, description="y", will_run_as=world.host.user)["template"]["version"] == 2


def test_emptying_the_field_keeps_who_it_runs_as(world):
	made = create(world, step("a"))
	for values in ({"run_as": ""}, {"run_as": "", "description": "x"}):
		assert (
			ask(world, "PUT", f"/templates/{made['name']}", **values)["template"]["run_as"] == made["run_as"]
		)


# What helps


def failure(world, own: dict, **about) -> str:
	run = start(world, create(world, own, step("after")), **about)
	return looking.get(world.host, run)["step_state"]["a"]["error"]


NOBODY = {"subject": "s", "body": "b"}


def test_a_step_that_only_another_flow_helps_says_so(world):
	error = failure(world, step("a", "notify", payload=NOBODY))
	assert "Fill in To" in error and "Change the flow, cancel this run and start it again." in error


def test_a_step_that_reads_what_can_be_mended_says_to_retry_it(world):
	error = failure(world, step("a", "notify", payload={**NOBODY, "to": "{{variables.to}}"}))
	assert "Once what the step reads is mended, retry it." in error
	payload = {"doctype": "Issue", "docname_ref": "{{variables.issue}}", "fields_json": '{"subject": "x"}'}
	assert "retry it" in failure(world, step("a", "erp_update", payload=payload))
	undated = {"type": "on_date", "at": "{{variables.date}}"}
	error = failure(world, step("a", trigger=undated), variables={"date": "soon"})
	assert "'soon'" in error and "mended, retry it" in error


def test_a_step_that_the_flow_goes_on_without_advises_nothing_that_is_refused(world):
	flow = create(
		world,
		step("a", "notify", payload=NOBODY, on_error="continue"),
		step("hand", trigger={"type": "manual"}),
	)
	run = start(world, flow)
	error = looking.get(world.host, run)["step_state"]["a"]["error"]
	assert "Fill in To" in error and "retry" not in error.casefold() and "cancel" not in error
	with pytest.raises(Conflict, match="went on without it, so it cannot be retried"), world.transaction():
		runs.retry(world.host, run, "a")


@pytest.mark.parametrize(
	"own",
	[
		{"trigger": {"type": "after_delay", "delay_days": "{{variables.none}}"}},
		{"trigger": {"type": "after_delay", "delay_days": "-{{variables.one}}"}},
		{"trigger": {"type": "on_date", "at": "{{variables.none}}"}},
		{"kind": "erp_update", "payload": {"doctype": "Customer", "docname_ref": "No-one", "fields_json": '{"language": "fr"}'}},
	],
)  # fmt: skip
def test_retrying_is_advised_where_it_is_taken_and_nowhere_else(world, own):
	own = step("a", **{"kind": "wait", **own})
	error = failure(world, own, variables={"one": 1})
	assert "retry it. A change of the flow itself is for later runs" in error
	assert "retry" not in failure(world, {**own, "on_error": "continue"}, variables={"one": 1})


def test_a_kind_that_is_gone_says_what_brings_it_back(world, late_kind):
	flow = create(world, step("hand", trigger={"type": "manual"}), step("a", late_kind, depends_on=["hand"]))
	run = start(world, flow)
	world.host.catalog._kinds.pop(late_kind)
	with world.transaction():
		runs.complete(world.host, run, "hand")
	error = looking.get(world.host, run)["step_state"]["a"]["error"]
	assert "Install the app that brings it. Then retry the step. Or change the flow, cancel this run" in error
	assert statuses(world, run)["a"] == "failed"


# The owner's notice


def test_a_notice_names_the_flow_the_document_the_step_and_the_reason(world):
	payload = {"doctype": "Issue", "docname_ref": "NO-SUCH", "fields_json": '{"subject": "x"}'}
	flow = create(world, step("a", "erp_update", label="Close the ticket", payload=payload))
	with world.transaction():
		issue = world.issue(world.customer())
	run = start(world, flow, doctype="Issue", docname=issue)
	(told,) = world.told(flow["name"])
	assert told.startswith(
		f"{flow['template_name']} has failed at the step Close the ticket for Issue {issue}: "
		"There is no Issue 'NO-SUCH'."
	), told
	assert run not in told and "retry" not in told  # what helps, the run says
	for _ in range(9):
		start(world, flow, doctype="Issue", docname=issue)
	assert world.told(flow["name"])[1].startswith(f"{flow['template_name']} is paused")
