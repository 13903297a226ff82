"""One advance of one run: fire what is ready, wave after wave, and write the run once.

An advance happens in one transaction, in which the run is locked. Steps without effect or with an effect on
documents happen there, each under a savepoint; an external effect is only committed to there (an inbox row
with the prepared request and its idempotency key), and made by the inbox afterwards.
"""

from __future__ import annotations

import json
import traceback
import uuid
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from flow_editor.engine import errors, render, timing
from flow_editor.engine.context import Scope, StepContext
from flow_editor.engine.definition import FAIL, MANUAL, ON_WEBHOOK, SKIP, TIMED, Step
from flow_editor.engine.errors import Conflict, FlowError, StepFailed, described
from flow_editor.engine.kind import Kind
from flow_editor.engine.machine import (
	CANCELLED,
	DONE,
	FAILED,
	PENDING,
	RUNNING,
	SCHEDULED,
	Machine,
	is_in_flight,
	run_status,
)
from flow_editor.engine.records import (
	ADVANCE,
	CALL,
	FIRE,
	RETRY,
	ROW_COMPLETED,
	ROW_FAILED,
	SIDE_CALL,
	WITHDRAWN,
	Pending,
	Run,
)
from flow_editor.services import failures, life
from flow_editor.services.definitions import flow_of
from flow_editor.services.due import ANCHOR, UNDATED, Times, past
from flow_editor.services.host import Host

#: How much one advance may do before it goes on through the inbox. A safety net: the transaction stays
#: small and the lease is kept, and nothing is lost.
BUDGET_STEPS = 1000
BUDGET_SECONDS = 20
#: The longest error kept on a step, in characters.
ERROR_LENGTH = 2000
#: The largest result kept on a step, in characters of JSON.
RESULT_LENGTH = 1_000_000
#: How much all steps of a run may keep together, in characters of JSON: the database takes a run in one packet.
STATE_LENGTH = 2_000_000
#: What is no longer than this is kept in any case.
SHORT = 200
#: How much is kept of one that is larger, for the eye alone: no step reads it.
BEGINNING_LENGTH = 16_000
#: How many short values of a result that is cut are kept beside its beginning.
MOST_KEPT = 20
#: What a value raises that does not fit: the same step would raise it again, however long one waits. Python's errors of
#: the surroundings (OSError), and those of libraries, are none of these.
MISTAKES = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


class LostClaim(Exception):
	"""The inbox row is no longer this worker's, so nothing it did may be kept."""


@dataclass(slots=True)
class Together:
	"""What the advances of one transaction leave to be written at once, at its end.

	Runs that failed are not among them, and whatever may look at runs has them written first.
	"""

	host: Host
	#: Rows of one claim whose promise was kept.
	rows: list[Pending] = field(default_factory=list)
	runs: dict[str, Run] = field(default_factory=dict)
	#: Why runs have to end with their document, by their names. None: each has to ask.
	ended: Mapping[str, str] | None = None

	def write_runs(self) -> None:
		if self.runs and not self.host.store.save_runs(list(self.runs.values())):
			raise Conflict("Another run of the same flow is on for the same document. Let it end first.")
		self.runs.clear()

	def finish(self) -> None:
		"""Write it all. Raises LostClaim if one of the rows has been taken over meanwhile."""
		self.write_runs()
		if not self.host.store.finish_together(self.rows, self.host.now()):
			raise LostClaim(", ".join(row.name for row in self.rows))


@dataclass(slots=True)
class Moved:
	"""What an advance did: the ids of the steps that fired, and of those that now wait for their time."""

	run: Run
	executed: list[str] = field(default_factory=list)
	scheduled: list[str] = field(default_factory=list)
	#: Whether this start had been made before, by the same key, so that nothing moved.
	repeated: bool = False


class Advance:
	"""Moves a locked run, and writes it with `finish`.

	Args:
		row: the inbox row that asked for it, to be settled with the run.
		together: what to leave writing to, if the caller will have it written.
	"""

	def __init__(self, host: Host, run: Run, row: Pending | None = None, together: Together | None = None):
		self.host = host
		self.run = run
		self.row = row
		self._together = together
		self._catalog = host.catalog
		self.flow = flow_of(host, run)
		run.variables = {**self.flow.initial, **run.variables}
		self.machine = Machine(self.flow, run.step_state)
		self.scope = Scope(host, run)
		self.times = Times(host, run, self.flow, self.scope)
		self._had_failed = run.status == FAILED
		self.moved = Moved(run)
		self._kept: int | None = None
		#: New inbox rows, to be stored with the run.
		self.rows: list[Pending] = []
		self._row_status = ROW_COMPLETED
		self._row_error = ""
		self._row_again_at: datetime | None = None
		self._row_counts = True
		#: What its author calls the step that has failed here, if one has.
		self._failed_step = ""
		#: Whether its document was seen to be there since a step last changed documents.
		self._document_seen = False

	def step(self, step_id: str) -> Step | None:
		return self.flow.by_id.get(step_id)

	def entry(self, step: Step) -> dict[str, Any]:
		return self.run.step_state[step.id]

	# What may be asked of it

	def ends(self) -> bool:
		"""Whether the run is over, because its document is; asked before each step fires. It is cancelled then."""
		if self.run.status != CANCELLED and self.run.ends_with_document and not self._document_seen:
			known = self._together.ended if self._together is not None else None
			why = (life.ended(self.host, [self.run]) if known is None else known).get(self.run.name)
			if why:
				life.stop(self.host, self.run, why)
			self._document_seen = True
		return self.run.status == CANCELLED

	def start(self) -> None:
		self.machine.start()

	def rescan(self) -> None:
		self.machine.rescan()

	def try_again(self, step: Step) -> None:
		"""Forget a step's failure and fire it: it has waited for its time already, unless that could not be read."""
		failed = self.entry(step)
		self.run.step_state[step.id] = {"status": PENDING, "retried": failed.get("retried", 0) + 1}
		if failed.get(UNDATED):
			self._reach(step)
		else:
			self.fire(step)

	def come_due(self, step: Step) -> None:
		"""A scheduled step's time has come: fire it, unless its date has been moved to a later one meanwhile."""
		entry = self.entry(step)
		if entry.get(UNDATED):
			self._reach(step)
			return
		if step.trigger.is_read and "started_at" not in entry:
			try:
				due, _ = self.times.due(step, self.times.from_now())
			except Exception as error:
				self._fail_undated(step, error)
				return
			if self.times.is_to_come(due):
				self._schedule(step, due)
				return
		self.fire(step)

	def settle_call(self, step: Step, result: Any, given: Any = None) -> None:
		"""An external call has succeeded."""
		self._succeed(step, result, given)

	def fail_call(self, step: Step, error: BaseException) -> None:
		"""An external call has failed: try again later, or fail the step."""
		self.entry(step)["attempts"] = self.row.retry_count + 1 if self.row else 1
		self._fail(step, error)

	def give_up(self, step: Step, message: str, helps: str = "") -> None:
		"""The inbox could not do a step however often it tried, so it is failed for good."""
		self._fail_for_good(step, _advised(step, message, helps), None)

	def fire(self, step: Step, given: Any = None) -> None:
		"""Run a step's kind now, whatever its trigger type says."""
		entry = self.entry(step)
		entry["attempts"] = entry.get("attempts", 0) + 1
		entry.setdefault("started_at", self._now())
		for leftover in ("waiting", "ready_at", "due_at", "error", UNDATED):
			entry.pop(leftover, None)
		if entry["attempts"] > 1 or "retried" in entry:
			entry.pop(ANCHOR, None)
		self.moved.executed.append(step.id)
		try:
			self._run_kind(step, given)
		except Exception as error:
			if self.host.breaks_transaction(error):
				raise
			self._fail(step, error)

	def move(self) -> None:
		"""Fire all that has become ready, and give the run the status that comes of it. Writes no run and no row."""
		with ExitStack() as acting:
			# The user is changed once for all steps. Each asks again, so one who is disabled fails at the step.
			with suppress(StepFailed):
				acting.enter_context(self.host.acting_as(self.run.run_as))
			self._work_off()
		run = self.run
		if run.status == CANCELLED:
			# What it would have come back for; calls that it has committed to here are made.
			self.rows = [row for row in self.rows if row.purpose not in WITHDRAWN]
			if self.row is not None and self.row.purpose != CALL:
				self._row_again_at = None
			return
		run.status = run_status(run.step_state)
		if run.status != FAILED:
			run.error = ""
		in_flight = run.status == RUNNING or is_in_flight(run.step_state)
		run.completed_at = None if in_flight else self.host.now()

	def finish(self) -> Moved:
		"""Move the run, unless it was cancelled, then write it, its new inbox rows and the row that asked.

		Raises:
			LostClaim: the row that asked has been taken over meanwhile.
		"""
		run, host = self.run, self.host
		if run.status != CANCELLED:
			self.move()
		if run.completed_at is not None:
			let_others_run(run)
		self._save_run()
		if self.rows:
			host.store.insert_pending(self.rows)
		if self.row is not None:
			self._settle_row(self.row)
		elif any(row.trigger_at is not None and row.trigger_at <= host.now() for row in self.rows):
			host.poke()  # the drain that works a row looks again by itself
		if run.status == FAILED and not self._had_failed:
			failures.run_failed(host, run, self._failed_step)
		elif (
			run.status == CANCELLED
			and self._failed_step
			and self.row is not None
			and self.row.purpose == CALL
		):
			failures.call_failed(host, run, run.error)
		host.run_changed(run)
		return self.moved

	def _save_run(self) -> None:
		if self._together is not None:
			if self.run.status != FAILED:
				self._together.runs[self.run.name] = self.run
				return
			self._together.write_runs()
		if not self.host.store.save_run(self.run):
			raise Conflict(
				f"Another run of {self.run.flow_template} is on for the same document. Let it end first."
			)

	# Waves

	def _work_off(self) -> None:
		deadline = self.host.monotonic() + BUDGET_SECONDS
		while (step := self.machine.next_ready()) is not None:
			if len(self.moved.executed) >= BUDGET_STEPS or self.host.monotonic() > deadline:
				self.rows.append(Pending(self.run.name, purpose=ADVANCE, trigger_at=self.host.now()))
				return
			if self.ends():
				return
			self._reach(step)

	def _reach(self, step: Step) -> None:
		"""A step has become ready: its trigger type says what now."""
		trigger, entry = step.trigger, self.entry(step)
		if trigger.type in (ON_WEBHOOK, MANUAL):
			entry.update(waiting=True, ready_at=self._now())
			return
		origin = self.times.origin(step) if self.flow.is_timed else None
		if trigger.type in TIMED:
			reached = origin or self.times.from_now()
			try:
				due, is_past = self.times.due(step, reached)
				if is_past and trigger.if_past == FAIL:
					raise StepFailed(f"{past(due)} Correct the date.", helps=errors.helps_by(trigger.at))
			except Exception as error:
				self._fail_undated(step, error)
				return
			if is_past and trigger.if_past == SKIP:
				entry.clear()
				entry.update(status=PENDING, reason=past(due))
				self.machine.skip(step)
				return
			if self.times.is_to_come(due):
				self._schedule(step, due)
				return
			if due.at >= reached.at:
				origin = due  # it was due then, however late a worker comes to it
		if origin is not None:
			entry[ANCHOR] = origin.as_json()
		self.fire(step)

	def _schedule(self, step: Step, due: timing.Anchor) -> None:
		"""Let a step wait: with a row of its own, or with the one that brought it here."""
		entry = self.entry(step)
		entry.update({"status": SCHEDULED, "due_at": _text(due.at), ANCHOR: due.as_json()})
		for leftover in ("error", UNDATED):
			entry.pop(leftover, None)
		when = self.times.wakes_at(due)
		self.moved.scheduled.append(step.id)
		if self.row is not None and self.row.step_id == step.id:
			self._row_again_at, self._row_counts = when, False
			return
		snapshot = {"kind": step.kind, "label": step.label, "payload": step.payload}
		self.rows.append(Pending(self.run.name, step.id, FIRE, when, context_snapshot=snapshot))

	def _fail_undated(self, step: Step, error: Exception) -> None:
		"""A step's time cannot be told: whenever it is tried again, that is read again."""
		if self.host.breaks_transaction(error):
			raise error
		entry = self.entry(step)
		entry.update({"attempts": entry.get("attempts", 0) + 1, UNDATED: True})
		self._fail(step, error)

	# One step

	def context(self, step: Step, kind: Kind, *, idempotency_key: str = "", given: Any = None) -> StepContext:
		return StepContext(
			self.host, self.run, step, kind, self.scope, idempotency_key=idempotency_key, given=given
		)

	def _run_kind(self, step: Step, given: Any) -> None:
		host = self.host
		kind = self._catalog.get(step.kind)
		if kind is None:
			raise no_kind(step)
		if not kind.runnable:
			raise StepFailed(
				f"Steps of kind {kind.label!r} can be composed, but not run yet.", helps=errors.IN_FLOW
			)
		effect = kind.effect_of(step.payload)
		if effect == "none":
			with host.acting_as(self.run.run_as):
				self._succeed(step, kind.run(step, self.context(step, kind, given=given)), given)
			return
		if self._together is not None:
			self._together.write_runs()  # a document's change may start a flow that waits for a run to end
		ctx = self.context(step, kind, idempotency_key=uuid.uuid4().hex, given=given)
		with host.acting_as(self.run.run_as), host.store.savepoint():
			if effect == "documents":
				self._document_seen = False  # the step may end the run's own document, or another run's
				if self._together is not None:
					self._together.ended = None
				result = kind.run(step, ctx)
			else:
				request = kind.prepare(step, ctx)
		self.scope.refresh()
		for side_request, when_closed in ctx.calls:
			self._commit_to_side_call(step, side_request, when_closed)
		if effect == "documents":
			self._succeed(step, result, given)
		else:
			self.entry(step)["status"] = RUNNING
			self.entry(step).pop(ANCHOR, None)  # it is done when it is answered
			self.rows.append(
				Pending(
					self.run.name,
					step.id,
					CALL,
					host.now(),
					context_snapshot={"request": request, "given": given},
					idempotency_key=ctx.idempotency_key,
				)
			)

	def _commit_to_side_call(
		self, step: Step, request: Mapping[str, Any], when_closed: tuple[str, str] | None
	) -> None:
		doctype, name = when_closed or ("", "")
		self.rows.append(
			Pending(
				self.run.name,
				step.id,
				SIDE_CALL,
				None if when_closed else self.host.now(),
				context_snapshot={"request": request},
				idempotency_key=uuid.uuid4().hex,
				reference_doctype=doctype,
				reference_name=name,
			)
		)

	def _succeed(self, step: Step, result: Any, given: Any) -> None:
		result = self._bounded(render.jsonable(result))
		if isinstance(given, Mapping):
			result = {**(result if isinstance(result, Mapping) else {}), **given}
		elif given is not None:
			result = given
		entry = self.entry(step)
		entry.pop("error", None)
		entry.update(status=DONE, completed_at=self._now(), result=result)
		self.machine.done(step)

	def _fail(self, step: Step, error: BaseException) -> None:
		message, transient, result, helps = self._explain(step, error)
		now = self.host.now()
		message = message[: max(SHORT, self.room)]
		entry = self.entry(step)
		policy = step.retry
		attempts = entry.get("attempts", 1)
		if attempts >= policy.attempts or not (transient or policy.on == "any"):
			message = _advised(step, message, helps)
			self._fail_for_good(step, message[: max(SHORT, self.room)], result)
			return
		due = max(
			now + timedelta(minutes=policy.wait_before(attempts + 1)),
			timing.put_off(getattr(error, "retry_after", ""), now, self.host.timezone),
		)
		entry.update(error=message, due_at=_text(due))
		if self.row is not None and self.row.step_id == step.id:
			# The same row comes back, and with it, for a call, the same request and key.
			entry["status"] = RUNNING if self.row.purpose == CALL else SCHEDULED
			self._row_again_at, self._row_error = due, message
		else:
			entry["status"] = SCHEDULED
			self.rows.append(
				Pending(self.run.name, step.id, RETRY, due, retry_count=attempts, last_error=message)
			)
		self.moved.scheduled.append(step.id)

	def _fail_for_good(self, step: Step, message: str, result: Any) -> None:
		entry = self.entry(step)
		entry.pop("due_at", None)
		entry.update(error=message, completed_at=self._now())
		if result is not None:
			entry["result"] = self._bounded(render.jsonable(result))
		if self.row is not None and self.row.step_id == step.id:
			self._row_status, self._row_error = ROW_FAILED, message
		if step.on_error == "continue":
			entry["status"] = DONE
			self.machine.done(step)
			return
		entry["status"] = FAILED
		self._failed_step = step.label or step.id
		self.run.error = f"{self._failed_step}: {message}"[:ERROR_LENGTH]

	def _explain(self, step: Step, error: BaseException) -> tuple[str, bool, Any, str]:
		"""(message, whether it may pass by itself, a result to keep, what helps) of a failure."""
		helps = ""
		if isinstance(error, FlowError):
			message, transient, helps = error.message, error.transient, error.helps
		elif (refusal := self.host.refusal(error, self.run.run_as)) is not None:
			message, transient, helps = refusal, False, errors.EITHER
		else:
			# Nobody foresaw it, so an admin is told. If it may be the surroundings, it is tried again.
			message, transient = described(error), True
			if isinstance(error, MISTAKES) and not isinstance(error, OSError):
				message, transient, helps = (
					f"The step cannot be done as it stands ({message}): a value does not fit, or its kind has a fault. "
					"Correct the step; the log has more.",
					False,
					errors.EITHER,
				)
			self.host.log(
				f"Flow Run {self.run.name}: step {step.id} ({step.kind}) raised an error",
				"".join(traceback.format_exception(error)),
			)
		return render.jsonable(message[:ERROR_LENGTH]), transient, getattr(error, "result", None), helps

	def _settle_row(self, row: Pending) -> None:
		store = self.host.store
		if self._together is not None and self._row_again_at is None and self._row_status == ROW_COMPLETED:
			self._together.rows.append(row)
			return
		if self._row_again_at is not None:
			ours = store.postpone(row, self._row_again_at, self._row_error, counts=self._row_counts)
		else:
			ours = store.finish(row, self._row_status, self.host.now(), self._row_error)
		if not ours:
			raise LostClaim(row.name)

	@property
	def room(self) -> int:
		"""How many characters of JSON the run has room for."""
		if self._kept is None:
			self._kept = len(json.dumps(self.run.step_state, ensure_ascii=False))
		return max(0, STATE_LENGTH - self._kept)

	def _bounded(self, result: Any) -> Any:
		"""The result, or the beginning of it if it is too large to keep in the run; see `engine.context.Results`."""
		if not result:
			return result
		text = json.dumps(result, ensure_ascii=False)
		if len(text) <= SHORT:
			return result
		most = min(RESULT_LENGTH, max(SHORT, self.room))
		if len(text) > most:
			text = text[: min(most, BEGINNING_LENGTH)]
			result = {**_short_values(result), "truncated": True, "text": text}
		self._kept = (self._kept or 0) + len(text)
		return result

	def _now(self) -> str:
		return _text(self.host.now())


def no_kind(step: Step) -> StepFailed:
	"""What fails a step whose kind is gone."""
	return StepFailed(
		f"There is no step kind {step.kind!r} here any more. Install the app that brings it.",
		helps=f"{errors.OUTSIDE} Or change the flow, cancel this run, which keeps the step as it is, and start it again.",
	)


def _advised(step: Step, message: str, helps: str) -> str:
	"""An error with what helps, unless the flow goes on without the step: then there is nothing to be retried."""
	return errors.with_help(message, helps) if helps and step.on_error == "fail" else message


def let_others_run(run: Run) -> bool:
	"""Take away what keeps other runs of its flow off its document while one is on. False if nothing did."""
	if not run.reentry_key.startswith("running:"):
		return False
	run.reentry_key = ""
	return True


def _short_values(result: Any) -> dict[str, Any]:
	"""What of a result that is cut stays whole: a branch that it took, a status."""
	if not isinstance(result, Mapping):
		return {}
	short = {
		key: value
		for key, value in result.items()
		if not isinstance(value, Mapping | list) and len(str(value)) + len(key) <= SHORT
	}
	return short if len(short) <= MOST_KEPT else {}


def _text(moment: datetime) -> str:
	return moment.isoformat(sep=" ", timespec="seconds")
