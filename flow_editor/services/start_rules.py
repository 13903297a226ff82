"""What is wrong with a flow's start on this very host: documents that raise nothing, fields that they have not, or that whoever
publishes may not read.

How a start is written, `engine.start` says. Nothing is said of what the host does not know.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flow_editor.engine import start
from flow_editor.engine.conditions import literal_problem
from flow_editor.engine.errors import Problem
from flow_editor.engine.values import TABLES
from flow_editor.services.events import UNHEARD
from flow_editor.services.host import Host
from flow_editor.services.leads import hint


def problems(host: Host, definition: Mapping[str, Any]) -> Iterator[Problem]:
	"""The problems of a definition's start; none of one that is not written correctly, which validation says."""
	trigger = definition.get("trigger")
	if start.type_of(trigger) != start.DOCUMENT or any(start.problems(trigger)):
		return
	begin = start.parse_start(trigger)
	if message := _doctype_problem(host, begin.doctype):
		yield Problem(message, field="trigger.doctype")
	elif begin.moment == start.CHANGED:
		yield from _field_problems(host, begin)


def _doctype_problem(host: Host, doctype: str) -> str | None:
	if doctype in UNHEARD:
		return f"{doctype} documents start no flow: they are written by the flows themselves, or by the thousand. Choose others."
	if host.documents.is_missing("DocType", doctype):
		return f"There is no DocType “{doctype}” here. Choose another."
	if not host.documents.may("read", doctype):
		return (
			f"You may not read {doctype}, so you cannot publish a flow that starts on it. Choose other documents, or ask an "
			"admin for the permission."
		)
	return None


def _field_problems(host: Host, begin: start.Start) -> Iterator[Problem]:
	types = host.documents.types(begin.doctype)
	about = types.get(begin.field)
	if about is None:
		if types and not host.documents.may_hold(begin.doctype, begin.field):
			message = f"{begin.doctype} has no field “{begin.field[:60]}”.{hint(begin.field, types)} Choose another."
			yield Problem(message, field="trigger.field")
		return
	if about.fieldtype in TABLES:
		message = f"{about.label} is a table, of which no change is told. Let the flow start when the document is saved."
		yield Problem(message, field="trigger.field")
		return
	for part, values in (("from", begin.before), ("to", begin.after)):
		for value in values or ():
			if value not in (None, "") and (message := literal_problem(about, "==", value, host.conventions)):
				yield Problem(message, field=f"trigger.{part}")
