"""Who may see a run: whoever may read the document that it is about. A run that is about no document but for a customer is
about that customer. What it holds says what the customer says too, so it is shown to who may read both.

The same rule for one run (forms, doors) and for lists, where it has to be said in SQL. A document that is gone leaves its
runs to those who may read its DocType.
"""

from __future__ import annotations

import re
from typing import Any

import frappe
from frappe.desk.reportview import build_match_conditions

from flow_editor.engine.ports import CUSTOMER

RUN, ROW = "`tabFlow Run`", "`tabFlow Step Pending`"
#: A text in SQL.
LITERAL = re.compile(r"'(?:[^'\\]|\\.|'')*'", re.DOTALL)
ABOUT = ("context_doctype", "context_docname", "customer")


def subject(doctype: str | None, name: str | None, customer: str | None) -> tuple[str, str]:
	"""(DocType, name) of what a run is about, empty if nothing; the arguments are its fields of ABOUT."""
	return (doctype, name or "") if doctype else (CUSTOMER, customer) if customer else ("", "")


def may_read(doctype: str | None, name: str | None, user: str | None = None) -> bool:
	"""Whether a user may read a document, and so see what is about it. If there is no document, anybody may.

	Args:
		user: the acting one, if none is named.
	"""
	user = user or frappe.session.user
	if not doctype or user == "Administrator":
		return True
	if not frappe.db.exists("DocType", doctype, cache=True):
		return "System Manager" in frappe.get_roles(user)
	if name and frappe.db.exists(doctype, name):
		return bool(frappe.has_permission(doctype, "read", name, user=user))
	return bool(frappe.has_permission(doctype, "read", user=user))


def may_read_all(doctype: str | None, name: str | None, customer: str | None, user: str) -> bool:
	"""Whether a user may read all that a run holds. The arguments are its fields of ABOUT."""
	return may_read(doctype, name, user) and may_read(CUSTOMER if customer else "", customer, user)


def has_permission(doc: Any, ptype: str = "read", user: str | None = None, **_: Any) -> bool:
	"""The hook for a Flow Run or a Flow Step Pending."""
	if doc.doctype == "Flow Run":
		return may_read(*subject(*map(doc.get, ABOUT)), user)
	about = frappe.db.get_value("Flow Run", doc.get("flow_run"), ABOUT)
	return about is None or may_read(*subject(*about), user)


def runs_condition(user: str | None = None, **_: Any) -> str:
	"""The hook for lists of Flow Runs: an SQL condition, empty for who sees all."""
	user = user or frappe.session.user
	if user == "Administrator":
		return ""
	seen = [f"({RUN}.context_doctype IS NULL AND {RUN}.customer IS NULL)"]
	customers = _readable(CUSTOMER, "customer", user)
	if customers is not None:
		seen.append(f"({RUN}.context_doctype IS NULL{f' AND {customers}' if customers else ''})")
	for doctype in _doctypes():
		if frappe.db.exists("DocType", doctype, cache=True):
			condition = _readable(doctype, "context_docname", user)
		else:  # as in `may_read`
			condition = "" if "System Manager" in frappe.get_roles(user) else None
		if condition is not None:
			about = f"{RUN}.context_doctype = {without_percent(frappe.db.escape(doctype, percent=False))}"
			seen.append(f"({about} AND {condition})" if condition else f"({about})")
	return f"({' OR '.join(seen)})"


def rows_condition(user: str | None = None, **_: Any) -> str:
	"""The hook for lists of Flow Step Pending rows."""
	condition = runs_condition(user)
	if not condition:
		return ""
	return f"EXISTS (SELECT 1 FROM {RUN} WHERE {RUN}.name = {ROW}.flow_run AND {condition})"


def _doctypes() -> list[str]:
	"""What runs are about. The index on context_doctype answers it without reading the runs."""
	found = frappe.db.sql(f"SELECT context_doctype FROM {RUN} GROUP BY context_doctype")
	return [doctype for (doctype,) in found if doctype]


def _readable(doctype: str, column: str, user: str) -> str | None:
	"""What makes the document that a run's column names readable, in SQL: empty if all are, None if none is."""
	if not frappe.has_permission(doctype, "read", user=user):
		return None
	if frappe.get_meta(doctype).issingle:
		return ""
	# It comes with every percent sign doubled.
	match = without_percent(build_match_conditions(doctype, user=user).replace("%%", "%"))
	if not match:
		return ""
	table = f"`tab{doctype}`"
	document = f"SELECT 1 FROM {table} WHERE {table}.name = {RUN}.{column}"
	return f"(EXISTS ({document} AND ({match})) OR NOT EXISTS ({document}))"


def without_percent(condition: str) -> str:
	"""An SQL condition whose texts hold no percent sign.

	Whether a list's condition is formatted once more, so that a percent sign has to stand twice, differs between Frappe's
	versions and from call to call.
	"""
	return LITERAL.sub(_spelled, condition)


def _spelled(literal: re.Match[str]) -> str:
	if "%" not in literal[0]:
		return literal[0]
	((text,),) = frappe.db.sql(f"SELECT {literal[0]}")  # which takes its escapes for what they are
	return f"_utf8mb4 0x{(text if isinstance(text, bytes) else text.encode()).hex()}"
