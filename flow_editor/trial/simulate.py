"""A flow from its beginning to its end in virtual time, in memory.

The clock stands still while steps happen and jumps to the next thing due, so a year passes in a moment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flow_editor.engine import waiting
from flow_editor.engine.definition import Flow, parse_input
from flow_editor.engine.errors import FlowError
from flow_editor.engine.inputs import is_blank
from flow_editor.engine.machine import WAITING
from flow_editor.engine.outcome import Outcome
from flow_editor.engine.timing import in_seconds
from flow_editor.services import inbox, looking, runs, starting, templates
from flow_editor.services.customers import customer_of
from flow_editor.services.definitions import flow_of
from flow_editor.trial.answers import Answer
from flow_editor.trial.host import TrialHost, utc_now
from flow_editor.trial.live import LiveStore

#: A drain may take as long as it takes: nobody waits behind it.
NO_LIMIT = 10**9


@dataclass
class Simulation:
	"""What happened: the run, each change of a step in order of time, what was sent, what was written."""

	run: dict[str, Any]
	timeline: list[dict[str, Any]] = field(default_factory=list)
	sent: list[dict[str, Any]] = field(default_factory=list)
	documents: list[dict[str, Any]] = field(default_factory=list)

	def as_dict(self) -> dict[str, Any]:
		return {"run": self.run, "timeline": self.timeline, "sent": self.sent, "documents": self.documents}


def simulate(
	definition: Any,
	*,
	doc: Mapping[str, Any] | None = None,
	variables: Mapping[str, Any] | None = None,
	inputs: Mapping[str, str] | None = None,
	now: datetime | None = None,
	until: datetime | None = None,
	answers: Mapping[str, Any] | None = None,
	http: Sequence[Answer] = (),
) -> Simulation:
	"""Run a definition on a document.

	Args:
		doc: `doctype`, `name` and the fields; `customer` may be an object in place of a name.
		inputs: what the definition asks for, as text, laid over the variables.
		now: when it starts; by default now.
		until: when to stop looking; by default the end.
		answers: results for steps that wait to be completed, by step id.
		http: what web calls are answered.

	Raises:
		Invalid: with every problem of the definition.
		FlowError: it cannot be started.
	"""
	host = TrialHost(now=now or utc_now().replace(microsecond=0), store=LiveStore)
	timeline = _Timeline(host)
	host.http.answers = http
	with host.store.transaction():
		template = templates.create(host, {"template_name": "Simulated", "flow_definition": definition})
		doctype, name = _store(host, doc or {})
		host.documents.journal.clear()
	with host.store.transaction():
		given = {**(variables or {}), **starting.inputs_by_name(host, template["name"], inputs or {})}
		_store_named(host, template["flow_definition"], given)
		run = starting.start(host, template["name"], doctype=doctype, docname=name, variables=given).run.name
	unanswered = dict(answers or {})
	while True:
		inbox.drain(host, seconds=NO_LIMIT)
		if _answer(host, run, unanswered):
			continue
		due = host.store.next_due()
		if due is None or (until is not None and due > until):
			break
		host.move_clock(max(due, host.now()))
	for step_id in unanswered:
		host.log(f"Step {step_id} was never reached, or waits for nobody")
	return Simulation(
		run=looking.get(host, run),
		timeline=timeline.entries,
		sent=host.sent(),
		documents=host.documents.journal,
	)


def _store(host: TrialHost, doc: Mapping[str, Any]) -> tuple[str, str]:
	"""Store the document, and the customer that it may hold. Raises FlowError if it has no DocType."""
	if not doc:
		return "", ""
	fields = dict(doc)
	doctype = fields.pop("doctype", None)
	if not isinstance(doctype, str) or not doctype:
		raise FlowError('The document has no "doctype".')
	if isinstance(fields.get("customer"), Mapping):
		wanted = dict(fields["customer"])
		wanted.setdefault("name", wanted.get("customer_name") or "CUST-00001")
		fields["customer"] = host.documents.create("Customer", wanted)
	named = customer_of(doctype, fields)
	if named and doctype != "Customer" and not host.documents.find("Customer", {"name": named}):
		# The document names a customer of whom nothing else is known.
		host.documents.create("Customer", {"name": named, "customer_name": named})
	name = fields.get("name") or f"{doctype}-1"
	return doctype, host.documents.create(doctype, {**fields, "name": name})


def _store_named(host: TrialHost, definition: Mapping[str, Any], given: Mapping[str, Any]) -> None:
	"""Store the documents that inputs name and of which nothing else is known."""
	for raw in definition.get("inputs") or ():
		one = parse_input(raw, host.field_types)
		name = given.get(one.name)
		doctype = one.type.names(one.doctype)
		if doctype in ("", "DocType") or is_blank(name) or not isinstance(name, str):
			continue
		if not host.documents.find(doctype, {"name": name}):
			host.documents.insert_quietly(doctype, {"name": name})


def _answer(host: TrialHost, run: str, unanswered: dict[str, Any]) -> bool:
	"""Complete the steps that have been reached and for which there is an answer. Whether there were any."""
	state = host.store.run(run).step_state
	reached = [step_id for step_id in unanswered if state.get(step_id, {}).get("status") == WAITING]
	for step_id in reached:
		with host.store.transaction():
			runs.complete(host, run, step_id, unanswered.pop(step_id))
	return bool(reached)


class _Timeline:
	"""Notes what each advance did to the steps, in the order in which they stand in the flow."""

	def __init__(self, host: TrialHost):
		self.entries: list[dict[str, Any]] = []
		self._host = host
		self._flow: Flow | None = None
		self._places: dict[str, int] = {}
		host.watchers.append(self.look)

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
