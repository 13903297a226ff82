"""What the services promise, on whichever host."""

from __future__ import annotations

import json
import uuid

import pytest

from flow_editor.engine import validation
from flow_editor.engine.context import ROOTS
from flow_editor.engine.errors import Conflict, Invalid, NotAllowed, NotFound
from flow_editor.services import authored, compose, listening, looking, portable, runs, starting, templates


def step(id: str, kind: str = "wait", **more) -> dict:
	return {"id": id, "kind": kind, "trigger": {"type": "on_prev_complete"}, "payload": {}, **more}


def create(world, *steps: dict, **values) -> dict:
	with world.transaction():
		return templates.create(
			world.host,
			{
				"template_name": f"Contract {uuid.uuid4().hex[:8]}",
				"is_active": 1,
				"flow_definition": {"steps": list(steps)},
				**values,
			},
		)


def start(world, template, **about) -> str:
	with world.transaction():
		return starting.start(world.host, template["name"], **about).run.name


def statuses(world, run: str) -> dict[str, str]:
	return {id: entry["status"] for id, entry in looking.get(world.host, run)["step_state"].items()}


def rows(world, run: str):
	return world.host.store.pending({"flow_run": run})


# Templates


def test_a_template_is_created_changed_duplicated_and_deleted(world):
	made = create(world, step("a"))
	assert (made["version"], made["step_count"], made["is_system"]) == (1, 1, 0)
	assert made["name"].startswith("FT-") and made["flow_definition"]["steps"][0]["id"] == "a"
	with world.transaction():
		same = templates.update(world.host, made["name"], {"description": ""})
		changed = templates.update(world.host, made["name"], {"description": "x", "version": 1})
	assert (same["version"], changed["version"]) == (1, 2)
	with pytest.raises(Conflict, match="version 2"), world.transaction():
		templates.update(world.host, made["name"], {"description": "y", "version": 1})
	with world.transaction():
		copy = templates.duplicate(world.host, made["name"])
		assert (copy["template_name"], copy["is_active"]) == (f"{made['template_name']} (copy)", 0)
		templates.delete(world.host, copy["name"])
	with pytest.raises(NotFound):
		templates.get(world.host, copy["name"])
	assert world.host.store.definition(made["name"], 1) == world.host.store.definition(made["name"], 2)


def test_a_trigger_that_is_changed_in_the_definition_alone_is_no_less_a_change(world):
	made = create(
		world,
		step("a"),
		trigger_event="on_issue_opened",
		trigger_condition='{"==": [{"var": "status"}, "Open"]}',
	)
	definition = made["flow_definition"]

	def put(**patch) -> tuple[str, str]:
		with world.transaction():
			stored = templates.update(world.host, made["name"], patch)
		inner = stored["flow_definition"]["trigger"]
		assert (inner["event"], inner["condition"]) == (stored["trigger_event"], stored["trigger_condition"])
		return stored["trigger_event"], stored["trigger_condition"]

	condition = {"==": [{"var": "doc.status"}, "Closed"]}
	changed = {**definition, "trigger": {"event": "on_quotation_created", "condition": condition}}
	assert put(flow_definition=changed) == ("on_quotation_created", json.dumps(condition))
	# A field that is written beside it wins, and an emptied one empties.
	assert put(flow_definition=definition, trigger_event="on_customer_created", trigger_condition="") == (
		"on_customer_created",
		"",
	)
	# What stands in a definition from before is no change of its own.
	assert put(description="x") == ("on_customer_created", "")
	assert put(flow_definition={"steps": [step("b")]}) == ("on_customer_created", "")


def test_every_problem_of_a_template_at_once_and_nothing_stored(world):
	before = len(templates.find(world.host, {}))
	with pytest.raises(Invalid) as error, world.transaction():
		templates.create(
			world.host,
			{
				"template_name": "",
				"category": "x",
				"trigger_event": "y",
				"flow_definition": {"steps": [step("a", "nope"), step("a")]},
			},
		)
	assert {(p.step, p.field) for p in error.value.problems} == {
		("", "template_name"),
		("", "category"),
		("", "trigger_event"),
		("a", "kind"),
		("a", "id"),
	}
	with pytest.raises(Invalid, match="no field"), world.transaction():
		templates.create(world.host, {"template_name": "x", "nope": 1})
	assert len(templates.find(world.host, {})) == before


def test_a_condition_can_be_removed_again_and_flags_are_read_as_written(world):
	condition = '{"==": [{"var": "doc.priority"}, "High"]}'
	made = create(world, step("a"), trigger_event="on_issue_opened", trigger_condition=condition)
	with world.transaction():
		changed = templates.update(world.host, made["name"], {"trigger_condition": "", "is_active": "0"})
	assert (changed["trigger_condition"] or "", changed["is_active"]) == ("", 0)
	assert changed["flow_definition"]["trigger"]["condition"] == ""
	with world.transaction():
		assert templates.update(world.host, made["name"], {"is_active": "1"})["is_active"] == 1


def test_system_templates_are_protected(world):
	(seed,) = [
		t for t in templates.find(world.host, {"is_active": "1"}) if t["template_name"] == "fiber_install"
	]
	for forbidden in (
		lambda: templates.delete(world.host, seed["name"]),
		lambda: templates.update(world.host, seed["name"], {"template_name": "Mine"}),
		lambda: templates.update(world.host, seed["name"], {"is_system": 0}),
	):
		with pytest.raises(NotAllowed), world.transaction():
			forbidden()
	assert templates.get(world.host, seed["name"])["template_name"] == "fiber_install"


def test_filters_and_export_and_import(world):
	made = create(world, step("a"), category="billing", trigger_event="on_issue_opened")
	assert [
		t["name"]
		for t in templates.find(world.host, {"category": "billing", "trigger_event": "on_issue_opened"})
	] == [made["name"]]
	exported = json.loads(json.dumps(portable.export(world.host, made["name"])))
	with world.transaction():
		again, is_new = portable.import_(world.host, exported)
		assert (again["version"], is_new) == (1, False)
		other, is_new = portable.import_(
			world.host, {**exported, "template_name": exported["template_name"] + " 2"}
		)
		assert is_new and other["flow_definition"] == made["flow_definition"]
		assert portable.seed(world.host) == []


# Runs


def test_branches_joins_and_skips(world):
	customer = world.customer()
	flow = create(
		world,
		step(
			"q",
			"condition",
			payload={"field": "customer.email_id", "op": "ends_with", "value": "example.com"},
		),
		step("yes", parent_id="q", branch="yes"),
		step("no", parent_id="q", branch="no"),
		step("join", depends_on=["yes", "no"]),
	)
	run = start(world, flow, doctype="Customer", docname=customer)
	assert statuses(world, run) == {"q": "done", "yes": "done", "no": "skipped", "join": "done"}
	shown = looking.get(world.host, run)
	assert (shown["status"], shown["customer"], shown["context_docname"]) == ("completed", customer, customer)
	assert shown["completed_at"] and shown["template_version"] == 1


def test_delays_wait_in_the_inbox_and_fire_once(world):
	flow = create(
		world,
		step(
			"late",
			"notify",
			payload={"subject": "s", "body": "b"},
			trigger={"type": "after_delay", "delay_days": 2},
		),
	)
	before = world.mails_sent()
	run = start(world, flow, customer=world.customer())
	(row,) = rows(world, run)
	assert (row.step_id, row.purpose, row.status, row.retry_count) == ("late", "fire", "pending", 0)
	assert world.drain().worked == 0 and statuses(world, run) == {"late": "scheduled"}
	world.let_due(run)
	assert world.drain().worked == 1 and world.drain().worked == 0
	assert statuses(world, run) == {"late": "done"} and world.mails_sent() == before + 1
	(row,) = rows(world, run)
	assert row.status == "completed" and row.executed_at


def test_complete(world):
	flow = create(
		world,
		step("a", trigger={"type": "manual"}),
		step("b", depends_on=["a"], trigger={"type": "on_webhook"}),
	)
	run = start(world, flow)
	with pytest.raises(Conflict, match="not reachable"), world.transaction():
		runs.complete(world.host, run, "b")
	with pytest.raises(NotFound), world.transaction():
		runs.complete(world.host, run, "nowhere")
	with world.transaction():
		moved, note = runs.complete(world.host, run, "a", {"n": 1})
		assert moved.executed == ["a"] and not note
		moved, note = runs.complete(world.host, run, "a", {"n": 2})
		assert moved.executed == [] and "already" in note
		runs.complete(world.host, run, "b", [1, 2])
	state = looking.get(world.host, run)["step_state"]
	assert (state["a"]["result"], state["b"]["result"]) == ({"n": 1}, [1, 2])
	assert looking.get(world.host, run)["status"] == "completed"


def test_complete_takes_no_branch_that_there_is_not(world):
	flow = create(
		world,
		step("q", "condition", payload={"field": "doc.x", "op": "empty"}, trigger={"type": "manual"}),
		step("no", parent_id="q", branch="no"),
	)
	run = start(world, flow)
	with pytest.raises(Conflict, match="no branch"), world.transaction():
		runs.complete(world.host, run, "q", {"branch": "maybe"})
	with world.transaction():
		runs.complete(world.host, run, "q", {"branch": "no"})
	assert statuses(world, run) == {"q": "done", "no": "done"}


def test_a_step_that_fails_takes_its_error_lane_and_the_run_goes_on_untold(world):
	steps = [
		step("ask", "erp_update", on_error="lane", payload={"doctype": "Issue", "docname_ref": "gone", "fields_json": "{}"}),
		step("sorry", parent_id="ask", branch="error"),
		step("thanks", parent_id="ask"),
		step("after", depends_on=["ask"]),
	]  # fmt: skip
	template = create(world, *steps)
	run = start(world, template)
	world.drain()
	assert statuses(world, run) == {"ask": "done", "sorry": "done", "thanks": "skipped", "after": "done"}
	shown = looking.get(world.host, run)
	assert shown["status"] == "completed" and not shown["error"]
	assert shown["step_state"]["ask"]["error"] and "lanes" not in shown["step_state"]["ask"]
	with pytest.raises(Conflict, match="went on without it"), world.transaction():
		runs.retry(world.host, run, "ask")


def test_a_step_that_is_off_is_passed_over_with_its_block(world):
	mail = {"channel": "email", "to": "a@example.com", "subject": "s", "body": "b"}
	steps = [
		step("tell", "notify", off=True, payload=mail, trigger={"type": "after_delay", "delay_days": 3}),
		step("inner", "notify", parent_id="tell", payload=mail),
		step("after", depends_on=["tell"]),
	]
	run = start(world, create(world, *steps))
	world.drain()
	shown = looking.get(world.host, run)
	assert shown["status"] == "completed"
	assert shown["step_state"]["tell"] == {
		"status": "done",
		"off": True,
		"completed_at": shown["step_state"]["tell"]["completed_at"],
	}
	assert shown["step_state"]["inner"]["off"] and "result" not in shown["step_state"]["inner"]


def test_failure_retry_and_cancel(world):
	nobody = step("mail", "notify", payload={"subject": "s", "body": "b", "to": "{{variables.to}}"})
	flow = create(
		world,
		nobody,
		step("after", depends_on=["mail"]),
		step("lane"),
		step("hand", trigger={"type": "manual"}),
	)
	run = start(world, flow)
	shown = looking.get(world.host, run)
	assert shown["status"] == "failed" and "nobody to notify" in shown["error"]
	assert statuses(world, run) == {"mail": "failed", "after": "pending", "lane": "done", "hand": "pending"}
	with pytest.raises(Conflict, match="Retry it"), world.transaction():
		runs.complete(world.host, run, "mail")
	with world.transaction():
		runs.retry(world.host, run, "mail")
	assert statuses(world, run)["mail"] == "failed"
	with world.transaction():
		runs.cancel(world.host, run)
	assert statuses(world, run) == {
		"mail": "failed",
		"after": "cancelled",
		"lane": "done",
		"hand": "cancelled",
	}
	assert looking.get(world.host, run)["status"] == "cancelled"
	with pytest.raises(Conflict), world.transaction():
		runs.retry(world.host, run)


def test_a_run_keeps_its_version(world):
	flow = create(world, step("first", trigger={"type": "manual"}), step("old", depends_on=["first"]))
	run = start(world, flow)
	with world.transaction():
		templates.update(
			world.host,
			flow["name"],
			{"flow_definition": {"steps": [step("first", trigger={"type": "manual"})]}},
		)
		runs.complete(world.host, run, "first")
	assert statuses(world, run) == {"first": "done", "old": "done"}


def test_re_entry(world):
	customer = world.customer()
	once = create(world, step("a"), re_entry="Once per document")
	alone = create(world, step("a", trigger={"type": "manual"}), re_entry="Not while one runs")
	start(world, once, doctype="Customer", docname=customer)
	run = start(world, alone, doctype="Customer", docname=customer)
	for flow in (once, alone):
		with pytest.raises(Conflict), world.transaction():
			starting.start(world.host, flow["name"], doctype="Customer", docname=customer)
	with world.transaction():
		runs.complete(world.host, run, "a")
	assert start(world, alone, doctype="Customer", docname=customer) != run


def test_what_does_not_exist(world):
	flow = create(world, step("a"))
	with pytest.raises(NotFound), world.transaction():
		starting.start(world.host, "FT-none")
	with pytest.raises(NotFound), world.transaction():
		starting.start(world.host, flow["name"], doctype="Customer", docname="nobody at all")
	with pytest.raises(NotFound):
		looking.get(world.host, "FR-none")
	with pytest.raises(Invalid):
		looking.find(world.host, {"status": "nope"})
	with pytest.raises(Invalid), world.transaction():
		starting.start(world.host, flow["name"], doctype="Customer")


# Events


def test_a_document_starts_what_listens_and_nothing_else(world):
	customer = world.customer()
	listening = create(world, step("a"), trigger_event="on_issue_opened", applies_to="Issue")
	gated = create(
		world,
		step("a"),
		trigger_event="on_issue_opened",
		trigger_condition={"==": [{"var": "doc.subject"}, "Other"]},
	)
	elsewhere = create(world, step("a"), trigger_event="on_quotation_created")
	with world.transaction():
		issue = world.issue(customer)
	world.drain()
	found = {
		flow["name"]: looking.find(world.host, {"template": flow["name"]})
		for flow in (listening, gated, elsewhere)
	}
	assert [len(each) for each in found.values()] == [1, 0, 0]
	(run,) = found[listening["name"]]
	assert (run["status"], run["context_docname"], run["customer"], run["trigger_event"]) == (
		"completed",
		issue,
		customer,
		"on_issue_opened",
	)


def test_a_rolled_back_change_starts_nothing(world):
	customer = world.customer()
	flow = create(world, step("a"), trigger_event="on_issue_opened")
	with pytest.raises(RuntimeError), world.transaction():
		world.issue(customer)
		assert len(looking.find(world.host, {"template": flow["name"]})) == 1
		raise RuntimeError
	assert looking.find(world.host, {"template": flow["name"]}) == []


def test_an_accepted_quotation_is_followed_up(world):
	with world.transaction():
		quotation = world.quotation(world.customer())
	with world.transaction():
		world.accept(quotation)
	world.drain()
	(run,) = looking.find(world.host, {"docname": quotation})
	before = world.mails_sent()
	for _ in range(3):
		world.let_due(run["name"])
		world.drain()
		if world.mails_sent() == before + 3:
			break
	assert world.mails_sent() == before + 3
	assert looking.get(world.host, run["name"])["status"] == "completed"


def test_dispatch_says_what_came_of_each(world):
	flow = create(world, step("a"), trigger_event="on_contract_signed", applies_to="Contract")
	with world.transaction():
		customer = world.customer()
		results = listening.dispatch_event(
			world.host, "on_contract_signed", doctype="Customer", docname=customer
		)
	(outcome,) = [result for result in results if result["template"] == flow["name"]]
	assert "applies to Contract" in outcome["skipped"]


# Composing


def test_the_paths_of_a_doctype_and_its_customer_are_offered_by_label(world):
	world.issue(world.customer())
	found = {entry["path"]: entry for entry in compose.paths(world.host, "Issue")}
	assert {"doc.name", "doc.subject", "customer.customer_name", "run.name", "now"} <= set(found)
	assert found["doc.subject"]["label"] == "Subject" and found["doc.subject"]["group"] == "Issue"
	assert all(path.split(".")[0] in ROOTS for path in found)


def test_a_preview_shows_what_people_will_read(world):
	said = '<div class="ql-editor read-mode"><p>No signal &amp; no phone</p><p>since Monday</p></div>'
	with world.transaction():
		issue = world.issue(world.customer(), description=said, opening_date="2026-12-03")
	about = {"doctype": "Issue", "docname": issue}
	text = "On {{doc.opening_date}}:\n{{doc.description}}\n<b>Thanks</b>"
	mail, _ = compose.preview(
		world.host, "notify", {"subject": "{{doc.opening_date}}", "body": text}, **about
	)
	assert mail == {
		"subject": "3 December 2026",
		"body": "On 3 December 2026:\nNo signal & no phone\nsince Monday\nThanks",
	}
	sms, _ = compose.preview(world.host, "notify", {"channel": "sms", "body": text}, **about)
	assert sms["body"] == "On 3 December 2026:\nNo signal & no phone\nsince Monday\n<b>Thanks</b>"
	_, (problem,) = compose.preview(
		world.host, "notify", {"to": "{{variables.rows}}"}, variables={"rows": [{"x": 1}]}, **about
	)
	assert problem.field == "to" and "{{variables.rows}} is a table" in problem.message


def test_what_became_of_a_mail_is_shown_with_its_step(world):
	template = create(
		world, step("a", "notify", payload={"to": "a@example.com", "subject": "s", "body": "b"}), step("b")
	)
	run = start(world, template)
	world.drain()
	states = looking.get(world.host, run)["step_state"]
	assert states["a"]["result"]["fate"] in ("queued", "sent") and "fate" not in (states["b"]["result"] or {})


def test_a_payload_is_rendered_with_a_real_document_and_nothing_is_stored_or_sent(world):
	with world.transaction():
		customer = world.customer()
		issue = world.issue(customer, subject='It "broke"')
	before, name = world.mails_sent(), world.host.documents.get("Customer", customer)["customer_name"]
	about = {"doctype": "Issue", "docname": issue, "variables": {"hours": 2}}
	payload = {
		"subject": "About {{doc.subject}}",
		"body": "{{customer.customer_name}} {{steps.a.result.x}}{{no.such}}",
	}
	rendered, problems = compose.preview(world.host, "notify", payload, **about)
	assert rendered == {"subject": 'About It "broke"', "body": f"{name} "} and problems == []
	asked = {
		"url": "https://example.com",
		"body_template": '{"a": "{{doc.subject}}", "h": "{{variables.hours}}"}',
	}
	assert compose.preview(world.host, "webhook", asked, **about)[0]["body_template"] == {
		"a": 'It "broke"',
		"h": 2,
	}
	rendered, (problem,) = compose.preview(world.host, "webhook", {"url": "x", "body_template": "{"}, **about)
	assert rendered == {"url": "x"} and problem.field == "body_template"
	assert world.mails_sent() == before
	with pytest.raises(NotFound):
		compose.preview(world.host, "notify", payload, doctype="Issue", docname="NO-SUCH")
	with pytest.raises(Invalid, match="no step kind"):
		compose.preview(world.host, "nothing", payload)


def test_a_run_is_shown_with_the_definition_that_it_started_on(world):
	template = create(world, step("a", trigger={"type": "manual"}))
	run = start(world, template)
	with world.transaction():
		templates.update(world.host, template["name"], {"flow_definition": {"steps": [step("other")]}})
	shown = looking.follow(world.host, run)["run"]
	assert [own["id"] for own in shown["flow_definition"]["steps"]] == ["a"]
	assert "flow_definition" not in looking.get(world.host, run)


def test_a_catalog_that_no_kind_names_is_refused(world):
	with pytest.raises(Invalid, match="There is no catalog 'nothing' of step kinds"):
		create(world, step("a"), catalog="nothing")


# Failures


def failing(world, **values) -> dict:
	"""A flow whose one step cannot be done."""
	payload = {"doctype": "Issue", "docname_ref": "NO-SUCH", "fields_json": '{"subject": "x"}'}
	return create(world, step("a", "erp_update", payload=payload), **values)


def test_the_owner_is_told_once_and_a_flow_that_only_fails_is_paused(world):
	template = failing(world)
	name = template["name"]
	for _ in range(9):
		start(world, template)
	assert len(world.told(name)) == 1 and "has failed" in world.told(name)[0]
	assert templates.get(world.host, name)["is_active"]
	last = start(world, template)
	paused = templates.get(world.host, name)
	assert (
		not paused["is_active"]
		and last in paused["paused_reason"]
		and "switch it on" in paused["paused_reason"]
	)
	assert len(world.told(name)) == 2 and "paused" in world.told(name)[1]
	with world.transaction():
		assert listening.dispatch_event(world.host, template["trigger_event"]) == [] or name not in [
			result["template"] for result in listening.dispatch_event(world.host, template["trigger_event"])
		]
	start(world, template)  # by hand it can be tried still, and nobody is told again
	assert len(world.told(name)) == 2


def test_switched_on_again_a_flow_has_ten_failures_before_it_and_its_owner_is_told_anew(world):
	template = failing(world)
	for _ in range(10):
		start(world, template)
	with world.transaction():
		again = templates.update(world.host, template["name"], {"is_active": 1})
	assert again["is_active"] and not again["paused_reason"]
	for _ in range(9):
		start(world, again)
	assert templates.get(world.host, template["name"])["is_active"]
	assert len(world.told(template["name"])) == 3


def test_a_success_between_ends_the_count(world):
	payload = {"doctype": "Issue", "docname_ref": "{{variables.name}}", "fields_json": '{"subject": "x"}'}
	template = create(world, step("a", "erp_update", payload=payload))
	with world.transaction():
		issue = world.issue(world.customer())
	for names in (["NO"] * 6, [issue], ["NO"] * 6):
		for name in names:
			start(world, template, variables={"name": name})
	assert templates.get(world.host, template["name"])["is_active"]
	assert len(world.told(template["name"])) == 2


def test_a_flow_with_an_old_run_under_way_is_not_deleted_however_many_have_failed_since(world):
	flow = create(world, step("hand", trigger={"type": "manual"}))
	run = start(world, flow)
	with world.transaction():
		host = world.host
		kept = host.store.run(run, lock=True)
		kept.status = "failed"  # as if a lane of it had failed
		host.store.save_run(kept)
		for _ in range(60):
			later = starting.new_run(host, host.store.template(flow["name"]), event="manual")
			later.status, later.completed_at = "failed", host.now()
			assert host.store.insert_run(later)
	with pytest.raises(Conflict, match=run), world.transaction():
		templates.delete(world.host, flow["name"])
	with world.transaction():
		runs.cancel(world.host, run)
	with world.transaction():
		templates.delete(world.host, flow["name"])


@pytest.mark.parametrize("again", ["Été {}", "ete {}", "ÉTÉ {}", "été {}  "])
def test_names_that_differ_in_case_and_accents_alone_are_one(world, again):
	number = uuid.uuid4().hex[:8]
	first = create(world, step("a"), template_name=f"Été {number}")
	with pytest.raises(Invalid) as caught:
		create(world, step("a"), template_name=again.format(number))
	assert [problem.field for problem in caught.value.problems] == ["template_name"]
	assert create(world, step("a"), template_name=again.format(number), category="billing")
	with world.transaction():
		assert templates.update(world.host, first["name"], {"template_name": again.format(number)})


def test_of_two_authors_at_once_one_is_told_what_the_rule_says(world, monkeypatch):
	number = uuid.uuid4().hex[:8]
	create(world, step("a"), template_name=f"Race {number}")
	other = create(world, step("a"), template_name=f"Other {number}")
	with pytest.raises(Invalid) as ruled:
		create(world, step("a"), template_name=f"Race {number}")
	# As for one who had looked before the other one wrote.
	monkeypatch.setattr(authored, "_field_problems", lambda *_: [])
	for write in (
		lambda: templates.create(world.host, {"template_name": f"Race {number}"}),
		lambda: templates.update(world.host, other["name"], {"template_name": f"Race {number}"}),
	):
		with pytest.raises(Invalid) as caught, world.transaction():
			write()
		assert caught.value.problems == ruled.value.problems and caught.value.status == 422
	assert templates.get(world.host, other["name"])["template_name"] == f"Other {number}"


@pytest.mark.parametrize(
	"field", ["template_name", "icon", "tags", "category", "catalog", "description", "notes"]
)
def test_what_nobody_sees_is_refused_in_a_template(world, field):
	with pytest.raises(Invalid) as caught:
		create(world, step("a"), **{field: "Bell\x07"})
	assert (field, True) in {(p.field, "U+0007" in p.message) for p in caught.value.problems}


def test_a_copy_takes_no_name_that_nobody_sees_and_descriptions_keep_their_lines(world):
	flow = create(world, step("a", label="One"), description="Two\nlines", notes="a\n\tb")
	assert flow["description"] == "Two\nlines"
	with pytest.raises(Invalid, match="a line break"), world.transaction():
		templates.duplicate(world.host, flow["name"], "Two\nlines")
	with pytest.raises(Invalid) as caught, world.transaction():
		templates.update(
			world.host, flow["name"], {"flow_definition": {"steps": [step("a", label="O\u202ene")]}}
		)
	assert [(p.step, p.field) for p in caught.value.problems] == [("a", "label")]


def test_a_stored_flow_that_holds_such_a_character_still_runs_and_is_read(world, monkeypatch):
	with monkeypatch.context() as before:
		# As a version stored it that did not look.
		before.setattr(authored, "unseen_problem", lambda *_, **__: None)
		before.setattr(validation, "unseen_problem", lambda *_, **__: None)
		flow = create(world, step("a", label="O\nne"), template_name=f"Bell\x07 {uuid.uuid4().hex[:8]}")
	run = start(world, flow)
	assert looking.follow(world.host, run)["run"]["status"] == "completed"
	assert templates.get(world.host, flow["name"])["flow_definition"]["steps"][0]["label"] == "O\nne"
	assert flow["name"] in {row["name"] for row in templates.find(world.host, {})}
	with pytest.raises(Invalid) as caught, world.transaction():
		templates.update(world.host, flow["name"], {"icon": "star"})
	assert {p.field for p in caught.value.problems} == {"template_name", "label"}
