"""The README's `bench get-app`, on a bench made for it beside the real one, which is left as it is."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from served import bench

README = (bench.CHECKOUT / "README.md").read_text(encoding="utf-8")
COMMAND = re.compile(r"^bench get-app /path/to/flow_editor$", re.MULTILINE)


def missing() -> str | None:
	"""The command that `bench get-app` needs and this machine does not have, or None."""
	found = shutil.which("bench")
	if found is None:
		return "bench"
	# Newer ones install with uv, which they call from PATH.
	show = "import inspect, bench.app, bench.bench; print(inspect.getsource(bench.app), inspect.getsource(bench.bench))"
	source = subprocess.run([_python_of(found), "-c", show], capture_output=True, text=True).stdout
	return "uv" if re.search(r"\buv\b", source) and shutil.which("uv") is None else None


def _python_of(command: str) -> str:
	"""The Python that a script runs with, as its first line says."""
	with open(command, errors="replace") as script:
		first = script.readline().removeprefix("#!").split()
	return first[0] if first and Path(first[0]).exists() else "python3"


if what := missing():
	os.environ["FLOW_EDITOR_LEFT_OUT"] = f"`bench get-app`: there is no `{what}` command on this machine."
	pytest.skip(f"there is no {what} command", allow_module_level=True)


@pytest.fixture
def fresh_bench():
	"""A bench with Frappe and nothing else. Frappe's files are hard links, so that what the build makes of them stays here."""
	folder = Path(tempfile.mkdtemp(prefix="flow-editor-bench-", dir=bench.BENCH.parent))
	try:
		for name in ("apps", "sites", "config/pids", "logs"):
			(folder / name).mkdir(parents=True)
		frappe = (bench.BENCH / "apps" / "frappe").resolve()
		shutil.copytree(frappe, folder / "apps" / "frappe", symlinks=True, copy_function=os.link)
		shutil.copy(bench.BENCH / "sites" / "common_site_config.json", folder / "sites")
		(folder / "sites" / "apps.txt").write_text("frappe\n")
		(folder / "sites" / "apps.json").write_text("{}")
		subprocess.run([bench.python(), "-m", "venv", folder / "env"], check=True)
		(packages,) = (folder / "env" / "lib").glob("python*/site-packages")
		(installed,) = (bench.BENCH / "env" / "lib").glob("python*/site-packages")
		(packages / "bench.pth").write_text(f"{folder / 'apps' / 'frappe'}\n{installed}\n")
		yield folder
	finally:
		shutil.rmtree(folder)


def test_bench_get_app_as_the_readme_has_it(fresh_bench, tmp_path):
	(command,) = COMMAND.findall(README)
	source = tmp_path / "flow_editor"
	subprocess.run(["git", "clone", "--quiet", bench.CHECKOUT, source], check=True)
	done = subprocess.run(
		command.replace("/path/to/flow_editor", str(source)).split(),
		cwd=fresh_bench,
		stdout=subprocess.PIPE,
		stderr=subprocess.STDOUT,
		text=True,
		timeout=300,
	)
	assert done.returncode == 0, done.stdout
	assert (fresh_bench / "sites" / "apps.txt").read_text().split() == ["frappe", "flow_editor"]
	imported = subprocess.run(
		[fresh_bench / "env" / "bin" / "python", "-c", "import flow_editor; print(flow_editor.__file__)"],
		cwd=fresh_bench,
		capture_output=True,
		text=True,
	)
	assert imported.stdout.startswith(str(fresh_bench / "apps" / "flow_editor")), imported
	built = json.loads((fresh_bench / "sites" / "assets" / "assets.json").read_text())
	assert {"flow_editor.bundle.js", "flow_editor_desk.bundle.js", "flow_editor.bundle.css"} <= set(built)
