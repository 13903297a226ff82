"""Flows that start by the clock, by the scheduler's own minute; what both hosts do alike is in tests/contract."""

from __future__ import annotations

import threading
from datetime import timedelta

import frappe
import pytest
import records as r

from flow_editor.services import slots
from flow_editor.site import worker
from flow_editor.site.host import current


@pytest.fixture
def due(site):
	"""A flow whose slot has come an hour ago, published the day before."""
	at = site.now() - timedelta(hours=1)
	trigger = {"type": "schedule", "every": "day", "at": f"{at:%H:%M}"}
	flow = r.template(
		r.step("a", trigger={"type": "manual"}), event="schedule", definition={"trigger": trigger}
	)
	before = site.now() - timedelta(hours=23)
	frappe.db.set_value("Flow Version", {"flow_template": flow.name}, "saved_at", before)
	site.store.set_mark(slots.SWEPT, before)
	frappe.db.commit()
	return flow


def test_the_minute_starts_what_is_due_as_its_user(due):
	worker.tick()
	(run,) = r.runs(due)
	assert (run.trigger_event, run.run_as) == ("schedule", "Administrator")
	worker.tick()
	assert len(r.runs(due)) == 1


def test_two_that_look_at_once_start_it_once(site, due):
	name, together = frappe.local.site, threading.Barrier(2)

	def look() -> None:
		frappe.init(site=name)
		frappe.connect()
		try:
			together.wait()
			slots.sweep(current())
		finally:
			frappe.destroy()

	both = [threading.Thread(target=look) for _ in range(2)]
	for one in both:
		one.start()
	for one in both:
		one.join()
	frappe.db.rollback()
	assert len(r.runs(due)) == 1
	assert frappe.db.count("Flow Started", {"flow_template": due.name}) == 1


def test_what_goes_wrong_in_one_keeps_no_other_from_its_slot_and_no_work_from_being_done(site, due):
	trigger = {"type": "schedule", "every": "day", "at": "00:00"}
	broken = r.template(r.step("a"), event="schedule", definition={"trigger": trigger})
	frappe.db.set_value("Flow Version", {"flow_template": broken.name}, "definition", "{nonsense")
	frappe.db.set_value("Flow Template", broken.name, "checksum", "")
	frappe.db.commit()
	worker.tick()
	assert (len(r.runs(due)), len(r.runs(broken))) == (1, 0)
	assert frappe.db.count("Error Log", {"method": ("like", f"%{broken.name}%")}) == 1
