"""What the shipped flows promise, beyond being sound."""

from __future__ import annotations

import json
import re

import pytest

from flow_editor.services.templates import SEEDS

FLOWS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in SEEDS.glob("*.json")}


def steps(name: str) -> dict[str, dict]:
	return {step["id"]: step for step in FLOWS[name]["flow_definition"]["steps"]}


def delays(name: str) -> dict[str, dict]:
	return {
		step_id: {key: value for key, value in step["trigger"].items() if key != "type"}
		for step_id, step in steps(name).items()
		if step["trigger"]["type"] == "after_delay"
	}


@pytest.mark.parametrize("name", ["residential_onboarding", "quotation_follow_up"])
def test_where_delays_count_from_the_start_no_step_waits_for_another(name):
	assert all(not step["depends_on"] and not step["parent_id"] for step in steps(name).values())


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


def test_a_missing_subscription_is_seen():
	assert steps("residential_onboarding")["activate"].get("on_error", "fail") == "fail"


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
