"""Starts by the clock: what a slot of its schedule has come for since this was last looked at.

A slot starts its flow once, by a claim that is unique in the database and written in the start's own transaction. Of slots that
were missed, since nobody looked for a while, the latest counts. A slot from before its schedule was published never starts it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime
from typing import Any

from flow_editor.engine import start
from flow_editor.services import listening, starting
from flow_editor.services.claiming import at_once
from flow_editor.services.definitions import start_of
from flow_editor.services.host import Host

#: Under what it is noted until when slots were looked for.
SWEPT = "slots swept"


def sweep(host: Host) -> int:
	"""Start the flows whose slot has come. Ends an open transaction first. Returns how many runs there are of it."""
	now = host.now()
	with host.store.transaction():
		listening_by_clock = list(host.store.active_templates(start.SCHEDULE))
		since = host.store.mark(SWEPT)
	since = since or datetime.min  # of a new site; nothing was published before it
	started = sum(at_once(host, _for(host, template, since, now)) for template in listening_by_clock)
	# Only now: if the work was broken off, the same slots are looked for again, and those that were claimed start nothing.
	with host.store.transaction():
		host.store.set_mark(SWEPT, now)
	return started


def _for(host: Host, template: Mapping[str, Any], since: datetime, now: datetime) -> Callable[[], int]:
	return lambda: _start(host, template["name"], since, now)


def _start(host: Host, name: str, since: datetime, now: datetime) -> int:
	with host.store.transaction():
		# As it is now: it may have been switched off meanwhile.
		for template in host.store.active_templates(start.SCHEDULE):
			if template["name"] == name and (slot := _slot(host, template, since, now)):
				return _start_at(host, template, slot)
	return 0


def _slot(host: Host, template: Mapping[str, Any], since: datetime, now: datetime) -> datetime | None:
	"""The slot that has come, if one has."""

	def days_off(first: date, last: date) -> Collection[date]:
		return host.days_off("", first, last)

	try:
		begin = start_of(host, template)
		assert begin.schedule
		slot = begin.schedule.latest(since, now, days_off)
		return slot if slot and slot >= _published(host, template, begin) else None
	except Exception as error:
		if host.breaks_transaction(error):
			raise
		host.log(
			f"Flow {template['name']} cannot tell when it starts",
			f"{error} Correct its schedule. This is told once a day.",
			once_a_day=True,
		)
		return None


def _published(host: Host, template: Mapping[str, Any], begin: start.Start) -> datetime:
	"""When the schedule was published that a template has; other changes since then are none of it."""
	first, *older = host.store.versions(template["name"])
	since = first["saved_at"]
	for version in older:
		if start_of(host, {**version, "name": template["name"]}) != begin:
			break
		since = version["saved_at"]
	return datetime.fromisoformat(str(since))


def _start_at(host: Host, template: Mapping[str, Any], slot: datetime) -> int:
	claim = starting.key("slot", template["name"], slot.isoformat())
	if host.store.claim_start(claim, template["name"], "", host.now()):
		return 0
	raised = listening.Raised(event=start.SCHEDULE, trigger_key=f"slot:{slot.isoformat()}")
	(result,) = listening.dispatch(host, [template], raised)
	if "run" not in result:
		return 0
	host.store.note_start(claim, result["run"])
	return 1
