"""Trying a flow: on a real document, with real data, in virtual time, to its end.

It happens on a rehearsal of a host, where nothing lasts. The clock stands still while steps happen and jumps to the next thing
due, so a year passes in a moment. Who tries it answers for those whom the flow asks; what nobody answers goes on waiting, and is
told. A document that is waited for is changed by nobody else meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flow_editor.engine import timing, waiting
from flow_editor.engine.definition import Flow
from flow_editor.engine.errors import Invalid, Problem
from flow_editor.engine.machine import WAITING
from flow_editor.engine.outcome import Outcome
from flow_editor.engine.records import ROW_PENDING, WATCHING, Pending
from flow_editor.engine.timing import in_seconds
from flow_editor.services import drafts, inbox, looking, runs, starting, templates
from flow_editor.services.authored import AUTHORED
from flow_editor.services.definitions import flow_of
from flow_editor.services.host import Host, Rehearsal

#: How long one trial may take, in seconds of real time.
MOST_SECONDS = 20
#: More than there are of anything of one run.
MANY = 1_000_000
#: What a definition is called that is tried and was never saved.
UNNAMED = "Tried"


@dataclass
class Trial:
	"""What happened: the run, each change of a step in order of time, what would be sent, what would be written.

	The run says two things more than one that has happened: `notes`, what an admin or the flow's owner would be told, in
	sentences; and `stopped`, why it was not tried to its end, empty if it was.
	"""

	run: dict[str, Any]
	timeline: list[dict[str, Any]] = field(default_factory=list)
	sent: list[dict[str, Any]] = field(default_factory=list)
	documents: list[dict[str, Any]] = field(default_factory=list)

	def as_dict(self) -> dict[str, Any]:
		return {"run": self.run, "timeline": self.timeline, "sent": self.sent, "documents": self.documents}


def try_flow(
	host: Host,
	*,
	flow_definition: Any = None,
	template: str = "",
	doctype: str = "",
	docname: str = "",
	variables: Mapping[str, Any] | None = None,
	now: str = "",
	until: str = "",
	answers: Mapping[str, Any] | None = None,
) -> Trial:
	"""Try a definition, or a template, on a document of a host. Nothing of it lasts.

	Args:
		flow_definition: it is tried as the acting user; with a template, as that one, in place of what is published.
		template: a template's name. One that was never published is tried as its draft.
		variables: what it is given, its inputs among them.
		now: when it starts; by default now.
		until: when to stop: a moment, or a length such as 30d; by default at its end.
		answers: results for steps that wait to be completed, by step id.

	Raises:
		NotFound, NotAllowed: the template or the document is not there, or not for the acting user.
		Invalid: something given cannot be read, or the definition has problems.
		Conflict: it could not be started.
	"""
	if flow_definition is None and not template:
		raise _wrong("Give a flow_definition, or the name of a template.", "flow_definition")
	began = _moment(host, now, "now") if now else host.now().replace(microsecond=0)
	ends = _end(host, until, began) if until else None
	if ends is not None and ends < began:
		raise _wrong("It would end before it begins. Give a later moment.", "until")
	fields = _fields(host, template, flow_definition)
	with host.rehearsal(began) as rehearsal:
		with rehearsal.store.transaction():
			made = templates.create(rehearsal, fields)
		trial = play(
			rehearsal,
			made["name"],
			doctype=doctype,
			docname=docname,
			variables=variables,
			until=ends,
			answers=answers,
		)
	trial.run["flow_template"] = template
	return trial


def _fields(host: Host, template: str, definition: Any) -> dict[str, Any]:
	"""What the template is to be that is tried."""
	if not template:
		return {"template_name": UNNAMED, "flow_definition": definition}
	stored = host.store.template(template)
	fields = {name: stored.get(name) for name in AUTHORED if stored.get(name) not in (None, "")}
	if definition is None and drafts.is_unpublished(stored):
		definition = (drafts.draft_of(stored) or {}).get("flow_definition")
	if definition is not None:
		fields["flow_definition"] = definition
	return fields | {"is_active": 0}


def play(
	host: Rehearsal,
	template: str,
	*,
	doctype: str = "",
	docname: str = "",
	variables: Mapping[str, Any] | None = None,
	until: datetime | None = None,
	answers: Mapping[str, Any] | None = None,
	seconds: float = MOST_SECONDS,
) -> Trial:
	"""Start a template of a rehearsal, and let time pass until its run waits for nothing more.

	Args:
		seconds: how long that may take, of real time.

	Raises:
		FlowError: as `starting.start`.
		Invalid: an answer is for no step of it.
	"""
	timeline = _Timeline(host)
	host.watchers.append(timeline.look)
	deadline = host.monotonic() + seconds
	with host.store.transaction():
		run = starting.start(host, template, doctype=doctype, docname=docname, variables=variables)
	name, unanswered = run.run.name, dict(answers or {})
	known = flow_of(host, run.run).by_id
	if unknown := [step_id for step_id in unanswered if step_id not in known]:
		raise _wrong(f"There is no step {unknown[0][:60]!r} to be answered.", "answers")
	stopped = ""
	while True:
		inbox.drain(host, seconds=seconds)
		if host.monotonic() > deadline:
			stopped = (
				f"It was tried for {seconds:g} seconds, up to {in_seconds(host.now())}, and stopped there."
			)
			break
		if _answer(host, name, unanswered):
			continue
		due = _next_due(host)
		if due is None or (until is not None and due > until):
			break
		host.move_clock(max(due, host.now()))
	for step_id in unanswered:
		host.log(f"Step {step_id} was never reached, or waits for nobody")
	notes = [f"{title}: {detail}" if detail else title for title, detail in host.logged]
	return Trial(
		run={**looking.get(host, name), "notes": notes, "stopped": stopped},
		timeline=timeline.entries,
		sent=host.sent(),
		documents=host.written(),
	)


def _answer(host: Host, run: str, unanswered: dict[str, Any]) -> bool:
	"""Complete the steps that have been reached and for which there is an answer. Whether there were any."""
	state = host.store.run(run).step_state
	reached = [step_id for step_id in unanswered if state.get(step_id, {}).get("status") == WAITING]
	for step_id in reached:
		with host.store.transaction():
			runs.complete(host, run, step_id, unanswered.pop(step_id))
	return bool(reached)


def _next_due(host: Host) -> datetime | None:
	"""When something happens next by itself. Nobody changes what is watched, so only the end of such a wait counts."""
	moments = [
		due
		for row in host.store.pending({"status": ROW_PENDING}, limit=MANY)
		if (due := _happens_at(host, row))
	]
	return min(moments, default=None)


def _happens_at(host: Host, row: Pending) -> datetime | None:
	if row.purpose not in WATCHING or row.trigger_at is None or row.trigger_at <= host.now():
		return row.trigger_at
	if not row.step_id:
		return None
	kept = host.store.run(row.flow_run).step_state.get(row.step_id, {}).get(waiting.WAIT)
	return waiting.Wait.read(kept).until if kept else None


class _Timeline:
	"""Notes what each advance did to the steps, in the order in which they stand in the flow."""

	def __init__(self, host: Host):
		self.entries: list[dict[str, Any]] = []
		self._host = host
		self._flow: Flow | None = None
		self._places: dict[str, int] = {}

	def look(self, outcome: Outcome) -> None:
		run = outcome.run
		if self._flow is None:
			self._flow = flow_of(self._host, run)
			self._places = {step.id: place for place, step in enumerate(self._flow.in_turn())}
		for step_id in sorted((change.step_id for change in outcome.changes), key=self._places.__getitem__):
			entry = waiting.shown(run.step_state[step_id])
			self.entries.append(
				{
					"at": in_seconds(self._host.now()),
					"step_id": step_id,
					"kind": self._flow.by_id[step_id].kind,
					"status": entry["status"],
					"result": entry.get("result"),
					"error": entry.get("error"),
				}
			)


def _moment(host: Host, text: str, name: str) -> datetime:
	try:
		return timing.parse_moment(text, host.timezone)
	except ValueError:
		raise _wrong(f"{text[:60]!r} is not a date. Write 2027-03-31, or 2027-03-31 09:00.", name) from None


def _end(host: Host, text: str, began: datetime) -> datetime:
	try:
		return began + timing.parse_span(text)
	except (ValueError, OverflowError):
		pass
	try:
		return timing.parse_moment(text, host.timezone)
	except ValueError:
		raise _wrong(
			f"{text[:60]!r} is neither a length, such as 30d or 12h, nor a date, such as 2027-03-31 or 2027-03-31 09:00.",
			"until",
		) from None


def _wrong(message: str, name: str) -> Invalid:
	return Invalid.because([Problem(message, field=name)], "This trial")
