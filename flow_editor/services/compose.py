"""What helps an author to write a step: the paths that expressions can read, and how a payload reads when rendered.

Both obey the acting user's permissions, and neither stores or sends anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flow_editor.engine.context import Scope, render_field
from flow_editor.engine.errors import FlowError, Invalid, NotAllowed, Problem
from flow_editor.engine.markup import readable
from flow_editor.engine.ports import CUSTOMER
from flow_editor.engine.records import Run
from flow_editor.engine.render import Budget, jsonable
from flow_editor.engine.validation import json_problem
from flow_editor.services.customers import customer_of
from flow_editor.services.host import Host

#: What stands beside the documents in every scope, in the order in which a picker shows it.
ALWAYS = (
	("now", "Now"),
	("today", "Today"),
	("run.name", "Run"),
	("run.context_doctype", "DocType of the run's document"),
	("run.context_docname", "Name of the run's document"),
	("run.started_at", "Start of the run"),
	("template.name", "Flow"),
	("template.template_name", "Name of the flow"),
)


def paths(host: Host, doctype: str = "") -> list[dict[str, str]]:
	"""The paths that a flow about a DocType can read: `{path, label, type, group}` each.

	Variables and the results of steps stand in the definition, which the editor has.

	Raises:
		NotAllowed: the acting user may not read such documents.
		StepFailed: there is no such DocType.
	"""
	found = []
	if doctype:
		found += _of_document(host, "doc", doctype, doctype)
	if doctype != CUSTOMER:
		try:
			found += _of_document(host, "customer", "Customer", CUSTOMER)
		except NotAllowed:  # who may not read customers is offered none of their fields
			pass
	return found + [{"path": path, "label": label, "type": "Data", "group": "Run"} for path, label in ALWAYS]


def _of_document(host: Host, root: str, doctype: str, group: str) -> list[dict[str, str]]:
	return [
		{
			"path": f"{root}.{field['name']}",
			"label": field["label"],
			"type": field["fieldtype"],
			"group": group,
		}
		for field in host.documents.describe(doctype)
	]


def preview(
	host: Host,
	kind: str,
	payload: Mapping[str, Any],
	*,
	doctype: str = "",
	docname: str = "",
	customer: str = "",
	template: str = "",
	variables: Mapping[str, Any] | None = None,
) -> tuple[dict[str, Any], list[Problem]]:
	"""A step's payload as it would be rendered now for a document, and what could not be rendered. Of HTML it shows the
	words, line by line, as who gets it reads them.

	Results of earlier steps are empty: nothing has run.

	Raises:
		Invalid: there is no such kind.
		NotFound, NotAllowed: of the document or its customer.
	"""
	known = host.catalog.get(kind)
	if known is None:
		problem = Problem(f"There is no step kind {kind!r}.", field="kind")
		raise Invalid.because([problem], "This request")
	doc = host.documents.get(doctype, docname) if doctype and docname else {}
	run = Run(
		flow_template=template,
		template_version=0,
		context_doctype=doctype,
		context_docname=docname,
		customer=customer or customer_of(doctype, doc),
		variables=dict(variables or {}),
		started_at=host.now(),
		run_as=host.user,
	)
	scope, budget = Scope(host, run, doc=doc), Budget()
	rendered: dict[str, Any] = {}
	problems = []
	for declared in known.fields:
		if declared.name not in payload:
			continue
		field, value = declared.as_used(payload, known.defaults), payload[declared.name]
		if message := json_problem(field, value, host.limits):
			problems.append(Problem(message, field=field.name))
			continue
		try:
			scope.begin()
			shown = render_field(known, field, payload, scope, budget, scope.reader)
			problems += [Problem(message, field=field.name) for message in scope.warnings]
			is_html = isinstance(shown, str) and known.form_of(field, payload) == "html"
			rendered[field.name] = readable(shown) if is_html else shown
		except FlowError as error:
			problems.append(Problem(error.message, field=field.name))
	return jsonable(rendered), problems
