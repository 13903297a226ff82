"""`bench --site SITE flow …`, as an admin types it."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess

import bench
import frappe
import pytest
import records as r

from flow_editor.services.portable import SEEDS
from flow_editor.site import doctor


def flow(*arguments: str, cwd=None) -> subprocess.CompletedProcess:
	"""Run a command as bench does: in its sites folder, with PWD where the user is."""
	frappe.db.commit()
	import os

	done = subprocess.run(
		[*bench.frappe(), "flow", *arguments],
		cwd=bench.BENCH / "sites",
		env={**os.environ, "PWD": str(cwd or bench.BENCH), "PYTHONWARNINGS": "ignore"},
		capture_output=True,
		text=True,
		timeout=120,
	)
	frappe.db.rollback()
	return done


def test_seed(site):
	assert "all were there" in flow("seed").stdout
	frappe.db.delete("Flow Template", {"template_name": "phone_service"})
	assert "1 inserted" in flow("seed").stdout
	assert r.seeded("phone_service").version == 1


def test_export_validate_and_import(site, tmp_path):
	assert flow("export", "quotation_follow_up", "-o", "q.json", cwd=tmp_path).returncode == 0
	exported = json.loads((tmp_path / "q.json").read_text())
	assert (
		exported["template_name"] == "quotation_follow_up" and len(exported["flow_definition"]["steps"]) == 3
	)
	assert json.loads(flow("export", r.seeded("quotation_follow_up").name).stdout) == exported
	checked = flow("validate", "q.json", "--json", cwd=tmp_path)
	assert checked.returncode == 0 and json.loads(checked.stdout) == {"problems": [], "warnings": []}
	exported["template_name"] = r.unique("Imported")
	(tmp_path / "q.json").write_text(json.dumps(exported))
	assert "new" in flow("import", "q.json", cwd=tmp_path).stdout
	assert frappe.db.exists("Flow Template", {"template_name": exported["template_name"], "is_system": 0})


def test_validate_says_every_problem_and_exits_1(site, tmp_path):
	(tmp_path / "bad.json").write_text(
		json.dumps({"steps": [{"id": "a", "kind": "nope"}, {"id": "a", "kind": "wait"}]})
	)
	(tmp_path / "worse.json").write_text("{")
	done = flow("validate", "bad.json", "worse.json", "--json", cwd=tmp_path)
	problems = json.loads(done.stdout)["problems"]
	assert done.returncode == 1 and len(problems) == 3
	assert {(p["step"], p["field"]) for p in problems} == {
		("a", "kind"),
		("a", "id"),
		("", "flow_definition"),
	}
	assert "3 problems" in flow("validate", "bad.json", "worse.json", cwd=tmp_path).stdout


def test_an_import_is_all_or_nothing(site, tmp_path):
	good, bad = (
		{"template_name": r.unique("x"), "flow_definition": {"steps": []}},
		{"template_name": "y", "flow_definition": {"steps": 5}},
	)
	(tmp_path / "good.json").write_text(json.dumps(good))
	(tmp_path / "bad.json").write_text(json.dumps(bad))
	done = flow("import", "good.json", "bad.json", cwd=tmp_path)
	assert done.returncode == 1 and "steps" in done.stderr
	assert not frappe.db.exists("Flow Template", {"template_name": good["template_name"]})


def _documented() -> list[str]:
	"""What README.md and docs/ have `bench … flow` do, each once."""
	pages = (bench.CHECKOUT / "README.md", *sorted((bench.CHECKOUT / "docs").glob("*.md")))
	lines = "\n".join(page.read_text(encoding="utf-8") for page in pages).splitlines()
	head = "bench --site your.site flow "
	return list(dict.fromkeys(line.removeprefix(head) for line in lines if line.startswith(head)))


def test_what_the_docs_have_it_do_is_done(site, tmp_path):
	party = r.customer()
	r.subscription(party)
	shutil.copy(SEEDS / "residential_onboarding.json", tmp_path / "onboarding.json")
	documented = _documented()
	assert {shlex.split(command)[0] for command in documented} >= {
		"doctor", "seed", "validate", "run", "export", "import", "restore",
	}  # fmt: skip
	for command in documented:
		words = [party.name if word == "Ana Tremblay" else word for word in shlex.split(command)]
		done = flow(*words, cwd=tmp_path)
		# The doctor's answer is the site's: 1 says that something is to be mended.
		assert done.returncode in ((0, 1) if words[0] == "doctor" else (0,)), (command, done.stderr)
		assert "Traceback" not in done.stderr, (command, done.stderr)


def test_run(site):
	party = r.customer()
	r.subscription(party)
	done = flow(
		"run",
		"fiber_install",
		"--doctype",
		"Customer",
		"--docname",
		party.name,
		"--variables",
		'{"group": "South"}',
	)
	assert done.returncode == 0, done.stderr
	(run,) = r.runs(r.seeded("fiber_install"))
	assert run.name in done.stdout and "survey" in done.stdout
	job = r.state(run)["install"]["result"]["job"]
	assert frappe.db.get_value("Dispatch Job", job, "assigned_group") == "South"
	missing = flow("run", "no_such_flow")
	assert missing.returncode == 1 and "no_such_flow" in missing.stderr


def test_doctor(site):
	findings = {f["what"]: f for f in json.loads(flow("doctor", "--json").stdout)["findings"]}
	assert {"Scheduler", "Workers", "Inbox", "Runs", "SMS gateway", "E-mail", "Flows"} <= set(findings)
	assert (
		findings["Inbox"]["ok"]
		and not findings["SMS gateway"]["ok"]
		and "SMS Settings" in findings["SMS gateway"]["advice"]
	)
	assert findings["Frappe"]["ok"] == (bench.major() in doctor.TESTED)
	flow_template = r.template(
		r.step("a", "issue", payload={"subject": "s", "priority": "none such"}),
		r.step("b", trigger={"type": "after_delay", "delay_days": 1}),
	)
	from flow_editor.services import starting

	run = starting.start(site, flow_template.name).run
	r.make_due(run.name)
	done = flow("doctor")
	assert done.returncode == 1 and run.name in done.stdout and "1 overdue" in done.stdout


@pytest.mark.parametrize(
	("version", "ok"), [("15.92.0", True), ("16.4.1", True), ("17.0.0-dev", False), ("18.1.0", False)]
)
def test_doctor_says_so_on_a_frappe_that_was_not_tested(site, monkeypatch, version, ok):
	monkeypatch.setattr(frappe, "__version__", version)
	(finding,) = doctor._version(site)
	assert (finding.found, finding.ok) == (version, ok)
	assert ok or "tested with Frappe 15 and 16" in finding.advice


@pytest.mark.parametrize("command", [(), ("--help",)])
def test_help_names_every_command(site, command):
	said = flow(*command)
	for name in ("seed", "validate", "run", "export", "import", "doctor"):
		assert name in said.stdout + said.stderr
