"""Starting by hand on a real site: two at once with one key, the doors, the desk's method and bench."""

from __future__ import annotations

import json

import frappe
import pytest
import records as r
from at_once import at_once
from http_client import Client, key_of
from test_commands import flow as bench_flow

from flow_editor.services import portable, starting, templates
from flow_editor.site.host import current

ADDRESS = {"name": "address", "label": "New address", "required": True}


def asking(*inputs: dict, **values):
	"""A flow of Administrator's that tells somebody, and asks for inputs."""
	return r.template(
		r.step("tell", "notify", payload={"to": "a@example.org", "subject": "s", "body": "b"}),
		inputs=list(inputs),
		**values,
	)


@pytest.mark.parametrize("isolation", ["OFF", "ON"])
def test_of_many_at_once_with_one_key_one_starts(site, isolation):
	"""Also where MariaDB refuses to read what was committed since the transaction began, as it does from 11.6.2 on."""
	if not frappe.db.sql("SHOW VARIABLES LIKE 'innodb_snapshot_isolation'"):
		pytest.skip(f"This server has no snapshot isolation to switch {isolation}.")
	flow = asking()

	def press(number: int) -> tuple[str, bool]:
		frappe.set_user("Administrator")
		frappe.db.sql(f"SET SESSION innodb_snapshot_isolation = {isolation}")
		frappe.db.count("User")  # the transaction has begun, and sees nothing that is committed from here on
		moved = starting.start(current(), flow.name, idempotency_key="one dialog")
		return moved.run.name, moved.repeated

	answers = at_once(6, press)
	assert len({name for name, _ in answers}) == 1, answers
	assert sorted(repeated for _, repeated in answers) == [False] + [True] * 5
	(run,) = r.runs(flow)
	assert run.status == "completed" and frappe.db.count("Email Queue") == 1


def test_a_double_click_at_the_door_makes_one_run(server, site):
	flow = asking(ADDRESS)
	user = r.user("Flow User")
	client = Client(server, Authorization=key_of(user))
	frappe.db.commit()
	body = {"template": flow.name, "variables": {"address": "5 Rue Neuve"}}
	client.session.headers["Idempotency-Key"] = "k"
	first, again = client("POST", "/start", body), client("POST", "/start", body)
	assert (first.status_code, first.json()["repeated"]) == (201, False), first.text
	assert again.json()["repeated"] and again.json()["run"]["name"] == first.json()["run"]["name"]
	other = client("POST", "/start", {**body, "variables": {"address": "elsewhere"}})
	assert other.status_code == 409 and "with other values" in other.json()["error"]["message"]
	# As the desk calls it, with the same header.
	desk = client.session.post(
		f"{server}/api/method/flow_editor.api.start",
		data={"template": flow.name, "variables": json.dumps(body["variables"])},
		timeout=60,
	)
	assert desk.json()["message"]["repeated"], desk.text
	# A key is its user's own.
	client.session.headers["Authorization"] = key_of(r.user("Flow User"))
	frappe.db.commit()
	assert not client("POST", "/start", body).json()["repeated"]
	frappe.db.rollback()
	assert len(r.runs(flow)) == 2


def test_what_is_missing_is_refused_with_its_field_and_uses_no_key(server, site):
	flow = asking(ADDRESS, {"name": "floors", "type": "number"})
	client = Client(server, Authorization=key_of(r.user("Flow User")))
	frappe.db.commit()
	body = {"template": flow.name, "idempotency_key": "k"}
	answer = client("POST", "/start", {**body, "variables": {"floors": "many"}})
	assert answer.status_code == 422, answer.text
	assert {problem["field"] for problem in answer.json()["error"]["problems"]} == {
		"variables.address",
		"variables.floors",
	}
	given = {"address": "5 Rue Neuve", "floors": "3"}
	made = client("POST", "/start", {**body, "variables": given})
	assert made.status_code == 201 and made.json()["run"]["variables"]["floors"] == 3
	undeclared = client("POST", "/start", {"template": flow.name, "variables": {**given, "to": "x@y.z"}})
	assert (
		undeclared.status_code == 422 and undeclared.json()["error"]["problems"][0]["field"] == "variables.to"
	)


def test_a_link_must_be_readable_by_who_gives_it(server, site):
	flow = asking({"name": "who", "type": "link", "doctype": "Customer", "label": "Whose"})
	party = r.customer()
	client = Client(server, Authorization=key_of(r.user("Flow User")))
	frappe.db.commit()
	for path in ("/start", "/confirm"):
		answer = client("POST", path, {"template": flow.name, "variables": {"who": party.name}}).json()
		(problem,) = answer.get("problems") or answer["error"]["problems"]
		assert problem["field"] == "variables.who" and "may not read" in problem["message"]
	by_event = asking(
		{"name": "who", "type": "link", "doctype": "Customer", "label": "Whose"}, event="on_issue_opened"
	)
	manager = Client(server, Authorization=key_of(r.user("Flow Manager")))
	frappe.db.commit()
	results = manager("POST", "/event", {"event": "on_issue_opened", "variables": {"who": party.name}}).json()
	(mine,) = [found for found in results["results"] if found["template"] == by_event.name]
	assert "may not read" in mine["skipped"]
	assert r.runs(flow) == r.runs(by_event) == []
	assert starting.start(site, flow.name, variables={"who": party.name}).run.variables == {"who": party.name}


def test_an_input_of_a_doctype_that_there_is_not_is_a_warning(site):
	for doctype, said in (("Customer", []), ("Custmer", ["inputs.who.doctype"])):
		asks = [{"name": "who", "type": "link", "doctype": doctype, "label": "Whose"}]
		problems, warnings = templates.check(site, {"steps": [], "inputs": asks})
		assert problems == [] and [warning.field for warning in warnings] == said


def test_nothing_is_confirmed_to_who_may_not_read_what_it_is_about(server, site):
	flow, party = asking(), r.customer()
	client = Client(server, Authorization=key_of(r.user("Flow User")))
	frappe.db.commit()
	for about in ({"doctype": "Customer", "docname": party.name}, {"customer": party.name}):
		assert client("POST", "/confirm", {"template": flow.name, **about}).status_code == 403
	said = client("POST", "/confirm", {"template": flow.name}).json()
	assert said["runs_as"] == "Administrator" and said["sends"][0]["words"] == "E-mail to a@example.org: s"


def test_bench_gives_inputs_by_name(site):
	flow = asking(ADDRESS, {"name": "floors", "type": "number"})
	done = bench_flow("run", flow.name, "--input", "address=5 Rue Neuve", "--input", "floors=3")
	assert done.returncode == 0, done.stderr
	(run,) = r.runs(flow)
	assert json.loads(run.variables) == {"address": "5 Rue Neuve", "floors": 3}
	for arguments, said in (
		((), "New address is missing"),
		(("--input", "address=x", "--input", "floors=many"), "Floors must be a number"),
		(("--input", "adress=x"), "no input 'adress'. It has address, floors."),
		(("--input", "address"), "not NAME=VALUE"),
	):
		refused = bench_flow("run", flow.name, *arguments)
		assert refused.returncode and said in refused.stderr, refused.stderr
	assert len(r.runs(flow)) == 1


def test_the_shipped_flows_ask_for_what_they_need(site):
	frappe.db.delete("Flow Template", {"template_name": ("in", ["move_service", "fiber_install"])})
	portable.seed(site)
	party = r.customer()
	about = {"doctype": "Customer", "docname": party.name}
	with pytest.raises(Exception, match="New address is missing"):
		starting.start(site, r.seeded("move_service").name, **about)
	moved = starting.start(
		site, r.seeded("move_service").name, **about, variables={"new_address": "5 Rue Neuve"}
	)
	job = frappe.get_doc("Dispatch Job", moved.run.step_state["survey_site"]["result"]["job"])
	assert job.subject.endswith("5 Rue Neuve")
	r.subscription(party)
	wanted = r.subscription(party)
	fibre = r.seeded("fiber_install").name
	moved = starting.start(site, fibre, **about, variables={"subscription": wanted.name})
	assert moved.run.variables["subscription"] == wanted.name
	with pytest.raises(Exception, match="no-such"):
		starting.start(site, fibre, **about, variables={"subscription": "no-such"})
	assert not starting.start(site, fibre, **about).run.variables.get(
		"subscription"
	)  # the customer's own, then
