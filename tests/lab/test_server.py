"""The lab's web server: the API, its own doors, and who it answers to."""

from __future__ import annotations

import http.client
import json
import sys
import threading
from pathlib import Path

import pytest
from werkzeug.serving import make_server
from werkzeug.test import Client

sys.path.insert(0, str(Path(__file__).parents[1] / "contract"))
import api_client

from flow_editor.lab.server import MAX_BODY, LabApp, open_lab

PORT = 8010
HERE = f"http://127.0.0.1:{PORT}"


@pytest.fixture
def host(tmp_path):
	host = open_lab(str(tmp_path / "lab.db"))
	yield host
	host.store.close()


@pytest.fixture
def call(host):
	client = Client(LabApp(host, PORT))

	def call(verb: str, path: str, body=None, *, prefix: str = "/flow", **more):
		data = None if body is None else json.dumps(body)
		response = client.open(prefix + path, method=verb, data=data, base_url=HERE, **more)
		return response.status_code, json.loads(response.get_data())

	return call


def lab(call, verb, path, body=None):
	status, answer = call(verb, path, body, prefix="/lab")
	assert status < 300, answer
	return answer


def test_the_client_that_runs_against_a_site_runs_here(call):
	api_client.run_all(call, "Contract", "CON-2026-00001")


def test_a_year_of_onboarding_passes_with_a_few_clicks(call):
	lab(call, "PUT", "/documents", {"doctype": "Contract", "name": "CON-2026-00002", "is_signed": 1})
	((_, answer),) = [call("GET", "/runs")]
	(run,) = answer["runs"]
	assert run["status"] == "running"
	began = lab(call, "GET", "/state")["now"]
	status, answer = call("POST", "/complete", {"run": run["name"], "step_id": "installed"})
	assert status == 200 and answer["changed"]
	for _ in range(2):
		lab(call, "POST", "/clock", {"to": "next"})
	_, answer = call("GET", f"/runs/{run['name']}")
	assert answer["run"]["status"] == "completed"
	assert lab(call, "GET", "/state")["now"] > began[:3] + str(int(began[3]) + 1)
	subjects = [(m["channel"], m["to"]) for m in lab(call, "GET", "/sent")["sent"]]
	assert sorted(subjects) == [("email", "office@cafelumen.example")] * 3 + [("sms", "+15145550102")]
	status, answer = call("POST", "/clock", {"to": "next"}, prefix="/lab")
	assert status == 422 and "Nothing is due" in answer["error"]["message"]


def test_an_acceptance_says_when_and_a_payment_for_which_invoice(call):
	for name, event in (("Accepted", "on_quotation_accepted"), ("Paid", "on_payment_received")):
		call(
			"POST",
			"/templates",
			{"template_name": name, "is_active": 1, "trigger_event": event, "flow_definition": {"steps": []}},
		)
	lab(
		call, "PUT", "/documents", {"doctype": "Quotation", "name": "SAL-QTN-2026-00001", "status": "Ordered"}
	)
	lab(call, "PUT", "/documents", {"doctype": "Payment Entry", "name": "ACC-PAY-2026-00002", "docstatus": 1})
	given = {
		run["trigger_event"]: run["variables"]
		for run in call("GET", "/runs")[1]["runs"]
		if not run["step_state"]
	}
	assert given["on_quotation_accepted"]["accepted_at"][:10] == lab(call, "GET", "/state")["now"][:10]
	assert given["on_payment_received"] == {
		"amount": 79.95,
		"payment_reference": "TRF-0002",
		"invoice": "ACC-SINV-2026-00002",
	}


@pytest.mark.parametrize(
	("change", "event"),
	[
		(("PUT", {"doctype": "Contract", "name": "CON-2026-00001", "is_signed": 1}), "on_contract_signed"),
		(
			("PUT", {"doctype": "Payment Entry", "name": "ACC-PAY-2026-00001", "docstatus": 1}),
			"on_payment_received",
		),
		(
			("PUT", {"doctype": "Subscription", "name": "ACC-SUB-2026-00001", "status": "Active"}),
			"on_subscription_active",
		),
		(
			("POST", {"doctype": "Quotation", "quotation_to": "Customer", "party_name": "Ana Tremblay"}),
			"on_quotation_created",
		),
		(
			("PUT", {"doctype": "Quotation", "name": "SAL-QTN-2026-00001", "status": "Ordered"}),
			"on_quotation_accepted",
		),
		(("POST", {"doctype": "Issue", "subject": "x", "customer": "Ana Tremblay"}), "on_issue_opened"),
		(("POST", {"doctype": "Customer", "name": "New", "customer_name": "New"}), "on_customer_created"),
		(
			("PUT", {"doctype": "Dispatch Job", "name": "DJ-SAMPLE", "status": "Completed"}),
			"on_dispatch_completed",
		),
	],
)
def test_the_samples_set_off_each_event(call, change, event):
	_, answer = call(
		"POST",
		"/templates",
		{
			"template_name": "Listens",
			"is_active": 1,
			"trigger_event": event,
			"flow_definition": {"steps": [{"id": "a", "kind": "wait"}]},
		},
	)
	number = answer["template"]["name"]
	for _ in range(2):  # the same again is no change
		call(change[0], "/documents", change[1], prefix="/lab")
		if change[0] == "POST":
			break
	_, answer = call("GET", f"/runs?template={number}")
	assert [run["status"] for run in answer["runs"]] == ["completed"]


def test_the_clock_and_the_state_survive_a_restart(tmp_path):
	path = str(tmp_path / "lab.db")
	host = open_lab(path)
	client = Client(LabApp(host, PORT))
	client.post("/lab/clock", json={"to": "+1d"}, base_url=HERE)
	ahead = host.now()
	host.store.close()
	again = open_lab(path)
	assert (again.now() - ahead).total_seconds() < 60 and again.now() >= ahead
	assert len(again.documents.all()) == len({(d["doctype"], d["name"]) for d in again.documents.all()}) > 15
	again.store.close()


@pytest.mark.parametrize("to", ["", "+", "+1x", "yesterday", "2001-01-01", "+99999999y"])
def test_a_clock_that_cannot_be_moved_there_says_so(call, to):
	status, answer = call("POST", "/clock", {"to": to}, prefix="/lab")
	assert status in (400, 422) and answer["error"]["message"]


@pytest.mark.parametrize(
	"headers",
	[
		{"Host": "evil.example"},
		{"Host": "evil.example:8010"},
		{"Host": "127.0.0.1:9999"},
		{"Origin": "https://evil.example"},
		{"Origin": "null"},
	],
)
def test_other_hosts_and_origins_are_refused(host, headers):
	client = Client(LabApp(host, PORT))
	for path in ("/", "/flow/runs", "/lab/state"):
		assert client.get(path, base_url=HERE, headers=headers).status_code == 403


def test_its_own_origin_is_let_in(host):
	client = Client(LabApp(host, PORT))
	for origin in (HERE, f"http://localhost:{PORT}"):
		assert client.get("/flow/runs", base_url=HERE, headers={"Origin": origin}).status_code == 200


def test_a_token_is_asked_for_if_there_is_one(host):
	client = Client(LabApp(host, PORT, token="s3cret"))
	for given, status in ((None, 401), ("Bearer wrong", 401), ("s3cret", 401), ("Bearer s3cret", 200)):
		headers = {"Authorization": given} if given else {}
		for path in ("/flow/runs", "/lab/sent"):
			assert client.get(path, base_url=HERE, headers=headers).status_code == status
	assert client.get("/", base_url=HERE).status_code == 200


def test_pages_and_nothing_outside_them(host):
	client = Client(LabApp(host, PORT))
	page = client.get("/", base_url=HERE)
	assert page.status_code == 200 and "default-src 'self'" in page.headers["Content-Security-Policy"]
	for path in ("/lab.js", "/lab.css"):
		assert client.get(path, base_url=HERE).status_code == 200
	for path in ("/../server.py", "/%2e%2e/server.py", "/server.py", "/index.html/x", "//etc/passwd"):
		assert client.get(path, base_url=HERE).status_code == 404


def test_a_failed_request_leaves_nothing_behind(call):
	_, before = call("GET", "/templates")
	assert call("POST", "/templates", {"template_name": "x", "flow_definition": {"steps": 5}})[0] == 422
	assert call("PUT", "/documents", {"doctype": "Contract", "name": "none"}, prefix="/lab")[0] == 404
	assert call("GET", "/templates")[1] == before


def test_head_is_get_without_its_body_and_options_tells_the_verbs(host):
	client = Client(LabApp(host, PORT))
	looked = client.head("/flow/templates", base_url=HERE)
	assert (looked.status_code, looked.get_data()) == (200, b"")
	asked = client.options("/flow/templates", base_url=HERE)
	assert (asked.status_code, asked.headers["Allow"]) == (204, "GET, POST, HEAD, OPTIONS")
	assert client.options("/flow/nowhere", base_url=HERE).status_code == 404


def test_bodies_of_any_kind_are_no_500(host):
	client = Client(LabApp(host, PORT))
	for path in ("/flow/start", "/flow/validate", "/flow/templates", "/lab/clock", "/lab/documents"):
		for body in (
			b"",
			b"null",
			b"[1]",
			b'"x"',
			b"\xff\xfe",
			b"[" * 20_000,
			b'{"a": NaN}',
			b'{"template": {"a": 1}}',
		):
			status = client.post(path, data=body, base_url=HERE).status_code
			assert status in (200, 400, 404, 422), (path, body[:20], status)


def test_nothing_that_is_answered_is_kept_by_a_cache(host):
	client = Client(LabApp(host, PORT))
	for verb, path in (
		("GET", "/flow/templates"), ("GET", "/flow/nowhere"), ("PATCH", "/flow/runs"), ("OPTIONS", "/flow/runs"), ("HEAD", "/flow/runs"), ("GET", "/lab/state"),
	):  # fmt: skip
		assert client.open(path, method=verb, base_url=HERE).headers["Cache-Control"] == "no-store", (
			verb,
			path,
		)


@pytest.mark.parametrize(("size", "status"), [(1000, 422), (MAX_BODY + 1, 413)])
@pytest.mark.parametrize("in_chunks", [True, False])
def test_a_body_is_as_limited_whether_it_says_how_long_it_is_or_comes_in_chunks(
	tmp_path, size, status, in_chunks
):
	host = open_lab(str(tmp_path / "lab.db"))
	server = make_server("127.0.0.1", 0, LabApp(host, PORT))
	server.app.hosts = {f"127.0.0.1:{server.server_port}"}
	threading.Thread(target=server.serve_forever, daemon=True).start()
	connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=60)
	body = b'{"x": "' + b"y" * size + b'"}'
	try:
		connection.request(
			"POST", "/flow/start", iter([body]) if in_chunks else body, encode_chunked=in_chunks
		)
		answer = connection.getresponse()
		assert answer.status == status and json.loads(answer.read())["error"]["code"]
	finally:
		connection.close()
		server.shutdown()
		server.server_close()
		host.store.close()


def test_one_start_with_one_key_is_made_once_and_confirmed_before(call):
	_, listed = call("GET", "/templates")
	(move,) = [t["name"] for t in listed["templates"] if t["template_name"] == "move_service"]
	about = {"template": move, "doctype": "Customer", "docname": "Ana Tremblay"}
	status, said = call("POST", "/confirm", about)
	assert status == 200 and [one["label"] for one in said["inputs"]] == ["New address"]
	status, refused = call("POST", "/start", about)
	assert status == 422
	assert [problem["field"] for problem in refused["error"]["problems"]] == ["variables.new_address"]
	body, key = {**about, "variables": {"new_address": "5 Rue Neuve"}}, {"Idempotency-Key": "k"}
	(_, first), (status, again) = (call("POST", "/start", body, headers=key) for _ in range(2))
	assert status == 201 and again["repeated"] and again["run"]["name"] == first["run"]["name"]
	sent = lab(call, "GET", "/sent")["sent"]
	assert len(sent) == 1 and "5 Rue Neuve" in sent[0]["body"]
	other = {**body, "variables": {"new_address": "elsewhere"}}
	assert call("POST", "/start", other, headers=key)[0] == 409


def test_a_flow_starts_by_the_clock_that_is_moved(call):
	definition = {
		"steps": [{"id": "a", "kind": "wait", "trigger": {"type": "manual"}, "payload": {}}],
		"trigger": {"type": "schedule", "every": "day", "at": "09:00"},
	}
	values = {"template_name": "Every morning", "is_active": 1, "flow_definition": definition}
	status, made = call("POST", "/templates", values)
	assert status == 201, made
	name = made["template"]["name"]
	for count in (1, 2):
		lab(call, "POST", "/clock", {"to": "+1d"})
		_, answer = call("GET", f"/runs?template={name}")
		assert len(answer["runs"]) == count
