"""A claim on a start that is to happen once: its name is the key, unique in the database. Written by `site.store` alone."""

from __future__ import annotations

import frappe
from frappe.model.document import Document
from frappe.query_builder import Interval
from frappe.query_builder.functions import Now


class FlowStarted(Document):
	@staticmethod
	def clear_old_logs(days: int = 7) -> None:
		"""Forget the keys that will not come again: a form is sent twice within a day."""
		started = frappe.qb.DocType("Flow Started")
		frappe.qb.from_(started).delete().where(started.at < Now() - Interval(days=max(days, 1))).run()
