"""Starting a run: what it is made of, what forbids it, and its first advance.

A start is written in the caller's own transaction: the run with the inbox rows that carry it on, all of it or nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from contextvars import ContextVar
from typing import Any

from flow_editor.engine import inputs, render
from flow_editor.engine.definition import Input
from flow_editor.engine.errors import Conflict, FlowError, Invalid, NotAllowed, NotFound, Problem, StepFailed
from flow_editor.engine.outcome import Outcome
from flow_editor.engine.records import VARIABLES_LENGTH, Pending, Run, Started
from flow_editor.services import life
from flow_editor.services.advance import Advance
from flow_editor.services.customers import customer_of
from flow_editor.services.definitions import flow_of
from flow_editor.services.host import Host
from flow_editor.services.work import Work

RE_ENTRY_ALWAYS = "Always"
RE_ENTRY_ONCE = "Once per document"
RE_ENTRY_ALONE = "Not while one runs"
RE_ENTRY_RULES = (RE_ENTRY_ALWAYS, RE_ENTRY_ONCE, RE_ENTRY_ALONE)
#: What the keys of these rules begin with.
ONCE, RUNNING_NOW = "once:", "running:"

#: The run that causes what this code does, if any: what a loop is counted by.
_cause: ContextVar[Run | None] = ContextVar("flow_editor_run", default=None)


def key(*parts: str) -> str:
	"""A short text that names the parts."""
	return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:40]


def new_run(
	host: Host,
	template: Mapping[str, Any],
	*,
	event: str,
	doctype: str = "",
	docname: str = "",
	customer: str | None = None,
	variables: Mapping[str, Any] | None = None,
	doc: Mapping[str, Any] | None = None,
	first: str = "",
) -> Run:
	"""A run of a template's current version, not stored yet. Without a customer, `doc` is asked for one.

	Args:
		first: the document by which *Once per document* counts, if it is not this one; see `Documents.first`.

	Raises:
		Invalid: the variables are too large.
		Conflict: the template was never published.
	"""
	if not template["version"]:
		raise Conflict(
			f"{template['template_name']} was never published, so there is nothing to start. Publish it first."
		)
	cause = _cause.get()
	variables = render.jsonable(dict(variables or {}))
	if variables and (length := len(json.dumps(variables))) > VARIABLES_LENGTH:
		message = f"The variables have {length:,} characters of JSON; at most {VARIABLES_LENGTH:,} are kept. Send fewer."
		raise Invalid.because([Problem(message, field="variables")], "This start")
	return Run(
		flow_template=template["name"],
		template_version=template["version"],
		checksum=template.get("checksum") or "",
		trigger_event=event,
		context_doctype=doctype,
		context_docname=docname,
		customer=customer_of(doctype, doc or {}) if customer is None else customer,
		variables=variables,
		started_at=host.now(),
		run_as=template.get("run_as") or host.user,
		depth=cause.depth + 1 if cause else 0,
		caused_by=cause.name if cause else "",
		reentry_key=reentry_key(template, doctype, docname, first),
	)


def reentry_key(template: Mapping[str, Any], doctype: str, docname: str, first: str = "") -> str:
	"""What a run holds by its template's re-entry rule: of an amendment chain, the first counts as the document that a
	flow runs once for, and each by itself while one runs."""
	rule = template.get("re_entry") or RE_ENTRY_ALWAYS
	if rule == RE_ENTRY_ONCE:
		return f"{ONCE}{key(template['name'], doctype, first or docname)}"
	return f"{RUNNING_NOW}{key(template['name'], doctype, docname)}" if rule == RE_ENTRY_ALONE else ""


def tie(host: Host, run: Run) -> None:
	"""Let a run that is not stored yet, about a document that is there, end with it, unless its flow says otherwise."""
	run.ends_with_document = int(flow_of(host, run).on_document_end == "cancel")


def store(host: Host, run: Run, rows: Sequence[Pending] = ()) -> bool:
	"""Store a new run, with the rows that carry it on. False if its re-entry rule forbids it."""
	if host.store.insert_run(run, rows):
		return True
	if not run.reentry_key.startswith(ONCE):
		return False
	# What holds the key is another document's run, if this one was amended from that; else it has had its turn.
	own = key(run.flow_template, run.context_doctype, run.context_docname)
	if run.reentry_key == f"{ONCE}{own}" or not life.make_way(host, run.reentry_key):
		return False
	return host.store.insert_run(run, rows, is_free=True)


def refusal_to_start(host: Host, run: Run) -> str | None:
	"""Why a run may not start, or None."""
	if run.depth > host.max_depth:
		return (
			f"It would be the {run.depth}th run in a row that another run's step has caused, and the limit is "
			f"{host.max_depth}. Flows that set each other off need a condition that ends the loop."
		)
	catalog, flow = host.catalog, flow_of(host, run)
	missing = [
		one.title for one in flow.inputs if one.must_be_given and inputs.is_blank(run.variables.get(one.name))
	]
	if missing:
		return f"It must be given {', '.join(missing)}. Start it by hand, where it asks for that."
	for name in flow.kinds:
		kind = catalog.get(name)
		if kind is not None and not kind.runnable:
			return f"It has steps of kind {kind.label!r}, which can be composed and stored, but not run yet."
	return None


def undeclared(host: Host, run: Run, given: Mapping[str, Any], caller: str) -> list[str]:
	"""The names among these variables that somebody at a door may not give to a run: a flow that runs as another takes
	from them only what it declares, as an input or with a default."""
	if run.run_as == caller:
		return []
	flow = flow_of(host, run)
	declared = {*flow.variables, *(one.name for one in flow.inputs)}
	return [name for name in given if name not in declared]


def read_given(host: Host, run: Run, given: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
	"""What somebody gives to a run, its inputs as values of their types; and a problem for each input that is missing, not
	of its type, or names a document that the acting user may not read."""
	flow = flow_of(host, run)
	values, problems = inputs.read_given(flow.inputs, given, host.timezone)
	wrong = {problem.field for problem in problems}
	for one in flow.inputs:
		field = f"variables.{one.name}"
		if not one.type.names(one.doctype) or one.name not in values or field in wrong:
			continue
		try:
			_check_named(host, one, values[one.name])
		except FlowError as error:
			problems.append(Problem(f"{one.title}: {error.message}", field=field))
	return values, problems


def _check_named(host: Host, one: Input, name: str) -> None:
	doctype = one.type.names(one.doctype)
	if doctype == "DocType":
		host.documents.fields(name)
	else:
		host.documents.get(doctype, name)


def inputs_by_name(host: Host, template: str, written: Mapping[str, str]) -> dict[str, str]:
	"""Inputs as a command line gives them, once it is sure that the flow has such.

	Raises:
		Invalid: it has not.
	"""
	if not written:
		return {}
	fields = host.store.template(template)
	known = [one.name for one in flow_of(host, new_run(host, fields, event="manual")).inputs]
	has = f"It has {', '.join(known)}." if known else "It has none; others go by --variables."
	problems = [
		Problem(f"This flow has no input {name[:60]!r}. {has}", field=f"variables.{name[:60]}")
		for name in written
		if name not in known
	]
	if problems:
		raise Invalid.because(problems, "This start")
	return dict(written)


def re_entry_reason(template: Mapping[str, Any]) -> str:
	if template.get("re_entry") == RE_ENTRY_ONCE:
		return "It runs once per document, and has done so for this one."
	return "It does not start while it is running for this document."


def start(
	host: Host,
	template: str,
	*,
	doctype: str = "",
	docname: str = "",
	customer: str = "",
	variables: Mapping[str, Any] | None = None,
	idempotency_key: str = "",
) -> Outcome:
	"""Start a template by hand, active or not, and do at once what can be done at once.

	Who starts it and whom it runs as both have to be allowed to read the document and its customer.

	Args:
		idempotency_key: names this very start. The same key of the same user for the same template starts nothing again:
			it answers with the run that it has started.

	Raises:
		NotFound, NotAllowed: the template, the document or its customer is not there, or not for the acting user.
		Invalid: an input is missing or not of its type, or a variable is given that the flow does not declare, though it
			runs as another.
		Conflict: its re-entry rule or the nesting limit forbids it, or it cannot be run, or the key has started it with
			something else.
	"""
	claim = ""
	if idempotency_key:
		given = [doctype, docname, customer, render.jsonable(dict(variables or {}))]
		claim = key("start", host.user, template, idempotency_key)
		digest = key(json.dumps(given, sort_keys=True))
		if known := host.store.claim_start(claim, template, digest, host.now()):
			return _started_before(host, known, digest)
	fields = host.store.template(template)
	run, customers, problems = as_asked(
		host, fields, doctype=doctype, docname=docname, customer=customer, variables=variables
	)
	title = fields.get("template_name") or template
	if problems:
		raise Invalid.because(problems, "This start")
	if reason := refusal_to_start(host, run) or unreadable(host, run, customers):
		raise Conflict(f"{title} cannot be started: {reason}")
	if not store(host, run):
		raise Conflict(f"{title} is not started: {re_entry_reason(fields)}")
	if claim:
		host.store.note_start(claim, run.name)
	work = Work(host)
	outcome = begin(host, run, work)
	work.write()
	return outcome


def as_asked(
	host: Host,
	fields: Mapping[str, Any],
	*,
	doctype: str = "",
	docname: str = "",
	customer: str = "",
	variables: Mapping[str, Any] | None = None,
) -> tuple[Run, set[str], list[Problem]]:
	"""The run that the acting user asks for, not stored yet; whom it is about; and what is wrong with what it is given.

	Raises:
		NotFound, NotAllowed: as `start`.
		Invalid: of a document only half is named, or the variables are too large.
	"""
	if bool(doctype) != bool(docname):
		raise Invalid.because(
			[Problem("Give both the DocType and the name of the document, or neither.", field="docname")],
			"This start",
		)
	doc = host.documents.get(doctype, docname) if doctype else {}
	if customer:
		host.documents.get("Customer", customer)
	run = new_run(
		host,
		fields,
		event="manual",
		doctype=doctype,
		docname=docname,
		customer=customer or None,
		variables=variables,
		doc=doc,
		first=host.documents.first(doctype, docname) if doc.get("amended_from") else "",
	)
	if doctype and doc.get("docstatus") != 2:
		tie(host, run)
	customers = {run.customer, customer_of(doctype, doc)} - {""}
	for one in customers:
		host.documents.check_readable("Customer", one)
	title = fields.get("template_name") or fields["name"]
	problems = [
		Problem(
			f"{title} runs as {run.run_as} and declares no variable {name[:60]!r}, so none can be given to it. "
			"Leave it out, or have its author declare it.",
			field=f"variables.{name[:60]}",
		)
		for name in undeclared(host, run, variables or {}, host.user)
	]
	run.variables, wrong = read_given(host, run, run.variables)
	return run, customers, problems + wrong


def _started_before(host: Host, known: Started, digest: str) -> Outcome:
	"""What a key has started, if it is asked for the same again."""
	if known.digest != digest:
		raise Conflict(
			f"This key has started {known.run} with other values, so nothing is started now. "
			"Use another key for another start."
		)
	try:
		run = host.store.run(known.run)
	except NotFound:
		raise Conflict(
			f"This key has started {known.run}, which has been deleted since. Use another key to start again."
		) from None
	host.check_visible(run)
	return Outcome(run, repeated=True)


def unreadable(host: Host, run: Run, customers: Collection[str]) -> str | None:
	"""Why the user whom a run acts for may not have what it is about, or None."""
	if not (run.context_doctype or customers):
		return None
	try:
		with host.acting_as(run.run_as):
			if run.context_doctype:
				host.documents.check_readable(run.context_doctype, run.context_docname)
			for one in customers:
				host.documents.check_readable("Customer", one)
	except (NotAllowed, StepFailed) as error:
		return error.message
	return None


def begin(host: Host, run: Run, work: Work, row: Pending | None = None) -> Outcome:
	"""The first advance of a stored run; see `Advance`."""
	with caused_by(run):
		advance = Advance(host, run, work, row)
		advance.start()
		return advance.finish()


class caused_by:
	"""Within it, an event counts as caused by the run."""

	def __init__(self, run: Run):
		self.run = run

	def __enter__(self) -> None:
		self._token = _cause.set(self.run)

	def __exit__(self, *error: object) -> None:
		_cause.reset(self._token)
