"""A transaction that is rolled back leaves the states of steps as they were, in memory too."""

from __future__ import annotations

import pytest

from flow_editor.lab.host import LabHost
from flow_editor.services import looking, runs, starting, templates
from flow_editor.trial.live import LiveStore

STEPS = [
	{"id": "hand", "kind": "wait", "trigger": {"type": "manual"}},
	{"id": "next", "kind": "wait", "depends_on": ["hand"], "trigger": {"type": "manual"}},
]


def test_a_rollback_takes_the_states_back():
	host = LabHost(store=LiveStore)
	with host.store.transaction():
		template = templates.create(host, {"template_name": "T", "flow_definition": {"steps": STEPS}})
		name = starting.start(host, template["name"]).run.name
	before = looking.get(host, name)["step_state"]
	assert before["hand"]["waiting"] and before["next"] == {"status": "pending"}
	before = {step_id: dict(entry) for step_id, entry in before.items()}

	with pytest.raises(RuntimeError), host.store.transaction():
		runs.complete(host, name, "hand", {"x": 1})
		assert looking.get(host, name)["step_state"]["next"]["waiting"]
		raise RuntimeError
	assert looking.get(host, name)["step_state"] == before

	with host.store.transaction():
		runs.complete(host, name, "hand", {"x": 1})
	assert looking.get(host, name)["step_state"]["hand"]["result"] == {"x": 1}
