"""Flows as files: those that authors export and import, and those that the app brings."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from flow_editor.engine.errors import Invalid, Problem, Unreadable
from flow_editor.engine.reading import load
from flow_editor.services import meaning
from flow_editor.services.authored import PORTABLE, about_of, check_names, plain, prepare, steps_of
from flow_editor.services.host import Host
from flow_editor.services.templates import get

SEEDS = Path(__file__).resolve().parent.parent / "seeds"


def check_import(host: Host, values: Mapping[str, Any]) -> tuple[list[Problem], list[Problem]]:
	"""Every problem that `import_` would find in an exported template, and what is probably not meant in it."""
	known = _known(host, values)
	fields = {**_portable(values), "name": known["name"] if known else ""}
	problems: list[Problem] = []
	for check_that in (lambda: check_names(values), lambda: prepare(host, fields, None)):
		try:
			check_that()
		except Invalid as error:
			problems += error.problems
	try:
		definition = load(values.get("flow_definition") or {}, host.limits)
	except Invalid:
		return problems, []
	return problems, meaning.warnings(host, definition, about_of(fields), steps_of(problems))


def export(host: Host, name: str) -> dict[str, Any]:
	"""A template as a file holds it: what an author wrote, and nothing of this host."""
	template = get(host, name)
	return {field: template[field] for field in PORTABLE if template.get(field) not in (None, "")}


def import_(host: Host, values: Any) -> tuple[dict[str, Any], bool]:
	"""Store a template that `export` made, over one of the same name and category if there is one.

	Returns:
		The template, and whether it is new.
	"""
	if not isinstance(values, Mapping):
		raise Unreadable("A template file holds one JSON object, such as flow export writes.")
	if "flow_definition" not in values and "steps" in values:
		raise Unreadable(
			"This is a bare definition. Put it into an object with template_name and flow_definition."
		)
	fields = _portable(values)
	check_names(values)
	known = _known(host, fields)
	if known is None:
		return get(host, host.store.insert_template(fields)), True
	host.store.update_template(known["name"], fields)
	return get(host, known["name"]), False


def seed(host: Host) -> list[str]:
	"""Insert the shipped templates that are missing, and return the names of those. Touches no other.

	Where real customers would hear of it they come switched off: somebody looks at each, and switches it on.
	"""
	inserted = []
	for values in shipped_flows():
		# One that somebody has put into another category is there all the same.
		is_there = host.store.templates({"template_name": values["template_name"], "is_system": 1}, limit=1)
		if not is_there and _known(host, values) is None:
			fields = {field: values.get(field) for field in PORTABLE}
			fields |= {"is_system": 1, "is_active": int(host.switches_seeds_on)}
			inserted.append(host.store.insert_template(fields))
	return inserted


def shipped_flows() -> Iterator[dict[str, Any]]:
	"""The flows that the app brings."""
	for path in sorted(SEEDS.glob("*.json")):
		yield json.loads(path.read_text(encoding="utf-8"))


def _known(host: Host, values: Mapping[str, Any]) -> dict[str, Any] | None:
	filters = {
		"template_name": plain(values.get("template_name")),
		"category": plain(values.get("category")) or "other",
	}
	return next(iter(host.store.templates(filters, limit=1)), None)


def _portable(values: Mapping[str, Any]) -> dict[str, Any]:
	return {field: values[field] for field in PORTABLE if field in values}
