"""An operator's verbs on a run that is there: advance, complete, retry, cancel.

All run in the caller's transaction and lock the run first, so of two that do the same thing at once one acts
and the other finds it done.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from flow_editor.engine import render
from flow_editor.engine.definition import Step
from flow_editor.engine.errors import Conflict, Invalid, NotFound, Problem
from flow_editor.engine.machine import (
	CANCELLED,
	COMPLETED,
	DONE,
	FAILED,
	PENDING,
	RUNNING,
	SCHEDULED,
	WAITING,
	stop_steps,
)
from flow_editor.engine.outcome import Outcome
from flow_editor.engine.records import CALL, ROW_PENDING, ROW_RUNNING, Run
from flow_editor.engine.waiting import WAIT
from flow_editor.services.advance import Advance, release_reentry
from flow_editor.services.definitions import flow_of
from flow_editor.services.due import ANCHOR
from flow_editor.services.host import Host
from flow_editor.services.keeping import SHORT
from flow_editor.services.starting import caused_by, reentry_key
from flow_editor.services.work import Work

#: How many calls a run can have under way: no more than a flow has steps.
MOST_CALLS = 100_000


def advance(host: Host, name: str) -> Outcome:
	"""Look at a run again and fire whatever is ready. Changes nothing where nothing is."""
	run = host.store.run(name, lock=True)
	if run.status in (COMPLETED, CANCELLED):
		return Outcome(run)
	work = Work(host)
	with caused_by(run):
		move = Advance(host, run, work)
		if not move.ends():
			move.rescan()
		return _written(move)


def complete(host: Host, name: str, step_id: str, result: Any = None) -> tuple[Outcome, str]:
	"""Fire a step that waits for somebody (or, ahead of its time, one that waits for its time).

	Args:
		result: kept as the step's result; laid over the kind's own where both are objects.

	Returns:
		What moved, and a sentence that says so if nothing did because the step was done already.

	Raises:
		NotFound: there is no such run or step.
		Conflict: the step is not reachable yet, or is past completing.
	"""
	run, step, entry = _locked_step(host, name, step_id)
	status = entry.get("status", PENDING)
	if status == DONE:
		return Outcome(run), f"Step {step_id} is already done."
	if run.status == CANCELLED:
		raise Conflict(f"Run {name} was cancelled.")
	if run.stop_reason:
		raise Conflict(f"Run {name} has ended: {run.stop_reason}")
	if status == RUNNING:
		raise Conflict(f"Step {step_id} is being worked on at this moment.")
	if status == FAILED:
		raise Conflict(f"Step {step_id} has failed. Retry it instead.")
	if status not in (PENDING, SCHEDULED, WAITING):
		raise Conflict(f"Step {step_id} is {status}, so it cannot be completed.")
	result = render.jsonable(result)
	_check_branch(host, step, result)
	work = Work(host)
	with caused_by(run):
		move = Advance(host, run, work)
		_check_size(step, result, move)
		if status == PENDING and not move.machine.is_reachable(step):
			raise Conflict(f"Step {step_id} is not reachable yet: steps before it are not done.")
		if move.ends():
			return (
				_written(move),
				f"{run.stop_reason} So run {name} is cancelled, and step {step_id} was not done.",
			)
		work.cancel(name, step_id)
		entry["completed_by"] = host.user
		if WAIT in entry:
			move.answer(step, result)
		else:
			entry.pop(ANCHOR, None)  # what comes after it counts from now
			move.fire(step, given=result)
		return _written(move), ""


def _check_size(step: Step, result: Any, move: Advance) -> None:
	"""Raise Invalid for a result that is too large to keep."""
	length = len(json.dumps(result))
	if length <= SHORT:
		return
	most = move.keeping.most
	if length > most:
		message = f"The result has {length:,} characters of JSON; at most {most:,} are kept. Send less, or a link to it."
		raise Invalid.because([Problem(message, step.id, "result")], "This request")


def _check_branch(host: Host, step: Step, result: Any) -> None:
	"""Raise Conflict if a result takes a branch that the step does not have."""
	kind = host.catalog.get(step.kind)
	branch = result.get("branch") if isinstance(result, Mapping) else None
	known = [value for value, _ in kind.lanes(step.payload)] if kind is not None else []
	if branch is None or not known:
		return
	if not kind.person_chooses:
		raise Conflict(f"Nobody chooses the branch of step {step.id}: it comes of what the step itself does.")
	if branch not in known:
		raise Conflict(f"Step {step.id} has no branch {branch!r}. Use one of {', '.join(known)}.")


def retry(host: Host, name: str, step_id: str | None = None) -> Outcome:
	"""Try a failed step again, or all of a run's failed steps.

	Raises:
		NotFound: there is no such run or step.
		Conflict: nothing of it has failed, or the template does not run twice at once and another run is on.
	"""
	run = host.store.run(name, lock=True)
	if run.status == CANCELLED:
		raise Conflict(f"Run {name} was cancelled. Start the flow again instead.")
	if run.stop_reason:
		raise Conflict(f"Run {name} has ended: {run.stop_reason} Start the flow again instead.")
	work = Work(host)
	move = Advance(host, run, work)
	if step_id is None:
		steps = [step for step in move.flow.steps if move.entry(step)["status"] == FAILED]
	else:
		step = move.step(step_id)
		if step is None:
			raise NotFound(f"Run {name} has no step {step_id!r}.")
		if move.entry(step)["status"] != FAILED:
			if move.entry(step).get("error") and move.entry(step)["status"] == DONE:
				raise Conflict(
					f"Step {step_id} failed and the flow went on without it, so it cannot be retried."
				)
			raise Conflict(f"Step {step_id} has not failed: it is {move.entry(step)['status']}.")
		steps = [step]
	if not steps and run.status != FAILED:
		raise Conflict(f"Nothing in run {name} has failed.")
	if not run.reentry_key:
		with suppress(NotFound):  # a flow that is gone keeps no run off another
			template = host.store.template(run.flow_template)
			first = (
				host.documents.first(run.context_doctype, run.context_docname) if run.context_docname else ""
			)
			run.reentry_key = reentry_key(template, run.context_doctype, run.context_docname, first)
	with caused_by(run):
		if move.ends():
			return _written(move)
		for step in steps:
			work.cancel(name, step.id)
			move.try_again(step)
		if not steps:
			move.rescan()
		return _written(move)


def _written(move: Advance) -> Outcome:
	outcome = move.finish()
	move.work.write()
	return outcome


def cancel(host: Host, name: str) -> Run:
	"""End a run: nothing in it fires any more. What it has done stays done, and a call that a step has committed to is
	still made: the step stays running until its result is kept.

	Raises:
		NotFound: there is no such run.
		Conflict: it is over already.
	"""
	run = host.store.run(name, lock=True)
	if run.status == CANCELLED:
		return run
	if run.status == COMPLETED:
		raise Conflict(f"Run {name} is completed already.")
	calling = {
		row.step_id
		for status in (ROW_PENDING, ROW_RUNNING)
		for row in host.store.pending({"flow_run": name, "purpose": CALL, "status": status}, limit=MOST_CALLS)
	}
	outcome = Outcome(run, changes=stop_steps(run.step_state, CANCELLED, calling))
	run.status = CANCELLED
	run.completed_at = host.now()
	release_reentry(run)
	work = Work(host)
	work.change(outcome)
	work.cancel(name)
	work.write()
	return run


def _locked_step(host: Host, name: str, step_id: str):
	run = host.store.run(name, lock=True)
	step = flow_of(host, run).by_id.get(step_id)
	if step is None:
		raise NotFound(f"Run {name} has no step {step_id!r}.")
	return run, step, run.step_state.get(step_id, {})
