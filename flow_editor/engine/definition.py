"""A flow as its author wrote it, parsed into immutable objects.

`parse` takes a definition that `validation.validate` found nothing wrong with, and indexes it for the
machine: steps by id, children by parent, dependents by dependency, all in the author's order. It knows
nothing of kinds, so a definition whose kind has since been removed still parses.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flow_editor.engine.render import OPEN

#: The version of the definition language itself, not of any template.
LANGUAGE_VERSION = 1

ON_FLOW_START = "on_flow_start"
ON_PREV_COMPLETE = "on_prev_complete"
AFTER_DELAY = "after_delay"
ON_DATE = "on_date"
ON_WEBHOOK = "on_webhook"
MANUAL = "manual"

#: The trigger types that wait for a time.
TIMED = (AFTER_DELAY, ON_DATE)

#: Trigger types and the words that the editor shows for them.
TRIGGER_TYPES: Mapping[str, str] = {
	ON_FLOW_START: "When the flow starts",
	ON_PREV_COMPLETE: "When the steps before it are done",
	AFTER_DELAY: "After a delay",
	ON_DATE: "On a date",
	ON_WEBHOOK: "When an outside system calls back",
	MANUAL: "When somebody completes it",
}
#: The parts of a delay, each a number that may be a fraction, or an expression that gives one.
DELAY_FIELDS = ("delay_minutes", "delay_hours", "delay_days", "delay_months", "delay_working_days")
#: Those that are whole numbers, and what they count.
WHOLE_FIELDS: Mapping[str, str] = {"delay_months": "Months", "delay_working_days": "Working days"}
#: What becomes of a step whose date is past when it is reached; the first if nothing is said.
RUN, SKIP, FAIL = IF_PAST = ("run", "skip", "fail")


@dataclass(frozen=True, slots=True)
class Trigger:
	"""When a step fires, once it is ready. `delay` holds the DELAY_FIELDS that were given, each a number or the text of an
	expression; with a date, how long after it, or before it if they are negative."""

	type: str = ON_PREV_COMPLETE
	delay: Mapping[str, float | str] = field(default_factory=dict)
	at: str = ""
	if_past: str = RUN

	@property
	def is_read(self) -> bool:
		"""Whether it waits for a date that is read when the step is reached, and so again when its time comes."""
		return self.type == ON_DATE and (
			OPEN in self.at or any(isinstance(part, str) for part in self.delay.values())
		)


#: A year: the longest wait between two attempts.
MOST_MINUTES = 525_600


@dataclass(frozen=True, slots=True)
class RetryPolicy:
	"""How often a failed step is tried again. No wait is longer than MOST_MINUTES.

	Args:
		attempts: how many times it is tried in all, the first included.
		delay_minutes: the wait before the second attempt; each further wait is `factor` times as long.
		factor: 1 for a fixed wait.
		on: `transient` (refused connections, timeouts, a killed worker) or `any` failure.
	"""

	attempts: int = 5
	delay_minutes: float = 1
	factor: float = 4
	on: str = "transient"

	def wait_before(self, attempt: int) -> float:
		"""Minutes to wait before attempt number `attempt` (2 is the first repetition)."""
		return min(self.delay_minutes * self.factor ** max(0, attempt - 2), MOST_MINUTES)


DEFAULT_RETRY = RetryPolicy()


@dataclass(frozen=True, slots=True)
class Step:
	id: str
	kind: str
	label: str = ""
	parent_id: str | None = None
	branch: str | None = None
	depends_on: tuple[str, ...] = ()
	trigger: Trigger = Trigger()
	payload: Mapping[str, Any] = field(default_factory=dict)
	retry: RetryPolicy = DEFAULT_RETRY
	#: `fail` fails the run; `continue` lets the steps after it go on as if it were done.
	on_error: str = "fail"


@dataclass(frozen=True, slots=True)
class Flow:
	"""A parsed definition. `checksum` names its content, whatever the spacing it was written with."""

	steps: tuple[Step, ...]
	variables: Mapping[str, Any]
	checksum: str
	by_id: Mapping[str, Step]
	children: Mapping[str | None, tuple[Step, ...]]
	dependents: Mapping[str, tuple[Step, ...]]
	#: The steps that nothing stands before.
	first: tuple[Step, ...]
	#: The names of the kinds that its steps are of.
	kinds: tuple[str, ...]
	#: Whether any step waits for its time.
	is_timed: bool


def canonical(definition: Mapping[str, Any]) -> str:
	"""The definition as one text that is the same for the same content."""
	return json.dumps(definition, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)


def checksum(definition: Mapping[str, Any]) -> str:
	"""A SHA-256 over the canonical text, in hexadecimal."""
	return hashlib.sha256(canonical(definition).encode()).hexdigest()


def parse(definition: Mapping[str, Any]) -> Flow:
	"""Index a valid definition.

	Raises:
		KeyError, TypeError, ValueError: the definition was not valid.
	"""
	steps = tuple(_step(raw) for raw in definition.get("steps") or ())
	by_id = {step.id: step for step in steps}
	children: dict[str | None, list[Step]] = {}
	dependents: dict[str, list[Step]] = {}
	for step in steps:
		children.setdefault(step.parent_id, []).append(step)
		for dependency in step.depends_on:
			dependents.setdefault(dependency, []).append(step)
	return Flow(
		steps=steps,
		variables=dict(definition.get("variables") or {}),
		checksum=checksum(definition),
		by_id=by_id,
		children={parent: tuple(below) for parent, below in children.items()},
		dependents={dependency: tuple(after) for dependency, after in dependents.items()},
		first=tuple(step for step in steps if step.parent_id is None and not step.depends_on),
		kinds=tuple(dict.fromkeys(step.kind for step in steps)),
		is_timed=any(step.trigger.type in TIMED for step in steps),
	)


def _step(raw: Mapping[str, Any]) -> Step:
	return Step(
		id=raw["id"],
		kind=raw["kind"],
		label=raw.get("label") or "",
		parent_id=raw.get("parent_id") or None,
		branch=raw.get("branch") or None,
		depends_on=tuple(dict.fromkeys(raw.get("depends_on") or ())),
		trigger=_trigger(raw.get("trigger") or {}),
		payload=raw.get("payload") or {},
		retry=_retry(raw.get("retry")),
		on_error=raw.get("on_error") or "fail",
	)


def _trigger(raw: Mapping[str, Any]) -> Trigger:
	return Trigger(
		type=raw.get("type") or ON_PREV_COMPLETE,
		delay={name: _amount(raw[name]) for name in DELAY_FIELDS if raw.get(name) not in (None, "")},
		at=str(raw.get("at") or ""),
		if_past=raw.get("if_past") or RUN,
	)


def _amount(raw: Any) -> float | str:
	return raw if isinstance(raw, str) and OPEN in raw else float(raw)


def _retry(raw: Mapping[str, Any] | None) -> RetryPolicy:
	if not raw:
		return DEFAULT_RETRY
	# A declared policy speaks of every failure unless it narrows itself down.
	return RetryPolicy(
		attempts=int(raw.get("attempts", DEFAULT_RETRY.attempts)),
		delay_minutes=float(raw.get("delay_minutes", DEFAULT_RETRY.delay_minutes)),
		factor=float(raw.get("factor", DEFAULT_RETRY.factor)),
		on=raw.get("on") or "any",
	)
