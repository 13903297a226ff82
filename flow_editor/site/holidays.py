"""The days on which a company does not work, by ERPNext's Holiday Lists.

A company's own default list counts, else that of the site's default company. Of the days that a list does not reach, and
where there is none, Saturdays and Sundays are off.
"""

from __future__ import annotations

from datetime import date, timedelta

import frappe
from frappe.utils import getdate

from flow_editor.engine.timing import weekends

DAY = timedelta(days=1)


def days_off(company: str, first: date, last: date) -> set[date]:
	"""The days off from one day to another, both included. Reads what the engine needs, whoever is acting."""
	named = _list_of(company) or _list_of(frappe.db.get_single_value("Global Defaults", "default_company"))
	period = named and frappe.get_cached_value("Holiday List", named, ["from_date", "to_date"])
	if not period:
		return set(weekends(first, last))
	begins, ends = map(getdate, period)
	off = frappe.db.sql(
		"SELECT holiday_date FROM `tabHoliday` WHERE parent = %s AND parenttype = 'Holiday List' "
		"AND holiday_date BETWEEN %s AND %s",
		(named, first, last),
	)
	beyond = [*weekends(first, min(last, begins - DAY)), *weekends(max(first, ends + DAY), last)]
	return {day for (day,) in off} | set(beyond)


def _list_of(company: str | None) -> str | None:
	return company and frappe.get_cached_value("Company", company, "default_holiday_list")
