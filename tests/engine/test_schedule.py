from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from flow_editor.engine.schedule import parse_schedule, problems
from flow_editor.engine.timing import weekends


def no_days_off(first: date, last: date) -> list[date]:
	return []


def latest(trigger: dict, after: str, until: str, days_off=no_days_off) -> str | None:
	found = parse_schedule(trigger).latest(
		datetime.fromisoformat(after), datetime.fromisoformat(until), days_off
	)
	return found and found.isoformat(" ", "minutes")


DAILY = {"every": "day", "at": "09:00"}
MONDAYS = {"every": "week", "on": "mon", "at": "09:00"}


@pytest.mark.parametrize(
	("trigger", "after", "until", "slot"),
	[
		(DAILY, "2026-12-01 08:59:59", "2026-12-01 09:00", "2026-12-01 09:00"),
		(DAILY, "2026-12-01 09:00", "2026-12-02 08:59", None),
		(DAILY, "2026-12-01 09:00", "2026-12-04 12:00", "2026-12-04 09:00"),
		({"every": "day"}, "2026-12-01 23:59", "2026-12-02 00:00", "2026-12-02 00:00"),
		(MONDAYS, "2026-12-01 00:00", "2026-12-06 23:59", None),
		(MONDAYS, "2026-12-01 00:00", "2026-12-07 09:00", "2026-12-07 09:00"),
		({**MONDAYS, "on": ["mon", "fri"]}, "2026-12-01 00:00", "2026-12-05 00:00", "2026-12-04 09:00"),
		(
			{"every": "month", "on": 31, "at": "8:30"},
			"2027-02-01 00:00",
			"2027-03-01 00:00",
			"2027-02-28 08:30",
		),
		({"every": "month", "on": "31"}, "2027-01-01 00:00", "2027-02-01 00:00", "2027-01-31 00:00"),
		({"every": "month", "on": "last"}, "2028-02-01 00:00", "2028-02-29 00:00", "2028-02-29 00:00"),
		({"every": "month", "on": [1, 15]}, "2027-01-02 00:00", "2027-01-31 00:00", "2027-01-15 00:00"),
		(DAILY, "0001-01-01 00:00", "2026-12-04 12:00", "2026-12-04 09:00"),
	],
)
def test_the_latest_slot_between_two_moments(trigger, after, until, slot):
	assert latest(trigger, after, until) == slot


def test_the_last_working_day_is_the_last_that_is_not_off():
	monthly = {"every": "month", "on": "last_working", "at": "17:00"}
	assert latest(monthly, "2027-01-01 00:00", "2027-02-01 00:00", weekends) == "2027-01-29 17:00"

	def all_off(first: date, last: date) -> list[date]:
		return [first + timedelta(days=days) for days in range((last - first).days + 1)]

	assert latest(monthly, "2027-01-01 00:00", "2027-02-01 00:00", all_off) == "2027-01-31 17:00"


def test_every_slot_is_found_once_however_often_it_is_looked_for():
	schedule, found = parse_schedule(DAILY), []
	moment = datetime(2026, 12, 1)
	while moment < datetime(2026, 12, 11):
		then = moment + timedelta(minutes=7)
		if slot := schedule.latest(moment, then, no_days_off):
			found.append(slot)
		moment = then
	assert found == [datetime(2026, 12, day, 9) for day in range(1, 11)]


@pytest.mark.parametrize(
	("trigger", "part"),
	[
		({}, "every"),
		({"every": "year"}, "every"),
		({"every": ["day"]}, "every"),
		({**DAILY, "at": "25:00"}, "at"),
		({**DAILY, "at": 9}, "at"),
		({**DAILY, "on": "mon"}, "on"),
		({"every": "week"}, "on"),
		({"every": "week", "on": "monday"}, "on"),
		({"every": "week", "on": [1]}, "on"),
		({"every": "month", "on": 32}, "on"),
		({"every": "month", "on": 0}, "on"),
		({"every": "month", "on": True}, "on"),
		({"every": "month", "on": "²"}, "on"),
		({"every": "month", "on": [[]]}, "on"),
	],
)
def test_what_is_wrong_is_said_with_its_part(trigger, part):
	assert [where for where, _ in problems(trigger)] == [part]


def test_what_is_right_has_no_problem():
	for trigger in (DAILY, MONDAYS, {"every": "month", "on": ["last_working", 15]}, {"every": "day"}):
		assert list(problems(trigger)) == []
