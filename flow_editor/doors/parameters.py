"""What a caller sent, as a handler takes it; and what was wrong with it, as a caller is told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from jsonschema import Draft202012Validator

from flow_editor.doors.route import Route
from flow_editor.engine.errors import FlowError, Invalid, Problem, Unreadable

#: The schema of a parameter that may be anything, also nothing.
ANY: dict[str, Any] = {}


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
		if name not in given or (given[name] in (None, "") and route.body[name] != ANY)
	]
	problems = [Problem(f"{name} is missing. Add it.", field=name) for name in missing]
	known = {*route.query, *route.body}
	for name, value in given.items():
		if name not in known:
			if not route.open_body:  # the services know a template's fields
				problems.append(Problem(f"{name[:60]!r} is not known here. Remove it.", field=name[:60]))
		elif name not in missing and not _validator(route, name).is_valid(value) and value is not None:
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
def _validator(route: Route, name: str) -> Draft202012Validator:
	return Draft202012Validator({**route.query, **route.body}[name])
