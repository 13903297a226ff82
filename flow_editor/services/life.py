"""A run's life is tied to its document's: when that is cancelled or deleted, the run is cancelled with that reason.

Whoever saves the document only writes an inbox row for each run in flight about it. Until the row is worked, and if the
document went without a word (raw SQL), a run finds out by itself before its next step.
A call that was committed to is still made and its result kept; what the run waits for is withdrawn.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from flow_editor.engine.errors import FlowError
from flow_editor.engine.machine import CANCELLED, DONE, FAILED, RUNNING, Machine, stop_steps
from flow_editor.engine.outcome import Outcome
from flow_editor.engine.records import DOCUMENT_END, Pending, Run
from flow_editor.engine.waiting import WAIT
from flow_editor.services.definitions import flow_of
from flow_editor.services.host import Host
from flow_editor.services.work import Work


def document_ended(host: Host, doctype: str, docname: str, how: str) -> None:
	"""A document is being cancelled or deleted in this transaction: have the runs about it ended after it.

	Args:
		how: one of `engine.records.DOCUMENT_CANCELLED` and `DOCUMENT_DELETED`.
	"""
	names = host.store.in_flight_about(doctype, docname)
	if names:
		snapshot = {"reason": reason(doctype, docname, how)}
		host.store.insert_pending(
			[
				Pending(name, purpose=DOCUMENT_END, trigger_at=host.now(), context_snapshot=snapshot)
				for name in names
			]
		)
		host.poke()


def reason(doctype: str, docname: str, how: str) -> str:
	return f"{doctype} {docname} was {how}."


def ended(host: Host, runs: Iterable[Run]) -> dict[str, str]:
	"""Why runs have to end, by their names: those of them whose document is over and that end with it."""
	about: dict[str, set[str]] = defaultdict(set)
	tied = [run for run in runs if run.ends_with_document]
	for run in tied:
		about[run.context_doctype].add(run.context_docname)
	how = {doctype: host.documents.ended(doctype, names) for doctype, names in about.items()}
	return {
		run.name: reason(
			run.context_doctype, run.context_docname, how[run.context_doctype][run.context_docname]
		)
		for run in tied
		if run.context_docname in how[run.context_doctype]
	}


def stop(host: Host, run: Run, why: str, work: Work, machine: Machine | None = None) -> Outcome:
	"""Cancel a locked run: withdraw what it waits for. The caller adds the outcome to the Work.

	Args:
		machine: what moves the run just now, if something does: its changes are that one's then.
	"""
	had_effect = _had_effect(host, run)
	outcome = Outcome(run)
	if machine is None:
		outcome.changes = stop_steps(run.step_state, CANCELLED)
	else:
		machine.stop(CANCELLED)
	run.status, run.stop_reason, run.completed_at = CANCELLED, why, host.now()
	if not had_effect or run.reentry_key.startswith("running:"):
		# Nobody has noticed it, so it does not count: the document that this one is amended to starts the flow anew.
		run.reentry_key = ""
	work.withdraw(run)
	return outcome


def _had_effect(host: Host, run: Run) -> bool:
	"""Whether a run has done or begun anything outside itself: a mail, an SMS, a call, a document."""
	try:
		flow = flow_of(host, run)
	except FlowError:
		return True  # what its steps were is not known any more
	Machine(flow, run.step_state)  # gives each step an entry, also of a run that has not begun
	for step in flow.steps:
		entry = run.step_state[step.id]
		has_begun = entry["status"] in (DONE, RUNNING, FAILED) or WAIT in entry
		if not has_begun or entry.get("off"):
			continue
		kind = host.catalog.get(step.kind)
		effect = kind.effect_of(step.payload) if kind else "external"
		# A document's change that failed was undone. A call that failed may have arrived.
		if effect == "external" or (effect == "documents" and not entry.get("error")):
			return True
	return False


def make_way(host: Host, reentry_key: str) -> bool:
	"""Let the run go that holds a key, if it has to end anyway and has had no effect. Whether the key may be free now.

	An amendment may come sooner than a worker to the run of the document that was cancelled for it.
	"""
	holder = host.store.holder(reentry_key)
	if holder is None:
		return True
	why = None if holder.completed_at is not None else ended(host, [holder]).get(holder.name)
	if why is None:
		return False
	work = Work(host)
	work.change(stop(host, holder, why, work))
	work.write()
	return not holder.reentry_key
