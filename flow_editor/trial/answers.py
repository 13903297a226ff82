"""What captured web calls are answered, so that a flow's failure paths can be tried where nothing is sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from flow_editor.engine.errors import Invalid, Problem, StepFailed
from flow_editor.engine.ports import HttpResponse
from flow_editor.kinds.web_call import ANSWER_KB

KEYS = ("url", "method", "status", "headers", "body", "times", "error")
#: What a call is answered that nobody has said anything about.
CAPTURED = '{"captured": true}'


@dataclass(frozen=True, slots=True)
class Answer:
	"""
	Args:
		url: a part of the addresses that it is for; every one if empty.
		method: the method that it is for; every one if empty.
		times: how often it is given, before the next that fits; always if None.
		error: why there is no answer at all, such as "the connection was refused"; in place of the rest.
	"""

	url: str = ""
	method: str = ""
	status: int = 200
	headers: Mapping[str, str] = field(default_factory=dict)
	body: str = CAPTURED
	times: int | None = None
	error: str = ""

	def fits(self, method: str, url: str) -> bool:
		return self.url in url and self.method in ("", method)

	def once_less(self) -> list[Answer]:
		"""What is left of it after it was given."""
		if self.times is None:
			return [self]
		return [replace(self, times=self.times - 1)] if self.times > 1 else []

	def as_dict(self) -> dict[str, Any]:
		return asdict(self)

	def given(self, method: str, host: str) -> HttpResponse:
		if self.error:
			raise StepFailed(f"{host} did not answer {method}: {self.error}.", transient=True)
		most = ANSWER_KB * 1024
		read = self.body.encode()[:most].decode("utf-8", "ignore")
		return HttpResponse(self.status, self.headers, read, truncated=read != self.body)


def answers_in(written: Any) -> list[Answer]:
	"""The answers that a list of objects stands for. A body that is no text is sent as JSON.

	Raises:
		Invalid: with what is wrong with each.
	"""
	if not isinstance(written, list):
		raise Invalid.because([Problem("They are no list of objects.", field="answers")], "What is answered")
	problems = [
		problem for place, one in enumerate(written) for problem in _problems(one, f"answers.{place}")
	]
	if problems:
		raise Invalid.because(problems, "What is answered")
	return [Answer(**{**one, **({"body": _text(one["body"])} if "body" in one else {})}) for one in written]


def _problems(one: Any, where: str) -> list[Problem]:
	if not isinstance(one, dict):
		return [Problem("It is no object.", field=where)]
	fits = {
		"url": lambda value: isinstance(value, str),
		"method": lambda value: isinstance(value, str) and value == value.upper(),
		"status": lambda value: _is_whole(value) and 100 <= value <= 599,
		"headers": lambda value: (
			isinstance(value, dict) and all(isinstance(text, str) for text in value.values())
		),
		"body": lambda value: True,
		"times": lambda value: value is None or (_is_whole(value) and value > 0),
		"error": lambda value: isinstance(value, str),
	}
	return [
		Problem(f"There is no {key[:60]!r}; write {', '.join(KEYS)}.", field=where)
		for key in one
		if key not in fits
	] + [
		Problem(
			f"{json.dumps(one[key])[:60]} is no {key} that a call can be answered with.",
			field=f"{where}.{key}",
		)
		for key in KEYS
		if key in one and not fits[key](one[key])
	]


def _is_whole(value: Any) -> bool:
	return isinstance(value, int) and not isinstance(value, bool)


def _text(body: Any) -> str:
	return body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
