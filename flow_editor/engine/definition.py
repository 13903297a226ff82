"""A flow as its author wrote it, parsed into immutable objects.

`parse` takes a definition that `validation.validate` found nothing wrong with, and indexes it for the
machine: steps by id, children by parent, dependents by dependency, all in the author's order. It knows
nothing of kinds, so a definition whose kind has since been removed still parses.
"""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from flow_editor.engine.field_type import Type, Types
from flow_editor.engine.field_types import BUILT_IN
from flow_editor.engine.render import OPEN, paths
from flow_editor.engine.start import Start, parse_start

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
#: What becomes of a run whose document is cancelled or deleted: it is cancelled too, or goes on.
DOCUMENT_ENDS = ("cancel", "continue")
#: The parts of a delay, each a number that may be a fraction, or an expression that gives one.
DELAY_FIELDS = ("delay_minutes", "delay_hours", "delay_days", "delay_months", "delay_working_days")
#: What becomes of a step whose date is past when it is reached; the first if nothing is said.
RUN, SKIP, FAIL = IF_PAST = ("run", "skip", "fail")


#: What a step's failure for good does: fail the run, nothing, or have the step take its error lane.
FAIL_THE_RUN, GO_ON, TAKE_ERROR_LANE = ON_ERROR = ("fail", "continue", "lane")
#: The branch of the steps that come after a failure, in a step whose `on_error` is "lane". No kind has a lane of that name.
ERROR_LANE = "error"


@dataclass(frozen=True, slots=True)
class Trigger:
	"""When a step fires, once it is ready.

	Args:
		type: one of TRIGGER_TYPES.
		delay: the DELAY_FIELDS that were given, each a number or the text of an expression. With a date they count from
			it: before it, if they are negative.
		at: the date, or the text of an expression.
		if_past: what becomes of a step whose date is past, of IF_PAST.
	"""

	type: str = ON_PREV_COMPLETE
	delay: Mapping[str, float | str] = field(default_factory=dict)
	at: str = ""
	if_past: str = RUN

	@property
	def is_read(self) -> bool:
		"""Whether its date is read when the step is reached, and again when its time comes.

		A date that is told from `now` or `today` is read once: read again, it would always lie ahead.
		"""
		read = paths(self.at)
		return (
			self.type == ON_DATE
			and (bool(read) or any(isinstance(part, str) for part in self.delay.values()))
			and not any(path.split(".")[0] in ("now", "today") for path in read)
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
	#: What its failure for good does, of ON_ERROR: it fails the run; or it counts as done, and what stands in it goes on as
	#: ever, or its error lane alone does.
	on_error: str = "fail"
	#: Whether it and its block are passed over: they count as done, without effect.
	off: bool = False


@dataclass(frozen=True, slots=True)
class Input:
	"""What a flow must be given, or may be, and reads as `variables.<name>`. Each part is as a kind's field has it."""

	name: str
	type: Type = BUILT_IN["text"]
	label: str = ""
	required: bool = False
	default: Any = None
	#: (value, label) pairs.
	options: tuple[tuple[Any, str], ...] = ()
	doctype: str = ""
	minimum: float | None = None
	maximum: float | None = None
	unit: str = "seconds"
	help: str = ""
	#: What somebody gives is no text of the flow's author.
	templated: ClassVar[bool] = False

	@property
	def title(self) -> str:
		return self.label or self.name.replace("_", " ").capitalize()

	@property
	def choices(self) -> tuple[tuple[Any, str], ...]:
		return self.options

	@property
	def must_be_given(self) -> bool:
		"""Whether nothing but who starts the flow can say it."""
		return self.required and self.default is None

	def as_dict(self) -> dict[str, Any]:
		"""The descriptor, as a kind's fields have theirs."""
		entry: dict[str, Any] = {
			"name": self.name,
			"type": self.type.name,
			"widget": self.type.widget or self.type.name,
			"label": self.title,
			"required": self.required,
			**self.type.details(self),
		}
		if self.options:
			entry["options"] = [{"value": value, "label": label} for value, label in self.options]
		for name in ("default", "doctype", "minimum", "maximum", "help"):
			if (value := getattr(self, name)) not in (None, ""):
				entry[name] = value
		return entry


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
	is_timed: bool = False
	inputs: tuple[Input, ...] = ()
	#: What its variables are while nothing else is given: its `variables`, and over them the defaults of its inputs.
	initial: Mapping[str, Any] = field(default_factory=dict)
	#: Whether documents that are imported in bulk start it.
	on_import: bool = False
	#: What becomes of a run whose document is cancelled or deleted, of DOCUMENT_ENDS.
	on_document_end: str = "cancel"
	#: What sets it off.
	start: Start = field(default_factory=Start)

	def in_turn(self) -> Iterator[Step]:
		"""Its steps, each after those that it waits for."""
		waits_for = {step.id: len(step.depends_on) + (step.parent_id is not None) for step in self.steps}
		#: Of each block, itself and its children that are still to come.
		open_in = {step.id: 1 + len(self.children.get(step.id, ())) for step in self.steps}
		ready = deque(self.first)

		def release(steps: Iterable[Step]) -> None:
			for step in steps:
				waits_for[step.id] -= 1
				if not waits_for[step.id]:
					ready.append(step)

		while ready:
			step = ready.popleft()
			yield step
			release(self.children.get(step.id, ()))
			block: Step | None = step
			while block is not None:
				open_in[block.id] -= 1
				if open_in[block.id]:
					break
				release(self.dependents.get(block.id, ()))
				block = self.by_id[block.parent_id] if block.parent_id else None


def canonical(definition: Mapping[str, Any]) -> str:
	"""The definition as one text that is the same for the same content."""
	return json.dumps(definition, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)


def checksum(definition: Mapping[str, Any]) -> str:
	"""A SHA-256 over the canonical text, in hexadecimal."""
	return hashlib.sha256(canonical(definition).encode()).hexdigest()


def parse(definition: Mapping[str, Any], types: Types = BUILT_IN) -> Flow:
	"""Index a valid definition.

	Args:
		types: what its inputs may hold.

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
	inputs = tuple(parse_input(raw, types) for raw in definition.get("inputs") or ())
	variables = dict(definition.get("variables") or {})
	return Flow(
		steps=steps,
		variables=variables,
		inputs=inputs,
		initial=_initial(variables, inputs),
		checksum=checksum(definition),
		by_id=by_id,
		children={parent: tuple(below) for parent, below in children.items()},
		dependents={dependency: tuple(after) for dependency, after in dependents.items()},
		first=tuple(step for step in steps if step.parent_id is None and not step.depends_on),
		kinds=tuple(dict.fromkeys(step.kind for step in steps)),
		is_timed=any(step.trigger.type in TIMED for step in steps),
		on_import=bool(definition.get("on_import")),
		on_document_end=definition.get("on_document_end") or "cancel",
		start=parse_start(definition.get("trigger") or {}),
	)


def parse_input(raw: Mapping[str, Any], types: Types = BUILT_IN) -> Input:
	"""One declared input. Its type is `Gone` if there is none of that name."""
	return Input(
		name=raw["name"],
		type=types.named(raw.get("type") or "text"),
		label=raw.get("label") or "",
		required=bool(raw.get("required")),
		default=None if raw.get("default") == "" else raw.get("default"),
		options=tuple(map(_option, raw.get("options") or ())),
		doctype=raw.get("doctype") or "",
		minimum=raw.get("minimum"),
		maximum=raw.get("maximum"),
		unit=raw.get("unit") or "seconds",
		help=raw.get("help") or "",
	)


def _option(raw: Any) -> tuple[Any, str]:
	"""An option as (value, label), whether it was written as a value, such a pair, or an object of both."""
	if isinstance(raw, Mapping):
		return raw["value"], str(raw.get("label") or raw["value"])
	if isinstance(raw, list):
		return raw[0], str(raw[1])
	return raw, str(raw)


def _initial(variables: Mapping[str, Any], inputs: Sequence[Input]) -> dict[str, Any]:
	unsaid = {one.name: one.type.initial for one in inputs if one.type.initial is not None}
	return {**unsaid, **variables, **{one.name: one.default for one in inputs if one.default is not None}}


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
		off=bool(raw.get("off")),
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
