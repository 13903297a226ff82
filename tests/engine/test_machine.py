"""The machine against its rules, against a slow reference, and in the number of steps that it looks at."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flow_editor.engine.definition import parse
from flow_editor.engine.machine import DONE, FAILED, PENDING, SKIPPED, Machine, is_in_flight, run_status


def steps(*rows):
	"""(id, parent, branch, depends_on) rows as a flow."""
	return parse(
		{
			"steps": [
				{"id": i, "kind": "wait", "parent_id": p, "branch": b, "depends_on": list(d)}
				for i, p, b, d in rows
			]
		}
	)


def play(flow, branches=None, fail=()):
	"""Do every step as it becomes ready; returns the order and the states."""
	state: dict = {}
	machine = Machine(flow, state)
	machine.start()
	order = []
	while (step := machine.next_ready()) is not None:
		order.append(step.id)
		if step.id in fail:
			state[step.id]["status"] = FAILED
			continue
		state[step.id].update(status=DONE)
		taken = (branches or {}).get(step.id)
		machine.done(step, taken if isinstance(taken, list) else [taken] if taken else [])
	return order, {step_id: entry["status"] for step_id, entry in state.items()}


def test_roots_fire_in_order_and_a_chain_in_waves():
	flow = steps(
		("a", None, None, []), ("b", None, None, []), ("c", None, None, ["a"]), ("d", None, None, ["b", "c"])
	)
	assert play(flow)[0] == ["a", "b", "c", "d"]


def test_the_branch_that_was_not_taken_is_skipped_with_all_below_it():
	flow = steps(
		("q", None, None, []), ("y", "q", "yes", []), ("n", "q", "no", []), ("below", "n", None, []), ("both", "q", None, []),
	)  # fmt: skip
	order, states = play(flow, {"q": "yes"})
	assert order == ["q", "y", "both"]
	assert states == {"q": DONE, "y": DONE, "n": SKIPPED, "below": SKIPPED, "both": DONE}


@pytest.mark.parametrize("branch", ["yes", "no"])
def test_a_join_fires_when_the_branch_that_was_taken_is_through(branch):
	flow = steps(
		("q", None, None, []), ("y1", "q", "yes", []), ("y2", "q", "yes", ["y1"]), ("n1", "q", "no", []), ("join", None, None, ["y2", "n1"]),
	)  # fmt: skip
	order, states = play(flow, {"q": branch})
	assert order[-1] == "join" and states["join"] == DONE


def test_a_step_whose_dependencies_were_all_skipped_is_skipped_and_so_on():
	flow = steps(
		("q", None, None, []),
		("n", "q", "no", []),
		("after", None, None, ["n"]),
		("later", None, None, ["after"]),
		("last", None, None, ["later", "q"]),
	)
	_, states = play(flow, {"q": "yes"})
	assert (states["after"], states["later"], states["last"]) == (SKIPPED, SKIPPED, DONE)


def test_a_block_counts_as_one():
	flow = steps(
		("q", None, None, []),
		("y", "q", "yes", []),
		("y2", "y", None, []),
		("after", None, None, ["q"]),
		("n", "q", "no", []),
	)
	assert play(flow, {"q": "yes"})[0] == ["q", "y", "y2", "after"]


@pytest.mark.parametrize(("beside", "after"), [([], SKIPPED), (["b"], DONE)])
def test_a_step_that_is_left_out_takes_with_it_what_is_below_and_what_comes_after_it_alone(beside, after):
	flow = steps(
		("b", None, None, []), ("a", None, None, []), ("in", "a", None, []), ("after", None, None, ["a", *beside])
	)  # fmt: skip
	state: dict = {}
	machine = Machine(flow, state)
	machine.start()
	while (step := machine.next_ready()) is not None:
		if step.id == "a":
			machine.skip(step)
		else:
			state[step.id]["status"] = DONE
			machine.done(step)
	assert {id: entry["status"] for id, entry in state.items()} == {
		"b": DONE, "a": SKIPPED, "in": SKIPPED, "after": after,
	}  # fmt: skip


def test_an_empty_block_and_one_whose_lanes_were_all_skipped_are_settled():
	flow = steps(("q", None, None, []), ("n", "q", "no", []), ("after", None, None, ["q"]))
	assert play(flow, {"q": "maybe"}) == (["q", "after"], {"q": DONE, "n": SKIPPED, "after": DONE})


def test_a_failure_holds_back_what_comes_after_it_and_nothing_else():
	flow = steps(
		("a", None, None, []),
		("after", None, None, ["a"]),
		("child", "a", None, []),
		("lane", None, None, []),
		("end", None, None, ["lane"]),
	)
	_, states = play(flow, fail={"a"})
	assert states == {"a": FAILED, "after": PENDING, "child": PENDING, "lane": DONE, "end": DONE}
	assert run_status({k: {"status": v} for k, v in states.items()}) == FAILED


def test_a_join_waits_for_all_and_takes_one_that_is_done():
	flow = steps(
		("a", None, None, []), ("q", None, None, []), ("n", "q", "no", []), ("join", None, None, ["a", "n"])
	)
	assert play(flow, {"q": "yes"})[1]["join"] == DONE


def test_run_status_and_in_flight():
	assert run_status({}) == "completed"
	assert run_status({"a": {"status": DONE}, "b": {"status": SKIPPED}}) == "completed"
	assert run_status({"a": {"status": DONE}, "b": {"status": PENDING}}) == "running"
	assert is_in_flight({"a": {"status": "waiting"}})
	assert is_in_flight({"a": {"status": "scheduled"}})
	assert not is_in_flight({"a": {"status": FAILED}, "b": {"status": PENDING}})


def test_ten_thousand_deep_and_wide_without_recursion_and_once_each():
	chain = steps(*((f"s{i}", None, None, [f"s{i - 1}"] if i else []) for i in range(10_000)))
	assert play(chain)[0] == [f"s{i}" for i in range(10_000)]
	skipped = steps(
		("q", None, None, []),
		("s0", "q", "no", []),
		*((f"s{i}", None, None, [f"s{i - 1}"]) for i in range(1, 10_000)),
	)
	assert set(play(skipped, {"q": "yes"})[1].values()) == {DONE, SKIPPED}
	fan = steps(
		("a", None, None, []), *((f"s{i}", "a", None, []) for i in range(5_000)), ("end", None, None, ["a"])
	)
	assert play(fan)[0][-1] == "end"


class Counting(dict):
	"""A state that counts how often it is looked at."""

	looks = 0

	def __getitem__(self, key):
		Counting.looks += 1
		return super().__getitem__(key)


def looks_at(flow) -> int:
	state = Counting()
	machine = Machine(flow, state)
	Counting.looks = 0
	machine.start()
	while (step := machine.next_ready()) is not None:
		state[step.id].update(status=DONE, result={})
		machine.done(step)
	return Counting.looks


@pytest.mark.parametrize(
	"shape",
	[
		lambda n: steps(*((f"s{i}", None, None, [f"s{i - 1}"] if i else []) for i in range(n))),
		lambda n: steps(("a", None, None, []), *((f"s{i}", "a", None, []) for i in range(n))),
		lambda n: steps(
			*((f"s{i}", None, None, []) for i in range(n)), ("join", None, None, [f"s{i}" for i in range(n)])
		),
		lambda n: steps(
			("ask", None, None, []),
			*((f"s{i}", "ask", "no", []) for i in range(n)),
			("join", None, None, [f"s{i}" for i in range(n)]),
		),
		lambda n: steps(
			("done", None, None, []),
			("ask", None, None, []),
			*((f"s{i}", "ask", "no", []) for i in range(n)),
			("join", None, None, [*(f"s{i}" for i in range(n)), "done"]),
		),
	],
	ids=["chain", "fan", "join", "join of a branch that is not taken", "join of such a branch and a step"],
)
def test_the_cost_grows_with_the_steps_and_not_with_their_square(shape):
	small, large = looks_at(shape(200)), looks_at(shape(2_000))
	assert large < small * 10 * 1.25


# Against a reference that looks at everything again and again


@st.composite
def flows(draw):
	count = draw(st.integers(1, 9))
	rows = []
	for i in range(count):
		parent = draw(st.none() | st.sampled_from([f"s{j}" for j in range(i)])) if i else None
		branch = draw(st.sampled_from([None, "yes", "no"])) if parent else None
		above = set()
		walk = parent
		while walk:
			above.add(walk)
			walk = rows[int(walk[1:])][1]
		# A dependency on an earlier step that contains neither this one nor anything later keeps it free of cycles.
		free = [f"s{j}" for j in range(i) if f"s{j}" not in above]
		depends = draw(st.lists(st.sampled_from(free), max_size=3, unique=True)) if free else []
		rows.append((f"s{i}", parent, branch, depends))
	taken = {f"s{i}": draw(st.sampled_from(["yes", "no", None])) for i in range(count)}
	failing = draw(st.sets(st.sampled_from([f"s{i}" for i in range(count)]), max_size=2))
	return steps(*rows), taken, failing


def reference(flow, taken, failing):
	state = dict.fromkeys(flow.by_id, PENDING)

	def settled(step):
		if state[step.id] == SKIPPED:
			return True
		return state[step.id] == DONE and all(settled(child) for child in flow.children.get(step.id, ()))

	moved = True
	while moved:
		moved = False
		for step in flow.steps:
			if state[step.id] != PENDING:
				continue
			parent = state.get(step.parent_id) if step.parent_id else DONE
			wrong = parent == DONE and step.branch is not None and step.branch != taken[step.parent_id]
			over = all(settled(flow.by_id[dep]) for dep in step.depends_on)
			none_done = step.depends_on and not any(state[dep] == DONE for dep in step.depends_on)
			if parent == SKIPPED or wrong or (parent == DONE and over and none_done):
				state[step.id] = SKIPPED
			elif parent == DONE and over:
				state[step.id] = FAILED if step.id in failing else DONE
			else:
				continue
			moved = True
	return state


@settings(max_examples=400, deadline=None)
@given(flows())
def test_it_does_what_a_slow_reference_does(drawn):
	flow, taken, failing = drawn
	order, states = play(flow, taken, failing)
	assert states == reference(flow, taken, failing)
	assert len(order) == len(set(order))


# What a move looks at


class Counted(dict):
	"""A state that counts how often its entries are looked at."""

	looks = 0

	def __getitem__(self, key):
		self.looks += 1
		return super().__getitem__(key)


def looks_per_step(*steps) -> float:
	state = Counted()
	machine = Machine(parse({"steps": [dict(step, kind="wait") for step in steps]}), state)
	machine.start()
	taken = 0
	while (ready := machine.next_ready()) is not None:
		taken += 1
		state[ready.id]["status"] = "done"
		machine.done(ready)
	assert taken == len(steps)
	return state.looks / taken


@pytest.mark.parametrize("length", [10, 100, 2000])
def test_a_chain_costs_each_step_the_same(length):
	chain = [{"id": f"s{i}", "depends_on": [f"s{i - 1}"] if i else []} for i in range(length)]
	assert looks_per_step(*chain) <= 5


@pytest.mark.parametrize("width", [10, 100, 2000])
def test_a_fan_costs_each_step_the_same_and_so_does_its_join(width):
	fan = [{"id": f"s{i}", "depends_on": ["first"]} for i in range(width)]
	assert looks_per_step({"id": "first"}, *fan) <= 5
	join = {"id": "join", "depends_on": [step["id"] for step in fan]}
	assert looks_per_step({"id": "first"}, *fan, join) <= 6


@pytest.mark.parametrize("count", [10, 1000])
def test_joins_cost_each_step_the_same(count):
	steps = []
	for i in range(count):
		before = [f"join{i - 1}"] if i else []
		steps += [{"id": f"a{i}", "depends_on": before}, {"id": f"b{i}", "depends_on": before}]
		steps.append({"id": f"join{i}", "depends_on": [f"a{i}", f"b{i}"]})
	assert looks_per_step(*steps) <= 6


@pytest.mark.parametrize("width", [10, 1000])
def test_the_steps_inside_a_block_cost_the_same_however_many_they_are(width):
	inside = [{"id": f"s{i}", "parent_id": "block"} for i in range(width)]
	assert looks_per_step({"id": "block"}, *inside, {"id": "after", "depends_on": ["block"]}) <= 6
