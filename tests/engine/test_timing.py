from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import pytest

from flow_editor.engine import timing
from flow_editor.engine.timing import Anchor, parse_moment, parse_span, put_off

ZONE = "America/Toronto"
DAY = 24 * 60 * 60
NOON = datetime(2026, 11, 23, 12)


def after(now=NOON, zone=ZONE, **delay):
	return timing.after(Anchor.of(now), zone, delay).at


def chain(start, delays, zone=ZONE, days_off=timing.weekends):
	"""The moments of steps that wait one after the other, each anchor kept as a run keeps it."""
	anchor, found = Anchor.of(start), []
	for delay in delays:
		anchor = timing.after(Anchor.read(json.loads(json.dumps(anchor.as_json()))), zone, delay, days_off)
		found.append(anchor.at)
	return found


@pytest.mark.parametrize(
	("delay", "due"),
	[
		({"delay_hours": 24}, datetime(2026, 11, 24, 12)),
		({"delay_days": 3}, datetime(2026, 11, 26, 12)),
		({"delay_days": 1.5}, datetime(2026, 11, 25, 0)),
		({"delay_months": 11}, datetime(2027, 10, 23, 12) + timedelta(0)),
		({"delay_days": 1, "delay_hours": 2, "delay_minutes": 30}, datetime(2026, 11, 24, 14, 30)),
		({}, NOON),
	],
)
def test_delays(delay, due):
	assert after(zone="UTC", **delay) == due


def test_hours_pass_and_days_keep_the_time_of_day_across_daylight_saving():
	before = datetime(2027, 3, 13, 12)  # the clocks go forward on 14 March at 2
	assert after(before, delay_hours=24) == datetime(2027, 3, 14, 13)
	assert after(before, delay_days=1) == datetime(2027, 3, 14, 12)
	autumn = datetime(2026, 10, 31, 12)  # and back on 1 November at 2
	assert after(autumn, delay_hours=24) == datetime(2026, 11, 1, 11)
	assert after(autumn, delay_days=1) == datetime(2026, 11, 1, 12)


def test_a_time_that_is_left_out_becomes_the_next_that_exists():
	assert after(datetime(2027, 3, 13, 2, 30), delay_days=1) == datetime(2027, 3, 14, 3, 30)
	assert parse_moment("2027-03-14 02:30", ZONE) == datetime(2027, 3, 14, 3, 30)


def test_what_comes_after_it_counts_from_the_time_that_was_meant():
	days = chain(datetime(2027, 3, 13, 2, 30), [{"delay_days": 1}] * 3)
	assert [day.time() for day in days] == [time(3, 30), time(2, 30), time(2, 30)]
	assert timing.after(timing.parse_anchor("2027-03-14 02:30", ZONE), ZONE, {"delay_days": -1}).at == (
		datetime(2027, 3, 13, 2, 30)
	)
	hours = chain(datetime(2027, 3, 13, 2, 30), [{"delay_days": 1}, {"delay_hours": 1}, {"delay_days": 1}])
	assert hours == [datetime(2027, 3, 14, 3, 30), datetime(2027, 3, 14, 4, 30), datetime(2027, 3, 15, 4, 30)]


def test_an_hour_that_comes_twice_is_gone_through_twice():
	hours = chain(datetime(2026, 10, 31, 23, 30), [{"delay_hours": 1}] * 4)
	assert [moment.hour for moment in hours] == [0, 1, 1, 2] and [moment.fold for moment in hours] == [
		0,
		0,
		1,
		0,
	]
	# A row knows no zone: what falls in the second pass waits until that is over, unless it has begun.
	first, second = hours[1], hours[2]
	assert timing.to_be_waited_for(first, datetime(2026, 10, 31, 23), ZONE) == first
	assert timing.to_be_waited_for(second, first, ZONE) == datetime(2026, 11, 1, 2, 30)
	assert timing.to_be_waited_for(second, second.replace(minute=10), ZONE) == second


def test_a_chain_of_months_remembers_its_day():
	months = chain(datetime(2027, 1, 31, 9), [{"delay_months": 1}] * 24)
	last = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
	assert [moment.day for moment in months] == [*last[1:], 31]
	assert {moment.time() for moment in months} == {time(9)}
	mixed = chain(datetime(2027, 1, 31, 9), [{"delay_months": 1}, {"delay_hours": 1}, {"delay_months": 1}])
	assert mixed[1:] == [datetime(2027, 2, 28, 10), datetime(2027, 3, 31, 10)]
	moved = chain(datetime(2027, 1, 31, 9), [{"delay_months": 1}, {"delay_days": 3}, {"delay_months": 1}])
	assert moved == [datetime(2027, 2, 28, 9), datetime(2027, 3, 3, 9), datetime(2027, 4, 3, 9)]
	over = chain(datetime(2027, 1, 31, 9), [{"delay_months": 1}, {"delay_hours": 20}, {"delay_months": 1}])
	assert over[1:] == [datetime(2027, 3, 1, 5), datetime(2027, 4, 1, 5)]
	assert after(datetime(2027, 3, 31, 9), "UTC", delay_months=-1) == datetime(2027, 2, 28, 9)


def test_a_delay_may_lead_back():
	assert after(datetime(2027, 3, 31), delay_days=-30) == datetime(2027, 3, 1)
	assert after(datetime(2027, 3, 15, 1), delay_hours=-24) == datetime(2027, 3, 14, 0)
	assert after(datetime(2027, 3, 31, 12), delay_days=-1.5) == datetime(2027, 3, 30, 0)


@pytest.mark.parametrize(
	("start", "number", "day"),
	[
		("2026-11-26", 3, "2026-12-01"),  # from a Thursday
		("2026-11-27", 1, "2026-11-30"),
		("2026-11-28", 1, "2026-11-30"),  # from a Saturday
		("2026-11-29", -1, "2026-11-27"),
		("2026-12-01", -3, "2026-11-26"),
		("2026-11-28", 0, "2026-11-28"),
		("2026-11-23", 10, "2026-12-07"),
	],
)
def test_working_days(start, number, day):
	begun = datetime.combine(date.fromisoformat(start), time(14, 30))
	due = after(begun, delay_working_days=number)
	assert (str(due.date()), due.time()) == (day, time(14, 30))


def test_working_days_are_asked_for_once_and_bounded():
	asked = []

	def days_off(first, last):
		asked.append((last - first).days)
		return {date(2026, 12, 25), *timing.weekends(first, last)}

	(due,) = chain(datetime(2026, 12, 24, 9), [{"delay_working_days": 2}], days_off=days_off)
	assert due == datetime(2026, 12, 29, 9) and asked == [406]
	with pytest.raises(ValueError, match="fewer than 3 working days"):
		chain(
			NOON,
			[{"delay_working_days": 3}],
			days_off=lambda first, last: {first + timedelta(n) for n in range(999)},
		)
	with pytest.raises(OverflowError):
		after(delay_working_days=timing.MAX_WORKING_DAYS + 1)
	assert after(delay_working_days=timing.MAX_WORKING_DAYS)


@pytest.mark.parametrize(
	("given", "number"),
	[
		(10, 10), (2.5, 2.5), (Decimal("7"), 7), ("10", 10), (" -3.5 ", -3.5), ("+1", 1), ("", None), (None, None), ("soon", None),
		("1,000", None), (True, None), ("1e5", None), (float("nan"), None), (float("inf"), None), (10**400, None), ("٣", None), ([1], None),
	],
)  # fmt: skip
def test_amounts(given, number):
	assert timing.parse_amount(given) == number


def test_months_end_where_the_month_does():
	assert after(datetime(2027, 1, 31, 9), "UTC", delay_months=1) == datetime(2027, 2, 28, 9)


@pytest.mark.parametrize(
	("text", "moment"),
	[
		("2027-03-31", datetime(2027, 3, 31)),
		("2027-03-31 09:30", datetime(2027, 3, 31, 9, 30)),
		("2027-03-31T09:30:05", datetime(2027, 3, 31, 9, 30, 5)),
		("2027-01-31T09:30:00Z", datetime(2027, 1, 31, 4, 30)),
		("2027-01-31T09:30:00+01:00", datetime(2027, 1, 31, 3, 30)),
		(" 2027-01-31 09:30:00.250000 ", datetime(2027, 1, 31, 9, 30, 0, 250000)),
		("2027-03-31 9:30:00", datetime(2027, 3, 31, 9, 30)),
		("2027-03-31T9:30", datetime(2027, 3, 31, 9, 30)),
		("2027-01-31  09:30:00.25", datetime(2027, 1, 31, 9, 30, 0, 250000)),
		("2027-03-31 9:30:00.123456789", datetime(2027, 3, 31, 9, 30, 0, 123456)),
		("2027-01-31T09:30:00.5-0800", datetime(2027, 1, 31, 12, 30, 0, 500000)),
		("2027-03-31 ", datetime(2027, 3, 31)),
	],
)
def test_moments(text, moment):
	assert parse_moment(text, ZONE) == moment
	assert timing.is_day(text) == (len(text.strip()) == 10)


@pytest.mark.parametrize(
	"text",
	[
		"",
		"tomorrow",
		"2027-02-30",
		"31/03/2027",
		"2027-3-1",
		"9:30:00",
		"2027-03-31 25:00",
		"2027-03-31 9:30 x",
		"0001-01-01T00:00:00+14:00",
	],
)
def test_what_is_no_date_is_said(text):
	with pytest.raises(ValueError) as error:
		parse_moment(text, ZONE)
	assert str(error.value)[0].isupper() or str(error.value).startswith("'")


def test_what_is_too_far_away_is_said():
	for delay in (
		{"delay_days": 99_999_999},
		{"delay_months": 999_999},
		{"delay_hours": 1e300},
		{"delay_hours": 200 * 8766},
		{"delay_minutes": 200 * 8766 * 60},
	):
		with pytest.raises(OverflowError):
			after(**delay)
		with pytest.raises(OverflowError):
			after(**{name: -number for name, number in delay.items()})


@pytest.mark.parametrize(
	("text", "due"),
	[
		("30d", datetime(2026, 12, 23, 12)),
		("12h", datetime(2026, 11, 24)),
		("90m", datetime(2026, 11, 23, 13, 30)),
		("11mo", datetime(2027, 10, 23, 12)),
		("1y", datetime(2027, 11, 23, 12)),
		("2w", datetime(2026, 12, 7, 12)),
	],
)
def test_spans(text, due):
	assert NOON + parse_span(text) == due
	for wrong in ("", "d", "3", "-3d", "3 parsecs", "1.5mo"):
		with pytest.raises(ValueError):
			parse_span(wrong)


@pytest.mark.parametrize(
	("written", "seconds"),
	[
		("120", 120),
		(" 1800 ", 1800),
		("0.5", 0.5),
		("0", 0),
		("86400", DAY),
		("86401", DAY),
		("9" * 20, DAY),
		("-5", 0),
		("soon", 0),
		("", 0),
		("Mon, 23 Nov 2026 15:00:00 GMT", 3600),
		("Monday, 23-Nov-26 15:00:00 GMT", 3600),
		("Mon Nov 23 15:00:00 2026", 3600),
		("Mon, 23 Nov 2026 10:00:00 -0500", 3600),
		("Mon, 23 Nov 2026 13:00:00 GMT", 0),
		("Mon, 23 Nov 2099 13:00:00 GMT", DAY),
		("Mon, 99 Nov 2026 13:00:00 GMT", 0),
		("Mon, 23 Nov 99999 13:00:00 GMT", 0),
	],
)
def test_when_a_receiver_says_to_come_back(written, seconds):
	now = datetime(2026, 11, 23, 9)  # 14:00 in UTC
	assert put_off(written, now, "America/Toronto") == now + timedelta(seconds=seconds)


def test_that_is_time_which_passes_when_the_clocks_change():
	before = datetime(2027, 3, 14, 1, 30)
	assert put_off("3600", before, "America/Toronto") == datetime(2027, 3, 14, 3, 30)
