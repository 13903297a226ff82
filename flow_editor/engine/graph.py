"""What is wrong with how steps stand and wait: names of steps that there are not, waits without end, nesting too deep."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from typing import Any

from flow_editor.engine.definition import ERROR_LANE, TAKE_ERROR_LANE
from flow_editor.engine.errors import Problem
from flow_editor.engine.kind import Kind
from flow_editor.engine.reading import Limits
from flow_editor.engine.wording import hint


def graph_problems(
	steps: list[dict[str, Any]], catalog: Mapping[str, Kind], limits: Limits
) -> Iterator[Problem]:
	by_id: dict[str, dict[str, Any]] = {}
	for step in steps:
		if step["id"] in by_id:
			yield Problem(
				f"There are two steps with the id {step['id'][:64]!r}. Give one another id.", step["id"], "id"
			)
		else:
			by_id[step["id"]] = step
	for step in steps:
		yield from _check_references(step, by_id, catalog)
	needless = {
		step_id: found for step_id in by_id if (found := _waits_for_itself(step_id, by_id, limits.max_depth))
	}
	for step_id, found in needless.items():
		yield from (Problem(message, step_id, "depends_on") for message in found.values())
	# Steps within each other are a cycle of their starts and one of their ends: once is enough.
	yield from dict.fromkeys(_cycles(by_id, needless))
	yield from _check_depth(by_id, limits)


def _check_references(
	step: dict[str, Any], by_id: Mapping[str, dict[str, Any]], catalog: Mapping[str, Kind]
) -> Iterator[Problem]:
	parent_id, branch = step.get("parent_id"), step.get("branch")
	parent = by_id.get(parent_id) if isinstance(parent_id, str) else None
	if parent_id and isinstance(parent_id, str) and parent is None:
		yield Problem(
			f"It stands in step {parent_id[:64]!r}, which there is not.{hint(parent_id, by_id)} "
			"Move it elsewhere.",
			step["id"],
			"parent_id",
		)
	if branch and isinstance(branch, str):
		if not parent_id:
			yield Problem(
				f"It has the branch {branch[:64]!r} but stands in no step that branches. Remove the branch.",
				step["id"],
				"branch",
			)
		elif parent is not None and isinstance(kind_name := parent.get("kind"), str):
			kind = catalog.get(kind_name)
			known = _lanes(parent, kind)
			if branch == ERROR_LANE and branch not in known:
				yield Problem(
					f"It stands in the error lane of step {parent['id']!r}, which has none. Let that step go on with its error "
					"lane if it fails, or remove the branch.",
					step["id"],
					"branch",
				)
			elif kind and branch not in known:
				advice = f"Use one of {', '.join(known)}." if known else "Remove the branch."
				yield Problem(
					f"Step {parent['id']!r} has no branch {branch[:64]!r}. {advice}", step["id"], "branch"
				)
	elif parent is not None and isinstance(parent.get("kind"), str):
		kind = catalog.get(parent["kind"])
		if kind and kind.takes_all_lanes:
			yield Problem(
				f"Step {parent['id']!r} takes all its lanes at once, and this stands in none. Put it into one.",
				step["id"],
				"branch",
			)
	yield from _check_lanes(step, catalog)
	for dependency in _dependencies(step):
		if dependency not in by_id:
			yield Problem(
				f"It depends on step {dependency[:64]!r}, which there is not.{hint(dependency, by_id)} "
				"Remove the dependency.",
				step["id"],
				"depends_on",
			)


def _lanes(step: Mapping[str, Any], kind: Kind | None) -> list[str]:
	"""The lanes that a step has, its error lane with them."""
	payload = step.get("payload")
	lanes = (
		[value for value, _ in kind.lanes(payload if isinstance(payload, Mapping) else {})] if kind else []
	)
	return [*lanes, ERROR_LANE] if step.get("on_error") == TAKE_ERROR_LANE else lanes


def _check_lanes(step: dict[str, Any], catalog: Mapping[str, Kind]) -> Iterator[Problem]:
	"""What is wrong with the lanes that a step's own payload names."""
	kind_name, payload = step.get("kind"), step.get("payload")
	kind = catalog.get(kind_name) if isinstance(kind_name, str) else None
	if kind is None or not isinstance(payload, Mapping):
		return
	seen: set[str] = set()
	for value, _ in kind.lanes(payload):
		if value == ERROR_LANE:
			yield Problem(
				f"{ERROR_LANE!r} is the lane that a failed step takes. Give this one another value.",
				step["id"],
				"payload",
			)
		elif value in seen:
			yield Problem(
				f"Two of its lanes have the value {value[:64]!r}. Give each its own.", step["id"], "payload"
			)
		seen.add(value)


def _dependencies(step: Mapping[str, Any]) -> list[str]:
	depends_on = step.get("depends_on")
	if not isinstance(depends_on, list):
		return []
	return list(dict.fromkeys(name for name in depends_on if isinstance(name, str)))


def _parent(step: Mapping[str, Any], by_id: Mapping[str, Any]) -> str | None:
	parent_id = step.get("parent_id")
	return parent_id if isinstance(parent_id, str) and parent_id in by_id else None


def _waits_for_itself(step_id: str, by_id: Mapping[str, dict[str, Any]], levels: int) -> dict[str, str]:
	"""The dependencies by which a step waits for a block that holds it, itself included, each with what to do."""
	dependencies = _dependencies(by_id[step_id])
	if not dependencies:
		return {}
	above = set(islice(_ancestors(step_id, by_id), levels))
	found = {}
	for dependency in dependencies:
		if dependency == step_id:
			found[dependency] = "It depends on itself. Remove the dependency."
		elif dependency in above:
			found[dependency] = (
				f"It depends on step {dependency!r}, in which it stands, so both would wait for ever. "
				"Remove the dependency: a step waits for the one it stands in anyway."
			)
	return found


def _cycles(
	by_id: Mapping[str, dict[str, Any]], needless: Mapping[str, Collection[str]]
) -> Iterator[Problem]:
	"""Steps that wait for each other, the `needless` dependencies of each left out.

	Each step has a start and an end. A start waits for the parent's start and the end of every dependency; an
	end waits for its own start and the end of every child, as a block counts as one. What waits for itself by
	any way is a strongly connected part of that graph with more than one node.
	"""
	waits: dict[tuple[str, bool], list[tuple[str, bool]]] = {}
	for step_id, step in by_id.items():
		start, end = (step_id, False), (step_id, True)
		waits.setdefault(end, []).append(start)
		starts = waits.setdefault(start, [])
		starts += [
			(dependency, True)
			for dependency in _dependencies(step)
			if dependency in by_id and dependency not in needless.get(step_id, ())
		]
		if parent := _parent(step, by_id):
			starts.append((parent, False))
			waits.setdefault((parent, True), []).append(end)
	for part in strongly_connected(waits):
		members = {step_id for step_id, _ in part}
		named = [step_id for step_id in by_id if step_id in members]
		yield _cycle_problem(named, by_id)


def _cycle_problem(named: list[str], by_id: Mapping[str, dict[str, Any]]) -> Problem:
	inside = set(named)
	chain = ", ".join(named[:10]) + (" …" if len(named) > 10 else "")
	for step_id in named:
		if not inside.isdisjoint(_dependencies(by_id[step_id])):
			return Problem(
				f"These steps wait for each other: {chain}. Remove one of their dependencies.",
				step_id,
				"depends_on",
			)
	return Problem(
		f"These steps stand within each other: {chain}. Move one of them out.", named[0], "parent_id"
	)


def _ancestors(step_id: str, by_id: Mapping[str, dict[str, Any]]) -> Iterator[str]:
	"""The steps that a step stands in, the nearest first. Without end, if steps stand within each other."""
	above = _parent(by_id[step_id], by_id)
	while above is not None:
		yield above
		above = _parent(by_id[above], by_id)


def strongly_connected(graph: Mapping[Any, list[Any]]) -> Iterator[list[Any]]:
	"""The parts of a graph in which every node reaches every other, of two nodes or more, or of one that
	reaches itself. Tarjan's algorithm (SIAM J. Computing 1(2), 1972), without recursion."""
	index: dict[Any, int] = {}
	low: dict[Any, int] = {}
	stack: list[Any] = []
	on_stack: set[Any] = set()
	for root in graph:
		if root in index:
			continue
		work = [(root, iter(graph[root]))]
		index[root] = low[root] = len(index)
		stack.append(root)
		on_stack.add(root)
		while work:
			node, following = work[-1]
			for other in following:
				if other not in index:
					index[other] = low[other] = len(index)
					stack.append(other)
					on_stack.add(other)
					work.append((other, iter(graph.get(other, ()))))
					break
				if other in on_stack:
					low[node] = min(low[node], index[other])
			else:
				work.pop()
				if work:
					low[work[-1][0]] = min(low[work[-1][0]], low[node])
				if low[node] == index[node]:
					part = []
					while True:
						member = stack.pop()
						on_stack.discard(member)
						part.append(member)
						if member == node:
							break
					if len(part) > 1 or node in graph.get(node, ()):
						yield part


def _check_depth(by_id: Mapping[str, dict[str, Any]], limits: Limits) -> Iterator[Problem]:
	depth: dict[str, int] = {}
	for step_id in by_id:
		way: list[str] = []
		above: str | None = step_id
		while above is not None and above not in depth:
			depth[above] = 0  # until it is known; and where steps stand within each other, the way ends here
			way.append(above)
			above = _parent(by_id[above], by_id)
		level = depth[above] if above is not None else 0
		for member in reversed(way):
			level += 1
			depth[member] = level
	deepest = max(depth, key=depth.__getitem__, default=None)
	if deepest is not None and depth[deepest] > limits.max_depth:
		yield Problem(
			f"It stands {depth[deepest]} steps deep; at most {limits.max_depth} are allowed. "
			"Use dependencies instead of nesting.",
			deepest,
			"parent_id",
		)
