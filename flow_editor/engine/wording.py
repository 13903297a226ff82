"""JSON Schema's findings in an author's words, and the names that a mistyped one may have meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from weakref import WeakKeyDictionary

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from flow_editor.engine.definition import DELAY_FIELDS, DOCUMENT_ENDS, IF_PAST, TRIGGER_TYPES
from flow_editor.engine.errors import Problem
from flow_editor.engine.kind import Kind
from flow_editor.engine.schema import definition_schema, step_schema

#: With more names to choose from than this, none is suggested: it would take longer than all other checks.
MOST_HINTED = 200


def _compiled(schema: dict[str, Any]) -> Draft202012Validator:
	Draft202012Validator.check_schema(schema)
	return Draft202012Validator(schema)


def _head_schema() -> dict[str, Any]:
	schema = definition_schema()
	schema["properties"]["steps"] = schema["properties"]["inputs"] = {"type": ["array", "null"]}
	return schema


HEAD = _compiled(_head_schema())
STEP = _compiled(step_schema())
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
	"on_error": "must be fail, continue or lane.",
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


def field_validators(kind: Kind) -> dict[str, Draft202012Validator]:
	validators = _FIELDS.get(kind)
	if validators is None:
		validators = {field.name: _compiled(field.type.schema(field)) for field in kind.fields}
		_FIELDS[kind] = validators
	return validators


def schema_problems(
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
					f"{name[:60]!r} is not known here.{hint(name, known)} Remove it.",
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


def hint(name: str, known: Iterable[str]) -> str:
	names = list(known)
	close = difflib.get_close_matches(name[:64], names, n=1) if len(names) <= MOST_HINTED else ()
	return f" Did you mean {close[0]!r}?" if close else ""
