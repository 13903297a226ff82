"""One door (a verb, a path, who may use it, what it takes and answers), and which door a path leads to."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from werkzeug.exceptions import MethodNotAllowed
from werkzeug.exceptions import NotFound as NoRule
from werkzeug.routing import Map, Rule

from flow_editor.engine.errors import FlowError, NotFound

#: In this order they are told.
VERBS = ("GET", "POST", "PUT", "DELETE")


@dataclass(frozen=True, slots=True, eq=False)
class Route:
	"""One door.

	Args:
		name: the whitelisted method's name, and the operation's.
		path: below PREFIX, with `{parts}` that are handed to the handler.
		handler: takes the host and the parameters by name; returns the answer as JSON.
		query, body: JSON Schemas of the parameters that it takes there, by name.
		required: those without which it cannot be called.
		answer: what the answer holds, by name.
		open_body: the body is one object as a whole, handed over as `values`.
		headers: parameters that a header may hold in place of the body, by the header's name.
	"""

	name: str
	verb: str
	path: str
	summary: str
	handler: Callable[..., dict[str, Any]]
	roles: tuple[str, ...]
	query: Mapping[str, Any] = field(default_factory=dict)
	body: Mapping[str, Any] = field(default_factory=dict)
	required: tuple[str, ...] = ()
	answer: Mapping[str, Any] = field(default_factory=dict)
	open_body: bool = False
	status: int = 200
	headers: Mapping[str, str] = field(default_factory=dict)

	@property
	def parts(self) -> list[str]:
		return re.findall(r"{(\w+)}", self.path)


class WrongVerb(FlowError):
	status = 405
	code = "wrong_verb"

	def __init__(self, allowed: list[str]):
		super().__init__(f"Use {' or '.join(allowed)} here.")
		self.allowed = allowed


class Router:
	"""Which route a verb and a path lead to.

	Args:
		prefix: what stands before every path, for the sentence about one that leads nowhere.
	"""

	def __init__(self, routes: Iterable[Route], prefix: str):
		rules = [
			Rule(route.path.replace("{", "<").replace("}", ">"), methods=[route.verb], endpoint=route)
			for route in routes
		]
		# A path leads to one route to the letter, or nowhere: no slash is added, left out or taken for two.
		self._doors = Map(rules, merge_slashes=False, redirect_defaults=False).bind("")
		self._prefix = prefix

	def find(self, verb: str, path: str) -> tuple[Route, dict[str, str]]:
		"""The route of a path below the prefix, and the parts of the path by name.

		Args:
			verb: HEAD is GET, and the server leaves the body out.

		Raises:
			NotFound, WrongVerb.
		"""
		try:
			route, parts = self._match(verb, path)
		except MethodNotAllowed as error:
			raise WrongVerb(_in_order(error)) from None
		return route, {name: unquote(part) for name, part in parts.items()}

	def allowed(self, path: str) -> list[str]:
		"""The verbs that a path below the prefix takes, as OPTIONS tells them. Raises NotFound."""
		try:
			self._match("OPTIONS", path)
		except MethodNotAllowed as error:
			verbs = _in_order(error)
		return [*verbs, *(["HEAD"] if "GET" in verbs else []), "OPTIONS"]

	def _match(self, verb: str, path: str) -> tuple[Route, Mapping[str, str]]:
		try:
			if not path.startswith("/") or path.startswith("//"):  # which werkzeug takes for one slash
				raise NoRule
			return self._doors.match(path, method=verb)
		except NoRule:
			raise NotFound(f"There is nothing at {self._prefix}{path}.") from None


def _in_order(error: MethodNotAllowed) -> list[str]:
	return [verb for verb in VERBS if verb in (error.valid_methods or ())]
