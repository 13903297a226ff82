"""The doors' table: every route with its verb, path, roles, parameters and handler.

Both hosts answer from it, the whitelisted methods of the site are made from it, and the OpenAPI document is
written from it, so none of them can say what the others do not.
"""

from __future__ import annotations

from typing import Any

from flow_editor.doors import handlers
from flow_editor.doors.openapi import document
from flow_editor.doors.parameters import ANY, check, error_answer, read, with_headers
from flow_editor.doors.route import Route, Router, WrongVerb
from flow_editor.engine.machine import RUN_STATES
from flow_editor.services import publishing
from flow_editor.services.authored import AUTHORED
from flow_editor.services.host import Host

#: All that a host needs to answer at the doors.
__all__ = [
	"AUTHORS", "FLOW_USERS", "PREFIX", "ROUTES", "Route", "WrongVerb", "allowed", "check", "error_answer", "find", "read",
	"with_headers",
]  # fmt: skip

PREFIX = "/flow"
AUTHORS = ("Flow Manager", "System Manager")
FLOW_USERS = ("Flow User", *AUTHORS)

TEXT = {"type": "string", "maxLength": 1000}
NAME = {"type": "string", "minLength": 1, "maxLength": 140}
FLAG = {"enum": ["0", "1", "true", "false", 0, 1, True, False, ""]}
BAG = {"type": ["object", "null"]}
DEFINITION = {"type": ["object", "string", "null"]}
OBJECT = {"type": "object"}
#: A moment, or a length of time.
WHEN = {"type": ["string", "null"], "maxLength": 60}
PAGE = {
	"start": {"type": "integer", "minimum": 0, "maximum": 10_000_000},
	"limit": {"type": "integer", "minimum": 1, "maximum": 500},
}
#: What a template's fields may hold, as far as JSON can say; the services say the rest.
TEMPLATE_FIELDS = {name: {"type": ["string", "null"]} for name in AUTHORED} | {
	"is_active": {"enum": [0, 1, True, False, "0", "1", None]},
	"flow_definition": DEFINITION,
	"trigger_condition": {"type": ["string", "object", "null"]},
}


def openapi(host: Host) -> dict[str, Any]:
	return document(ROUTES, PREFIX)


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
#: Beside a template: its draft, null if it has none.
DRAFT = {"type": ["object", "null"]}
#: Whether a draft is meant.
IS_DRAFT = {"enum": [0, 1, True, False, None]}
REVISION = {"type": ["integer", "null"]}
VERSION = {
	"type": ["integer", "string"],
	"minimum": 1,
	"maximum": 2_000_000_000,
	"minLength": 1,
	"maxLength": 20,
}

#: What an answer about a run has said of how it is.
KNOWN = {"type": "string", "maxLength": 4000, "pattern": "^[A-Za-z0-9_-]*$"}

ROUTES = (
	Route("list_templates", "GET", "/templates", "The templates, without their definitions", handlers.list_templates, FLOW_USERS, query={"category": TEXT, "applies_to": TEXT, "is_active": FLAG, "trigger_event": TEXT, **PAGE}, answer={"templates": {"type": "array"}}),
	Route("create_template", "POST", "/templates", "Store a new template, or a draft of one", handlers.create_template, AUTHORS, body=TEMPLATE_FIELDS | {"draft": IS_DRAFT}, open_body=True, answer=WRITTEN, status=201),
	Route("get_template", "GET", "/templates/{template}", "One template as it is published, and its draft", handlers.get_template, FLOW_USERS, answer={"template": OBJECT, "draft": DRAFT}),
	Route("update_template", "PUT", "/templates/{template}", "Change some fields of a template, or of its draft", handlers.update_template, AUTHORS, body=TEMPLATE_FIELDS | {"version": REVISION, "will_run_as": {"type": ["string", "null"]}, "draft": IS_DRAFT, "draft_revision": REVISION}, open_body=True, answer=WRITTEN),
	Route("delete_template", "DELETE", "/templates/{template}", "Delete a template", handlers.delete_template, AUTHORS, answer={"ok": {"const": True}}),
	Route("duplicate_template", "POST", "/templates/{template}/duplicate", "Copy a template", handlers.duplicate_template, AUTHORS, body={"new_name": {"type": ["string", "null"], "maxLength": 140}}, answer=WRITTEN, status=201),
	Route("check_template", "POST", "/templates/{template}/check", "Who a template would run as once it is saved, published or restored so, and what of it that user may not", handlers.check_template, AUTHORS, body=TEMPLATE_FIELDS | {"version": REVISION, "restore": VERSION, "draft": IS_DRAFT}, open_body=True, answer={"run_as": {"type": "string"}, "will_run_as": {"type": "string"}, "may_keep": {"type": "boolean"}, "may_not": {"type": "array"}}),
	Route("publish_template", "POST", "/templates/{template}/publish", "Make a version of what a template's draft says", handlers.publish_template, AUTHORS, body={"draft_revision": REVISION, "note": {"type": ["string", "null"], "maxLength": publishing.MAX_NOTE}, "will_run_as": {"type": ["string", "null"]}}, answer=WRITTEN | {"draft": DRAFT}),
	Route("discard_draft", "POST", "/templates/{template}/discard", "Give up a template's draft", handlers.discard_draft, AUTHORS, body={"draft_revision": REVISION}, answer=WRITTEN | {"draft": DRAFT}),
	Route("list_versions", "GET", "/templates/{template}/versions", "A template's versions, newest first: who made each, when and why", handlers.list_versions, FLOW_USERS, query=PAGE, answer={"versions": {"type": "array"}}),
	Route("get_version", "GET", "/templates/{template}/versions/{version}", "One version of a template, with its definition", handlers.get_version, FLOW_USERS, answer={"version": OBJECT}),
	Route("restore_template", "POST", "/templates/{template}/restore", "Give a template, or its draft, what it came with, or had in an earlier version", handlers.restore_template, AUTHORS, body={"version": VERSION, "draft": IS_DRAFT, "draft_revision": REVISION}, required=("version",), answer=WRITTEN),
	Route("catalog", "GET", "/catalog", "The step kinds and trigger events that there are", handlers.catalog, FLOW_USERS, answer={"kinds": {"type": "array"}, "events": {"type": "array"}}),
	Route("validate", "POST", "/validate", "Every problem of a definition, and what is probably not meant in it", handlers.validate, FLOW_USERS, body={"flow_definition": ANY, "template": TEXT | {"type": ["string", "null"]}, "applies_to": TEXT | {"type": ["string", "null"]}, "catalog": TEXT | {"type": ["string", "null"]}, "trigger_event": TEXT | {"type": ["string", "null"]}}, required=("flow_definition",), answer={"problems": {"type": "array"}, "warnings": {"type": "array"}}),
	Route("paths", "GET", "/paths", "The paths that expressions about a DocType can read", handlers.paths, FLOW_USERS, query={"doctype": TEXT}, answer={"paths": {"type": "array"}}),
	Route("preview", "POST", "/preview", "A step's payload, rendered for a document", handlers.preview, FLOW_USERS, body={"kind": NAME, "payload": OBJECT, **ABOUT}, required=("kind", "payload"), answer={"payload": OBJECT, "problems": {"type": "array"}}),
	Route("start", "POST", "/start", "Start a template", handlers.start, FLOW_USERS, body={"template": NAME, **ABOUT, "idempotency_key": KEY}, required=("template",), answer={**MOVED, "repeated": {"type": "boolean"}}, status=201, headers={"Idempotency-Key": "idempotency_key"}),
	Route("confirm", "POST", "/confirm", "What starting a template would ask for, send and make", handlers.confirm, FLOW_USERS, body={"template": NAME, **ABOUT}, required=("template",), answer=CONFIRMED),
	Route("trial", "POST", "/trial", "Try a flow on a document, in virtual time, to its end: nothing is written, sent or locked", handlers.trial, FLOW_USERS, body={"flow_definition": ANY, "template": TEXT | {"type": ["string", "null"]}, **{name: ABOUT[name] for name in ("doctype", "docname", "variables")}, "now": WHEN, "until": WHEN, "answers": BAG}, answer={"run": OBJECT, "timeline": {"type": "array"}, "sent": {"type": "array"}, "documents": {"type": "array"}}),
	Route("explain", "POST", "/explain", "Whether a template would start on a document now, gate by gate", handlers.explain, FLOW_USERS, body={"template": NAME, "doctype": ABOUT["doctype"], "docname": ABOUT["docname"]}, required=("template",), answer={"would_start": {"type": "boolean"}, "gates": {"type": "array"}}),
	Route("advance", "POST", "/advance", "Fire whatever is ready in a run", handlers.advance, FLOW_USERS, body={"run": NAME}, required=("run",), answer=MOVED),
	Route("complete", "POST", "/complete", "Fire a step that waits", handlers.complete, FLOW_USERS, body={"run": NAME, "step_id": NAME, "result": ANY}, required=("run", "step_id"), answer={**MOVED, "changed": {"type": "boolean"}, "note": {"type": "string"}}),
	Route("cancel", "POST", "/cancel", "End a run", handlers.cancel, FLOW_USERS, body={"run": NAME}, required=("run",), answer={"run": OBJECT}),
	Route("retry", "POST", "/retry", "Try failed steps again", handlers.retry, FLOW_USERS, body={"run": NAME, "step_id": {"type": ["string", "null"], "maxLength": 140}}, required=("run",), answer=MOVED),
	Route("event", "POST", "/event", "Raise a trigger event", handlers.event, AUTHORS, body={"event": NAME, **ABOUT}, required=("event",), answer={"results": {"type": "array"}}),
	Route("list_runs", "GET", "/runs", "The runs, newest first", handlers.list_runs, FLOW_USERS, query={"status": {"enum": ["", *RUN_STATES]}, "template": TEXT, "customer": TEXT, "doctype": TEXT, "docname": TEXT, **PAGE}, answer={"runs": {"type": "array"}}),
	Route("get_run", "GET", "/runs/{run}", "One run; with what is known of it, what has changed since", handlers.get_run, FLOW_USERS, query={"known": KNOWN}, answer={"run": OBJECT, "known": {"type": "string"}, "whole": {"type": "boolean"}}),
	Route("openapi", "GET", "/openapi.json", "This API, described", openapi, FLOW_USERS, answer={"openapi": {"type": "string"}}),
)  # fmt: skip

_ROUTER = Router(ROUTES, PREFIX)
find, allowed = _ROUTER.find, _ROUTER.allowed
