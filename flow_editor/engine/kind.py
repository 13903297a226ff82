"""What a step kind is.

One subclass of `Kind` declares everything there is to know about a kind: the catalog entry that the editor
draws its form from, the JSON Schema that the validator checks payloads with, and what the step does. Nothing
else in the project lists kinds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from flow_editor.engine.context import StepContext
from flow_editor.engine.definition import ERROR_LANE, Step
from flow_editor.engine.field_type import Form
from flow_editor.engine.fields import Audience, Effect, Field
from flow_editor.engine.stopping import Stop
from flow_editor.engine.waiting import Ended, Wait


@dataclass(frozen=True, slots=True)
class Comparison:
	"""A value that a step compares, so that it can be told beforehand what cannot be.

	Args:
		field: the payload field that holds the value.
		path: what it is compared with: a path from the scope's roots.
		op: one of `conditions.OPERATORS`.
		value: as its author wrote it.
	"""

	field: str
	path: str
	op: str
	value: Any


@dataclass(frozen=True, slots=True)
class Write:
	"""A document that a step makes or changes, so that it can be told beforehand what will not fit, who has to be allowed
	to, and which flows it sets off.

	Args:
		doctype: its DocType.
		creates: whether it is made; else it is changed.
		values: what its author wrote for its fields, by name.
		field: the payload field in which all of them stand; if empty, each stands in the one of its own name.
		cut: those of its fields for which a text that is too long is shortened.
	"""

	doctype: str
	creates: bool = False
	values: Mapping[str, Any] = field(default_factory=dict)
	field: str = ""
	cut: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Account:
	"""What a done step did, in words, for its card in a run.

	Args:
		phrase: with names of its result in single braces. After a bar stands what an empty one is told as: "{to|nobody}".
			After an @ stands the DocType of the document that it names, so that it is a link: "{issue@Issue}"; with a colon
			before it, the name in the result that holds the DocType: "{name@:doctype}". `branch` reads as the lane's label.
		when: it tells of a result that holds, for each name, one of these values; with none, of every result.
	"""

	phrase: str
	when: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

	def as_dict(self) -> dict[str, Any]:
		when = {name: list(values) for name, values in self.when.items()}
		return {"phrase": self.phrase, **({"when": when} if when else {})}


class Kind:
	"""A step kind. Subclass it, set the attributes, and write `run`, or `prepare` and `send`.

	A kind whose effect is `none` or `documents` writes `run`: it happens in the transaction of the run's own
	state, under a savepoint, so it happens exactly once. A kind whose effect is `external` writes `prepare`,
	which returns all that the call needs as JSON and is committed first, and `send`, which makes the call
	outside any transaction and may be repeated with the same idempotency key.

	A kind whose step has more to do later returns a `Wait` from `run` in place of a result, and writes `resume`: it is told
	how the wait ended, in a transaction as `run` is, and returns the result, or waits once more.
	"""

	name: str = ""
	label: str = ""
	icon: str = "tool"
	color: str = "gray"
	catalog: str = "project"
	description: str = ""
	#: One phrase for the step's card, with payload fields in single braces, and after a bar what stands for an
	#: empty one: "E-mail to {to|the customer}".
	summary: str = ""
	#: The same for the confirmation before a start, if that has more to say: what is sent, or what is made.
	announcement: str = ""
	#: What its result says, in words: the first that holds is told.
	accounts: tuple[Account, ...] = ()
	fields: tuple[Field, ...] = ()
	#: (name, label) of what the step's result holds, for the picker of paths.
	results: tuple[tuple[str, str], ...] = ()
	#: (value, label) of each branch that `result.branch` may name; empty for a kind that does not branch.
	branches: tuple[tuple[str, str], ...] = ()
	#: The payload field whose items, each with a `value` and a `label`, are lanes too, before those of `branches`.
	lanes_from: str = ""
	#: Whether a step takes all its lanes at once, so that each step within it has to stand in one.
	takes_all_lanes: bool = False
	#: Whether a person who completes a step may choose its lane.
	person_chooses: bool = True
	effect: Effect = "none"
	#: If people read its texts, documents' fields are written in them as people read them; see `engine.people`.
	audience: Audience = ""
	#: Whether `run` is quick and needs nothing but the step and what the run already knows. Such a step may be done within
	#: the save that sets the run off. If it reads more of its scope than the run knows, a worker does it instead.
	self_contained: bool = False
	#: DocTypes whose documents its steps, or calls that they promise, may wait for.
	watches: tuple[str, ...] = ()
	#: Whether the runtime can run it. A kind that is only composed and stored says False.
	runnable: bool = True

	def effect_of(self, payload: Mapping[str, Any]) -> Effect:
		"""The effect of this very step. Most kinds have one; `notify` decides by its channel."""
		return self.effect

	def sends(self, payload: Mapping[str, Any]) -> bool:
		"""Whether this very step has something go out to somebody, so that a start has to be confirmed with it."""
		return self.effect_of(payload) == "external"

	def announce(self, payload: Mapping[str, Any]) -> str:
		"""The phrase for this very step in the confirmation before a start."""
		return self.announcement or self.summary or self.label

	def form_of(self, field: Field, payload: Mapping[str, Any]) -> Form:
		"""How a templated text field of this very step is written. Most kinds leave it to the field's type."""
		return field.type.form

	def lanes(self, payload: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
		"""(value, label) of each lane of this very step. Most kinds have the same for every step."""
		items = payload.get(self.lanes_from) if self.lanes_from else None
		if not isinstance(items, list):
			return self.branches
		own = [
			(item["value"], str(item.get("label") or item["value"]))
			for item in items
			if isinstance(item, Mapping) and isinstance(item.get("value"), str) and item["value"]
		]
		return (*own, *self.branches)

	def taken(self, payload: Mapping[str, Any], result: Any) -> list[str]:
		"""The lanes that a step with this payload has taken, which is done with this result."""
		if self.takes_all_lanes:
			return [value for value, _ in self.lanes(payload)]
		branch = result.get("branch") if isinstance(result, Mapping) else None
		return [branch] if isinstance(branch, str) else []

	def check(self, payload: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
		"""What the schema cannot say: (field, message) for each further thing wrong with a payload."""
		return ()

	def compares(self, payload: Mapping[str, Any]) -> Iterable[Comparison]:
		"""What a step with this payload compares."""
		return ()

	def writes(self, payload: Mapping[str, Any]) -> Iterable[Write]:
		"""The documents that a step with this payload makes and changes, as far as its payload says."""
		return ()

	def reads(self, payload: Mapping[str, Any]) -> Iterable[str]:
		"""The DocTypes of which a step with this payload reads documents, beside the run's own and its customer: by default
		those that its links name."""
		return [
			field.doctype
			for field in self.fields
			if field.doctype and payload.get(field.name) and field.is_shown(payload, self.defaults)
		]

	def sets(self, payload: Mapping[str, Any]) -> Iterable[str]:
		"""The variables that a step with this payload gives a value."""
		return ()

	def run(self, step: Step, ctx: StepContext) -> Any | Wait | Stop:
		"""Do the step and return its result (JSON), what it waits for, or that the run ends. Raise `StepFailed` when it cannot be done."""
		raise NotImplementedError(f"{self.name} has no run()")

	def resume(self, step: Step, ctx: StepContext, ended: Ended) -> Any | Wait:
		"""Go on with a step whose wait has ended. Returns and raises as `run`; if it raises what may pass, it is asked again."""
		raise NotImplementedError(f"{self.name} has no resume()")

	def prepare(self, step: Step, ctx: StepContext) -> dict[str, Any]:
		"""Return all that `send` needs, as JSON. Runs in the transaction; must not call out."""
		raise NotImplementedError(f"{self.name} has no prepare()")

	def send(self, request: dict[str, Any], ctx: StepContext) -> Any:
		"""Make the call and return the step's result (JSON). Runs outside any transaction.

		`ctx.idempotency_key` is the same at every repetition of one attempt group. The document ports of
		`ctx` must not be used for writing here.
		"""
		raise NotImplementedError(f"{self.name} has no send()")

	def field(self, name: str) -> Field | None:
		return next((field for field in self.fields if field.name == name), None)

	@property
	def defaults(self) -> dict[str, Any]:
		return {field.name: field.default for field in self.fields if field.default is not None}

	def as_dict(self) -> dict[str, Any]:
		"""The kind's entry in `GET /flow/catalog`."""
		return {
			"name": self.name,
			"label": self.label,
			"icon": self.icon,
			"color": self.color,
			"catalog": self.catalog,
			"description": self.description,
			"summary": self.summary,
			"accounts": [account.as_dict() for account in self.accounts],
			"effect": self.effect,
			"runnable": self.runnable,
			"has_branches": bool(self.branches or self.lanes_from),
			"lanes_from": self.lanes_from,
			"branches": [{"value": value, "label": label} for value, label in self.branches],
			"results": [{"name": name, "label": label} for name, label in self.results],
			"fields": [field.as_dict() for field in self.fields],
		}


class Catalog(Mapping[str, Kind]):
	"""The kinds that a host knows, by name, in the order in which they were registered."""

	def __init__(self, kinds: Iterable[Kind] = ()):
		self._kinds: dict[str, Kind] = {}
		for kind in kinds:
			self.add(kind)

	@cached_property
	def watched(self) -> frozenset[str]:
		"""The DocTypes whose documents any step may wait for."""
		return frozenset(doctype for kind in self.values() for doctype in kind.watches)

	def add(self, kind: Kind) -> None:
		"""Register a kind.

		Raises:
			ValueError: it has no name, another kind has taken that name, or it has a lane of the engine's own name.
		"""
		if not kind.name:
			raise ValueError(f"{type(kind).__name__} has no name")
		if any(value == ERROR_LANE for value, _ in kind.branches):
			raise ValueError(
				f"The kind {kind.name!r} has a lane {ERROR_LANE!r}, which is what a failed step takes"
			)
		known = self._kinds.get(kind.name)
		if known is not None and type(known) is not type(kind):
			raise ValueError(
				f"Two kinds are called {kind.name!r}: {type(known).__module__} and {type(kind).__module__}"
			)
		self._kinds[kind.name] = kind
		self.__dict__.pop("watched", None)

	def __getitem__(self, name: str) -> Kind:
		return self._kinds[name]

	def get(self, name: str, default: Any = None) -> Any:
		return self._kinds.get(name, default)  # every step asks, and Mapping's own would catch an error

	def __iter__(self) -> Iterator[str]:
		return iter(self._kinds)

	def __len__(self) -> int:
		return len(self._kinds)

	def as_list(self) -> list[dict[str, Any]]:
		return [kind.as_dict() for kind in self.values()]
