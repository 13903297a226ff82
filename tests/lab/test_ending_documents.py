"""A document's end in the lab: its doors, a file of an earlier version, and a flow that ends its own document."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime

import pytest
from werkzeug.test import Client

from flow_editor.engine.kind import Kind
from flow_editor.kinds import builtin_kinds
from flow_editor.lab.host import LabHost
from flow_editor.lab.server import LabApp, open_lab
from flow_editor.services import starting, templates
from flow_editor.trial import host as trial_host
from flow_editor.trial.simulate import simulate

PORT = 8010
INVOICE = {"doctype": "Sales Invoice", "name": "SI-1", "docstatus": 1, "status": "Unpaid"}
LATER = {"type": "after_delay", "delay_days": 3}


def mail(id: str, **more) -> dict:
	payload = {"to": "ana@example.com", "subject": f"Reminder {id}", "body": "x"}
	return {"id": id, "kind": "notify", "payload": payload, **more}


@pytest.fixture
def host(tmp_path):
	host = open_lab(str(tmp_path / "lab.db"))
	yield host
	host.store.close()


@pytest.fixture
def call(host):
	client = Client(LabApp(host, PORT))

	def call(verb: str, path: str, body=None):
		data = None if body is None else json.dumps(body)
		response = client.open(path, method=verb, data=data, base_url=f"http://127.0.0.1:{PORT}")
		return response.status_code, json.loads(response.get_data())

	return call


@pytest.mark.parametrize(
	("verb", "body", "why"),
	[("PUT", {"docstatus": 2}, "cancelled"), ("DELETE", {}, "deleted")],
)
def test_a_document_is_cancelled_or_deleted_and_its_run_ends(call, verb, body, why):
	assert call("POST", "/lab/documents", INVOICE)[0] == 201
	steps = [mail("a", trigger=LATER), mail("b", depends_on=["a"], trigger=LATER)]
	flow = {"template_name": "Reminders", "flow_definition": {"steps": steps}}
	name = call("POST", "/flow/templates", flow)[1]["template"]["name"]
	about = {"doctype": "Sales Invoice", "docname": "SI-1"}
	run = call("POST", "/flow/start", {"template": name, **about})[1]["run"]
	run = run if isinstance(run, str) else run["name"]
	call("POST", "/lab/clock", {"to": "next"})
	assert len(call("GET", "/lab/sent")[1]["sent"]) == 1
	status, answer = call(verb, "/lab/documents", {"doctype": "Sales Invoice", "name": "SI-1", **body})
	assert status == 200, answer
	shown = call("GET", f"/flow/runs/{run}")[1]["run"]
	assert (shown["status"], shown["stop_reason"]) == ("cancelled", f"Sales Invoice SI-1 was {why}.")
	call("POST", "/lab/clock", {"to": "+30d"})
	assert len(call("GET", "/lab/sent")[1]["sent"]) == 1


def test_deleting_says_what_is_missing_and_what_there_is_not(call):
	status, answer = call("DELETE", "/lab/documents", {"doctype": "Issue"})
	assert (status, answer["error"]["problems"][0]["field"]) == (422, "name")
	assert call("DELETE", "/lab/documents", {"doctype": "Issue", "name": "nope"})[0] == 404


def test_a_document_that_was_cancelled_before_keeps_its_simulated_run():
	steps = {"steps": [mail("a", trigger=LATER)]}
	for docstatus in (1, 2):
		assert simulate(steps, doc={**INVOICE, "docstatus": docstatus}).run["status"] == "completed"
	assert simulate(steps).run["status"] == "completed"


class CancelIt(Kind):
	name = "cancel_it"
	label = "Cancel it"
	icon = "x"
	color = "red"
	description = "Cancels the run's document."
	summary = "Cancels it"
	effect = "documents"

	def run(self, step, ctx):
		ctx.documents.update(ctx.run.context_doctype, ctx.run.context_docname, {"docstatus": 2})


@pytest.mark.parametrize(("says", "becomes"), [("cancel", "cancelled"), ("continue", "completed")])
def test_a_flow_that_cancels_its_own_document_goes_on_only_if_it_says_so(monkeypatch, says, becomes):
	monkeypatch.setattr(trial_host, "builtin_kinds", lambda: [*builtin_kinds(), CancelIt()])
	steps = [{"id": "end", "kind": "cancel_it"}, mail("tell", depends_on=["end"])]
	done = simulate({"steps": steps, "on_document_end": says}, doc=INVOICE)
	assert done.run["status"] == becomes and len(done.sent) == (says == "continue")
	told = {entry["step_id"]: entry["status"] for entry in done.timeline}
	assert told == {"end": "done", "tell": "done" if says == "continue" else "cancelled"}


def test_a_file_of_an_earlier_version_is_brought_up_to_date(tmp_path):
	path = tmp_path / "lab.db"
	host = LabHost(str(path), now=datetime(2026, 1, 1))
	with host.store.transaction():
		flow = templates.create(
			host, {"template_name": "Old", "flow_definition": {"steps": [mail("a", trigger=LATER)]}}
		)
		run = starting.start(host, flow["name"]).run.name
	host.store.close()
	with sqlite3.connect(path) as old:
		for column in ("stop_reason", "ends_with_document"):
			old.execute(f"ALTER TABLE run DROP COLUMN {column}")
	host = LabHost(str(path), now=datetime(2026, 1, 2))
	found = host.store.run(run)
	assert (found.status, found.stop_reason, found.ends_with_document) == ("running", "", 0)
	host.store.close()
