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

from flow_editor.engine import errors, render, timing, waiting
from flow_editor.engine.conditions import Uncomparable
from flow_editor.engine.context import Scope, StepContext
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
	WAITING,
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
	WAIT,
	WATCHED_CALL,
	WITHDRAWN,
	Pending,
	Run,
)
from flow_editor.engine.stopping import Stop
from flow_editor.engine.timing import in_seconds
from flow_editor.engine.waiting import Ended, Wait, Watch
from flow_editor.services import life
from flow_editor.services.definitions import flow_of
from flow_editor.services.due import ANCHOR, UNDATED, past
from flow_editor.services.explaining import ERROR_LENGTH, advised, explained, no_kind
from flow_editor.services.host import Host
from flow_editor.services.keeping import SHORT, Keeping
from flow_editor.services.policy import ANYTHING, HeldBack, Policy
from flow_editor.services.work import Settled, Work

#: How much one advance may do before it goes on through the inbox. A safety net: the transaction stays
#: small and the lease is kept, and nothing is lost.
BUDGET_STEPS = 1000
BUDGET_SECONDS = 20
#: How many of a step's failed tries are told, the latest.
MOST_TRIES = 10
#: What a kind's acting comes to that has committed to a call, which is answered later.
CALLED = object()


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
		#: Whether the run was ended by a step of its own, here or before: what it has committed to is all that still moves.
		self._has_stopped = bool(run.stop_reason) and run.status != CANCELLED
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
		tries = {"tries": failed["tries"]} if "tries" in failed else {}
		self.run.step_state[step.id] = {"status": PENDING, "retried": failed.get("retried", 0) + 1, **tries}
		if failed.get(UNDATED):
			self._reach(step)
		else:
			self.fire(step)

	def come_due(self, step: Step, given: Any = None) -> None:
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
		self.fire(step, given)

	def look(self, step: Step) -> bool:
		"""Look whether what a step waits for has come, and go on with it then. Whether anything has moved; if not, the row is to
		be left to look again."""
		kept, now = self.entry(step)[waiting.WAIT], self.host.now()
		wait = Wait.read(kept)
		try:
			ended = self._has_ended(wait, now)
		except Exception as error:
			if self.host.breaks_transaction(error):
				raise
			self._count_look(step, error)
			return True
		if ended is not None:
			self.resume(step, ended)
			return True
		self.row.retry_count = 0  # what stood in the way has passed
		self._settled = Settled(
			self.row, again_at=wait.next_look(now, datetime.fromisoformat(kept["since"])), counts=False
		)
		return False

	def answer(self, step: Step, answer: Any) -> None:
		"""Somebody has answered a step that waits after it has acted."""
		keep = self.entry(step)[waiting.WAIT].get("keep")
		self.resume(step, Ended(waiting.ANSWER, self.host.now(), answer, keep))

	def resume(self, step: Step, ended: Ended) -> None:
		"""Go on with a step whose own wait has ended."""
		entry = self.machine.mark(step.id)
		self.outcome.executed.append(step.id)
		entry.pop("error", None)
		self.scope.begin()
		try:
			came = self._act(step, ended)
		except Exception as error:
			if self.host.breaks_transaction(error):
				raise
			self._count_look(step, error, ended)
			self._keep_warnings(entry)
			return
		given = entry.pop(waiting.WAIT).get("given")
		entry.pop("due_at", None)
		entry.pop(ANCHOR, None)
		if ended.by == waiting.TIME and self.flow.is_timed:
			entry[ANCHOR] = timing.Anchor.of(
				ended.at
			).as_json()  # it was due then, however late a worker comes to it
		self._come(step, came, given)
		self._keep_warnings(entry)

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
		for leftover in ("ready_at", "due_at", "error", "warnings", UNDATED, waiting.WAIT):
			entry.pop(leftover, None)
		self.scope.begin()
		if entry["attempts"] > 1 or "retried" in entry:
			entry.pop(ANCHOR, None)
		self.outcome.executed.append(step.id)
		try:
			came = self._act(step, given=given)
			if came is not CALLED:
				self._come(step, came, given)
		except Exception as error:
			if self.host.breaks_transaction(error):
				raise
			self._fail(step, error, again=None if given is None else {"given": given})
		self._keep_warnings(entry)

	def _keep_warnings(self, entry: dict[str, Any]) -> None:
		"""Note with a step what was empty because a filter could not take it."""
		if warnings := self.scope.warnings:
			entry["warnings"] = list(dict.fromkeys([*entry.get("warnings", ()), *warnings]))

	def move(self) -> None:
		"""Fire all that has become ready, and give the run the status that comes of it."""
		with ExitStack() as acting:
			# The user is changed once for all steps. Each asks again, so one who is disabled fails at the step.
			with suppress(StepFailed):
				acting.enter_context(self.host.acting_as(self.run.run_as))
			self._work_off()
		run = self.run
		if run.status == CANCELLED or self._has_stopped:
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

	def leave(self) -> None:
		"""Settle the row alone that asked, since nothing has moved."""
		self.work.settle(self._settled)

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
			if self.ends() or self._has_stopped:
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
			self.machine.mark(step.id, WAITING)["ready_at"] = self._now()
			self._promise(step, WAIT, None)
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
		self._promise(step, FIRE, when)

	def _promise(self, step: Step, purpose: str, at: datetime | None, watch: Watch | None = None) -> None:
		"""Have a row bring a step back."""
		row = Pending(
			self.run.name,
			step.id,
			purpose,
			at,
			context_snapshot={"kind": step.kind, "label": step.label, "payload": step.payload},
		)
		if watch is not None:
			row.reference_doctype, row.reference_name = watch.doctype, watch.name
		self.rows.append(row)

	def _wait(self, step: Step, wait: Wait, given: Any) -> None:
		"""Let a step wait that has acted already."""
		entry = self.machine.mark(step.id, WAITING)
		entry[waiting.WAIT] = kept = wait.as_json() | {"since": self._now()}
		entry.pop(ANCHOR, None)
		if given is not None:
			kept["given"] = given
		if wait.until is not None:
			entry["due_at"] = in_seconds(wait.until)
		# A document is looked at once more after the row is there, since it may be changed until then.
		self._promise(step, WAIT, wait.until if wait.watch is None else self.host.now(), wait.watch)
		self.outcome.scheduled.append(step.id)

	def _has_ended(self, wait: Wait, now: datetime) -> Ended | None:
		"""How a wait has ended, if it has. What it waits for counts before the time in which it had to come."""
		if wait.watch is not None:
			# Its row follows a document that is renamed.
			watch = replace(wait.watch, doctype=self.row.reference_doctype, name=self.row.reference_name)
			with self.host.acting_as(self.run.run_as):
				doc = self.host.documents.get(watch.doctype, watch.name)
				try:
					holds = watch.holds(Scope(self.host, self.run, doc=doc), self.host.operators)
				except Uncomparable as error:
					raise StepFailed(
						f"What it waits for cannot be told: {error}", helps=errors.EITHER
					) from error
			if holds:
				return Ended(waiting.DOCUMENT, now, keep=wait.keep)
		if wait.until is not None and wait.until <= now:
			return Ended(waiting.TIME, wait.until, keep=wait.keep)
		return None

	def _count_look(self, step: Step, error: Exception, ended: Ended | None = None) -> None:
		"""A step could not go on that waits: the same is tried again later, or the step fails."""
		row = self.row
		self.machine.mark(step.id)["attempts"] = row.retry_count + 1 if row is not None else 1
		self._fail(
			step, error, again={"answer": ended.answer} if ended and ended.by == waiting.ANSWER else None
		)

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

	def _act(self, step: Step, ended: Ended | None = None, *, given: Any = None) -> Any:
		"""Have a step's kind act, or go on after a wait that has ended. Returns its result, what it waits for, or CALLED."""
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
			ctx = self.context(step, kind, given=given)
			with host.acting_as(self.run.run_as):
				return kind.run(step, ctx) if ended is None else kind.resume(step, ctx, ended)
		self.work.write_runs()  # a document's change may start a flow that waits for a run to end
		ctx = self.context(step, kind, idempotency_key=uuid.uuid4().hex, given=given)
		with host.acting_as(self.run.run_as), host.store.savepoint():
			if effect == "documents":
				self._document_seen = False  # the step may end the run's own document, or another run's
				self.work.over = None
				came = kind.run(step, ctx) if ended is None else kind.resume(step, ctx, ended)
			else:
				request = kind.prepare(step, ctx)
		self.scope.refresh()
		for side_request, watch in ctx.calls:
			self._commit_to_side_call(step, side_request, watch)
		if effect == "documents":
			return came
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
		return CALLED

	def _commit_to_side_call(self, step: Step, request: Mapping[str, Any], watch: Watch | None) -> None:
		row = Pending(
			self.run.name,
			step.id,
			SIDE_CALL,
			self.host.now(),
			context_snapshot={"request": request},
			idempotency_key=uuid.uuid4().hex,
		)
		if watch is not None:
			row.purpose, row.reference_doctype, row.reference_name = WATCHED_CALL, watch.doctype, watch.name
			row.context_snapshot["when"] = watch.when
		self.rows.append(row)

	def _come(self, step: Step, came: Any, given: Any) -> None:
		"""A step's kind has acted: the step is done, or waits for more."""
		if isinstance(came, Wait):
			self._wait(step, came, given)
		elif isinstance(came, Stop):
			self._stop(step, came)
		else:
			self._succeed(step, came, given)

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

	def _stop(self, step: Step, stop: Stop) -> None:
		"""A step ends the run: it is done, and nothing more begins. Calls that were committed to are made."""
		run, label = self.run, step.label or step.id
		entry = self.machine.mark(step.id, DONE)
		entry.update(completed_at=self._now(), result={"outcome": stop.status, "reason": stop.reason})
		self.machine.stop(stop.status)
		run.status = stop.status
		run.stop_reason = (stop.reason or f"It was ended by its step {label}.")[:ERROR_LENGTH]
		run.completed_at = self.host.now()
		if stop.status == FAILED:
			self.outcome.failed_step = label
			run.error = f"{label}: {run.stop_reason}"[:ERROR_LENGTH]
		self.work.withdraw(run)
		self._has_stopped = True

	def _fail(self, step: Step, error: BaseException, *, again: dict[str, Any] | None = None) -> None:
		"""A step has failed: try it again later, or fail it for good.

		Args:
			again: what it was given, for the row that brings it back.
		"""
		if self._policy.holds_back:
			raise HeldBack(step.id) from error
		message, transient, result, helps = explained(self.host, self.run, step, error)
		now = self.host.now()
		message = message[: self.keeping.most]
		entry = self.machine.mark(step.id)
		tries = [*entry.get("tries", ()), {"at": self._now(), "error": message[:SHORT]}]
		entry["tries"] = tries[-MOST_TRIES:]
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
		entry["status"] = RUNNING if self._is_call else WAITING if waiting.WAIT in entry else SCHEDULED
		if self.row is not None and self.row.step_id == step.id:
			# The same row comes back, and with it, for a call, the same request and key.
			self._settled = Settled(self.row, error=message, again_at=due)
		else:
			self.rows.append(
				Pending(
					self.run.name,
					step.id,
					RETRY,
					due,
					retry_count=attempts,
					last_error=message,
					context_snapshot=again,
				)
			)
		self.outcome.scheduled.append(step.id)

	def _fail_for_good(self, step: Step, message: str, result: Any) -> None:
		entry = self.machine.mark(step.id)
		for leftover in ("due_at", waiting.WAIT):
			entry.pop(leftover, None)
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
