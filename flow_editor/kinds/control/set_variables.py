from __future__ import annotations

import json
from typing import Any

from flow_editor.engine.errors import IN_FLOW, StepFailed
from flow_editor.engine.kind import Field, Kind
from flow_editor.engine.records import VARIABLES_LENGTH
from flow_editor.engine.render import PATH, jsonable


class SetVariables(Kind):
	"""Gives variables of the run other values, for the steps after it."""

	name = "set_variables"
	label = "Set variables"
	icon = "edit"
	color = "gray"
	description = "Keeps values under names of their own, for later steps to read."
	summary = "Set {values}"
	self_contained = True
	fields = (
		Field(
			"values",
			"values",
			"Values",
			required=True,
			help="A name and a value each. Later steps read {{variables.name}}. One whole expression keeps the type of its value.",
		),
	)

	def sets(self, payload):
		values = payload.get("values")
		return [name for name in values if isinstance(name, str)] if isinstance(values, dict) else []

	def check(self, payload):
		for name in self.sets(payload):
			if not PATH.fullmatch(name) or "." in name:
				yield (
					"values",
					f"{name[:60]!r} is no name of a variable. Use letters, digits, - and _, such as amount_due.",
				)

	def run(self, step, ctx) -> dict[str, Any]:
		values = {name: jsonable(value) for name, value in (ctx.payload["values"] or {}).items()}
		length = len(json.dumps({**ctx.run.variables, **values}))
		if length > VARIABLES_LENGTH:
			raise StepFailed(
				f"The variables would have {length:,} characters of JSON; at most {VARIABLES_LENGTH:,} are kept. Keep less.",
				helps=IN_FLOW,
			)
		ctx.run.variables.update(values)
		return values
