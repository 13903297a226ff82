"""What is wrong with a definition: every problem at once, each with its step, its field and what to do.

`load` reads the text, `validate` checks shape (JSON Schema), kinds and payloads, and the graph. Neither raises
an error over anything an author may have written, except `load` over what cannot be read at all.
"""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any
from weakref import WeakKeyDictionary

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from flow_editor.engine import gate, inputs, secrets, timing
from flow_editor.engine.definition import (
	AFTER_DELAY,
	DELAY_FIELDS,
	DOCUMENT_ENDS,
	IF_PAST,
	ON_DATE,
	ON_PREV_COMPLETE,
	TRIGGER_TYPES,
)
from flow_editor.engine.errors import Invalid, Problem
from flow_editor.engine.kind import AUTH_TYPES, NUMBERS, ONE_LINE, Field, Kind
from flow_editor.engine.render import OPEN, paths, syntax_problem, whole_path
from flow_editor.engine.schema import definition_schema, field_schema, step_schema
from flow_editor.engine.unseen import unseen_problem


@dataclass(frozen=True, slots=True)
class Limits:
	"""How large a definition may be.

	Args:
		max_bytes: of its JSON text, in UTF-8.
		max_depth: of steps within steps.
		max_json_depth: of objects and lists within each other.
	"""

	max_steps: int = 10_000
	max_bytes: int = 8 * 1024 * 1024
	max_depth: int = 50
	max_json_depth: int = 32


#: Of a whole number in JSON. What has more is no quantity, and past 308 not even a float holds it.
MAX_DIGITS = 100
#: How many problems are told at once. Nobody mends more in one go, and to find them all may take longer than the request.
MOST_PROBLEMS = 200
#: One expression of a text, whatever stands in it.
EXPRESSION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
#: With more names to choose from than this, none is suggested: it would take longer than all other checks.
MOST_HINTED = 200


# Reading


def load(written: Any, limits: Limits = Limits()) -> dict[str, Any]:
	"""Read a definition from JSON text, or take one that is parsed.

	Raises:
		Invalid: it is no JSON, no object, too large or too deep.
	"""
	try:
		if isinstance(written, bytes):
			written = written.decode("utf-8")
		# Some editors begin a file with a byte order mark.
		text = written.removeprefix("\ufeff") if isinstance(written, str) else _dump(written)
		_check_size(text, limits)
		definition = _read_json(text)
	except UnicodeDecodeError:
		raise _unreadable("The definition is not UTF-8 text.") from None
	except json.JSONDecodeError as error:
		raise _unreadable(
			f"The definition is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
		) from None
	except RecursionError:
		raise _unreadable(
			f"The definition is nested too deep; at most {limits.max_json_depth} levels are allowed."
		) from None
	except ValueError as error:
		raise _unreadable(f"The definition {error}") from None
	if not isinstance(definition, dict):
		raise _unreadable('The definition is not a JSON object. Write {"version": 1, "steps": [...]}.')
	depth = _depth(definition)
	if depth > limits.max_json_depth:
		raise _unreadable(
			f"The definition is nested {depth} levels deep; at most {limits.max_json_depth} are allowed."
		)
	return definition


def _unreadable(message: str) -> Invalid:
	return Invalid.because([Problem(message, field="flow_definition")])


def _dump(value: Any) -> str:
	try:
		return json.dumps(value, ensure_ascii=False)
	except (TypeError, ValueError) as error:
		raise ValueError(f"holds what JSON cannot: {error}.") from None


def _read_json(text: str) -> Any:
	"""Parse JSON strictly: what two readers could take differently, or a database refuse, is refused here.

	Raises:
		json.JSONDecodeError: it is not JSON.
		ValueError: it is not strict; the message goes on after the name of what was read.
		RecursionError: it is nested deeper than the stack.
	"""
	value = json.loads(
		text,
		object_pairs_hook=_distinct,
		parse_constant=_no_constant,
		parse_float=_finite,
		parse_int=_whole,
	)
	try:
		json.dumps(value, ensure_ascii=False).encode("utf-8")
	except UnicodeEncodeError:
		raise ValueError("holds half of a \\u pair, which is no character. Remove it.") from None
	return value


def _check_size(text: str, limits: Limits) -> None:
	size = len(text.encode("utf-8", "surrogatepass"))
	if size > limits.max_bytes:
		raise ValueError(
			f"has {size:,} bytes; at most {limits.max_bytes:,} are allowed. "
			"Split the flow in two, or shorten its texts."
		)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
	found: dict[str, Any] = {}
	for name, value in pairs:
		if name in found:
			raise ValueError(f"has the key {name[:60]!r} twice in one object. Remove one of them.")
		found[name] = value
	return found


def _no_constant(name: str) -> None:
	raise ValueError(f"holds {name}, which is no JSON. Write a number or null.")


def _finite(digits: str) -> float:
	number = float(digits)
	if not math.isfinite(number):
		raise ValueError(f"holds the number {digits[:20]}, which is too large. Write a smaller one.")
	return number


def _whole(digits: str) -> int:
	if len(digits) > MAX_DIGITS:
		raise ValueError(
			f"holds a number of {len(digits):,} digits; at most {MAX_DIGITS} are allowed. "
			"Write it as text, in quotes."
		)
	return int(digits)


def _depth(value: Any) -> int:
	depth, level = 0, [value]
	while level:
		depth += 1
		level = [
			inner
			for outer in level
			for inner in (outer.values() if isinstance(outer, dict) else outer)
			if isinstance(inner, dict | list)
		]
	return depth


# Checking


def validate(
	definition: Any,
	catalog: Mapping[str, Kind],
	*,
	events: Collection[str] | None = None,
	operators: Mapping[str, gate.Operator] = gate.OPERATORS,
	limits: Limits = Limits(),
) -> list[Problem]:
	"""The problems of a definition, in the order of its steps: every one, or the first MOST_PROBLEMS and a word that
	there are more.

	Args:
		definition: parsed, or its JSON text.
		catalog: the kinds that there are, by name.
		events: the trigger events that there are; none, to take any.
		operators: what the trigger's condition may compare with, by name.
	"""
	try:
		definition = load(definition, limits)
	except Invalid as error:
		return list(error.problems)
	found = _problems(definition, catalog, events, operators, limits)
	problems = list(islice(found, MOST_PROBLEMS))
	if next(found, None) is not None:
		problems.append(
			Problem(
				f"There are more problems than these {MOST_PROBLEMS}. Mend them, and check again.",
				field="steps",
			)
		)
	return problems


def _problems(
	definition: dict[str, Any],
	catalog: Mapping[str, Kind],
	events: Collection[str] | None,
	operators: Mapping[str, gate.Operator],
	limits: Limits,
) -> Iterator[Problem]:
	"""Every problem, found only as it is asked for."""
	yield from _check_head(definition, events, operators)
	yield from inputs.problems(definition)
	steps = definition.get("steps") or []
	if not isinstance(steps, list):
		return
	if len(steps) > limits.max_steps:
		yield Problem(
			f"The flow has {len(steps):,} steps; at most {limits.max_steps:,} are allowed. Split it in two.",
			field="steps",
		)
		return
	for index, step in enumerate(steps):
		yield from _check_step(step, index, catalog, limits)
	sound = [step for step in steps if isinstance(step, dict) and isinstance(step.get("id"), str)]
	yield from _check_graph(sound, catalog, limits)


def _check_head(
	definition: dict[str, Any], events: Collection[str] | None, operators: Mapping[str, gate.Operator]
) -> Iterator[Problem]:
	head = {name: value for name, value in definition.items() if name != "steps"}
	if not isinstance(definition.get("steps"), list | None):
		head["steps"] = definition["steps"]
	yield from _schema_problems(_HEAD, head, "")
	variables = definition.get("variables")
	for name in variables if isinstance(variables, dict) else ():
		if message := unseen_problem(name):
			yield Problem(f"The name of a variable {message}", field="variables")
	trigger = definition.get("trigger")
	if not isinstance(trigger, dict):
		return
	event = trigger.get("event")
	if event and isinstance(event, str) and events and event not in events:
		yield Problem(
			f"There is no trigger event {event!r}. Use one of {', '.join(events)}.", field="trigger.event"
		)
	condition = trigger.get("condition")
	if isinstance(condition, str | dict) and (message := gate.problem(condition, operators)):
		yield Problem(message, field="trigger.condition")


def _check_step(step: Any, index: int, catalog: Mapping[str, Kind], limits: Limits) -> Iterator[Problem]:
	if not isinstance(step, dict):
		yield Problem(
			f"Step {index + 1} is not an object. Write it with id, kind and payload.", field="steps"
		)
		return
	step_id = step["id"] if isinstance(step.get("id"), str) else f"#{index + 1}"
	yield from _schema_problems(_STEP, step, step_id)
	label = step.get("label")
	if isinstance(label, str) and (message := unseen_problem(label)):
		yield Problem(f"Label {message}", step_id, "label")
	yield from _check_trigger(step.get("trigger"), step_id)
	name = step.get("kind")
	if not isinstance(name, str) or not name:
		return
	kind = catalog.get(name)
	if kind is None:
		yield Problem(
			f"There is no step kind {name!r}.{_hint(name, catalog)} Choose another kind, "
			"or install the app that brings it.",
			step_id,
			"kind",
		)
		return
	payload = step.get("payload")
	if payload is None or isinstance(payload, dict):
		yield from _check_payload(kind, payload or {}, step_id, limits)


def _check_trigger(trigger: Any, step_id: str) -> Iterator[Problem]:
	if not isinstance(trigger, dict):
		return
	kind = ON_PREV_COMPLETE if trigger.get("type") is None else trigger["type"]
	given = [name for name in DELAY_FIELDS if trigger.get(name) not in (None, "")]
	if kind == AFTER_DELAY:
		if not given:
			yield Problem(
				"The step waits for a delay, but none is set. Set minutes, hours, days, working days or months.",
				step_id,
				"trigger.delay_days",
			)
		yield from _check_delay(trigger, given, step_id)
	elif kind == ON_DATE:
		yield from _check_delay(trigger, given, step_id)
	elif isinstance(kind, str) and kind in TRIGGER_TYPES:
		for name in given:
			yield Problem(
				f"A delay is set, but the step does not wait for one. Set its trigger to {AFTER_DELAY} or {ON_DATE}, "
				"or remove the delay.",
				step_id,
				f"trigger.{name}",
			)
	if (
		trigger.get("if_past") in IF_PAST
		and kind != ON_DATE
		and isinstance(kind, str)
		and kind in TRIGGER_TYPES
	):
		yield Problem(
			f"It is said what becomes of a past date, but the step waits for none. Set its trigger to {ON_DATE}, "
			"or remove it.",
			step_id,
			"trigger.if_past",
		)
	at = trigger.get("at")
	if kind == ON_DATE:
		if not isinstance(at, str) or not at.strip():
			yield Problem(
				"The step waits for a date, but none is set. Set one such as 2027-03-31, or {{doc.end_date}}.",
				step_id,
				"trigger.at",
			)
		elif message := unseen_problem(at):
			yield Problem(f"Date {message}", step_id, "trigger.at")
		elif message := syntax_problem(at) or (OPEN not in at and _moment_problem(at)):
			yield Problem(message, step_id, "trigger.at")
	elif isinstance(at, str) and at.strip() and isinstance(kind, str) and kind in TRIGGER_TYPES:
		yield Problem(
			f"A date is set, but the step does not wait for one. Set its trigger to {ON_DATE}, or remove it.",
			step_id,
			"trigger.at",
		)


def _check_delay(trigger: Mapping[str, Any], given: list[str], step_id: str) -> Iterator[Problem]:
	delay, is_told = {}, False
	for name in given:
		if isinstance(trigger[name], str) and OPEN in trigger[name]:
			if message := syntax_problem(trigger[name]) or _amount_problem(trigger[name]):
				yield Problem(message, step_id, f"trigger.{name}")
			continue
		number = timing.parse_amount(trigger[name])
		if number is None:
			return  # the schema has said so
		delay[name] = number
	for name, message in timing.delay_problems(delay):
		is_told = True
		yield Problem(message, step_id, f"trigger.{name}")
	if is_told or not delay:
		return
	try:
		timing.after(timing.Anchor.of(datetime(2026, 1, 1)), "UTC", delay)
	except (OverflowError, ValueError):
		yield Problem(
			f"The delay is longer than {timing.MAX_YEARS} years, or {timing.MAX_WORKING_DAYS:,} working days. Shorten it.",
			step_id,
			f"trigger.{next(iter(delay))}",
		)


def _amount_problem(text: str) -> str | None:
	"""Why an expression with what stands around it gives no number, whatever its value is."""
	if timing.parse_amount(EXPRESSION.sub("1", text)) is not None:
		return None
	return "The words around the expression keep it from being a number. Write one such as {{doc.credit_days}} alone."


def _moment_problem(text: str) -> str | None:
	try:
		timing.parse_moment(text, "UTC")
	except ValueError as error:
		return str(error)
	return None


# Payloads


def _check_payload(kind: Kind, payload: dict[str, Any], step_id: str, limits: Limits) -> Iterator[Problem]:
	validators = _field_validators(kind)
	for name in payload:
		if name not in validators:
			yield Problem(
				f"A step of kind {kind.name} has no field {name[:60]!r}.{_hint(name, validators)} Remove it.",
				step_id,
				f"payload.{name[:60]}",
			)
	# An empty field means its default, also where another field is shown by it.
	filled = {name: value for name, value in payload.items() if value not in (None, "")}
	sound = True
	for declared in kind.fields:
		field = declared.as_used(filled, kind.defaults)
		value = payload.get(field.name)
		if _is_blank(value):
			message = _blank_problem(kind, field, filled)
		else:
			message = _value_problem(field, value, validators[field.name], limits)
		if message:
			sound = False
			yield Problem(message, step_id, f"payload.{field.name}")
	if not sound:
		return
	try:
		for name, message in kind.check(payload):
			yield Problem(message, step_id, f"payload.{name}" if name else "payload")
	except Exception as error:
		# A kind of another app: its bug is that app's, and must not keep the author from the other problems.
		yield Problem(
			f"The check of kind {kind.name} broke with {type(error).__name__}. Report it to the app that brings it.",
			step_id,
			"payload",
		)


def _is_blank(value: Any) -> bool:
	return value is None or (isinstance(value, str) and not value.strip()) or value == []


def _blank_problem(kind: Kind, field: Field, filled: Mapping[str, Any]) -> str | None:
	if field.required and field.default is None and field.is_shown(filled, kind.defaults):
		return f"{_label(field)} is empty. Fill it in."
	return None


def _unseen(field: Field, value: Any) -> str | None:
	if field.type == "recipients":
		texts = (
			[value] if isinstance(value, str) else value
		)  # what nobody sees in one is taken away when it is read
		return next((message for text in texts if (message := unseen_problem(text, lines=True))), None)
	if field.type == "auth":
		value = value.get("user")
	return unseen_problem(value) if field.type in (*ONE_LINE, "auth") and isinstance(value, str) else None


def _value_problem(field: Field, value: Any, validator: Draft202012Validator, limits: Limits) -> str | None:
	written = isinstance(value, str)
	# A schema compares the bounds of numbers only, not of texts that hold one.
	is_number = field.type in NUMBERS and written and OPEN not in value and validator.is_valid(value)
	if not validator.is_valid(float(value) if is_number else value):
		return f"{_label(field)} {_expectation(field)}"
	if message := _unseen(field, value):
		return f"{_label(field)} {message}"
	if field.type == "json" and written:
		if message := json_problem(field, value, limits):
			return message
		value = value if whole_path(value) else json.loads(value)
	if not field.templated:
		return None
	return next(filter(None, (_template_problem(field, text) for text in _texts(value))), None)


def json_problem(field: Field, value: Any, limits: Limits = Limits()) -> str | None:
	"""What is wrong with a field's value as JSON: with the text of a JSON field, or with how deep any value is nested."""
	if field.type == "json" and isinstance(value, str):
		if not value.strip() or (field.templated and whole_path(value)):
			return None
		try:
			value = _read_json(value)
		except json.JSONDecodeError as error:
			hint = " Put quotes around {{…}}: a number keeps its type." if OPEN in value else ""
			return f"{_label(field)} is not JSON ({error}).{hint}"
		except RecursionError:
			return f"{_label(field)} is nested too deep; at most {limits.max_json_depth} levels are allowed."
		except ValueError as error:
			return f"{_label(field)} {error}"
		if not isinstance(value, dict | list):
			return f"{_label(field)} is JSON, but neither an object nor a list."
	if isinstance(value, dict | list) and (depth := _depth(value)) > limits.max_json_depth:
		return f"{_label(field)} is nested {depth} levels deep; at most {limits.max_json_depth} are allowed."
	return None


def _template_problem(field: Field, text: str) -> str | None:
	if message := syntax_problem(text):
		return message
	if not field.secrets and any(path.split(".")[0] == secrets.ROOT for path in paths(text)):
		return "Secrets can stand only in a webhook's URL and headers, where nobody reads them afterwards. Remove it here."
	return None


def _label(field: Field) -> str:
	return field.as_dict()["label"]


def _expectation(field: Field) -> str:
	expression = " or an expression such as {{variables.x}}" if field.templated else ""
	if field.type in NUMBERS:
		bounds = "".join(
			f", at {word} {bound:g}"
			for word, bound in (("least", field.minimum), ("most", field.maximum))
			if bound is not None
		)
		kind = f"a number of {field.unit}" if field.type == "duration" else "a number"
		return f"must be {kind}{bounds},{expression}.".replace(",.", ".").replace(", or", " or")
	if field.type == "select":
		return f"must be one of {', '.join(value for value, _ in field.choices)}{expression}."
	if field.type == "check":
		return "must be 0 or 1."
	if field.type == "json":
		return "must be a JSON object or list, or a text that holds one."
	if field.type == "auth":
		return f"must be an object of type ({' or '.join(AUTH_TYPES)}), user, and secret, the name of one in Flow Settings."
	if field.type == "recipients":
		return "must be a text of addresses separated by commas, or a list of them."
	return "must be a text."


def _texts(value: Any) -> Iterator[str]:
	if isinstance(value, str):
		yield value
	elif isinstance(value, Mapping):
		for inner in value.values():
			yield from _texts(inner)
	elif isinstance(value, list):
		for inner in value:
			yield from _texts(inner)


# The graph


def _check_graph(
	steps: list[dict[str, Any]], catalog: Mapping[str, Kind], limits: Limits
) -> Iterator[Problem]:
	by_id: dict[str, dict[str, Any]] = {}
	for step in steps:
		if step["id"] in by_id:
			yield Problem(
				f"There are two steps with the id {step['id'][:64]!r}. Give one another id.", step["id"], "id"
			)
		else:
			by_id[step["id"]] = step
	for step in steps:
		yield from _check_references(step, by_id, catalog)
	needless = {
		step_id: found for step_id in by_id if (found := _waits_for_itself(step_id, by_id, limits.max_depth))
	}
	for step_id, found in needless.items():
		yield from (Problem(message, step_id, "depends_on") for message in found.values())
	# Steps within each other are a cycle of their starts and one of their ends: once is enough.
	yield from dict.fromkeys(_cycles(by_id, needless))
	yield from _check_depth(by_id, limits)


def _check_references(
	step: dict[str, Any], by_id: Mapping[str, dict[str, Any]], catalog: Mapping[str, Kind]
) -> Iterator[Problem]:
	parent_id, branch = step.get("parent_id"), step.get("branch")
	parent = by_id.get(parent_id) if isinstance(parent_id, str) else None
	if parent_id and isinstance(parent_id, str) and parent is None:
		yield Problem(
			f"It stands in step {parent_id[:64]!r}, which there is not.{_hint(parent_id, by_id)} "
			"Move it elsewhere.",
			step["id"],
			"parent_id",
		)
	if branch and isinstance(branch, str):
		if not parent_id:
			yield Problem(
				f"It has the branch {branch[:64]!r} but stands in no step that branches. Remove the branch.",
				step["id"],
				"branch",
			)
		elif parent is not None and isinstance(kind_name := parent.get("kind"), str):
			kind = catalog.get(kind_name)
			known = [value for value, _ in kind.branches] if kind else None
			if known is not None and branch not in known:
				advice = f"Use one of {', '.join(known)}." if known else "Remove the branch."
				yield Problem(
					f"Step {parent['id']!r} has no branch {branch[:64]!r}. {advice}", step["id"], "branch"
				)
	for dependency in _dependencies(step):
		if dependency not in by_id:
			yield Problem(
				f"It depends on step {dependency[:64]!r}, which there is not.{_hint(dependency, by_id)} "
				"Remove the dependency.",
				step["id"],
				"depends_on",
			)


def _dependencies(step: Mapping[str, Any]) -> list[str]:
	depends_on = step.get("depends_on")
	if not isinstance(depends_on, list):
		return []
	return list(dict.fromkeys(name for name in depends_on if isinstance(name, str)))


def _parent(step: Mapping[str, Any], by_id: Mapping[str, Any]) -> str | None:
	parent_id = step.get("parent_id")
	return parent_id if isinstance(parent_id, str) and parent_id in by_id else None


def _waits_for_itself(step_id: str, by_id: Mapping[str, dict[str, Any]], levels: int) -> dict[str, str]:
	"""The dependencies by which a step waits for a block that holds it, itself included, each with what to do."""
	dependencies = _dependencies(by_id[step_id])
	if not dependencies:
		return {}
	above = set(islice(_ancestors(step_id, by_id), levels))
	found = {}
	for dependency in dependencies:
		if dependency == step_id:
			found[dependency] = "It depends on itself. Remove the dependency."
		elif dependency in above:
			found[dependency] = (
				f"It depends on step {dependency!r}, in which it stands, so both would wait for ever. "
				"Remove the dependency: a step waits for the one it stands in anyway."
			)
	return found


def _cycles(
	by_id: Mapping[str, dict[str, Any]], needless: Mapping[str, Collection[str]]
) -> Iterator[Problem]:
	"""Steps that wait for each other, the `needless` dependencies of each left out.

	Each step has a start and an end. A start waits for the parent's start and the end of every dependency; an
	end waits for its own start and the end of every child, as a block counts as one. What waits for itself by
	any way is a strongly connected part of that graph with more than one node.
	"""
	waits: dict[tuple[str, bool], list[tuple[str, bool]]] = {}
	for step_id, step in by_id.items():
		start, end = (step_id, False), (step_id, True)
		waits.setdefault(end, []).append(start)
		starts = waits.setdefault(start, [])
		starts += [
			(dependency, True)
			for dependency in _dependencies(step)
			if dependency in by_id and dependency not in needless.get(step_id, ())
		]
		if parent := _parent(step, by_id):
			starts.append((parent, False))
			waits.setdefault((parent, True), []).append(end)
	for part in _strongly_connected(waits):
		members = {step_id for step_id, _ in part}
		named = [step_id for step_id in by_id if step_id in members]
		yield _cycle_problem(named, by_id)


def _cycle_problem(named: list[str], by_id: Mapping[str, dict[str, Any]]) -> Problem:
	inside = set(named)
	chain = ", ".join(named[:10]) + (" …" if len(named) > 10 else "")
	for step_id in named:
		if not inside.isdisjoint(_dependencies(by_id[step_id])):
			return Problem(
				f"These steps wait for each other: {chain}. Remove one of their dependencies.",
				step_id,
				"depends_on",
			)
	return Problem(
		f"These steps stand within each other: {chain}. Move one of them out.", named[0], "parent_id"
	)


def _ancestors(step_id: str, by_id: Mapping[str, dict[str, Any]]) -> Iterator[str]:
	"""The steps that a step stands in, the nearest first; without end where steps stand within each other."""
	above = _parent(by_id[step_id], by_id)
	while above is not None:
		yield above
		above = _parent(by_id[above], by_id)


def _strongly_connected(graph: Mapping[Any, list[Any]]) -> Iterator[list[Any]]:
	"""The parts of a graph in which every node reaches every other, of two nodes or more, or of one that
	reaches itself. Tarjan's algorithm (SIAM J. Computing 1(2), 1972), without recursion."""
	index: dict[Any, int] = {}
	low: dict[Any, int] = {}
	stack: list[Any] = []
	on_stack: set[Any] = set()
	for root in graph:
		if root in index:
			continue
		work = [(root, iter(graph[root]))]
		index[root] = low[root] = len(index)
		stack.append(root)
		on_stack.add(root)
		while work:
			node, following = work[-1]
			for other in following:
				if other not in index:
					index[other] = low[other] = len(index)
					stack.append(other)
					on_stack.add(other)
					work.append((other, iter(graph.get(other, ()))))
					break
				if other in on_stack:
					low[node] = min(low[node], index[other])
			else:
				work.pop()
				if work:
					low[work[-1][0]] = min(low[work[-1][0]], low[node])
				if low[node] == index[node]:
					part = []
					while True:
						member = stack.pop()
						on_stack.discard(member)
						part.append(member)
						if member == node:
							break
					if len(part) > 1 or node in graph.get(node, ()):
						yield part


def _check_depth(by_id: Mapping[str, dict[str, Any]], limits: Limits) -> Iterator[Problem]:
	depth: dict[str, int] = {}
	for step_id in by_id:
		way: list[str] = []
		above: str | None = step_id
		while above is not None and above not in depth:
			depth[above] = 0  # until it is known; and where steps stand within each other, the way ends here
			way.append(above)
			above = _parent(by_id[above], by_id)
		level = depth[above] if above is not None else 0
		for member in reversed(way):
			level += 1
			depth[member] = level
	deepest = max(depth, key=depth.__getitem__, default=None)
	if deepest is not None and depth[deepest] > limits.max_depth:
		yield Problem(
			f"It stands {depth[deepest]} steps deep; at most {limits.max_depth} are allowed. "
			"Use dependencies instead of nesting.",
			deepest,
			"parent_id",
		)


# JSON Schema, in words


def _compiled(schema: dict[str, Any]) -> Draft202012Validator:
	Draft202012Validator.check_schema(schema)
	return Draft202012Validator(schema)


def _head_schema() -> dict[str, Any]:
	schema = definition_schema()
	schema["properties"]["steps"] = schema["properties"]["inputs"] = {"type": ["array", "null"]}
	return schema


_HEAD = _compiled(_head_schema())
_STEP = _compiled(step_schema())
_FIELDS: WeakKeyDictionary[Kind, dict[str, Draft202012Validator]] = WeakKeyDictionary()

#: What each value should be, where the schema alone says it too dryly.
EXPECTED = {
	"label": "must be a text of at most 300 characters.",
	"id": "must be a text of letters, digits, _ and -, at most 64 long.",
	"kind": "is missing. Choose a kind.",
	"depends_on": "must be a list of step ids.",
	"trigger.type": f"is not known. Use one of {', '.join(TRIGGER_TYPES)}.",
	"trigger.at": "must be a text such as 2027-03-31.",
	"trigger.if_past": f"must be one of {', '.join(IF_PAST)}.",
	"on_error": "must be fail or continue.",
	"retry.attempts": "must be a whole number from 1 to 20.",
	"retry.delay_minutes": "must be a number of minutes, 0 or more.",
	"retry.factor": "must be a number from 1 to 10.",
	"retry.on": "must be transient or any.",
	"version": "must be 1.",
	"steps": "must be a list of steps.",
	"inputs": "must be a list of inputs.",
	"payload": "must be an object.",
	"variables": "must be an object.",
	"on_import": "must be true or false.",
	"on_document_end": f"must be {' or '.join(DOCUMENT_ENDS)}.",
	"trigger": "must be an object.",
	"retry": "must be an object.",
	**{
		f"trigger.{name}": "must be a number, 0 or more (with a date also less than 0, for before it), "
		"or an expression such as {{doc.credit_days}}."
		for name in DELAY_FIELDS
	},
}


def _field_validators(kind: Kind) -> dict[str, Draft202012Validator]:
	validators = _FIELDS.get(kind)
	if validators is None:
		validators = {field.name: _compiled(field_schema(field)) for field in kind.fields}
		_FIELDS[kind] = validators
	return validators


def _schema_problems(
	validator: Draft202012Validator, value: Mapping[str, Any], step_id: str
) -> Iterator[Problem]:
	# jsonschema reports each missing key by itself, and `_in_words` all of them: once is enough.
	told: set[Problem] = set()
	for error in validator.iter_errors(value):
		for problem in _in_words(error, step_id):
			if problem not in told:
				told.add(problem)
				yield problem


def _in_words(error: ValidationError, step_id: str) -> Iterable[Problem]:
	names = [str(part) for part in error.absolute_path if isinstance(part, str)]
	where = ".".join(names)
	if error.validator == "additionalProperties":
		known = error.schema.get("properties", {})
		for name in error.instance:
			if name not in known:
				yield Problem(
					f"{name[:60]!r} is not known here.{_hint(name, known)} Remove it.",
					step_id,
					".".join([*names, name[:60]]),
				)
	elif error.validator == "required":
		for name in error.validator_value:
			if name not in error.instance:
				yield Problem(f"{name.capitalize()} is missing. Add it.", step_id, ".".join([*names, name]))
	else:
		label = (names[-1] if names else "definition").replace("_", " ").capitalize()
		yield Problem(f"{label} {EXPECTED.get(where, 'must be a text.')}", step_id, where)


def _hint(name: str, known: Iterable[str]) -> str:
	names = list(known)
	close = difflib.get_close_matches(name[:64], names, n=1) if len(names) <= MOST_HINTED else ()
	return f" Did you mean {close[0]!r}?" if close else ""
