"""Links from anywhere on the site to what flows hold.

Frappe reads the fields of a linked document for whoever may read its DocType, whichever document it is
(`fields=["flow_run.variables"]`). If an operator can write the link, they choose the document. So nothing that anybody
writes links to a run, an inbox row, a version or a secret; a name stands in a plain field instead. An inbox row's own link
to its run is the engine's: nobody makes rows or moves them to another run, and who sees the row sees the run.
"""

from __future__ import annotations

from dataclasses import dataclass

import frappe

MODULE = "Flow Editor"
#: What holds more than everybody who may read some of it may read.
HELD = ("Flow Run", "Flow Step Pending", "Flow Version", "Flow Secret")
#: What else is ours.
OURS = ("Flow Template", "Flow Settings")


@dataclass(frozen=True, slots=True)
class Link:
	"""A field that links to one of HELD, and that somebody but the engine writes.

	Attributes:
		kept_in, name: the record that describes the field.
		is_ours: whether this app owns the DocType, so that it may change it.
	"""

	doctype: str
	field: str
	kept_in: str
	name: str
	is_ours: bool


def links_to_runs() -> list[Link]:
	found = []
	for kept_in, owner in (("DocField", "parent"), ("Custom Field", "dt")):
		fields = frappe.get_all(
			kept_in,
			filters={"fieldtype": "Link", "options": ("in", HELD)},
			fields=["name", "fieldname", f"{owner} as doctype"],
		)
		for field in fields:
			if field.doctype in HELD and kept_in == "DocField":
				continue
			module = frappe.db.get_value("DocType", field.doctype, "module")
			is_ours = kept_in == "DocField" and module == MODULE
			found.append(Link(field.doctype, field.fieldname, kept_in, field.name, is_ours))
	return found
