"""Starting by hand: what a flow asks for, what is confirmed beforehand, and that one start is made once."""

from __future__ import annotations

import json
import uuid

import pytest

from flow_editor.doors import handlers, routes
from flow_editor.engine.definition import DELAY_FIELDS
from flow_editor.engine.errors import Conflict, Invalid, NotFound
from flow_editor.services import listening, starting, templates
from flow_editor.services.confirm import UNITS, UNKNOWN, confirm

ADDRESS = {"name": "address", "label": "New address", "required": True}
SIZE = {"name": "size", "type": "select", "options": ["S", "M"], "default": "M"}
FLOORS = {"name": "floors", "type": "number"}


def step(id: str, kind: str = "wait", **more) -> dict:
	return {"id": id, "kind": kind, "trigger": {"type": "on_prev_complete"}, "payload": {}, **more}


def create(world, *steps: dict, inputs=(), variables=None, **values) -> dict:
	definition = {"steps": list(steps or [step("a")]), "inputs": list(inputs), "variables": variables or {}}
	with world.transaction():
		return templates.create(
			world.host,
			{
				"template_name": f"Contract {uuid.uuid4().hex[:8]}",
				"is_active": 1,
				"flow_definition": definition,
				**values,
			},
		)


def start(world, flow, **about):
	with world.transaction():
		return starting.start(world.host, flow["name"], **about)


def refused(world, flow, **about) -> dict[str, str]:
	"""The problems of a start by field. Nothing is left of it."""
	before = len(world.host.store.runs({"flow_template": flow["name"]}))
	with pytest.raises(Invalid) as error, world.transaction():
		starting.start(world.host, flow["name"], **about)
	assert len(world.host.store.runs({"flow_template": flow["name"]})) == before
	return {problem.field: problem.message for problem in error.value.problems}


# Inputs


def test_given_values_win_over_an_input_s_default_and_that_over_the_variables(world):
	flow = create(
		world,
		inputs=[ADDRESS, SIZE, {"name": "group", "default": "of the input"}, FLOORS],
		variables={"group": "of variables", "other": "kept"},
	)
	given = {"address": "5 Rue Neuve", "floors": "2"}
	assert start(world, flow, variables=given).run.variables == {
		"address": "5 Rue Neuve",
		"size": "M",
		"floors": 2,
		"group": "of the input",
		"other": "kept",
	}
	chosen = start(world, flow, variables={**given, "size": "S", "group": "mine", "floors": ""}).run
	assert (chosen.variables["size"], chosen.variables["group"]) == ("S", "mine")
	assert "floors" not in chosen.variables


def test_what_is_missing_or_not_of_its_type_is_refused_with_its_field(world):
	flow = create(world, inputs=[ADDRESS, SIZE, FLOORS])
	assert refused(world, flow) == {"variables.address": "New address is missing. Give it."}
	wrong = refused(world, flow, variables={"address": 5, "size": "XL", "floors": "two"})
	assert set(wrong) == {"variables.address", "variables.size", "variables.floors"}
	assert wrong["variables.size"] == "Size must be one of S, M."


def test_a_link_names_a_document_that_there_is(world):
	customer = world.customer()
	flow = create(world, inputs=[{"name": "who", "type": "link", "doctype": "Customer", "required": True}])
	assert start(world, flow, variables={"who": customer}).run.variables == {"who": customer}
	assert "no-such" in refused(world, flow, variables={"who": "no-such"})["variables.who"]


def test_inputs_are_read_as_variables_by_the_steps(world):
	customer = world.customer()
	flow = create(
		world,
		step("job", "dispatch_job", payload={"subject": "Move to {{variables.address}}"}),
		inputs=[ADDRESS],
	)
	moved = start(world, flow, doctype="Customer", docname=customer, variables={"address": "5 Rue Neuve"})
	job = moved.run.step_state["job"]["result"]["job"]
	assert world.host.documents.get("Dispatch Job", job)["subject"] == "Move to 5 Rue Neuve"


def test_an_event_takes_the_defaults_and_what_is_raised_at_a_door_is_of_its_type(world):
	flow = create(world, inputs=[SIZE, FLOORS], trigger_event="on_issue_opened")

	def raised(variables=None, **more) -> dict:
		with world.transaction():
			results = listening.dispatch_event(world.host, "on_issue_opened", variables=variables, **more)
		return next(result for result in results if result["template"] == flow["name"])

	by_code = world.host.store.run(raised({"floors": "anything"})["run"])
	assert by_code.variables == {"size": "M", "floors": "anything"}
	caller = world.host.user
	assert "Floors must be a number" in raised({"floors": "two"}, caller=caller)["skipped"]
	at_a_door = world.host.store.run(raised({"floors": "2", "size": ""}, caller=caller)["run"])
	assert at_a_door.variables == {"size": "M", "floors": 2}


def test_the_event_of_a_start_by_hand_starts_nothing_that_must_ask(world):
	flow = create(world, inputs=[ADDRESS], trigger_event="manual")
	with world.transaction():
		results = listening.dispatch_event(world.host, "manual")
		(mine,) = [result for result in results if result["template"] == flow["name"]]
		assert "It must be given New address" in mine["skipped"]
		results = listening.dispatch_event(world.host, "manual", variables={"address": "5 Rue Neuve"})
	assert "run" in next(result for result in results if result["template"] == flow["name"])


def test_inputs_stay_in_an_export_an_import_and_a_copy(world):
	flow = create(world, inputs=[ADDRESS, SIZE])
	exported = json.loads(json.dumps(templates.export(world.host, flow["name"])))
	assert exported["flow_definition"]["inputs"] == [ADDRESS, SIZE]
	with world.transaction():
		copy = templates.duplicate(world.host, flow["name"])
		other, _ = templates.import_(world.host, {**exported, "template_name": f"{flow['template_name']} 2"})
	assert copy["flow_definition"]["inputs"] == other["flow_definition"]["inputs"] == [ADDRESS, SIZE]


def test_a_flow_that_asks_cannot_be_let_start_by_itself(world):
	flow = create(world, inputs=[ADDRESS])
	with pytest.raises(Invalid) as error, world.transaction():
		templates.update(world.host, flow["name"], {"trigger_event": "on_issue_opened"})
	assert [problem.field for problem in error.value.problems] == ["inputs.address.required"]


def test_a_default_that_names_no_document_is_a_warning(world):
	customer = world.customer()
	whose = {"name": "who", "type": "link", "doctype": "Customer", "label": "Whose"}
	for default, said in ((customer, []), ("Nobody at all", ["inputs.who.default"])):
		definition = {"steps": [step("a")], "inputs": [{**whose, "default": default}]}
		problems, warnings = templates.check(world.host, definition)
		assert problems == [] and [warning.field for warning in warnings] == said


def test_the_catalog_says_what_an_input_may_be(world):
	types = handlers.catalog(world.host)["input_types"]
	assert {"text", "select", "link", "date"} <= {entry["name"] for entry in types}
	assert all(entry["label"] for entry in types)


# Before it


def telling(world, **values) -> dict:
	return create(
		world,
		step(
			"job",
			"dispatch_job",
			label="Send somebody",
			payload={"subject": "Move of {{customer.customer_name}} to {{variables.address}}"},
		),
		step(
			"tell",
			"notify",
			label="Tell them",
			depends_on=["job"],
			payload={"subject": "Job {{steps.job.result.job}}", "body": "b"},
		),
		step("ready", depends_on=["tell"], label="It is ready", trigger={"type": "manual"}),
		step(
			"sms",
			"notify",
			depends_on=["ready"],
			payload={"channel": "sms", "to": "{{customer.mobile_no}}", "body": "b"},
		),
		step(
			"later",
			"issue",
			label="Look again",
			depends_on=["sms"],
			trigger={"type": "after_delay", "delay_days": 2},
			payload={"subject": "Look at {{doc.name}}"},
		),
		inputs=[ADDRESS, SIZE],
		**values,
	)


def test_a_confirmation_says_in_words_what_would_be_asked_sent_and_made(world):
	customer = world.customer()
	flow = telling(world, description="Moves a customer.")
	about = {"doctype": "Customer", "docname": customer}
	before = len(world.host.store.runs({"flow_template": flow["name"]}))
	said = confirm(world.host, flow["name"], **about)
	assert (said["title"], said["description"]) == (flow["template_name"], "Moves a customer.")
	assert (said["runs_as"], said["customer"], said["refusal"]) == (world.host.user, customer, "")
	assert [one["name"] for one in said["inputs"]] == ["address", "size"]
	assert said["inputs"][1]["options"] == [{"value": "S", "label": "S"}, {"value": "M", "label": "M"}]
	assert [problem["field"] for problem in said["problems"]] == ["variables.address"]
	assert said["variables"] == {"size": "M"}
	name = world.host.documents.get("Customer", customer)["customer_name"]
	mobile = world.host.documents.get("Customer", customer)["mobile_no"]
	assert [(entry["step"], entry["words"], entry["when"]) for entry in said["makes"]] == [
		("job", f"Dispatch Job: Move of {name} to {UNKNOWN}", ""),
		("later", f"Issue: Look at {customer}", f"2 days after “{'Notify'}”"),
	]
	assert [(entry["step"], entry["words"], entry["when"]) for entry in said["sends"]] == [
		("tell", f"E-mail to {customer}: Job {UNKNOWN}", ""),
		("sms", f"SMS to {mobile}: b", "after “It is ready”"),
	]
	assert [(entry["step"], entry["when"]) for entry in said["waits"]] == [
		("ready", "when somebody completes it"),
		("later", "2 days after “Notify”"),
	]
	of_nobody = confirm(world.host, flow["name"])
	assert [entry["words"] for entry in of_nobody["sends"]] == [
		f"E-mail to the customer: Job {UNKNOWN}",
		f"SMS to {UNKNOWN}: b",
	]
	assert of_nobody["makes"][0]["words"] == f"Dispatch Job: Move of {UNKNOWN} to {UNKNOWN}"
	given = confirm(world.host, flow["name"], **about, variables={"address": "5 Rue Neuve"})
	assert given["problems"] == [] and given["makes"][0]["words"].endswith("to 5 Rue Neuve")
	assert len(world.host.store.runs({"flow_template": flow["name"]})) == before


def test_what_is_known_to_be_empty_stands_for_nothing_and_each_step_says_what_it_is_about(world):
	customer = world.customer()
	issue = world.issue(customer)
	flow = create(
		world,
		step("activate", "subscription_activate", payload={"subscription_ref": "{{variables.subscription}}"}),
		step(
			"change",
			"erp_update",
			payload={"doctype": "Issue", "fields_json": '{"status": "{{variables.to}}"}'},
		),
		step(
			"all",
			"erp_update",
			payload={"doctype": "Issue", "docname_ref": "I-1", "fields_json": "{{variables.x}}"},
		),
		step(
			"tell",
			"notify",
			payload={"to": "{{doc.contact}}", "template_id": "Welcome", "subject": "not this"},
		),
		step("sms", "notify", payload={"channel": "sms", "body": "Up to {{variables.by}} & on"}),
		inputs=[
			{"name": "subscription", "type": "link", "doctype": "Subscription"},
			{"name": "by", "type": "date"},
			{"name": "to", "required": True},
		],
	)
	said = confirm(world.host, flow["name"], doctype="Issue", docname=issue, variables={"by": "soon"})
	assert [entry["words"] for entry in said["makes"]] == [
		f"Activate {customer}'s subscription",
		f"Change {issue} (Issue): status: {UNKNOWN}",
		f"Change I-1 (Issue): {UNKNOWN}",
	]
	assert [entry["words"] for entry in said["sends"]] == [
		f"E-mail to {customer}: Welcome",
		f"SMS to {customer}: Up to {UNKNOWN} & on",
	]
	of_nothing = confirm(world.host, flow["name"], variables={"to": "Closed"})
	assert [entry["words"] for entry in of_nothing["makes"]][:2] == [
		"Activate the customer's subscription",
		"Change the document (Issue): status: Closed",
	]
	assert of_nothing["sends"][0]["words"] == f"E-mail to {UNKNOWN}: Welcome"


def test_times_are_said_with_what_is_known_of_them(world):
	end = {"type": "on_date", "at": "{{variables.end}}"}
	triggers = {
		"on": end,
		"before": {**end, "delay_days": -30, "delay_hours": "-{{variables.hours}}"},
		"after": {**end, "delay_working_days": 1},
		"mixed": {"type": "on_date", "at": "2027-03-31", "delay_days": -1, "delay_hours": 8},
		"read": {"type": "after_delay", "delay_days": "{{variables.days}}", "delay_months": 1},
		"unknown": {"type": "after_delay", "delay_minutes": "{{doc.minutes}}"},
		"none": {"type": "after_delay", "delay_minutes": 0},
	}
	flow = create(world, *(step(id, trigger=trigger) for id, trigger in triggers.items()))
	said = confirm(world.host, flow["name"], variables={"end": "2026-12-03", "hours": 2, "days": 10})
	assert {entry["step"]: entry["when"] for entry in said["waits"]} == {
		"on": "on 2026-12-03",
		"before": "30 days, 2 hours before 2026-12-03",
		"after": "1 working day after 2026-12-03",
		"mixed": "-1 days, 8 hours after 2027-03-31",
		"read": "1 month, 10 days later",
		"unknown": "… minutes later",
	}


def test_a_moment_is_said_as_people_read_it_and_a_job_says_whom_it_calls(world):
	url = "https://x.test/"
	flow = create(
		world,
		step(
			"job",
			"dispatch_job",
			trigger={"type": "on_date", "at": "{{doc.opening_date}}", "delay_days": 3},
			payload={"subject": "s", "on_open_webhook": f"{url}open", "on_close_webhook": f"{url}close"},
		),
	)
	issue = world.issue(world.customer(), opening_date="2026-12-03")
	(made,) = confirm(world.host, flow["name"], doctype="Issue", docname=issue)["makes"]
	assert made["words"] == f"Dispatch Job: s, and calls {url}open and {url}close"
	assert made["when"] == "3 days after 3 December 2026"


def test_a_step_in_a_branch_says_on_what_it_depends(world):
	flow = create(
		world,
		step("ask", "condition", label="Is it urgent?", payload={"field": "doc.priority", "value": "High"}),
		step("yes", "issue", parent_id="ask", branch="yes", payload={"subject": "x"}),
	)
	(made,) = confirm(world.host, flow["name"])["makes"]
	assert made["when"] == "if “Is it urgent?” is Yes"


@pytest.mark.parametrize(
	("trigger", "when"),
	[
		({"type": "after_delay", "delay_hours": 1, "delay_months": 2}, "2 months, 1 hour later"),
		({"type": "after_delay", "delay_working_days": 3}, "3 working days later"),
		({"type": "after_delay", "delay_days": "{{variables.days}}"}, f"{UNKNOWN} days later"),
		({"type": "on_date", "at": "2027-03-31"}, "on 2027-03-31"),
		({"type": "on_date", "at": "{{variables.day}}", "delay_days": -3}, f"3 days before {UNKNOWN}"),
		({"type": "on_date", "at": "2027-03-31", "delay_days": 1}, "1 day after 2027-03-31"),
		({"type": "on_webhook"}, "when an outside system calls back"),
	],
)
def test_a_step_says_when_it_happens(world, trigger, when):
	flow = create(world, step("a", "issue", payload={"subject": "x"}, trigger=trigger))
	said = confirm(world.host, flow["name"])
	assert [entry["when"] for entry in said["makes"]] == [when]
	assert [entry["when"] for entry in said["waits"]] == [when]


def test_there_is_a_word_for_each_part_of_a_delay():
	assert set(UNITS) == set(DELAY_FIELDS)


def test_what_could_not_be_started_whatever_is_given_is_said_beforehand(world):
	customer = world.customer()
	flow = create(world, inputs=[ADDRESS], re_entry="Once per document")
	about = {"doctype": "Customer", "docname": customer}
	assert confirm(world.host, flow["name"], **about)["refusal"] == ""
	start(world, flow, **about, variables={"address": "x"})
	assert "once per document" in confirm(world.host, flow["name"], **about)["refusal"]


def test_a_long_chain_of_steps_is_told_in_part(world):
	chain = [
		step(f"s{n}", "issue", payload={"subject": "x"}, depends_on=[f"s{n - 1}"] if n else [])
		for n in range(130)
	]
	said = confirm(world.host, create(world, *chain)["name"])
	assert (len(said["makes"]), said["more"]) == (100, 30)


def test_the_door_confirms_what_start_would_take(world):
	flow = create(world, inputs=[ADDRESS])
	route, parts = routes.find("POST", "/confirm")
	given = routes.read(route, parts, {}, json.dumps({"template": flow["name"]}).encode())
	answer = route.handler(world.host, **given)
	assert set(route.answer) == set(answer)
	with pytest.raises(NotFound):
		route.handler(world.host, template="FT-99999")
	with pytest.raises(NotFound):
		route.handler(world.host, template=flow["name"], doctype="Customer", docname="no-such")


# Once


def test_the_same_key_starts_it_once_and_answers_with_the_same_run(world):
	customer = world.customer()
	flow = create(
		world,
		step("tell", "notify", payload={"to": "a@example.com", "subject": "s", "body": "b"}),
		inputs=[SIZE],
	)
	about = {"doctype": "Customer", "docname": customer, "variables": {"size": "S"}}
	before = world.mails_sent()
	first = start(world, flow, **about, idempotency_key="k1")
	again = start(world, flow, **about, idempotency_key="k1")
	assert (first.repeated, again.repeated, again.executed) == (False, True, [])
	assert first.run.name == again.run.name and world.mails_sent() == before + 1
	assert start(world, flow, **about, idempotency_key="k2").run.name != first.run.name
	assert start(world, flow, **about).run.name != start(world, flow, **about).run.name


def test_the_same_key_with_something_else_is_a_conflict(world):
	flow = create(world, inputs=[SIZE])
	made = start(world, flow, variables={"size": "S"}, idempotency_key="k").run.name
	for other in ({"variables": {"size": "M"}}, {}, {"doctype": "Customer", "docname": world.customer()}):
		with pytest.raises(Conflict, match=f"has started {made} with other values"), world.transaction():
			starting.start(world.host, flow["name"], **other, idempotency_key="k")


def test_a_key_is_for_one_flow(world):
	one, other = create(world), create(world)
	assert start(world, one, idempotency_key="k").run.flow_template == one["name"]
	assert start(world, other, idempotency_key="k").run.flow_template == other["name"]


def test_a_start_that_was_refused_has_used_no_key(world):
	flow = create(world, inputs=[ADDRESS])
	assert set(refused(world, flow, idempotency_key="k")) == {"variables.address"}
	made = start(world, flow, variables={"address": "x"}, idempotency_key="k")
	assert not made.repeated


def test_a_key_whose_run_is_gone_starts_nothing_again(world):
	flow = create(world)
	made = start(world, flow, idempotency_key="k").run.name
	with world.transaction():
		world.delete_run(made)
	with pytest.raises(Conflict, match="has been deleted"), world.transaction():
		starting.start(world.host, flow["name"], idempotency_key="k")


def test_a_key_comes_in_the_body_or_in_the_header(world):
	flow = create(world)
	route, parts = routes.find("POST", "/start")
	body = {"template": flow["name"]}

	def asked(body: dict, headers: dict | None = None) -> dict:
		given = routes.read(route, parts, {}, json.dumps(body).encode(), headers or {})
		with world.transaction():
			return route.handler(world.host, **given)

	first = asked({**body, "idempotency_key": "abc"})
	again = asked(body, {"Idempotency-Key": "abc"})
	assert (first["repeated"], again["repeated"]) == (False, True)
	assert again["run"]["name"] == first["run"]["name"] and set(again) == set(route.answer)
	assert asked({**body, "idempotency_key": "abc"}, {"Idempotency-Key": "abc"})["repeated"]
	for bad, headers in (
		({"idempotency_key": "abc"}, {"Idempotency-Key": "other"}),
		({"idempotency_key": "x" * 201}, {}),
		({"idempotency_key": "a\nb"}, {}),
		({"idempotency_key": 5}, {}),
	):
		with pytest.raises(Invalid) as error:
			asked({**body, **bad}, headers)
		assert [problem.field for problem in error.value.problems] == ["idempotency_key"]
