from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from flow_editor.engine import address, secrets
from flow_editor.engine.errors import EITHER, IN_FLOW, StepFailed, helps_by
from flow_editor.engine.kind import Account, Field, Kind
from flow_editor.engine.render import OPEN, Budget, as_text, read, split, whole
from flow_editor.engine.secrets import WithMarks
from flow_editor.kinds.web_call import DEFAULT_TIMEOUT, send_call

HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
RESERVED_HEADERS = ("host", "content-length", "transfer-encoding", "connection", "idempotency-key")
WITH_BODY = ("POST", "PUT", "PATCH")
JSON, FORM, TEXT = "json", "form", "text"
FORM_TYPE = "application/x-www-form-urlencoded"
#: What a body is called where no header says otherwise; JSON's stands in `web_call`.
CONTENT_TYPES = {FORM: FORM_TYPE, TEXT: "text/plain; charset=utf-8"}
#: Of a URL as its author writes it, what stands before its path.
BEFORE_PATH = re.compile(r"[a-z]+://([^/?#]*)", re.IGNORECASE)
CHECKED = (True, 1, "1")


class Webhook(Kind):
	"""Calls a web address, at least once, with the same idempotency key every time."""

	name = "webhook"
	label = "Webhook"
	icon = "link-url"
	color = "orange"
	description = "Calls an outside system and keeps its answer."
	summary = "{method} {url}"
	accounts = (Account("Answered with {status}"),)
	results = (("status", "Status code"), ("body", "Answer"))
	effect = "external"
	fields = (
		Field(
			"url",
			"url",
			"URL",
			required=True,
			secrets=True,
			help="http or https. Values put into it are encoded.",
		),
		Field(
			"method",
			"select",
			"Method",
			default="POST",
			templated=False,
			options=(
				("GET", "GET"),
				("POST", "POST"),
				("PUT", "PUT"),
				("PATCH", "PATCH"),
				("DELETE", "DELETE"),
			),
		),
		Field(
			"body_type",
			"select",
			"Body as",
			default=JSON,
			templated=False,
			options=((JSON, "JSON"), (FORM, "Form"), (TEXT, "Text")),
			shown_when={"method": WITH_BODY},
			help="A form is sent as a browser sends it. A text is sent as it stands, as plain text unless a header says other.",
		),
		Field(
			"body_template",
			"json",
			"Body",
			shown_when={"method": WITH_BODY},
			text_when={"body_type": (TEXT,)},
			help="JSON; a form's names and values are such an object too, and a list repeats its name. A text that is one "
			"{{path}} becomes that value, also the whole body: {{doc}}. Empty: what the run is about; of a text, nothing.",
		),
		Field(
			"headers_json",
			"json",
			"Headers",
			secrets=True,
			help='JSON, such as {"X-Source": "erpnext"}. Keys and passwords are kept in Flow Settings and stand here by '
			'name, as in {"Authorization": "Bearer {{secrets.crm}}"}.',
		),
		Field(
			"auth",
			"auth",
			"Sign in",
			help="By a secret of Flow Settings, which is the password, or the token. Only its name is kept here.",
		),
		Field(
			"follow",
			"check",
			"Follow redirects",
			default=0,
			templated=False,
			help="A receiver that has moved is called where it is now: again as it was (307, 308), or by a GET for a GET "
			"(301, 302, 303). A secret goes to no other host. Otherwise the step fails, and says where it was sent on to.",
		),
		Field(
			"timeout",
			"duration",
			"Timeout",
			default=DEFAULT_TIMEOUT,
			minimum=1,
			maximum=60,
			templated=False,
		),
	)

	def check(self, payload):
		if message := url_problem(str(payload.get("url") or "")):
			yield "url", f"URL {message}"
		headers = payload.get("headers_json")
		if isinstance(_parsed(headers), list):
			yield "headers_json", "Headers must be a JSON object."
		for name in _mapping(_parsed(headers)):
			if message := _header_problem(name):
				yield "headers_json", message
		headers = {name.lower(): value for name, value in _mapping(_parsed(headers)).items()}
		if (payload.get("method") or "POST") in WITH_BODY:
			yield from _body_problems(payload, str(headers.get("content-type") or "").lower())
		if auth := payload.get("auth"):
			if message := _auth_problem(auth):
				yield "auth", message
			elif auth.get("type") and "authorization" in headers:
				yield "auth", "There is an Authorization header too. Remove it, or choose no way to sign in."

	def prepare(self, step, ctx) -> dict[str, Any]:
		payload = ctx.payload
		headers = ctx.with_secrets("headers_json")
		if not isinstance(headers, Mapping | None):
			raise StepFailed(
				"Headers is no object of names and values. Correct it.",
				helps=helps_by(step.payload.get("headers_json")),
			)
		request = {
			"method": payload["method"],
			"url": rendered_url(
				str(step.payload.get("url") or ""), WithMarks(ctx.scope, ctx.idempotency_key), ctx.budget
			),
			"timeout": float(payload["timeout"]),
			"headers": _headers(headers or {}),
			"follow": payload["follow"] in CHECKED,
		}
		if (auth := payload["auth"]) and auth.get("type"):
			if message := _auth_problem(auth):
				raise StepFailed(message, helps=helps_by(step.payload.get("auth")))
			request["auth"] = {**auth, "user": as_text(auth.get("user"))}
		if payload["method"] in WITH_BODY:
			request.update(_body(step, ctx, request["headers"]))
		return request

	def send(self, request, ctx) -> dict[str, Any]:
		key = ctx.idempotency_key
		url, headers, auth = request["url"], request["headers"], request.get("auth")
		names = secrets.named(url, key).union(*(secrets.named(text, key) for text in headers.values()))
		if auth:
			names.add(auth["secret"])
		values = {name: ctx.secret(name, url) for name in sorted(names)}
		encoded = {name: quote(value) for name, value in values.items()}
		revealed = {
			"url": secrets.reveal(url, encoded, key),
			"headers": {name: secrets.reveal(text, values, key) for name, text in headers.items()},
		}
		hidden = dict(values)
		if auth:
			signed = values[auth["secret"]]
			if auth["type"] == "basic":
				signed = hidden[""] = base64.b64encode(f"{auth['user']}:{signed}".encode()).decode()
			revealed["headers"]["Authorization"] = f"{auth['type'].capitalize()} {signed}"
		revealed["headers"] = _headers(revealed["headers"])
		helps = helps_by(ctx.step.payload.get("url"))
		return send_call({**request, **revealed}, ctx.http, key, hidden, helps)


def _body(step, ctx, headers: Mapping[str, str]) -> dict[str, Any]:
	"""The part of a request that says what is in it.

	Raises:
		StepFailed: a form that is no object.
	"""
	payload = ctx.payload
	body, kind = payload["body_template"], payload["body_type"]
	written = step.payload.get("body_template")
	if written is None or (isinstance(written, str) and not written.strip()):
		body = "" if kind == TEXT else about(step, ctx)
	said = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
	# JSON under that name is read by nobody, so the header decides.
	if kind == JSON and said.lower().startswith(FORM_TYPE):
		kind = FORM
	if kind == JSON:
		return {"json": body}
	if kind == FORM:
		if not isinstance(body, Mapping):
			raise StepFailed(
				"Body is no object of names and values, which a form needs. Correct it.",
				helps=helps_by(written),
			)
		body = urlencode(
			[
				(name, as_text(one))
				for name, value in body.items()
				for one in (value if isinstance(value, list) else [value])
			],
			errors="replace",
		)
	return {"body": as_text(body), "content_type": CONTENT_TYPES[kind]}


def _body_problems(payload: Mapping[str, Any], content_type: str) -> Iterator[tuple[str, str]]:
	body, kind = payload.get("body_template"), payload.get("body_type") or JSON
	if kind == TEXT:
		if not isinstance(body, str | None):
			yield "body_template", "Body must be a text, since it is sent as one."
		return
	if content_type.startswith("multipart/"):
		yield (
			"headers_json",
			"Content-Type says multipart, which is not sent. Remove it, or send the body as a form.",
		)
	if (kind == FORM or content_type.startswith(FORM_TYPE)) and isinstance(_parsed(body), list):
		yield "body_template", "Body must be a JSON object of names and values, since it is sent as a form."


def _auth_problem(auth: Mapping[str, Any]) -> str:
	kind, user, secret = (auth.get(name) or "" for name in ("type", "user", "secret"))
	if not kind:
		return "Choose how to sign in, or remove the rest." if user or secret else ""
	if not secrets.NAME.fullmatch(secret):
		return f"Name the secret that holds the {'password' if kind == 'basic' else 'token'}, as it stands in Flow Settings."
	if kind == "basic" and not as_text(user).strip():
		return "Fill in the user that signs in."
	if ":" in as_text(user) and OPEN not in as_text(user):
		return "A user who signs in so has no colon in their name. Put what stands after it into a secret."
	return ""


def _parsed(written: Any) -> Any:
	"""What a field of JSON that has been checked holds; None if only the run can tell."""
	if isinstance(written, str):
		return json.loads(written) if written.strip() and not whole(written) else None
	return written


def _mapping(value: Any) -> Mapping[str, Any]:
	return value if isinstance(value, Mapping) else {}


def about(step, ctx) -> dict[str, Any]:
	"""What a call says if its author says nothing: which run it comes from, and what that is about."""
	run = ctx.run
	return {
		"run": run.name,
		"template": run.flow_template,
		"step": step.id,
		"doctype": run.context_doctype,
		"docname": run.context_docname,
		"customer": run.customer,
	}


def rendered_url(template: str, scope: Mapping[str, Any], budget: Budget | None = None) -> str:
	"""Render a URL, encoded as browsers do. Values are percent-encoded whole, but for one at its very beginning, which may
	be an address.

	Args:
		budget: what its values may come to, if not as much as one step's may.

	Raises:
		StepFailed: what comes out is no http address, or too long.
	"""
	written, budget, parts = template.strip(), budget or Budget(), []
	for words, expression in read(written):
		parts.append(words)
		if expression is not None:
			value = as_text(expression.value(scope))
			parts.append(budget.take(value if parts == [""] else quote(value, safe="")))
	url = "".join(parts)
	try:
		return str(address.parse(url))
	except ValueError as error:
		raise StepFailed(f"{url[:200]!r} is no web address: {error}.", helps=helps_by(written)) from None


def url_problem(template: str) -> str:
	"""What is wrong with a URL as its author wrote it, to go on after its name, or an empty text."""
	template = template.strip()
	before = BEFORE_PATH.match("x".join(words for words, _ in split(template)))
	if before and "@" in before[1]:
		return (
			"holds a user name or password, which everybody would read. Take it out, and sign in by a secret of Flow "
			"Settings."
		)
	if not template.startswith(OPEN) and not template.lower().startswith(("http://", "https://")):
		return "must begin with https:// or http://."
	if OPEN not in template:
		try:
			address.parse(template)
		except ValueError as error:
			return f"is no web address: {error}."
	return ""


def _header_problem(name: str) -> str | None:
	if HEADER_NAME.fullmatch(name) and name.lower() not in RESERVED_HEADERS:
		return None
	return f"{name[:100]!r} cannot be set as a header. Remove it."


def _headers(wanted: Mapping[str, Any]) -> dict[str, str]:
	headers = {}
	for name, value in wanted.items():
		text = as_text(value)
		if message := _header_problem(name):
			raise StepFailed(message, helps=IN_FLOW)
		if any(
			ord(character) < 32 or 127 <= ord(character) < 160 or ord(character) > 255 for character in text
		):
			raise StepFailed(
				f"The header {name} would hold a line break, a control character or a letter that no header "
				"can hold. Put its value into the body instead.",
				helps=EITHER,
			)
		headers[name] = text
	return headers
