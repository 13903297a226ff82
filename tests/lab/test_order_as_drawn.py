"""What the editor's picture says of the order is what the engine does."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flow_editor.engine.definition import parse
from flow_editor.engine.machine import DONE, PENDING, RUNNING, SKIPPED, Machine
from flow_editor.lab.host import LabHost
from flow_editor.services import templates
from flow_editor.services.meaning import About

TESTS = Path(__file__).parents[1]
NODE = shutil.which("node")
BRANCHES = [{"value": "yes", "label": "Yes"}, {"value": "no", "label": "No"}]
KINDS = {"condition": {"branches": BRANCHES}, "wait": {"branches": []}}
CONDITION = {"field": "doc.status", "op": "empty"}

pytestmark = pytest.mark.skipif(NODE is None, reason="There is no Node on this machine.")


def pictures(definitions: list[dict]) -> list[dict]:
	answer = subprocess.run(
		[NODE, TESTS / "js" / "picture.mjs"],
		input=json.dumps({"kinds": KINDS, "definitions": definitions}),
		capture_output=True,
		text=True,
		timeout=60,
	)
	assert answer.returncode == 0, answer.stderr
	return json.loads(answer.stdout)


@st.composite
def definitions(draw) -> dict:
	"""Steps in each other's lanes that wait for each other across all of them; some have no `depends_on` at all."""
	steps: list[dict] = []
	for number in range(draw(st.integers(1, 12))):
		step = {"id": f"s{number}", "kind": draw(st.sampled_from(["wait", "condition"]))}
		if step["kind"] == "condition":
			step["payload"] = CONDITION
		if parent := draw(st.sampled_from([None, *steps])) if draw(st.booleans()) else None:
			branches = [None, "yes", "no"] if parent["kind"] == "condition" else [None]
			step |= {"parent_id": parent["id"], "branch": draw(st.sampled_from(branches))}
		if steps and draw(st.integers(0, 3)):
			others = st.sampled_from([other["id"] for other in steps])
			step["depends_on"] = draw(st.lists(others, max_size=3, unique=True))
		steps.append(step)
	return {"version": 1, "steps": draw(st.permutations(steps))}


HOST = LabHost()


def is_sound(definition: dict) -> bool:
	problems, _ = templates.check(HOST, definition, About())
	return not problems


@settings(max_examples=60, deadline=None)
@given(st.lists(definitions().filter(is_sound), min_size=4, max_size=8), st.randoms(use_true_random=False))
def test_a_step_fires_exactly_when_all_that_the_picture_shows_before_it_is_over(flows, random):
	for definition, picture in zip(flows, pictures(flows), strict=True):
		follows(definition, picture, random)


def follows(definition: dict, picture: dict, random) -> None:
	flow = parse(definition)
	state: dict = {}
	machine = Machine(flow, state)
	machine.start()
	under_way = []
	assert picture.keys() == flow.by_id.keys()
	while True:
		while (step := machine.next_ready()) is not None:
			state[step.id]["status"] = RUNNING
			under_way.append(step)
		for step_id, shown in picture.items():
			assert state[step_id]["status"] in expected(step_id, shown, picture, state), (step_id, shown)
		if not under_way:
			break
		step = under_way.pop(random.randrange(len(under_way)))
		branch = random.choice(["yes", "no"]) if step.kind == "condition" else None
		state[step.id].update(status=DONE, result={"branch": branch})
		machine.done(step, [branch] if branch else [])
	assert all(entry["status"] in (DONE, SKIPPED) for entry in state.values())


def expected(step_id: str, shown: dict, picture: dict, state: dict) -> tuple[str, ...]:
	"""What a step's state may be, by the picture alone."""
	parent = state.get(shown["parent"])
	if parent and parent["status"] == SKIPPED:
		return (SKIPPED,)
	if parent and parent["status"] != DONE:
		return (PENDING,)
	if parent and shown["branch"] not in (None, parent["result"]["branch"]):
		return (SKIPPED,)
	before = shown["lines"] + shown["waits"]
	if not all(settled(other, picture, state) for other in before):
		return (PENDING,)
	if before and all(state[other]["status"] == SKIPPED for other in before):
		return (SKIPPED,)
	return (RUNNING, DONE)


def settled(step_id: str, picture: dict, state: dict) -> bool:
	below = [other for other, shown in picture.items() if shown["parent"] == step_id]
	return state[step_id]["status"] in (DONE, SKIPPED) and all(
		settled(other, picture, state) for other in below
	)


def test_steps_without_an_order_have_no_line_between_them():
	loose = [{"id": name, "kind": "wait"} for name in ("a", "b", "c")]
	(picture,) = pictures([{"steps": loose}])
	assert [shown["lines"] + shown["waits"] for shown in picture.values()] == [[], [], []]
