"""The use cases of a template and its draft: find, make, change, delete, copy and check one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flow_editor.engine.errors import Conflict, Invalid, NotAllowed, Problem, RunAsChanges
from flow_editor.engine.reading import load
from flow_editor.services import acting, drafts, meaning
from flow_editor.services.authored import (
	DRAFTED,
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
	"""Change some fields of a template: what they say is published, over its draft if it has never been published.

	Its draft stays, unless that says nothing else.

	Args:
		patch: the fields to change. `version`, if given, is the one that the author started from, and `will_run_as`
			the user of whom they were told that it will run as them.

	Raises:
		Conflict: somebody else has saved it since that version; or it is to be switched on, and was never published.
		RunAsChanges: it would run as another than they were told.
	"""
	stored = host.store.template(name)
	patch = dict(patch)
	told = patch.pop("will_run_as", None)
	_check_patch(stored, patch)
	drafts.check_version(stored, patch.get("version"))
	patch = authored_in(patch)
	draft = drafts.draft_of(stored)
	if drafts.is_unpublished(stored):
		if patch.keys() == {"is_active"}:
			drafts.switch(host, stored, patch)
			return get(host, name)
		patch = {**authored_in(draft or {}), **patch}
	check_told(host, stored, patch, told)
	host.store.update_template(name, patch)
	if draft:
		written = host.store.template(name, lock=True)
		draft = drafts.draft_of(written)  # as somebody may have kept it meanwhile
		if draft and drafts.says_the_same(written, draft):
			drafts.clear(host, written)
	return get(host, name)


def check_told(host: Host, stored: Mapping[str, Any], patch: Mapping[str, Any], told: str | None) -> None:
	"""Raise RunAsChanges if a write would let a template run as another than its author was told."""
	if told and told != (will := as_written(host, stored, patch)["run_as"]):
		raise RunAsChanges(
			f"This flow would run as {will} once it is saved so, not as {told}. Save it again if it should."
		)


def _check_patch(stored: Mapping[str, Any], patch: Mapping[str, Any]) -> None:
	check_names(patch)
	if "is_system" in patch and bool(patch["is_system"]) != bool(stored.get("is_system")):
		raise NotAllowed("Whether a template is a system template cannot be changed.")


def create_draft(host: Host, values: Mapping[str, Any]) -> str:
	"""Store a new template that is nothing but a draft, whatever is wrong with that, and return its name.

	Raises:
		Invalid: it is no JSON, or too large.
		Conflict: it is to be switched on.
	"""
	check_names(values)
	return drafts.create(host, authored_in(values))


def keep_draft(host: Host, name: str, patch: Mapping[str, Any]) -> None:
	"""Keep some fields in a template's draft, whatever is wrong with them. What is published stays as it is.

	Args:
		patch: the fields; the others stay as they are in the draft, or as they are published. `draft_revision`, if given,
			is the one that the author started from, and `version` the published one, which the draft then stands on.
			`is_active` is no part of a draft: it acts at once on what is published.

	Raises:
		Invalid: it is no JSON, or too large.
		Conflict: somebody else has kept or published one since; or it is to be switched on, and was never published.
	"""
	stored = host.store.template(name, lock=True)
	patch = {name: value for name, value in patch.items() if name != "will_run_as"}
	_check_patch(stored, patch)
	drafts.check_revision(host, stored, patch.get("draft_revision"))
	drafts.keep(host, stored, authored_in(patch), version=patch.get("version"))
	drafts.switch(host, stored, patch)


def discard_draft(host: Host, name: str, draft_revision: Any = None) -> bool:
	"""Give up a template's draft. False if it has none.

	Raises:
		Conflict: somebody else has kept another since that revision, or the draft is all there is of the template.
	"""
	stored = host.store.template(name, lock=True)
	if drafts.draft_of(stored) is None:
		return False
	if drafts.is_unpublished(stored):
		raise Conflict(
			f"{stored['template_name']} was never published, so its draft is all there is of it. Delete the flow instead."
		)
	drafts.check_revision(host, stored, draft_revision)
	drafts.clear(host, stored)
	return True


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
	"""Copy a template; of one that was never published, its draft. The copy is nobody's system template, is switched off, and runs as who copied it."""
	source = host.store.template(name)
	values = {field: (drafts.unpublished_draft(source) or source).get(field) for field in PORTABLE}
	values["is_active"] = 0
	values["template_name"] = new_name or _free_name(host, source)
	if drafts.is_unpublished(source):
		return get(host, drafts.create(host, values))
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
	"""A template as the doors show it: its definition as an object, or as it stands with its `problems`; without its draft,
	which `drafts.draft_of` shows."""
	shown = {name: value for name, value in template.items() if name != "draft"}
	shown |= {name: template.get(name) or None for name in DRAFTED}
	shown["draft_revision"] = int(shown["draft_revision"] or 0)
	text = shown.get("flow_definition")
	if isinstance(text, str):
		try:
			shown["flow_definition"] = json.loads(text) if text else {}
		except ValueError as error:
			shown["problems"] = [
				Problem(f"The definition is not JSON: {error}. Mend it.", field="flow_definition").as_dict()
			]
	return shown
