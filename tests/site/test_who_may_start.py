"""A flow starts only on what the user whom it runs as may read, and through a door only on what the caller may read too:
the document and the customer that is found in it. A caller gives only what the flow declares."""

from __future__ import annotations

import json

import frappe
import pytest
import records as r
from http_client import Client, key_of
from test_commands import flow as bench_flow

import flow_editor
from flow_editor import api
from flow_editor.services import runs, starting
from flow_editor.site.host import current

PRIVATE = "very-private@example.org"


@pytest.fixture
def party(site):
	"""Somebody else's customer, whom a Flow User may not read."""
	return r.customer(email_id=PRIVATE)


@pytest.fixture
def attacker(site):
	return r.user("Flow User")


def job_of(user, party) -> str:
	"""A Dispatch Job that the user has made, for somebody else's customer."""
	frappe.set_user(user.name)
	job = frappe.get_doc({"doctype": "Dispatch Job", "subject": "Mine", "customer": party.name}).insert(
		ignore_links=True
	)
	frappe.set_user("Administrator")
	return job.name


def telling(**values):
	"""A flow of Administrator's that writes to the run's customer."""
	return r.template(
		r.step("tell", "notify", payload={"subject": "s", "body": "{{customer.email_id}}"}), **values
	)


@pytest.mark.parametrize("door", ["start", "event", "method"])
def test_a_document_of_one_s_own_does_not_open_its_customer(server, attacker, party, door):
	"""By a Dispatch Job that names another's customer."""
	job = job_of(attacker, party)
	if door == "event":
		attacker.add_roles("Flow Manager")
	flow = telling(event="on_issue_opened")
	client = Client(server, Authorization=key_of(attacker))
	about = {"doctype": "Dispatch Job", "docname": job}
	if door == "start":
		answer = client("POST", "/start", {"template": flow.name, **about})
	elif door == "event":
		answer = client("POST", "/event", {"event": "on_issue_opened", **about})
	else:
		frappe.db.commit()
		answer = client.session.post(f"{server}/api/method/flow_editor.api.start", json={"template": flow.name, **about}, timeout=60)  # fmt: skip
	assert answer.status_code == 403, answer.text
	assert PRIVATE not in answer.text
	frappe.db.rollback()
	assert frappe.db.count("Flow Run") == 0 and frappe.db.count("Email Queue") == 0


def test_nor_does_a_customer_who_is_named_beside_the_document(server, attacker, party):
	frappe.set_user(attacker.name)
	job = frappe.get_doc({"doctype": "Dispatch Job", "subject": "Mine"}).insert().name
	frappe.set_user("Administrator")
	client = Client(server, Authorization=key_of(attacker))
	body = {"template": telling().name, "doctype": "Dispatch Job", "docname": job, "customer": party.name}
	assert client("POST", "/start", body).status_code == 403


@pytest.mark.parametrize(("role", "path"), [("Flow User", "/start"), ("Flow Manager", "/event")])
def test_nor_does_another_customer_who_is_named_for_the_one_of_the_document(server, party, role, path):
	"""Who may read the one they name still starts nothing about a document of somebody else's."""
	user, own = r.user(role, "Sales User"), r.customer()
	r.make("User Permission", user=user.name, allow="Customer", for_value=own.name)
	job = r.make("Dispatch Job", subject="Theirs", customer=party.name)
	frappe.share.add("Dispatch Job", job.name, user.name, read=1)
	what = {"template": telling().name} if path == "/start" else {"event": "on_issue_opened"}
	client = Client(server, Authorization=key_of(user))
	body = {**what, "doctype": "Dispatch Job", "docname": job.name, "customer": own.name}
	answer = client("POST", path, body)
	assert answer.status_code == 403 and party.name in answer.json()["error"]["message"]
	assert frappe.db.count("Flow Run") == 0


def test_what_a_run_holds_that_an_event_started_is_not_shown_to_who_may_not_read_its_customer(
	server, attacker, party
):
	flow = telling(event="on_dispatch_completed")
	job = frappe.get_doc("Dispatch Job", job_of(attacker, party))
	frappe.set_user(attacker.name)
	job.status = "Completed"
	job.save(ignore_permissions=True)
	frappe.set_user("Administrator")
	r.drain()
	(run,) = r.runs(flow)
	assert r.state(run)["tell"]["result"]["to"] == [PRIVATE]
	client = Client(server, Authorization=key_of(attacker))
	# It is about their own job, so they see that it ran, and how its steps stand.
	answers = [
		client("GET", f"/runs/{run.name}"), client("GET", "/runs"), client("POST", "/advance", {"run": run.name}),
		client.session.post(f"{server}/api/method/flow_editor.api.get_run", json={"run": run.name}, timeout=60),
	]  # fmt: skip
	for answer in answers:
		assert answer.status_code == 200 and run.name in answer.text and PRIVATE not in answer.text
	shown = answers[0].json()["run"]
	assert shown["step_state"]["tell"]["status"] == "done" and "result" not in shown["step_state"]["tell"]
	assert shown["variables"] == {} and "may not read the customer" in shown["withheld"]
	seller = Client(server, Authorization=key_of(r.user("Flow User", "Sales User")))
	shown = seller("GET", f"/runs/{run.name}").json()["run"]
	assert shown["step_state"]["tell"]["result"]["to"] == [PRIVATE] and "withheld" not in shown


def seeded_subscription(name: str):
	return frappe.get_doc("Flow Template", {"template_name": name, "is_system": 1})


@pytest.mark.parametrize(("flow", "done"), [("fiber_install", "installed"), ("phone_service", "line_on")])
def test_a_subscription_of_somebody_else_is_not_activated(site, party, flow, done):
	caller = r.user("Flow User", "Sales User", "Accounts User")
	own, victim = r.customer(), r.subscription(party, status="Cancelled")
	frappe.db.set_value("Subscription", victim.name, "status", "Cancelled")
	frappe.db.commit()
	frappe.set_user(caller.name)
	api.start(template=seeded_subscription(flow).name, doctype="Customer", docname=own.name, variables={"subscription": victim.name})  # fmt: skip
	frappe.set_user("Administrator")
	r.drain()
	(run,) = frappe.get_all("Flow Run", pluck="name")
	runs.complete(current(), run, done)
	r.drain()
	activation = r.state(run)["activate"]
	assert "somebody else" in activation["error"] and "result" not in activation
	assert frappe.db.get_value("Subscription", victim.name, "status") == "Cancelled"


def test_nor_one_of_nobody_s_and_one_s_own_and_the_run_s_own_document_are(site, party):
	subscription = r.subscription(party)
	flow = r.template(r.step("a", "subscription_activate", payload={"subscription_ref": subscription.name}))
	for about, status in (
		({}, "failed"),
		({"customer": party.name}, "done"),
		({"doctype": "Subscription", "docname": subscription.name}, "done"),
	):
		run = starting.start(current(), flow.name, **about).run.name
		r.drain()
		assert r.statuses(run) == {"a": status}, (about, r.state(run))


UNDECLARED = {"subscription": "SUB-1", "group": "x", "to": PRIVATE}


def test_a_caller_gives_only_what_the_flow_declares(server, attacker):
	flow = r.template(
		r.step("a", "notify", payload={"to": "{{variables.to}}", "subject": "s", "body": "b"}),
		variables={"group": ""},
	)
	client = Client(server, Authorization=key_of(attacker))
	answer = client("POST", "/start", {"template": flow.name, "variables": UNDECLARED})
	assert answer.status_code == 422, answer.text
	assert {problem["field"] for problem in answer.json()["error"]["problems"]} == {
		"variables.subscription",
		"variables.to",
	}
	assert frappe.db.count("Flow Run") == 0
	assert client("POST", "/start", {"template": flow.name, "variables": {"group": "y"}}).status_code == 201


def test_a_flow_that_runs_as_the_caller_takes_anything(server):
	author = r.user("Flow Manager")
	flow = r.template(r.step("a"), run_as=author.name)
	client = Client(server, Authorization=key_of(author))
	answer = client("POST", "/start", {"template": flow.name, "variables": UNDECLARED})
	assert answer.status_code == 201 and answer.json()["run"]["variables"] == UNDECLARED
	other = Client(server, Authorization=key_of(r.user("Flow Manager")))
	assert other("POST", "/start", {"template": flow.name, "variables": UNDECLARED}).status_code == 422


def test_an_event_that_is_raised_by_hand_likewise(server):
	author = r.user("Flow Manager")
	mine = r.template(r.step("a"), run_as=author.name, event="on_issue_opened")
	strict = r.template(r.step("a"), event="on_issue_opened", variables={"group": ""})
	client = Client(server, Authorization=key_of(author))
	results = client("POST", "/event", {"event": "on_issue_opened", "variables": UNDECLARED}).json()[
		"results"
	]
	of = {result["template"]: result for result in results}
	assert "run" in of[mine.name] and "subscription, to" in of[strict.name]["skipped"]
	results = client("POST", "/event", {"event": "on_issue_opened", "variables": {"group": "x"}}).json()[
		"results"
	]
	assert "run" in {result["template"]: result for result in results}[strict.name]


def test_code_may_give_anything(site):
	flow = r.template(r.step("a"), event="on_customer_created", run_as=r.user("Flow Manager").name)
	flow_editor.dispatch_event("on_customer_created", variables=UNDECLARED)
	(run,) = r.runs(flow)
	assert json.loads(run.variables) == UNDECLARED


def test_so_do_the_desk_and_bench(server, attacker):
	flow = r.template(r.step("a"), run_as=r.user("Flow Manager").name)
	client = Client(server, Authorization=key_of(attacker))
	frappe.db.commit()
	# As the quick button of a form or list starts one.
	desk = client.session.post(
		f"{server}/api/method/flow_editor.api.start", data={"template": flow.name, "variables": json.dumps(UNDECLARED)}, timeout=60
	)  # fmt: skip
	assert desk.status_code == 417 and "declares no variable" in desk.text, desk.text
	on_bench = bench_flow("run", flow.name, "--variables", json.dumps(UNDECLARED))
	assert on_bench.returncode == 1 and "declares no variable 'subscription'" in on_bench.stderr
	assert r.runs(flow) == []


def naming(user: str, flow) -> list[tuple]:
	"""(verb, path, body) of the ways to make a flow run as somebody else."""
	definition = {"steps": [r.step("a")], "run_as": user}
	doc = {
		"doctype": "Flow Template",
		"template_name": r.unique("Taken"),
		"category": "other",
		"run_as": user,
	}
	method, resource = "/api/method/frappe.client", "/api/resource/Flow Template"
	return [
		("POST", "/flow/templates", {"template_name": r.unique("Taken"), "run_as": user}),
		("POST", "/flow/templates", {"template_name": r.unique("Taken"), "flow_definition": definition}),
		("PUT", f"/flow/templates/{flow.name}", {"run_as": user}),
		("PUT", f"/flow/templates/{flow.name}", {"flow_definition": definition}),
		("PUT", f"/flow/templates/{flow.name}", {"owner": user, "description": "x"}),
		("POST", f"/flow/templates/{flow.name}/duplicate", {"new_name": r.unique("Taken"), "run_as": user}),
		("POST", "/api/method/flow_editor.api.create_template", {"values": {"template_name": r.unique("Taken"), "run_as": user}}),
		("POST", "/api/method/flow_editor.api.update_template", {"template": flow.name, "values": {"run_as": user}}),
		("POST", resource, doc),
		("PUT", f"{resource}/{flow.name}", {"run_as": user}),
		("POST", f"{method}.insert", {"doc": doc}),
		("POST", f"{method}.set_value", {"doctype": "Flow Template", "name": flow.name, "fieldname": "run_as", "value": user}),
		("POST", f"{method}.bulk_update", {"docs": json.dumps([{"doctype": "Flow Template", "docname": flow.name, "run_as": user}])}),
		("POST", "/flow/start", {"template": flow.name, "run_as": user}),
		("POST", "/flow/start", {"template": flow.name, "variables": {"run_as": user}}),
	]  # fmt: skip


@pytest.mark.parametrize("role", ["Flow User", "Flow Manager"])
def test_nobody_lets_a_flow_run_as_somebody_else(server, role):
	user = r.user(role)
	frappe.set_user(user.name)
	flow = r.template(r.step("a")) if role == "Flow Manager" else None
	frappe.set_user("Administrator")
	flow = flow or r.template(r.step("a"), run_as=r.user("Flow Manager").name)
	theirs = flow.run_as
	client = Client(server, Authorization=key_of(user))
	for other in ("Administrator", r.user("System Manager").name):
		frappe.db.commit()
		for verb, path, body in naming(other, flow):
			client.session.request(verb, f"{server}{path}", json=body, timeout=60)
			frappe.db.rollback()
			assert frappe.db.get_value("Flow Template", flow.name, "run_as") == theirs, (verb, path)
			assert not frappe.db.exists("Flow Template", {"run_as": other, "owner": user.name}), (verb, path)
			assert not frappe.db.exists("Flow Run", {"run_as": other}), (verb, path)


# Whom the flow runs as


def flows_of(author, **values):
	"""A Flow Manager's flow, made by themselves."""
	frappe.set_user(author.name)
	try:
		return r.template(r.step("a", trigger={"type": "manual"}), **values)
	finally:
		frappe.set_user("Administrator")


def test_a_flow_starts_on_nothing_that_its_user_may_not_read(site):
	author, party = r.user("Flow Manager"), r.customer()
	flows = {
		event: flows_of(author, event=event)
		for event in ("on_issue_opened", "on_contract_signed", "on_customer_created", "on_payment_received", "on_quotation_created", "on_subscription_active")
	}  # fmt: skip
	r.issue(party)
	r.contract(party, is_signed=1)
	r.payment(party).submit()
	r.quotation(party)
	r.subscription(party)
	r.customer()
	r.drain()
	assert {event: len(r.runs(flow)) for event, flow in flows.items()} == dict.fromkeys(flows, 0)
	told = frappe.get_all(
		"Error Log", filters={"method": ("like", "%was not started by on_issue_opened")}, fields=["error"]
	)
	assert len(told) == 1 and author.name in told[0].error


def test_it_is_told_once_a_day(site):
	author = r.user("Flow Manager")
	flow = flows_of(author, event="on_issue_opened")
	for _ in range(3):
		r.issue(r.customer())
	assert frappe.db.count("Error Log", {"method": ("like", f"%{flow.name}%")}) == 1


def test_what_the_document_says_of_its_customer_has_to_be_readable_too(site):
	for roles, starts in ((("Support Team",), 0), (("Support Team", "Sales User"), 1)):
		author = r.user("Flow Manager", *roles)
		flow = flows_of(author, event="on_issue_opened")
		r.issue(r.customer())
		assert len(r.runs(flow)) == starts, roles


def test_by_hand_likewise(site):
	author = r.user("Flow Manager")
	flow, opened = flows_of(author), r.issue(r.customer())
	for about in ({"doctype": "Issue", "docname": opened.name}, {"customer": opened.customer}):
		with pytest.raises(frappe.ValidationError, match=f"User {author.name} may not read") as refused:
			api.start(template=flow.name, **about)
		assert refused.value.http_status_code == 409
	assert r.runs(flow) == []


def guess(author, condition: dict) -> bool:
	flow = flows_of(author, event="on_issue_opened", trigger_condition=json.dumps(condition))
	r.issue(r.customer(), subject="The word is lemon")
	found = bool(r.runs(flow))
	flow.reload()
	for run in r.runs(flow):
		runs.cancel(current(), run.name)
	flow.is_active = 0
	flow.save()
	return found


def test_a_condition_tells_nothing_of_what_its_author_may_not_read(site, monkeypatch):
	author = r.user("Flow Manager")
	assert not guess(author, {"==": [{"var": "doc.subject"}, "The word is lemon"]})
	knows = r.user("Flow Manager", "Support Team", "Sales User")
	assert guess(knows, {"==": [{"var": "doc.subject"}, "The word is lemon"]})
	from frappe.custom.doctype.property_setter.property_setter import make_property_setter

	setter = make_property_setter("Issue", "subject", "permlevel", 1, "Int")
	try:
		assert not guess(knows, {"==": [{"var": "doc.subject"}, "The word is lemon"]})
		assert guess(knows, {"==": [{"var": "doc.subject"}, ""]})
	finally:
		setter.delete()
		frappe.clear_cache(doctype="Issue")


def test_an_event_s_variables_are_those_that_its_user_may_read(site):
	from frappe.custom.doctype.property_setter.property_setter import make_property_setter

	author, party = r.user("Flow Manager", "Accounts User", "Sales User"), r.customer()
	flow, open_to_all = (
		flows_of(author, event="on_payment_received"),
		r.template(r.step("a"), event="on_payment_received"),
	)
	setter = make_property_setter("Payment Entry", "reference_no", "permlevel", 1, "Int")
	try:
		r.payment(party, reference_no="R-SECRET").submit()
	finally:
		setter.delete()
		frappe.clear_cache(doctype="Payment Entry")
	(run,), (whole,) = r.runs(flow), r.runs(open_to_all)
	assert json.loads(run.variables) == {"amount": 75, "payment_reference": None, "invoice": None}
	assert json.loads(whole.variables) == {"amount": 75, "payment_reference": "R-SECRET", "invoice": None}


def test_the_receiver_of_a_manager_s_webhook_hears_of_nothing_that_they_may_not_read(receiver):
	author = r.user("Flow Manager")
	frappe.set_user(author.name)
	flow = r.template(r.step("a", "webhook", payload={"url": receiver.url}), event="on_issue_opened")
	frappe.set_user("Administrator")
	r.issue(r.customer())
	r.drain()
	assert receiver.calls == [] and r.runs(flow) == []


def test_the_user_s_own_save_is_untouched(site):
	"""Neither what is refused nor who is asked for changes who saves, or what they are told."""
	author, gone = r.user("Flow Manager"), r.user("Flow Manager")
	condition = json.dumps({"==": [{"var": "doc.subject"}, "No signal"]})
	flows_of(author, event="on_issue_opened", trigger_condition=condition)
	flows_of(gone, event="on_issue_opened", trigger_condition=condition)
	frappe.db.set_value("User", gone.name, "enabled", 0)
	saver = r.user("Support Team", "Sales User")
	frappe.set_user(saver.name)
	frappe.local.message_log = []
	made = r.issue(r.customer())
	assert frappe.session.user == saver.name and made.owner == saver.name
	assert frappe.local.message_log == []
