"""Bulk imports: what they left out is told once an import, in Error Log.

Frappe says while an import goes on, and not when it ends; a worker may die over it. So the log's row is written with the
first transaction of the import that left something out, and brought up to date with each later one.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import frappe

from flow_editor.site import transaction

#: How many documents the log names for each flow.
NAMED = 5


@dataclass(slots=True)
class Told:
	"""What one import has left out so far, and the Error Log that says so."""

	log: str = ""
	counts: Counter[str] = field(default_factory=Counter)
	examples: dict[str, list[str]] = field(default_factory=dict)


def source_of(doc=None) -> str:
	"""The import that goes on and writes this document, or an empty text."""
	if not frappe.flags.in_import:
		return ""
	named = (doc and doc.flags.updater_reference) or {}
	return f"{named.get('doctype')} {named.get('docname')}" if named.get("docname") else "An import"


def left_out(template: str, doctype: str, docname: str, source: str) -> None:
	"""Count a document that would have started a flow. One that is rolled back does not count."""
	waiting = transaction.current().left_out
	if not waiting:
		frappe.db.before_commit.add(_tell)
	waiting[source, template, f"{doctype} {docname}"] = None


def _tell() -> None:
	try:
		told = frappe.local.flow_editor_imports = getattr(frappe.local, "flow_editor_imports", None) or {}
		waiting = transaction.current().left_out
		for source, template, document in waiting:
			one = told.setdefault(source, Told())
			one.counts[template] += 1
			examples = one.examples.setdefault(template, [])
			if len(examples) < NAMED:
				examples.append(document)
		for source in {source for source, *_ in waiting}:
			_write(source, told[source])
		waiting.clear()
	except Exception:
		# The import goes on: it is not to fail for what is told about it.
		frappe.logger("flow_editor").exception("What an import left out could not be told.")


def _write(source: str, one: Told) -> None:
	total = sum(one.counts.values())
	title = f"{source} started no flow {total} times"[:140]
	titles = dict(
		frappe.get_all(
			"Flow Template",
			filters={"name": ("in", list(one.counts))},
			fields=["name", "template_name"],
			as_list=True,
		)
	)
	lines = [
		f"{titles.get(name, name)} ({name}): {count} documents, among them {', '.join(one.examples[name])}"
		for name, count in one.counts.most_common()
	]
	message = "\n".join(
		[
			"Documents that are imported start no flow, unless the flow says so. Left out were:",
			*lines,
			"To have them started next time, tick 'Imported documents start it too' in the flow's settings. "
			"For these, start the flow by hand where it is wanted.",
		]
	)
	if one.log and frappe.db.exists("Error Log", one.log):
		frappe.db.set_value("Error Log", one.log, {"method": title, "error": message}, update_modified=False)
	else:
		one.log = frappe.log_error(title=title, message=message).name
