"""Flows that start by the clock, on whichever host."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

import pytest

from flow_editor.engine.errors import Invalid
from flow_editor.services import slots, templates


@pytest.fixture
def clock(world, monkeypatch):
	"""The host's clock, moved by hand; it begins on a Tuesday at noon."""

	class Clock:
		now = datetime(2030, 1, 1, 12)

		def to(self, text: str) -> int:
			self.now = datetime.fromisoformat(text)
			return slots.sweep(world.host)

	clock = Clock()
	monkeypatch.setattr(type(world.host), "now", lambda host: clock.now)
	return clock


def daily(world, at: str = "09:00", **more) -> dict:
	trigger = {"type": "schedule", "every": "day", "at": at, **more.pop("trigger", {})}
	with world.transaction():
		return templates.create(
			world.host,
			{
				"template_name": f"Clock {uuid.uuid4().hex[:8]}",
				"is_active": 1,
				"flow_definition": {
					"steps": [{"id": "a", "kind": "wait", "trigger": {"type": "manual"}, "payload": {}}],
					"trigger": trigger,
					**more,
				},
			},
		)


def runs(world, template: dict) -> list:
	return world.host.store.runs({"flow_template": template["name"]}, limit=100)


def test_each_slot_starts_it_once(world, clock):
	made = daily(world)
	assert (made["trigger_event"], made["applies_to"] or "") == ("schedule", "")
	assert clock.to("2030-01-02 08:59:59") == 0
	assert clock.to("2030-01-02 09:00:30") == 1
	assert clock.to("2030-01-02 09:01:30") == 0
	assert clock.to("2030-01-03 09:00:00") == 1
	assert [run.trigger_event for run in runs(world, made)] == ["schedule"] * 2


def test_of_missed_slots_the_latest_starts_it(world, clock):
	made = daily(world)
	clock.to("2030-01-02 09:00:30")
	assert clock.to("2030-01-06 12:00:00") == 1
	assert len(runs(world, made)) == 2


def test_who_looks_twice_for_a_slot_starts_nothing_again(world, clock):
	made = daily(world)
	clock.to("2030-01-02 08:59:00")
	before = clock.now
	clock.to("2030-01-02 09:00:30")
	with world.transaction():
		world.host.store.set_mark(slots.SWEPT, before)  # as if it had been broken off before it was noted
	assert slots.sweep(world.host) == 0
	assert len(runs(world, made)) == 1


def test_a_slot_from_before_its_publishing_starts_nothing(world, clock):
	slots.sweep(world.host)
	clock.now = datetime(2030, 1, 1, 13)
	made = daily(world, at="12:30")
	assert slots.sweep(world.host) == 0
	assert clock.to("2030-01-02 12:30:00") == 1
	assert len(runs(world, made)) == 1


def test_an_edit_that_leaves_the_schedule_loses_no_slot(world, clock):
	made = daily(world)
	clock.to("2030-01-02 08:59:50")
	clock.now += timedelta(seconds=20)
	with world.transaction():
		templates.update(world.host, made["name"], {"notes": "Mind the gap"})
	assert slots.sweep(world.host) == 1


def test_one_that_is_off_or_whose_condition_does_not_hold_starts_nothing(world, clock):
	gated = daily(world, trigger={"condition": {"==": [{"var": "variables.on"}, 1]}}, variables={"on": 0})
	off = daily(world)
	with world.transaction():
		templates.update(world.host, off["name"], {"is_active": 0})
	assert clock.to("2030-01-02 09:00:30") == 0
	assert (runs(world, gated), runs(world, off)) == ([], [])


def test_a_required_input_that_nobody_would_give_is_a_problem(world, clock):
	with pytest.raises(Invalid) as refused:
		daily(world, inputs=[{"name": "who", "required": True}])
	assert "inputs" in refused.value.problems[0].field


def test_what_is_wrong_is_said_with_its_field(world, clock):
	with pytest.raises(Invalid) as refused:
		daily(world, trigger={"every": "week", "on": "monday", "at": "nine"})
	assert {problem.field for problem in refused.value.problems} == {"trigger.on", "trigger.at"}
