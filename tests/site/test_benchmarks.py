"""The harness that docs/performance.md is made with goes with the code that it measures."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
import records as r

from flow_editor.engine.machine import DONE, SCHEDULED
from flow_editor.services import inbox

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture
def harness(monkeypatch):
	monkeypatch.syspath_prepend(str(CHECKOUT))
	return importlib.import_module("benchmarks.site")


@pytest.mark.parametrize(
	"module", ["site_events", "site_drain", "site_peers", "site_memory", "site_scale", "peers"]
)
def test_each_part_of_it_can_be_loaded(harness, module):
	assert callable(importlib.import_module(f"benchmarks.{module}").measure)


def test_the_runs_that_it_lets_wait_are_worked_off(harness, site):
	flow = r.template(
		r.step("a", "wait", trigger={"type": "after_delay", "delay_days": 1}), r.step("b", "wait")
	)
	harness.insert_waiting_runs(flow, 3)
	waiting = site.store.runs({"flow_template": flow.name})
	assert [run.step_state["a"]["status"] for run in waiting] == [SCHEDULED] * 3
	inbox.drain(site)
	worked = site.store.runs({"flow_template": flow.name})
	assert [run.step_state["a"]["status"] for run in worked] == [DONE] * 3, [run.step_state for run in worked]
