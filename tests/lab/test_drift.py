"""Long chains in virtual time, with a worker that is always late: nothing adds up."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import pytest

from flow_editor.lab.host import LabHost
from flow_editor.services import advance, due, inbox, looking, starting, templates
from flow_editor.trial.live import LiveStore
from flow_editor.trial.simulate import simulate

LATE = timedelta(minutes=7)


class Toronto(LabHost):
	timezone = "America/Toronto"


def chain(count: int, delay: dict, between: dict | None = None) -> list[dict]:
	"""Steps that wait one after the other, with one that is done at once after each."""
	steps: list[dict] = []
	for number in range(count):
		for id, more in (
			(f"wait{number}", {"trigger": {"type": "after_delay", **delay}}),
			(f"then{number}", between or {}),
		):
			above = [steps[-1]["id"]] if steps else []
			steps.append({"id": id, "kind": "wait", "payload": {}, "depends_on": above, **more})
	return steps


def play(host: LabHost, steps: list[dict]) -> tuple[list[datetime], dict]:
	"""When each wait was due, and the run at its end."""
	with host.store.transaction():
		name = templates.create(host, {"template_name": "Chain", "flow_definition": {"steps": steps}})["name"]
		run = starting.start(host, name).run.name
	dues = []
	while (due := host.store.next_due()) is not None:
		dues.append(due)
		host.move_clock(due + LATE)
		inbox.drain(host)
	return dues, looking.get(host, run)


def test_two_years_of_months_from_the_31st():
	host = LabHost(now=datetime(2027, 1, 31, 9), store=LiveStore)
	dues, run = play(host, chain(24, {"delay_months": 1}))
	assert run["status"] == "completed" and {due.time() for due in dues} == {time(9)}
	month = [(due.year - 2027) * 12 + due.month for due in dues]
	assert month == list(range(2, 26))
	assert [due.day for due in dues] == [
		28,
		31,
		30,
		31,
		30,
		31,
		31,
		30,
		31,
		30,
		31,
		31,
		29,
		31,
		30,
		31,
		30,
		31,
		31,
		30,
		31,
		30,
		31,
		31,
	]


@pytest.mark.parametrize("clock", [time(3, 30), time(2, 30), time(1, 30), time(0, 0)])
def test_a_year_of_days_over_both_changes_of_the_clocks(clock):
	first = datetime.combine(datetime(2026, 10, 25), clock)
	dues, run = play(Toronto(now=first, store=LiveStore), chain(365, {"delay_days": 1}))
	assert run["status"] == "completed"
	assert [due.date() for due in dues] == [(first + timedelta(days=day)).date() for day in range(1, 366)]
	other = {due: due.time() for due in dues if due.time() != clock}
	# On the one day on which there is no such time it is an hour later.
	assert other == ({datetime(2027, 3, 14, 3, 30): time(3, 30)} if clock == time(2, 30) else {})


def test_hours_are_gone_through_in_their_order_on_the_night_that_has_one_twice():
	host = Toronto(now=datetime(2026, 10, 31, 22), store=LiveStore)
	dues, run = play(host, chain(8, {"delay_hours": 1}))
	assert run["status"] == "completed"
	# The second 01:00 waits until that hour is over: 02:00 is then due already, and 03:00 is on time again.
	assert [due.hour for due in dues] == [23, 0, 1, 2, 3, 4, 5]
	assert run["step_state"]["then7"]["status"] == "done"


def test_a_worker_that_was_away_catches_up():
	host = LabHost(now=datetime(2027, 1, 4, 9), store=LiveStore)
	with host.store.transaction():
		values = {"template_name": "Chain", "flow_definition": {"steps": chain(5, {"delay_days": 1})}}
		run = starting.start(host, templates.create(host, values)["name"]).run.name
	host.move_clock(datetime(2027, 1, 7, 12))
	inbox.drain(host)
	shown = looking.get(host, run)["step_state"]
	assert [shown[f"wait{number}"]["status"] for number in range(5)] == [
		"done",
		"done",
		"done",
		"scheduled",
		"pending",
	]
	assert shown["wait3"]["due_at"] == "2027-01-08 09:00:00"


def test_what_comes_after_a_call_counts_from_its_answer():
	hook = {"kind": "webhook", "payload": {"method": "POST", "url": "https://example.com/"}}
	host = LabHost(now=datetime(2027, 1, 4, 9), store=LiveStore)
	dues, run = play(host, chain(3, {"delay_days": 1}, hook))
	assert run["status"] == "completed"
	assert [str(due) for due in dues] == ["2027-01-05 09:00:00", "2027-01-06 09:07:00", "2027-01-07 09:14:00"]


def test_a_budget_that_runs_out_after_a_wait_keeps_the_anchor(monkeypatch):
	monkeypatch.setattr(advance, "BUDGET_STEPS", 2)
	first = {"id": "wait", "kind": "wait", "trigger": {"type": "after_delay", "delay_days": 1}}
	steps = [
		first,
		*({"id": f"s{n}", "kind": "wait", "depends_on": [f"s{n - 1}" if n else "wait"]} for n in range(9)),
	]
	steps.append({**first, "id": "last", "depends_on": ["s8"]})
	host = LabHost(now=datetime(2027, 1, 4, 9), store=LiveStore)
	dues, run = play(host, steps)
	assert run["status"] == "completed"
	assert dues == [datetime(2027, 1, 5, 9), datetime(2027, 1, 6, 9)]
	assert len(host.store.pending({"purpose": "advance"})) >= 3


def test_a_simulation_shows_each_at_its_time():
	outcome = simulate({"steps": chain(3, {"delay_months": 1})}, now=datetime(2027, 1, 31, 9))
	assert [entry["at"] for entry in outcome.timeline if entry["step_id"].startswith("wait") and entry["status"] == "done"] == [
		"2027-02-28 09:00:00", "2027-03-31 09:00:00", "2027-04-30 09:00:00",
	]  # fmt: skip
	assert all("anchor" not in entry for entry in outcome.run["step_state"].values())


def test_a_large_block_is_looked_through_once(monkeypatch):
	"""Many steps after one large block cost no more than the block and the steps."""
	looked = []
	own = due.Times._end_of
	monkeypatch.setattr(due.Times, "_end_of", lambda self, id: looked.append(id) or own(self, id))
	steps = [{"id": "top", "kind": "wait", "trigger": {"type": "after_delay", "delay_days": 1}}]
	steps += [{"id": f"in{n}", "kind": "wait", "parent_id": "top"} for n in range(300)]
	steps += [{"id": f"after{n}", "kind": "wait", "depends_on": ["top"]} for n in range(300)]
	_, run = play(LabHost(now=datetime(2027, 1, 4, 9), store=LiveStore), steps)
	assert run["status"] == "completed" and len(looked) < 1000


def test_a_date_that_another_step_moves_is_waited_for():
	contract = {"doctype": "Contract", "name": "C-1", "end_date": "2026-12-10"}
	prolong = {"doctype": "Contract", "docname_ref": "C-1", "fields_json": {"end_date": "2027-12-10"}}
	steps = [
		{
			"id": "end",
			"kind": "wait",
			"trigger": {"type": "on_date", "at": "{{doc.end_date}}", "delay_days": -1},
		},
		{
			"id": "prolong",
			"kind": "erp_update",
			"payload": prolong,
			"trigger": {"type": "after_delay", "delay_days": 3},
		},
	]
	outcome = simulate({"steps": steps}, doc=contract, now=datetime(2026, 11, 23, 9))
	done = {entry["step_id"]: entry["at"] for entry in outcome.timeline if entry["status"] == "done"}
	assert done == {"prolong": "2026-11-26 09:00:00", "end": "2027-12-09 00:00:00"}
