"""What became of the mails that steps have queued.

A mail is on its way once its step is done; whether it arrives is settled later, in the host's own queue. Whoever looks at
a run is shown it beside the step's result, read at that moment. One that is not sent at last is written down with its
step and told to the flow's owner, once. The step stays done and the run is not failed by it: what came after has happened
by then, and the mail is sent again from the queue, not by another try of the step.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flow_editor.engine.outcome import Outcome
from flow_editor.engine.ports import FATE_SENT, Fate
from flow_editor.engine.records import Run
from flow_editor.services.definitions import flow_of
from flow_editor.services.host import Host
from flow_editor.services.work import Work

#: What names a mail in a step's result.
QUEUED = "email_queue"
ERROR_LENGTH = 2000


def with_fates(host: Host, step_state: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
	"""The states of a run's steps, with what became of their mails: `fate`, and why in `fate_reason`, if it failed."""
	names = {step: name for step, entry in step_state.items() if (name := _mail_of(entry))}
	if not names:
		return dict(step_state)
	fates = host.messages.fates(list(names.values()))
	shown = dict(step_state)
	for step, name in names.items():
		fate, entry = fates[name], dict(step_state[step])
		entry["result"] = {**entry["result"], "fate": fate.status}
		if fate.reason:
			entry["result"]["fate_reason"] = fate.reason
		if entry.pop("mail_failed", False) and fate.status == FATE_SENT:
			entry.pop("error", None)  # it has been sent after all
		shown[step] = entry
	return shown


def note_failure(host: Host, run: Run, mail: str, where: str, fate: Fate) -> str:
	"""Write down with its step, in a locked run, that its mail was not sent.

	Args:
		where: what the row of the queue is called, for who is to send it again.

	Returns:
		The step; empty, if it has been done again since or this is written down already.
	"""
	step = next((step for step, entry in run.step_state.items() if _mail_of(entry) == mail), "")
	if not step or run.step_state[step].get("mail_failed"):
		return ""
	entry = run.step_state[step]
	why = f": {fate.reason}" if fate.reason else ""
	entry["mail_failed"] = True
	entry["error"] = (
		f"The e-mail to {', '.join(entry['result'].get('to') or ())} was not sent{why}. Mend the cause, then send it again "
		f"from {where}. The step itself is done."
	)[:ERROR_LENGTH]
	work = Work(host)
	work.change(Outcome(run))
	work.write()
	return step


def tell_owner(host: Host, run: Run, step: str, count: int) -> None:
	"""Tell the owner of a flow that a step's mail was not sent, and how many there are in all."""
	title = host.store.template(run.flow_template).get("template_name") or run.flow_template
	named = flow_of(host, run).by_id.get(step)
	more = f" {count - 1} more of this flow were not sent either." if count > 1 else ""
	host.tell_owner(
		run,
		f"An e-mail of flow {title} was not sent",
		f"The step {named.label if named and named.label else step} of run {run.name} had queued it, and the mail server did "
		f"not take it.{more} Open the run to see why.",
		run.step_state[step].get("error") or "",
	)


def _mail_of(entry: Mapping[str, Any]) -> str:
	result = entry.get("result")
	name = result.get(QUEUED) if isinstance(result, Mapping) else None
	return name if isinstance(name, str) else ""
