"""A flow tried in memory alone, on a document of which nothing is known but its fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flow_editor.engine.definition import parse_input
from flow_editor.engine.errors import FlowError
from flow_editor.engine.inputs import is_blank
from flow_editor.services import starting, templates
from flow_editor.services.customers import customer_of
from flow_editor.services.trying import Trial, play
from flow_editor.trial.answers import Answer
from flow_editor.trial.host import TrialHost, utc_now
from flow_editor.trial.live import LiveStore

#: It may take as long as it takes: nobody waits behind it.
NO_LIMIT = 10**9


def simulate(
	definition: Any,
	*,
	doc: Mapping[str, Any] | None = None,
	variables: Mapping[str, Any] | None = None,
	inputs: Mapping[str, str] | None = None,
	now: datetime | None = None,
	until: datetime | None = None,
	answers: Mapping[str, Any] | None = None,
	http: Sequence[Answer] = (),
) -> Trial:
	"""Try a definition on a document.

	Args:
		doc: `doctype`, `name` and the fields; `customer` may be an object in place of a name.
		inputs: what the definition asks for, as text, laid over the variables.
		now: when it starts; by default now.
		until: when to stop looking; by default the end.
		answers: results for steps that wait to be completed, by step id.
		http: what web calls are answered.

	Raises:
		Invalid: with every problem of the definition.
		FlowError: it cannot be started.
	"""
	host = TrialHost(now=now or utc_now().replace(microsecond=0), store=LiveStore)
	host.http.answers = http
	with host.store.transaction():
		template = templates.create(host, {"template_name": "Simulated", "flow_definition": definition})
		doctype, name = _store(host, doc or {})
		given = {**(variables or {}), **starting.inputs_by_name(host, template["name"], inputs or {})}
		_store_named(host, template["flow_definition"], given)
		host.documents.journal.clear()
	return play(
		host,
		template["name"],
		doctype=doctype,
		docname=name,
		variables=given,
		until=until,
		answers=answers,
		seconds=NO_LIMIT,
	)


def _store(host: TrialHost, doc: Mapping[str, Any]) -> tuple[str, str]:
	"""Store the document, and the customer that it may hold. Raises FlowError if it has no DocType."""
	if not doc:
		return "", ""
	fields = dict(doc)
	doctype = fields.pop("doctype", None)
	if not isinstance(doctype, str) or not doctype:
		raise FlowError('The document has no "doctype".')
	if isinstance(fields.get("customer"), Mapping):
		wanted = dict(fields["customer"])
		wanted.setdefault("name", wanted.get("customer_name") or "CUST-00001")
		fields["customer"] = host.documents.create("Customer", wanted)
	named = customer_of(doctype, fields)
	if named and doctype != "Customer" and not host.documents.find("Customer", {"name": named}):
		# The document names a customer of whom nothing else is known.
		host.documents.create("Customer", {"name": named, "customer_name": named})
	name = fields.get("name") or f"{doctype}-1"
	return doctype, host.documents.create(doctype, {**fields, "name": name})


def _store_named(host: TrialHost, definition: Mapping[str, Any], given: Mapping[str, Any]) -> None:
	"""Store the documents that inputs name and of which nothing else is known."""
	for raw in definition.get("inputs") or ():
		one = parse_input(raw, host.field_types)
		name = given.get(one.name)
		doctype = one.type.names(one.doctype)
		if doctype in ("", "DocType") or is_blank(name) or not isinstance(name, str):
			continue
		if not host.documents.find(doctype, {"name": name}):
			host.documents.insert_quietly(doctype, {"name": name})
