"""One door: a verb, a path, who may use it, and what it takes and answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
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
