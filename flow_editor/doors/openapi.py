"""The OpenAPI 3.1 document, written from the table of routes."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

from flow_editor.doors.route import Route

ERRORS = {
	"400": "The request cannot be read",
	"401": "Nobody is signed in, or the token is wrong",
	"403": "The user may not do this",
	"404": "There is no such thing",
	"409": "The thing is not in a state in which this can be done",
	"413": "The request is too large",
	"422": "Readable, but wrong: `problems` says all that is",
}


def document(routes: Iterable[Route], prefix: str) -> dict[str, Any]:
	"""The document of the routes, whose paths stand below the prefix."""
	paths: dict[str, dict[str, Any]] = {}
	for route in routes:
		paths.setdefault(prefix + route.path, {})[route.verb.lower()] = _operation(route)
	text = {"type": "string"}
	problem = {"type": "object", "properties": dict.fromkeys(("step", "field", "message"), text)}
	error = {
		"type": "object",
		"required": ["code", "message", "problems"],
		"properties": {"code": text, "message": text, "problems": {"type": "array", "items": problem}},
	}
	return {
		"openapi": "3.1.0",
		"info": {
			"title": "Flow Editor",
			"version": version("flow_editor"),
			"description": "Flows: author, start, move and look at them.",
		},
		"paths": paths,
		"components": {
			"schemas": {"Error": {"type": "object", "required": ["error"], "properties": {"error": error}}},
			"securitySchemes": {
				"bearer": {
					"type": "http",
					"scheme": "bearer",
					"description": "The internal token of Flow Settings",
				},
				"apiKey": {
					"type": "apiKey",
					"in": "header",
					"name": "Authorization",
					"description": "token KEY:SECRET of a user",
				},
			},
		},
		"security": [{"bearer": []}, {"apiKey": []}, {}],
	}


def _operation(route: Route) -> dict[str, Any]:
	operation: dict[str, Any] = {
		"operationId": route.name,
		"summary": route.summary,
		"description": f"For users with one of the roles {', '.join(route.roles)}.",
		"parameters": [
			*(_parameter(name, "path", {"type": "string", "minLength": 1}) for name in route.parts),
			*(_parameter(name, "query", schema) for name, schema in route.query.items()),
			*(_parameter(header, "header", route.body[name]) for header, name in route.headers.items()),
		],
		"responses": {
			str(route.status): {
				"description": "Done",
				"content": _json(
					{"type": "object", "required": list(route.answer), "properties": dict(route.answer)}
				),
			},
			**{
				status: {"description": text, "content": _json({"$ref": "#/components/schemas/Error"})}
				for status, text in ERRORS.items()
			},
		},
	}
	if route.verb in ("POST", "PUT"):
		body = {
			"type": "object",
			"properties": dict(route.body),
			"required": list(route.required),
			"additionalProperties": False,
		}
		operation["requestBody"] = {"required": bool(route.required), "content": _json(body)}
	return operation


def _parameter(name: str, where: str, schema: dict[str, Any]) -> dict[str, Any]:
	return {"name": name, "in": where, "required": where == "path", "schema": schema}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
	return {"application/json": {"schema": schema}}
