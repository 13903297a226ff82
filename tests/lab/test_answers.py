"""What the lab's web calls are answered, and the failure paths that can be tried with it."""

from __future__ import annotations

import json
from datetime import datetime

import pytest
from click.testing import CliRunner
from werkzeug.test import Client

from flow_editor.engine.errors import Invalid
from flow_editor.lab.cli import main
from flow_editor.lab.server import LabApp, open_lab
from flow_editor.trial.answers import answers_in
from flow_editor.trial.simulate import simulate

BEGAN = datetime(2026, 11, 23, 9)
URL = "https://x.test/hook"


def call(id: str = "call", url: str = URL, **more) -> dict:
	return {"id": id, "kind": "webhook", "payload": {"url": url, **more.pop("payload", {})}, **more}


def tried(*steps: dict, answers=(), **more):
	return simulate({"version": 1, "steps": list(steps)}, now=BEGAN, http=answers_in(list(answers)), **more)


def times(done, channel: str = "webhook") -> list[str]:
	return [message["at"][11:16] for message in done.sent if message["channel"] == channel]


def state(done) -> dict:
	return done.run["step_state"]


def test_a_busy_receiver_is_called_again_when_it_says():
	busy = {"status": 503, "headers": {"Retry-After": "1800"}, "times": 1}
	limits = {"status": 429, "headers": {"retry-after": "Mon, 23 Nov 2026 09:30:30 GMT"}, "times": 1}
	for on in ({}, {"retry": {"attempts": 5, "delay_minutes": 1, "on": "transient"}}):
		done = tried(call(**on), answers=[busy, limits])
		# The second names a moment that the policy's own wait, of four minutes, is beyond.
		assert done.run["status"] == "completed" and times(done) == ["09:00", "09:30", "09:34"]


def test_a_policy_for_any_failure_waits_as_long_too():
	answers = [{"status": 404, "headers": {"Retry-After": "600"}, "times": 2}]
	done = tried(call(retry={"attempts": 3, "delay_minutes": 1, "factor": 1, "on": "any"}), answers=answers)
	assert times(done) == ["09:00", "09:10", "09:20"]


def test_a_call_beside_a_step_waits_as_long_and_a_refused_one_is_not_made_again():
	job = {"id": "job", "kind": "dispatch_job", "payload": {"subject": "s", "on_open_webhook": URL}}
	busy = {"status": 503, "headers": {"Retry-After": "1800"}, "times": 1}
	assert times(tried(job, answers=[busy])) == ["09:00", "09:30"]
	assert times(tried(job, answers=[{"status": 404}])) == ["09:00"]


def test_no_answer_at_all_can_be_tried_too():
	done = tried(call(), answers=[{"error": "the connection was refused"}])
	assert done.run["status"] == "failed" and len(times(done)) == 5
	assert state(done)["call"]["error"] == "x.test did not answer POST: the connection was refused."


def test_the_first_that_fits_answers_until_it_is_used_up():
	answers = [
		{"url": "/a", "status": 404, "body": "never of others"},
		{"method": "GET", "body": {"n": 1}, "times": 1},
		{"method": "GET", "body": [2]},
	]
	get = {"payload": {"method": "GET"}}
	done = tried(call("one", **get), call("two", depends_on=["one"], **get), call("three"), answers=answers)
	assert [state(done)[id]["result"]["body"] for id in ("one", "two", "three")] == [
		{"n": 1},
		[2],
		{"captured": True},
	]


def test_a_redirect_is_followed_there_too():
	moved = {"url": "x.test", "status": 308, "headers": {"Location": "https://y.test/new"}}
	done = tried(call(payload={"follow": True}), answers=[moved])
	assert [message["url"] for message in done.sent] == [URL, "https://y.test/new"]


@pytest.mark.parametrize("size", [40_000, 300_000])
def test_a_long_answer_is_read_whole(size):
	says = {"id": "say", "kind": "notify", "depends_on": ["call"], "payload": {"to": "ops@example.com", "subject": "{{steps.call.result.body.id}}", "body": "b"}}  # fmt: skip
	done = tried(call(), says, answers=[{"body": {"label": "a" * size, "id": "REAL-ID"}}])
	assert done.sent[-1]["subject"] == "REAL-ID"


@pytest.mark.parametrize("size", [990_000, 2_000_000])
def test_who_reads_one_that_was_too_long_fails_and_says_so(size):
	"""The shorter is read to its end, and is more than a run keeps; of the longer only the beginning is read."""
	reads = [
		{"id": "say", "kind": "notify", "payload": {"to": "ops@example.com", "subject": "{{steps.call.result.body.id}}", "body": "b"}},
		{"id": "ask", "kind": "condition", "payload": {"field": "steps.call.result.body.id", "op": "==", "value": "x"}},
		{"id": "again", "kind": "webhook", "payload": {"url": URL, "body_template": {"all": "{{steps.call.result}}"}}},
		{"id": "to", "kind": "webhook", "payload": {"url": URL + "/{{steps.call.result.body.id}}"}},
		{"id": "later", "kind": "wait", "trigger": {"type": "on_date", "at": "{{steps.call.result.body.on}}"}},
	]  # fmt: skip
	fine = {"id": "fine", "kind": "notify", "payload": {"to": "ops@example.com", "subject": "{{steps.call.result.status}}", "body": "b"}}  # fmt: skip
	steps = [{**one, "depends_on": ["call"]} for one in (*reads, fine)]
	answer = {"body": {"label": ['"'] * (size // 5), "id": "REAL-ID"}, "times": 1}
	done = tried(call(), *steps, answers=[answer])
	assert state(done)["fine"]["status"] == "done" and state(done)["call"]["result"]["truncated"] is True
	for one in reads:
		entry = state(done)[one["id"]]
		assert entry["status"] == "failed" and "step call was too long" in entry["error"], one["id"]
	assert len(done.sent) == 2


def test_the_command_line_is_told_by_a_file(tmp_path):
	flow, http = tmp_path / "flow.json", tmp_path / "http.json"
	flow.write_text(json.dumps({"version": 1, "steps": [call()]}))
	http.write_text(json.dumps([{"url": "x.test", "status": 422, "body": "no such order"}]))
	ran = CliRunner().invoke(main, ["run", str(flow), "--http", str(http), "--json"])
	assert ran.exit_code == 0, ran.output
	assert "422: no such order" in json.loads(ran.output)["run"]["step_state"]["call"]["error"]
	http.write_text('[{"status": 99}, {"statsu": 200}]')
	refused = CliRunner().invoke(main, ["run", str(flow), "--http", str(http)])
	assert refused.exit_code == 1 and "answers.0.status" in refused.output and "'statsu'" in refused.output


@pytest.mark.parametrize(
	"written",
	[
		None, {}, "x", ["x"], [{"status": "200"}], [{"status": 600}], [{"status": True}], [{"times": 0}], [{"headers": []}],
		[{"headers": {"a": 1}}], [{"method": "get"}], [{"url": 5}], [{"error": 1}], [{"nope": 1}],
	],
)  # fmt: skip
def test_what_is_no_answer_is_refused(written):
	with pytest.raises(Invalid):
		answers_in(written)


def test_a_server_is_told_and_remembers(tmp_path):
	path = str(tmp_path / "lab.db")
	host = open_lab(path)
	client = Client(LabApp(host, 8010))
	here = {"base_url": "http://127.0.0.1:8010"}
	wanted = {"answers": [{"url": "/a", "status": 503, "headers": {"Retry-After": "60"}, "body": {"n": 1}}]}
	kept = client.put("/lab/http", json=wanted, **here).json["answers"]
	assert kept == [
		{"url": "/a", "method": "", "status": 503, "headers": {"Retry-After": "60"}, "body": '{"n": 1}', "times": None, "error": ""}
	]  # fmt: skip
	host.store.close()
	again = open_lab(path)
	client = Client(LabApp(again, 8010))
	assert client.get("/lab/http", **here).json["answers"] == kept
	assert client.put("/lab/http", json={"answers": [{"status": 9}]}, **here).status_code == 422
	assert client.put("/lab/http", json={"answers": kept}, **here).json["answers"] == kept
	assert client.delete("/lab/http", **here).status_code == 404
	again.store.close()
