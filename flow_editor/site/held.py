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
#: A field of a linked document. Its names are bounded, so that a long word is looked through once.
LINKED = re.compile(r"\b(\w{1,140})\W{0,2}\.\W{0,2}(\w{1,140})")


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
	doctype = str(given.get("doctype") or _doctype_in(frappe.local.request.path)).strip()
	if not doctype or frappe.session.user == "Administrator":
		return
	if fields := BY_NAME.get(doctype.casefold()):
		asked = fields & {*_names(given, FIELDS, _words), *_names(given, WHICH, _asked_by)}
	else:
		asked = set(_linked(doctype, given))
	if asked:
		frappe.throw(
			_("What runs hold is read in the run itself, or at /flow/runs. Leave out {0}.").format(
				", ".join(sorted(asked))
			),
			frappe.PermissionError,
		)


def _linked(doctype: str, given: Mapping[str, Any]) -> Iterator[str]:
	"""What a request asks of HELD by a link that the site itself has made."""
	for link, field in _names(given, (*FIELDS, *WHICH), lambda value: LINKED.findall(_text(value))):
		if frappe.db.exists("DocType", doctype, cache=True):
			found = frappe.get_meta(doctype).get_field(link)
			if found and found.fieldtype == "Link" and found.options in HELD:
				yield f"{link}.{field}"


def _doctype_in(path: str) -> str:
	"""The DocType that a path of Frappe's REST API names, or an empty text."""
	return next((name for kind, name in pairwise(unquote(path).split("/")) if kind in REST), "")


def _names(
	given: Mapping[str, Any], parameters: tuple[str, ...], names: Callable[[Any], Iterable[Any]]
) -> Iterator[Any]:
	for parameter in parameters:
		if value := given.get(parameter):
			yield from names(value)


def _words(value: Any) -> list[str]:
	return WORD.findall(_text(value))


def _text(value: Any) -> str:
	return value if isinstance(value, str) else json.dumps(value, default=str)


def _asked_by(value: Any) -> Iterator[str]:
	"""The fields of a filter: {field: value}, [field, operator, value], [DocType, field, operator, value] or a list of these."""
	if isinstance(value, str):
		try:
			value = json.loads(value)
		except (ValueError, RecursionError):
			return  # a name
	parts = [value]
	while parts:
		part = parts.pop()
		if isinstance(part, Mapping):
			yield from _words(list(part))
		elif isinstance(part, list):
			if part and isinstance(part[0], str):
				yield from _words(part[:2])
			parts += (inner for inner in part if isinstance(inner, list | Mapping))
