"""A web call that a step has committed to: built while the transaction is open, made after it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from flow_editor.engine.errors import StepFailed
from flow_editor.engine.secrets import hide

if TYPE_CHECKING:
	from flow_editor.engine.host import Http

DEFAULT_TIMEOUT = 10
#: How much of an answer is kept, in characters.
ANSWER_LENGTH = 16_000
#: How much of a failed call's answer stands in the error.
EXCERPT_LENGTH = 300
WITHOUT_BODY = ("GET", "DELETE")
NOTHING: Mapping[str, str] = MappingProxyType({})


def send_call(
	request: Mapping[str, Any], http: Http, idempotency_key: str, hidden: Mapping[str, str] = NOTHING
) -> dict[str, Any]:
	"""Make a call.

	Args:
		request: `url`, and any of `method`, `json` (the body), `headers` and `timeout` (seconds).
		idempotency_key: sent along, the same at every repetition, so that the receiver can tell.
		hidden: secrets that the request holds, and that neither the answer nor an error may tell.

	Returns:
		`status`, `body` (parsed where it is JSON) and `truncated`.

	Raises:
		StepFailed: it was refused or not answered, or answered with a status of 400 or more.
	"""
	method = str(request.get("method") or "POST").upper()
	body = None
	headers = {"Accept": "application/json, */*;q=0.5", "Idempotency-Key": idempotency_key}
	if method not in WITHOUT_BODY and "json" in request:
		body = json.dumps(request["json"], ensure_ascii=False)
		headers["Content-Type"] = "application/json"
	wanted = request.get("headers") or {}
	replaced = {name.lower() for name in wanted}
	headers = {name: value for name, value in headers.items() if name.lower() not in replaced} | wanted
	try:
		response = http.request(
			method,
			request["url"],
			headers=headers,
			body=body,
			timeout=float(request.get("timeout") or DEFAULT_TIMEOUT),
		)
	except StepFailed as error:
		raise StepFailed(hide(error.message, hidden), transient=error.transient) from None
	whole = hide(response.body, hidden, is_cut=response.truncated)
	text = whole[:ANSWER_LENGTH]
	truncated = response.truncated or len(whole) > ANSWER_LENGTH
	answer = {"status": response.status, "body": _parsed(text, truncated), "truncated": truncated}
	if response.status >= 400:
		raise StepFailed(
			f"{method} {hide(request['url'], hidden)} answered {response.status}: {text[:EXCERPT_LENGTH].strip() or 'no text'}",
			result=answer,
		)
	return answer


def _parsed(text: str, truncated: bool) -> Any:
	if not truncated:
		try:
			return json.loads(text)
		except (ValueError, RecursionError):
			pass  # not JSON: it is kept as text
	return text
