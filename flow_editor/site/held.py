"""What runs hold (variables, results, errors, prepared calls), and the ways by which Frappe would show it.

The fields stand at a permission level that nobody has, and are read through the doors of this app alone. Two ways lead
around that level in Frappe, and are shut here:

- **Links.** Frappe reads the fields of a linked document for whoever may read its DocType, whichever document it is
  (`fields=["flow_run.variables"]`). If an operator can write the link, they choose the document. So nothing that anybody
  writes links to a run, an inbox row, a version or a secret; a name stands in a plain field instead. An inbox row's own link
  to its run is the engine's: nobody makes rows or moves them to another run, and who sees the row sees the run.
- **Questions.** Frappe counts documents, and looks one up by a filter, before it asks who may see them. Whoever may filter by
  a field can guess it letter by letter. So no request to a method of Frappe's own may name such a field.

It never decides who sees a run: that is `site.visibility`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from urllib.parse import unquote

import frappe
from frappe import _

MODULE = "Flow Editor"
#: What holds more than everybody who may read some of it may read, and the fields that do.
HELD: Mapping[str, frozenset[str]] = {
	"Flow Run": frozenset({"variables", "step_state", "error"}),
	"Flow Step Pending": frozenset({"context_snapshot", "last_error", "idempotency_key", "lease_token"}),
	"Flow Version": frozenset(),
	"Flow Secret": frozenset(),
}
#: The fields by the DocType's name, however it is spelled.
BY_NAME = {doctype.casefold(): fields for doctype, fields in HELD.items() if fields}
#: What else is ours.
OURS = ("Flow Template", "Flow Settings")
#: A request's parameters that say which documents, in which the names of fields stand first, and those that name fields.
WHICH = ("filters", "or_filters", "name", "docname", "current_filters")
FIELDS = (
	"fields", "fieldname", "field", "order_by", "group_by", "searchfield", "filter_fields", "stats", "field_map", "select_columns",
)  # fmt: skip
#: What stands before a DocType in a path of Frappe's REST API.
REST = ("resource", "document", "doctype")
WORD = re.compile(r"\w+")


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
			filters={"fieldtype": "Link", "options": ("in", list(HELD))},
			fields=["name", "fieldname", f"{owner} as doctype"],
		)
		for field in fields:
			if field.doctype in HELD and kept_in == "DocField":
				continue
			module = frappe.db.get_value("DocType", field.doctype, "module")
			is_ours = kept_in == "DocField" and module == MODULE
			found.append(Link(field.doctype, field.fieldname, kept_in, field.name, is_ours))
	return found


def refuse_questions() -> None:
	"""`before_request`: refuse one that asks Frappe itself for what runs hold, or for documents by it.

	Raises:
		frappe.PermissionError: it does.
	"""
	given = frappe.local.form_dict
	doctype = given.get("doctype") or _doctype_in(frappe.local.request.path)
	fields = BY_NAME.get(str(doctype).strip().casefold())
	if not fields or frappe.session.user == "Administrator":
		return
	named = {*_names(given, FIELDS, _words), *_names(given, WHICH, _asked_by)}
	if named & fields:
		frappe.throw(
			_("What runs hold is read in the run itself, or at /flow/runs. Leave out {0}.").format(
				", ".join(sorted(named & fields))
			),
			frappe.PermissionError,
		)


def _doctype_in(path: str) -> str:
	"""The DocType that a path of Frappe's REST API names, or an empty text."""
	return next((name for kind, name in pairwise(unquote(path).split("/")) if kind in REST), "")


def _names(
	given: Mapping[str, Any], parameters: tuple[str, ...], names: Callable[[Any], Iterable[str]]
) -> Iterator[str]:
	for parameter in parameters:
		if value := given.get(parameter):
			yield from names(value)


def _words(value: Any) -> list[str]:
	return WORD.findall(value if isinstance(value, str) else json.dumps(value, default=str))


def _asked_by(value: Any) -> Iterator[str]:
	"""The fields of a filter: {field: value}, [field, operator, value], [DocType, field, operator, value] or a list of these."""
	if isinstance(value, str):
		try:
			value = json.loads(value)
		except ValueError:
			return  # a name
	if isinstance(value, Mapping):
		for key in value:
			yield from _words(str(key))
	elif isinstance(value, list):
		if value and isinstance(value[0], str):
			for part in value[:2]:
				yield from _words(part)
		for part in value:
			if isinstance(part, list | Mapping):
				yield from _asked_by(part)
