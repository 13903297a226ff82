"""The engine alone: items 1 and 2, and validation, rendering and conditions of item 8. No database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from time import process_time

from benchmarks import flows
from benchmarks.measure import Figure, Pairs, figure, in_turn, milliseconds, per_second
from flow_editor.engine import conditions, render
from flow_editor.engine.definition import Flow, parse
from flow_editor.engine.kind import Catalog
from flow_editor.engine.machine import DONE, Machine
from flow_editor.engine.reading import Limits, load
from flow_editor.engine.validation import validate
from flow_editor.kinds import builtin_kinds


def measure(rounds: int, size: float) -> Iterator[Figure]:
	yield from against_spiffworkflow(rounds, max(20, int(300 * size)))
	yield from cost_per_step(rounds, max(10_000, int(20_000 * size)))
	yield from what_authors_wait_for(rounds)


def run(flow: Flow) -> int:
	"""Move a run from its start to its end. Returns how many steps were taken."""
	state: dict[str, dict] = {}
	machine = Machine(flow, state)
	machine.start()
	taken = 0
	while (step := machine.next_ready()) is not None:
		taken += 1
		state[step.id].update(status=DONE, result={})
		machine.done(step)
	return taken


def against_spiffworkflow(rounds: int, runs: int) -> Iterator[Figure]:
	try:
		from benchmarks import peer_spiffworkflow as peer
	except ImportError as missing:
		print(f"!! SpiffWorkflow is LEFT OUT: {missing}. Install the extra `benchmark`.")
		return
	flow, spec = parse(flows.chain(10)), peer.chain(10)

	def ours() -> None:
		for _ in range(runs * 10):
			assert run(flow) == 10

	def theirs() -> None:
		for _ in range(runs):
			peer.run(spec)

	pairs = in_turn(ours, theirs, rounds, process_time)
	mine, other = pairs.medians
	yield figure(
		"1",
		f"Steps per second on a chain of 10, the engine against SpiffWorkflow {peer.VERSION}",
		[ratio * 10 for ratio in pairs.ratios(speed=True)],
		20,
		at_most=False,
		detail=f"{per_second(runs * 100, mine)} against {per_second(runs * 10, other)}",
	)


def cost_per_step(rounds: int, steps: int) -> Iterator[Figure]:
	"""Each shape against a chain of 10, with as many steps taken on both sides."""
	shapes = {
		"a chain of 100": flows.chain(100),
		"a chain of 1,000": flows.chain(1000),
		"a chain of 10,000": flows.chain(10_000),
		"a fan of 100": flows.fan(100),
		"a fan of 10,000": flows.fan(10_000),
		"1,000 joins": flows.joins(1000),
	}
	ten = parse(flows.chain(10))
	for name, definition in shapes.items():
		flow = parse(definition)
		length = len(flow.steps)
		repeat = max(1, steps // length)

		def ours(flow: Flow = flow, repeat: int = repeat) -> None:
			for _ in range(repeat):
				run(flow)

		def theirs(times: int = repeat * length // 10) -> None:
			for _ in range(times):
				run(ten)

		pairs = in_turn(ours, theirs, rounds, process_time)
		mine, other = (seconds / (repeat * length) for seconds in pairs.medians)
		yield figure(
			"2",
			f"Cost per step, {name} against a chain of 10",
			pairs.ratios(),
			1.25,
			detail=f"{mine * 1e6:.2f} µs against {other * 1e6:.2f} µs",
		)


def what_authors_wait_for(rounds: int) -> Iterator[Figure]:
	"""Validation, rendering and conditions, each against the JSON work that cannot be saved."""
	catalog, limits = Catalog(builtin_kinds()), Limits()
	text = json.dumps(flows.mixed(1000))
	assert validate(load(text, limits), catalog, limits=limits) == []

	def read_twice() -> None:
		json.dumps(json.loads(text))

	pairs = in_turn(
		lambda: validate(load(text, limits), catalog, limits=limits), read_twice, rounds, process_time
	)
	yield _beside(pairs, "Validating a definition of 1,000 steps, against reading and writing its JSON")
	scope = {
		"doc": {"name": "ISS-1", "subject": "No signal", "amount": 7},
		"customer": {"customer_name": "Ana"},
	}
	mail = "Dear {{customer.customer_name}},\nabout {{doc.name}}: {{doc.subject}}" * 10

	def format_it() -> None:
		for _ in range(1000):
			"".join(["Dear %s,\nabout %s: %s" % ("Ana", "ISS-1", "No signal") for _ in range(10)])

	def render_it() -> None:
		for _ in range(1000):
			render.render_text(mail, scope)

	yield _beside(
		in_turn(render_it, format_it, rounds, process_time),
		"Rendering a mail with 30 expressions, 1,000 times, against Python's own % on values in hand",
	)

	def evaluate() -> None:
		for _ in range(10_000):
			conditions.evaluate(7, ">=", "5")

	def compare() -> None:
		for _ in range(10_000):
			float(7) >= float("5")  # noqa: B015

	yield _beside(
		in_turn(evaluate, compare, rounds, process_time),
		"10,000 conditions, against Python's own comparison of floats",
	)


def _beside(pairs: Pairs, what: str) -> Figure:
	mine, other = pairs.medians
	return figure("8", what, pairs.ratios(), detail=f"{milliseconds(mine)} against {milliseconds(other)}")
