from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from flow_editor.engine import secrets
from flow_editor.engine.errors import StepFailed
from flow_editor.engine.kind import Field, Kind
from flow_editor.engine.render import CLOSE, OPEN, Budget, as_text, render_text
from flow_editor.engine.secrets import WithMarks
from flow_editor.kinds.web_call import DEFAULT_TIMEOUT, send_call

HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
RESERVED_HEADERS = ("host", "content-length", "transfer-encoding", "connection", "idempotency-key")
CONTROL = re.compile(r"[\x00-\x20\x7f]")


class Webhook(Kind):
	"""Calls a web address, at least once, with the same idempotency key every time."""

	name = "webhook"
	label = "Webhook"
	icon = "link-url"
	color = "orange"
	description = "Calls an outside system and keeps its answer."
	summary = "{method} {url}"
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
			"body_template",
			"json",
			"Body",
			shown_when={"method": ("POST", "PUT", "PATCH")},
			help="JSON. A text that is one {{path}} becomes that value. Empty: what the run is about.",
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
		url = str(payload.get("url") or "").strip()
		if not url.startswith(OPEN) and not url.lower().startswith(("http://", "https://")):
			yield "url", "URL must begin with https:// or http://."
		if isinstance(payload.get("headers_json"), list):
			yield "headers_json", "Headers must be a JSON object."

	def prepare(self, step, ctx) -> dict[str, Any]:
		payload = ctx.payload
		request = {
			"method": payload["method"],
			"url": rendered_url(
				str(step.payload.get("url") or ""), WithMarks(ctx.scope, ctx.idempotency_key), ctx.budget
			),
			"timeout": float(payload["timeout"]),
			"headers": _headers(ctx.with_secrets("headers_json") or {}),
		}
		if payload["method"] in ("POST", "PUT", "PATCH"):
			body = payload["body_template"]
			request["json"] = about(step, ctx) if body is None else body
		return request

	def send(self, request, ctx) -> dict[str, Any]:
		key = ctx.idempotency_key
		url, headers = request["url"], request["headers"]
		names = secrets.named(url, key).union(*(secrets.named(text, key) for text in headers.values()))
		values = {name: ctx.host.secret(name, url) for name in sorted(names)}
		encoded = {name: quote(value) for name, value in values.items()}
		revealed = {
			"url": secrets.reveal(url, encoded, key),
			"headers": _headers({name: secrets.reveal(text, values, key) for name, text in headers.items()}),
		}
		return send_call({**request, **revealed}, ctx.http, key, values)


def about(step, ctx) -> dict[str, Any]:
	"""What a call says where its author says nothing: which run it comes from, and what that is about."""
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
	"""Render a URL. Values are percent-encoded, but for one at its very beginning, which may be an address.

	Args:
		budget: what its values may come to, if not as much as one step's may.

	Raises:
		StepFailed: what comes out is no http address, or too long.
	"""
	template = template.strip()
	beginning = ""
	if template.startswith(OPEN) and CLOSE in template:
		end = template.index(CLOSE) + len(CLOSE)
		beginning, template = render_text(template[:end], scope, budget=budget), template[end:]
	url = beginning + render_text(template, _Quoted(scope), budget=budget)
	if not _is_address(url):
		raise StepFailed(f"{url[:200]!r} is no web address. It must be https:// or http:// and a host.")
	return url


def _is_address(url: str) -> bool:
	try:
		parts = urlsplit(url)
		parts.port  # noqa: B018, which raises where it is none
		if "[" in parts.netloc:  # Python 3.10 takes anything in brackets for an address
			ipaddress.IPv6Address((parts.hostname or "").partition("%")[0])
	except ValueError:
		return False
	return parts.scheme in ("http", "https") and bool(parts.hostname) and not CONTROL.search(url)


class _Quoted(Mapping):
	"""A scope whose values are percent-encoded, for use in a URL."""

	def __init__(self, inner: Mapping[str, Any]):
		self._inner = inner

	def __getitem__(self, key: str) -> Any:
		value = self._inner[key]
		if isinstance(value, Mapping):
			return _Quoted(value)
		if isinstance(value, list | tuple):
			return _Quoted({str(index): item for index, item in enumerate(value)})
		return quote(as_text(value), safe="")

	def __iter__(self):
		return iter(self._inner)

	def __len__(self) -> int:
		return len(self._inner)


def _headers(wanted: Mapping[str, Any]) -> dict[str, str]:
	headers = {}
	for name, value in wanted.items():
		text = as_text(value)
		if not HEADER_NAME.fullmatch(name) or name.lower() in RESERVED_HEADERS:
			raise StepFailed(f"{name[:100]!r} cannot be set as a header. Remove it.")
		if any(
			ord(character) < 32 or 127 <= ord(character) < 160 or ord(character) > 255 for character in text
		):
			raise StepFailed(
				f"The header {name} would hold a line break, a control character or a letter that no header "
				"can hold. Put its value into the body instead."
			)
		headers[name] = text
	return headers
