"""Which step moves next.

A `Machine` lays a flow over the state of one run, and says which steps have become ready; the caller fires
them and reports what came of it. Rules:

- A step is ready when its parent, if any, is done and took its lane, and each of its dependencies is
  settled with at least one of them done, or it has none.
- Which lanes a step took is the machine's own record in the step's entry. A step of no lane goes on with any, but not with
  the error lane: after a failure only the steps of that run.
- A step whose branch was not taken, or all of whose dependencies were skipped, is skipped with all below it.
- As a dependency a step counts with its block: it is settled once its whole subtree is.
- A step that is switched off counts as done at once, with its whole block.
- A failed step holds back what comes after it and nothing else.

The machine looks only at what a move touches: the sets of what a step still waits for are built when a move
first reaches it, and shrink after that. It has no clock and calls nobody.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

from flow_editor.engine.definition import ERROR_LANE, Flow, Step

# Step states
PENDING = "pending"
SCHEDULED = "scheduled"  # it waits for time alone
WAITING = "waiting"  # for more than that: an answer, a document
RUNNING = "running"
DONE = "done"
FAILED = "failed"
SKIPPED = "skipped"
CANCELLED = "cancelled"
# Run states
COMPLETED = "completed"

RUN_STATES = (RUNNING, COMPLETED, FAILED, CANCELLED)

#: What of a step's entry says which lanes it took.
LANES = "lanes"

#: What a step waits for that waits for nothing. Nobody changes it.
NOTHING: set[str] = set()

StepState = MutableMapping[str, MutableMapping[str, Any]]


@dataclass(frozen=True, slots=True)
class StepChange:
	"""A step's change of state; both may be the same, as of one that was tried again."""

	step_id: str
	before: str
	after: str


class Machine:
	"""Moves one run.

	Args:
		flow: the version that the run started on.
		state: the run's `step_state`, changed in place. A step without an entry is pending.

	A caller that wants to know `changes` reports each change of an entry by `mark`, before or after it.
	"""

	def __init__(self, flow: Flow, state: StepState):
		self.flow = flow
		self.state = state
		if not flow.by_id.keys() <= state.keys():
			for step in flow.steps:
				if step.id not in state:
					state[step.id] = {"status": PENDING}
		#: By the id of each step that has changed, in the order in which they did, its state before.
		self._before: dict[str, str] = {}
		self._ready: deque[Step] = deque()
		self._closing: deque[Step] = deque()
		self._closed: set[str] = set()
		self._open_children: dict[str, set[str]] = {}
		self._open_dependencies: dict[str, set[str]] = {}

	# What moves

	def start(self) -> None:
		"""Look at every step that nothing stands before."""
		for step in self.flow.first:
			self._consider(step)
		self._settle()

	def rescan(self) -> None:
		"""Look at every pending step, as after a budget ran out or a hand-made change to the state."""
		for step in self.flow.steps:
			self._consider(step)
		self._settle()

	def next_ready(self) -> Step | None:
		"""Take the next step that has become ready, in the order in which they did. Its entry must be changed
		before anything else is asked: until then it would become ready again."""
		while self._ready:
			step = self._ready.popleft()
			entry = self.state[step.id]
			if entry["status"] == PENDING:  # else it was here twice
				return step
		return None

	def done(self, step: Step, lanes: Sequence[str] = ()) -> None:
		"""The step's entry has been marked done: look at what that allows.

		Args:
			lanes: those that it took. They are noted in its entry, if steps stand in it.
		"""
		children = self.flow.children.get(step.id)
		if children:
			entry = self.state[step.id]
			entry[LANES] = list(lanes)
			for child in children:
				if lets(entry, child):
					self._consider(child)
				else:
					self._skip(child)
		if not children or not self._unsettled_children(step):
			self._close(step)
		self._settle()

	def pass_over(self, step: Step, **noted: Any) -> None:
		"""A step that has become ready is switched off: it counts as done with all below it.

		Args:
			noted: what is noted in the entry of each.
		"""
		below = [step]
		for one in below:
			self.mark(one.id, DONE).update(noted)
			self._close(one)
			below.extend(self.flow.children.get(one.id, ()))
		self._settle()

	def skip(self, step: Step) -> None:
		"""A step that has become ready is left out, with all below it: look at what that allows."""
		self._skip(step)
		self._settle()

	def mark(self, step_id: str, status: str = "") -> MutableMapping[str, Any]:
		"""The entry of a step that changes now, in its new state, if that is given."""
		entry = self.state[step_id]
		self._before.setdefault(step_id, entry["status"])
		if status:
			entry["status"] = status
		return entry

	def restore(self, step_id: str, entry: MutableMapping[str, Any]) -> None:
		"""Make a step's entry what it was before a change that is not to count."""
		self.state[step_id].clear()
		self.state[step_id].update(entry)
		self._before.pop(step_id, None)

	def stop(self, status: str, calling: Collection[str] | None = None) -> None:
		"""End the run with a status; see `stop_steps`."""
		for change in stop_steps(self.state, status, calling):
			self._before.setdefault(change.step_id, change.before)

	# What can be asked

	@property
	def changes(self) -> list[StepChange]:
		"""What has changed: each step once, in the order in which the first change of each was marked."""
		return [
			StepChange(step_id, before, self.state[step_id]["status"])
			for step_id, before in self._before.items()
		]

	def status(self, step_id: str) -> str:
		return self.state[step_id]["status"]

	def is_reachable(self, step: Step) -> bool:
		"""Whether the step is pending and nothing stands before it any more."""
		if self.status(step.id) != PENDING or not self._parent_lets(step):
			return False
		return not self._unsettled_dependencies(step) and self._any_dependency_done(step)

	def is_settled(self, step: Step) -> bool:
		"""Whether the step and its whole subtree are done or skipped."""
		status = self.state[step.id]["status"]
		if status != DONE:
			return status == SKIPPED
		return step.id not in self.flow.children or not self._unsettled_children(step)

	# How it moves

	def _consider(self, step: Step, *, dependencies_settled: bool = False) -> None:
		entry = self.state[step.id]
		if entry["status"] != PENDING:
			return
		if step.parent_id is not None and not self._parent_lets(step):
			return
		if not dependencies_settled and step.depends_on and self._unsettled_dependencies(step):
			return
		if self._any_dependency_done(step):
			self._ready.append(step)
		else:
			self._skip(step)

	def _skip(self, top: Step) -> None:
		"""Skip a step and all below it, and let what waits for any of them know."""
		below = [top]
		for step in below:
			entry = self.state[step.id]
			if entry["status"] == PENDING:
				self.mark(step.id, SKIPPED)
				self._close(step)
			below.extend(self.flow.children.get(step.id, ()))

	def _close(self, block: Step) -> None:
		"""Note that a block is settled. It is so for good, hence only once; a single step ends only once anyway."""
		if block.id in self.flow.children:
			if block.id in self._closed:
				return
			self._closed.add(block.id)
		self._closing.append(block)

	def _settle(self) -> None:
		"""Tell those that wait for the blocks just settled; without recursion, however long the chain."""
		while self._closing:
			block = self._closing.popleft()
			for dependent in self.flow.dependents.get(block.id, ()):
				waiting = self._open_dependencies.get(dependent.id)
				if waiting is None:
					waiting = self._unsettled_dependencies(dependent)
				elif block.id not in waiting:
					continue  # it was settled already when they were first looked at
				else:
					waiting.discard(block.id)
					if not waiting:  # a long run keeps no empty sets
						del self._open_dependencies[dependent.id]
				if not waiting:
					self._consider(dependent, dependencies_settled=True)
			if block.parent_id is not None:
				parent = self.flow.by_id[block.parent_id]
				unsettled = self._unsettled_children(parent)
				unsettled.discard(block.id)
				if not unsettled and self.status(parent.id) == DONE:
					self._close(parent)

	# What a step waits for

	def _parent_lets(self, step: Step) -> bool:
		if step.parent_id is None:
			return True
		parent = self.flow.by_id[step.parent_id]
		return self.status(parent.id) == DONE and lets(self.state[parent.id], step)

	def _any_dependency_done(self, step: Step) -> bool:
		for dependency in step.depends_on:
			if self.state[dependency]["status"] == DONE:
				return True
		return not step.depends_on

	def _unsettled_dependencies(self, step: Step) -> set[str]:
		waiting = self._open_dependencies.get(step.id)
		if waiting is None:
			state, children, waiting = self.state, self.flow.children, NOTHING
			for dependency in step.depends_on:
				# As `is_settled`, which each step would call for each that it depends on.
				status = state[dependency]["status"]
				if status == DONE:
					if dependency not in children:
						continue
					if not self._unsettled_children(self.flow.by_id[dependency]):
						continue
				elif status == SKIPPED:
					continue
				if waiting is NOTHING:
					waiting = {dependency}
				else:
					waiting.add(dependency)
			if len(step.depends_on) > 1:
				self._open_dependencies[step.id] = waiting
		return waiting

	def _unsettled_children(self, step: Step) -> set[str]:
		children = self.flow.children.get(step.id)
		if not children:
			return NOTHING
		waiting = self._open_children.get(step.id)
		if waiting is None:
			waiting = {child.id for child in children if not self.is_settled(child)}
			self._open_children[step.id] = waiting
		return waiting


def lets(entry: Mapping[str, Any], child: Step) -> bool:
	"""Whether a done step with this entry lets a step go on that stands in it."""
	lanes = entry.get(LANES, ())
	return child.branch in lanes if child.branch is not None else ERROR_LANE not in lanes


def stop_steps(state: StepState, status: str, calling: Collection[str] | None = None) -> list[StepChange]:
	"""Have the steps of a run that have not begun end with it, also if nothing but their states is known any more.

	Args:
		status: what the run ends as. They are cancelled, if it is; else they are skipped.
		calling: the ids of the steps that wait for a call, which is made all the same. Any other that is running is
			stopped; None: none is.
	"""
	changes = []
	for step_id, entry in state.items():
		before = entry["status"]
		if before in (PENDING, SCHEDULED, WAITING) or (
			before == RUNNING and calling is not None and step_id not in calling
		):
			entry["status"] = CANCELLED if status == CANCELLED else SKIPPED
			for leftover in ("wait", "due_at"):
				entry.pop(leftover, None)
			changes.append(StepChange(step_id, before, entry["status"]))
	return changes


def run_status(state: StepState) -> str:
	"""What the states of a run's steps make of the run, unless it was cancelled.

	`failed` if a step failed, though others may still be on their way; `completed` if every step is done or
	skipped; else `running`.
	"""
	statuses = {entry["status"] for entry in state.values()}
	if FAILED in statuses:
		return FAILED
	return COMPLETED if statuses <= {DONE, SKIPPED} else RUNNING


def is_in_flight(state: StepState) -> bool:
	"""Whether anything in the run may still move by itself or waits for somebody to complete it."""
	return any(entry["status"] in (SCHEDULED, WAITING, RUNNING) for entry in state.values())
