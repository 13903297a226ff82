"""The site's documents, under the permissions of the acting user."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

import frappe
from frappe import _
from frappe.permissions import get_role_permissions
from frappe.utils import cint

from flow_editor.engine.errors import NotAllowed, NotFound
from flow_editor.engine.records import DOCUMENT_CANCELLED, DOCUMENT_DELETED
from flow_editor.engine.render import jsonable
from flow_editor.engine.values import STANDARD_TYPES, Document, FieldType, Types, document
from flow_editor.kinds.choices import CLOSED_STATUSES
from flow_editor.site.errors import as_flow_errors, denied

NOTHING: Mapping[str, Any] = MappingProxyType({})
#: Fields that hold no value.
LAYOUT = ("Section Break", "Column Break", "Tab Break", "HTML", "Button", "Heading", "Fold", "Image")
#: Fields that no expression should show.
UNREAD = ("Password", "Table", "Table MultiSelect")
#: The fields that every document has.
STANDARD = (
	("owner", "Created By", "Data"),
	("creation", "Created On", "Datetime"),
	("modified", "Last Updated On", "Datetime"),
	("docstatus", "Document Status", "Int"),
)


class SiteDocuments:
	def get(self, doctype: str, name: str) -> Document:
		return _readable(self.load(doctype, name, "read"))

	def check_readable(self, doctype: str, name: str) -> None:
		if frappe.session.user != "Administrator" and (found := frappe.db.exists(doctype, name)):
			# Frappe forgets what it keeps of a document with any change, also with one that is rolled back.
			self._check(frappe.get_cached_doc(doctype, found), "read")

	def shown(self, fields: Mapping[str, Any]) -> Mapping[str, Any]:
		if frappe.session.user == "Administrator":
			return fields
		doc = frappe.get_doc(dict(fields))
		self._check(doc, "read")
		return _readable(doc)

	def ended(self, doctype: str, names: Collection[str]) -> dict[str, str]:
		try:
			meta = frappe.get_meta(doctype)
		except frappe.DoesNotExistError:
			frappe.clear_last_message()
			return dict.fromkeys(names, DOCUMENT_DELETED)
		if meta.issingle or meta.is_virtual:
			return {}
		rows = frappe.db.sql(f"SELECT name, docstatus FROM `tab{doctype}` WHERE name IN %s", (tuple(names),))
		states = {str(name): docstatus for name, docstatus in rows}
		over = {}
		for name in names:
			# The database finds a name without regard to case and accents, and so may be asked for it once more.
			if name not in states and not frappe.db.exists(doctype, name):
				over[name] = DOCUMENT_DELETED
			elif states.get(name) == 2:
				over[name] = DOCUMENT_CANCELLED
		return over

	def first(self, doctype: str, name: str) -> str:
		chain = {name: None}
		while frappe.get_meta(doctype).has_field("amended_from"):
			name = frappe.db.get_value(doctype, name, "amended_from")
			if not name or name in chain:
				break
			chain[name] = None
		return list(chain)[-1]

	def find(self, doctype: str, filters: Mapping[str, Any], *, limit: int = 20) -> list[Document]:
		conditions = {
			field: ("in", value) if isinstance(value, list | tuple) else value
			for field, value in filters.items()
		}
		with as_flow_errors(f"read {doctype}"):
			self._check_doctype(doctype)
			found = frappe.get_list(
				doctype, filters=conditions, fields=["*"], order_by="creation desc", limit_page_length=limit
			)
		types = types_of(doctype)
		return [document(row, types, types_of) for row in found]

	def find_open(self, doctype: str, field: str, value: Any) -> Document | None:
		if not {field, "status"} <= set(self.fields(doctype) or ()):
			return None
		table = frappe.qb.DocType(doctype)
		found = (
			frappe.qb.from_(table)
			.select(table.name)
			.where((table[field] == value) & table.status.notin(CLOSED_STATUSES) & (table.docstatus < 2))
			.orderby(table.creation, order=frappe.qb.desc)
			.limit(1)
			.for_update()
			.run()
		)
		return self.get(doctype, found[0][0]) if found else None

	def create(self, doctype: str, values: Mapping[str, Any]) -> str:
		self._check_doctype(doctype)
		with as_flow_errors(f"create {doctype}"):
			return frappe.get_doc({**values, "doctype": doctype}).insert().name

	def update(self, doctype: str, name: str, values: Mapping[str, Any]) -> list[str]:
		doc = self.load(doctype, name, "write")
		self._check_fields(doc, values)
		before = {field: jsonable(doc.get(field)) for field in values}
		doc.update(dict(values))
		with as_flow_errors(f"change {doctype} {name}"):
			doc.save()
		return [field for field in values if jsonable(doc.get(field)) != before[field]]

	def rehearsed(
		self,
		doctype: str,
		name: str,
		values: Mapping[str, Any],
		*,
		known: Mapping[str, Any] = NOTHING,
		made: Collection[str] = (),
	) -> Mapping[str, Any]:
		if name:
			doc = self.load(doctype, name, "write")
			self._check_fields(doc, values)
			doc.update({**known, **values})
			what = f"change {doctype} {name}"
		else:
			self._check_doctype(doctype)
			doc = frappe.get_doc({**known, **values, "doctype": doctype, "name": None})
			what = f"create {doctype}"
		with as_flow_errors(what):
			if name and doc.docstatus.is_cancelled():
				frappe.throw(_("Cannot edit cancelled document"))
			if not name:
				doc.check_permission("create")
				doc._set_defaults()
			doc._fix_numeric_types()
			doc._validate_selects()
			doc._validate_length()
			if name and doc.docstatus.is_submitted():
				doc._validate_update_after_submit()
			self._check_links(doc, made)
		return as_fields(doc)

	@staticmethod
	def _check_links(doc, made: Collection[str]) -> None:
		"""Throw as Frappe does for a link that leads nowhere, or to a cancelled document."""
		invalid, cancelled = doc.get_invalid_links()
		for row in doc.get_all_children():
			found = row.get_invalid_links(is_submittable=doc.meta.is_submittable)
			invalid, cancelled = invalid + found[0], cancelled + found[1]
		if missing := [said for _field, target, said in invalid if target not in made]:
			frappe.throw(_("Could not find {0}").format(", ".join(missing)), frappe.LinkValidationError)
		if cancelled:
			over = ", ".join(said for _field, _target, said in cancelled)
			frappe.throw(_("Cannot link cancelled document: {0}").format(over), frappe.CancelledLinkError)

	def fields(self, doctype: str) -> Mapping[str, Mapping[str, Any]]:
		self._check_doctype(doctype)
		return {
			field.fieldname: {"fieldtype": field.fieldtype, "label": field.label, "options": field.options}
			for field in frappe.get_meta(doctype).fields
			if field.fieldtype not in LAYOUT
		}

	def types(self, doctype: str) -> Types:
		return types_of(doctype) if frappe.db.exists("DocType", doctype, cache=True) == doctype else {}

	def may_hold(self, doctype: str, field: str) -> bool:
		return False

	def is_missing(self, doctype: str, name: str) -> bool:
		if frappe.db.exists("DocType", doctype, cache=True) != doctype:
			return True
		if doctype == "DocType":
			return frappe.db.exists("DocType", name, cache=True) != name
		# Who may read no such document learns nothing of one, and what is hidden from them is not there.
		return bool(frappe.has_permission(doctype, "read")) and not frappe.get_list(
			doctype, filters={"name": name}, limit_page_length=1
		)

	def may(self, permission: str, doctype: str) -> bool:
		if not frappe.db.exists("DocType", doctype, cache=True):
			return True
		allowed = get_role_permissions(doctype, user=frappe.session.user)
		return bool(allowed.get(permission)) and permission not in (allowed.get("if_owner") or ())

	def describe(self, doctype: str) -> list[dict[str, str]]:
		self._check_doctype(doctype)
		if not frappe.has_permission(doctype, "read"):
			raise NotAllowed(denied(frappe.session.user, f"read {doctype}"))
		meta = frappe.get_meta(doctype)
		readable = set(meta.get_permlevel_access("read")) | {0}
		described = [{"name": "name", "label": _("Name"), "fieldtype": "Data"}]
		for field in meta.fields:
			if field.fieldtype not in (*LAYOUT, *UNREAD) and field.permlevel in readable:
				label = _(field.label or field.fieldname)
				described.append({"name": field.fieldname, "label": label, "fieldtype": field.fieldtype})
		return described + [
			{"name": name, "label": _(label), "fieldtype": fieldtype} for name, label, fieldtype in STANDARD
		]

	def load(self, doctype: str, name: str, permission: str):
		"""A document as Frappe has it.

		Args:
			permission: what the acting user must be allowed to do with it.

		Raises:
			NotAllowed, NotFound.
		"""
		self._check_doctype(doctype)
		try:
			doc = frappe.get_doc(doctype, name)
		except frappe.DoesNotExistError:
			frappe.clear_last_message()
			raise NotFound(f"There is no {doctype} {name!r}.") from None
		self._check(doc, permission)
		if str(doc.name) != str(name):
			# The database finds it without regard to case, accents and spaces at the end.
			raise NotFound(f"There is no {doctype} {name!r}. There is {doc.name!r}: write it so.")
		return doc

	@staticmethod
	def _check(doc, permission: str) -> None:
		if not doc.has_permission(permission):
			what = "read" if permission == "read" else "change"
			raise NotAllowed(denied(frappe.session.user, f"{what} {doc.doctype} {doc.name}"))

	@staticmethod
	def _check_fields(doc, values: Mapping[str, Any]) -> None:
		"""Raise NotAllowed for a field above the user's level, which Frappe would leave as it is without a word."""
		user = frappe.session.user
		above = [
			field
			for field in values
			if doc.meta.has_field(field) and not doc.has_permlevel_access_to(field, permission_type="write")
		]
		if above and user != "Administrator":
			raise NotAllowed(denied(user, f"change {', '.join(above)} of {doc.doctype} {doc.name}"))

	@staticmethod
	def _check_doctype(doctype: str) -> None:
		known = doctype and frappe.db.exists("DocType", doctype, cache=True)
		if not known:
			raise NotFound(f"There is no DocType {doctype!r} on this site.")
		if known != doctype:
			raise NotFound(f"There is no DocType {doctype!r} on this site. There is {known!r}: write it so.")


def types_of(doctype: str) -> Types:
	"""What the fields of a DocType that there is hold; made once a request."""
	made = getattr(frappe.local, "flow_editor_types", None)
	if made is None:
		made = frappe.local.flow_editor_types = {}
	if doctype not in made:
		own = {
			field.fieldname: FieldType(
				field.fieldtype, field.label or field.fieldname, field.options or "", cint(field.length)
			)
			for field in frappe.get_meta(doctype).fields
			if field.fieldtype not in LAYOUT
		}
		made[doctype] = {**STANDARD_TYPES, **own}
	return made[doctype]


def _readable(doc) -> Document:
	"""Those of a document's fields that the acting user may read."""
	doc.apply_fieldlevel_read_permissions()
	return as_fields(doc)


def as_fields(doc) -> Document:
	"""A document as expressions see it: values of their fields' types, child tables as lists."""
	return document(doc.as_dict(no_default_fields=False), types_of(doc.doctype), types_of)
