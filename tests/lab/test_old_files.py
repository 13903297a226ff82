"""A lab's file that an earlier version has written is read as this one writes it."""

from __future__ import annotations

import json
from datetime import datetime

from flow_editor.engine.records import CALL, FIRE, SIDE_CALL, Pending, Run
from flow_editor.lab.host import LabHost
from flow_editor.services import inbox, publishing, runs, starting, templates


def test_calls_beside_a_step_are_named(tmp_path):
	path = str(tmp_path / "lab.db")
	host = LabHost(path)
	request = {"url": "https://x.test", "json": {"beside": True}}
	snapshots = {
		SIDE_CALL: [(CALL, {"request": request, "beside": True})],
		CALL: [(CALL, {"request": request}), (CALL, None)],
		FIRE: [(FIRE, {"beside": True})],
	}
	wanted = {}
	with host.store.transaction():
		for after, rows in snapshots.items():
			for purpose, snapshot in rows:
				row = Pending("FR-00001", "a", purpose, datetime(2026, 1, 1), context_snapshot=snapshot)
				host.store.insert_pending([row])
				wanted[row.name] = after
	host.store.close()
	for _ in range(2):
		host = LabHost(path)
		assert {row.name: row.purpose for row in host.store.pending({})} == wanted
		host.store.close()


def test_templates_of_one_name_are_numbered(tmp_path):
	path = str(tmp_path / "lab.db")
	host = LabHost(path)
	names = ["Été", "Welcome", "Welcome (2)", "x" * 140, "Shipped"]
	with host.store.transaction():
		made = [templates.create(host, {"template_name": name})["name"] for name in names]
	# As a file of an earlier version, whose authors raced.
	host.store.execute("DROP INDEX template_namesake")
	host.store.execute("ALTER TABLE template DROP COLUMN namesake")
	for number, name in enumerate(["ete", "Welcome", "welcome", "x" * 140, "Shipped"]):
		fields = {**host.store.template(made[0]), "name": f"FT-9{number}", "template_name": name}
		fields |= {"creation": "2030-01-01 00:00:00", "is_system": int(name == "Shipped")}
		host.store.execute(
			"INSERT INTO template (name, fields) VALUES (?, ?)", (fields["name"], json.dumps(fields))
		)
	host.store.close()
	for _ in range(2):
		host = LabHost(path)
		found = {row["name"]: row["template_name"] for row in host.store.templates({})}
		assert [found[name] for name in made] == ["Été", "Welcome", "Welcome (2)", "x" * 140, "Shipped (2)"]
		assert [found[f"FT-9{number}"] for number in range(5)] == [
			"ete (2)",
			"Welcome (3)",
			"welcome (4)",
			"x" * 136 + " (2)",
			"Shipped",
		]
		host.store.close()


def test_what_caused_a_run_is_no_parent(tmp_path):
	path = str(tmp_path / "lab.db")
	host = LabHost(path)
	with host.store.transaction():
		for run in (Run("FT-1", 1), Run("FT-1", 1, caused_by="FR-00001")):
			host.store.insert_run(run)
	host.store.execute("UPDATE run SET parent_run = caused_by")
	host.store.execute("ALTER TABLE run DROP COLUMN caused_by")
	host.store.close()
	for _ in range(2):
		host = LabHost(path)
		found = {run.name: (run.caused_by, run.parent_run) for run in host.store.runs({})}
		assert sorted(found.values()) == [("", ""), ("FR-00001", "")]
		host.store.close()


def test_flows_and_versions_without_drafts_and_notes_go_on(tmp_path):
	path = str(tmp_path / "lab.db")
	host = LabHost(path)
	with host.store.transaction():
		name = templates.create(host, {"template_name": "Old", "notes": "as it was"})["name"]
	# As a file of a version that knew neither.
	(fields,) = host.store.execute("SELECT fields FROM template").fetchone()
	old = {key: value for key, value in json.loads(fields).items() if not key.startswith("draft")}
	host.store.execute("UPDATE template SET fields = ?", (json.dumps(old),))
	host.store.execute("ALTER TABLE version DROP COLUMN note")
	host.store.close()
	host = LabHost(path)
	shown = templates.get(host, name)
	assert (shown["draft_revision"], shown["draft_by"], shown["draft_at"]) == (0, None, None)
	assert [one["note"] for one in publishing.versions(host, name)] == [""]
	with host.store.transaction():
		templates.keep_draft(host, name, {"notes": "as it will be", "draft_revision": 0})
		published, _ = publishing.publish(host, name, draft_revision=1, note="Why")
	assert (published["version"], published["notes"]) == (2, "as it will be")
	assert [one["note"] for one in publishing.versions(host, name)] == ["Why", ""]
	host.store.close()


def test_what_waits_has_a_row_that_brings_it_back(tmp_path):
	path = str(tmp_path / "lab.db")
	host = LabHost(path)
	job = host.documents.create("Dispatch Job", {"subject": "Install", "status": "Completed"})
	request = {"method": "POST", "url": "https://x.test", "json": {}}
	with host.store.transaction():
		flow = {"steps": [{"id": "a", "kind": "wait", "payload": {}, "trigger": {"type": "manual"}}]}
		template = templates.create(host, {"template_name": "Old", "flow_definition": flow})
		run = starting.start(host, template["name"]).run
		over = starting.start(host, template["name"]).run
		runs.cancel(host, over.name)
		# As a file of version 0.3.0: parked without a time, and waiting without a row.
		host.store.execute("DELETE FROM pending")
		run.step_state = {"a": {"status": "pending", "waiting": True}}
		host.store.save_run(run)
		parked = Pending(
			run.name, "job", SIDE_CALL, None, context_snapshot={"request": request}, idempotency_key="k",
			reference_doctype="Dispatch Job", reference_name=job,
		)  # fmt: skip
		host.store.insert_pending([parked])
	host.store.close()
	for _ in range(2):
		host = LabHost(path)
		found = {
			(row.purpose, row.step_id, row.flow_run, row.status, row.trigger_at is None)
			for row in host.store.pending({})
		}
		assert found == {
			("watched_call", "job", run.name, "pending", False),
			("wait", "a", run.name, "pending", True),
		}
		host.store.close()
	host = LabHost(path)
	inbox.drain(host)
	assert [message["url"] for message in host.sent()] == ["https://x.test"]
	host.store.close()
