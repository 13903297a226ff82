"""The doors of the site: whitelisted methods over the services, each with its own permission check.

Answers are JSON objects under `message`, as of every whitelisted method. Errors carry the status of their kind.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import frappe

from flow_editor.engine.errors import Invalid, NotAllowed, Problem
from flow_editor.services import events, runs, templates
from flow_editor.services.advance import Moved
from flow_editor.site.errors import as_frappe_errors
from flow_editor.site.host import SiteHost, current

AUTHORS = ("Flow Manager", "System Manager")
OPERATORS = ("Flow User", *AUTHORS)


def door(*methods: str, roles: tuple[str, ...]) -> Callable:
	"""A whitelisted method for users with one of the roles."""

	def decorate(function: Callable) -> Callable:
		@frappe.whitelist(methods=list(methods))
		@wraps(function)
		def answer(*args: Any, **kwargs: Any) -> Any:
			with as_frappe_errors():
				if frappe.session.user != "Administrator" and not set(roles) & set(frappe.get_roles()):
					raise NotAllowed(f"This takes one of the roles {', '.join(roles)}.")
				return function(*args, **kwargs)

		return answer

	return decorate


# Templates


@door("GET", roles=OPERATORS)
def list_templates(
	category: str = "", applies_to: str = "", is_active: str = "", trigger_event: str = ""
) -> dict[str, Any]:
	filters = {
		"category": category,
		"applies_to": applies_to,
		"is_active": is_active,
		"trigger_event": trigger_event,
	}
	return {"templates": templates.find(current(), filters)}


@door("GET", roles=OPERATORS)
def get_template(template: str) -> dict[str, Any]:
	return {"template": templates.get(current(), template)}


@door("POST", roles=AUTHORS)
def create_template(values: dict | str) -> dict[str, Any]:
	return {"template": templates.create(current(), _object(values, "values"))}


@door("POST", "PUT", roles=AUTHORS)
def update_template(template: str, values: dict | str) -> dict[str, Any]:
	return {"template": templates.update(current(), template, _object(values, "values"))}


@door("POST", "DELETE", roles=AUTHORS)
def delete_template(template: str) -> dict[str, Any]:
	templates.delete(current(), template)
	return {"ok": True}


@door("POST", roles=AUTHORS)
def duplicate_template(template: str, new_name: str = "") -> dict[str, Any]:
	return {"template": templates.duplicate(current(), template, new_name or None)}


@door("POST", roles=OPERATORS)
def validate(flow_definition: dict | str) -> dict[str, Any]:
	"""Every problem of a definition that is not stored."""
	return {"problems": [problem.as_dict() for problem in templates.check(current(), flow_definition)]}


@door("GET", roles=OPERATORS)
def catalog() -> dict[str, Any]:
	"""The step kinds and trigger events of this site, from which an editor draws itself."""
	host = current()
	return {
		"kinds": host.catalog.as_list(),
		"events": [event.as_dict() for event in events.known_events(host)],
	}


# Runs


@door("POST", roles=OPERATORS)
def start(
	template: str,
	doctype: str = "",
	docname: str = "",
	customer: str = "",
	variables: dict | str | None = None,
) -> dict[str, Any]:
	moved = runs.start(
		current(),
		template,
		doctype=doctype,
		docname=docname,
		customer=customer,
		variables=_object(variables, "variables"),
	)
	return _moved(moved)


@door("POST", roles=OPERATORS)
def advance(run: str) -> dict[str, Any]:
	return _moved(runs.advance(_host_for(run), run))


@door("POST", roles=OPERATORS)
def complete(run: str, step_id: str, result: Any = None) -> dict[str, Any]:
	"""Fire a step that waits. `result` is JSON, or a text that holds it."""
	moved, note = runs.complete(_host_for(run), run, step_id, _json(result))
	return {**_moved(moved), "changed": not note, "note": note}


@door("POST", roles=OPERATORS)
def retry(run: str, step_id: str = "") -> dict[str, Any]:
	return _moved(runs.retry(_host_for(run), run, step_id or None))


@door("POST", roles=OPERATORS)
def cancel(run: str) -> dict[str, Any]:
	return {"run": runs.as_dict(runs.cancel(_host_for(run), run))}


@door("POST", roles=AUTHORS)
def event(
	event: str,
	doctype: str = "",
	docname: str = "",
	customer: str = "",
	variables: dict | str | None = None,
) -> dict[str, Any]:
	"""Raise a trigger event. The runs are carried by the workers."""
	host = current()
	if event not in host.events:
		problem = Problem(f"There is no event {event!r}. Use one of {', '.join(host.events)}.", field="event")
		raise Invalid.because([problem], "This request")
	if doctype and docname:
		host.documents.get(doctype, docname)
	results = events.dispatch_event(
		host,
		event,
		doctype=doctype,
		docname=docname,
		customer=customer,
		variables=_object(variables, "variables"),
	)
	return {"results": results}


@door("GET", roles=OPERATORS)
def list_runs(
	status: str = "", template: str = "", customer: str = "", start: int = 0, limit: int = 20
) -> dict[str, Any]:
	filters = {"status": status, "template": template, "customer": customer}
	page = {"start": max(0, start), "limit": min(max(1, limit), 500)}
	return {"runs": runs.find(current(), filters, **page)}


@door("GET", roles=OPERATORS)
def get_run(run: str) -> dict[str, Any]:
	return {"run": runs.get(_host_for(run), run)}


def _host_for(name: str) -> SiteHost:
	"""The host, once it is sure that the user may see what the run is about."""
	host = current()
	run = host.store.run(name)
	if run.context_doctype and frappe.db.exists(run.context_doctype, run.context_docname):
		if not frappe.has_permission(run.context_doctype, "read", run.context_docname):
			raise NotAllowed(
				f"You may not see {run.context_doctype} {run.context_docname}, which this run is about."
			)
	return host


def _moved(moved: Moved) -> dict[str, Any]:
	return {"run": runs.as_dict(moved.run), "executed": moved.executed, "scheduled": moved.scheduled}


def _json(value: Any) -> Any:
	"""What a form field holds: JSON where it is some, else the text itself."""
	if not isinstance(value, str):
		return value
	try:
		return frappe.parse_json(value)
	except ValueError:
		return value


def _object(value: Any, name: str) -> dict[str, Any]:
	value = _json(value)
	if value in (None, ""):
		return {}
	if not isinstance(value, dict):
		raise Invalid.because([Problem(f"{name} must be a JSON object.", field=name)], "This request")
	return value
