"""What runs hold (variables, results, errors, prepared calls), and the ways by which Frappe would show it.

The fields stand at a permission level that nobody has, and are read through the doors of this app alone. Frappe leads
around that level in two ways, which are shut here:

- **Links.** Frappe reads the fields of a linked document for whoever may read its DocType, whichever document it is
  (`fields=["flow_run.variables"]`, `expand_links`). If an operator can write the link, they choose the document. So nothing
  that anybody writes links to a run, an inbox row, a version or a secret; a name stands in a plain field instead. An inbox
  row's own link to its run is the engine's: nobody makes rows or moves them to another run.
- **Questions.** Frappe counts documents, and looks one up by a filter, before it asks who may see them, and some of its
  methods ask nobody. Whoever may name a field in a filter can guess it letter by letter. So a request to Frappe that names
  one of these DocTypes may name no such field, wherever in it, and however its JSON is written.

It never decides who sees a run: that is `site.visibility`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any
from urllib.parse import unquote, unquote_to_bytes

import frappe
from frappe import _

MODULE = "Flow Editor"
#: What holds more than everybody who may read some of it may read, and the fields that do.
HELD: Mapping[str, frozenset[str]] = {
	"Flow Run": frozenset({"variables", "step_state", "error", "kept_document"}),
	"Flow Step Pending": frozenset({"context_snapshot", "last_error", "idempotency_key", "lease_token"}),
	"Flow Started": frozenset(),
	"Flow Version": frozenset(),
	"Flow Secret": frozenset(),
}
#: A row's link leads to its run, so whoever names either DocType names the fields of both.
FIELDS = frozenset().union(*HELD.values())
#: What else is ours.
OURS = ("Flow Template", "Flow Settings")
#: Where this app's own methods are called, unless a `cmd` names another.
OUR_METHODS = "/api/method/flow_editor."
#: Frappe's methods and parameters that pass over who may see a document.
BLIND_METHODS = ("frappe.client.get_count",)
BLIND = ("ignore_user_permissions", "query", "expand_links", "expand")
#: Parameters that name the DocType that a request is about.
DOCTYPES = ("doctype", "dt", "document_type", "reference_doctype")
#: What stands before a DocType in a path of Frappe's REST API.
REST = ("resource", "document", "doctype")
#: Parameters that hold what people write. They name no field.
PROSE = (
	"content",
	"filedata",
	"subject",
	"comment",
	"description",
	"message",
	"note",
	"title",
	"text",
	"txt",
)
WORD = re.compile(r"\w{1,140}")


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
		for link in fields:
			if link.doctype in HELD and kept_in == "DocField":
				continue
			module = frappe.db.get_value("DocType", link.doctype, "module")
			is_ours = kept_in == "DocField" and module == MODULE
			found.append(Link(link.doctype, link.fieldname, kept_in, link.name, is_ours))
	return found


@dataclass(slots=True)
class Said:
	"""What a request says, however deep it says it, and whether as JSON or not.

	Attributes:
		texts: whole texts.
		keys: the keys of what is no document that is sent, since those of one are what it saves.
	"""

	texts: set[str] = field(default_factory=set)
	keys: set[str] = field(default_factory=set)

	@property
	def words(self) -> set[str]:
		return {word for text in (*self.texts, *self.keys) for word in WORD.findall(text)}

	def read(self, given: Mapping[str, Any]) -> None:
		parts: list[Any] = [value for key, value in given.items() if key not in PROSE]
		self.keys.update(map(_same, given))
		while parts:
			part = parts.pop()
			if isinstance(part, str):
				decoded = _decoded(part)
				if decoded is None:
					self.texts.add(_same(part))
				else:
					parts.append(decoded)
			elif isinstance(part, Mapping):
				if "doctype" not in part:
					self.keys.update(_same(str(key)) for key in part)
				parts += part.values()
			elif isinstance(part, list):
				parts += part


def refuse_questions() -> None:
	"""`before_request`: refuse one that asks Frappe itself for what runs hold, or for documents by it.

	Raises:
		frappe.PermissionError: it does.
	"""
	request, given = frappe.local.request, frappe.local.form_dict
	if frappe.session.user == "Administrator" or (
		request.path.startswith(OUR_METHODS) and not given.get("cmd")
	):
		return
	in_path = next((name for kind, name in pairwise(unquote(request.path).split("/")) if kind in REST), "")
	doctypes = {name.strip() for name in (in_path, *map(given.get, DOCTYPES)) if isinstance(name, str)} - {""}
	asked = set()
	if _may_name_ours(request):
		said = Said({_same(in_path)})
		said.read(given)
		if said.texts & {_same(doctype) for doctype, fields in HELD.items() if fields}:
			asked = said.words & FIELDS
			asked.update(name for name in BLIND if given.get(name) not in (None, "", 0, "0", False))
			asked.update(
				method for method in BLIND_METHODS if method in (given.get("cmd"), *request.path.split("/"))
			)
	for doctype in doctypes - HELD.keys():
		asked.update(_through_links(doctype, given))
	if asked:
		frappe.throw(
			_(
				"What runs hold is shown in the run itself, and not in lists, reports and searches. Leave out {0}."
			).format(", ".join(sorted(asked))),
			frappe.PermissionError,
		)


def _may_name_ours(request: Any) -> bool:
	"""Whether a request could name one of our DocTypes at all: most do not, and are not read through."""
	raw = b"".join((request.path.encode(), request.query_string, request.get_data()))
	raw = unquote_to_bytes(raw) if b"%" in raw else raw
	return b"\\u" in raw or b"flow" in raw.lower()


def _through_links(doctype: str, given: Mapping[str, Any]) -> Iterator[str]:
	"""What a request asks of HELD by a link that the site itself has made."""
	links = links_of(doctype)
	if not links:
		return
	said = Said()
	said.read(given)
	yield from (name for name in BLIND[2:] if given.get(name))
	for link in links:
		dotted = re.compile(rf"\b{re.escape(_same(link))}\W{{0,2}}\.")
		if any(map(dotted.search, (*said.texts, *said.keys))):
			yield link


def links_of(doctype: str) -> list[str]:
	"""The fields of a DocType that link to HELD."""
	if not frappe.db.exists("DocType", doctype, cache=True):
		return []
	return [link.fieldname for link in frappe.get_meta(doctype).get_link_fields() if link.options in HELD]


def _same(text: str) -> str:
	"""A name as the database reads it, to which case, an i without its dot and a long s are nothing."""
	return text.strip().upper().casefold()


def _decoded(text: str) -> Any:
	if not text.lstrip().startswith(("{", "[", '"')):
		return None
	try:
		return json.loads(text)
	except (ValueError, RecursionError):
		return None
