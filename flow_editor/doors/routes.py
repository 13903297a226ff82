"""The doors' table: every route with its verb, path, roles, parameters and handler.

Both hosts answer from it, the whitelisted methods of the site are made from it, and the OpenAPI document is
written from it, so none of them can say what the others do not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote

from jsonschema import Draft202012Validator

from flow_editor.doors.openapi import document
from flow_editor.doors.route import Route
from flow_editor.engine.definition import TRIGGER_TYPES
from flow_editor.engine.errors import FlowError, Invalid, NotFound, Problem, Unreadable
from flow_editor.engine.machine import RUN_STATES
from flow_editor.engine.outcome import Outcome
from flow_editor.services import (
	acting,
	compose,
	listening,
	looking,
	meaning,
	runs,
	starting,
	templates,
)
from flow_editor.services.confirm import confirm as confirm_start
from flow_editor.services.customers import customer_of
from flow_editor.services.host import Host
from flow_editor.services.templates import CATEGORIES

PREFIX = "/flow"
AUTHORS = ("Flow Manager", "System Manager")
OPERATORS = ("Flow User", *AUTHORS)

TEXT = {"type": "string", "maxLength": 1000}
NAME = {"type": "string", "minLength": 1, "maxLength": 140}
FLAG = {"enum": ["0", "1", "true", "false", 0, 1, True, False, ""]}
ANY = {}
BAG = {"type": ["object", "null"]}
DEFINITION = {"type": ["object", "string", "null"]}
OBJECT = {"type": "object"}
PAGE = {
	"start": {"type": "integer", "minimum": 0, "maximum": 10_000_000},
	"limit": {"type": "integer", "minimum": 1, "maximum": 500},
}
#: What a template's fields may hold, as far as JSON can say; the services say the rest.
TEMPLATE_FIELDS = {name: {"type": ["string", "null"]} for name in templates.AUTHORED} | {
	"is_active": {"enum": [0, 1, True, False, "0", "1", None]},
	"flow_definition": DEFINITION,
	"trigger_condition": {"type": ["string", "object", "null"]},
}


# What the doors do


def list_templates(host: Host, start: int = 0, limit: int = 500, **filters: Any) -> dict[str, Any]:
	return {"templates": templates.find(host, filters, start=start, limit=limit)}


def get_template(host: Host, template: str) -> dict[str, Any]:
	return {"template": templates.get(host, template)}


def create_template(host: Host, values: Mapping[str, Any]) -> dict[str, Any]:
	return _told(host, templates.create(host, values))


def update_template(host: Host, template: str, values: Mapping[str, Any]) -> dict[str, Any]:
	before = templates.get(host, template)
	return _told(host, templates.update(host, template, values), before)


def check_template(host: Host, template: str, values: Mapping[str, Any]) -> dict[str, Any]:
	return templates.check_write(host, template, values)


def restore_template(host: Host, template: str, version: Any) -> dict[str, Any]:
	restored, notices = templates.restore(host, template, version)
	return {"template": restored, "notices": notices}


def delete_template(host: Host, template: str) -> dict[str, Any]:
	templates.delete(host, template)
	return {"ok": True}


def duplicate_template(host: Host, template: str, new_name: str | None = None) -> dict[str, Any]:
	return _told(host, templates.duplicate(host, template, new_name))


def catalog(host: Host) -> dict[str, Any]:
	return {
		"kinds": host.catalog.as_list(),
		"events": [event.as_dict() for event in host.events.values()],
		"trigger_types": [{"name": name, "label": label} for name, label in TRIGGER_TYPES.items()],
		"input_types": [{"name": one.name, "label": one.label} for one in host.field_types.of_inputs()],
		"categories": list(CATEGORIES),
	}


def validate(
	host: Host,
	flow_definition: Any,
	template: str | None = None,
	applies_to: str | None = None,
	catalog: str | None = None,
	trigger_event: str | None = None,
) -> dict[str, Any]:
	about = meaning.About(template or "", applies_to or "", catalog or "", trigger_event or "")
	problems, warnings = templates.check(host, flow_definition, about)
	return {
		"problems": [problem.as_dict() for problem in problems],
		"warnings": [warning.as_dict() for warning in warnings],
	}


def paths(host: Host, doctype: str = "") -> dict[str, Any]:
	return {"paths": compose.paths(host, doctype)}


def preview(host: Host, kind: str, payload: Mapping[str, Any], **about: Any) -> dict[str, Any]:
	rendered, problems = compose.preview(host, kind, payload, **_given(about))
	return {"payload": rendered, "problems": [problem.as_dict() for problem in problems]}


def start(host: Host, template: str, **about: Any) -> dict[str, Any]:
	moved = starting.start(host, template, **_given(about))
	return {**_moved(host, moved), "repeated": moved.repeated}


def confirm(host: Host, template: str, **about: Any) -> dict[str, Any]:
	return confirm_start(host, template, **_given(about))


def _given(about: Mapping[str, Any]) -> dict[str, Any]:
	"""The parameters of ABOUT and its like that are not null."""
	return {name: value for name, value in about.items() if value is not None}


def advance(host: Host, run: str) -> dict[str, Any]:
	return _moved(host, runs.advance(host, _visible(host, run)))


def complete(host: Host, run: str, step_id: str, result: Any = None) -> dict[str, Any]:
	moved, note = runs.complete(host, _visible(host, run), step_id, result)
	return {**_moved(host, moved), "changed": not note, "note": note}


def cancel(host: Host, run: str) -> dict[str, Any]:
	return {"run": looking.as_dict(host, runs.cancel(host, _visible(host, run)))}


def retry(host: Host, run: str, step_id: str | None = None) -> dict[str, Any]:
	return _moved(host, runs.retry(host, _visible(host, run), step_id or None))


def event(
	host: Host,
	event: str,
	doctype: str | None = None,
	docname: str | None = None,
	customer: str | None = None,
	variables: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
	if event not in host.events:
		problem = Problem(f"There is no event {event!r}. Use one of {', '.join(host.events)}.", field="event")
		raise Invalid.because([problem], "This request")
	if bool(doctype) != bool(docname):
		problem = Problem("Give both the DocType and the name of the document, or neither.", field="docname")
		raise Invalid.because([problem], "This request")
	doc = host.documents.get(doctype, docname) if doctype and docname else {}
	if customer:
		host.documents.get("Customer", customer)
	if about := customer_of(doctype or "", doc):
		host.documents.check_readable("Customer", about)
	results = listening.dispatch_event(
		host,
		event,
		doctype=doctype or "",
		docname=docname or "",
		customer=customer or None,
		variables=variables,
		caller=host.user,
	)
	return {"results": results}


def list_runs(host: Host, start: int = 0, limit: int = 20, **filters: Any) -> dict[str, Any]:
	return {"runs": looking.find(host, filters, start=start, limit=limit)}


def get_run(host: Host, run: str) -> dict[str, Any]:
	return {"run": looking.get(host, _visible(host, run), with_definition=True)}


def openapi(host: Host) -> dict[str, Any]:
	return document(ROUTES, PREFIX)


def _told(host: Host, template: dict[str, Any], before: Mapping[str, Any] | None = None) -> dict[str, Any]:
	return {"template": template, "notices": acting.notices(host, template, before)}


def _visible(host: Host, name: str) -> str:
	"""The run's name, once it is sure that the acting user may see what the run is about."""
	host.check_visible(host.store.run(name))
	return name


def _moved(host: Host, moved: Outcome) -> dict[str, Any]:
	return {"run": looking.as_dict(host, moved.run), "executed": moved.executed, "scheduled": moved.scheduled}


MOVED = {"run": OBJECT, "executed": {"type": "array"}, "scheduled": {"type": "array"}}
CONFIRMED = {
	**{name: {"type": "string"} for name in ("title", "description", "runs_as", "customer", "refusal")},
	**{name: {"type": "array"} for name in ("inputs", "sends", "makes", "waits", "problems")},
	"variables": OBJECT,
	"more": {"type": "integer"},
}
#: What names one start, so that it is made once: visible ASCII, as a header can hold it.
KEY = {"type": ["string", "null"], "maxLength": 200, "pattern": r"^[\x20-\x7e]*(?![\s\S])"}
ABOUT = {
	"doctype": TEXT | {"type": ["string", "null"]},
	"docname": TEXT | {"type": ["string", "null"]},
	"customer": TEXT | {"type": ["string", "null"]},
	"variables": BAG,
}

#: A template that was written, and what its author is to be told of it.
WRITTEN = {"template": OBJECT, "notices": {"type": "array"}}
VERSION = {
	"type": ["integer", "string"],
	"minimum": 1,
	"maximum": 2_000_000_000,
	"minLength": 1,
	"maxLength": 20,
}

ROUTES = (
	Route("list_templates", "GET", "/templates", "The templates, without their definitions", list_templates, OPERATORS, query={"category": TEXT, "applies_to": TEXT, "is_active": FLAG, "trigger_event": TEXT, **PAGE}, answer={"templates": {"type": "array"}}),
	Route("create_template", "POST", "/templates", "Store a new template", create_template, AUTHORS, body=TEMPLATE_FIELDS, required=("template_name",), open_body=True, answer=WRITTEN, status=201),
	Route("get_template", "GET", "/templates/{template}", "One template", get_template, OPERATORS, answer={"template": OBJECT}),
	Route("update_template", "PUT", "/templates/{template}", "Change some fields of a template", update_template, AUTHORS, body=TEMPLATE_FIELDS | {"version": {"type": ["integer", "null"]}, "will_run_as": {"type": ["string", "null"]}}, open_body=True, answer=WRITTEN),
	Route("delete_template", "DELETE", "/templates/{template}", "Delete a template", delete_template, AUTHORS, answer={"ok": {"const": True}}),
	Route("duplicate_template", "POST", "/templates/{template}/duplicate", "Copy a template", duplicate_template, AUTHORS, body={"new_name": {"type": ["string", "null"], "maxLength": 140}}, answer=WRITTEN, status=201),
	Route("check_template", "POST", "/templates/{template}/check", "Who a template would run as once it is saved or restored so, and what of it that user may not", check_template, AUTHORS, body=TEMPLATE_FIELDS | {"version": {"type": ["integer", "null"]}, "restore": VERSION}, open_body=True, answer={"run_as": {"type": "string"}, "will_run_as": {"type": "string"}, "may_keep": {"type": "boolean"}, "may_not": {"type": "array"}}),
	Route("restore_template", "POST", "/templates/{template}/restore", "Give a template what it came with, or had in an earlier version", restore_template, AUTHORS, body={"version": VERSION}, required=("version",), answer=WRITTEN),
	Route("catalog", "GET", "/catalog", "The step kinds and trigger events that there are", catalog, OPERATORS, answer={"kinds": {"type": "array"}, "events": {"type": "array"}}),
	Route("validate", "POST", "/validate", "Every problem of a definition, and what is probably not meant in it", validate, OPERATORS, body={"flow_definition": ANY, "template": TEXT | {"type": ["string", "null"]}, "applies_to": TEXT | {"type": ["string", "null"]}, "catalog": TEXT | {"type": ["string", "null"]}, "trigger_event": TEXT | {"type": ["string", "null"]}}, required=("flow_definition",), answer={"problems": {"type": "array"}, "warnings": {"type": "array"}}),
	Route("paths", "GET", "/paths", "The paths that expressions about a DocType can read", paths, OPERATORS, query={"doctype": TEXT}, answer={"paths": {"type": "array"}}),
	Route("preview", "POST", "/preview", "A step's payload, rendered for a document", preview, OPERATORS, body={"kind": NAME, "payload": OBJECT, **ABOUT}, required=("kind", "payload"), answer={"payload": OBJECT, "problems": {"type": "array"}}),
	Route("start", "POST", "/start", "Start a template", start, OPERATORS, body={"template": NAME, **ABOUT, "idempotency_key": KEY}, required=("template",), answer={**MOVED, "repeated": {"type": "boolean"}}, status=201, headers={"Idempotency-Key": "idempotency_key"}),
	Route("confirm", "POST", "/confirm", "What starting a template would ask for, send and make", confirm, OPERATORS, body={"template": NAME, **ABOUT}, required=("template",), answer=CONFIRMED),
	Route("advance", "POST", "/advance", "Fire whatever is ready in a run", advance, OPERATORS, body={"run": NAME}, required=("run",), answer=MOVED),
	Route("complete", "POST", "/complete", "Fire a step that waits", complete, OPERATORS, body={"run": NAME, "step_id": NAME, "result": ANY}, required=("run", "step_id"), answer={**MOVED, "changed": {"type": "boolean"}, "note": {"type": "string"}}),
	Route("cancel", "POST", "/cancel", "End a run", cancel, OPERATORS, body={"run": NAME}, required=("run",), answer={"run": OBJECT}),
	Route("retry", "POST", "/retry", "Try failed steps again", retry, OPERATORS, body={"run": NAME, "step_id": {"type": ["string", "null"], "maxLength": 140}}, required=("run",), answer=MOVED),
	Route("event", "POST", "/event", "Raise a trigger event", event, AUTHORS, body={"event": NAME, **ABOUT}, required=("event",), answer={"results": {"type": "array"}}),
	Route("list_runs", "GET", "/runs", "The runs, newest first", list_runs, OPERATORS, query={"status": {"enum": ["", *RUN_STATES]}, "template": TEXT, "customer": TEXT, "doctype": TEXT, "docname": TEXT, **PAGE}, answer={"runs": {"type": "array"}}),
	Route("get_run", "GET", "/runs/{run}", "One run", get_run, OPERATORS, answer={"run": OBJECT}),
	Route("openapi", "GET", "/openapi.json", "This API, described", openapi, OPERATORS, answer={"openapi": {"type": "string"}}),
)  # fmt: skip

_PATTERNS = [(re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", re.escape(route.path).replace(r"\{", "{").replace(r"\}", "}"))), route) for route in ROUTES]  # fmt: skip


class WrongVerb(FlowError):
	status = 405
	code = "wrong_verb"

	def __init__(self, allowed: list[str]):
		super().__init__(f"Use {' or '.join(allowed)} here.")
		self.allowed = allowed


def find(verb: str, path: str) -> tuple[Route, dict[str, str]]:
	"""The route of a path below PREFIX, and the parts of it. HEAD is GET: the server leaves the body out.

	Raises:
		NotFound, WrongVerb.
	"""
	found = _at(path)
	if verb == "HEAD":
		verb = "GET"
	for route, parts in found:
		if route.verb == verb:
			return route, {name: unquote(part) for name, part in parts.items()}
	raise WrongVerb([route.verb for route, _ in found])


def allowed(path: str) -> list[str]:
	"""The verbs that a path below PREFIX takes, as OPTIONS tells them. Raises NotFound."""
	verbs = [route.verb for route, _ in _at(path)]
	return [*verbs, *(["HEAD"] if "GET" in verbs else []), "OPTIONS"]


def _at(path: str) -> list[tuple[Route, dict[str, str]]]:
	found = [(route, match.groupdict()) for pattern, route in _PATTERNS if (match := pattern.fullmatch(path))]
	if not found:
		raise NotFound(f"There is nothing at {PREFIX}{path}.")
	return found


def read(
	route: Route,
	parts: Mapping[str, str],
	query: Mapping[str, str],
	body: bytes,
	headers: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Any]:
	"""The handler's parameters.

	Raises:
		Unreadable: the body is no JSON object.
		Invalid: with every parameter that is missing, unknown or of the wrong kind.
	"""
	given: dict[str, Any] = {}
	if route.verb in ("POST", "PUT"):
		try:
			given = json.loads(body) if body.strip() else {}
		except (ValueError, RecursionError) as error:
			raise Unreadable(f"The body is not JSON: {error}.") from None
		if not isinstance(given, dict):
			raise Unreadable("The body is not a JSON object.")
		given = with_headers(route, given, headers)
		check(route, given)
		if route.open_body:
			given = {"values": given}
	else:
		given = {name: _typed(route.query.get(name, {}), text) for name, text in query.items()}
		check(route, given)
	return {**given, **parts}


def with_headers(route: Route, given: dict[str, Any], headers: Mapping[str, str]) -> dict[str, Any]:
	"""The parameters, with those that headers hold.

	Raises:
		Invalid: one stands in both, and says something else in each.
	"""
	for header, name in route.headers.items():
		value = headers.get(header)
		if not value:
			continue
		if given.get(name) not in (None, "", value):
			problem = Problem(
				f"{name} says something else than the header {header}. Send one of them.", field=name
			)
			raise Invalid.because([problem], "This request")
		given = {**given, name: value}
	return given


def check(route: Route, given: Mapping[str, Any]) -> None:
	"""Raise Invalid with every parameter that is missing, unknown or of the wrong kind.

	Raises:
		Unreadable: something is in it that Python's reader takes for JSON, and no other does.
	"""
	try:
		json.dumps(given, ensure_ascii=False, allow_nan=False, default=str).encode()
	except (ValueError, RecursionError):
		raise Unreadable(
			"The request holds what JSON cannot: a number that is none or too large, or half of a \\u pair."
		) from None
	# What is empty is missing too, except where anything may be given, and what the services miss by themselves.
	missing = [
		name
		for name in (() if route.open_body else route.required)
		if name not in given or (given[name] in (None, "") and route.body[name] is not ANY)
	]
	problems = [Problem(f"{name} is missing. Add it.", field=name) for name in missing]
	known = {*route.query, *route.body}
	for name, value in given.items():
		if name not in known:
			if not route.open_body:  # the services know a template's fields
				problems.append(Problem(f"{name[:60]!r} is not known here. Remove it.", field=name[:60]))
		elif name not in missing and not _validator(route.name, name).is_valid(value) and value is not None:
			problems.append(Problem(f"{name} is not what it should be. See /flow/openapi.json.", field=name))
	if problems:
		raise Invalid.because(problems, "This request")


def error_answer(error: FlowError) -> dict[str, Any]:
	"""The one shape of every error."""
	problems = error.problems or ([Problem(error.message)] if error.status == Invalid.status else ())
	return {
		"error": {
			"code": error.code,
			"message": error.message,
			"problems": [problem.as_dict() for problem in problems],
		}
	}


def _typed(schema: Mapping[str, Any], text: str) -> Any:
	return (
		int(text)
		if schema.get("type") == "integer" and text.isascii() and text.isdigit() and len(text) < 12
		else text
	)


@cache
def _validator(route_name: str, name: str) -> Draft202012Validator:
	route = next(route for route in ROUTES if route.name == route_name)
	return Draft202012Validator({**route.query, **route.body}[name])
