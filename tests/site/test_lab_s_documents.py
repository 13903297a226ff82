"""What the lab shows of ERPNext is what ERPNext has: its samples' fields, and its DocTypes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, time
from typing import Any

import bench
import doctypes
import frappe
import pytest

from flow_editor.engine.values import NUMBERS, STANDARD, TABLES
from flow_editor.lab import samples
from flow_editor.site.documents import types_of

#: What ERPNext has otherwise from 16 on; the samples are as 15 has it.
OTHERWISE = {("Subscription", "status")}  # it writes Trialing


@pytest.mark.parametrize(("doctype", "values"), samples.documents())
def test_a_sample_has_erpnext_s_fields_and_values_that_they_take(site, doctype, values):
	assert list(_wrong(doctype, values)) == []


def _wrong(doctype: str, values: Mapping[str, Any]) -> Iterator[str]:
	types, later = types_of(doctype), OTHERWISE if bench.major() > 15 else ()
	for name, value in values.items():
		where = f"{doctype}.{name}"
		if name in STANDARD or (doctype, name) in later:
			continue
		if name not in types:
			yield f"{where} is no field"
			continue
		of = types[name]
		if of.fieldtype in TABLES:
			for row in value:
				yield from _wrong(of.options, row)
		elif of.fieldtype in NUMBERS:
			if not isinstance(value, int | float):
				yield f"{where} is {of.fieldtype}, not {value!r}"
		elif not isinstance(value, str):
			yield f"{where} is {of.fieldtype}, not {value!r}"
		elif of.fieldtype == "Select" and value not in of.choices:
			yield f"{where} is one of {of.choices}, not {value!r}"
		elif of.fieldtype == "Date":
			date.fromisoformat(value)
		elif of.fieldtype == "Time":
			time.fromisoformat(value.zfill(8))
		elif of.takes and len(value) > of.takes:
			yield f"{where} takes {of.takes} characters"


@pytest.mark.skipif(bench.major() != 15, reason="the lab's DocTypes are those of ERPNext 15")
def test_the_lab_s_doctypes_are_erpnext_s(site):
	"""Mend it with tests/site/doctypes.py."""
	named = doctypes.named()
	found = doctypes.on_the_site(named)
	for doctype, fields in found.items():
		added = frappe.get_all("Custom Field", filters={"dt": doctype}, pluck="fieldname")
		for name in {*added} - {*named[doctype]}:
			del fields[name]
	assert found == named


def test_the_samples_are_of_doctypes_that_the_lab_knows(site):
	assert {doctype for doctype, _ in samples.documents()} <= {*doctypes.named()}
