"""Every command and example of the README and of the pages of docs/ is true."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from flow_editor.doors.routes import PREFIX, ROUTES
from flow_editor.engine.kind import Catalog
from flow_editor.engine.validation import validate
from flow_editor.kinds import builtin_kinds
from flow_editor.services.events import EVENTS
from flow_editor.services.portable import SEEDS

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = {
	path: path.read_text(encoding="utf-8")
	for path in (
		ROOT / "README.md",
		ROOT / "CONTRIBUTING.md",
		ROOT / "CHANGELOG.md",
		*sorted((ROOT / "docs").glob("*.md")),
	)
}
TEXT = "\n".join(PAGES.values())
#: Each command once, where it stands first.
COMMANDS = list(
	dict.fromkeys(
		line.strip()
		for block in re.findall(r"```bash\n(.*?)```", TEXT, re.DOTALL)
		for line in block.splitlines()
		if line.strip()
	)
)
LAB = [command for command in COMMANDS if command.startswith("flow-editor ")]


def free_port() -> int:
	with socket.socket() as probe:
		probe.bind(("127.0.0.1", 0))
		return probe.getsockname()[1]


def answers(port: int, process: subprocess.Popen) -> bool:
	deadline = time.monotonic() + 120
	while time.monotonic() < deadline and process.poll() is None:
		try:
			with urllib.request.urlopen(f"http://127.0.0.1:{port}/lab/state", timeout=2) as answer:
				return answer.status == 200
		except OSError:
			time.sleep(0.2)
	return False


def served(command: list[str], port: int, cwd: Path) -> bool:
	process = subprocess.Popen(
		command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
	)
	try:
		return answers(port, process)
	finally:
		os.killpg(process.pid, signal.SIGTERM)
		process.wait(timeout=30)


def test_the_readme_itself_has_the_commands_that_one_begins_with():
	"""What is longer than a screen stands in docs/."""
	in_readme = "".join(re.findall(r"```bash\n(.*?)```", README, re.DOTALL)).splitlines()
	assert in_readme[:4] == [
		"make lab",
		"make test",
		"bench get-app /path/to/flow_editor",
		"bench --site your.site install-app flow_editor",
	]
	for sort in ("flow-editor ", "bench --site your.site flow "):
		assert [command for command in in_readme if command.startswith(sort)]


def test_each_command_is_of_a_sort_that_a_test_runs():
	"""`make` and `flow-editor` here, `bench … flow` in tests/site/test_commands.py, `bench get-app` in tests/http/test_get_app.py, and installing by tests/site/bench.py."""
	sorts = (
		"make ",
		"flow-editor ",
		"bench --site your.site flow ",
		"bench --site your.site install-app",
		"bench get-app",
	)
	assert len(LAB) >= 7
	assert [command for command in COMMANDS if not command.startswith(sorts)] == []


@pytest.fixture
def desk(tmp_path):
	"""A folder with the files that the README's commands name."""
	shutil.copy(SEEDS / "residential_onboarding.json", tmp_path / "onboarding.json")
	contract = {
		"doctype": "Contract",
		"name": "CON-1",
		"customer": {"customer_name": "Ana", "email_id": "a@example.com"},
	}
	(tmp_path / "contract.json").write_text(json.dumps(contract))
	return tmp_path


def test_the_lab_s_commands_do_as_they_say(desk):
	for command in LAB:
		words = [str(Path(sys.executable).parent / "flow-editor"), *shlex.split(command)[1:]]
		if "serve" in words:
			port = free_port()
			words[words.index("--port") + 1] = str(port)
			assert served(words, port, desk), command
			continue
		done = subprocess.run(words, cwd=desk, capture_output=True, text=True, timeout=120)
		assert done.returncode == 0, (command, done.stdout, done.stderr)
	assert (desk / "follow_up.json").exists() and (desk / "flow-editor.db").exists()


def test_make_lab_serves(tmp_path):
	port = free_port()
	assert served(["make", "lab", f"PORT={port}", f"DB={tmp_path / 'lab.db'}"], port, ROOT)


def test_make_test_is_there():
	planned = subprocess.run(["make", "-n", "test"], cwd=ROOT, capture_output=True, text=True)
	assert planned.returncode == 0 and "pytest" in planned.stdout and "ruff" in planned.stdout


def test_every_make_target_is_there():
	for command in COMMANDS:
		if command.startswith("make "):
			planned = subprocess.run(["make", "-n", *shlex.split(command)[1:]], cwd=ROOT, capture_output=True)
			assert planned.returncode == 0, command


def test_the_first_flow_is_valid():
	(example,) = [text for text in re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL) if '"steps"' in text]
	assert validate(example, Catalog(builtin_kinds())) == []


def test_the_imports_that_other_apps_go_by_are_there():
	(block,) = [
		text for text in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "from flow_editor" in text
	]
	exec(compile(block, "README.md", "exec"), {})


def test_every_route_is_named():
	for route in ROUTES:
		path = route.path.replace("{template}", "NAME").replace("{run}", "NAME").replace("{version}", "N")
		assert PREFIX + path in TEXT or f"`{path}`" in TEXT, path


def test_every_event_is_named_with_the_variables_that_it_gives():
	page = PAGES[ROOT / "docs" / "definition.md"]
	rows = {row[0]: row[2] for row in re.findall(r"^\| `(\w+)` \|(.*)\|(.*)\|$", page, re.MULTILINE)}
	for event in EVENTS:
		given = {name for source in event.sources for name in source.variables}
		assert given == set(re.findall(r"`(\w+)`", rows[event.name])), event.name


def _anchors(page: str) -> set[str]:
	"""The anchors of a page's headings, as GitHub makes them."""
	headings = re.findall(r"^#+ (.*)$", page, re.MULTILINE)
	return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_and_heading_that_it_names_is_there(page):
	for target, named in re.findall(
		r"(?:\]\(|src=\")([^)\"]+)[)\"]|`((?:flow_editor|tests|docs)/[\w/.]+)`", PAGES[page]
	):
		if target.startswith(("http://", "https://")):
			continue
		path, _, anchor = target.partition("#")
		file = ROOT / named if named else (page.parent / path if path else page)
		assert file.exists(), target or named
		if anchor:
			assert anchor in _anchors(PAGES[file.resolve()]), target
