"""When a delayed step is due.

Times are naive datetimes in the host's time zone. Minutes and hours are time that passes, so a change to or
from daylight saving does not shift them; days and months keep the time of day. A time of day that a change
leaves out is moved on by as much as the clocks are: 02:30 becomes 03:30.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date, datetime, time, timedelta, timezone
from email.utils import parsedate_to_datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

from flow_editor.engine.definition import AFTER_DELAY, Trigger

#: No step waits longer than this.
MAX_YEARS = 100
SPAN = re.compile(r"(\d{1,6}(?:\.\d{1,4})?)\s*(min|mo|m|h|d|w|y)", re.IGNORECASE)
SECONDS = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,9})?")
#: The longest that another side can put off the next attempt.
LONGEST_PUT_OFF = timedelta(days=1)
OFFSET = re.compile(r"([+-]\d\d):?(\d\d)$")


def due_at(trigger: Trigger, now: datetime, zone: str, at: str | None = None) -> datetime:
	"""When a step with an `after_delay` or `on_date` trigger is due.

	Args:
		now: the moment from which a delay counts.
		zone: the IANA name of the time zone of `now` and of the result.
		at: for `on_date`: its rendered text.

	Raises:
		ValueError: the date cannot be read, or lies beyond what can be waited for.
	"""
	if trigger.type != AFTER_DELAY:
		return parse_moment(at if at is not None else trigger.at, zone)
	try:
		return after(now, zone, trigger.delay)
	except OverflowError:
		raise ValueError("The delay is longer than can be waited for. Shorten it.") from None


def after(now: datetime, zone: str, delay) -> datetime:
	"""The moment after a delay, given as a mapping of `definition.DELAY_FIELDS`.

	Raises:
		OverflowError: it is more than MAX_YEARS away.
	"""
	days = delay.get("delay_days", 0)
	try:
		moment = now + relativedelta(months=int(delay.get("delay_months", 0)), days=int(days))
	except ValueError:  # relativedelta's own, over a year that the calendar does not have
		raise OverflowError from None
	elapsed = timedelta(
		days=days - int(days), hours=delay.get("delay_hours", 0), minutes=delay.get("delay_minutes", 0)
	)
	aware = moment.replace(tzinfo=_zone(zone)).astimezone(timezone.utc) + elapsed
	due = aware.astimezone(_zone(zone)).replace(tzinfo=None)
	if due.year - now.year > MAX_YEARS:
		raise OverflowError
	return due


def parse_moment(text: str, zone: str) -> datetime:
	"""A date (its midnight) or a date and time, with or without an offset, as a naive datetime of the zone.

	Raises:
		ValueError: it is neither.
	"""
	written = str(text).strip()
	readable = OFFSET.sub(r"\1:\2", written[:-1] + "+00:00" if written.endswith(("Z", "z")) else written)
	try:
		if len(written) == 10:
			return datetime.combine(date.fromisoformat(written), time())
		moment = datetime.fromisoformat(readable)
	except ValueError:
		raise ValueError(
			f"{written[:60]!r} is not a date. Write 2027-03-31, or 2027-03-31 09:00, "
			"or a path to a date such as {{doc.end_date}}."
			if written
			else "The date is empty. Write one such as 2027-03-31, or a path to one such as {{doc.end_date}}."
		) from None
	try:
		if moment.tzinfo is None:
			moment = moment.replace(tzinfo=_zone(zone)).astimezone(timezone.utc)
		return moment.astimezone(_zone(zone)).replace(tzinfo=None)
	except OverflowError:
		raise ValueError(f"{written!r} is too far away.") from None


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
