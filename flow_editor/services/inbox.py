"""The inbox: every promise to come back later is a row, and `drain` keeps them.

Rows are claimed in batches under a lease, and worked in transactions that also settle them, until nothing is
due. Several rows share a transaction as long as all goes well in it and it stays short; whatever goes wrong,
it is rolled back and each of its rows is worked in one of its own, as are calls to the outside and rows that
were tried before. A worker that dies loses its leases, and one that comes back too late finds that its row is
no longer its own, so what it did is rolled back. A row is tried MAX_ATTEMPTS times, further and further apart, or
as often as its step declares, if that is oftener.

Workers get in each other's way. Where the database undoes one for the sake of another, that is no try of the row: it is
worked again at once, a little later each time and at random, and then within seconds.
"""

from __future__ import annotations

import random
import time
import traceback
import uuid
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from flow_editor.engine import timing
from flow_editor.engine.context import Scope, StepContext
from flow_editor.engine.errors import OUTSIDE, FlowError, NotFound, StepFailed, described
from flow_editor.engine.machine import CANCELLED, COMPLETED, FAILED, RUNNING, SCHEDULED, run_status
from flow_editor.engine.outcome import Outcome
from flow_editor.engine.records import (
	CALL,
	DOCUMENT_END,
	FIRE,
	RETRY,
	ROW_COMPLETED,
	ROW_FAILED,
	SIDE_CALL,
	START,
	Pending,
	Run,
)
from flow_editor.kinds.web_call import send_call
from flow_editor.services import failures, life, runs
from flow_editor.services.advance import Advance
from flow_editor.services.definitions import flow_of
from flow_editor.services.explaining import ERROR_LENGTH, no_kind
from flow_editor.services.host import Host
from flow_editor.services.work import LostClaim, Settled, Work

#: What goes to the outside, and is made whatever becomes of the run.
CALLS = (CALL, SIDE_CALL)
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
#: Seconds that may pass before the second of them; twice as many before each further one.
PAUSE = 0.02
LONGEST_PAUSE = 0.5
#: Seconds within which a row comes back that collided each time.
COLLISION_SECONDS = (1, 10)

Answer = TypeVar("Answer")


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
		alone = [row for row in rows if row.purpose in CALLS or row.retry_count]
		shared = [row for row in rows if row.purpose not in CALLS and not row.retry_count]
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
	return _at_once(
		host, lambda: host.store.claim(host.now(), batch, _lease(host), uuid.uuid4().hex), CLAIM_TRIES
	)


def _at_once(host: Host, act: Callable[[], Answer], tries: int = TRIES_AT_ONCE) -> Answer:
	"""What `act` returns, which is done again if its transaction was broken. Those who collided wait for a little while,
	at random, lest they meet again."""
	longest = PAUSE
	for left in reversed(range(tries)):
		try:
			return act()
		except Exception as error:
			if not left or not host.breaks_transaction(error):
				raise
		time.sleep(random.uniform(0, longest))
		longest = min(2 * longest, LONGEST_PAUSE)
	raise AssertionError("it was to be tried at least once")


def _work_together(host: Host, rows: Sequence[Pending]) -> int:
	"""Work the first rows of these in one transaction. Returns how many; 0 says that nothing was kept."""
	try:
		return _at_once(host, lambda: _try_together(host, rows))
	except Exception:
		return 0  # whatever it was, it comes again when each row is worked alone, and is told there


def _try_together(host: Host, rows: Sequence[Pending]) -> int:
	shared = Work(host)
	worked = 0
	with host.store.transaction(follows=True):
		locked = host.store.lock_runs({row.flow_run for row in rows})
		shared.over = life.ended(host, locked.values())
		until = host.monotonic() + TOGETHER_SECONDS
		for row in rows:
			_move(host, locked[row.flow_run], row, shared)
			worked += 1
			if host.monotonic() > until:
				break
		shared.write()
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
	try:
		_at_once(host, lambda: _call(host, row) if row.purpose in CALLS else _advance(host, row))
	except LostClaim:
		raise
	except Exception as error:
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
	"""Whether no step waits for this call. Rows of earlier versions say so in their snapshot."""
	return row.purpose == SIDE_CALL or bool((row.context_snapshot or {}).get("beside"))


def _lease(host: Host):
	return host.now() + timedelta(minutes=LEASE_MINUTES)


def _advance(host: Host, row: Pending) -> None:
	with host.store.transaction():
		alone = Work(host)
		_move(host, host.store.run(row.flow_run, lock=True), row, alone)
		alone.write()


def _move(host: Host, run: Run, row: Pending, into: Work) -> None:
	"""Do what a row promised for its locked run, and add what comes of it to a Work."""
	if run.status in (COMPLETED, CANCELLED):
		into.settle(Settled(row))
	elif row.purpose == DOCUMENT_END:
		into.change(life.stop(host, run, (row.context_snapshot or {}).get("reason") or "", into))
		into.settle(Settled(row))
	elif row.purpose == START:
		runs.begin(host, run, into, row)
	else:
		with runs.caused_by(run):
			advance = Advance(host, run, into, row)
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
	if advance.ends():
		return
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
		if state.get("status") not in (RUNNING, FAILED):
			_finish(host, row)
			return
		if state["status"] == FAILED:  # an admin has set the row back to pending
			state["status"] = RUNNING
			if run.status != CANCELLED:
				run.status, run.completed_at = run_status(run.step_state), None
			host.store.save_run(run)
		step = flow_of(host, run).by_id[row.step_id]
		kind = host.catalog.get(step.kind)
		ctx = (
			StepContext(host, run, step, kind, Scope(host, run), idempotency_key=row.idempotency_key)
			if kind
			else None
		)
	result, error = None, None
	try:
		if kind is None:
			raise no_kind(step)
		with runs.caused_by(run), host.acting_as(run.run_as):
			result = kind.send(snapshot.get("request") or {}, ctx)
	except Exception as raised:
		if host.breaks_transaction(raised):
			raise
		error = raised
	_after_call(host, lambda: _settle_call(host, row, result, error))


def _settle_call(host: Host, row: Pending, result: Any, error: Exception | None) -> None:
	with host.store.transaction():
		run = host.store.run(row.flow_run, lock=True)
		with runs.caused_by(run):
			answered = Work(host)
			advance = Advance(host, run, answered, row)
			step = advance.flow.by_id[row.step_id]
			if error is None:
				advance.settle_call(step, result, (row.context_snapshot or {}).get("given"))
			else:
				advance.fail_call(step, error)
			advance.finish()
			answered.write()


def _after_call(host: Host, write: Callable[[], None]) -> None:
	"""Write down what came of a call. It has been made, so a collision here must not make it again at once, nor for ever:
	to write it is tried oftener, and if it cannot be written that is a failed try."""
	try:
		_at_once(host, write, CLAIM_TRIES)
	except Exception as error:
		if not host.is_conflict(error):
			raise
		raise StepFailed(
			f"The call was made, but what came of it could not be written down ({error}). It is made again with the same "
			"idempotency key.",
			transient=True,
		) from error


def _call_beside(host: Host, row: Pending, snapshot: dict[str, Any]) -> None:
	"""A call beside a step's own effect: it is made or it fails by itself, and the run does not wait for it."""
	with host.store.transaction():
		if not host.store.extend(row, _lease(host)):
			raise LostClaim(row.name)
		run = _run_of(host, row)
	with runs.caused_by(run) if run else nullcontext():
		send_call(snapshot["request"], host.http, row.idempotency_key)
	_after_call(host, lambda: _finish_alone(host, row))


def _finish_alone(host: Host, row: Pending) -> None:
	with host.store.transaction():
		_finish(host, row)


def _run_of(host: Host, row: Pending) -> Run | None:
	try:
		return host.store.run(row.flow_run)
	except NotFound:
		return None


def _finish(host: Host, row: Pending, status: str = ROW_COMPLETED, error: str = "") -> None:
	if not host.store.finish(row, status, host.now(), error):
		raise LostClaim(row.name)


def _give_back(host: Host, row: Pending, error: BaseException | None, most: int) -> None:
	"""Something outside the step itself went wrong: come back later, or fail the step once it was tried `most` times."""
	if error is not None and host.is_conflict(error):
		_at_once(host, lambda: _come_back(host, row, error), CLAIM_TRIES)
		return
	if error is None:
		message = (
			f"It was tried {row.retry_count} times, and the last time its worker died over it. "
			"Look at the worker's log and mend the cause."
		)
	else:
		message = host.refusal(error) or described(error)
		if not isinstance(error, FlowError):
			host.log(
				f"Flow Step Pending {row.name} of {row.flow_run} could not be worked",
				"".join(traceback.format_exception(error)),
			)
	_at_once(host, lambda: _count_try(host, row, error, message[:ERROR_LENGTH], most), CLAIM_TRIES)


def _come_back(host: Host, row: Pending, error: BaseException) -> None:
	"""The row collided with others' work each time, which says nothing against it."""
	message = (
		f"Others were changing the same rows of the database, so it is done again within seconds ({error})."
	)
	with host.store.transaction():
		at = host.now() + timedelta(seconds=random.uniform(*COLLISION_SECONDS))
		host.store.postpone(row, at, message[:ERROR_LENGTH], counts=False)
		host.log(
			"Workers collide with other transactions",
			f"Flow Step Pending {row.name} of {row.flow_run}: {message} That costs it no try. If it goes on, look for a "
			"transaction that stays open for long.",
			once_a_day=True,
		)


def _count_try(host: Host, row: Pending, error: BaseException | None, message: str, most: int) -> None:
	with host.store.transaction():
		# A call beside a step that its receiver refuses is refused however often it is made.
		is_final = _is_beside(row) and isinstance(error, StepFailed) and not error.transient
		if row.retry_count + 1 < most and not is_final:
			wait = timedelta(minutes=4 ** min(row.retry_count, MAX_ATTEMPTS - 1))
			put_off = timing.put_off(getattr(error, "retry_after", ""), host.now(), host.timezone)
			host.store.postpone(row, max(host.now() + wait, put_off), message)
			return
		run = host.store.lock_runs([row.flow_run]).get(row.flow_run)
		is_over = run is None or run.status == COMPLETED or (run.status == CANCELLED and row.purpose != CALL)
		if is_over or _is_beside(row):
			_finish(host, row, ROW_FAILED, message)
			if run and _is_beside(row):
				failures.call_failed(host, run, message)
		elif (advance := _advance_of(host, run, row)) and (step := advance.step(row.step_id)):
			with runs.caused_by(run):
				advance.give_up(step, message, OUTSIDE if error is None else getattr(error, "helps", ""))
				advance.finish()
				advance.work.write()
		elif run.status == CANCELLED:
			_finish(host, row, ROW_FAILED, message)
		else:
			_abandon(host, run, row, message)


def _advance_of(host: Host, run: Run, row: Pending) -> Advance | None:
	try:
		return Advance(host, run, Work(host), row)
	except FlowError as error:
		host.log(f"Flow Run {run.name} cannot be moved", error.message)
		return None


def _abandon(host: Host, run: Run, row: Pending, message: str) -> None:
	"""There is no step to put the failure on, so it is the run's own."""
	run.status, run.error, run.completed_at = FAILED, message, host.now()
	abandoned = Work(host)
	abandoned.change(Outcome(run, has_failed=True))
	abandoned.settle(Settled(row, ROW_FAILED, message))
	abandoned.write()
