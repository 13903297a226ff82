from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from flow_editor.engine.definition import Trigger
from flow_editor.engine.timing import due_at, parse_moment, parse_span, put_off

ZONE = "America/Toronto"
DAY = 24 * 60 * 60
NOON = datetime(2026, 11, 23, 12)


def after(now=NOON, zone=ZONE, **delay):
	return due_at(Trigger("after_delay", delay), now, zone)


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
	],
)
def test_moments(text, moment):
	assert parse_moment(text, ZONE) == moment
	assert due_at(Trigger("on_date", at=text), NOON, ZONE) == moment


@pytest.mark.parametrize(
	"text", ["", "tomorrow", "2027-02-30", "31/03/2027", "2027-3-1", "0001-01-01T00:00:00+14:00"]
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
		with pytest.raises(ValueError, match="Shorten it"):
			after(**delay)


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
