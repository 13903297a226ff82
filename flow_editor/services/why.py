"""Why a flow would start on a document now, or would not: gate by gate, as a start asks them.

Each gate is asked as the user whom the flow runs as. The values beside a condition are those that the acting user may read.
Nothing is started and nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from flow_editor.engine import logic, start
from flow_editor.engine.context import Scope
from flow_editor.engine.errors import FlowError, Invalid, Problem, described
from flow_editor.engine.records import Run
from flow_editor.engine.render import jsonable
from flow_editor.engine.schedule import in_words
from flow_editor.services import starting
from flow_editor.services.customers import customer_of
from flow_editor.services.definitions import start_of
from flow_editor.services.host import Host

#: How many values of a condition are shown.
MOST_VALUES = 50


@dataclass(frozen=True, slots=True)
class Gate:
	"""What a start asks, and what the answer is.

	Args:
		passes: whether it lets the flow start; None, if an earlier one does not, so that it was not asked.
		values: what it read, by path.
	"""

	name: str
	passes: bool | None
	says: str
	values: Mapping[str, Any] = field(default_factory=dict)

	def as_dict(self) -> dict[str, Any]:
		return {"gate": self.name, "passes": self.passes, "says": self.says, "values": dict(self.values)}


def explain(host: Host, template: str, *, doctype: str = "", docname: str = "") -> dict[str, Any]:
	"""Whether a template would start on a document, gate by gate: `would_start` and `gates`.

	Raises:
		NotFound, NotAllowed: the template or the document is not there, or not for the acting user.
		Conflict: the template was never published.
		Invalid: of a document only half is named.
	"""
	if bool(doctype) != bool(docname):
		problem = Problem("Give both the DocType and the name of the document, or neither.", field="docname")
		raise Invalid.because([problem], "This request")
	fields = host.store.template(template)
	doc = host.documents.get(doctype, docname) if doctype else {}
	for customer in {customer_of(doctype, doc)} - {""}:
		host.documents.check_readable("Customer", customer)
	run = starting.new_run(
		host,
		fields,
		event=fields.get("trigger_event") or "",
		doctype=doctype,
		docname=docname,
		doc=doc,
		first=host.documents.first(doctype, docname) if doc.get("amended_from") else "",
	)
	gates = list(_gates(host, fields, run, doc))
	return {
		"would_start": all(gate.passes for gate in gates),
		"gates": [gate.as_dict() for gate in gates],
	}


def _gates(host: Host, fields: Mapping[str, Any], run: Run, doc: Mapping[str, Any]) -> Iterator[Gate]:
	is_on = bool(int(fields.get("is_active") or 0))
	yield Gate("switched_on", is_on, "It is switched on." if is_on else _off(fields))
	yield _heard(host, fields, run)
	unreadable = starting.unreadable(host, run, {run.customer} - {""})
	if not unreadable and not (run.context_doctype or run.customer):
		unreadable = _disabled(host, run)
	yield Gate("readable", not unreadable, unreadable or f"{run.run_as}, as whom it runs, may read it.")
	if unreadable:
		yield Gate(
			"condition", None, "It was not asked, since the user whom it runs as may not read the document."
		)
	else:
		yield _condition(host, fields, run, doc)
	refusal = starting.refusal_to_start(host, run)
	yield Gate("runnable", not refusal, refusal or "Its steps can be run, and it asks for nothing.")
	holder = host.store.runs({"reentry_key": run.reentry_key}, limit=1, bare=True) if run.reentry_key else []
	says = (
		f"{starting.re_entry_reason(fields)} That is {holder[0].name}."
		if holder
		else "No other run is in its way."
	)
	yield Gate("re_entry", not holder, says)


def _off(fields: Mapping[str, Any]) -> str:
	return f"It is switched off. {fields.get('paused_reason') or ''}".strip()


def _disabled(host: Host, run: Run) -> str | None:
	try:
		with host.acting_as(run.run_as):
			return None
	except FlowError as error:
		return error.message


def _heard(host: Host, fields: Mapping[str, Any], run: Run) -> Gate:
	"""Whether what starts it can come from such a document."""
	begin, doctype, wanted = start_of(host, fields), run.context_doctype, fields.get("applies_to") or ""
	if begin.type == start.MANUAL:
		return Gate("heard", False, "Only somebody starts it. Start it by hand.")
	if begin.type == start.SCHEDULE:
		assert begin.schedule
		return Gate("heard", not doctype, f"It starts {in_words(begin.schedule)}, about no document.")
	if begin.type == start.DOCUMENT:
		about, says = (
			[begin.doctype],
			f"It starts when {_article(begin.doctype)} {start.MOMENTS[begin.moment][0]}.",
		)
	else:
		event = host.events.get(begin.event)
		about = list(dict.fromkeys(source.doctype for source in event.sources)) if event else []
		says = f"It starts at “{event.label if event else begin.event}”" + (
			f", which {' or '.join(about)} raises." if about else "."
		)
	if wanted and doctype != wanted:
		return Gate("heard", False, f"{says} It applies to {wanted}, not to {doctype or 'no document'}.")
	if about and doctype not in about:
		return Gate("heard", False, f"{says} {doctype or 'No document'} is none of that.")
	return Gate("heard", True, says)


def _article(doctype: str) -> str:
	return f"{'an' if doctype[:1].lower() in 'aeiou' else 'a'} {doctype}"


def _condition(host: Host, fields: Mapping[str, Any], run: Run, doc: Mapping[str, Any]) -> Gate:
	condition = fields.get("trigger_condition")
	if not condition:
		return Gate("condition", True, "It has no condition.")
	scope = Scope(host, run, doc=doc, before=doc)
	try:
		values = {path: _value(host, scope, path) for path in _paths(host, condition)}
	except ValueError as error:
		return Gate("condition", False, f"It cannot be told: {error}")
	try:
		with host.acting_as(run.run_as):
			as_user = (
				host.documents.get(run.context_doctype, run.context_docname) if run.context_doctype else {}
			)
			# Nothing is changing just now: what was before is what is.
			holds = logic.holds(condition, Scope(host, run, doc=as_user, before=as_user), host.operators)
	except Exception as error:
		if host.breaks_transaction(error):
			raise
		return Gate("condition", False, f"It cannot be told: {described(error)}", values)
	return Gate("condition", holds, "It holds." if holds else "It does not hold.", values)


def _paths(host: Host, condition: Any) -> tuple[str, ...]:
	"""What a condition reads, each once."""
	known = logic.read(condition, host.operators)
	return known.paths[:MOST_VALUES] if known else ()


def _value(host: Host, scope: Scope, path: str) -> Any:
	"""What a path reads; what the acting user may not read is empty."""
	try:
		return jsonable(logic.value({"var": path}, scope, host.operators))
	except (FlowError, ValueError):
		return None
