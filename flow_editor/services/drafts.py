"""A template's draft: what its author has in hand, kept on the server beside what is published.

It may have any problem that a flow can have, as long as it is JSON within the limits. It decides nothing: no run reads it,
and `publishing.publish` alone makes a version of it. A template that was never published has version 0, and its record
shows no more than its draft's name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flow_editor.engine.definition import LANGUAGE_VERSION
from flow_editor.engine.errors import Conflict, Invalid, NotAllowed, Problem
from flow_editor.engine.reading import load, read_json
from flow_editor.engine.unseen import unseen_problem
from flow_editor.services import acting, meaning
from flow_editor.services.authored import (
	AUTHORED,
	CATEGORIES,
	MAX_LINE,
	about_of,
	agree_on_trigger,
	examine,
	fill_in,
	fingerprint,
	flag,
	numbered,
	plain,
	refusal_to_rename,
	steps_of,
)
from flow_editor.services.host import Host

#: What a draft holds of a template.
FIELDS = tuple(name for name in AUTHORED if name != "is_active")
#: What an unpublished template is called whose draft has no name that a record can have.
UNTITLED = "Untitled flow"


def draft_of(template: Mapping[str, Any]) -> dict[str, Any] | None:
	"""A stored template's draft as the doors show it, None if it has none.

	Returns:
		FIELDS, with the definition as an object; `version`, the published one that it stands on; `draft_revision`,
		`draft_by` and `draft_at`.
	"""
	if not template.get("draft"):
		return None
	kept = json.loads(template["draft"])
	return {
		**kept["fields"],
		"version": kept["version"],
		"draft_revision": int(template["draft_revision"]),
		"draft_by": template["draft_by"],
		"draft_at": template["draft_at"],
	}


def is_unpublished(template: Mapping[str, Any]) -> bool:
	return not int(template.get("version") or 0)


def unpublished_draft(template: Mapping[str, Any]) -> dict[str, Any] | None:
	"""The draft that is all there is of a template, None if it has been published."""
	return draft_of(template) if is_unpublished(template) else None


def says_the_same(template: Mapping[str, Any], draft: Mapping[str, Any]) -> bool:
	"""Whether a draft says no more than what is published."""
	published = _published(template)
	return all(draft[name] == published[name] for name in FIELDS)


def _published(template: Mapping[str, Any]) -> dict[str, Any]:
	definition = template.get("flow_definition") or {}
	if isinstance(definition, str):
		try:
			definition = json.loads(definition)
		except ValueError:
			pass  # as an older version or the database let it in: whoever keeps a draft brings another
	return {name: plain(template.get(name)) for name in FIELDS} | {"flow_definition": definition}


# Who was first


def check_version(template: Mapping[str, Any], version: Any) -> None:
	"""Raise Conflict if the version that an author started from is not the published one."""
	if version not in (None, "") and str(version) != str(template.get("version")):
		raise Conflict(
			f"Somebody saved version {template.get('version')} of this flow while you were editing version {version}. "
			"Open it again, or save yours as a duplicate."
		)


def check_revision(host: Host, template: Mapping[str, Any], revision: Any) -> None:
	"""Raise Conflict, saying who and when, if the revision of the draft that an author started from is not the kept one."""
	kept = int(template.get("draft_revision") or 0)
	if revision in (None, "") or str(revision) == str(kept):
		return
	if template.get("draft"):
		raise Conflict(
			f"{template['draft_by']} kept revision {kept} of this draft at {_moment(template['draft_at'])}, while you were "
			f"editing revision {revision}. Nothing of theirs is changed. Look at it, then keep yours with draft_revision "
			f"{kept}, or as a duplicate."
		)
	raise Conflict(
		f"The draft whose revision {revision} you were editing is not there any more: it was published or discarded. "
		f"{_last_published(host, template)} Keep yours with draft_revision {kept}, or as a duplicate."
	)


def check_base(host: Host, template: Mapping[str, Any]) -> None:
	"""Raise Conflict, saying who and when, if anything but a draft has been published since its draft was begun.

	Switching a flow on or off is no such thing: it is no part of a draft.
	"""
	kept = json.loads(template["draft"])
	if is_unpublished(template) or kept["fingerprint"] == fingerprint(template):
		return
	raise Conflict(
		f"This draft was begun on version {kept['version']}, and the flow has been changed since. "
		f"{_last_published(host, template)} Look at what that changed, keep the draft with version {template['version']}, "
		"and publish it then."
	)


def _last_published(host: Host, template: Mapping[str, Any]) -> str:
	for last in host.store.versions(template["name"], limit=1):
		return f"{last['saved_by']} published version {last['version']} at {_moment(last['saved_at'])}."
	return "It has no version."


def _moment(at: Any) -> str:
	return str(at)[:16]


# Keeping


def create(host: Host, values: Mapping[str, Any]) -> str:
	"""Store a template of version 0 with its draft. Raises as `templates.create_draft`."""
	row = {"template_name": UNTITLED, "run_as": host.user}
	switch(host, row, values)
	before = dict.fromkeys(FIELDS, "") | {"flow_definition": {}, "run_as": host.user}
	fields = _drafted(host, before, values, None)
	row |= _shown(host, fields)
	return host.store.insert_template(row, draft=_text(fields, row | {"version": 0}))


def keep(host: Host, template: Mapping[str, Any], values: Mapping[str, Any], *, version: Any = None) -> None:
	"""Store a template's draft with these fields in it; the others stay. The template's row must be locked."""
	draft = draft_of(template)
	if draft and str(version) == str(draft["version"]) and _stands(template):
		version = None  # it was switched on or off meanwhile
	elif version not in (None, "") and str(version) != str(template.get("version")):
		raise Conflict(
			f"{_last_published(host, template)} You were editing version {version}. Look at what that changed, then keep yours "
			f"with version {template.get('version')}, or as a duplicate."
		)
	before = draft or _published(template)
	fields = _drafted(host, before, values, before)
	if draft and version in (None, ""):
		kept = json.loads(template["draft"])
		text = _text(fields, template, base={name: kept[name] for name in ("version", "fingerprint")})
	else:
		text = _text(fields, template)
	shown = _shown(host, fields, template["name"]) if is_unpublished(template) else {}
	host.store.keep_draft(template["name"], text, _next(template), shown)


def clear(host: Host, template: Mapping[str, Any]) -> None:
	"""Take a template's draft away. Its revision counts on, so that a later draft is not taken for this one."""
	host.store.keep_draft(template["name"], "", _next(template), {})


def switch(host: Host, template: Mapping[str, Any], values: Mapping[str, Any]) -> None:
	"""Switch what is published on or off, if the values say so. Raises Conflict if nothing is published."""
	wanted = flag(values.get("is_active"))
	if "is_active" not in values or wanted == flag(template.get("is_active")):
		return
	if is_unpublished(template):
		raise Conflict(
			f"{template['template_name']} was never published, so it cannot be switched on. Publish it first."
		)
	host.store.update_template(template["name"], {"is_active": wanted})


def _next(template: Mapping[str, Any]) -> int:
	return int(template.get("draft_revision") or 0) + 1


def _stands(template: Mapping[str, Any]) -> bool:
	return json.loads(template["draft"])["fingerprint"] == fingerprint(template)


def _text(
	fields: Mapping[str, Any], template: Mapping[str, Any], base: Mapping[str, Any] | None = None
) -> str:
	base = base or {"version": int(template.get("version") or 0), "fingerprint": fingerprint(template)}
	return json.dumps({**base, "fields": fields}, ensure_ascii=False)


def _drafted(
	host: Host, before: Mapping[str, Any], values: Mapping[str, Any], old: Mapping[str, Any] | None
) -> dict[str, Any]:
	"""A draft's fields after a write.

	Raises:
		Invalid: they are no JSON, or too large.
	"""
	fields = {name: plain(values.get(name, before[name])) for name in FIELDS if name != "flow_definition"}
	text = json.dumps(fields, ensure_ascii=False)
	size = len(text.encode("utf-8", "surrogatepass"))
	try:
		read_json(text)
		if size > host.limits.max_bytes:
			raise ValueError(
				f"has {size:,} bytes beside its definition; at most {host.limits.max_bytes:,} are kept. Shorten its texts."
			)
	except ValueError as error:
		raise Invalid.because([Problem(f"The draft {error}", field="notes")]) from None
	written = values.get("flow_definition", before["flow_definition"])
	if written in (None, "", {}):
		written = {"version": LANGUAGE_VERSION, "trigger": {}, "variables": {}, "steps": []}
	definition = dict(load(written, host.limits))
	fill_in(fields)
	agree_on_trigger(fields, definition, old)
	return {**fields, "flow_definition": definition}


def _shown(host: Host, fields: Mapping[str, Any], name: str = "") -> dict[str, str]:
	"""The name and category by which a template that was never published is found; a number stands behind a name that
	another flow has."""
	title = fields["template_name"].strip()[:MAX_LINE].rstrip()
	title = UNTITLED if not title or unseen_problem(title) else title
	category = fields["category"] if fields["category"] in CATEGORIES else "other"

	def is_taken(candidate: str) -> bool:
		found = host.store.templates({"template_name": candidate, "category": category}, limit=2)
		return any(other["name"] != name for other in found)

	return {
		"template_name": numbered(title, is_taken) if is_taken(title) else title,
		"category": category,
	}


# What is wrong with it


def findings(host: Host, template: Mapping[str, Any]) -> tuple[list[Problem], list[Problem]]:
	"""Every problem of a stored template's draft, and what is probably not meant in it."""
	new = {**template, **(draft_of(template) or {}), "name": template["name"]}
	old = None if is_unpublished(template) else template
	fields, definition, problems = examine(host, new, old)
	problems += host.store.link_problems(fields)
	if refusal := refusal_to_rename(fields, template):
		problems.append(Problem(refusal, field="template_name"))
	warnings = meaning.warnings(host, definition, about_of(new | fields), steps_of(problems))
	return problems, warnings if problems else warnings + _who(host, template, fields)


def _who(host: Host, template: Mapping[str, Any], fields: Mapping[str, Any]) -> list[Problem]:
	"""What publishing would refuse or the flow's user may not do, as far as the acting user is to know."""
	before = template.get("run_as") or ""
	try:
		user = acting.after_write(host, fields["run_as"], before, True)
	except NotAllowed as error:
		return [Problem(error.message, field="run_as")]
	if user != host.user and not host.may_name(user):
		return []
	return [Problem(message, field="run_as") for message in acting.may_not(host, {**fields, "run_as": user})]
