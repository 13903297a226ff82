"""Writes docs/kinds.md from what the kinds declare of themselves.

.venv/bin/python docs/kinds.py
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from flow_editor.engine.kind import Field, Kind
from flow_editor.kinds import builtin_kinds

PAGE = Path(__file__).parent / "kinds.md"


def page() -> str:
	"""The page's text."""
	kinds = builtin_kinds()
	lines = ["# Step kinds", "", "Written by `docs/kinds.py` from the kinds themselves.", ""]
	for catalog in ("project", "agent"):
		lines += [f"## Catalog {catalog}", ""]
		for kind in kinds:
			if kind.catalog == catalog:
				lines += _kind(kind)
	return "\n".join(lines)


def _kind(kind: Kind) -> Iterator[str]:
	yield from (f"### {kind.name}: {kind.label}", "", kind.description, "")
	if kind.branches:
		yield from ("Branches: " + ", ".join(f"`{value}`" for value, _ in kind.branches) + ".", "")
	if kind.fields:
		yield from ("| field | type | required | what it holds |", "| --- | --- | --- | --- |")
		yield from map(_field, kind.fields)
		yield ""


def _field(field: Field) -> str:
	notes = [field.as_dict()["label"] + "."]
	if field.options:
		notes.append("One of " + ", ".join(f"`{value}`" for value, _ in field.choices) + ".")
	if field.default is not None:
		notes.append(f"Default: `{field.default}`.")
	if field.help:
		notes.append(field.help)
	text = " ".join(notes).replace("|", "\\|")
	return f"| `{field.name}` | {field.type} | {'yes' if field.required else ''} | {text} |"


if __name__ == "__main__":
	PAGE.write_text(page(), encoding="utf-8")
	print(f"{PAGE.name} written")
