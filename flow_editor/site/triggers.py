"""Document events on their way to trigger events. What goes wrong here never breaks the user's save."""

from __future__ import annotations

from typing import Any

import frappe

from flow_editor.engine.event import CHANGE, UPDATE
from flow_editor.services import events
from flow_editor.services.customers import customer_of
from flow_editor.site import transaction
from flow_editor.site.documents import as_fields
from flow_editor.site.host import SiteHost, current


def on_document_event(doc, method: str | None = None) -> None:
	"""The one handler of all documents' events. For most of them it is one look into a dictionary."""
	sources = _sources().get(doc.doctype)
	if sources is None:
		return
	flags = frappe.flags
	if flags.in_install or flags.in_migrate or flags.in_patch or flags.in_import:
		return
	messages = len(frappe.local.message_log)
	try:
		host = current()
		_raise(host, doc, method or "", sources)
	except Exception as error:
		# A broken transaction cannot be saved by keeping quiet; anything else is ours, not the user's.
		if current().breaks_transaction(error):
			raise
		current().log(f"Flow triggers of {doc.doctype} {doc.name} broke", frappe.get_traceback())
	finally:
		del frappe.local.message_log[messages:]


def _raise(host: SiteHost, doc, moment: str, sources) -> None:
	before = doc.get_doc_before_save()
	# A client may save a document under another spelling of its name. What was read before the save has its own.
	name = before.name if before else doc.name
	events.raise_transitions(
		host,
		sources,
		moment,
		doc.doctype,
		name,
		doc,
		before,
		transaction=lambda: transaction.current().name,
		fields=lambda: as_fields(doc),
	)
	if doc.doctype in events.CLOSING and moment in (UPDATE, CHANGE) and events.has_closed(doc, before):
		if host.store.release(doc.doctype, name, host.now()):
			host.poke()


def dispatch(
	name: str,
	doc: Any = None,
	variables: dict[str, Any] | None = None,
	*,
	doctype: str = "",
	docname: str = "",
	customer: str = "",
) -> list[dict[str, Any]]:
	"""See `flow_editor.dispatch_event`."""
	host = current()
	if name not in host.events:
		raise ValueError(f"There is no trigger event {name!r}. There are: {', '.join(host.events)}.")
	subject = {"doctype": doctype, "docname": docname, "customer": customer or None}
	if isinstance(doc, tuple | list):
		subject.update(doctype=doc[0], docname=doc[1])
	elif doc is not None:
		subject.update(
			doctype=doc.doctype,
			docname=doc.name,
			customer=customer or customer_of(doc.doctype, doc),
			doc=events.WhenAsked(lambda: as_fields(doc)),
		)
	return events.dispatch_event(host, name, variables=variables, **subject)


def _sources() -> dict[str, Any]:
	"""Which events the documents of each DocType may raise; built once a request."""
	found = getattr(frappe.local, "flow_editor_sources", None)
	if found is None:
		found = events.sources_by_doctype(current().events.values())
		for doctype in events.CLOSING:
			found.setdefault(doctype, [])
		frappe.local.flow_editor_sources = found
	return found
