"""What follows when a run fails: its owner is told, once, and a flow that does nothing but fail is paused.

The owner is told of the first failure since the flow last succeeded or was changed, and of the pause; of those between,
however many, nothing is said. Runs that somebody cancelled count for nothing. What everybody who sees the flow may read
names the run and its step alone: an error may hold a document's words. The owner's notice names the document and the
reason too, as far as the owner may read them.
"""

from __future__ import annotations

from flow_editor.engine.errors import NotFound, without_help
from flow_editor.engine.machine import FAILED
from flow_editor.engine.records import Run
from flow_editor.services.host import Host

#: How many runs of one version must fail, none succeeding between, for the flow to be paused.
FAILURES_TO_PAUSE = 10
#: How much of a reason stands in a notice's one line, in characters.
REASON_LENGTH = 200


def call_failed(host: Host, run: Run, why: str) -> None:
	"""A call that a run was committed to, and no longer waits for, has failed for good."""
	host.log(
		f"A call that flow {run.flow_template} had promised was not made",
		f"Flow Run {run.name}: {why} To have it tried again, open its row in Flow Step Pending, set the status to pending "
		"and the retry count to 0. This is told once a day and flow.",
		once_a_day=True,
	)


def run_failed(host: Host, run: Run, step: str = "") -> None:
	"""A run has just failed, and is stored so, in the current transaction.

	Args:
		step: what its author calls the step that failed; empty, if it was none.
	"""
	outcomes = host.store.last_outcomes(run.flow_template, run.template_version, FAILURES_TO_PAUSE)
	failures = next((n for n, status in enumerate(outcomes) if status != FAILED), len(outcomes))
	where = f"at the step {step}" if step else "before any step"
	reason = without_help(run.error.removeprefix(f"{step}: "))  # which the run itself says
	if failures == 1:
		host.tell_owner(
			run,
			f"{_title(host, run)} has failed {where}",
			f"It is run {run.name}. Open it to see what helps, and retry or cancel it there. "
			"You will not be told of the flow's next failures until it has succeeded, or you have changed it.",
			reason,
		)
	elif failures >= FAILURES_TO_PAUSE:
		said = (
			f"Its last {FAILURES_TO_PAUSE} runs have all failed, the last one, {run.name}, {where}. "
			"Open that run to see why. Mend the cause and switch it on again."
		)
		if host.store.pause_template(run.flow_template, run.template_version, said):
			host.tell_owner(
				run,
				f"{_title(host, run)} is paused: its last runs failed, this one {where}",
				said,
				reason,
			)


def _title(host: Host, run: Run) -> str:
	"""What its author calls the flow of a run."""
	try:
		return host.store.template(run.flow_template).get("template_name") or run.flow_template
	except NotFound:
		return run.flow_template


def headline(title: str, about: str, reason: str) -> str:
	"""A notice in one line, for a host to make in `tell_owner`.

	Args:
		about: the document's DocType and name, if its reader may read it.
		reason: why, likewise.
	"""
	reason = " ".join(reason.split())
	if len(reason) > REASON_LENGTH:
		reason = f"{reason[:REASON_LENGTH]}…"
	return f"{title}{f' for {about}' if about else ''}{f': {reason}' if reason else ''}"
