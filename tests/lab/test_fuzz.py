"""Whole flows and whole requests at random, valid and broken: never a 500, never a hang, never a half-written run."""

from __future__ import annotations

import json
import time

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import Client

from flow_editor.doors.routes import PREFIX, ROUTES
from flow_editor.engine.definition import DELAY_FIELDS
from flow_editor.engine.errors import FlowError
from flow_editor.engine.machine import (
	CANCELLED,
	COMPLETED,
	DONE,
	FAILED,
	PENDING,
	RUNNING,
	SCHEDULED,
	SKIPPED,
)
from flow_editor.lab.host import LabHost
from flow_editor.lab.server import LabApp, open_lab
from flow_editor.services import templates
from flow_editor.trial.simulate import simulate

WHATEVER = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
#: Longer than any of these may take, on the slowest machine; a hang is longer.
SECONDS = 20

TEXTS = st.sampled_from(
	[
		"", "a", "{{doc.name}}", "{{doc.nobody}}", "{{steps.s0.result}}", "{{variables.v}}", "{{customer.email_id}}", "{{now}}",
		"{{", "}}", "{{ 1 + 1 }}", "{{doc.__class__}}", "{{secrets.x}}", "ana@example.com", "ana@example.com\r\nBcc: b@example.com",
		"https://example.com/{{doc.name}}", "http://127.0.0.1/", "javascript:alert(1)", "</script><script>", "{{{{doc.name}}}}", "0",
		"-1", "2027-03-31", "2027-02-30", "9" * 400, "\x00", "\ud7ff", "\ud800", "é" * 300, '{"a": "{{doc.name}}"}', '{"a": ', "[]", "null",
	]
)  # fmt: skip
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | st.text(max_size=20)
JSON = st.recursive(
	LEAVES,
	lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
	max_leaves=10,
)
CATALOG = LabHost().catalog
KINDS = {kind["name"]: [field["name"] for field in kind["fields"]] for kind in CATALOG.as_list()}


@st.composite
def definitions(draw) -> dict:
	"""Mostly what an author could have meant: every kind, with its own fields, and anything at all in them."""
	count = draw(st.integers(0, 8))
	ids = [f"s{number}" for number in range(count)]
	steps = []
	for number, id in enumerate(ids):
		kind = draw(st.sampled_from([*KINDS, *KINDS, "nope"]))
		before = ids[:number] or ["nobody"]
		step = {
			"id": id,
			"kind": kind,
			"payload": {name: draw(JSON) for name in KINDS.get(kind, []) if draw(st.booleans())},
			"trigger": draw(
				st.sampled_from([{"type": "on_prev_complete"}, {"type": "on_flow_start"}, {"type": "manual"}, {"type": "on_webhook"}])
				| st.fixed_dictionaries({"type": st.just("after_delay"), "delay_days": st.integers(-1, 400) | TEXTS})
				| st.fixed_dictionaries(
					{"type": st.just("on_date"), "at": TEXTS | st.dates().map(str)},
					optional={
						"if_past": st.sampled_from(["run", "skip", "fail"]),
						**{name: st.integers(-400, 400) | TEXTS for name in DELAY_FIELDS},
					},
				)
			),
		}  # fmt: skip
		if draw(st.booleans()):
			step["depends_on"] = draw(st.lists(st.sampled_from(before), max_size=3))
		if draw(st.integers(0, 3)) == 0:
			step["parent_id"] = draw(st.sampled_from(before))
			step["branch"] = draw(st.sampled_from([None, "yes", "no", "maybe"]))
		if draw(st.integers(0, 3)) == 0:
			step["retry"] = draw(st.fixed_dictionaries({"attempts": st.integers(0, 6), "on": st.sampled_from(["any", "transient"])}))  # fmt: skip
		if draw(st.integers(0, 3)) == 0:
			step["on_error"] = "continue"
		if draw(st.integers(0, 20)) == 0:
			step[draw(TEXTS)] = draw(JSON)
		steps.append(step)
	return {"version": 1, "steps": steps, "variables": draw(st.dictionaries(TEXTS, JSON, max_size=2))}


@given(definitions(), st.dictionaries(TEXTS, JSON, max_size=3))
@WHATEVER
def test_a_flow_is_refused_with_its_problems_or_runs_to_where_it_waits(definition, doc):
	began = time.monotonic()
	host = LabHost()
	problems, _ = templates.check(host, json.loads(json.dumps(definition)))
	try:
		simulation = simulate(definition, doc={"doctype": "Issue", "name": "I-1", **{f"f{n}": v for n, v in enumerate(doc.values())}})  # fmt: skip
	except FlowError as refused:
		assert problems or "not run yet" in str(refused)
		return
	assert not problems
	run = simulation.run
	states = {entry["status"] for entry in run["step_state"].values()}
	assert states <= {PENDING, DONE, FAILED, SKIPPED}, "nothing is left half done, or due and not done"
	assert set(run["step_state"]) == {step["id"] for step in definition["steps"]}
	if run["status"] == COMPLETED:
		assert states <= {DONE, SKIPPED}
	elif run["status"] == FAILED:
		assert FAILED in states and run["error"]
	else:
		assert run["status"] == RUNNING and any(entry.get("waiting") for entry in run["step_state"].values())
	for entry in run["step_state"].values():
		assert entry["status"] != FAILED or entry["error"]
	json.dumps(run, allow_nan=False)
	assert time.monotonic() - began < SECONDS


@given(JSON | definitions())
@WHATEVER
def test_a_definition_of_anything_is_checked_without_a_crash(definition):
	began = time.monotonic()
	for written in (definition, json.dumps(definition)):
		for problem in templates.check(LabHost(), written)[0]:
			assert problem.message
	assert time.monotonic() - began < SECONDS


def as_sent(text: str) -> bytes:
	"""A text as somebody careless puts it on the wire, half characters and all."""
	return text.encode("utf-8", "surrogatepass")


@given(st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_requests_one_after_another_never_break_and_leave_every_run_whole(data):
	host = open_lab(":memory:")
	client = Client(LabApp(host, 8010))
	known = {"template": ["FT-00001"], "run": ["FR-00001"], "step_id": ["s0", "s1"]}
	made = client.post(
		f"{PREFIX}/templates", base_url="http://127.0.0.1:8010",
		json={"template_name": "Fuzzed", "flow_definition": data.draw(definitions())},
	)  # fmt: skip
	if made.status_code == 201:
		known["template"].append(made.get_json()["template"]["name"])
	for _ in range(6):
		route = data.draw(st.sampled_from(ROUTES))

		def value(name: str):
			return data.draw(
				st.sampled_from(known[name]) if name in known and data.draw(st.integers(0, 4)) else JSON
			)

		path = route.path
		for part in route.parts:
			path = path.replace(f"{{{part}}}", str(data.draw(st.sampled_from(known.get(part, ["x"])))))
		body = {name: value(name) for name in {**route.body, **route.query} if data.draw(st.booleans())}
		sent = json.dumps(body) if data.draw(st.integers(0, 9)) else data.draw(TEXTS)
		answer = client.open(
			PREFIX + path, method=route.verb, base_url="http://127.0.0.1:8010",
			**({"data": as_sent(sent)} if route.verb in ("POST", "PUT") else {"query_string": {as_sent(k): as_sent(str(v)) for k, v in body.items()}}),
		)  # fmt: skip
		shown = answer.get_json()
		assert answer.status_code < 500, (route.name, sent, shown)
		assert answer.status_code < 400 or shown["error"]["message"]
		if isinstance(shown, dict) and isinstance(shown.get("run"), dict):
			known["run"].append(shown["run"]["name"])
	for run in host.store.runs({}, limit=500):
		states = {entry["status"] for entry in run.step_state.values()}
		if run.status == COMPLETED:
			assert states <= {DONE, SKIPPED} and run.completed_at
		if run.status == CANCELLED:
			assert not states & {PENDING, SCHEDULED, RUNNING}
		scheduled = {id for id, entry in run.step_state.items() if entry["status"] in (SCHEDULED, RUNNING)}
		promised = {row.step_id for row in host.store.pending({"flow_run": run.name, "status": "pending"})}
		assert scheduled <= promised, "what a run waits for stands in the inbox"
	host.store.close()
