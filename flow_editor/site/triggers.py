"""Document events on their way to trigger events. What goes wrong here never breaks the user's save."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import frappe

from flow_editor.engine.event import CANCEL, DELETE, INSERT
from flow_editor.engine.records import DOCUMENT_CANCELLED, DOCUMENT_DELETED
from flow_editor.services import changes, life, listening, watching
from flow_editor.services.customers import customer_of
from flow_editor.services.events import UNHEARD
from flow_editor.site import imports, listeners, renames, transaction
from flow_editor.site.documents import as_fields
from flow_editor.site.host import SiteHost, current


def on_document_event(doc, method: str | None = None) -> None:
	"""The one handler of all documents' events. For most of them it is one look into a dictionary."""
	if doc.flags.in_delete:
		return  # nothing is heard of it but that it is gone
	_hear(doc, method or "")


def on_document_end(doc, method: str | None = None) -> None:
	"""The handler of all documents that are cancelled, discarded or deleted: runs end with them, and flows may listen."""
	if doc.doctype not in UNHEARD and not doc.meta.istable:
		_hear(doc, DELETE if method == DELETE else CANCEL)


def on_rename(doc, method: str | None, old: str, new: str, merge: bool = False) -> None:
	"""The handler of all documents that are renamed, or merged into another."""
	if doc.doctype not in UNHEARD and not _is_elsewhere():
		with _unheard_troubles(doc):
			renames.follow(doc.doctype, old, new)


def _is_elsewhere() -> bool:
	"""Whether the site is being built: what changes then is nobody's doing, and our tables may not be there yet."""
	flags = frappe.flags
	return bool(flags.in_install or flags.in_migrate or flags.in_patch or flags.in_uninstall)


def _hear(doc, moment: str) -> None:
	doctype = doc.doctype
	if doctype in UNHEARD or _is_elsewhere():
		return
	with _unheard_troubles(doc):
		host, heard = current(), listeners.heard()
		if moment in (CANCEL, DELETE):
			_end(host, doc, moment)
		sources = [one for one in _sources().get(doctype, ()) if one[0].name in heard.events]
		if sources or doctype in heard.doctypes:
			_raise(host, doc, moment, sources, doctype in heard.doctypes)
		# Nothing waits for a document that was not there.
		if moment != INSERT and not doc.flags.in_insert:
			watching.saved(host, doctype, _name(doc))


@contextmanager
def _unheard_troubles(doc) -> Iterator[None]:
	"""Within it, what goes wrong is logged, and whoever saves the document hears nothing of it."""
	messages = len(frappe.local.message_log)
	try:
		yield
	except Exception as error:
		# A broken transaction cannot be saved by keeping quiet; anything else is ours, not the user's.
		if current().breaks_transaction(error):
			raise
		current().log(f"Flow triggers of {doc.doctype} {doc.name} broke", frappe.get_traceback())
	finally:
		del frappe.local.message_log[messages:]


def _end(host: SiteHost, doc, moment: str) -> None:
	how = DOCUMENT_DELETED if moment == DELETE else DOCUMENT_CANCELLED
	life.document_ended(host, doc.doctype, _name(doc), how)


def _name(doc) -> str:
	"""A client may save a document under another spelling of its name. What was read before the save has its own."""
	before = doc.get_doc_before_save()
	return str(before.name if before else doc.name)


def _raise(host: SiteHost, doc, moment: str, sources, listens: bool) -> None:
	before = doc.get_doc_before_save()
	change = changes.Change(
		doc.doctype,
		before.name if before else doc.name,  # see `_name`
		moment,
		doc,
		before,
		transaction=lambda: transaction.current().name,
		fields=lambda: as_fields(doc),
		fields_before=lambda: as_fields(before) if before else {},
		imported_by=imports.source_of(doc),
	)
	changes.raise_transitions(host, sources, change)
	if listens:
		changes.start_by_document(host, change)


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
		subject.update(doctype=doc[0], docname=doc[1], imported_by=imports.source_of())
	elif doc is not None:
		subject.update(
			doctype=doc.doctype,
			docname=doc.name,
			imported_by=imports.source_of(doc),
			customer=customer or customer_of(doc.doctype, doc),
			doc=listening.WhenAsked(lambda: as_fields(doc)),
			# One without a creation was never stored, so that it cannot end.
			is_over=doc.get("docstatus") == 2 or bool(doc.flags.in_delete) or not doc.get("creation"),
			amended_from=doc.get("amended_from") or "",
		)
	return listening.dispatch_event(host, name, variables=variables, **subject)


def _sources() -> dict[str, Any]:
	"""Which events the documents of each DocType may raise; built once a request."""
	found = getattr(frappe.local, "flow_editor_sources", None)
	if found is None:
		found = changes.sources_by_doctype(current().events.values())
		frappe.local.flow_editor_sources = found
	return found
