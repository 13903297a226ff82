"""The inbox: every promise to come back later is a row, and `drain` keeps them.

Rows are claimed in batches under a lease, and worked in transactions that also settle them, until nothing is
due. Several rows share a transaction as long as all goes well in it and it stays short; whatever goes wrong,
it is rolled back and each of its rows is worked in one of its own, as are calls to the outside and rows that
were tried before. A worker that dies loses its leases, and one that comes back too late finds that its row is
no longer its own, so what it did is rolled back. A row is tried MAX_ATTEMPTS times, further and further apart, or
as often as its step declares, if that is oftener.
"""

from __future__ import annotations

import traceback
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flow_editor.engine.context import Scope, StepContext
from flow_editor.engine.errors import FlowError, StepFailed
from flow_editor.engine.host import (
	CALL,
	FIRE,
	RETRY,
	ROW_COMPLETED,
	ROW_FAILED,
	START,
	Host,
	Pending,
	Run,
)
from flow_editor.engine.machine import CANCELLED, COMPLETED, FAILED, RUNNING, SCHEDULED, run_status
from flow_editor.kinds.web_call import send_call
from flow_editor.services import failures, runs
from flow_editor.services.advance import ERROR_LENGTH, Advance, LostClaim, Together
from flow_editor.services.definitions import flow_of

#: How often a row is tried before its step is failed.
MAX_ATTEMPTS = 5
#: How long a claim holds, in minutes: longer than the longest advance or call.
LEASE_MINUTES = 10
#: How many rows one claim takes.
BATCH = 50
#: Seconds after which rows that share a transaction are committed: what they lock, somebody may want.
TOGETHER_SECONDS = 0.1
#: How often a deadlock and its like is tried again on the spot, where work is lost by it and where none is.
TRIES_AT_ONCE = 3
CLAIM_TRIES = 10


@dataclass(slots=True)
class Drained:
	"""What a drain did. `left` says that it stopped for time with rows still due."""

	worked: int = 0
	failed: int = 0
	left: bool = False


def drain(
	host: Host,
	*,
	seconds: float = 240,
	batch: int = BATCH,
	on_progress: Callable[[Drained], None] | None = None,
) -> Drained:
	"""Work off due rows until there are none, or the time is up.

	Args:
		seconds: when to stop claiming.
		on_progress: called after every batch.
	"""
	drained = Drained()
	deadline = host.monotonic() + seconds
	while True:
		if host.monotonic() > deadline:
			drained.left = True
			return drained
		rows = _claim(host, batch)
		alone = [row for row in rows if row.purpose == CALL or row.retry_count]
		shared = [row for row in rows if row.purpose != CALL and not row.retry_count]
		while shared:
			kept = _work_together(host, shared)
			drained.worked += kept
			if not kept:
				alone = [*shared, *alone]
				break
			del shared[:kept]
		for row in alone:
			drained.worked += 1
			drained.failed += not work(host, row)
		if on_progress and rows:
			on_progress(drained)
		if not rows or (len(rows) < batch and not host.store.is_due(host.now())):
			return drained


def _claim(host: Host, batch: int) -> Sequence[Pending]:
	"""Claims of several workers touch neighbours in one index, so the database may break a deadlock between
	them. The one that it chose has done nothing yet, and tries again."""
	tries = CLAIM_TRIES
	while True:
		try:
			return host.store.claim(host.now(), batch, _lease(host), uuid.uuid4().hex)
		except Exception as error:
			tries -= 1
			if not tries or not host.breaks_transaction(error):
				raise


def _work_together(host: Host, rows: Sequence[Pending]) -> int:
	"""Work the first rows of these in one transaction. Returns how many; 0 says that nothing was kept."""
	for _ in range(TRIES_AT_ONCE):
		try:
			return _try_together(host, rows)
		except Exception as error:
			# Whatever it was, it comes again when each row is worked alone, and is told there.
			if not host.breaks_transaction(error):
				break
	return 0


def _try_together(host: Host, rows: Sequence[Pending]) -> int:
	together = Together(host)
	worked = 0
	with host.store.transaction(follows=True):
		locked = host.store.lock_runs({row.flow_run for row in rows})
		until = host.monotonic() + TOGETHER_SECONDS
		for row in rows:
			_move(host, locked[row.flow_run], row, together)
			worked += 1
			if host.monotonic() > until:
				break
		together.finish()
	return worked


def work(host: Host, row: Pending) -> bool:
	"""Keep one claimed row's promise. Returns whether it is kept; if not, it has been given back or failed."""
	error: BaseException | None = None
	try:
		most = _most_tries(host, row)
		if row.retry_count < most:
			error = _try(host, row)
			if error is None:
				return True
		_give_back(host, row, error, most)
	except LostClaim:
		host.log(
			f"Flow Step Pending {row.name} is no longer this worker's",
			"Its run was cancelled meanwhile, or another worker has taken it over. Nothing was kept.",
		)
	return False


def _try(host: Host, row: Pending) -> BaseException | None:
	"""Keep a row's promise, or say what stood in the way. Raises LostClaim."""
	for left in reversed(range(TRIES_AT_ONCE)):
		try:
			_call(host, row) if row.purpose == CALL else _advance(host, row)
			return None
		except LostClaim:
			raise
		except Exception as error:
			if not left or not host.breaks_transaction(error):
				return error
	return None


def _most_tries(host: Host, row: Pending) -> int:
	if row.retry_count < MAX_ATTEMPTS - 1 or not row.step_id or _is_beside(row):
		return MAX_ATTEMPTS
	try:
		step = flow_of(host, host.store.run(row.flow_run)).by_id.get(row.step_id)
	except FlowError:
		step = None
	return max(MAX_ATTEMPTS, step.retry.attempts) if step else MAX_ATTEMPTS


def _is_beside(row: Pending) -> bool:
	return bool((row.context_snapshot or {}).get("beside"))


def _lease(host: Host):
	return host.now() + timedelta(minutes=LEASE_MINUTES)


def _advance(host: Host, row: Pending) -> None:
	with host.store.transaction():
		together = Together(host)
		_move(host, host.store.run(row.flow_run, lock=True), row, together)
		together.finish()


def _move(host: Host, run: Run, row: Pending, together: Together) -> None:
	"""Do what a row promised for its locked run, and leave to be written what can be."""
	if run.status in (COMPLETED, CANCELLED):
		together.rows.append(row)
	elif row.purpose == START:
		runs.begin(host, run, row, together)
	else:
		with runs.working(run):
			advance = Advance(host, run, row, together)
			if row.purpose in (FIRE, RETRY):
				_fire(advance, row)
			else:
				advance.rescan()
			advance.finish()


def _fire(advance: Advance, row: Pending) -> None:
	step = advance.step(row.step_id)
	if step is None:
		raise StepFailed(f"Run {row.flow_run} has no step {row.step_id!r}.")
	status = advance.entry(step)["status"]
	if status == SCHEDULED:
		advance.come_due(step)
	elif status == FAILED:  # an admin has set the row back to pending
		advance.try_again(step)


def _call(host: Host, row: Pending) -> None:
	"""Make a call that was committed to: outside any transaction, then write down what came of it."""
	snapshot = row.context_snapshot or {}
	if _is_beside(row):
		_call_beside(host, row, snapshot)
		return
	with host.store.transaction():
		run = host.store.run(row.flow_run, lock=True)
		if not host.store.extend(row, _lease(host)):
			raise LostClaim(row.name)
		state = run.step_state.get(row.step_id, {})
		if run.status == CANCELLED or state.get("status") not in (RUNNING, FAILED):
			_finish(host, row)
			return
		if state["status"] == FAILED:  # an admin has set the row back to pending
			state["status"] = RUNNING
			run.status, run.completed_at = run_status(run.step_state), None
			host.store.save_run(run)
		advance = Advance(host, run, row)
		step = advance.flow.by_id[row.step_id]
		kind = host.catalog.get(step.kind)
		ctx = (
			StepContext(host, run, step, kind, Scope(host, run), idempotency_key=row.idempotency_key)
			if kind
			else None
		)
	result, error = None, None
	try:
		if kind is None:
			raise StepFailed(f"There is no step kind {step.kind!r} here any more.")
		with host.acting_as(run.run_as):
			result = kind.send(snapshot.get("request") or {}, ctx)
	except Exception as raised:
		if host.breaks_transaction(raised):
			raise
		error = raised
	with host.store.transaction():
		run = host.store.run(row.flow_run, lock=True)
		if run.status == CANCELLED:
			_finish(host, row, error=str(error or ""))
			return
		with runs.working(run):
			advance = Advance(host, run, row)
			if error is None:
				advance.settle_call(step, result, snapshot.get("given"))
			else:
				advance.fail_call(step, error)
			advance.finish()


def _call_beside(host: Host, row: Pending, snapshot: dict[str, Any]) -> None:
	"""A call beside a step's own effect: it is made or it fails by itself, and the run does not wait for it."""
	with host.store.transaction():
		if not host.store.extend(row, _lease(host)):
			raise LostClaim(row.name)
	send_call(snapshot["request"], host.http, row.idempotency_key)
	with host.store.transaction():
		_finish(host, row)


def _finish(host: Host, row: Pending, status: str = ROW_COMPLETED, error: str = "") -> None:
	if not host.store.finish(row, status, host.now(), error):
		raise LostClaim(row.name)


def _give_back(host: Host, row: Pending, error: BaseException | None, most: int) -> None:
	"""Something outside the step itself went wrong: come back later, or fail the step once it was tried `most` times."""
	if error is None:
		message = (
			f"It was tried {row.retry_count} times, and the last time its worker died over it. "
			"Look at the worker's log, mend the cause, and retry."
		)
	else:
		message = error.message if isinstance(error, FlowError) else f"{type(error).__name__}: {error}"
		if not isinstance(error, FlowError):
			host.log(
				f"Flow Step Pending {row.name} of {row.flow_run} could not be worked",
				"".join(traceback.format_exception(error)),
			)
	message = message[:ERROR_LENGTH]
	with host.store.transaction():
		if row.retry_count + 1 < most:
			wait = timedelta(minutes=4 ** min(row.retry_count, MAX_ATTEMPTS - 1))
			host.store.postpone(row, host.now() + wait, message)
			return
		run = host.store.lock_runs([row.flow_run]).get(row.flow_run)
		if run is None or _is_beside(row) or run.status in (COMPLETED, CANCELLED):
			_finish(host, row, ROW_FAILED, message)
		elif (advance := _advance_of(host, run, row)) and (step := advance.step(row.step_id)):
			with runs.working(run):
				advance.give_up(step, message)
				advance.finish()
		else:
			_abandon(host, run, row, message)


def _advance_of(host: Host, run: Run, row: Pending) -> Advance | None:
	try:
		return Advance(host, run, row)
	except FlowError as error:
		host.log(f"Flow Run {run.name} cannot be moved", error.message)
		return None


def _abandon(host: Host, run: Run, row: Pending, message: str) -> None:
	"""There is no step to put the failure on, so it is the run's own."""
	run.status, run.error, run.completed_at = FAILED, message, host.now()
	host.store.save_run(run)
	_finish(host, row, ROW_FAILED, message)
	failures.run_failed(host, run)
	host.run_changed(run)
