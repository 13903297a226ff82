"""What a run promises of time, on whichever host."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

import pytest

from flow_editor.engine.errors import Invalid
from flow_editor.services import looking, runs, starting, templates

DAY = timedelta(days=1)
FAR = "2090-03-31"


def step(id: str, kind: str = "wait", **more) -> dict:
	return {"id": id, "kind": kind, "trigger": {"type": "on_prev_complete"}, "payload": {}, **more}


def after(**delay) -> dict:
	return {"type": "after_delay", **delay}


def on_date(at: str, **more) -> dict:
	return {"type": "on_date", "at": at, **more}


def start(world, *steps: dict, **about) -> str:
	with world.transaction():
		values = {
			"template_name": f"Time {uuid.uuid4().hex[:8]}",
			"is_active": 1,
			"flow_definition": {"steps": list(steps)},
		}
		name = templates.create(world.host, values)["name"]
		return starting.start(world.host, name, **about).run.name


def state(world, run: str, id: str) -> dict:
	return looking.get(world.host, run)["step_state"][id]


def row(world, run: str, id: str):
	(found,) = world.host.store.pending({"flow_run": run, "step_id": id})
	return found


def let_fire(world, run: str) -> None:
	world.let_due(run)
	world.drain()


@pytest.fixture
def todo(world):
	"""A document with a date, taken away afterwards."""
	with world.transaction():
		name = world.host.documents.create("ToDo", {"description": "x", "date": FAR, "docstatus": 0})
	yield name
	world.remove("ToDo", name)


def set_date(world, todo: str, value: str | None) -> None:
	with world.transaction():
		world.host.documents.update("ToDo", todo, {"date": value})


# Anchors


def test_a_delay_counts_from_when_the_step_before_it_was_due(world):
	customer = world.customer()
	mail = step("mail", "notify", depends_on=["a"], payload={"subject": "s", "body": "b"})
	run = start(
		world, step("a", trigger=after(delay_days=1)), mail, step("b", depends_on=["mail"], trigger=after(delay_days=2)),
		doctype="Customer", docname=customer,
	)  # fmt: skip
	first = row(world, run, "a").trigger_at
	let_fire(world, run)
	assert row(world, run, "b").trigger_at == first + 2 * DAY
	shown = state(world, run, "b")
	assert shown["due_at"] == (first + 2 * DAY).isoformat(sep=" ", timespec="seconds")
	assert set(shown) == {"status", "due_at"}


def test_after_several_steps_it_counts_from_the_latest(world):
	steps = [step(f"s{days}", trigger=after(delay_days=days)) for days in (3, 1, 2)]
	run = start(world, *steps, step("b", depends_on=["s3", "s1", "s2"], trigger=after(delay_days=1)))
	latest = row(world, run, "s3").trigger_at
	let_fire(world, run)
	assert row(world, run, "b").trigger_at == latest + DAY


def test_a_block_counts_by_the_latest_in_it(world):
	run = start(
		world, step("a", trigger=after(delay_days=1)), step("in", parent_id="a", trigger=after(delay_days=1)),
		step("deep", parent_id="in"), step("b", depends_on=["a"], trigger=after(delay_days=1)),
	)  # fmt: skip
	first = row(world, run, "a").trigger_at
	let_fire(world, run)
	assert row(world, run, "in").trigger_at == first + DAY
	let_fire(world, run)
	assert row(world, run, "b").trigger_at == first + 3 * DAY - DAY


def test_an_answer_counts_from_when_it_was_given(world):
	run = start(
		world, step("a", trigger=after(delay_days=5)), step("b", depends_on=["a"], trigger=after(delay_days=1)),
	)  # fmt: skip
	before = world.host.now()
	with world.transaction():
		runs.complete(world.host, run, "a")
	assert timedelta() <= row(world, run, "b").trigger_at - before - DAY < timedelta(minutes=1)


def test_what_waited_beside_a_later_answer_counts_from_the_answer(world):
	run = start(
		world, step("a", trigger=after(delay_days=-0.0, delay_minutes=0)), step("hand", trigger={"type": "manual"}),
		step("b", depends_on=["a", "hand"], trigger=after(delay_days=1)),
	)  # fmt: skip
	with world.transaction():
		runs.complete(world.host, run, "hand")
	assert (
		timedelta(seconds=-2)
		< row(world, run, "b").trigger_at - world.host.now() - DAY
		< timedelta(seconds=2)
	)


def test_a_retry_counts_from_when_it_was_done(world):
	bad = {"doctype": "Issue", "docname_ref": "{{variables.issue}}", "fields_json": {"subject": "x"}}
	run = start(
		world, step("a", "erp_update", trigger=after(delay_days=3), payload=bad, on_error="continue"),
		step("b", depends_on=["a"], trigger=after(delay_days=1)),
		step("c", "erp_update", trigger=after(delay_days=3), payload=bad, retry={"attempts": 2, "on": "any"}, on_error="continue"),
		step("d", depends_on=["c"], trigger=after(delay_days=1)),
		variables={"issue": "NO-SUCH"},
	)  # fmt: skip
	due = row(world, run, "a").trigger_at
	let_fire(world, run)
	assert row(world, run, "b").trigger_at == due + DAY  # it failed when it was due, and the flow goes on
	assert state(world, run, "c")["status"] == "scheduled"
	world.let_due(run)
	before = world.host.now()
	world.drain()
	assert timedelta() <= row(world, run, "d").trigger_at - before - DAY < timedelta(minutes=1)


def test_a_run_of_old_has_no_anchors_and_counts_from_now(world):
	run = start(
		world, step("a", trigger=after(delay_days=3)), step("b", depends_on=["a"], trigger=after(delay_days=1)),
	)  # fmt: skip
	with world.transaction():
		old = world.host.store.run(run, lock=True)
		del old.step_state["a"]["anchor"]
		assert world.host.store.save_run(old)
	world.let_due(run)
	before = world.host.now()
	world.drain()
	assert timedelta() <= row(world, run, "b").trigger_at - before - DAY < timedelta(minutes=1)


# Delays


def test_a_delay_may_be_an_expression(world, todo):
	run = start(
		world, step("days", trigger=after(delay_days="{{variables.days}}", delay_hours=" {{variables.none}}1 ")),
		step("zero", trigger=after(delay_days="{{doc.docstatus}}", delay_months="1")),
		doctype="ToDo", docname=todo, variables={"days": "10"},
	)  # fmt: skip
	now = world.host.now()
	assert abs(row(world, run, "days").trigger_at - now - timedelta(days=10, hours=1)) < timedelta(hours=2)
	assert timedelta(days=27) < row(world, run, "zero").trigger_at - now < timedelta(days=32)


@pytest.mark.parametrize(
	("given", "said"),
	[(None, "is empty"), ("soon", "'soon'"), ("1,000", "is no number"), (-1, "0 or more"), (10**9, "100 years"), ([1], "no number")],
)  # fmt: skip
def test_an_expression_that_gives_no_delay_fails_the_step(world, given, said):
	run = start(
		world, step("a", trigger=after(delay_days="{{variables.days}}")), variables={"days": given} if given else {},
	)  # fmt: skip
	shown = state(world, run, "a")
	assert shown["status"] == "failed" and said in shown["error"], shown


def test_months_and_working_days_that_an_expression_gives_are_whole(world):
	run = start(
		world, step("a", trigger=after(delay_months="{{variables.n}}")), step("b", trigger=after(delay_working_days="{{variables.n}}")),
		variables={"n": 1.5},
	)  # fmt: skip
	assert "Months are whole" in state(world, run, "a")["error"]
	assert "Working days are whole" in state(world, run, "b")["error"]


def test_working_days_pass_over_a_weekend(world):
	run = start(
		world, step("a", trigger=on_date("2090-03-31 14:30")),  # a Friday
		step("b", trigger=on_date("2090-03-31", delay_working_days=1)),
		step("c", trigger=on_date("2090-04-03 09:00", delay_working_days="{{variables.n}}")), variables={"n": -2},
	)  # fmt: skip
	due = {id: str(row(world, run, id).trigger_at) for id in "abc"}
	assert due == {"a": "2090-03-31 14:30:00", "b": "2090-04-03 00:00:00", "c": "2090-03-30 09:00:00"}
	with world.transaction():
		runs.complete(world.host, run, "a")


# Dates


def test_before_and_after_a_date(world, todo):
	run = start(
		world, step("before", trigger=on_date("{{doc.date}}", delay_days=-30)),
		step("after", trigger=on_date("{{doc.date}} 9:30:00", delay_days=7, delay_hours="-2")),
		step("month", trigger=on_date("{{doc.date}}", delay_months="{{variables.n}}")),
		doctype="ToDo", docname=todo, variables={"n": -1},
	)  # fmt: skip
	assert [str(row(world, run, id).trigger_at) for id in ("before", "after", "month")] == [
		"2090-03-01 00:00:00", "2090-04-07 07:30:00", "2090-02-28 00:00:00",
	]  # fmt: skip


def test_a_date_that_has_moved_to_later_is_waited_for(world, todo):
	run = start(
		world, step("a", trigger=on_date("{{doc.date}}", delay_days=-1)), step("b", depends_on=["a"], trigger=after(delay_days=1)),
		doctype="ToDo", docname=todo,
	)  # fmt: skip
	first = row(world, run, "a")
	for year in range(2091, 2098):  # more often than a row may be tried
		set_date(world, todo, f"{year}-03-31")
		let_fire(world, run)
		again = row(world, run, "a")
		assert (again.name, again.status, again.retry_count) == (first.name, "pending", 0)
		assert str(again.trigger_at) == f"{year}-03-30 00:00:00"
		shown = state(world, run, "a")
		assert shown == {"status": "scheduled", "due_at": f"{year}-03-30 00:00:00"}
	set_date(world, todo, "2026-01-05")
	let_fire(world, run)
	assert state(world, run, "a")["status"] == "done"
	# Nobody looked at the earlier date, so what comes after counts from when it was looked at.
	assert str(row(world, run, "b").trigger_at) == "2097-03-31 00:00:00"


def test_a_date_that_has_become_empty_fails_the_step_until_it_is_there_again(world, todo):
	run = start(
		world, step("a", trigger=on_date("{{doc.date}}")), doctype="ToDo", docname=todo,
	)  # fmt: skip
	set_date(world, todo, None)
	let_fire(world, run)
	shown = state(world, run, "a")
	assert shown["status"] == "failed" and "date is empty" in shown["error"] and "undated" not in shown
	with world.transaction():
		runs.retry(world.host, run)
	assert state(world, run, "a")["status"] == "failed"
	set_date(world, todo, "2091-01-31")
	with world.transaction():
		runs.retry(world.host, run)
	shown = state(world, run, "a")
	assert (shown["status"], shown["due_at"]) == ("scheduled", "2091-01-31 00:00:00") and "error" not in shown
	with world.transaction():
		runs.complete(world.host, run, "a")
	assert looking.get(world.host, run)["status"] == "completed"


def test_a_date_that_cannot_be_read_is_read_again_by_each_try(world, todo):
	set_date(world, todo, None)
	patient = step(
		"a", trigger=on_date("{{doc.date}}"), retry={"attempts": 3, "delay_minutes": 1, "on": "any"}
	)
	run = start(world, patient, doctype="ToDo", docname=todo)
	assert (state(world, run, "a")["status"], state(world, run, "a")["attempts"]) == ("scheduled", 1)
	let_fire(world, run)
	assert (state(world, run, "a")["status"], state(world, run, "a")["attempts"]) == ("scheduled", 2)
	set_date(world, todo, FAR)
	let_fire(world, run)
	shown = state(world, run, "a")
	assert (shown["status"], shown["due_at"]) == ("scheduled", f"{FAR} 00:00:00")
	let_fire(world, run)
	if world.host.now() < datetime(2090, 3, 31):  # where rows are let due and the clock stands
		set_date(world, todo, "2026-01-05")
		let_fire(world, run)
	assert state(world, run, "a")["status"] == "done"


@pytest.mark.parametrize(
	("if_past", "states"),
	[
		(None, ["done", "done", "done", "done"]),
		("run", ["done", "done", "done", "done"]),
		("skip", ["skipped", "skipped", "skipped", "done"]),
		("fail", ["failed", "pending", "pending", "pending"]),
	],
)
def test_what_becomes_of_a_past_date(world, if_past, states):
	run = start(
		world, step("a", trigger=on_date("2025-12-31", delay_days=1, if_past=if_past)), step("in", parent_id="a"),
		step("b", depends_on=["a"]), step("join", depends_on=["b", "beside"]), step("beside"),
	)  # fmt: skip
	stored = looking.get(world.host, run)
	assert [stored["step_state"][id]["status"] for id in ("a", "in", "b", "join")] == states
	assert stored["status"] == ("failed" if if_past == "fail" else "completed")
	if if_past == "skip":
		assert "2026-01-01, was past" in stored["step_state"]["a"]["reason"]
		assert row_count(world, run) == 0
	if if_past == "fail":
		assert "2026-01-01, was past" in stored["step_state"]["a"]["error"]


def test_a_date_told_from_today_or_now_stays_what_it_was_when_the_step_was_reached(world):
	run = start(
		world, step("day", trigger=on_date("{{today}}", delay_days=3)), step("hours", trigger=on_date("{{now}}", delay_hours=2)),
		step("clock", trigger=on_date("{{today}} {{variables.at}}", delay_days=1)), variables={"at": "18:00"},
	)  # fmt: skip
	assert row(world, run, "day").trigger_at.date() == world.host.now().date() + 3 * DAY
	let_fire(world, run)
	assert looking.get(world.host, run)["status"] == "completed"


def row_count(world, run: str) -> int:
	return len(world.host.store.pending({"flow_run": run}))


def test_a_date_of_today_is_not_past_and_a_moment_of_today_is(world):
	now = world.host.now()
	midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
	run = start(
		world, step("day", trigger=on_date(str(now.date()), if_past="skip")),
		step("offset", trigger=on_date(str((now + 3 * DAY).date()), delay_days=-3, if_past="skip")),
		step("moment", trigger=on_date(str(now - timedelta(seconds=1)), if_past="skip")),
		step("midnight", trigger=on_date(str(midnight), if_past="skip")),
		step("yesterday", trigger=on_date(str((now - DAY).date()), if_past="skip")),
		step("next", depends_on=["day"], trigger=after(delay_hours=1)),
	)  # fmt: skip
	shown = {id: entry["status"] for id, entry in looking.get(world.host, run)["step_state"].items()}
	assert shown == {
		"day": "done", "offset": "done", "moment": "skipped", "midnight": "skipped", "yesterday": "skipped", "next": "scheduled",
	}  # fmt: skip
	# A day is reached when it is reached, and not at its midnight.
	assert row(world, run, "next").trigger_at - now >= timedelta(hours=1)


def test_what_cannot_be_is_a_problem(world):
	with pytest.raises(Invalid) as error:
		start(
			world, step("a", trigger=after(delay_days=-1)), step("b", trigger=on_date("2027-01-01", if_past="later")),
			step("c", trigger=after(delay_days=1, if_past="skip")), step("d", trigger=after(delay_working_days=0.5)),
		)  # fmt: skip
	assert [(problem.step, problem.field) for problem in error.value.problems] == [
		("a", "trigger.delay_days"), ("b", "trigger.if_past"), ("c", "trigger.if_past"), ("d", "trigger.delay_working_days"),
	]  # fmt: skip
