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
import traceback
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from flow_editor.engine import timing
from flow_editor.engine.errors import OUTSIDE, FlowError, StepFailed, described
from flow_editor.engine.machine import CANCELLED, COMPLETED, FAILED, SCHEDULED, WAITING
from flow_editor.engine.outcome import Outcome
from flow_editor.engine.records import (
	CALL,
	DOCUMENT_END,
	FIRE,
	RETRY,
	ROW_FAILED,
	SAVED,
	SIDE_CALL,
	START,
	WAIT,
	WATCHED_CALL,
	Pending,
	Run,
)
from flow_editor.services import calls, failures, life, starting, watching
from flow_editor.services.advance import Advance
from flow_editor.services.claiming import CLAIM_TRIES, at_once, finish, lease
from flow_editor.services.definitions import flow_of
from flow_editor.services.explaining import ERROR_LENGTH
from flow_editor.services.host import Host
from flow_editor.services.work import LostClaim, Settled, Work

#: How often a row is tried before its step is failed.
MAX_ATTEMPTS = 5
#: How many rows one claim takes.
BATCH = 50
#: Seconds after which rows that share a transaction are committed: what they lock, somebody may want.
TOGETHER_SECONDS = 0.1
#: Seconds within which a row comes back that collided each time.
COLLISION_SECONDS = (1, 10)


#: What is not worked together with other rows, and how it is worked.
ALONE: Mapping[str, Callable[[Host, Pending], None]] = {
	CALL: calls.make,
	SIDE_CALL: calls.make,
	WATCHED_CALL: calls.look,
	SAVED: watching.wake,
}


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
		alone = [row for row in rows if row.purpose in ALONE or row.retry_count]
		shared = [row for row in rows if row.purpose not in ALONE and not row.retry_count]
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
	return at_once(
		host, lambda: host.store.claim(host.now(), batch, lease(host), uuid.uuid4().hex), CLAIM_TRIES
	)


def _work_together(host: Host, rows: Sequence[Pending]) -> int:
	"""Work the first rows of these in one transaction. Returns how many; 0 says that nothing was kept."""
	try:
		return at_once(host, lambda: _try_together(host, rows))
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
		at_once(host, lambda: ALONE.get(row.purpose, _advance)(host, row))
	except LostClaim:
		raise
	except Exception as error:
		return error
	return None


def _most_tries(host: Host, row: Pending) -> int:
	if row.retry_count < MAX_ATTEMPTS - 1 or not row.step_id or calls.is_beside(row):
		return MAX_ATTEMPTS
	try:
		step = flow_of(host, host.store.run(row.flow_run)).by_id.get(row.step_id)
	except FlowError:
		step = None
	return max(MAX_ATTEMPTS, step.retry.attempts) if step else MAX_ATTEMPTS


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
		starting.begin(host, run, into, row)
	else:
		with starting.caused_by(run):
			advance = Advance(host, run, into, row)
			if row.purpose in (FIRE, RETRY, WAIT):
				_bring_back(advance, row)
			else:
				advance.rescan()
				advance.finish()


def _bring_back(advance: Advance, row: Pending) -> None:
	step = advance.step(row.step_id)
	if step is None:
		raise StepFailed(f"Run {row.flow_run} has no step {row.step_id!r}.")
	status, kept = advance.entry(step)["status"], row.context_snapshot or {}
	if not advance.ends():
		if status == SCHEDULED:
			advance.come_due(step, kept.get("given"))
		elif status == WAITING and "answer" in kept:
			advance.answer(step, kept["answer"])
		elif status == WAITING:
			if not advance.look(step):
				advance.leave()
				return
		elif status == FAILED:  # an admin has set the row back to pending
			advance.try_again(step)
	advance.finish()


def _give_back(host: Host, row: Pending, error: BaseException | None, most: int) -> None:
	"""Something outside the step itself went wrong: come back later, or fail the step once it was tried `most` times."""
	if error is not None and host.is_conflict(error):
		at_once(host, lambda: _come_back(host, row, error), CLAIM_TRIES)
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
	at_once(host, lambda: _count_try(host, row, error, message[:ERROR_LENGTH], most), CLAIM_TRIES)


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
		is_final = calls.is_beside(row) and isinstance(error, StepFailed) and not error.transient
		if row.retry_count + 1 < most and not is_final:
			wait = timedelta(minutes=4 ** min(row.retry_count, MAX_ATTEMPTS - 1))
			put_off = timing.put_off(getattr(error, "retry_after", ""), host.now(), host.timezone)
			host.store.postpone(row, max(host.now() + wait, put_off), message)
			return
		run = host.store.lock_runs([row.flow_run]).get(row.flow_run)
		is_over = run is None or run.status == COMPLETED or (run.status == CANCELLED and row.purpose != CALL)
		if is_over or calls.is_beside(row):
			finish(host, row, ROW_FAILED, message)
			if run and calls.is_beside(row):
				failures.call_failed(host, run, message)
		elif (advance := _advance_of(host, run, row)) and (step := advance.step(row.step_id)):
			with starting.caused_by(run):
				advance.give_up(step, message, OUTSIDE if error is None else getattr(error, "helps", ""))
				advance.finish()
				advance.work.write()
		elif run.status == CANCELLED:
			finish(host, row, ROW_FAILED, message)
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
