"""Documents as plain rows of (DocType, name, fields). Any DocType and any field will do; those that ERPNext has hold what
they hold there (`doctypes.json`).

Creating and changing one raises the trigger events that the same change raises in ERPNext.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from flow_editor.engine.errors import Conflict, NotFound
from flow_editor.engine.event import CANCEL, CHANGE, DELETE, INSERT, SUBMIT, UPDATE, UPDATE_AFTER_SUBMIT
from flow_editor.engine.records import DOCUMENT_CANCELLED, DOCUMENT_DELETED
from flow_editor.engine.render import jsonable
from flow_editor.engine.values import NO_TYPES, STANDARD_TYPES, Document, FieldType, Types, document
from flow_editor.kinds.choices import CLOSED_STATUSES
from flow_editor.services import changes, life, watching
from flow_editor.services.host import Host
from flow_editor.trial.store import TrialStore

#: The fields of ERPNext's DocTypes: by DocType and name, [fieldtype, label] and the options, if any.
DOCTYPES = Path(__file__).parent / "doctypes.json"
#: What the fields begin with that a site adds to ERPNext's own: as Customize Form names them, and a Workflow its state.
SITES_OWN = ("custom_", "workflow_state")
#: What new documents of a DocType begin with, where ERPNext has such defaults.
DEFAULTS: Mapping[str, Mapping[str, Any]] = {
	"Dispatch Job": {"status": "Open"},
	"Issue": {"status": "Open"},
	"Quotation": {"status": "Draft"},
	"Subscription": {"status": "Active"},
}


class TrialDocuments:
	def __init__(self, host: Host, store: TrialStore):
		self._host = host
		self._store = store
		#: What was created and changed, in order: action, doctype, name, values.
		self.journal: list[dict[str, Any]] = []

	def get(self, doctype: str, name: str) -> Document:
		return document(self.stored(doctype, name), self.types(doctype), self.types)

	def stored(self, doctype: str, name: str) -> dict[str, Any]:
		"""A document's fields as JSON holds them."""
		found = self._store.execute(
			"SELECT fields FROM document WHERE doctype = ? AND name = ?", (doctype, name)
		).fetchone()
		if found is None:
			raise NotFound(f"There is no {doctype} {name!r}.")
		return {**json.loads(found[0]), "doctype": doctype, "name": name}

	def check_readable(self, doctype: str, name: str) -> None:
		"""Everybody may read everything."""

	def shown(self, fields: Mapping[str, Any]) -> Mapping[str, Any]:
		return fields

	def types(self, doctype: str) -> Types:
		return types_of(doctype)

	def may_hold(self, doctype: str, field: str) -> bool:
		# What a site adds to ERPNext's own, and what was put into a document here.
		return field.startswith(SITES_OWN) or any(field in doc for doc in self.find(doctype, {}, limit=100))

	def is_missing(self, doctype: str, name: str) -> bool:
		known = self._store.execute("SELECT name FROM document WHERE doctype = ?", (doctype,)).fetchall()
		return (
			bool(known) and (name,) not in known
		)  # of what has no document at all here, nothing can be said

	def all(self) -> list[dict[str, Any]]:
		rows = self._store.execute("SELECT doctype, name FROM document ORDER BY doctype, position")
		return [self.stored(doctype, name) for doctype, name in rows.fetchall()]

	def ended(self, doctype: str, names: Collection[str]) -> dict[str, str]:
		over: dict[str, str] = {}
		for name in names:
			try:
				if self.stored(doctype, name).get("docstatus") == 2:
					over[name] = DOCUMENT_CANCELLED
			except NotFound:
				over[name] = DOCUMENT_DELETED
		return over

	def first(self, doctype: str, name: str) -> str:
		chain = {name: None}
		while found := self.find(doctype, {"name": name}):
			name = str(found[0].get("amended_from") or "")
			if not name or name in chain:
				break
			chain[name] = None
		return list(chain)[-1]

	def find(self, doctype: str, filters: Mapping[str, Any], *, limit: int = 20) -> list[Document]:
		rows = self._store.execute(
			"SELECT name FROM document WHERE doctype = ? ORDER BY position DESC", (doctype,)
		).fetchall()
		found = [name for (name,) in rows if _matches(self.stored(doctype, name), filters)]
		return [self.get(doctype, name) for name in found[:limit]]

	def find_open(self, doctype: str, field: str, value: Any) -> Document | None:
		found = self.find(doctype, {field: value}, limit=1_000_000)
		open_ = (doc for doc in found if doc.get("status") not in CLOSED_STATUSES)
		return next((doc for doc in open_ if doc.get("docstatus") != 2), None)

	def create(self, doctype: str, values: Mapping[str, Any]) -> str:
		name, fields = self.insert_quietly(doctype, {**DEFAULTS.get(doctype, {}), **values})
		self.journal.append({"action": "create", "doctype": doctype, "name": name, "values": fields})
		moments = [INSERT, UPDATE, CHANGE, *([SUBMIT] if fields.get("docstatus") == 1 else [])]
		self._raise(doctype, name, moments, None)
		return name

	def insert_quietly(self, doctype: str, values: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
		"""Store a document without an event. Returns its name and its fields."""
		store = self._store
		fields = jsonable(dict(values))
		fields.pop("doctype", None)
		name = str(fields.pop("name", "") or store.next_name(_prefix(doctype)))
		if store.execute("SELECT 1 FROM document WHERE doctype = ? AND name = ?", (doctype, name)).fetchone():
			raise Conflict(f"There is a {doctype} {name!r} already.")
		store.execute(
			"INSERT INTO document VALUES (?, ?, ?, (SELECT COALESCE(MAX(position), 0) + 1 FROM document))",
			(doctype, name, json.dumps(fields, ensure_ascii=False)),
		)
		return name, fields

	def update(self, doctype: str, name: str, values: Mapping[str, Any]) -> list[str]:
		old = self.get(doctype, name)
		before = self.stored(doctype, name)
		wanted = jsonable({key: value for key, value in values.items() if key not in ("doctype", "name")})
		changed = [key for key, value in wanted.items() if before.get(key) != value]
		if not changed:
			return []
		fields = {key: value for key, value in {**before, **wanted}.items() if key not in ("doctype", "name")}
		self._store.execute(
			"UPDATE document SET fields = ? WHERE doctype = ? AND name = ?",
			(json.dumps(fields, ensure_ascii=False), doctype, name),
		)
		self.journal.append(
			{
				"action": "update",
				"doctype": doctype,
				"name": name,
				"values": {key: wanted[key] for key in changed},
			}
		)
		if fields.get("docstatus") == 2 and before.get("docstatus") != 2:
			life.document_ended(self._host, doctype, name, DOCUMENT_CANCELLED)
			self._raise(doctype, name, [CANCEL, CHANGE], old)
			return changed
		submitted = before.get("docstatus") != 1 and fields.get("docstatus") == 1
		moment = UPDATE_AFTER_SUBMIT if before.get("docstatus") == 1 else UPDATE
		self._raise(doctype, name, [moment, CHANGE, *([SUBMIT] if submitted else [])], old)
		return changed

	def delete(self, doctype: str, name: str) -> None:
		"""Take a document away. Raises NotFound if there is none."""
		host, before = self._host, self.get(doctype, name)
		self._store.execute("DELETE FROM document WHERE doctype = ? AND name = ?", (doctype, name))
		self.journal.append({"action": "delete", "doctype": doctype, "name": name, "values": {}})
		life.document_ended(host, doctype, name, DOCUMENT_DELETED)
		watching.saved(host, doctype, name)
		self._raise_for(doctype, name, [DELETE], before, None)

	def rehearsed(
		self,
		doctype: str,
		name: str,
		values: Mapping[str, Any],
		*,
		known: Mapping[str, Any] = NO_TYPES,
		made: Collection[str] = (),
	) -> Mapping[str, Any]:
		"""Any field will do, and everybody may do everything."""
		return {**(self.stored(doctype, name) if name else DEFAULTS.get(doctype, {})), **known, **values}

	def fields(self, doctype: str) -> None:
		return None

	def may(self, permission: str, doctype: str) -> bool:
		return True

	def describe(self, doctype: str) -> list[dict[str, str]]:
		"""The fields that documents of this DocType have here."""
		names = dict.fromkeys(key for doc in self.find(doctype, {}, limit=100) for key in doc)
		names.pop("doctype", None)
		first = {"name": names.pop("name", None)}
		types = types_of(doctype)
		return [
			{
				"name": name,
				"label": types[name].label if name in types else name.replace("_", " ").capitalize(),
				"fieldtype": types[name].fieldtype if name in types else "Data",
			}
			for name in [*first, *names]
		]

	def _raise(self, doctype: str, name: str, moments: list[str], before: Mapping[str, Any] | None) -> None:
		now = self.get(doctype, name)
		self._raise_for(doctype, name, moments, now, before)
		if INSERT not in moments:
			watching.saved(self._host, doctype, name)

	def _raise_for(
		self,
		doctype: str,
		name: str,
		moments: list[str],
		now: Mapping[str, Any],
		before: Mapping[str, Any] | None,
	) -> None:
		host = self._host
		sources = changes.sources_by_doctype(host.events.values()).get(doctype, [])
		for moment in moments:
			change = changes.Change(
				doctype,
				name,
				moment,
				now,
				before,
				transaction=lambda: f"{self._store.transaction_number}",
				fields=lambda: now,
				fields_before=lambda: before or {},
			)
			changes.raise_transitions(host, sources, change)
			changes.start_by_document(host, change)


@cache
def types_of(doctype: str) -> Types:
	fields = _doctypes().get(doctype)
	return (
		{**STANDARD_TYPES, **{name: FieldType(*about) for name, about in fields.items()}}
		if fields
		else NO_TYPES
	)


@cache
def _doctypes() -> dict[str, dict[str, list[str]]]:
	return json.loads(DOCTYPES.read_text(encoding="utf-8"))


def _matches(doc: Mapping[str, Any], filters: Mapping[str, Any]) -> bool:
	return all(
		doc.get(field) in value if isinstance(value, list | tuple) else doc.get(field) == value
		for field, value in filters.items()
	)


def _prefix(doctype: str) -> str:
	words = doctype.split()
	return ("".join(word[0] for word in words) if len(words) > 1 else doctype[:3]).upper() + "-"
