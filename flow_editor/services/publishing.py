"""What a template was and what it becomes: restoring a version, and what a write would do before it is done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flow_editor.engine.errors import Conflict, Invalid, NotFound, Problem
from flow_editor.engine.reading import load
from flow_editor.services import acting
from flow_editor.services.authored import PORTABLE, as_written, authored_in, check_names
from flow_editor.services.host import Host
from flow_editor.services.portable import shipped_flows
from flow_editor.services.templates import get


def check_write(host: Host, name: str, patch: Mapping[str, Any]) -> dict[str, Any]:
	"""What a write would do about who a flow runs as. Nothing is stored.

	Args:
		patch: as for `update`; or `restore`, with the version that `restore` would be given.

	Returns:
		`run_as`, `will_run_as`, `may_keep` (whether the acting user may let it run as it does), and `may_not`: a sentence
		for each thing that the flow does and its user may not.

	Raises:
		As the write would.
	"""
	stored = host.store.template(name)
	patch = dict(patch)
	version = patch.pop("restore", None)
	check_names(patch)
	after = as_written(
		host, stored, authored_in(patch) if version is None else _restored(host, stored, version)
	)
	before, will = stored.get("run_as") or "", after["run_as"]
	# What somebody else may not do is for them to know, and for who may name them.
	tells = will == host.user or host.may_name(will)
	return {
		"run_as": before,
		"will_run_as": will,
		"may_keep": before == host.user or host.may_name(before),
		"may_not": acting.may_not(host, after) if tells else [],
	}


#: The version of a flow that came with the app.
SHIPPED = "shipped"


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
	stored = get(host, name)
	host.store.update_template(name, _restored(host, stored, version))
	restored = get(host, name)
	what = "as it came with the app" if version == SHIPPED else f"as its version {version} was"
	if restored["version"] == stored["version"]:
		return restored, [f"This flow is {what} already."]
	said = f"This flow is {what}, which is version {restored['version']} now. What it was before is kept as version {stored['version']}."
	return restored, [said, *acting.notices(host, restored, stored)]


def _restored(host: Host, stored: Mapping[str, Any], version: Any) -> dict[str, Any]:
	"""The fields to write, so that a template is what it was in a version."""
	if version == SHIPPED:
		values = _shipped(stored)
		fields = {
			field: values.get(field) for field in PORTABLE if field not in ("template_name", "is_active")
		}
		definition = values["flow_definition"]
	else:
		number = str(version)
		if not (number.isascii() and number.isdigit()):
			message = f"{number[:60]!r} is no version. Give its number, or {SHIPPED}."
			raise Invalid.because([Problem(message, field="version")], "This request")
		text = host.store.definition(stored["name"], int(number))
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
