"""The house has no circles: no two modules import each other, by whatever way, also not for type hints or within a function."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import flow_editor
from flow_editor.engine.graph import strongly_connected

HOME = Path(flow_editor.__file__).parent


def modules() -> dict[str, Path]:
	named = {
		".".join(path.relative_to(HOME.parent).with_suffix("").parts): path for path in HOME.rglob("*.py")
	}
	return {
		name.removesuffix(".__init__"): path for name, path in named.items() if "node_modules" not in name
	}


def imported(path: Path, known: dict[str, Path]) -> Iterator[str]:
	for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
		if isinstance(node, ast.Import):
			yield from (alias.name for alias in node.names if alias.name in known)
		elif isinstance(node, ast.ImportFrom) and node.module in known:
			for alias in node.names:
				inner = f"{node.module}.{alias.name}"
				yield inner if inner in known else node.module


def test_no_module_imports_another_in_a_circle():
	known = modules()
	arrows = {name: sorted(set(imported(path, known)) - {name}) for name, path in known.items()}
	assert len(known) > 100 and sum(map(len, arrows.values())) > 300
	assert [sorted(part) for part in strongly_connected(arrows)] == []


#: A file has to be read at a sitting. What is longer says in its first paragraph why it is one file.
MOST_LINES = 400


def test_a_long_file_says_why_it_is_one():
	long = {}
	for name, path in modules().items():
		text = path.read_text(encoding="utf-8")
		if text.count("\n") > MOST_LINES:
			long[name] = ast.get_docstring(ast.parse(text)) or ""
	silent = [name for name, docstring in long.items() if "one file" not in docstring.lower()]
	assert silent == []
