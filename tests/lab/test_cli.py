"""`flow-editor …`, as an author types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from flow_editor.lab.cli import main
from flow_editor.services.portable import SEEDS

DOC = {
	"doctype": "Contract",
	"name": "CON-1",
	"customer": {"customer_name": "Ana", "email_id": "ana@example.com", "mobile_no": "+15145550100"},
}


@pytest.fixture
def cli(tmp_path, monkeypatch):
	monkeypatch.chdir(tmp_path)

	def run(*arguments: str, exit_code: int = 0) -> str:
		done = CliRunner().invoke(main, list(arguments), catch_exceptions=False)
		assert done.exit_code == exit_code, done.output
		return done.output

	return run


def write(name: str, content) -> str:
	Path(name).write_text(content if isinstance(content, str) else json.dumps(content))
	return name


def flow(*steps: dict, **more) -> dict:
	return {"version": 1, "steps": list(steps), **more}


def mail(id: str, **more) -> dict:
	return {
		"id": id,
		"kind": "notify",
		"payload": {"subject": f"About {id}", "body": "Dear {{customer.customer_name}}"},
		**more,
	}


def test_validate(cli):
	good, bad = (
		write("good.json", flow(mail("a"))),
		write("bad.json", flow({"id": "a", "kind": "nope"}, {"id": "a", "kind": "wait"})),
	)
	assert json.loads(cli("validate", good, "--json")) == {"problems": [], "warnings": []}
	problems = json.loads(cli("validate", good, bad, write("worse.json", "{"), "--json", exit_code=1))[
		"problems"
	]
	assert [(p["file"], p["step"], p["field"]) for p in problems] == [
		("bad.json", "a", "kind"),
		("bad.json", "a", "id"),
		("worse.json", "", "flow_definition"),
	]
	assert all(p["message"] for p in problems)
	assert "2 problems" in cli("validate", bad, exit_code=1)
	cli("validate", *(str(path) for path in SEEDS.glob("*.json")))


def test_run_prints_one_object(cli):
	definition = flow(
		mail("now"),
		mail("later", trigger={"type": "after_delay", "delay_days": 30}),
		{
			"id": "hook",
			"kind": "webhook",
			"payload": {
				"url": "https://example.com/x",
				"body_template": {"who": "{{customer.customer_name}}"},
			},
		},
		{"id": "job", "kind": "dispatch_job", "payload": {"subject": "Install"}},
	)
	done = json.loads(
		cli(
			"run",
			write("f.json", definition),
			"--doc",
			write("d.json", DOC),
			"--now",
			"2026-11-23 09:00",
			"--json",
		)
	)
	assert set(done) == {"run", "timeline", "sent", "documents"}
	assert done["run"]["status"] == "completed" and done["run"]["completed_at"] == "2026-12-23 09:00:00"
	assert {id: entry["status"] for id, entry in done["run"]["step_state"].items()} == dict.fromkeys(
		("now", "later", "hook", "job"), "done"
	)
	assert [entry["at"] for entry in done["timeline"]] == sorted(entry["at"] for entry in done["timeline"])
	assert set(done["timeline"][0]) == {"at", "step_id", "kind", "status", "result", "error"}
	mails = [message for message in done["sent"] if message["channel"] == "email"]
	assert [(m["to"], m["subject"], m["body"]) for m in mails] == [
		("ana@example.com", "About now", "Dear Ana"),
		("ana@example.com", "About later", "Dear Ana"),
	]
	(hook,) = [message for message in done["sent"] if message["channel"] == "webhook"]
	assert (hook["method"], hook["url"], json.loads(hook["body"])) == (
		"POST",
		"https://example.com/x",
		{"who": "Ana"},
	)
	assert hook["headers"]["Idempotency-Key"]
	(job,) = done["documents"]
	assert (job["action"], job["doctype"], job["values"]["subject"]) == ("create", "Dispatch Job", "Install")


@pytest.mark.parametrize(
	"doc",
	[
		{"doctype": "Quotation", "name": "Q", "quotation_to": "Customer", "party_name": "Ana"},
		{"doctype": "Issue", "customer": "Ana"},
		{"doctype": "Customer", "name": "Ana", "customer_name": "Ana"},
		{
			"doctype": "Contract",
			"party_type": "Customer",
			"party_name": "Ana",
			"customer": {"customer_name": "Ana"},
		},
	],
)
def test_run_finds_the_customer_that_a_document_names(cli, doc):
	file = write(
		"f.json",
		flow(
			{
				"id": "q",
				"kind": "condition",
				"payload": {"field": "customer.customer_name", "op": "==", "value": "Ana"},
			}
		),
	)
	done = json.loads(cli("run", file, "--doc", write("d.json", doc), "--json"))
	assert done["run"]["customer"] == "Ana" and done["run"]["step_state"]["q"]["result"]["branch"] == "yes"
	assert done["documents"] == []


@pytest.mark.parametrize(
	("until", "status"),
	[("12h", "scheduled"), ("31d", "done"), ("2026-11-24", "scheduled"), ("2027-01-01 00:00", "done")],
)
def test_run_until(cli, until, status):
	file = write("f.json", flow(mail("later", trigger={"type": "after_delay", "delay_days": 30})))
	done = json.loads(
		cli(
			"run",
			file,
			"--doc",
			write("d.json", DOC),
			"--now",
			"2026-11-23 09:00",
			"--until",
			until,
			"--json",
		)
	)
	assert done["run"]["step_state"]["later"]["status"] == status


def test_run_completes_what_waits_when_it_is_reached(cli):
	file = write(
		"f.json",
		flow(
			{"id": "wait", "kind": "wait", "trigger": {"type": "after_delay", "delay_days": 1}},
			{"id": "call", "kind": "wait", "depends_on": ["wait"], "trigger": {"type": "on_webhook"}},
			{"id": "hand", "kind": "wait", "depends_on": ["call"], "trigger": {"type": "manual"}},
		),
	)
	done = json.loads(cli("run", file, "--json"))
	assert done["run"]["status"] == "running" and done["run"]["step_state"]["call"]["waiting"]
	done = json.loads(cli("run", file, "--complete", 'call={"ok": true}', "--complete", "hand", "--json"))
	assert done["run"]["status"] == "completed" and done["run"]["step_state"]["call"]["result"] == {
		"ok": True
	}


def test_run_with_variables_and_as_a_table(cli):
	file = write(
		"f.json",
		flow(
			{"id": "q", "kind": "condition", "payload": {"field": "variables.n", "op": ">", "value": 3}},
			variables={"n": 1},
		),
	)
	assert json.loads(cli("run", file, "--json"))["run"]["step_state"]["q"]["result"]["branch"] == "no"
	done = json.loads(cli("run", file, "--variables", write("v.json", {"n": 5}), "--json"))
	assert done["run"]["step_state"]["q"]["result"]["branch"] == "yes"
	said = cli(
		"run",
		str(SEEDS / "residential_onboarding.json"),
		"--doc",
		write("d.json", DOC),
		"--now",
		"2026-11-23 09:00",
	)
	assert "2027-10-23 09:00:00  renewal" in said and "Sent" in said and "Documents" in said


@pytest.mark.parametrize(
	("arguments", "words"),
	[
		(["f.json", "--complete", "a={"], "not JSON"), (["f.json", "--now", "soon"], "not a date"), (["f.json", "--until", "later"], "neither a length"),
		(["f.json", "--doc", "list.json"], "JSON object"), (["f.json", "--doc", "nameless.json"], "doctype"), (["bad.json"], "nope"), (["none.json"], "does not exist"),
	],
)  # fmt: skip
def test_run_says_what_is_wrong(cli, arguments, words):
	write("f.json", flow(mail("a")))
	write("bad.json", flow({"id": "a", "kind": "nope"}))
	write("list.json", [1])
	write("nameless.json", {"name": "x"})
	done = CliRunner().invoke(main, ["run", *arguments])
	assert done.exit_code in (1, 2) and words in done.output and "Traceback" not in done.output


def test_seed_export_import_and_doctor(cli):
	assert "6 inserted" in cli("seed") and "all were there" in cli("seed")
	cli("export", "quotation_follow_up", "-o", "q.json")
	exported = json.loads(Path("q.json").read_text())
	assert json.loads(cli("export", "quotation_follow_up")) == exported
	assert "version 1" in cli("import", "q.json")
	write("mine.json", {**exported, "template_name": "Mine"})
	assert "new" in cli("import", "mine.json")
	assert "new, runs as lab" in cli("import", write("again.json", {**exported, "template_name": "Again"}))
	assert "no flow template" in cli("export", "No such", exit_code=1)
	assert "ok" in cli("doctor")


def test_restore(cli):
	cli("seed")
	shipped = json.loads(cli("export", "fiber_install"))
	cli("import", write("empty.json", {**shipped, "flow_definition": {"steps": []}, "notes": "Ours"}))
	assert not json.loads(cli("export", "fiber_install"))["flow_definition"]["steps"]
	assert "kept as version 2" in cli("restore", "fiber_install")
	assert json.loads(cli("export", "fiber_install")) == shipped
	cli("restore", "fiber_install", "--version", "2")
	assert not json.loads(cli("export", "fiber_install"))["flow_definition"]["steps"]
	assert "no version" in cli("restore", "fiber_install", "--version", "latest", exit_code=1)
	cli("import", write("mine.json", {**shipped, "template_name": "Mine"}))
	assert "did not come with the app" in cli("restore", "Mine", exit_code=1)


def test_draft_publish_versions_and_discard(cli):
	cli("seed")
	exported = json.loads(cli("export", "quotation_follow_up"))
	broken = write("broken.json", {**exported, "flow_definition": {"steps": [{"id": "a", "kind": "nope"}]}})
	said = cli("draft", broken)
	assert "quotation_follow_up: draft 1" in said and "problem: a kind:" in said
	assert json.loads(cli("export", "quotation_follow_up")) == exported
	assert "a kind" in cli("publish", "quotation_follow_up", exit_code=1)
	assert (
		json.loads(cli("export", "quotation_follow_up", "--draft"))["flow_definition"]["steps"][0]["id"]
		== "a"
	)
	assert "problem" not in cli("draft", write("mended.json", {**exported, "notes": "Ours"}))
	for verb in ("publish", "discard"):
		assert "lab kept revision 2" in cli(verb, "quotation_follow_up", "--revision", "1", exit_code=1)
	done = cli("publish", "quotation_follow_up", "--revision", "2", "--note", "For\nAna")
	assert "version 2, runs as lab, on" in done
	newest, oldest = cli("versions", "quotation_follow_up").splitlines()
	assert newest.split()[0] == "2" and newest.endswith("lab  For Ana") and oldest.split()[0] == "1"
	assert json.loads(cli("versions", "quotation_follow_up", "--json"))[0]["note"] == "For\nAna"
	definition = json.loads(cli("versions", "quotation_follow_up", "--version", "1"))
	assert definition == exported["flow_definition"]
	assert "no draft" in cli("publish", "quotation_follow_up", exit_code=1)
	assert "no draft" in cli("discard", "quotation_follow_up")
	assert "Publish it" in cli("restore", "quotation_follow_up", "--version", "1", "--draft")
	assert "version 1" not in cli("restore", "quotation_follow_up", "--draft")
	assert "discarded" in cli("discard", "quotation_follow_up")
	assert len(cli("versions", "quotation_follow_up").splitlines()) == 2


def test_a_new_flow_may_be_a_draft_alone(cli):
	said = cli(
		"draft", write("new.json", {"template_name": "New", "is_active": 1, "flow_definition": {"steps": []}})
	)
	assert "New: new, draft 1" in said and cli("versions", "New") == ""
	assert "never published" in cli("export", "New", exit_code=1)
	assert "version 1, runs as lab, off" in cli("publish", "New")
	good = write("good.json", {"template_name": "Good", "flow_definition": {"steps": []}})
	assert "no field" in cli(
		"draft",
		good,
		write("bad.json", {"template_name": "Bad", "nope": 1, "flow_definition": {}}),
		exit_code=1,
	)
	assert "no flow template" in cli("versions", "Good", exit_code=1)


@pytest.mark.parametrize(
	("step", "changes"),
	[
		({"kind": "wait"}, ["done"]),
		({"kind": "wait", "trigger": {"type": "after_delay", "delay_hours": 1}}, ["scheduled", "done"]),
		({"kind": "webhook", "payload": {"url": "https://example.com/{{run.name}}"}}, ["running", "done"]),
	],
	ids=["instant", "delayed", "calls"],
)
def test_ten_thousand_steps_run_to_their_end(cli, step, changes):
	file = write(
		"f.json",
		flow(
			*({"id": f"s{i}", **step, "depends_on": [f"s{i - 1}"] if i else []} for i in range(10_000)),
		),
	)
	done = json.loads(cli("run", file, "--json"))
	assert done["run"]["status"] == "completed"
	assert [(entry["step_id"], entry["status"]) for entry in done["timeline"]] == [
		(f"s{i}", change) for i in range(10_000) for change in changes
	]


def test_what_happens_at_one_moment_stands_in_the_order_in_which_it_happened(cli):
	definition = flow(
		{"id": "after_all", "kind": "wait", "depends_on": ["ask"]},
		{"id": "second", "kind": "wait", "depends_on": ["first"]},
		{"id": "within", "kind": "wait", "parent_id": "ask", "branch": "yes"},
		{"id": "first", "kind": "wait"},
		{"id": "ask", "kind": "condition", "depends_on": ["second"], "payload": {"field": "now", "op": "not_empty"}},
	)  # fmt: skip
	done = json.loads(cli("run", write("f.json", definition), "--json"))
	assert [entry["step_id"] for entry in done["timeline"]] == [
		"first", "second", "ask", "within", "after_all",
	]  # fmt: skip


def test_files_may_begin_with_a_byte_order_mark(cli):
	asking = {"id": "q", "kind": "condition", "payload": {"field": "doc.status", "op": "==", "value": "Open"}}
	file = write("f.json", "\ufeff" + json.dumps(flow(asking)))
	doc = write("d.json", '\ufeff{"doctype": "Issue", "status": "Open"}')
	assert json.loads(cli("validate", file, "--json")) == {"problems": [], "warnings": []}
	done = json.loads(cli("run", file, "--doc", doc, "--json"))
	assert done["run"]["step_state"]["q"]["result"]["branch"] == "yes"


def test_validate_tells_every_problem_of_an_exported_flow(cli):
	exported = json.loads((SEEDS / "repair_service.json").read_text())
	wrong = write("x.json", {**exported, "trigger_event": "on_nothing", "category": "none", "colour": "red"})
	problems = json.loads(cli("validate", wrong, "--json", exit_code=1))["problems"]
	assert {problem["field"] for problem in problems} == {"trigger_event", "category", "colour"}


def test_a_run_that_fails_is_an_answer_and_a_flow_that_is_refused_is_none(cli):
	file = write("f.json", flow(mail("a"), {"id": "b", "kind": "wait", "depends_on": ["a"]}))
	done = json.loads(cli("run", file, "--json"))  # nothing but the object, on either stream
	assert done["run"]["status"] == "failed" and "nobody to notify" in done["timeline"][0]["error"]
	assert cli("run", write("bad.json", "{"), exit_code=1).count("flow_definition") == 1


def test_the_table_shows_what_messages_without_a_subject_say(cli):
	text = {
		"id": "a",
		"kind": "notify",
		"payload": {"channel": "sms", "to": "+15145550100", "body": "On\nour way"},
	}
	said = cli("run", write("f.json", flow(text)))
	assert "+15145550100  On our way" in said


@pytest.mark.parametrize("verb", ["serve", "doctor", "seed"])
def test_a_file_that_cannot_hold_the_lab_is_said(cli, verb):
	write("notes.txt", "no database" * 100)
	for file in ("notes.txt", "no/such/folder.db"):
		assert f"{file} cannot hold the lab" in cli(verb, "--db", file, exit_code=1)


ASKING = flow(
	mail("tell", payload={"subject": "To {{variables.address}}", "body": "{{variables.floors}} floors"}),
	inputs=[
		{"name": "address", "label": "New address", "required": True},
		{"name": "floors", "type": "number", "default": 1},
		{"name": "plan", "type": "link", "doctype": "Subscription"},
	],
)


def test_inputs_are_given_by_name_and_read_by_their_types(cli):
	about = ("run", write("asking.json", ASKING), "--doc", write("doc.json", DOC), "--json")
	given = ("--input", "address=5 Rue Neuve = 2nd door", "--input", "plan=SUB-1")
	done = json.loads(cli(*about, *given, "--input", "floors=3"))
	assert done["run"]["variables"] == {
		"address": "5 Rue Neuve = 2nd door",
		"floors": 3,
		"plan": "SUB-1",
	}
	assert done["sent"][0]["subject"] == "To 5 Rue Neuve = 2nd door"
	variables = write("variables.json", {"address": "of the file", "floors": 2})
	done = json.loads(cli(*about, "--variables", variables, "--input", "address=of the option"))
	assert done["run"]["variables"] == {"address": "of the option", "floors": 2}


@pytest.mark.parametrize(
	("given", "said"),
	[
		((), "variables.address: New address is missing. Give it."),
		(("--input", "address=x", "--input", "floors=many"), "variables.floors: Floors must be a number"),
		(("--input", "adress=x"), "no input 'adress'. It has address, floors, plan."),
	],
)
def test_an_input_that_is_missing_wrong_or_unknown_is_refused(cli, given, said):
	about = ("run", write("asking.json", ASKING), "--doc", write("doc.json", DOC))
	assert said in cli(*about, *given, exit_code=1)
	assert "is not NAME=VALUE" in cli(*about, "--input", "address", exit_code=2)


def test_explain_says_gate_by_gate_why_a_flow_would_not_start(cli):
	cli("seed")
	first, *gates = cli("explain", "fiber_install").splitlines()
	assert first == "It would not start." and len(gates) == 6
	found = json.loads(cli("explain", "fiber_install", "--json"))
	assert not found["would_start"]
	assert [gate["gate"] for gate in found["gates"] if gate["passes"] is False] == ["heard"]
	assert "There is no Issue" in cli(
		"explain", "fiber_install", "--doctype", "Issue", "--docname", "none", exit_code=1
	)
