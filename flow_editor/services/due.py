"""When the steps of a run are due.

A delay counts from when the step before it was due, not from when a worker got to it. That moment is kept in a step's entry
as its anchor: from a wait it passes on through steps that are done at once and at their first try. What was answered, called
or tried again has none, and counts from when it was done; so does a run in which nothing has waited for its time.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

from flow_editor.engine import render, timing
from flow_editor.engine.context import Scope
from flow_editor.engine.definition import AFTER_DELAY, Flow, Step
from flow_editor.engine.errors import EITHER, StepFailed, helps_by
from flow_editor.engine.machine import DONE, LANES
from flow_editor.engine.records import Run
from flow_editor.services.host import Host

#: What of a step's entry is the engine's own: its anchor (`timing.Anchor`), that its date could not be read, so that it has
#: not waited for it, and the lanes that it took.
ANCHOR, UNDATED = "anchor", "undated"
OWN = (ANCHOR, UNDATED, LANES)


class Times:
	"""What a run's steps wait for, as the user reads it whom the run acts for."""

	def __init__(self, host: Host, run: Run, flow: Flow, scope: Scope):
		self.host = host
		self.run = run
		self.flow = flow
		self.scope = scope
		#: By block: see `_end_of_block`.
		self._ends: dict[str, tuple[list[Any], str]] = {}

	def from_now(self) -> timing.Anchor:
		return timing.Anchor.of(self.host.now())

	def origin(self, step: Step) -> timing.Anchor | None:
		"""The moment from which a step counts that has become ready: the latest at which one of those that it waited for
		was due, or done, if that is later. None if none of them has waited for its time."""
		before = [self._end_of_block(dependency) for dependency in step.depends_on]
		if step.parent_id is not None:
			before.append(self._end_of(step.parent_id))
		anchor = max((anchor for anchor, _ in before), default=[])
		if not anchor:
			return None
		latest, done = timing.Anchor.read(anchor), max(done for _, done in before)
		return (
			timing.Anchor.of(datetime.fromisoformat(done)) if done > timing.in_seconds(latest.at) else latest
		)

	def _end_of(self, step_id: str) -> tuple[list[Any], str]:
		"""(anchor, "") of a done step that has one, ([], when it was done) of another."""
		entry = self.run.step_state[step_id]
		if entry["status"] != DONE:
			return [], ""
		anchor = entry.get(ANCHOR)
		return (anchor, "") if anchor else ([], entry.get("completed_at") or "")

	def _end_of_block(self, step_id: str) -> tuple[list[Any], str]:
		"""The latest of both in a step and all below it, which are settled for good."""
		if step_id not in self.flow.children:
			return self._end_of(step_id)
		if step_id not in self._ends:
			block = [step_id]
			for one in block:
				block.extend(child.id for child in self.flow.children.get(one, ()))
			anchors, done = zip(*map(self._end_of, block), strict=True)
			self._ends[step_id] = max(anchors), max(done)
		return self._ends[step_id]

	def due(self, step: Step, reached: timing.Anchor) -> tuple[timing.Anchor, bool]:
		"""When a step that waits for its time is due, and whether its date was past when it was reached.

		Raises:
			StepFailed: its date or delay cannot be read.
		"""
		trigger, zone = step.trigger, self.host.timezone
		delay = self._delay(step)
		try:
			if trigger.type == AFTER_DELAY:
				return timing.after(reached, zone, delay, self.days_off), False
			at = self._rendered(trigger.at)
			due = timing.after(timing.parse_anchor(at, zone), zone, delay, self.days_off)
		except OverflowError:
			raise StepFailed(
				f"It would be due more than {timing.MAX_YEARS} years away. Correct its date or its delay.",
				helps=helps_by([trigger.at, trigger.delay]),
			) from None
		except ValueError as error:
			raise StepFailed(str(error), helps=helps_by(trigger.at)) from error
		if timing.is_day(at) and timing.keeps_the_day(delay):
			return due, due.at.date() < reached.at.date()
		return due, due.at < reached.at

	def _delay(self, step: Step) -> dict[str, float]:
		"""A trigger's delay in numbers. Raises StepFailed for what gives none, or one that cannot be waited for."""
		delay = {}
		for name, amount in step.trigger.delay.items():
			if isinstance(amount, str):
				amount = self._number(name, amount, step.trigger.type)
			delay[name] = amount
		if problem := next(timing.delay_problems(delay), None):
			raise StepFailed(problem[1], helps=helps_by(step.trigger.delay))
		return delay

	def _number(self, name: str, expression: str, trigger_type: str) -> float:
		given = self._rendered(expression)
		number = timing.parse_amount(given)
		what = f"The number of {name.removeprefix('delay_').replace('_', ' ')}, {expression},"
		if number is None:
			found = f"is no number: {given[:60]!r}" if given.strip() else "is empty"
			raise StepFailed(f"{what} {found}. Give it one.", helps=EITHER)
		if number < 0 and trigger_type == AFTER_DELAY:
			raise StepFailed(f"{what} is {number:g}, and a delay is 0 or more. Correct it.", helps=EITHER)
		return number

	def _rendered(self, text: str) -> str:
		if render.OPEN not in text:
			return text
		with self.host.acting_as(self.run.run_as):
			return render.render_text(text, self.scope)

	def days_off(self, first: date, last: date) -> Collection[date]:
		"""The days on which the company does not work that the run's document belongs to."""
		return self.host.days_off(self._rendered("{{doc.company}}"), first, last)

	def is_to_come(self, due: timing.Anchor) -> bool:
		return self.wakes_at(due) > self.host.now()

	def wakes_at(self, due: timing.Anchor) -> datetime:
		"""When a row brings a step back that is due then."""
		return timing.to_be_waited_for(due.at, self.host.now(), self.host.timezone)


def past(due: timing.Anchor) -> str:
	return f"Its date, {timing.in_seconds(due.at).removesuffix(' 00:00:00')}, was past when the step was reached."
