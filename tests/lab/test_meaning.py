"""What a flow cannot mean is told beside its problems."""

from __future__ import annotations

import pytest

from flow_editor.lab import samples
from flow_editor.lab.host import LabHost
from flow_editor.services import templates
from flow_editor.services.meaning import About

ISSUE_OPENED = {"event": "on_issue_opened"}


@pytest.fixture
def host() -> LabHost:
	host = LabHost()
	with host.store.transaction():
		samples.insert(host)
	return host


def mail(**more) -> dict:
	payload = {"to": "ana@example.com", "subject": "x", "body": "x", **more.pop("payload", {})}
	return {"id": "m", "kind": "notify", "payload": payload, **more}


def told(host, *steps, trigger=ISSUE_OPENED, about=None, **more) -> list[str]:
	definition = {"version": 1, "trigger": trigger, "steps": list(steps), **more}
	problems, warnings = templates.check(host, definition, about or About())
	assert not problems
	return [f"{one.step} {one.field}: {one.message}".strip() for one in warnings]


@pytest.mark.parametrize(
	("path", "word"),
	[
		("custmer.customer_name", "Did you mean “customer”?"), ("doc.subjct", "Did you mean “subject”?"), ("steps.nope.result.x", "no step “nope”"),
		("steps.m.reslt", "Did you mean “result”?"), ("variables.amount", "no variable “amount”"), ("customer.emailid", "Customer has no field"), ("now.date", "no parts"),
		("run.nam", "Did you mean “name”?"), ("template.title", "no field of a flow"), ("doc.subject.length", "Subject of Issue has no parts"), ("subject", "there is no “subject”"),
	],
)  # fmt: skip
def test_a_path_that_leads_nowhere_is_told(host, path, word):
	(warning,) = told(host, mail(payload={"body": f"Hello {{{{{path}}}}}"}))
	assert warning.startswith("m payload.body: {{") and word in warning


@pytest.mark.parametrize(
	"path",
	["customer.customer_name", "doc.subject", "doc.creation", "doc.owner", "steps.m.result.x.y", "variables.greeting", "now", "today", "run.name", "template.template_name", "doc"],
)  # fmt: skip
def test_a_path_that_leads_somewhere_is_not(host, path):
	assert told(host, mail(payload={"body": f"Hello {{{{{path}}}}}"}), variables={"greeting": "x"}) == []


def test_rows_and_their_columns_lead_somewhere(host):
	invoice = About(doctype="Sales Invoice")
	good = [mail(payload={"body": "{{doc.items.0.item_code}} {{doc.items.item_code}} {{doc.items}}"})]
	assert told(host, *good, trigger={}, about=invoice) == []
	(warning,) = told(host, mail(payload={"body": "{{doc.items.0.itemcode}}"}), trigger={}, about=invoice)
	assert "Sales Invoice Item has no field “itemcode”" in warning


def test_what_an_event_gives_is_declared_and_of_what_nobody_knows_nothing_is_said(host):
	assert (
		told(host, mail(payload={"body": "{{variables.amount}}"}), trigger={"event": "on_payment_received"})
		== []
	)
	assert told(host, mail(payload={"body": "{{doc.anything}}"}), trigger={}) == []
	assert (
		told(host, mail(payload={"body": "{{doc.anything}}"}), trigger={}, about=About(doctype="Tower")) == []
	)


def test_dates_and_conditions_are_looked_at_too(host):
	late = mail(trigger={"type": "on_date", "at": "{{doc.openin_date}}"})
	ask = {"id": "ask", "kind": "condition", "payload": {"field": "statuss", "op": "==", "value": "Open"}}
	told_of = told(host, late, ask)
	assert [line.split(":")[0] for line in told_of] == ["m trigger.at", "ask payload.field"]
	(gate,) = told(
		host, mail(), trigger={**ISSUE_OPENED, "condition": {"==": [{"var": "doc.priorty"}, "High"]}}
	)
	assert gate.startswith("trigger.condition") and "Did you mean “priority”?" in gate


def test_a_start_that_no_document_can_raise_is_told(host):
	(warning,) = told(host, mail(), about=About(doctype="Contract"))
	assert warning.startswith("applies_to") and "comes from Issue" in warning
	assert told(host, mail(), about=About(doctype="Issue")) == []


def test_what_never_fires_or_cannot_run_is_told(host):
	first = {"id": "a", "kind": "wait"}
	(warning,) = told(host, first, mail(depends_on=["a"], trigger={"type": "on_flow_start"}))
	assert warning.startswith("m trigger.type")
	(composed,) = told(
		host,
		{"id": "s", "kind": "say", "payload": {"message": "x"}},
		trigger={},
		about=About(catalog="agent"),
	)
	assert "can be composed and stored, but not run yet" in composed
	mixed = told(
		host, {"id": "s", "kind": "say", "payload": {"message": "x"}}, about=About(catalog="project")
	)
	assert any(line.startswith("s kind: Say is of the kinds for agent") for line in mixed)


def test_values_that_there_are_not_are_told(host):
	compare = {
		"id": "c",
		"kind": "condition",
		"payload": {"field": "status", "op": "in", "value": "Open,Closd"},
	}
	(warning,) = told(host, compare)
	assert warning.startswith("c payload.value: Status is never “Closd”")
	update = {
		"id": "u",
		"kind": "erp_update",
		"payload": {"doctype": "Issue", "fields_json": '{"status": "Shut", "staus": "Open"}'},
	}
	assert [line.split(":")[0] for line in told(host, update)] == ["u payload.fields_json"] * 2
	(missing,) = told(
		host,
		{
			**update,
			"payload": {"doctype": "Customer", "docname_ref": "x", "fields_json": {"territory": "Montreal"}},
		},
	) or [""]
	assert missing == ""  # of what has no document here, nothing can be said


def test_a_text_that_may_be_too_long_is_told(host):
	(warning,) = told(
		host,
		{
			"id": "j",
			"kind": "dispatch_job",
			"payload": {"subject": "Repair at the address below: {{doc.subject}}"},
		},
	)
	assert "Subject of Dispatch Job takes 140" in warning
	(unbounded,) = told(
		host, {"id": "j", "kind": "dispatch_job", "payload": {"subject": "{{doc.description}}"}}
	)
	assert "{{doc.description}} may be of any length" in unbounded
	assert (
		told(
			host,
			{
				"id": "j",
				"kind": "dispatch_job",
				"payload": {"subject": "Repair for {{customer.customer_name}}"},
			},
		)
		== []
	)


def test_a_flow_that_sets_itself_or_another_off_is_told(host):
	escalate = {"id": "e", "kind": "issue", "payload": {"subject": "Escalation"}}
	(warning,) = told(host, escalate)
	assert warning.startswith("e kind") and "may set itself off" in warning
	with host.store.transaction():
		templates.create(
			host,
			{
				"template_name": "Repairs",
				"trigger_event": "on_issue_opened",
				"is_active": 1,
				"flow_definition": {"steps": [mail()]},
			},
		)
	(other,) = told(host, escalate, trigger={"event": "on_contract_signed"})
	assert "starts Repairs too" in other


@pytest.mark.parametrize(
	("field", "op", "value"),
	[("opening_date", "<", "soon"), ("opening_date", "in", "2026-12-31, soon"), ("opening_date", "==", "31-31-2026"), ("opening_time", "<", "noon"), ("first_response_time", ">", "long")],
)  # fmt: skip
def test_what_can_never_be_compared_is_a_problem(host, field, op, value):
	step = {"id": "c", "kind": "condition", "payload": {"field": f"doc.{field}", "op": op, "value": value}}
	problems, _ = templates.check(host, {"trigger": ISSUE_OPENED, "steps": [step]})
	assert [(one.step, one.field) for one in problems] == [
		("c", "payload.value")
	] and "Write one such as" in problems[0].message
	gate = {**ISSUE_OPENED, "condition": {"==": [{"var": f"doc.{field}"}, value]}}
	problems, _ = templates.check(host, {"trigger": gate, "steps": []})
	assert [one.field for one in problems] == ["trigger.condition"]


@pytest.mark.parametrize(
	("field", "op", "value"),
	[("opening_date", "<", "31-12-2026"), ("opening_date", "in", "2026-12-31, 01-01-2027"), ("opening_time", ">", "9:30"), ("opening_date", "<", "{{today}}"), ("opening_date", "empty", None)],
)  # fmt: skip
def test_what_can_be_compared_is_none(host, field, op, value):
	step = {"id": "c", "kind": "condition", "payload": {"field": f"doc.{field}", "op": op, "value": value}}
	assert templates.check(host, {"trigger": ISSUE_OPENED, "steps": [step]}) == ([], [])


@pytest.mark.parametrize(
	("field", "op", "value"),
	[("customer", "==", "Fils, Cie"), ("customer", "!=", "Fils, Cie"), ("status", "in", '["Open", "Closed"]'), ("status", "in", " Open , Closed,"), ("customer", "contains", "Fils"), ("status", "starts_with", "O")],
)  # fmt: skip
def test_a_value_is_divided_as_the_operator_divides_it(host, field, op, value):
	with host.store.transaction():
		host.documents.insert_quietly("Customer", {"name": "Fils, Cie"})
	assert (
		told(host, {"id": "c", "kind": "condition", "payload": {"field": field, "op": op, "value": value}})
		== []
	)


def test_a_field_that_a_site_or_a_document_has_is_not_told(host):
	with host.store.transaction():
		host.documents.insert_quietly("Issue", {"name": "I", "tower": "T-7"})
	body = "{{doc.custom_speed}} {{doc.workflow_state}} {{doc.tower}}"
	update = {
		"id": "u",
		"kind": "erp_update",
		"payload": {"doctype": "Issue", "fields_json": {"custom_speed": 1}},
	}
	assert told(host, mail(payload={"body": body}), update) == []
	(warning,) = told(host, mail(payload={"body": "{{doc.towr}}"}))
	assert "Issue has no field" in warning


def test_each_field_of_a_start_s_condition_is_looked_at(host):
	condition = {"==": [{"var": "opening_date"}, {"var": ["doc.dey", 1]}]}
	(warning,) = told(host, mail(), trigger={**ISSUE_OPENED, "condition": condition})
	assert warning.startswith("trigger.condition: {{doc.dey}} leads nowhere")


def test_nothing_is_known_of_what_another_app_s_operator_compares(host):
	host.operators = {**host.operators, "within_days": lambda left, right: True}
	condition = {"within_days": [{"var": "opening_date"}, 7]}
	assert told(host, mail(), trigger={**ISSUE_OPENED, "condition": condition}) == []


def test_a_column_of_several_rows_is_compared_with_nothing(host):
	invoice = About(doctype="Sales Invoice")

	def problems(field, op):
		step = {"id": "c", "kind": "condition", "payload": {"field": field, "op": op, "value": "1"}}
		return [one.message for one in templates.check(host, {"steps": [step]}, invoice)[0]]

	for op in ("==", ">", "in", "starts_with"):
		assert "a column of several rows" in problems("doc.items.item_code", op)[0]
	assert not problems("doc.items.item_code", "contains") and not problems("doc.items.0.item_code", "==")
	assert "is a table" in problems("doc.items", "contains")[0]


def test_names_beside_each_other_are_no_long_text(host):
	subject = "Welcome {{customer.customer_name}} {{doc.name}} {{doc.customer}}"
	assert told(host, {"id": "j", "kind": "dispatch_job", "payload": {"subject": subject}}) == []


@pytest.mark.parametrize(
	"values", [{"opening_date": "soon"}, {"opening_time": "noon"}, {"first_response_time": "1,5"}, '{"opening_date": "31-31-2026"}']
)  # fmt: skip
def test_what_a_field_can_never_hold_is_a_problem(host, values):
	step = {"id": "u", "kind": "erp_update", "payload": {"doctype": "Issue", "fields_json": values}}
	((problem,), _) = templates.check(host, {"trigger": ISSUE_OPENED, "steps": [step]})
	assert (problem.step, problem.field) == ("u", "payload.fields_json")
	assert "Write one such as" in problem.message


def test_what_a_field_can_hold_or_only_the_run_can_tell_is_none(host):
	values = {"opening_date": "31-12-2026", "opening_time": "{{variables.at}}", "resolution_details": "soon"}
	step = {"id": "u", "kind": "erp_update", "payload": {"doctype": "Issue", "fields_json": values}}
	assert templates.check(host, {"trigger": ISSUE_OPENED, "variables": {"at": "9"}, "steps": [step]}) == (
		[],
		[],
	)


def test_a_step_with_problems_is_passed_over_and_many_warnings_are_not_all_told(host):
	broken = {"id": "b", "kind": "notify", "payload": {"to": ["a"], "subject": [], "body": "{{nope}}"}}
	problems, warnings = templates.check(host, {"steps": [broken]})
	assert problems and not warnings
	many = [mail(id=f"m{number}", payload={"body": f"{{{{nope{number}}}}}"}) for number in range(300)]
	assert len(templates.check(host, {"steps": many})[1]) == 200


def test_names_that_are_none_are_passed_over(host):
	asks = {"id": "a", "kind": "ask", "payload": {"question": "x", "variable": ["x"]}}
	definition = {
		"trigger": [],
		"inputs": [{"name": ["x"]}, "y"],
		"variables": ["z"],
		"steps": [asks, mail(payload={"body": "{{variables.x}}"})],
	}
	problems, _ = templates.check(host, definition)
	assert problems


@pytest.mark.parametrize(("field", "value", "count"), [("now", "soon", 1), ("today", "31-31-2026", 1), ("now", "31-12-2026", 0), ("today", "{{doc.opening_date}}", 0)])  # fmt: skip
def test_now_and_today_are_a_moment_and_a_day(host, field, value, count):
	step = {"id": "c", "kind": "condition", "payload": {"field": field, "op": "<", "value": value}}
	assert len(templates.check(host, {"trigger": ISSUE_OPENED, "steps": [step]})[0]) == count
