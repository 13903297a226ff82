"""Documents over those of another host: what a trial makes and changes stands above them, and they stay as they are.

A document is read as the acting user may read it, and as far as who tries the flow may, too. What is made has a name that no
series has given. No document is deleted, and none is locked: what others change meanwhile is read as it was.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from flow_editor.engine.render import jsonable
from flow_editor.engine.values import Document, Types, document
from flow_editor.kinds.choices import CLOSED_STATUSES
from flow_editor.services.host import Host
from flow_editor.trial.documents import TrialDocuments
from flow_editor.trial.store import TrialStore

#: How many documents of one value are looked through for one that is open.
MOST_ALIKE = 1000


class OverlaidDocuments(TrialDocuments):
	"""The documents of a trial.

	Args:
		beneath: the host whose documents stand below.
	"""

	def __init__(self, host: Host, store: TrialStore, beneath: Host):
		super().__init__(host, store)
		self._beneath = beneath
		self._below = beneath.documents
		#: Who tries the flow.
		self._asker = beneath.user
		# In the store, so that what a failed step has made is forgotten with its savepoint.
		store.execute("CREATE TABLE made (doctype TEXT, name TEXT, PRIMARY KEY (doctype, name))")

	# What is read

	def get(self, doctype: str, name: str) -> Document:
		if self.is_changed(doctype, name):
			return document(self.stored(doctype, name), self.types(doctype), self.types)
		doc = self._below.get(doctype, name)
		if self._beneath.user == self._asker:
			return doc
		with self._beneath.acting_as(self._asker):
			seen = self._below.get(doctype, name)
		return Document({field: value for field, value in doc.items() if field in seen}, doc.types)

	def stored(self, doctype: str, name: str) -> dict[str, Any]:
		if self.is_changed(doctype, name):
			return super().stored(doctype, name)
		return {**jsonable(dict(self.get(doctype, name))), "doctype": doctype, "name": name}

	def is_changed(self, doctype: str, name: str) -> bool:
		"""Whether a document was made or changed here."""
		return self._is_in("document", doctype, name)

	def _is_in(self, table: str, doctype: str, name: str) -> bool:
		found = self._store.execute(f"SELECT 1 FROM {table} WHERE doctype = ? AND name = ?", (doctype, name))
		return found.fetchone() is not None

	def check_readable(self, doctype: str, name: str) -> None:
		if not self.is_changed(doctype, name):
			self._below.check_readable(doctype, name)

	def shown(self, fields: Mapping[str, Any]) -> Mapping[str, Any]:
		return self._below.shown(fields)

	def find(self, doctype: str, filters: Mapping[str, Any], *, limit: int = 20) -> list[Document]:
		changed = {
			name for (name,) in self._store.execute("SELECT name FROM document WHERE doctype = ?", (doctype,))
		}
		above = super().find(doctype, filters, limit=limit)
		below = self._below.find(doctype, filters, limit=limit + len(changed))
		return [*above, *(doc for doc in below if doc.get("name") not in changed)][:limit]

	def find_open(self, doctype: str, field: str, value: Any) -> Document | None:
		known = self.fields(doctype)
		if known is not None and not {field, "status"} <= set(known):
			return None
		for doc in self.find(doctype, {field: value}, limit=MOST_ALIKE):
			if doc.get("status") not in CLOSED_STATUSES and doc.get("docstatus") != 2:
				return self.get(doctype, str(doc["name"]))
		return None

	def ended(self, doctype: str, names: Collection[str]) -> dict[str, str]:
		changed = [name for name in names if self.is_changed(doctype, name)]
		rest = [name for name in names if name not in changed]
		over = super().ended(doctype, changed)
		return over | self._below.ended(doctype, rest) if rest else over

	def first(self, doctype: str, name: str) -> str:
		return (super() if self.is_changed(doctype, name) else self._below).first(doctype, name)

	# What is known of DocTypes

	def fields(self, doctype: str) -> Mapping[str, Mapping[str, Any]] | None:
		return self._below.fields(doctype)

	def types(self, doctype: str) -> Types:
		return self._below.types(doctype)

	def may_hold(self, doctype: str, field: str) -> bool:
		return self._below.may_hold(doctype, field)

	def is_missing(self, doctype: str, name: str) -> bool:
		return not self.is_changed(doctype, name) and self._below.is_missing(doctype, name)

	def may(self, permission: str, doctype: str) -> bool:
		return self._below.may(permission, doctype)

	def describe(self, doctype: str) -> list[dict[str, str]]:
		return self._below.describe(doctype)

	# What is changed

	def insert_quietly(self, doctype: str, values: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
		name = str(values.get("name") or self._store.next_name(f"New {doctype} ", width=1))
		fields = self._below.rehearsed(doctype, "", values, made=self._made())
		self._store.execute("INSERT INTO made VALUES (?, ?)", (doctype, name))
		return super().insert_quietly(doctype, {**jsonable(dict(fields)), "name": name})

	def update(self, doctype: str, name: str, values: Mapping[str, Any]) -> list[str]:
		known = self.stored(doctype, name) if self.is_changed(doctype, name) else {}
		is_made = self._is_in("made", doctype, name)
		after = self._below.rehearsed(
			doctype, "" if is_made else name, values, known=known, made=self._made()
		)
		if not known:
			super().insert_quietly(doctype, self.stored(doctype, name))
		return super().update(
			doctype, name, {field: after.get(field, value) for field, value in values.items()}
		)

	def _made(self) -> set[str]:
		return {name for (name,) in self._store.execute("SELECT name FROM made")}
