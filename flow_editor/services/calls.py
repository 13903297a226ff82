"""Calls to the outside, which a step has committed to.

A call is made outside any transaction, with the key that was committed with it, and what came of it is written in the next
one. It is made whatever becomes of the run. Whether it is tried again, the inbox says.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from flow_editor.engine.context import Scope, StepContext
from flow_editor.engine.errors import NotFound, StepFailed
from flow_editor.engine.machine import CANCELLED, FAILED, RUNNING, run_status
from flow_editor.engine.records import (
	BESIDE,
	CALL,
	ROW_CANCELLED,
	SIDE_CALL,
	WATCHED_CALL,
	Pending,
	Run,
)
from flow_editor.engine.waiting import LOOK_AGAIN, Watch
from flow_editor.kinds.web_call import send_call
from flow_editor.services import starting
from flow_editor.services.advance import Advance
from flow_editor.services.claiming import CLAIM_TRIES, at_once, finish, lease
from flow_editor.services.definitions import flow_of
from flow_editor.services.explaining import no_kind
from flow_editor.services.host import Host
from flow_editor.services.work import LostClaim, Work

#: What goes to the outside, and is made whatever becomes of the run.
CALLS = (CALL, SIDE_CALL, WATCHED_CALL)


def is_beside(row: Pending) -> bool:
	"""Whether no step waits for this call. Rows of earlier versions say so in their snapshot."""
	return row.purpose in BESIDE or bool((row.context_snapshot or {}).get("beside"))


def look(host: Host, row: Pending) -> None:
	"""Look whether a document is as a call waits for it to be: have the call made then, else look again later."""
	snapshot = row.context_snapshot or {}
	watch = Watch(row.reference_doctype, row.reference_name, snapshot.get("when"))
	with host.store.transaction():
		run = _run_of(host, row)
		with host.acting_as(run.run_as) if run else nullcontext():
			try:
				doc = host.documents.get(watch.doctype, watch.name)
			except NotFound:
				reason = f"{watch.doctype} {watch.name} was deleted, so this call, which waited for it, is not made."
				finish(host, row, ROW_CANCELLED, reason)
				return
		if not watch.holds(Scope(host, run, doc=doc) if run else {"doc": doc}, host.operators):
			row.retry_count = 0  # what stood in the way has passed
			if not host.store.postpone(row, host.now() + LOOK_AGAIN, "", counts=False):
				raise LostClaim(row.name)
			return
		finish(host, row)
		call = {"request": snapshot["request"]}
		host.store.insert_pending(
			[
				Pending(
					row.flow_run,
					row.step_id,
					SIDE_CALL,
					host.now(),
					context_snapshot=call,
					idempotency_key=row.idempotency_key,
				)
			]
		)


def make(host: Host, row: Pending) -> None:
	"""Make a call that was committed to: outside any transaction, then write down what came of it."""
	snapshot = row.context_snapshot or {}
	if is_beside(row):
		_call_beside(host, row, snapshot)
		return
	with host.store.transaction():
		run = host.store.run(row.flow_run, lock=True)
		if not host.store.extend(row, lease(host)):
			raise LostClaim(row.name)
		state = run.step_state.get(row.step_id, {})
		if state.get("status") not in (RUNNING, FAILED):
			finish(host, row)
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
		with starting.caused_by(run), host.acting_as(run.run_as):
			result = kind.send(snapshot.get("request") or {}, ctx)
	except Exception as raised:
		if host.breaks_transaction(raised):
			raise
		error = raised
	_after_call(host, lambda: _settle_call(host, row, result, error))


def _settle_call(host: Host, row: Pending, result: Any, error: Exception | None) -> None:
	with host.store.transaction():
		run = host.store.run(row.flow_run, lock=True)
		with starting.caused_by(run):
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
		at_once(host, write, CLAIM_TRIES)
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
		if not host.store.extend(row, lease(host)):
			raise LostClaim(row.name)
		run = _run_of(host, row)
	with starting.caused_by(run) if run else nullcontext():
		send_call(snapshot["request"], host.http, row.idempotency_key)
	_after_call(host, lambda: _finish_alone(host, row))


def _finish_alone(host: Host, row: Pending) -> None:
	with host.store.transaction():
		finish(host, row)


def _run_of(host: Host, row: Pending) -> Run | None:
	try:
		return host.store.run(row.flow_run)
	except NotFound:
		return None
