"""What the site knows of languages: whose is which, and the product's words in them."""

from __future__ import annotations

from typing import Any

import frappe
from frappe import _


class SiteWords:
	def language(self, customer: str) -> str:
		own = frappe.db.get_value("Customer", customer, "language") if customer else None
		return own or frappe.get_system_settings("language") or "en"

	def translated(self, text: str, language: str) -> str:
		return _(text, lang=language)

	def linked(self, doctype: str, name: str, field: str) -> Any:
		if not frappe.db.exists("DocType", doctype, cache=True) or not frappe.get_meta(doctype).has_field(
			field
		):
			return None
		return frappe.db.get_value(doctype, name, field, cache=True)
