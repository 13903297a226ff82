"""Publishing: what a template's draft says becomes a version of it; and the versions that there are.

`published` is the one place for what follows from a version: whoever writes a template, its host calls it in that write's
own transaction. What is wrong with a draft, and who may publish it, is for the rule of `authored`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flow_editor.engine.errors import Conflict, Invalid, NotFound, Problem
from flow_editor.engine.reading import load
from flow_editor.engine.unseen import unseen_problem
from flow_editor.services import acting, drafts, templates
from flow_editor.services.authored import PORTABLE, as_written, authored_in, check_names
from flow_editor.services.host import Host
from flow_editor.services.portable import shipped_flows

#: How long a note at publishing may be.
MAX_NOTE = 1000
#: The version of a flow that came with the app.
SHIPPED = "shipped"
#: Of a version's number.
MAX_DIGITS = 9


def published(host: Host, template: Mapping[str, Any], note: str = "") -> None:
	"""Store what follows from a template's new version, as the host has just written it."""
	host.store.insert_version(template, note, saved_by=host.user, saved_at=host.now())


def publish(
	host: Host,
	name: str,
	*,
	draft_revision: Any = None,
	note: str = "",
	will_run_as: str | None = None,
) -> tuple[dict[str, Any], list[str]]:
	"""Make a version of what a template's draft says, and clear the draft.

	Args:
		draft_revision: the revision of the draft that is meant; any, if not given.
		note: why, for who looks back.
		will_run_as: the user of whom its author was told that it will run as them.

	Returns:
		The template, and sentences that say what happened.

	Raises:
		Invalid: with every problem of the draft.
		Conflict: it has no draft, somebody has kept another, or the flow was changed since the draft was begun.
		NotAllowed: the draft names a user whom the acting one may not name.
		RunAsChanges: it would run as another than its author was told.
	"""
	if problem := _note_problem(note):
		raise Invalid.because([problem], "This request")
	stored = host.store.template(name, lock=True)
	drafts.check_revision(host, stored, draft_revision)
	draft = drafts.draft_of(stored)
	if draft is None:
		raise Conflict(
			f"{stored['template_name']} has no draft to publish. What was saved of it is published."
		)
	drafts.check_base(host, stored)
	fields = authored_in(draft)
	templates.check_told(host, stored, fields, will_run_as)
	host.store.update_template(name, fields, note=note)
	drafts.clear(host, stored)
	template = templates.get(host, name)
	if template["version"] == stored["version"]:
		return template, ["The draft said nothing else than what is published, so there is no new version."]
	return template, acting.notices(host, template, None if drafts.is_unpublished(stored) else stored)


def _note_problem(note: str) -> Problem | None:
	if len(note) > MAX_NOTE:
		message = f"It has {len(note):,} characters; at most {MAX_NOTE:,} are kept. Shorten it."
		return Problem(message, field="note")
	unseen = unseen_problem(note, lines=True)
	return Problem(f"It {unseen}", field="note") if unseen else None


def versions(host: Host, name: str, *, start: int = 0, limit: int = 100) -> list[dict[str, Any]]:
	"""A template's versions, newest first: `version`, `saved_by`, `saved_at`, `note` and `checksum` of each."""
	host.store.template(name)
	return host.store.versions(name, start=start, limit=limit)


def version(host: Host, name: str, number: Any) -> dict[str, Any]:
	"""One of a template's versions, with its `flow_definition`. Raises NotFound, or Invalid if it is no number."""
	host.store.template(name)
	wanted = _number(number)
	text = host.store.definition(name, wanted)
	(found,) = host.store.versions(name, number=wanted)
	return {**found, "flow_definition": json.loads(text)}


def _number(number: Any) -> int:
	text = str(number)
	if not (text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS):
		message = f"{text[:60]!r} is no version. Give its number, or {SHIPPED}."
		raise Invalid.because([Problem(message, field="version")], "This request")
	return int(text)


def check_write(host: Host, name: str, patch: Mapping[str, Any]) -> dict[str, Any]:
	"""What a write would do about who a flow runs as. Nothing is stored.

	Args:
		patch: as for `update`; or `restore`, with the version that `restore` would be given; or `draft`, which is true for
			what publishing the draft would do, with the other fields over it.

	Returns:
		`run_as`, `will_run_as`, `may_keep` (whether the acting user may let it run as it does), and `may_not`: a sentence
		for each thing that the flow does and its user may not.

	Raises:
		As the write would.
	"""
	stored = host.store.template(name)
	patch = dict(patch)
	version = patch.pop("restore", None)
	is_draft = patch.pop("draft", False)
	check_names(patch)
	fields = authored_in(patch) if version is None else _restored(host, stored, version)
	draft = drafts.draft_of(stored) if is_draft else drafts.unpublished_draft(stored)
	after = as_written(host, stored, {**authored_in(draft or {}), **fields})
	before, will = stored.get("run_as") or "", after["run_as"]
	# What somebody else may not do is for them to know, and for who may name them.
	tells = will == host.user or host.may_name(will)
	return {
		"run_as": before,
		"will_run_as": will,
		"may_keep": before == host.user or host.may_name(before),
		"may_not": acting.may_not(host, after) if tells else [],
	}


def restore(host: Host, name: str, version: Any = SHIPPED) -> tuple[dict[str, Any], list[str]]:
	"""Give a template what it had in an earlier version, or what it came with, as a new version.

	Of a version that is its definition with its start; of what came with the app everything but its name. Whether it is
	active stays as it is, and so does who it runs as, for whom may keep that.

	Args:
		version: a number, or SHIPPED.

	Returns:
		The template, and sentences that say what happened.

	Raises:
		NotFound: there is no such version, or the app brings no such flow.
		Conflict: it did not come with the app.
	"""
	stored = templates.get(host, name)
	host.store.update_template(name, _restored(host, stored, version))
	restored = templates.get(host, name)
	what = "as it came with the app" if version == SHIPPED else f"as its version {version} was"
	if restored["version"] == stored["version"]:
		return restored, [f"This flow is {what} already."]
	said = f"This flow is {what}, which is version {restored['version']} now. What it was before is kept as version {stored['version']}."
	return restored, [said, *acting.notices(host, restored, stored)]


def restore_draft(host: Host, name: str, version: Any = SHIPPED, draft_revision: Any = None) -> list[str]:
	"""As `restore`, into the template's draft, whatever is wrong with that by now. What is published stays as it is.

	Returns:
		Sentences that say what happened.

	Raises:
		NotFound, Conflict: as `restore`, and as `templates.keep_draft`.
	"""
	fields = _restored(host, host.store.template(name, lock=True), version)
	templates.keep_draft(host, name, {**fields, "draft_revision": draft_revision})
	what = "as it came with the app" if version == SHIPPED else f"as its version {version} was"
	return [f"The draft of this flow is {what}. Publish it if that is what should run."]


def _restored(host: Host, stored: Mapping[str, Any], version: Any) -> dict[str, Any]:
	"""The fields to write, so that a template is what it was in a version."""
	if version == SHIPPED:
		values = _shipped(stored)
		fields = {
			field: values.get(field) for field in PORTABLE if field not in ("template_name", "is_active")
		}
		definition = values["flow_definition"]
	else:
		text = host.store.definition(stored["name"], _number(version))
		definition, fields = load(text, host.limits), {"flow_definition": text}
	trigger = definition.get("trigger") or {}
	# Said outright, so that what the template's fields hold now does not win.
	for field, inner in (("trigger_event", "event"), ("trigger_condition", "condition")):
		fields[field] = fields.get(field) or trigger.get(inner) or ""
	return fields


def _shipped(stored: Mapping[str, Any]) -> dict[str, Any]:
	title = stored.get("template_name")
	if not stored.get("is_system"):
		raise Conflict(
			f"{title} did not come with the app. Restore one of its earlier versions, by its number."
		)
	for values in shipped_flows():
		if values["template_name"] == title:
			return values
	raise NotFound(
		f"This version of the app brings no flow {title}. Restore one of its earlier versions, by its number."
	)
