"""Raises how much is read of an answer, if Flow Settings were saved with what earlier versions read: an answer that is
longer is refused to the steps that read it now, and was cut without a word then."""

from __future__ import annotations

import frappe

READ_BEFORE = 64


def execute() -> None:
	if frappe.db.get_single_value("Flow Settings", "response_limit_kb") == READ_BEFORE:
		default = frappe.get_meta("Flow Settings").get_field("response_limit_kb").default
		frappe.db.set_single_value("Flow Settings", "response_limit_kb", int(default))
