"""Items 3 and 4: what a flow costs the save that starts it, and the save that starts nothing."""

from __future__ import annotations

from collections.abc import Iterator

import frappe

import flow_editor
from benchmarks import flows, site
from benchmarks.measure import Figure, figure, in_turn, milliseconds
from flow_editor.services import inbox
from flow_editor.site import triggers
from flow_editor.site.host import SiteHost

#: How many one side of a pair does, so that a pair is longer than what disturbs it.
AT_ONCE = 10
#: Raised by hand, for a second flow.
OTHER_EVENT = "on_customer_created"


def measure(host: SiteHost, rounds: int, size: float) -> Iterator[Figure]:
	rounds = max(5, int(rounds * 4 * size))
	yield from an_event_to_a_completed_run(host, rounds)
	yield from a_save_that_matches_nothing(host, rounds)


def an_event_to_a_completed_run(host: SiteHost, rounds: int) -> Iterator[Figure]:
	flow, about = site.template(flows.chain(10)), site.document()
	asking = site.template(flows.asking(10), event=OTHER_EVENT)

	def save(event: str = site.EVENT) -> None:
		flow_editor.dispatch_event(event, about)
		frappe.db.commit()

	def asks() -> None:
		for _ in range(AT_ONCE):
			save(OTHER_EVENT)

	def saves() -> None:
		for _ in range(AT_ONCE):
			save()

	def one_by_one() -> None:
		with site.by_a_worker():
			for _ in range(AT_ONCE):
				save()
				inbox.drain(host)

	def in_a_stream() -> None:
		with site.by_a_worker():
			saves()
			inbox.drain(host)

	def starts() -> None:
		with site.by_a_worker():
			saves()

	def todos() -> None:
		for _ in range(AT_ONCE):
			site.insert_todo()

	for what, ours, target in (
		("An event to the commit of its completed run of 10 steps", saves, 1.0),
		("The same of 10 conditions on the document, one in the other", asks, 1.0),
		(
			"The same by a worker, as where the first step changes something, each drained by itself",
			one_by_one,
			1.0,
		),
		(f"The same by a worker, {AT_ONCE} events before a drain", in_a_stream, 1.0),
		("Of that, the user's part: the start of the run, the commit and the poke", starts, None),
	):
		pairs = in_turn(ours, todos, rounds)
		inbox.drain(host)
		done, other = (seconds / AT_ONCE for seconds in pairs.medians)
		yield figure(
			"3",
			f"{what}, against one ToDo insert + commit",
			pairs.ratios(),
			target,
			detail=f"{milliseconds(done)} against {milliseconds(other)}",
		)
	for made in (flow, asking):
		assert {run.status for run in host.store.runs({"flow_template": made.name}, limit=1000)} == {
			"completed"
		}
	site.clear(), site.clear_todos()


def a_save_that_matches_nothing(host: SiteHost, rounds: int) -> Iterator[Figure]:
	todo = frappe.get_doc({"doctype": "ToDo", "description": "x"}).insert()
	frappe.db.commit()
	hooks = frappe.get_doc_hooks()
	handler = f"{triggers.on_document_event.__module__}.{triggers.on_document_event.__name__}"
	bare = {
		doctype: {event: [name for name in names if name != handler] for event, names in events.items()}
		for doctype, events in hooks.items()
	}

	def saves(with_hooks) -> None:
		frappe.local.doc_events_hooks = with_hooks
		try:
			for number in range(AT_ONCE):
				todo.description = f"x{number}"
				todo.save()
				frappe.db.commit()
		finally:
			frappe.local.doc_events_hooks = hooks

	for active in (0, 1000):
		for number in range(active):
			site.template(flows.chain(1), name=f"Listens {number}")
		pairs = in_turn(lambda: saves(hooks), lambda: saves(bare), rounds * 4)
		done, other = (seconds / AT_ONCE for seconds in pairs.medians)
		yield figure(
			"4",
			f"A save that matches nothing, with {active:,} active templates, against the bare save",
			pairs.ratios(),
			1.02,
			detail=f"{milliseconds(done)} against {milliseconds(other)}",
		)
	todo.delete()
	site.clear()
