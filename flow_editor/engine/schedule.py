"""The slots of a schedule that is said in words: every day, week or month, at a time of day.

All moments are the host's own, without a zone. A month that has not the day takes its last one. It never asks what time it is.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

DAY, WEEK, MONTH = EVERY = ("day", "week", "month")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LAST, LAST_WORKING = "last", "last_working"
TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
#: How far back a slot is looked for: no schedule has a longer pause.
LONGEST = timedelta(days=62)

#: (first, last) to the days between, both included, on which nobody works.
DaysOff = Callable[[date, date], Collection[date]]


@dataclass(frozen=True, slots=True)
class Schedule:
	"""When a flow starts by the clock.

	Args:
		every: one of EVERY.
		on: of a week, the days of WEEKDAYS; of a month, its days, LAST or LAST_WORKING.
	"""

	every: str = DAY
	on: tuple[int | str, ...] = ()
	at: time = time()

	def latest(self, after: datetime, until: datetime, days_off: DaysOff) -> datetime | None:
		"""The last slot after a moment and until another, that one included; None if there is none."""
		day, first = until.date(), max(after, until - LONGEST).date()
		while day >= first:
			slot = datetime.combine(day, self.at)
			if after < slot <= until and self._is_on(day, days_off):
				return slot
			day -= timedelta(days=1)
		return None

	def _is_on(self, day: date, days_off: DaysOff) -> bool:
		if self.every == DAY:
			return True
		if self.every == WEEK:
			return WEEKDAYS[day.weekday()] in self.on
		last = calendar.monthrange(day.year, day.month)[1]
		for on in self.on:
			if on == LAST_WORKING:
				wanted = _last_working(day.replace(day=1), day.replace(day=last), days_off)
			else:
				wanted = day.replace(day=last if on == LAST else min(int(on), last))
			if wanted == day:
				return True
		return False


def _last_working(first: date, last: date, days_off: DaysOff) -> date:
	"""The last day of a month on which somebody works; its last one, if nobody does in all of it."""
	off, day = set(days_off(first, last)), last
	while day in off and day > first:
		day -= timedelta(days=1)
	return last if day in off else day


def parse_schedule(trigger: Mapping[str, Any]) -> Schedule:
	"""A schedule that `problems` found nothing wrong with."""
	written = TIME.fullmatch((trigger.get("at") or "0:00").strip())
	assert written
	return Schedule(trigger["every"], tuple(_days(trigger.get("on"))), time(*map(int, written.groups())))


def _days(written: Any) -> list[Any]:
	"""The days as they were written: one, or a list of them."""
	days = written if isinstance(written, list) else [] if written in (None, "") else [written]
	return [
		int(day) if isinstance(day, str) and day.strip().isdecimal() and day.isascii() else day
		for day in days
	]


def problems(trigger: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
	"""(part, sentence) of what is wrong with how a schedule is written."""
	every, at = trigger.get("every"), trigger.get("at")
	if at not in (None, "") and not (isinstance(at, str) and TIME.fullmatch(at.strip())):
		yield "at", "This is no time of day. Write one such as 09:00."
	if every not in EVERY:
		yield "every", f"It is not said how often the flow starts. Use one of {', '.join(EVERY)}."
		return
	days = _days(trigger.get("on"))
	if every == DAY:
		if days:
			yield (
				"on",
				"Days are chosen, but the flow starts on every day. Let it start every week or month, or remove them.",
			)
		return
	known = "mon, tue, wed, thu, fri, sat, sun" if every == WEEK else "1 to 31, last and last_working"
	if not days:
		yield "on", f"No day is chosen. Use {known}: one, or a list of them."
	elif not all(_is_day(every, day) for day in days):
		yield "on", f"There is no such day of a {every}. Use {known}: one, or a list of them."


def _is_day(every: str, day: Any) -> bool:
	if every == WEEK:
		return day in WEEKDAYS
	return day in (LAST, LAST_WORKING) or (type(day) is int and 1 <= day <= 31)


def in_words(schedule: Schedule) -> str:
	"""When it starts, as people say it: "every week on mon, fri at 09:00"."""
	names = {LAST: "the last day", LAST_WORKING: "the last working day"}
	on = f" on {', '.join(names.get(str(day), str(day)) for day in schedule.on)}" if schedule.on else ""
	return f"every {schedule.every}{on} at {schedule.at:%H:%M}"
