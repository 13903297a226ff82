from __future__ import annotations

from typing import Any

from flow_editor.engine.conditions import OPERATORS, Uncomparable, evaluate
from flow_editor.engine.context import ROOTS
from flow_editor.engine.errors import EITHER, StepFailed
from flow_editor.engine.kind import Account, Comparison, Field, Kind
from flow_editor.engine.render import OPEN, PATH, as_text, jsonable, render_text, resolve, whole_path

WITHOUT_VALUE = ("empty", "not_empty")
#: How much of the value that was looked at is kept.
VALUE_LENGTH = 500


class Condition(Kind):
	"""Compares a field with a value, and takes the branch `yes` or `no`."""

	name = "condition"
	label = "Condition"
	icon = "branch"
	color = "purple"
	description = "Goes one way or the other, by what a field holds."
	summary = "{field} {op} {value}"
	accounts = (Account("{branch}: {value|empty}"),)
	results = (("branch", "Branch"), ("value", "Value"))
	branches = (("yes", "Yes"), ("no", "No"))
	self_contained = True
	fields = (
		Field(
			"field",
			"docfield",
			"Field",
			help="A path such as doc.status, customer.territory or steps.call.result.status.",
		),
		Field("op", "select", "Is", default="==", templated=False, options=tuple(OPERATORS.items())),
		Field(
			"value",
			"value",
			"Value",
			shown_when={"op": tuple(op for op in OPERATORS if op not in WITHOUT_VALUE)},
			help="For “is one of”: a list, or values separated by commas.",
		),
		Field(
			"when",
			"condition",
			"Or a whole condition",
			templated=False,
			help="In place of the field: several comparisons, rows of a table, amounts that are worked out.",
		),
	)

	def run(self, step, ctx) -> dict[str, Any]:
		if step.payload.get("when"):
			verdict = ctx.verdict(step.payload["when"])
			read = {path: _shown(value) for path, value in verdict.read.items()}
			return {"branch": self._branch(verdict.holds, ctx.given), "read": read}
		left = self.read(str(step.payload.get("field") or ""), ctx.scope)
		try:
			holds = evaluate(left, ctx.payload["op"], ctx.payload["value"], ctx.conventions)
		except Uncomparable as error:
			raise StepFailed(
				f"It cannot be told whether {step.payload.get('field')} {OPERATORS[ctx.payload['op']]} that. {error}",
				helps=EITHER,
			) from None
		return {"branch": self._branch(holds, ctx.given), "value": _shown(left)}

	@staticmethod
	def _branch(holds: bool, given: Any) -> str:
		"""The branch that it takes, unless somebody has chosen another."""
		branch = "yes" if holds else "no"
		if isinstance(given, dict) and "branch" in given:
			branch = given["branch"]
			if branch not in ("yes", "no"):
				raise StepFailed(f"A condition has no branch {branch!r}. Give yes or no.")
		return branch

	@classmethod
	def read(cls, field: str, scope) -> Any:
		"""The value of a path, with or without braces; one that begins with none of the scope's roots is the
		document's. A text with an expression inside it is rendered."""
		path = cls.path(field)
		return render_text(field, scope) if path is None else resolve(scope, path)

	@staticmethod
	def path(field: str) -> str | None:
		"""The path from the scope's roots that a field names, or None if it is a text with expressions."""
		path = whole_path(field) or field.strip()
		if OPEN in path or not PATH.fullmatch(path):
			return None
		return path if path.split(".", 1)[0] in ROOTS else f"doc.{path}"

	def compares(self, payload):
		if payload.get("when"):
			return
		if path := self.path(str(payload.get("field") or "")):
			yield Comparison("value", path, payload.get("op") or "==", payload.get("value"))

	def check(self, payload):
		field = str(payload.get("field") or "").strip()
		if payload.get("when"):
			if field:
				yield (
					"when",
					"Both a field and a whole condition are given, and only one can count. Empty one of them.",
				)
			return
		if not field:
			yield "field", "Field is empty. Choose the field that is looked at, or write a whole condition."
			return
		if OPEN not in field and not PATH.fullmatch(field):
			yield "field", "Field is not a path. Write names joined by dots, such as doc.status."
		needs_value = payload.get("op") not in WITHOUT_VALUE
		if (
			needs_value
			and payload.get("op") in ("in", "not_in", "<", ">", "<=", ">=")
			and payload.get("value") in (None, "", [])
		):
			yield "value", "Value is empty, so nothing can compare with it. Fill it in."


def _shown(value: Any) -> Any:
	"""A value that was looked at, as much of it as is kept."""
	return jsonable(value) if len(as_text(value)) <= VALUE_LENGTH else as_text(value)[:VALUE_LENGTH]
