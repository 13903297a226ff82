"""The JSON Schemas (2020-12) of a definition. Those of payloads are made by their fields' types."""

from __future__ import annotations

from typing import Any

from flow_editor.engine import start
from flow_editor.engine.definition import (
	DELAY_FIELDS,
	DOCUMENT_ENDS,
	IF_PAST,
	LANGUAGE_VERSION,
	MOST_MINUTES,
	ON_DATE,
	ON_ERROR,
	TRIGGER_TYPES,
)
from flow_editor.engine.field_type import TEMPLATED, Types
from flow_editor.engine.field_types import BUILT_IN, SECONDS

#: Python's $ also matches before a line break at the end; the lookahead does not, and means the same elsewhere.
STEP_ID = r"^[A-Za-z0-9_-]{1,64}(?![\s\S])"
#: An input is read as a part of a path.
INPUT_NAME = r"^[A-Za-z_][A-Za-z0-9_]{0,63}(?![\s\S])"
#: No delay is longer, in any unit: a hundred years of minutes.
LONGEST_DELAY = 52_560_000


def _or_null(*types: str) -> list[str]:
	return [*types, "null"]


def _closed(properties: dict[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
	return {
		"type": "object",
		"properties": properties,
		"required": list(required),
		"additionalProperties": False,
	}


def _delays(least: int, sign: str) -> dict[str, Any]:
	delay = {
		"anyOf": [
			{"type": "number", "minimum": least, "maximum": LONGEST_DELAY},
			{"type": "string", "pattern": rf"^\s*{sign}\d{{1,8}}(\.\d{{1,15}})?\s*$"},
			{"type": "string", "pattern": TEMPLATED},
			{"enum": [None, ""]},
		]
	}
	return {name: delay for name in DELAY_FIELDS}


def step_schema() -> dict[str, Any]:
	trigger = {
		**_closed(
			{
				"type": {"enum": [*TRIGGER_TYPES, None]},
				"at": {"type": _or_null("string")},
				"if_past": {"enum": [*IF_PAST, None, ""]},
				**{name: {} for name in DELAY_FIELDS},
			}
		),
		# Before a date there are moments; before now there are none.
		"if": {"properties": {"type": {"const": ON_DATE}}, "required": ["type"]},
		"then": {"properties": _delays(-LONGEST_DELAY, "-?")},
		"else": {"properties": _delays(0, "")},
	}
	retry = _closed(
		{
			"attempts": {"type": "integer", "minimum": 1, "maximum": 20},
			"delay_minutes": {"type": "number", "minimum": 0, "maximum": MOST_MINUTES},
			"factor": {"type": "number", "minimum": 1, "maximum": 10},
			"on": {"enum": ["transient", "any"]},
		}
	)
	return _closed(
		{
			"id": {"type": "string", "pattern": STEP_ID},
			"kind": {"type": "string", "minLength": 1},
			"label": {"type": _or_null("string"), "maxLength": 300},
			"parent_id": {"type": _or_null("string")},
			"branch": {"type": _or_null("string")},
			"depends_on": {"type": _or_null("array"), "items": {"type": "string"}},
			"trigger": {**trigger, "type": _or_null("object")},
			"payload": {"type": _or_null("object")},
			"retry": {**retry, "type": _or_null("object")},
			"on_error": {"enum": [*ON_ERROR, None]},
			"off": {"type": _or_null("boolean")},
			"notes": {"type": _or_null("string")},
		},
		("id", "kind"),
	)


def input_schema(types: Types = BUILT_IN) -> dict[str, Any]:
	"""The schema of one declared input, of any of these types that an input can have."""
	scalar = {"type": ["string", "number", "boolean"]}
	option = {
		"anyOf": [
			scalar,
			{
				"type": "array",
				"prefixItems": [scalar, {"type": "string"}],
				"items": False,
				"minItems": 2,
			},
			_closed({"value": scalar, "label": {"type": _or_null("string")}}, ("value",)),
		]
	}
	return _closed(
		{
			"name": {"type": "string", "pattern": INPUT_NAME},
			"type": {"enum": [*(one.name for one in types.of_inputs()), None]},
			"label": {"type": _or_null("string"), "maxLength": 140},
			"required": {"enum": [True, False, 0, 1, None]},
			"default": {},
			"options": {"type": _or_null("array"), "items": option, "maxItems": 500},
			"doctype": {"type": _or_null("string"), "maxLength": 140},
			"minimum": {"type": _or_null("number")},
			"maximum": {"type": _or_null("number")},
			"unit": {"enum": [*SECONDS, None]},
			"help": {"type": _or_null("string"), "maxLength": 500},
		},
		("name",),
	)


def definition_schema() -> dict[str, Any]:
	"""The whole definition's schema, with inputs of the built-in types. Payloads are open in it."""
	# What each part of it holds, `start.problems` says.
	trigger = _closed(
		{
			**{name: {} for name in start.KEYS},
			"event": {"type": _or_null("string")},
			"condition": {"type": _or_null("string", "object")},
		}
	)
	return {
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		**_closed(
			{
				"version": {"enum": [LANGUAGE_VERSION, None]},
				"trigger": {**trigger, "type": _or_null("object")},
				"inputs": {"type": _or_null("array"), "items": input_schema()},
				"variables": {"type": _or_null("object")},
				"on_import": {"type": _or_null("boolean")},
				"on_document_end": {"enum": [*DOCUMENT_ENDS, None]},
				"steps": {"type": _or_null("array"), "items": step_schema()},
			}
		),
	}
