"""The doors of the site, made from the table of routes: a whitelisted method each, and `/flow/…` itself.

`/flow/…` takes every verb, answers plainly and has one shape of error. The whitelisted methods take and answer as
Frappe's own do, for the desk. Each asks for the role first; who is asking is Frappe's to say (session, API key),
or the internal token of Flow Settings, which stands for the service user there. What they answer is kept by nobody on
the way.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import frappe
from werkzeug.wrappers import Response

from flow_editor.doors import routes
from flow_editor.doors.routes import ROUTES, Route
from flow_editor.engine.errors import (
	Conflict,
	FlowError,
	NotAllowed,
	NotFound,
	NotSignedIn,
	TooLarge,
	TooMany,
	Unavailable,
	Unreadable,
)
from flow_editor.site import token
from flow_editor.site.errors import as_flow_errors, as_frappe_errors
from flow_editor.site.host import current

HANDLER = "/api/method/flow_editor.api.handle"
#: How a method of ours is called in any version of Frappe's API.
OUR_METHOD = "/method/flow_editor."
#: Where the path that was asked for is kept while Frappe sees HANDLER.
ASKED = "flow_editor.path"
OURS = "flow_editor.answered"
#: Whether a bearer token was sent of which it is not known yet whose it is.
BEARER = "flow_editor.bearer"
#: The largest body that is read, in bytes; a definition may be the whole of it.
MAX_BODY = 16 * 1024 * 1024


# Whitelisted methods


def _whitelisted(route: Route) -> Callable:
	def method(**given: Any) -> dict[str, Any]:
		given.pop("cmd", None)
		with as_frappe_errors():
			_check_role(route)
			parts = {name: given.pop(name) for name in route.parts if name in given}
			if route.open_body:
				values = _parsed(given.get("values"), {"type": "object"})
				if not isinstance(values, dict):
					raise Unreadable("values must be a JSON object.")
				routes.check(route, values)
				return route.handler(current(), **parts, values=values)
			schemas = {**route.query, **route.body}
			given = {name: _parsed(value, schemas.get(name, {})) for name, value in given.items()}
			given = {name: value for name, value in given.items() if value not in (None, "")}
			given = routes.with_headers(route, given, _headers())
			routes.check(route, given)
			return route.handler(current(), **parts, **given)

	method.__name__ = method.__qualname__ = route.name
	method.__doc__ = f"{route.summary}. See `routes.{route.name}`."
	# The desk calls with POST whatever the route's own verb is.
	return frappe.whitelist(methods=list({route.verb, "POST"}))(method)


def _headers() -> Mapping[str, str]:
	"""The request's, if this is within one."""
	request = getattr(frappe.local, "request", None)
	return request.headers if request else {}


def _parsed(value: Any, schema: dict[str, Any]) -> Any:
	"""A form's text as the JSON that it holds, if the parameter takes no text: a document may be called 12 or 1e5."""
	types = schema.get("type", ())
	if not isinstance(value, str) or "string" in ([types] if isinstance(types, str) else types):
		return value
	try:
		return json.loads(value)
	except ValueError:
		return value


for _route in ROUTES:
	globals()[_route.name] = _whitelisted(_route)


def _check_role(route: Route) -> None:
	user = frappe.session.user
	if user in ("", "Guest"):
		raise NotSignedIn("Sign in, or send an API key or the internal token.")
	if user != "Administrator" and not set(route.roles) & set(frappe.get_roles()):
		raise NotAllowed(f"This takes one of the roles {', '.join(route.roles)}.")


# /flow/…


def route_request() -> None:
	"""`before_request`: lead /flow/… to `handle`, and the bearer of the internal token in."""
	request = frappe.local.request
	if not _is_ours(request.path):
		return
	request.environ[ASKED] = request.path
	request.environ["PATH_INFO"] = request.path = HANDLER
	# The body is ours to read. To Frappe, a `cmd` in it would name a method of its own to run.
	frappe.local.form_dict = frappe._dict()
	scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
	if scheme.lower() != "bearer":
		return
	request.environ[BEARER] = True
	if user := token.user_of(current().settings, bearer.strip()):
		request.environ[BEARER] = False
		frappe.set_user(user)


def _is_ours(path: str) -> bool:
	return path == routes.PREFIX or path.startswith(f"{routes.PREFIX}/")


@frappe.whitelist(allow_guest=True, methods=["GET", "HEAD", "POST", "PUT", "DELETE"])
def handle(**_: Any) -> Response:
	"""Answer /flow/…"""
	request = frappe.local.request
	path = request.environ.get(ASKED)
	if path is None:
		raise frappe.DoesNotExistError("Ask /flow/… instead.")
	frappe.local.message_log.clear()
	try:
		route, parts = routes.find(request.method, path.removeprefix(routes.PREFIX))
		_check_role(route)
		body = request.get_data()
		if len(body) > MAX_BODY:  # which a body in chunks does not say beforehand
			raise TooLarge(MAX_BODY)
		given = routes.read(route, parts, request.args.to_dict(), body, request.headers)
		with as_flow_errors():
			answer = route.handler(current(), **given)
		return _answer(answer, route.status)
	except FlowError as error:
		frappe.db.rollback()
		response = _answer(routes.error_answer(error), error.status)
		_say_allowed(response, error)
		return response


def _answer(content: dict[str, Any], status: int) -> Response:
	response = Response(
		json.dumps(content, ensure_ascii=False, default=str), status, mimetype="application/json"
	)
	frappe.local.request.environ[OURS] = True
	return response


def shape_errors(response: Response | None = None, request: Any = None) -> None:
	"""`after_request`: give what Frappe itself refused on /flow/… (a wrong token, a missing CSRF token, a body
	that is no JSON) the one shape of errors. What is asked with OPTIONS Frappe itself answers, so that is ours here."""
	if request is None or response is None:
		return
	path = request.environ.get(ASKED) or request.path
	at_our_door = _is_ours(path)
	if at_our_door or OUR_METHOD in path or str(frappe.local.form_dict.get("cmd")).startswith("flow_editor."):
		response.headers["Cache-Control"] = "no-store"
	if request.environ.get(OURS) or not at_our_door:
		return
	if request.environ.get(BEARER) and response.status_code in (401, 403):
		token.was_wrong(current().settings)
	path = path.removeprefix(routes.PREFIX)
	try:
		if request.method == "OPTIONS" and response.status_code in (200, 401, 403):
			# Anybody is told the verbs. Frappe 16 has no login manager here, so it takes no key for a right one.
			response.headers["Allow"] = ", ".join(routes.allowed(path))
			response.status_code, response.data = 204, b""
		elif response.status_code >= 400:
			raise _refusal(request, path, response.status_code)
	except FlowError as error:
		response.status_code = error.status
		response.mimetype = "application/json"
		response.data = json.dumps(routes.error_answer(error))
		_say_allowed(response, error)


def _say_allowed(response: Response, error: FlowError) -> None:
	if isinstance(error, routes.WrongVerb):
		response.headers["Allow"] = ", ".join(error.allowed)


def _refusal(request: Any, path: str, status: int) -> FlowError:
	if status == TooMany.status:
		return TooMany(
			f"Too many requests or wrong tokens came from here. Wait {token.LOCKED_SECONDS} seconds."
		)
	try:
		routes.find(request.method, path)
	except FlowError as error:
		return error
	if status in (401, 403):
		return NotSignedIn("The session, API key or token is not valid.")
	body = request.get_data()
	if body:
		try:
			if not isinstance(json.loads(body), dict):
				return Unreadable("The body is not a JSON object.")
		except (ValueError, RecursionError) as error:
			return Unreadable(f"The body is not JSON: {error}.")
	if status in (400, 417):
		return Unreadable("The request was refused. With a session, send its CSRF token along.")
	if status in (404, 409):
		return (NotFound if status == 404 else Conflict)("The request was refused.")
	if status == Unavailable.status:
		return Unavailable("The site takes no requests at the moment. Try again later.")
	error = FlowError("Something broke; it is in Error Log.")
	error.status, error.code = 500, "broken"
	return error
