"""What a document's change sets off: the events that it raises, and the flows that listen to it by themselves.

It goes by what a template's published version says of its start. Whether a flow starts, `listening` decides.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flow_editor.engine import start
from flow_editor.engine.errors import described
from flow_editor.engine.event import CANCEL, DELETE, Source, TriggerEvent
from flow_editor.services import listening
from flow_editor.services.customers import Fields, customer_of
from flow_editor.services.definitions import start_of
from flow_editor.services.host import Host

#: A document's own moments at which a document start may hear of it.
HEARD_MOMENTS = frozenset(moment for _, moments in start.MOMENTS.values() for moment in moments)


def sources_by_doctype(events: Iterable[TriggerEvent]) -> dict[str, list[tuple[TriggerEvent, Source]]]:
	"""Which events the documents of a DocType may raise."""
	table: dict[str, list[tuple[TriggerEvent, Source]]] = {}
	for event in events:
		for source in event.sources:
			table.setdefault(source.doctype, []).append((event, source))
	return table


@dataclass(frozen=True, slots=True)
class Change:
	"""What happened to a document.

	Args:
		moment: one of `engine.event.MOMENTS`.
		now, before: the document after and before, of which only `get` is used; no before for a new one.
		transaction: names the transaction: one transition within it counts once, however often it is seen.
		fields: makes all the document's fields, if they are asked for.
		fields_before: likewise, of those before the change.
		imported_by: the bulk import that makes it, if it is one.
	"""

	doctype: str
	docname: str
	moment: str
	now: Fields
	before: Fields | None
	transaction: Callable[[], str]
	fields: Callable[[], Mapping[str, Any]]
	fields_before: Callable[[], Mapping[str, Any]] = dict
	imported_by: str = ""

	def raised(
		self, event: str, transition: str, variables: Mapping[str, Any] = listening.NOTHING
	) -> listening.Raised:
		"""The event that it raises, or the start that hears of it.

		Args:
			transition: names what has happened, within the transaction.
			variables: the document's fields that become variables.
		"""
		moment, now = self.moment, self.now
		return listening.Raised(
			event=event,
			doctype=self.doctype,
			docname=self.docname,
			customer=customer_of(self.doctype, now),
			doc=listening.WhenAsked(self.fields),
			fields=variables,
			trigger_key=f"{self.transaction()}:{event}:{self.doctype}:{self.docname}:{transition}",
			is_over=moment in (CANCEL, DELETE) or now.get("docstatus") == 2,
			amended_from=now.get("amended_from") or "",
			imported_by=self.imported_by,
			before=listening.WhenAsked(self.fields_before),
			is_gone=moment == DELETE,
		)


def raise_transitions(
	host: Host, sources: Iterable[tuple[TriggerEvent, Source]], change: Change
) -> list[dict[str, Any]]:
	"""Raise the events that a document's change amounts to. The results are those of `dispatch_event`."""
	results = []
	for event, source in sources:
		if change.moment not in source.moments:
			continue
		transition = source.transition(change.now, change.before)
		if transition is not None:
			raised = change.raised(event.name, transition, source.variables)
			results += listening.dispatch(host, host.store.active_templates(event.name), raised)
	return results


def start_by_document(host: Host, change: Change) -> list[dict[str, Any]]:
	"""Start what listens to a document's change by itself, without an event. The results are those of `dispatch_event`.

	One transaction starts a flow once about one document, however often a field of it changes meanwhile.
	"""
	if change.moment not in HEARD_MOMENTS:
		return []
	results, hearing = [], defaultdict(list)
	for template in host.store.active_templates(start.DOCUMENT, change.doctype):
		try:
			listener = start_of(host, template)
			if listener.hears(change.moment, change.now, change.before, host.conventions):
				hearing[listener.moment].append(template)
		except Exception as error:
			if host.breaks_transaction(error):
				raise
			results.append({"template": template["name"], "error": _deaf(host, template, change, error)})
	for moment, templates in hearing.items():
		results += listening.dispatch(host, templates, change.raised(start.DOCUMENT, moment))
	return results


def _deaf(host: Host, template: Mapping[str, Any], change: Change, error: Exception) -> str:
	"""Tell that it cannot be said whether a template's start waits for a change; and why."""
	message = described(error)
	host.log(
		f"Flow {template['name']} cannot tell whether it starts",
		f"{change.doctype} {change.docname}: {message} Correct the flow's start, or the document. This is told once a day.",
		once_a_day=True,
	)
	return message
