"""When a step that waits for its time is due.

Times are naive datetimes in the host's time zone. Minutes and hours are time that passes, so a change to or
from daylight saving does not shift them; days, months and working days keep the time of day. A time of day that a
change leaves out is moved on by as much as the clocks are: 02:30 becomes 03:30. What comes after such a step, or after
one on the last day of a short month, counts from the time and the day that were meant: see `Anchor`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

#: The parts of a delay that are whole numbers, and what they count.
WHOLE_FIELDS: Mapping[str, str] = {"delay_months": "Months", "delay_working_days": "Working days"}
#: No step waits longer than this.
MAX_YEARS = 100
#: The most working days that are counted, and how many days are looked at for a number of them.
MAX_WORKING_DAYS = 10_000
LOOKED_AT = (3, 400)
SPAN = re.compile(r"(\d{1,6}(?:\.\d{1,4})?)\s*(min|mo|m|h|d|w|y)", re.IGNORECASE)
SECONDS = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,9})?")
#: The longest that another side can put off the next attempt.
LONGEST_PUT_OFF = timedelta(days=1)
OFFSET = re.compile(r"([+-]\d\d):?(\d\d)$")
#: A date and what stands after it: an hour of one digit or two, and parts of a second, of however many.
HOUR = re.compile(r"(\d{4}-\d\d-\d\d)(?:\s+|[Tt])(\d{1,2})(:\d\d(?::\d\d)?)(?:\.(\d{1,9}))?", re.ASCII)
DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
AMOUNT = re.compile(r"[+-]?\d{1,15}(\.\d{1,15})?", re.ASCII)
#: The days of a range, both ends included, that are no working days.
DaysOff = Callable[[date, date], Collection[date]]


@dataclass(frozen=True, slots=True)
class Anchor:
	"""A moment from which a delay counts.

	Args:
		at: the moment. Of an hour that the clocks go through twice, `fold` tells the second time.
		day: the day of the month that it was meant to fall on, which a short month may not have.
		clock: the time of day that it was meant to have, which a change of the clocks may have left out.
	"""

	at: datetime
	day: int
	clock: time

	@classmethod
	def of(cls, moment: datetime) -> Anchor:
		return cls(moment, moment.day, moment.time())

	@classmethod
	def read(cls, kept: list[Any]) -> Anchor:
		at, day, clock, fold = kept
		return cls(datetime.fromisoformat(at).replace(fold=fold), day, time.fromisoformat(clock))

	def as_json(self) -> list[Any]:
		return [self.at.isoformat(sep=" "), self.day, self.clock.isoformat(), self.at.fold]


def weekends(first: date, last: date) -> Collection[date]:
	"""The Saturdays and Sundays of a range."""
	days = ((first + timedelta(days=number)) for number in range((last - first).days + 1))
	return {day for day in days if day.weekday() >= 5}


def after(start: Anchor, zone: str, delay: Mapping[str, float], days_off: DaysOff = weekends) -> Anchor:
	"""The moment a delay after a start, or before it if the delay is negative.

	Months count first, then days, then working days, then what is time that passes.

	Args:
		zone: the IANA name of the time zone of the start and of the result.
		delay: by `definition.DELAY_FIELDS`.

	Raises:
		OverflowError: it is more than MAX_YEARS away.
		ValueError: there are too few working days.
	"""
	months, days = int(delay.get("delay_months", 0)), delay.get("delay_days", 0)
	began, meant = start.at.date(), start.day
	try:
		day = began
		if months:
			day = began.replace(day=1) + relativedelta(months=months)
			day = min(day + timedelta(days=meant - 1), day + relativedelta(day=31))
		if int(days):
			day += timedelta(days=int(days))
			meant = day.day
	except ValueError:  # relativedelta's own, over a year that the calendar does not have
		raise OverflowError from None
	if working := int(delay.get("delay_working_days", 0)):
		day = _working_day(day, working, days_off)
		meant = day.day
	moment = start.at if day == began else datetime.combine(day, start.clock)
	aware = moment.replace(tzinfo=_zone(zone)).astimezone(timezone.utc)
	elapsed = timedelta(
		days=days - int(days), hours=delay.get("delay_hours", 0), minutes=delay.get("delay_minutes", 0)
	)
	due = (aware + elapsed).astimezone(_zone(zone)).replace(tzinfo=None)
	if abs(due.year - began.year) > MAX_YEARS:
		raise OverflowError
	if elapsed:
		return Anchor(due, meant if due.date() == day else due.day, due.time())
	return Anchor(due, meant, start.clock)


def _working_day(start: date, number: int, days_off: DaysOff) -> date:
	"""The day so many working days after one, or before it."""
	count, step = abs(number), 1 if number > 0 else -1
	if count > MAX_WORKING_DAYS:
		raise OverflowError
	times, more = LOOKED_AT
	end = start + timedelta(days=step * (count * times + more))
	off = frozenset(days_off(min(start, end), max(start, end)))
	day = start
	while count:
		if day == end:
			raise ValueError(
				f"There are fewer than {abs(number)} working days between {min(start, end)} and {max(start, end)}. "
				"Correct the Holiday List, or shorten the delay."
			)
		day += timedelta(days=step)
		count -= day not in off
	return day


def to_be_waited_for(due: datetime, now: datetime, zone: str) -> datetime:
	"""When a clock that shows no time zone has certainly reached a moment: of the hour that it goes through twice in
	autumn it cannot tell the second time from the first, so what falls in the second waits until the hour is over."""
	if not due.fold or now.fold:
		return due
	return due + (_zone(zone).utcoffset(due.replace(fold=0)) - _zone(zone).utcoffset(due))


def parse_amount(value: Any) -> float | None:
	"""The number that a delay's expression gives, or None if it gives none."""
	if isinstance(value, str):
		return float(value) if AMOUNT.fullmatch(value.strip()) else None
	if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
		return None
	try:
		return float(value) if math.isfinite(value) else None
	except OverflowError:  # a whole number that no float holds
		return None


def delay_problems(delay: Mapping[str, float]) -> Iterator[tuple[str, str]]:
	"""(name, sentence) of each part of a delay that must be a whole number and is none."""
	for name, number in delay.items():
		if name in WHOLE_FIELDS and number != int(number):
			parts = "days" if name == "delay_months" else "hours"
			yield name, f"{WHOLE_FIELDS[name]} are whole numbers. Use {parts} for parts."


def is_day(text: str) -> bool:
	"""Whether a text that `parse_moment` takes says a day and no time."""
	return DAY.fullmatch(str(text).strip()) is not None


def keeps_the_day(delay: Mapping[str, float]) -> bool:
	"""Whether a day with this delay is a day still, and no moment."""
	days = delay.get("delay_days", 0)
	return days == int(days) and not (delay.get("delay_hours") or delay.get("delay_minutes"))


def parse_moment(text: str, zone: str) -> datetime:
	"""A date (its midnight) or a date and time, with or without an offset, as a naive datetime of the zone. An hour may be
	of one digit, as databases write a time of day before ten.

	Raises:
		ValueError: it is neither.
	"""
	return parse_anchor(text, zone).at


def parse_anchor(text: str, zone: str) -> Anchor:
	"""As `parse_moment`, with the time of day as it is written, which a change of the clocks may leave out."""
	written = str(text).strip()
	readable = HOUR.sub(_with_whole_hour, written, count=1)
	readable = OFFSET.sub(r"\1:\2", readable[:-1] + "+00:00" if readable.endswith(("Z", "z")) else readable)
	try:
		if len(written) == 10:
			moment = datetime.combine(date.fromisoformat(written), time())
		else:
			moment = datetime.fromisoformat(readable)
	except ValueError:
		raise ValueError(
			f"{written[:60]!r} is not a date. Write 2027-03-31, or 2027-03-31 09:00, "
			"or a path to a date such as {{doc.end_date}}."
			if written
			else "The date is empty. Write one such as 2027-03-31, or a path to one such as {{doc.end_date}}."
		) from None
	try:
		aware = moment if moment.tzinfo else moment.replace(tzinfo=_zone(zone)).astimezone(timezone.utc)
		at = aware.astimezone(_zone(zone)).replace(tzinfo=None)
	except OverflowError:
		raise ValueError(f"{written[:60]!r} is too far away.") from None
	return Anchor.of(at) if moment.tzinfo else Anchor(at, moment.day, moment.time())


def _with_whole_hour(match: re.Match[str]) -> str:
	day, hour, rest, fraction = match.groups()
	parts = f".{fraction[:6]:0<6}" if fraction else ""
	return f"{day} {int(hour):02d}{rest}{parts}"


def parse_span(text: str) -> relativedelta:
	"""A length of time such as 30d, 12h, 90m, 2w, 11mo or 1y.

	Raises:
		ValueError: it is none.
	"""
	match = SPAN.fullmatch(text.strip())
	if not match:
		raise ValueError(f"{text!r} is not a length of time. Write 90m, 12h, 30d, 2w, 11mo or 1y.")
	number, unit = float(match[1]), match[2].lower()
	if unit in ("mo", "y"):
		if number != int(number):
			raise ValueError(f"{text!r}: months and years are whole numbers.")
		return relativedelta(months=int(number)) if unit == "mo" else relativedelta(years=int(number))
	name = {"m": "minutes", "min": "minutes", "h": "hours", "d": "days", "w": "weeks"}[unit]
	return relativedelta() + timedelta(**{name: number})


def put_off(written: str, now: datetime, zone: str) -> datetime:
	"""The moment that a Retry-After header names, in seconds or as an HTTP date: no earlier than now, and no later than
	LONGEST_PUT_OFF from it. One that cannot be read puts nothing off."""
	written, wait = written.strip(), timedelta()
	here = now.replace(tzinfo=_zone(zone)).astimezone(timezone.utc)
	if SECONDS.fullmatch(written):
		wait = timedelta(seconds=min(float(written), LONGEST_PUT_OFF.total_seconds()))
	else:
		with suppress(
			ValueError, TypeError, IndexError, OverflowError
		):  # what is no date raises any of these
			moment = parsedate_to_datetime(written)
			wait = (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)) - here
	wait = min(max(wait, timedelta()), LONGEST_PUT_OFF)
	return (here + wait).astimezone(_zone(zone)).replace(tzinfo=None) if wait else now


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
	return ZoneInfo(name)


def in_seconds(moment: datetime) -> str:
	"""A moment as text to the second, as step states, answers and messages have it: 2027-03-31 09:00:00."""
	return moment.isoformat(sep=" ", timespec="seconds")
