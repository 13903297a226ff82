"""What is wrong with a definition: every problem at once, each with its step, its field and what to do.

It checks shape (JSON Schema), kinds and payloads; `reading` has read the text, and `graph` checks how the steps wait for each
other. It raises no error over anything an author may have written.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any

from jsonschema import Draft202012Validator

from flow_editor.engine import inputs, logic, secrets, start, timing
from flow_editor.engine.definition import (
	AFTER_DELAY,
	DELAY_FIELDS,
	IF_PAST,
	ON_DATE,
	ON_PREV_COMPLETE,
	TRIGGER_TYPES,
)
from flow_editor.engine.errors import Invalid, Problem
from flow_editor.engine.field_type import Types
from flow_editor.engine.field_types import BUILT_IN
from flow_editor.engine.fields import Field
from flow_editor.engine.filters import SHIPPED, Filter
from flow_editor.engine.graph import graph_problems
from flow_editor.engine.kind import Kind
from flow_editor.engine.reading import USUAL_LIMITS, Limits, depth_of, load, read_json
from flow_editor.engine.render import OPEN, expressions, paths, split, syntax_problem, whole
from flow_editor.engine.unseen import unseen_problem
from flow_editor.engine.wording import HEAD, STEP, field_validators, hint, schema_problems

#: How many problems are told at once. Nobody mends more in one go, and to find them all may take longer than the request.
MOST_PROBLEMS = 200


def validate(
	definition: Any,
	catalog: Mapping[str, Kind],
	*,
	events: Collection[str] | None = None,
	operators: Mapping[str, logic.Operator] = logic.OPERATORS,
	types: Types = BUILT_IN,
	filters: Mapping[str, Filter] = SHIPPED,
	limits: Limits = USUAL_LIMITS,
) -> list[Problem]:
	"""The problems of a definition, in the order of its steps: every one, or the first MOST_PROBLEMS and a word that
	there are more.

	Args:
		definition: parsed, or its JSON text.
		catalog: the kinds that there are, by name.
		events: the trigger events that there are; none, to take any.
		operators: what the trigger's condition may compare with, by name.
		types: what its inputs may hold.
		filters: what its expressions may have after a value, by name.
	"""
	try:
		definition = load(definition, limits)
	except Invalid as error:
		return list(error.problems)
	found = _problems(definition, catalog, events, operators, types, filters, limits)
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
	operators: Mapping[str, logic.Operator],
	types: Types,
	filters: Mapping[str, Filter],
	limits: Limits,
) -> Iterator[Problem]:
	"""Every problem, found only as it is asked for."""
	yield from _check_head(definition, events, operators, filters)
	yield from inputs.problems(definition, types)
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
		yield from _check_step(step, index, catalog, operators, filters, limits)
	sound = [step for step in steps if isinstance(step, dict) and isinstance(step.get("id"), str)]
	yield from graph_problems(sound, catalog, limits)


def _check_head(
	definition: dict[str, Any],
	events: Collection[str] | None,
	operators: Mapping[str, logic.Operator],
	filters: Mapping[str, Filter],
) -> Iterator[Problem]:
	head = {name: value for name, value in definition.items() if name != "steps"}
	if not isinstance(definition.get("steps"), list | None):
		head["steps"] = definition["steps"]
	yield from schema_problems(HEAD, head, "")
	variables = definition.get("variables")
	for name in variables if isinstance(variables, dict) else ():
		if message := unseen_problem(name):
			yield Problem(f"The name of a variable {message}", field="variables")
	trigger = definition.get("trigger")
	if not isinstance(trigger, dict):
		return
	for part, message in start.problems(trigger):
		yield Problem(message, field=f"trigger.{part}")
	event = trigger.get("event")
	if event and isinstance(event, str) and events and event not in events:
		yield Problem(
			f"There is no trigger event {event!r}. Use one of {', '.join(events)}.", field="trigger.event"
		)
	condition = trigger.get("condition")
	if isinstance(condition, str | dict) and (message := logic.problem(condition, operators, filters)):
		yield Problem(message, field="trigger.condition")


def _check_step(
	step: Any,
	index: int,
	catalog: Mapping[str, Kind],
	operators: Mapping[str, logic.Operator],
	filters: Mapping[str, Filter],
	limits: Limits,
) -> Iterator[Problem]:
	if not isinstance(step, dict):
		yield Problem(
			f"Step {index + 1} is not an object. Write it with id, kind and payload.", field="steps"
		)
		return
	step_id = step["id"] if isinstance(step.get("id"), str) else f"#{index + 1}"
	yield from schema_problems(STEP, step, step_id)
	label = step.get("label")
	if isinstance(label, str) and (message := unseen_problem(label)):
		yield Problem(f"Label {message}", step_id, "label")
	yield from _check_trigger(step.get("trigger"), step_id, filters)
	name = step.get("kind")
	if not isinstance(name, str) or not name:
		return
	kind = catalog.get(name)
	if kind is None:
		yield Problem(
			f"There is no step kind {name!r}.{hint(name, catalog)} Choose another kind, "
			"or install the app that brings it.",
			step_id,
			"kind",
		)
		return
	payload = step.get("payload")
	if payload is None or isinstance(payload, dict):
		yield from _check_payload(kind, payload or {}, step_id, filters, limits)
		for field in kind.fields:
			conditions = field.type.conditions(payload.get(field.name)) if isinstance(payload, dict) else ()
			for condition in conditions:
				if message := logic.problem(condition, operators, filters):
					yield Problem(message, step_id, f"payload.{field.name}")


def _check_trigger(trigger: Any, step_id: str, filters: Mapping[str, Filter]) -> Iterator[Problem]:
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
		yield from _check_delay(trigger, given, step_id, filters)
	elif kind == ON_DATE:
		yield from _check_delay(trigger, given, step_id, filters)
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
		elif message := syntax_problem(at, filters) or (OPEN not in at and _moment_problem(at)):
			yield Problem(message, step_id, "trigger.at")
	elif isinstance(at, str) and at.strip() and isinstance(kind, str) and kind in TRIGGER_TYPES:
		yield Problem(
			f"A date is set, but the step does not wait for one. Set its trigger to {ON_DATE}, or remove it.",
			step_id,
			"trigger.at",
		)


def _check_delay(
	trigger: Mapping[str, Any], given: list[str], step_id: str, filters: Mapping[str, Filter]
) -> Iterator[Problem]:
	delay, is_told = {}, False
	for name in given:
		if isinstance(trigger[name], str) and OPEN in trigger[name]:
			if message := syntax_problem(trigger[name], filters) or _amount_problem(trigger[name]):
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
	if timing.parse_amount("1".join(words for words, _ in split(text))) is not None:
		return None
	return "The words around the expression keep it from being a number. Write one such as {{doc.credit_days}} alone."


def _moment_problem(text: str) -> str | None:
	try:
		timing.parse_moment(text, "UTC")
	except ValueError as error:
		return str(error)
	return None


# Payloads


def _check_payload(
	kind: Kind, payload: dict[str, Any], step_id: str, filters: Mapping[str, Filter], limits: Limits
) -> Iterator[Problem]:
	validators = field_validators(kind)
	for name in payload:
		if name not in validators:
			yield Problem(
				f"A step of kind {kind.name} has no field {name[:60]!r}.{hint(name, validators)} Remove it.",
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
			message = _value_problem(field, value, validators[field.name], filters, limits)
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
		return f"{field.title} is empty. Fill it in."
	return None


def _value_problem(
	field: Field,
	value: Any,
	validator: Draft202012Validator,
	filters: Mapping[str, Filter],
	limits: Limits,
) -> str | None:
	written = isinstance(value, str)
	# A schema compares the bounds of numbers only, not of texts that hold one.
	is_number = field.type.is_number and written and OPEN not in value and validator.is_valid(value)
	if not validator.is_valid(float(value) if is_number else value):
		return f"{field.title} {field.type.expected(field)}"
	if message := field.type.problem(value):
		return f"{field.title} {message}"
	if field.type.is_json and written:
		if message := json_problem(field, value, limits):
			return message
		value = value if whole(value) else json.loads(value)
	if not field.templated:
		return None
	return next(filter(None, (_template_problem(field, text, filters) for text in _texts(value))), None)


def json_problem(field: Field, value: Any, limits: Limits = USUAL_LIMITS) -> str | None:
	"""What is wrong with a field's value as JSON: with the text of a JSON field, or with how deep any value is nested."""
	if field.type.is_json and isinstance(value, str):
		if not value.strip() or (field.templated and whole(value)):
			return None
		try:
			value = read_json(value)
		except json.JSONDecodeError as error:
			hint = " Put quotes around {{…}}: a number keeps its type." if OPEN in value else ""
			return f"{field.title} is not JSON ({error}).{hint}"
		except RecursionError:
			return f"{field.title} is nested too deep; at most {limits.max_json_depth} levels are allowed."
		except ValueError as error:
			return f"{field.title} {error}"
		if not isinstance(value, dict | list):
			return f"{field.title} is JSON, but neither an object nor a list."
	if isinstance(value, dict | list) and (depth := depth_of(value)) > limits.max_json_depth:
		return f"{field.title} is nested {depth} levels deep; at most {limits.max_json_depth} are allowed."
	return None


def _template_problem(field: Field, text: str, filters: Mapping[str, Filter]) -> str | None:
	if message := syntax_problem(text, filters):
		return message
	for expression in expressions(text):
		if not expression.path and any(path.split(".")[0] == secrets.ROOT for path in expression.paths):
			return "A secret goes out as it is: it takes no filter, and is none's argument. Write {{secrets.NAME}} alone."
	if not field.secrets and any(path.split(".")[0] == secrets.ROOT for path in paths(text)):
		return "Secrets can stand only in a webhook's URL and headers, where nobody reads them afterwards. Remove it here."
	return None


def _texts(value: Any) -> Iterator[str]:
	if isinstance(value, str):
		yield value
	elif isinstance(value, Mapping):
		for inner in value.values():
			yield from _texts(inner)
	elif isinstance(value, list):
		for inner in value:
			yield from _texts(inner)
