"""Working days by a real Holiday List."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import date

import frappe
import pytest
import records as r
from frappe.utils import getdate
from test_query_counts import queries

from flow_editor.services import starting
from flow_editor.site.holidays import days_off

#: A Thursday and the Friday after it, in a year that no list of the site reaches.
HOLIDAY, FRIDAY = date(2089, 3, 31), date(2089, 4, 1)


@pytest.fixture
def company(site):
	return frappe.db.get_single_value("Global Defaults", "default_company")


@pytest.fixture
def holiday_list(site):
	"""A list for a week, in which Fridays are off, and a day more."""
	made = frappe.get_doc(
		{
			"doctype": "Holiday List",
			"holiday_list_name": "Flow test holidays",
			"from_date": "2089-03-28",
			"to_date": "2089-04-03",
			"holidays": [
				{"holiday_date": HOLIDAY, "description": "x"},
				{"holiday_date": FRIDAY, "description": "x", "weekly_off": 1},
			],
		}
	).insert()
	frappe.db.commit()
	yield made.name
	frappe.delete_doc("Holiday List", made.name, force=True)
	frappe.db.commit()


@contextmanager
def default_list(company: str, name: str | None):
	kept = frappe.db.get_value("Company", company, "default_holiday_list")
	try:
		_set(company, name)
		yield
	finally:
		_set(company, kept)


def _set(company: str, name: str | None) -> None:
	frappe.db.set_value("Company", company, "default_holiday_list", name, update_modified=False)
	frappe.clear_document_cache("Company", company)
	frappe.db.commit()


def test_the_list_of_the_company_counts_and_beyond_it_the_weekends(company, holiday_list):
	first, last = getdate("2089-03-26"), getdate("2089-04-10")
	weekends = {getdate(f"2089-{day}") for day in ("03-26", "03-27", "04-02", "04-03", "04-09", "04-10")}
	assert {day.weekday() for day in weekends} == {5, 6}
	with default_list(company, None):
		assert days_off(company, first, last) == days_off("", first, last) == weekends
	with default_list(company, holiday_list):
		# Within its period the list alone says: it knows no Saturday.
		within = {
			HOLIDAY,
			FRIDAY,
			*(day for day in weekends if day < getdate("2089-03-28") or day > getdate("2089-04-03")),
		}
		assert days_off(company, first, last) == within
		# Of no company, or of one that there is not, the default company's counts.
		assert days_off("", first, last) == days_off("No such company", first, last) == within
		assert days_off(company, HOLIDAY, HOLIDAY) == {HOLIDAY}
		with queries() as seen:
			days_off(company, first, last)
		assert len(seen) == 1, seen


def test_a_step_waits_for_working_days_of_its_documents_company(site, company, holiday_list):
	two_days = {"type": "on_date", "at": "2089-03-30 09:00", "delay_working_days": 2}
	flow = r.template(r.step("a", trigger=two_days))
	project = r.make("Project", project_name=r.unique("Project"), company=company)
	try:
		with default_list(company, holiday_list):
			run = starting.start(site, flow.name, doctype="Project", docname=project.name).run
		# Thursday and Friday are off, Saturday and Sunday are not, by this list.
		assert run.step_state["a"]["due_at"] == "2089-04-03 09:00:00"
	finally:
		frappe.db.rollback()
		frappe.delete_doc("Project", project.name, force=True)
		frappe.db.commit()
