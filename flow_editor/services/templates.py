"""The use cases of a template: find, make, change, delete, copy and check one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flow_editor.engine.errors import Conflict, Invalid, NotAllowed, Problem, RunAsChanges
from flow_editor.engine.reading import load
from flow_editor.services import acting, meaning
from flow_editor.services.authored import (
	PORTABLE,
	as_written,
	authored_in,
	check_names,
	flag,
	problems_of,
	steps_of,
)
from flow_editor.services.host import Host


def find(host: Host, filters: Mapping[str, Any], *, start: int = 0, limit: int = 0) -> list[dict[str, Any]]:
	"""Templates without their definitions. Filters: category, applies_to, is_active, trigger_event."""
	wanted = {name: value for name, value in filters.items() if value not in (None, "")}
	if "is_active" in wanted:
		wanted["is_active"] = flag(wanted["is_active"])
	return [as_dict(template) for template in host.store.templates(wanted, start=start, limit=limit)]


def get(host: Host, name: str) -> dict[str, Any]:
	return as_dict(host.store.template(name))


def create(host: Host, values: Mapping[str, Any]) -> dict[str, Any]:
	"""Store a new template. Raises Invalid with every problem, or NotAllowed."""
	check_names(values)
	return get(host, host.store.insert_template(authored_in(values)))


def update(host: Host, name: str, patch: Mapping[str, Any]) -> dict[str, Any]:
	"""Change some fields of a template.

	Args:
		patch: the fields to change. `version`, if given, is the one that the author started from, and `will_run_as`
			the user of whom they were told that it will run as them.

	Raises:
		Conflict: somebody else has saved it since that version.
		RunAsChanges: it would run as another than they were told.
	"""
	stored = host.store.template(name)
	patch = dict(patch)
	told = patch.pop("will_run_as", None)
	check_names(patch)
	base = patch.get("version")
	if base not in (None, "") and str(base) != str(stored.get("version")):
		raise Conflict(
			f"Somebody saved version {stored.get('version')} of this flow while you were editing version {base}. "
			"Open it again, or save yours as a duplicate."
		)
	if "is_system" in patch and bool(patch["is_system"]) != bool(stored.get("is_system")):
		raise NotAllowed("Whether a template is a system template cannot be changed.")
	patch = authored_in(patch)
	if told and told != (will := as_written(host, stored, patch)["run_as"]):
		raise RunAsChanges(
			f"This flow would run as {will} once it is saved so, not as {told}. Save it again if it should."
		)
	host.store.update_template(name, patch)
	return get(host, name)


def delete(host: Host, name: str) -> None:
	"""Delete a template. Raises NotAllowed for a system template, Conflict while runs of it are on."""
	check_deletion(host, host.store.template(name))
	host.store.delete_template(name)


def check_deletion(host: Host, template: Mapping[str, Any]) -> None:
	"""The rule of deleting, for hosts to call at the record."""
	if template.get("is_system"):
		raise NotAllowed(
			f"{template.get('template_name')} is a system template and cannot be deleted. Switch it off instead."
		)
	unfinished = [
		run
		for status in ("running", "failed")
		for run in host.store.runs(
			{"flow_template": template["name"], "status": status, "completed_at": None}, limit=1
		)
	]
	if unfinished:
		raise Conflict(
			f"{template.get('template_name')} has runs under way, such as {unfinished[0].name}. "
			"Cancel them or let them end, then delete it."
		)


def duplicate(host: Host, name: str, new_name: str | None = None) -> dict[str, Any]:
	"""Copy a template. The copy is nobody's system template, is switched off, and runs as who copied it."""
	source = host.store.template(name)
	values = {field: source.get(field) for field in PORTABLE}
	values["is_active"] = 0
	values["template_name"] = new_name or _free_name(host, source)
	return get(host, host.store.insert_template(values))


def _free_name(host: Host, source: Mapping[str, Any]) -> str:
	stem = f"{source['template_name']} (copy"
	for number in range(1, 1000):
		name = f"{stem})" if number == 1 else f"{stem} {number})"
		if not host.store.templates({"template_name": name, "category": source["category"]}, limit=1):
			return name
	raise Conflict(f"There are too many copies of {source['template_name']}. Give the new one a name.")


def check(
	host: Host, definition: Any, about: meaning.About = meaning.ALONE
) -> tuple[list[Problem], list[Problem]]:
	"""Every problem of a definition that is not stored, and what is probably not meant in it.

	Args:
		definition: JSON text, or a parsed object.
		about: what its template says beside it.
	"""
	try:
		definition = load(definition, host.limits)
	except Invalid as error:
		return list(error.problems), []
	problems = problems_of(host, definition, about)
	warnings = meaning.warnings(host, definition, about, steps_of(problems))
	return problems, warnings if problems else warnings + _not_permitted(host, definition, about)


def _not_permitted(host: Host, definition: Mapping[str, Any], about: meaning.About) -> list[Problem]:
	"""What a sound flow does and its user may not, as far as the acting user is to know."""
	user = host.store.template(about.name).get("run_as") if about.name else ""
	user = user or host.user
	if user != host.user and not host.may_name(user):
		return []
	trigger = definition.get("trigger") or {}
	template = {
		"run_as": user,
		"trigger_event": about.event or trigger.get("event"),
		"applies_to": about.doctype,
		"flow_definition": definition,
	}
	return [Problem(message, field="run_as") for message in acting.may_not(host, template)]


def as_dict(template: Mapping[str, Any]) -> dict[str, Any]:
	"""A template as the doors show it: its definition as an object, or as it stands with its `problems`."""
	shown = dict(template)
	text = shown.get("flow_definition")
	if isinstance(text, str):
		try:
			shown["flow_definition"] = json.loads(text) if text else {}
		except ValueError as error:
			shown["problems"] = [
				Problem(f"The definition is not JSON: {error}. Mend it.", field="flow_definition").as_dict()
			]
	return shown
