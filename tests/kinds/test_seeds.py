"""What the shipped flows promise, beyond being sound."""

from __future__ import annotations

import json
import re

import pytest

from flow_editor.services.portable import SEEDS

FLOWS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in SEEDS.glob("*.json")}


def steps(name: str) -> dict[str, dict]:
	return {step["id"]: step for step in FLOWS[name]["flow_definition"]["steps"]}


def delays(name: str) -> dict[str, dict]:
	return {
		step_id: {key: value for key, value in step["trigger"].items() if key != "type"}
		for step_id, step in steps(name).items()
		if step["trigger"]["type"] == "after_delay"
	}


def test_where_delays_count_from_the_start_no_step_waits_for_another():
	flow = steps("quotation_follow_up")
	assert all(not step["depends_on"] and not step["parent_id"] for step in flow.values())


@pytest.mark.parametrize(
	("name", "done"),
	[("residential_onboarding", "installed"), ("fiber_install", "installed"), ("phone_service", "line_on")],
)
def test_billing_begins_once_somebody_says_that_the_service_works(name, done):
	flow = steps(name)
	assert flow[done]["trigger"]["type"] == "manual" and flow["activate"]["depends_on"] == [done]


def test_the_survey_a_day_after_the_installation_counts_from_the_installation():
	for name, asks, after in (
		("residential_onboarding", "survey", "installed"), ("fiber_install", "survey", "activate"), ("move_service", "settled", "moved"),
	):  # fmt: skip
		step = steps(name)[asks]
		assert step["depends_on"] == [after] and step["trigger"] == {"type": "after_delay", "delay_hours": 24}


def test_the_delays():
	assert delays("quotation_follow_up") == {f"day_{days}": {"delay_days": days} for days in (3, 7, 14)}
	assert delays("residential_onboarding") == {
		"survey": {"delay_hours": 24},
		"renewal": {"delay_months": 11},
	}
	assert delays("fiber_install") == {"survey": {"delay_hours": 24}}


def test_an_unconfigured_gateway_holds_no_customer_up():
	texts = [
		step for name in FLOWS for step in steps(name).values() if step["payload"].get("channel") == "sms"
	]
	assert texts and all(step["on_error"] == "continue" for step in texts)


@pytest.mark.parametrize("name", [name for name in sorted(FLOWS) if "activate" in steps(name)])
def test_a_missing_subscription_fails_nobody_and_is_seen(name):
	flow = steps(name)
	assert flow["activate"]["on_error"] == "continue"
	assert (flow["set_up_billing"]["parent_id"], flow["set_up_billing"]["branch"]) == ("billed", "no")


@pytest.mark.parametrize("name", sorted(FLOWS))
def test_what_a_customer_is_told_holds_no_job_up(name):
	told = [step for step in steps(name).values() if step["kind"] == "notify"]
	assert told and all(step["on_error"] == "continue" for step in told)


def test_the_reports_of_one_customer_become_one_repair():
	flow = steps("repair_service")
	assert {flow[name]["payload"]["merge_key"] for name in ("urgent_repair", "repair")} == {
		"repair-{{customer.name}}"
	}
	assert {step["branch"] for step in flow.values() if step["parent_id"] == "triage"} == {"yes", "no"}


@pytest.mark.parametrize("name", sorted(FLOWS))
def test_variables_that_a_flow_reads_have_a_default_or_are_asked_for(name):
	read = set(re.findall(r"\{\{variables\.(\w+)", json.dumps(FLOWS[name])))
	definition = FLOWS[name]["flow_definition"]
	asked_for = {one["name"] for one in definition.get("inputs", [])}
	assert read <= asked_for | set(definition["variables"])
	assert FLOWS[name]["is_active"] == 1
