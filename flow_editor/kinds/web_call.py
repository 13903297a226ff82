"""A web call that a step has committed to: built while the transaction is open, made after it.

An answer of 200 to 299 is a success. A redirect is followed if the call says so, each hop checked as the first was, else
it is a failure; so is every other status. What may pass by itself is transient.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any
from urllib.parse import urljoin

from flow_editor.engine import address
from flow_editor.engine.errors import EITHER, StepFailed
from flow_editor.engine.ports import Http, HttpResponse
from flow_editor.engine.secrets import hide

DEFAULT_TIMEOUT = 10
#: How much of an answer is read where nobody says otherwise, in kB.
ANSWER_KB = 1024
#: How many characters are kept of an answer that was not read to its end, for the eye alone: no step reads it.
BEGINNING_LENGTH = 16_000
#: How much of a failed call's answer stands in the error.
EXCERPT_LENGTH = 300
#: How much of an address stands in an error.
ADDRESS_LENGTH = 500
WITHOUT_BODY = ("GET", "DELETE")
JSON_TYPE = "application/json"
#: Statuses below 500 that say "not now".
NOT_NOW = (408, 425, 429)
#: Redirects that repeat the call as it was, and those after which only a GET is still the same call.
REPEATS, FOR_GET = (307, 308), (301, 302, 303)
MOST_HOPS = 5
#: Headers that are for the place that they were written for.
FOR_ONE_PLACE = ("authorization", "cookie", "proxy-authorization")
MARK = "\ufeff"
NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class _Call:
	method: str
	url: str
	headers: Mapping[str, str]
	body: str | None


def may_pass(status: int) -> bool:
	"""Whether a call that was answered so may be answered otherwise later."""
	return status >= 500 or status in NOT_NOW


def send_call(
	request: Mapping[str, Any],
	http: Http,
	idempotency_key: str,
	hidden: Mapping[str, str] = NOTHING,
	helps: str = "",
) -> dict[str, Any]:
	"""Make a call.

	Args:
		request: `url`, and any of `method`, `json` (the body), or `body` with its `content_type`, `headers`, `timeout`
			(seconds, for all hops together) and `follow`.
		idempotency_key: sent along, the same at every repetition, so that the receiver can tell.
		hidden: secrets that the request holds, and that neither the answer nor an error may tell.
		helps: what helps if the address is not the right one; see `FlowError.helps`.

	Returns:
		`status`, `body` (parsed if it is JSON) and `truncated`.

	Raises:
		StepFailed: it was refused or not answered, or not answered with success.
	"""
	call = _first(request, idempotency_key)
	timeout = float(request.get("timeout") or DEFAULT_TIMEOUT)
	began = time.monotonic()
	hops = 0
	while True:
		left = timeout if not hops else max(0.001, timeout - (time.monotonic() - began))
		try:
			response = http.request(call.method, call.url, headers=call.headers, body=call.body, timeout=left)
		except StepFailed as error:
			raise StepFailed(
				hide(error.message, hidden), transient=error.transient, helps=error.helps
			) from None
		if not 300 <= response.status < 400:
			break
		try:
			call = _onward(call, response, hops, bool(request.get("follow")), hidden)
		except StepFailed as error:
			error.helps = helps
			raise
		hops += 1
	answer = _answer(response, hidden)
	if not 200 <= response.status < 300:
		raise StepFailed(
			f"{_named(call, hidden)} answered {response.status}: {_excerpt(response, hidden)}",
			transient=may_pass(response.status),
			result=answer,
			retry_after=header(response, "Retry-After"),
		)
	return answer


def header(response: HttpResponse, name: str) -> str:
	"""An answer's header, or an empty text."""
	return next((value for key, value in response.headers.items() if key.lower() == name.lower()), "")


def _first(request: Mapping[str, Any], idempotency_key: str) -> _Call:
	method = str(request.get("method") or "POST").upper()
	body = None
	headers = {"Accept": "application/json, */*;q=0.5", "Idempotency-Key": idempotency_key}
	if method not in WITHOUT_BODY:
		if "json" in request:
			body, headers["Content-Type"] = json.dumps(request["json"], ensure_ascii=False), JSON_TYPE
		elif "body" in request:
			body, headers["Content-Type"] = request["body"], request["content_type"]
	wanted = request.get("headers") or {}
	replaced = {name.lower() for name in wanted}
	headers = {name: value for name, value in headers.items() if name.lower() not in replaced} | wanted
	return _Call(method, request["url"], headers, body)


def _onward(call: _Call, response: HttpResponse, hops: int, follow: bool, hidden: Mapping[str, str]) -> _Call:
	"""The call that a redirect asks for.

	Raises:
		StepFailed: it is not to be made. The sentence says where it was sent on to.
	"""
	written = header(response, "Location")
	try:
		written = written.encode("latin-1").decode()  # it was read as the one, and is often the other
	except UnicodeError:
		pass
	try:
		url = urljoin(call.url, written) if written else ""
	except ValueError:
		url = written
	shown = hide(url, hidden)[:ADDRESS_LENGTH]
	if not written:
		why = "which says neither that it is done nor where else to ask. Correct the address"
	elif response.status not in (*REPEATS, *FOR_GET):
		why = f"which is no success, and names {shown}. Correct the address"
	elif not follow:
		why = (
			f"so nothing was done there: it was sent on to {shown}. Put that address into the step, or let it follow "
			"redirects"
		)
	elif response.status in FOR_GET and call.method != "GET":
		why = (
			f"so nothing was done there: it was sent on to {shown}, and only a GET follows this status. Put that address "
			"into the step"
		)
	elif hops == MOST_HOPS:
		why = f"after {MOST_HOPS} redirects, and would go on to {shown}. Put the last address into the step"
	else:
		return _hop(call, url, shown, hidden)
	raise StepFailed(
		f"{_named(call, hidden)} answered {response.status}, {why}.",
		result=_answer(response, hidden),
		helps=EITHER,
	)


def _hop(call: _Call, url: str, shown: str, hidden: Mapping[str, str]) -> _Call:
	try:
		here, there = address.parse(call.url), address.parse(url)
	except ValueError as error:
		raise StepFailed(
			f"{_named(call, hidden)} sent the call on to {shown}, where it cannot go: {error}."
		) from None
	if there.origin == here.origin:
		return replace(call, url=str(there))
	if here.scheme == "https" and there.scheme != "https":
		raise StepFailed(
			f"{_named(call, hidden)} sent the call on to {shown}, where everybody on the way could read it. "
			"Put an https address into the step.",
			helps=EITHER,
		)
	if hide(url, hidden) != url:
		raise StepFailed(
			f"{_named(call, hidden)} sent the call on to {shown}, with a secret in the address that is not for that host. "
			"Put that address into the step.",
			helps=EITHER,
		)
	kept = {
		name: value
		for name, value in call.headers.items()
		if name.lower() not in FOR_ONE_PLACE and hide(value, hidden) == value
	}
	return replace(call, url=str(there), headers=kept)


def _named(call: _Call, hidden: Mapping[str, str]) -> str:
	return f"{call.method} {hide(call.url, hidden)[:ADDRESS_LENGTH]}"


def _answer(response: HttpResponse, hidden: Mapping[str, str]) -> dict[str, Any]:
	text = hide(response.body, hidden, is_cut=response.truncated).removeprefix(MARK)
	body: Any = text
	if response.truncated:
		body = text[:BEGINNING_LENGTH]
	else:
		try:
			body = json.loads(text)
		except (ValueError, RecursionError):
			pass  # not JSON: it is kept as text
	return {"status": response.status, "body": body, "truncated": response.truncated}


def _excerpt(response: HttpResponse, hidden: Mapping[str, str]) -> str:
	text = hide(response.body, hidden, is_cut=response.truncated)
	return text.removeprefix(MARK)[:EXCERPT_LENGTH].strip() or "no text"
