"""Flows as files: those that authors export and import, and those that the app brings."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from flow_editor.engine.errors import Conflict, Invalid, Problem, Unreadable
from flow_editor.engine.reading import load
from flow_editor.services import meaning
from flow_editor.services.authored import PORTABLE, about_of, check_names, plain, prepare, steps_of
from flow_editor.services.drafts import draft_of, is_unpublished
from flow_editor.services.host import Host
from flow_editor.services.templates import as_dict, create_draft, get, keep_draft

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


def export(host: Host, name: str, *, draft: bool = False) -> dict[str, Any]:
	"""A template as a file holds it: what an author wrote, and nothing of this host.

	Args:
		draft: what its draft says, in place of what is published.

	Raises:
		Conflict: it was never published, or has no draft.
	"""
	stored = host.store.template(name)
	if draft:
		template = draft_of(stored)
		if template is None:
			raise Conflict(f"{stored['template_name']} has no draft. Export what is published.")
	else:
		if is_unpublished(stored):
			raise Conflict(f"{stored['template_name']} was never published. Publish it, or export its draft.")
		template = as_dict(stored)
	return {field: template[field] for field in PORTABLE if template.get(field) not in (None, "")}


def import_(host: Host, values: Any) -> tuple[dict[str, Any], bool]:
	"""Store a template that `export` made, over one of the same name and category if there is one.

	Returns:
		The template, and whether it is new.
	"""
	fields = _read(values)
	known = _known(host, fields)
	if known is None:
		return get(host, host.store.insert_template(fields)), True
	host.store.update_template(known["name"], fields)
	return get(host, known["name"]), False


def import_draft(host: Host, values: Any) -> tuple[str, bool]:
	"""Keep a template that `export` made as the draft of the one of the same name and category, or of a new one, whatever is
	wrong with it. Whether it is active is left out.

	Returns:
		The template's name, and whether it is new.
	"""
	fields = {name: value for name, value in _read(values).items() if name != "is_active"}
	known = _known(host, fields)
	if known is None:
		return create_draft(host, fields), True
	keep_draft(host, known["name"], fields)
	return known["name"], False


def _read(values: Any) -> dict[str, Any]:
	"""The fields of a template that `export` made."""
	if not isinstance(values, Mapping):
		raise Unreadable("A template file holds one JSON object, such as flow export writes.")
	if "flow_definition" not in values and "steps" in values:
		raise Unreadable(
			"This is a bare definition. Put it into an object with template_name and flow_definition."
		)
	check_names(values)
	return _portable(values)


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
