"""Filters of dates and times. A day stays a day until hours are added to it."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from flow_editor.engine import timing
from flow_editor.engine.filters.base import Argument, Filter
from flow_editor.engine.filters.taken import Setting, Unfit, is_nothing, moment_of, number_of, text_of
from flow_editor.engine.plain import as_text

GROUP = "Dates"
#: One length of time: a number, and what it counts.
SPAN = re.compile(r"([+-]?\s*\d{1,6}(?:\.\d{1,4})?)\s*(working days?|[a-z]{1,10})", re.IGNORECASE)
NUMBER = re.compile(r"[+-]?\d{1,6}(?:\.\d{1,4})?")
#: Which of `timing`'s parts a unit is, and how many of them.
UNITS = {
	"minute": ("delay_minutes", 1),
	"hour": ("delay_hours", 1),
	"day": ("delay_days", 1),
	"week": ("delay_days", 7),
	"month": ("delay_months", 1),
	"quarter": ("delay_months", 3),
	"year": ("delay_months", 12),
	"working day": ("delay_working_days", 1),
}
#: Those that leave a day a day.
WHOLE_DAYS = ("delay_days", "delay_months", "delay_working_days")
PERIODS = ("day", "week", "month", "quarter", "year")
FORMS = ("short", "medium", "long", "full", "iso")
#: A form of one's own, such as dd/MM/yyyy.
PATTERN_LENGTH = 40
LAST = time(23, 59, 59)


def _span(text: str) -> dict[str, float]:
	"""A length of time such as “3 days” or “-1 month”, or several with commas or “and” between.

	Raises:
		Unfit: it is none.
	"""
	delay: dict[str, float] = {}
	for part in re.split(r",|\band\b", text[:200]):
		match = SPAN.fullmatch(part.strip())
		unit = match[2].lower() if match else ""
		field, many = UNITS.get(unit) or UNITS.get(unit.removesuffix("s")) or ("", 0)
		if not match or not field:
			raise Unfit("is no length of time such as 3 days, -1 month or 2 working days")
		delay[field] = delay.get(field, 0) + float(re.sub(r"\s", "", match[1])) * many
	if problem := next(timing.delay_problems(delay), None):
		raise Unfit(f"has a part: {problem[1]}")
	return delay


def _length_problem(length: Any) -> str | None:
	"""What is wrong with a length as an author wrote it; a mere number has its unit beside it."""
	if isinstance(length, str) and not NUMBER.fullmatch(length.strip()):
		try:
			_span(length)
		except Unfit as error:
			return str(error)
	return None if isinstance(length, str | int | float) else "is no length of time"


def _unit_problem(unit: str) -> str | None:
	known = unit.lower() in UNITS or unit.lower().removesuffix("s") in UNITS or not unit
	return None if known else f"is none of {', '.join(UNITS)}"


def add(setting: Setting, moment: date | datetime, length: Any, unit: str) -> date | datetime:
	if unit:
		length = f"{as_text(number_of(length, setting.use))} {unit}"
	delay = _span(text_of(length, setting.use))
	is_day = not isinstance(moment, datetime)
	start = datetime.combine(moment, time()) if is_day else moment
	use = setting.use
	try:
		due = timing.after(timing.Anchor.of(start), use.conventions.zone, delay, use.days_off).at
	except OverflowError:
		raise Unfit(f"would be more than {timing.MAX_YEARS} years away") from None
	whole = is_day and all(field in WHOLE_DAYS and number == int(number) for field, number in delay.items())
	return due.date() if whole else due


def _first(day: date, period: str) -> date:
	if period == "week":
		return day - timedelta(days=day.weekday())
	month = {"month": day.month, "quarter": day.month - (day.month - 1) % 3, "year": 1}
	return day if period == "day" else day.replace(month=month[period], day=1)


def _last(day: date, period: str) -> date:
	if period == "week":
		return _first(day, period) + timedelta(days=6)
	month = {"month": day.month, "quarter": day.month - (day.month - 1) % 3 + 2, "year": 12}
	if period == "day":
		return day
	return date(day.year, month[period], monthrange(day.year, month[period])[1])


def start_of(moment: date | datetime, period: str) -> date | datetime:
	if isinstance(moment, datetime):
		return datetime.combine(_first(moment.date(), period), time())
	return _first(moment, period)


def end_of(moment: date | datetime, period: str) -> date | datetime:
	if isinstance(moment, datetime):
		return datetime.combine(_last(moment.date(), period), LAST)
	return _last(moment, period)


def day_in_words(setting: Setting, moment: date | datetime, form: str) -> str:
	day = moment.date() if isinstance(moment, datetime) else moment
	return day.isoformat() if form == "iso" else setting.use.reader.day(day, form)


def clock_in_words(setting: Setting, clock: time | datetime, form: str) -> str:
	at = clock.time() if isinstance(clock, datetime) else clock
	return at.isoformat("seconds") if form == "iso" else setting.use.reader.clock(at, form)


def moment_in_words(setting: Setting, moment: date | datetime, form: str) -> str:
	at = moment if isinstance(moment, datetime) else datetime.combine(moment, time())
	return at.isoformat(" ", "seconds") if form == "iso" else setting.use.reader.moment(at, form)


def weekday(setting: Setting, moment: date | datetime) -> str:
	return setting.use.reader.day(moment.date() if isinstance(moment, datetime) else moment, "EEEE")


def in_words(setting: Setting, value: Any) -> str | None:
	"""How far away a date is; how long a number of seconds."""
	use = setting.use
	if isinstance(value, int | float | Decimal):
		return use.reader.span(int(number_of(value, use)))
	moment = None if is_nothing(value) else moment_of(value, use)
	if moment is None:
		return None
	if use.now is None:
		raise Unfit("cannot be told from now: nobody knows what time it is here")
	now = use.now()
	if isinstance(moment, datetime):
		return use.reader.away(moment - now)
	return use.reader.days_away((moment - now.date()).days)


def _form_problem(form: str) -> str | None:
	if (
		form in FORMS
		or (len(form) <= PATTERN_LENGTH and not form.isalpha())
		or form in ("EEEE", "MMMM", "yyyy")
	):
		return None
	return f"is none of {', '.join(FORMS)}, and no form such as dd/MM/yyyy"


FORM = (Argument("form", default="long", check=_form_problem),)
SHORT = (Argument("form", default="short", check=_form_problem),)
PERIOD = (Argument("period", choices=PERIODS),)
FILTERS = (
	Filter(
		"add", add, "date", "date", "So much later, or earlier: minutes, hours, days, weeks, months, years, working days.",
		("'2026-01-31' | add: '1 month'", "2026-02-28"), (Argument("length", "any", check=_length_problem), Argument("unit", default="", check=_unit_problem)), GROUP, True,
	),
	Filter(
		"start_of", start_of, "date", "date", "The first day or moment of its day, week (from Monday), month, quarter or year.",
		("'2026-12-17' | start_of: 'month'", "2026-12-01"), PERIOD, GROUP,
	),
	Filter(
		"end_of", end_of, "date", "date", "The last day or moment of its day, week, month, quarter or year.",
		("'2026-12-17' | end_of: 'quarter'", "2026-12-31"), PERIOD, GROUP,
	),
	Filter(
		"date", day_in_words, "date", "text", "The day in the reader's language: short, medium, long, full, iso, or a form such as dd/MM/yyyy.",
		("'2026-12-03' | date", "3 December 2026"), FORM, GROUP, True,
	),
	Filter(
		"time", clock_in_words, "time", "text", "The time of day in the reader's language, likewise.",
		("'2026-12-03 14:05' | time", "14:05"), SHORT, GROUP, True,
	),
	Filter(
		"datetime", moment_in_words, "date", "text", "The day and the time in the reader's language, likewise.",
		("'2026-12-03 14:05' | datetime", "3 December 2026, 14:05"), FORM, GROUP, True,
	),
	Filter(
		"weekday", weekday, "date", "text", "The day of the week in the reader's language.",
		("'2026-12-03' | weekday", "Thursday"), group=GROUP, aware=True,
	),
	Filter(
		"in_words", in_words, "any", "text", "How far away a date is from now; of a number of seconds, how long that is.",
		("5400 | in_words", "1 hour 30 minutes"), group=GROUP, aware=True,
	),
)  # fmt: skip
