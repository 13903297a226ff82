"""One advance of one run: fire what is ready, wave after wave, and decide what is to be written of it.

An advance happens in one transaction, in which the run is locked. Steps without effect or with an effect on
documents happen there, each under a savepoint; an external effect is only committed to there (an inbox row
with the prepared request and its idempotency key), and made by the inbox afterwards.
It writes neither the run nor a row of the inbox: it adds them to a `Work`.

It is one file, though long: what a firing step decides (it is done, it waits, it fails, it is tried again) is read best at one
place.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from flow_editor.engine import errors, render, timing
from flow_editor.engine.context import StepContext
from flow_editor.engine.definition import (
	ERROR_LANE,
	FAIL,
	FAIL_THE_RUN,
	MANUAL,
	ON_WEBHOOK,
	SKIP,
	TAKE_ERROR_LANE,
	TIMED,
	Step,
)
from flow_editor.engine.errors import StepFailed
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
from flow_editor.engine.outcome import Outcome
from flow_editor.engine.records import (
	ADVANCE,
	CALL,
	FIRE,
	RETRY,
	ROW_FAILED,
	SIDE_CALL,
	WITHDRAWN,
	Pending,
	Run,
)
from flow_editor.engine.timing import in_seconds
from flow_editor.services import life
from flow_editor.services.definitions import flow_of
from flow_editor.services.due import ANCHOR, UNDATED, past
from flow_editor.services.explaining import ERROR_LENGTH, advised, explained, no_kind
from flow_editor.services.host import Host
from flow_editor.services.keeping import Keeping
from flow_editor.services.policy import ANYTHING, HeldBack, Policy
from flow_editor.services.work import Settled, Work

#: How much one advance may do before it goes on through the inbox. A safety net: the transaction stays
#: small and the lease is kept, and nothing is lost.
BUDGET_STEPS = 1000
BUDGET_SECONDS = 20


class Advance:
	"""Moves a locked run, and adds what comes of it to a Work with `finish`.

	Args:
		row: the inbox row that asked for it, to be settled with the run.
		policy: what may be done.
	"""

	def __init__(
		self,
		host: Host,
		run: Run,
		work: Work,
		row: Pending | None = None,
		policy: Policy | None = None,
	):
		self.host = host
		self.run = run
		self.row = row
		self.work = work
		self._policy = policy or ANYTHING
		self._catalog = host.catalog
		self.flow = flow_of(host, run)
		run.variables = {**self.flow.initial, **run.variables}
		self.machine = Machine(self.flow, run.step_state)
		self.scope = self._policy.scope(host, run)
		self.times = self._policy.times(host, run, self.flow, self.scope)
		self._had_failed = run.status == FAILED
		self.outcome = Outcome(run)
		self.keeping = Keeping(run.step_state)
		#: Whether its policy has held a step back.
		self.is_held_back = False
		#: New inbox rows, to be stored with the run.
		self.rows: list[Pending] = []
		self._settled = Settled(row) if row is not None else None
		#: Whether its document was seen to be there since a step last changed documents.
		self._document_seen = self._policy.has_seen_the_document

	def step(self, step_id: str) -> Step | None:
		return self.flow.by_id.get(step_id)

	def entry(self, step: Step) -> dict[str, Any]:
		return self.run.step_state[step.id]

	# What may be asked of it

	def ends(self) -> bool:
		"""Whether the run is over, because its document is; asked before each step fires. It is cancelled then."""
		if self.run.status != CANCELLED and self.run.ends_with_document and not self._document_seen:
			known = self.work.over
			why = (life.ended(self.host, [self.run]) if known is None else known).get(self.run.name)
			if why:
				life.stop(self.host, self.run, why, self.work, self.machine)
			self._document_seen = True
		return self.run.status == CANCELLED

	def start(self) -> None:
		self.machine.start()

	def rescan(self) -> None:
		self.machine.rescan()

	def try_again(self, step: Step) -> None:
		"""Forget a step's failure and fire it: it has waited for its time already, unless that could not be read."""
		failed = self.machine.mark(step.id)
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
		self._fail_for_good(step, advised(step, message, helps), None)

	def fire(self, step: Step, given: Any = None) -> None:
		"""Run a step's kind now, whatever its trigger type says."""
		entry = self.machine.mark(step.id)
		entry["attempts"] = entry.get("attempts", 0) + 1
		entry.setdefault("started_at", self._now())
		for leftover in ("waiting", "ready_at", "due_at", "error", UNDATED):
			entry.pop(leftover, None)
		if entry["attempts"] > 1 or "retried" in entry:
			entry.pop(ANCHOR, None)
		self.outcome.executed.append(step.id)
		try:
			self._run_kind(step, given)
		except Exception as error:
			if self.host.breaks_transaction(error):
				raise
			self._fail(step, error)

	def move(self) -> None:
		"""Fire all that has become ready, and give the run the status that comes of it."""
		with ExitStack() as acting:
			# The user is changed once for all steps. Each asks again, so one who is disabled fails at the step.
			with suppress(StepFailed):
				acting.enter_context(self.host.acting_as(self.run.run_as))
			self._work_off()
		run = self.run
		if run.status == CANCELLED:
			# What it would have come back for; calls that it has committed to here are made.
			self.rows = [row for row in self.rows if row.purpose not in WITHDRAWN]
			if self._settled is not None and self._settled.row.purpose != CALL:
				self._settled = replace(self._settled, again_at=None)
			return
		run.status = run_status(run.step_state)
		if run.status != FAILED:
			run.error = ""
		in_flight = run.status == RUNNING or is_in_flight(run.step_state)
		run.completed_at = None if in_flight else self.host.now()

	def finish(self) -> Outcome:
		"""Move the run, unless it was cancelled, and add it, its new inbox rows and the row that asked to the Work."""
		run, outcome = self.run, self.outcome
		if run.status != CANCELLED:
			self.move()
		if run.completed_at is not None:
			release_reentry(run)
		outcome.changes = self.machine.changes
		outcome.has_failed = run.status == FAILED and not self._had_failed
		if run.status == CANCELLED and outcome.failed_step and self._is_call:
			outcome.failed_call = run.error
		self.work.change(outcome)
		self.work.promise(self.rows)
		if self._settled is not None:
			self.work.settle(self._settled)
		return outcome

	@property
	def _is_call(self) -> bool:
		return self.row is not None and self.row.purpose == CALL

	# Waves

	def _work_off(self) -> None:
		deadline = self.host.monotonic() + BUDGET_SECONDS
		while (step := self.machine.next_ready()) is not None:
			if len(self.outcome.executed) >= BUDGET_STEPS or self.host.monotonic() > deadline:
				self.rows.append(Pending(self.run.name, purpose=ADVANCE, trigger_at=self.host.now()))
				return
			if self.ends():
				return
			self._reach(step)

	def _reach(self, step: Step) -> None:
		"""A step has become ready: its trigger type says what now."""
		if not self._policy.holds_back:
			self._take(step)
			return
		before = dict(self.entry(step))
		try:
			self._take(step)
		except HeldBack:
			self.machine.restore(step.id, before)
			self.is_held_back = True

	def _take(self, step: Step) -> None:
		trigger, entry = step.trigger, self.entry(step)
		if step.off:
			origin = self.times.origin(step) if self.flow.is_timed else None
			anchor = {ANCHOR: origin.as_json()} if origin else {}
			self.machine.pass_over(step, off=True, completed_at=self._now(), **anchor)
			return
		if trigger.type in (ON_WEBHOOK, MANUAL):
			self.machine.mark(step.id).update(waiting=True, ready_at=self._now())
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
		entry = self.machine.mark(step.id, SCHEDULED)
		entry.update({"due_at": in_seconds(due.at), ANCHOR: due.as_json()})
		for leftover in ("error", UNDATED):
			entry.pop(leftover, None)
		when = self.times.wakes_at(due)
		self.outcome.scheduled.append(step.id)
		if self.row is not None and self.row.step_id == step.id:
			self._settled = Settled(self.row, again_at=when, counts=False)
			return
		snapshot = {"kind": step.kind, "label": step.label, "payload": step.payload}
		self.rows.append(Pending(self.run.name, step.id, FIRE, when, context_snapshot=snapshot))

	def _fail_undated(self, step: Step, error: Exception) -> None:
		"""A step's time cannot be told: whenever it is tried again, that is read again."""
		if self.host.breaks_transaction(error):
			raise error
		entry = self.machine.mark(step.id)
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
		if self._policy.holds_back and (kind is None or not kind.self_contained):
			raise HeldBack(step.id)
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
		self.work.write_runs()  # a document's change may start a flow that waits for a run to end
		ctx = self.context(step, kind, idempotency_key=uuid.uuid4().hex, given=given)
		with host.acting_as(self.run.run_as), host.store.savepoint():
			if effect == "documents":
				self._document_seen = False  # the step may end the run's own document, or another run's
				self.work.over = None
				result = kind.run(step, ctx)
			else:
				request = kind.prepare(step, ctx)
		self.scope.refresh()
		for side_request, when_closed in ctx.calls:
			self._commit_to_side_call(step, side_request, when_closed)
		if effect == "documents":
			self._succeed(step, result, given)
		else:
			self.machine.mark(step.id, RUNNING).pop(ANCHOR, None)  # it is done when it is answered
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
		result = self.keeping.bounded(render.jsonable(result))
		if isinstance(given, Mapping):
			result = {**(result if isinstance(result, Mapping) else {}), **given}
		elif given is not None:
			result = given
		entry = self.machine.mark(step.id, DONE)
		entry.pop("error", None)
		entry.update(completed_at=self._now(), result=result)
		kind = self._catalog.get(step.kind)
		self.machine.done(step, kind.taken(step.payload, result) if kind else ())

	def _fail(self, step: Step, error: BaseException) -> None:
		if self._policy.holds_back:
			raise HeldBack(step.id) from error
		message, transient, result, helps = explained(self.host, self.run, step, error)
		now = self.host.now()
		message = message[: self.keeping.most]
		entry = self.machine.mark(step.id)
		policy = step.retry
		attempts = entry.get("attempts", 1)
		if attempts >= policy.attempts or not (transient or policy.on == "any"):
			message = advised(step, message, helps)
			self._fail_for_good(step, message[: self.keeping.most], result)
			return
		due = max(
			now + timedelta(minutes=policy.wait_before(attempts + 1)),
			timing.put_off(getattr(error, "retry_after", ""), now, self.host.timezone),
		)
		entry.update(error=message, due_at=in_seconds(due))
		if self.row is not None and self.row.step_id == step.id:
			# The same row comes back, and with it, for a call, the same request and key.
			entry["status"] = RUNNING if self._is_call else SCHEDULED
			self._settled = Settled(self.row, error=message, again_at=due)
		else:
			entry["status"] = SCHEDULED
			self.rows.append(
				Pending(self.run.name, step.id, RETRY, due, retry_count=attempts, last_error=message)
			)
		self.outcome.scheduled.append(step.id)

	def _fail_for_good(self, step: Step, message: str, result: Any) -> None:
		entry = self.machine.mark(step.id)
		entry.pop("due_at", None)
		entry.update(error=message, completed_at=self._now())
		if result is not None:
			entry["result"] = self.keeping.bounded(render.jsonable(result))
		if self.row is not None and self.row.step_id == step.id:
			self._settled = Settled(self.row, ROW_FAILED, message)
		if step.on_error != FAIL_THE_RUN:
			entry["status"] = DONE
			self.machine.done(step, [ERROR_LANE] if step.on_error == TAKE_ERROR_LANE else ())
			return
		entry["status"] = FAILED
		self.outcome.failed_step = step.label or step.id
		self.run.error = f"{self.outcome.failed_step}: {message}"[:ERROR_LENGTH]

	def _now(self) -> str:
		return in_seconds(self.host.now())


def release_reentry(run: Run) -> bool:
	"""Take away what keeps other runs of its flow off its document while one is on. False if nothing did."""
	if not run.reentry_key.startswith("running:"):
		return False
	run.reentry_key = ""
	return True
