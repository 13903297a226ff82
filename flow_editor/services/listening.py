"""What an event that is raised sets off, by a document or by somebody.

A flow starts only on what the user whom it runs as may read, and its condition is asked as that user. A start is written as
far as `head` has moved the run, in the caller's own transaction.
What goes wrong in one template is logged and reported, and touches neither the caller nor the others.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from types import MappingProxyType
from typing import Any

from flow_editor.engine import logic, render
from flow_editor.engine.conditions import Uncomparable
from flow_editor.engine.context import Scope
from flow_editor.engine.errors import NotAllowed, StepFailed, described
from flow_editor.engine.event import NOW
from flow_editor.engine.records import Run
from flow_editor.engine.values import NO_TYPES, Types
from flow_editor.services import head, starting
from flow_editor.services.advance import release_reentry
from flow_editor.services.customers import customer_of
from flow_editor.services.definitions import flow_of
from flow_editor.services.host import Host
from flow_editor.services.work import is_due


class WhenAsked(Mapping[str, Any]):
	"""All fields of a document, made when the first of them is asked for: most flows that start ask for none."""

	def __init__(self, make: Callable[[], Mapping[str, Any]]):
		self._make = make

	@cached_property
	def _made(self) -> Mapping[str, Any]:
		return self._make()

	@property
	def types(self) -> Types:
		"""What the fields hold, if the document says."""
		return getattr(self._made, "types", NO_TYPES)

	def __getitem__(self, name: str) -> Any:
		return self._made[name]

	def __iter__(self) -> Iterator[str]:
		return iter(self._made)

	def __len__(self) -> int:
		return len(self._made)


NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Raised:
	"""A trigger event as it was raised; see `dispatch_event`.

	Args:
		before: the document's fields before the change, for conditions; None if there was none.
		is_gone: whether the document is deleted, so that the run has to keep its fields.
	"""

	event: str
	doctype: str = ""
	docname: str = ""
	customer: str | None = None
	variables: Mapping[str, Any] = field(default_factory=dict)
	doc: Mapping[str, Any] | None = None
	fields: Mapping[str, Any] = field(default_factory=dict)
	trigger_key: str = ""
	caller: str = ""
	is_over: bool | None = None
	amended_from: str | None = None
	imported_by: str = ""
	before: Mapping[str, Any] | None = None
	is_gone: bool = False


def dispatch_event(
	host: Host,
	event: str,
	*,
	doctype: str = "",
	docname: str = "",
	customer: str | None = None,
	variables: Mapping[str, Any] | None = None,
	doc: Mapping[str, Any] | None = None,
	fields: Mapping[str, str] = NOTHING,
	trigger_key: str = "",
	caller: str = "",
	is_over: bool | None = None,
	amended_from: str | None = None,
	imported_by: str = "",
) -> list[dict[str, Any]]:
	"""Start a run of every active template that listens to an event, whose user may read what it is about, and whose
	condition holds.

	Args:
		customer: whom the document is about; None: look in its fields.
		doc: the document's fields where the caller has them; else they are read, as each template's user.
		fields: the document's fields that become variables, by variable name, as far as the template's user may read them.
		trigger_key: where one transition may be seen several times: what names it.
		caller: who gives the variables, if it is somebody at a door, and not code. Of theirs a flow that runs as another
			takes only what it declares.
		is_over: whether the document is cancelled, deleted or not stored, so that no run can end with it; None: look in its
			fields.
		amended_from: the document that it was amended from, if any; None: likewise.
		imported_by: the bulk import that stores the document, if it is one. Flows that do not say `on_import` are left out,
			and that is told.

	Returns:
		For each listening template: `template`, and `run`, or `skipped` or `error` with the reason.
	"""
	raised = Raised(
		event, doctype, docname, customer, variables or {}, doc, fields, trigger_key, caller, is_over, amended_from, imported_by
	)  # fmt: skip
	return dispatch(host, host.store.active_templates(event), raised)


def dispatch(host: Host, templates: Sequence[Mapping[str, Any]], raised: Raised) -> list[dict[str, Any]]:
	"""Start those of these templates that may start, and say what became of each."""
	gated: list[Skipped | Start] = []
	# Whoever saves a document is not to pay for a change of user with every flow: those of one user are asked together.
	for user, listening in groupby(templates, key=lambda template: template.get("run_as") or host.user):
		gated += _gate_as(host, user, list(listening), raised)
	return [
		{"template": template["name"], **_begun(host, template, raised, asked)}
		for template, asked in zip(templates, gated, strict=True)
	]


#: What became of a template that listens: `run`, `skipped` or `error`.
Skipped = dict[str, Any]
#: A run that may start, and the document as its user may read it.
Start = tuple[Run, Mapping[str, Any]]


def _gate_as(
	host: Host, user: str, listening: Sequence[Mapping[str, Any]], raised: Raised
) -> list[Skipped | Start]:
	"""Whether each of these templates of one user starts. What it is about is read once for all of them."""
	if not (raised.doctype or raised.customer or any(map(_condition, listening))):
		# There is nothing to be read. Whether there is such a user at all, the steps will find.
		return [guarded(host, template, raised, _gate, {}) for template in listening]
	try:
		with host.acting_as(user):
			doc = _read(host, raised)
			return [guarded(host, template, raised, _gate, doc) for template in listening]
	except Exception as error:
		if host.breaks_transaction(error):
			raise
		# The user is disabled or gone, or may not read it.
		refusal = NotAllowed(error.message) if isinstance(error, StepFailed) else error
		return [_not_started(host, template, raised, refusal) for template in listening]


def _read(host: Host, raised: Raised) -> Mapping[str, Any]:
	"""The document as the acting user may read it. Raises NotAllowed if they may not read it and its customer."""
	doc: Mapping[str, Any] = {}
	if raised.doc is not None:
		doc = host.documents.shown(raised.doc)
	elif raised.doctype and raised.docname:
		doc = host.documents.get(raised.doctype, raised.docname)
	for customer in {raised.customer, customer_of(raised.doctype, doc)} - {None, ""}:
		if (raised.doctype, raised.docname) != ("Customer", customer):
			host.documents.check_readable("Customer", customer)
	return doc


def guarded(
	host: Host, template: Mapping[str, Any], raised: Raised, do: Callable[..., Any], *more: Any
) -> Any:
	"""Do something for one template. What goes wrong in it is told, and touches no other."""
	try:
		# Needs no savepoint: it reads, and then writes a run with its inbox row, both or neither.
		return do(host, template, raised, *more)
	except Exception as error:
		if host.breaks_transaction(error):
			raise
		return _not_started(host, template, raised, error)


def _not_started(host: Host, template: Mapping[str, Any], raised: Raised, error: Exception) -> Skipped:
	if elsewhere := _elsewhere(template, raised):
		return {"skipped": elsewhere}
	title = f"Flow {template['name']} was not started by {raised.event}"
	message = host.refusal(error, template.get("run_as") or "") or described(error)
	if isinstance(error, NotAllowed):
		host.log(
			title,
			f"{message} A flow starts only on what the user whom it runs as may read, the document and its customer. "
			"Give that user the permission, or let the flow run as another. This is told once a day.",
			once_a_day=True,
		)
		return {"skipped": f"{message} It starts only on what the user whom it runs as may read."}
	if isinstance(error, Uncomparable):
		message = f"Its condition cannot be told: {error}"
		host.log(
			title,
			f"{raised.doctype} {raised.docname}: {message} Correct the flow's condition, or the document. This is told once a day.",
			once_a_day=True,
		)
		return {"error": message}
	host.log(title, f"{raised.doctype} {raised.docname}: {message}")
	return {"error": message}


def _condition(template: Mapping[str, Any]) -> Any:
	return template.get("trigger_condition")


def _elsewhere(template: Mapping[str, Any], raised: Raised) -> str | None:
	"""Why an event is none of a template's, or None."""
	wanted = template.get("applies_to")
	return (
		f"It applies to {wanted}, not to {raised.doctype}."
		if wanted and raised.doctype not in ("", wanted)
		else None
	)


def _gate(host: Host, template: Mapping[str, Any], raised: Raised, doc: Mapping[str, Any]) -> Skipped | Start:
	"""Whether a template starts, asked as its user, who may read this much of the document."""
	if elsewhere := _elsewhere(template, raised):
		return {"skipped": elsewhere}
	of_document = {variable: _given(host, doc, what) for variable, what in raised.fields.items()}
	run = starting.new_run(
		host,
		template,
		event=raised.event,
		doctype=raised.doctype,
		docname=raised.docname,
		customer=raised.customer,
		variables={**raised.variables, **of_document},
		doc=doc,
		first=_first(host, template, raised, doc),
	)
	if raised.caller and (names := starting.undeclared(host, run, raised.variables, raised.caller)):
		return {"skipped": f"It declares no variable {', '.join(names)}, so none can be given to it."}
	if raised.caller and raised.variables:
		with host.acting_as(raised.caller):
			values, wrong = starting.read_given(host, run, raised.variables)
		if wrong:
			return {"skipped": " ".join(problem.message for problem in wrong)}
		run.variables = {**render.jsonable(values), **render.jsonable(of_document)}
	condition = _condition(template)
	if condition and not logic.holds(
		condition, Scope(host, run, doc=doc, before=_before(host, raised)), host.operators
	):
		return {"skipped": "Its condition does not hold."}
	if raised.imported_by and not flow_of(host, run).on_import:
		host.left_out(template["name"], raised.doctype, raised.docname, raised.imported_by)
		return {"skipped": "Documents that are imported do not start it, unless it says on_import."}
	if raised.doctype and raised.docname:
		if not (doc.get("docstatus") == 2 if raised.is_over is None else raised.is_over):
			starting.tie(host, run)
	if raised.is_gone and (too_long := _keep(run, doc)):
		host.log(f"Flow {template['name']} was not started by {raised.event}", too_long)
		return {"skipped": too_long}
	# Last, since it asks the database, and most conditions do not hold.
	run.trigger_key = raised.trigger_key and starting.key(template["name"], raised.trigger_key)
	if run.trigger_key and host.store.has_triggered(run.trigger_key):
		return {"skipped": "This change has already started it."}
	if reason := starting.refusal_to_start(host, run):
		host.log(
			f"Flow {template['name']} was not started by {raised.event}",
			f"{raised.doctype} {raised.docname}: {reason}",
		)
		return {"skipped": reason}
	return run, doc


def _before(host: Host, raised: Raised) -> Mapping[str, Any] | None:
	"""The fields before a change, as the acting user may read them."""
	before = raised.before
	if before is None:
		return None
	return WhenAsked(lambda: host.documents.shown(before) if before else {})


def _keep(run: Run, doc: Mapping[str, Any]) -> str | None:
	"""Have a run keep the fields of its document, which is gone. Why it cannot, or None."""
	run.kept_document = render.jsonable(dict(doc))
	length = len(json.dumps(run.kept_document))
	if length > starting.VARIABLES_LENGTH:
		return (
			f"Its document is deleted, and has {length:,} characters of JSON to keep; at most "
			f"{starting.VARIABLES_LENGTH:,} are kept."
		)
	return None


def _first(host: Host, template: Mapping[str, Any], raised: Raised, doc: Mapping[str, Any]) -> str:
	"""The first document of an amendment chain, if the template asks for it and there is a chain."""
	if template.get("re_entry") != starting.RE_ENTRY_ONCE or not raised.docname:
		return ""
	origin = doc.get("amended_from") if raised.amended_from is None else raised.amended_from
	return host.documents.first(raised.doctype, str(origin)) if origin else ""


def _given(host: Host, doc: Mapping[str, Any], what: Any) -> Any:
	"""A variable that an event gives; see `engine.event.Source`."""
	if callable(what):
		return what(doc)
	return host.now().replace(microsecond=0) if what == NOW else doc.get(what)


def _begun(host: Host, template: Mapping[str, Any], raised: Raised, asked: Skipped | Start) -> Skipped:
	return asked if isinstance(asked, dict) else guarded(host, template, raised, _begin, *asked)


def _begin(
	host: Host, template: Mapping[str, Any], raised: Raised, run: Run, doc: Mapping[str, Any]
) -> Skipped:
	"""Store a run that may start, with what its head has done."""
	rows = head.take(host, run, doc)
	if not starting.store(host, run, rows):
		return {"skipped": starting.re_entry_reason(template)}
	if run.completed_at is not None and release_reentry(run):
		host.store.save_run(
			run
		)  # after it was stored with its key: one that ends at once waits for others too
	if any(is_due(row, host.now()) for row in rows):
		host.poke()
	return {"run": run.name}
