"""Looking at runs: one or many, as the doors show them to the acting user. Changes nothing."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from flow_editor.engine import waiting
from flow_editor.engine.errors import Invalid, NotAllowed, NotFound, Problem
from flow_editor.engine.machine import (
	RUN_STATES,
)
from flow_editor.engine.records import Run
from flow_editor.engine.timing import in_seconds
from flow_editor.services import mails
from flow_editor.services.due import OWN
from flow_editor.services.host import Host

#: What of a step says how it stands, and nothing of what it found.
STANDING = ("status", "waiting", "ready_at", "due_at", "started_at", "completed_at", "attempts", "retried")
WITHHELD = (
	"What its steps found is not shown to you, since you may not read the customer that this run is for. "
	"Ask an admin for that permission, or somebody who has it."
)

#: How long the mark of a part of a run is, and how many bytes it says.
MARK, MARK_BYTES = 4, 3

#: How much of variables and steps one list holds, in characters of JSON, and how many runs are read for it at a time.
LISTED_LENGTH = 8_000_000
LISTED_AT_ONCE = 20


def get(host: Host, name: str) -> dict[str, Any]:
	"""A run as the doors show it, without the definition that it started on."""
	return _with_fates(host, host.store.run(name))


def _with_fates(host: Host, run: Run) -> dict[str, Any]:
	shown = as_dict(host, run)
	shown["step_state"] = mails.with_fates(host, shown["step_state"])
	return shown


def follow(host: Host, name: str, known: str = "") -> dict[str, Any]:
	"""A run to somebody who follows it: whole the first time, and then what has changed of it.

	Args:
		known: the answer's own `known` of the last time. One that does not fit the run counts as none.

	Returns:
		`run`, which holds its definition and its flow's name if nothing is known, else of its fields either all or none but its name, and the
		entries of those of its steps that have changed; `known`, for the next time; and `whole`.
	"""
	run = host.store.run(name)
	shown = _with_fates(host, run)
	state = shown.pop("step_state")
	marks = [_mark(shown), *(_mark([step, state[step]]) for step in sorted(state))]
	before = [known[at : at + MARK] for at in range(0, len(known), MARK)]
	is_whole = len(before) != len(marks)
	if is_whole:
		shown["template_name"] = _name_of_flow(host, run)
		shown["flow_definition"] = json.loads(host.store.definition(run.flow_template, run.template_version))
		before = [""] * len(marks)
	elif before[0] == marks[0]:
		shown = {"name": name}
	changed = [
		step for step, old, new in zip(sorted(state), before[1:], marks[1:], strict=True) if old != new
	]
	shown["step_state"] = {step: state[step] for step in changed}
	return {"run": shown, "known": "".join(marks), "whole": is_whole}


def _name_of_flow(host: Host, run: Run) -> str:
	try:
		return str(host.store.template(run.flow_template).get("template_name") or "")
	except NotFound:  # a run is readable without its flow
		return ""


def _mark(what: Any) -> str:
	"""A few letters that say whether something is as it was."""
	text = json.dumps(what, sort_keys=True, ensure_ascii=False, default=str)
	digest = hashlib.blake2s(text.encode("utf-8", "surrogatepass"), digest_size=MARK_BYTES).digest()
	return base64.urlsafe_b64encode(digest).decode()


def find(host: Host, filters: Mapping[str, Any], *, start: int = 0, limit: int = 20) -> list[dict[str, Any]]:
	"""Runs that the acting user may see, newest first; `start` and `limit` count those alone. Of many large ones the later
	come without their variables and steps, and say so by `truncated`; looked at singly, they are whole.

	Args:
		filters: any of status, template, customer, doctype, docname; empty values are ignored.
	"""
	names = {"template": "flow_template", "doctype": "context_doctype", "docname": "context_docname"}
	wanted = {names.get(name, name): value for name, value in filters.items() if value not in (None, "")}
	status = wanted.get("status")
	if status and status not in RUN_STATES:
		raise Invalid.because(
			[Problem(f"{status!r} is no run status. Use one of {', '.join(RUN_STATES)}.", field="status")],
			"This filter",
		)
	found, room = [], LISTED_LENGTH
	for begin in range(start, start + limit, LISTED_AT_ONCE):
		most = min(LISTED_AT_ONCE, start + limit - begin)
		page = host.store.runs(wanted, start=begin, limit=most, bare=room < 0, visible=True)
		for run in page:
			if not _may_see(
				host, run
			):  # what no condition of the database says, such as another app's own check
				continue
			shown = as_dict(host, run)
			room -= len(json.dumps([run.variables, run.step_state], ensure_ascii=False))
			if room < 0:
				shown.update(variables={}, step_state={}, truncated=True)
			found.append(shown)
		if len(page) < LISTED_AT_ONCE:
			break
	return found


def _may_see(host: Host, run: Run) -> bool:
	try:
		host.check_visible(run)
	except NotAllowed:
		return False
	return True


def as_dict(host: Host, run: Run) -> dict[str, Any]:
	"""A run's fields as JSON, without what is the engine's own. If what it holds is not for the acting user, they see how
	its steps stand and nothing that they say, and are told so by `withheld`."""
	shown = _as_dict(run)
	if host.withholds(run):
		shown.update(
			variables={},
			step_state={
				step: {name: value for name, value in waiting.shown(entry).items() if name in STANDING}
				for step, entry in run.step_state.items()
			},
			error=WITHHELD if run.error else "",
			withheld=WITHHELD,
		)
	return shown


def _as_dict(run: Run) -> dict[str, Any]:
	return {
		"name": run.name,
		"flow_template": run.flow_template,
		"template_version": run.template_version,
		"status": run.status,
		"trigger_event": run.trigger_event,
		"context_doctype": run.context_doctype,
		"context_docname": run.context_docname,
		"customer": run.customer,
		"variables": run.variables,
		"step_state": {
			step: {name: value for name, value in waiting.shown(entry).items() if name not in OWN}
			for step, entry in run.step_state.items()
		},
		"started_at": in_seconds(run.started_at) if run.started_at else None,
		"completed_at": in_seconds(run.completed_at) if run.completed_at else None,
		"run_as": run.run_as,
		"depth": run.depth,
		"caused_by": run.caused_by,
		"parent_run": run.parent_run,
		"error": run.error,
		"stop_reason": run.stop_reason,
	}
