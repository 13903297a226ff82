"""A flow as it is authored. The rule of every write is `services.authored.prepare`, whoever writes."""

from __future__ import annotations

from typing import Any

import frappe
from frappe.model.document import Document
from frappe.utils import escape_html, now_datetime

from flow_editor.doors.routes import AUTHORS, FLOW_USERS
from flow_editor.engine import start
from flow_editor.engine.errors import Conflict
from flow_editor.services import acting, authored, publishing, templates
from flow_editor.site import escaping, listeners, namesakes
from flow_editor.site.errors import as_frappe_errors
from flow_editor.site.host import current
from flow_editor.site.naming import next_name


class FlowTemplate(Document):
	def autoname(self) -> None:
		self.name = next_name(self.doctype)

	def validate(self) -> None:
		self.check_author()
		old = None if self.is_new() else self.get_doc_before_save()
		self._keep_origin(old)
		with as_frappe_errors():
			self._check_published(old)
			prepared = authored.prepare(
				current(),
				self.as_dict(),
				old.as_dict() if old else None,
			)
		if old:
			for notice in acting.notices(current(), prepared, old):
				frappe.msgprint(escape_html(notice), alert=True)
		if self.flags.draft:
			prepared |= {"version": 0, "changed": False, "draft_revision": 1}
			prepared |= {"draft_by": frappe.session.user, "draft_at": now_datetime()}
		prepared["draft"] = old.draft if old else self.flags.draft
		self.flags.is_new_version = prepared.pop("changed")
		prepared["flow_definition"] = escaping.as_json(prepared["flow_definition"])
		self.update(prepared)

	def check_author(self) -> None:
		"""Who may write flows has the role. A share, which Frappe takes for a permission, gives nobody that."""
		if not self.flags.ignore_permissions:
			frappe.only_for(AUTHORS)

	def _check_published(self, old: Document | None) -> None:
		"""What Frappe shows of a template that was never published is its name alone, so saving that would publish nothing."""
		if old is not None and not old.version and not self.flags.publishes:
			raise Conflict(
				f"{old.template_name} was never published, and its steps are in its draft. Publish that first."
			)

	def _keep_origin(self, old: Document | None) -> None:
		"""Only a seed makes a system template, and nothing unmakes it."""
		if old is not None:
			self.is_system = old.is_system
		elif not self.flags.is_seed:
			self.is_system = 0

	def db_insert(self, *args: Any, **more: Any) -> None:
		with namesakes.told(self):
			super().db_insert(*args, **more)

	def db_update(self, *args: Any, **more: Any) -> None:
		with namesakes.told(self):
			super().db_update(*args, **more)

	def get_valid_dict(self, *args: Any, **more: Any) -> dict[str, Any]:
		"""What a save writes and Frappe shows of the document: not its draft, which may be as large as the definition, so that
		one statement does not hold both."""
		values = super().get_valid_dict(*args, **more)
		if not self.is_new():
			values.pop("draft", None)
		return values

	def on_update(self) -> None:
		listeners.changing()
		if self.flags.is_new_version:
			publishing.published(current(), self.as_dict(), self.flags.note or "")

	def save_version(self) -> None:
		"""Frappe's record of who changed what, but for the definition: Flow Version keeps each of them, and two at once
		may be more than the database takes."""
		old = self.get_doc_before_save()
		definition = old and old.flow_definition
		if old:
			old.flow_definition = self.flow_definition
		super().save_version()
		if old:
			old.flow_definition = definition

	def before_rename(self, old: str, new: str, merge: bool = False) -> None:
		frappe.throw(frappe._("A flow keeps its number. Change its name instead."))

	def on_trash(self) -> None:
		self.check_author()
		listeners.changing()
		with as_frappe_errors():
			templates.check_deletion(current(), self.as_dict())
		version, run = frappe.qb.DocType("Flow Version"), frappe.qb.DocType("Flow Run")
		used = frappe.qb.from_(run).select(run.template_version).where(run.flow_template == self.name)
		frappe.qb.from_(version).delete().where(
			(version.flow_template == self.name) & version.version.notin(used)
		).run()


@frappe.whitelist(methods=["GET", "POST"])
def trigger_events() -> list[dict[str, str]]:
	"""The trigger events that there are, for the form's and the list's choices."""
	frappe.only_for(FLOW_USERS)
	named = [{"value": name, "label": start.TYPES[name]} for name in start.NAMED_BY_TYPE]
	return [{"value": event.name, "label": event.label} for event in current().events.values()] + named


def on_doctype_update() -> None:
	frappe.db.add_index("Flow Template", ["trigger_event", "is_active"])
	namesakes.add_index()
