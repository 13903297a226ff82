from __future__ import annotations

import json
import re
import runpy
from pathlib import Path

import pytest

from flow_editor.engine.kind import Catalog, Kind
from flow_editor.engine.validation import validate
from flow_editor.kinds import builtin_kinds, load_kinds
from flow_editor.services.authored import CATEGORIES
from flow_editor.services.events import EVENTS, event_table
from flow_editor.services.portable import SEEDS

PROJECT = {
	"dispatch_job",
	"issue",
	"notify",
	"webhook",
	"erp_update",
	"wait",
	"condition",
	"subscription_activate",
	"set_variables",
	"stop",
	"switch",
	"parallel",
	"wait_until",
}
AGENT = {"say", "ask", "intent", "tool", "handoff", "end"}


def test_the_project_s_kinds_and_six_of_agents(catalog):
	assert {kind.name for kind in catalog.values() if kind.catalog == "project"} == PROJECT
	assert {kind.name for kind in catalog.values() if kind.catalog == "agent"} == AGENT
	assert all(catalog[name].runnable for name in PROJECT) and not any(
		catalog[name].runnable for name in AGENT
	)


@pytest.mark.parametrize("name", sorted(PROJECT | AGENT))
def test_a_kind_says_all_that_an_editor_needs(catalog, name):
	entry = json.loads(json.dumps(catalog[name].as_dict()))
	assert (
		entry["label"]
		and entry["icon"]
		and entry["color"]
		and entry["description"].endswith(".")
		and entry["summary"]
	)
	known = {field["name"] for field in entry["fields"]}
	assert not re.sub(r"\{\w+(?:\|[^{}]+)?\}", "", entry["summary"]).count("{")
	assert set(re.findall(r"\{(\w+)(?:\|[^{}]+)?\}", entry["summary"])) <= known
	for account in entry["accounts"]:
		told = set(re.findall(r"\{(\w+)(?:@:?[\w ]+)?(?:\|[^{}]+)?\}", account["phrase"]))
		results = {result["name"] for result in entry["results"]}
		assert told and told <= results, account
	assert all(set(field.get("shown_when", ())) <= known for field in entry["fields"])


def test_a_name_is_taken_once():
	class Mine(Kind):
		name = "wait"

	with pytest.raises(ValueError, match="wait"):
		Catalog([*builtin_kinds(), Mine()])
	with pytest.raises(ValueError, match="name"):
		Catalog([Kind()])


def test_kinds_by_path():
	path = "flow_editor.kinds.control.wait"
	assert [kind.name for kind in load_kinds([path, f"{path}.Wait"])] == ["wait", "wait"]
	with pytest.raises(TypeError, match=r"flow_editor\.kinds\.choices\.same_word"):
		load_kinds(["flow_editor.kinds.choices.same_word"])
	with pytest.raises((ImportError, AttributeError), match="no_such"):
		load_kinds(["flow_editor.no_such_module.Thing"])
	with pytest.raises(ImportError, match="no_such_app"):
		load_kinds(["no_such_app.kinds"])


def test_the_nine_events_of_the_guide():
	assert [event.name for event in EVENTS] == [
		"on_contract_signed", "on_payment_received", "on_subscription_active", "on_quotation_created",
		"on_quotation_accepted", "on_issue_opened", "on_customer_created", "on_dispatch_completed", "manual",
	]  # fmt: skip


@pytest.mark.parametrize("path", sorted(SEEDS.glob("*.json")), ids=lambda path: path.stem)
def test_a_shipped_flow_is_sound(catalog, path):
	seed = json.loads(path.read_text(encoding="utf-8"))
	assert validate(seed["flow_definition"], catalog, events=event_table()) == []
	assert seed["template_name"] == path.stem and seed["is_system"] == 1
	assert (
		seed["category"] in CATEGORIES
		and seed["trigger_event"] == seed["flow_definition"]["trigger"]["event"]
	)


def test_the_six_shipped_flows():
	seeds = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in SEEDS.glob("*.json")}
	assert {name: (seed["category"], seed["trigger_event"]) for name, seed in seeds.items()} == {
		"fiber_install": ("residential", "manual"),
		"phone_service": ("residential", "manual"),
		"move_service": ("residential", "manual"),
		"repair_service": ("incident", "on_issue_opened"),
		"residential_onboarding": ("residential", "on_contract_signed"),
		"quotation_follow_up": ("commercial", "on_quotation_accepted"),
	}


def test_the_kinds_page_is_what_the_kinds_say():
	"""Mend it with: .venv/bin/python docs/kinds.py"""
	docs = Path(__file__).resolve().parents[2] / "docs"
	script = runpy.run_path(str(docs / "kinds.py"))
	assert (docs / "kinds.md").read_text(encoding="utf-8") == script["page"]()
