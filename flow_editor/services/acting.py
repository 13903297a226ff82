"""Who a flow runs as: which user that is after a write, what of the flow that user may not do, and what its author is told.

What a user may do is asked of their roles, DocType by DocType. Which documents they are kept from beyond that, only a
run finds out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from flow_editor.engine.errors import FlowError, NotAllowed
from flow_editor.engine.ports import CUSTOMER
from flow_editor.services.customers import PARTY_FIELDS
from flow_editor.services.host import Host

#: Fields by which a document names its customer.
NAMES_CUSTOMER = {"customer", *(party for _, party in PARTY_FIELDS)}
#: What the start needs, in place of a step's name.
START = ""


def after_write(host: Host, wanted: str, before: str, acts_otherwise: bool) -> str:
	"""Who a flow runs as after a write: its author, unless somebody who may name others says otherwise.

	Someone who may not, and changes what a flow does that runs as another, makes it run as themselves: else
	editing a flow would be a way to act as its owner.

	Args:
		wanted: the user that the write names, or an empty text.
		before: the user that is stored, empty for a new flow.
		acts_otherwise: whether the write changes what the flow does.

	Raises:
		NotAllowed: it names somebody whom the acting user may not name.
	"""
	wanted = wanted or before or host.user
	if wanted == host.user or host.may_name(wanted):
		return wanted
	if wanted != before:
		raise NotAllowed(f"Only a System Manager may let a flow run as somebody else ({wanted}).")
	return host.user if acts_otherwise else before


def notices(host: Host, after: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> list[str]:
	"""What an author is told once a template is written: that it runs as another user than before, and what that user
	may not do. Of a new one, only what its user may not do.

	Args:
		after, before: a template's fields; the definition as an object or as text.
	"""
	now, was = after["run_as"], (before.get("run_as") or "") if before else None
	if now == was:
		return []
	lacking = may_not(host, after)
	who = f"you ({now})" if now == host.user else now
	if was is None:
		return [f"This flow runs as {who}.", *lacking] if lacking else []
	said = f"This flow now runs as {who}, no longer as {was or 'nobody'}"
	if now == host.user and not host.may_name(was):
		return [f"{said}: only a System Manager may change what runs as another.", *lacking]
	return [f"{said}.", *lacking]


def may_not(host: Host, template: Mapping[str, Any]) -> list[str]:
	"""A sentence for each thing that a flow's start or steps do and that no role of its user allows."""
	user = template["run_as"]
	needed: dict[tuple[str, str], list[str]] = {}
	for where, permission, doctype in _needs(host, template):
		steps = needed.setdefault((permission, doctype), [])
		if where not in steps:
			steps.append(where)
	try:
		with host.acting_as(user):
			return [
				_sentence(user, permission, doctype, steps)
				for (permission, doctype), steps in needed.items()
				# Who is told that they may not change it need not be told that they may not read it.
				if not (permission == "read" and steps == needed.get(("write", doctype)))
				if not host.documents.may(permission, doctype)
			]
	except FlowError as error:  # there is no such user, or they are disabled
		return [error.message]


def _sentence(user: str, permission: str, doctype: str, steps: list[str]) -> str:
	if steps[0] == START:
		return f"{user} may not {permission} {doctype}, and the flow starts only on what they may read."
	names = f"the step {steps[0]} does" if len(steps) == 1 else f"the steps {', '.join(steps)} do"
	return f"{user} may not {permission} {doctype}, as {names}."


def _needs(host: Host, template: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
	"""(the step's name, permission, DocType) of all that a flow reads or writes, as far as it says so."""
	event = host.events.get(template.get("trigger_event") or "")
	applies_to = template.get("applies_to")
	about = [applies_to] if applies_to else [source.doctype for source in event.sources] if event else []
	for doctype in dict.fromkeys(about):
		yield START, "read", doctype
		if _names_customer(host, doctype):
			yield START, "read", CUSTOMER
	definition = template["flow_definition"]
	definition = json.loads(definition) if isinstance(definition, str) else definition
	for step in definition.get("steps") or ():
		if kind := host.catalog.get(step["kind"]):
			name, payload = step.get("label") or step["id"], step.get("payload") or {}
			for write in kind.writes(payload):
				if write.doctype:
					yield name, "create" if write.creates else "write", write.doctype
			for doctype in kind.reads(payload):
				yield name, "read", doctype


def _names_customer(host: Host, doctype: str) -> bool:
	try:
		return bool(NAMES_CUSTOMER & set(host.documents.fields(doctype) or ()))
	except FlowError:  # this site has no such DocType, so none of its documents starts anything
		return False
