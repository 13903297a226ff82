"""Writes flow_editor/trial/doctypes.json, what the trial host knows of ERPNext's DocTypes, from the DocTypes of a bench.

    cd BENCH/sites && ../env/bin/python CHECKOUT/tests/site/doctypes.py SITE [DOCTYPE …]

Written are the DocTypes that the file names already, those that are named here, and their tables. Take a new site of Frappe
15 and ERPNext 15 alone: fields that ERPNext adds to Frappe's DocTypes cannot be told from those that people add.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path

import frappe

from flow_editor.engine.values import TABLES
from flow_editor.site.documents import LAYOUT

FILE = Path(__file__).resolve().parents[2] / "flow_editor" / "trial" / "doctypes.json"
#: The types of fields whose options say what they hold.
WITH_OPTIONS = ("Link", "Dynamic Link", "Select", "Currency", *TABLES)
Fields = dict[str, list[str]]


def named() -> dict[str, Fields]:
	"""What the file holds."""
	return json.loads(FILE.read_text(encoding="utf-8"))


def on_the_site(doctypes: Iterable[str]) -> dict[str, Fields]:
	"""The fields of DocTypes and of their tables, by name; a DocType that the site does not have is left out."""
	found: dict[str, Fields] = {}
	asked = list(doctypes)
	for doctype in asked:
		if doctype in found or not frappe.db.exists("DocType", doctype):
			continue
		found[doctype] = {}
		for field in frappe.get_meta(doctype).fields:
			if field.fieldtype in LAYOUT:
				continue
			about = [field.fieldtype, field.label or field.fieldname]
			if field.options and field.fieldtype in WITH_OPTIONS:
				about.append(field.options)
			found[doctype][field.fieldname] = about
			if field.fieldtype in TABLES:
				asked.append(field.options)
	return dict(sorted(found.items()))


def main(site: str, *doctypes: str) -> None:
	frappe.init(site=site)
	frappe.connect()
	try:
		found = on_the_site([*named(), *doctypes])
	finally:
		frappe.destroy()
	lines = (
		f"{json.dumps(name)}: {json.dumps(fields, ensure_ascii=False)}" for name, fields in found.items()
	)
	FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
	print(f"{FILE.name}: {len(found)} DocTypes written")


if __name__ == "__main__":
	main(*sys.argv[1:])
