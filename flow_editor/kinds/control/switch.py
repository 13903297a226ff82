from __future__ import annotations

from typing import Any

from flow_editor.engine.errors import StepFailed
from flow_editor.engine.kind import Account, Field, Kind
from flow_editor.engine.render import as_text, jsonable

OTHERWISE = "otherwise"
#: How much of a value that was looked at is kept.
VALUE_LENGTH = 500


class Switch(Kind):
	"""Goes the way of the first case that holds, or the way of none."""

	name = "switch"
	label = "Switch"
	icon = "branch"
	color = "purple"
	description = "Goes one of several ways: that of the first case that holds."
	summary = "By case"
	accounts = (Account("{branch}"),)
	results = (("branch", "Branch"),)
	lanes_from = "cases"
	branches = ((OTHERWISE, "Otherwise"),)
	self_contained = True
	fields = (
		Field(
			"cases",
			"cases",
			"Cases",
			required=True,
			templated=False,
			help="The first whose condition holds is taken. If none does, “Otherwise” is.",
		),
	)

	def run(self, step, ctx) -> dict[str, Any]:
		branch, read = OTHERWISE, {}
		for case in step.payload["cases"]:
			verdict = ctx.verdict(case.get("when"))
			read |= verdict.read
			if verdict.holds:
				branch = case["value"]
				break
		if isinstance(ctx.given, dict) and "branch" in ctx.given:
			branch = ctx.given["branch"]
			if branch not in dict(self.lanes(step.payload)):
				raise StepFailed(f"This step has no branch {branch!r}.")
		shown = {path: jsonable(value) for path, value in read.items() if len(as_text(value)) <= VALUE_LENGTH}
		return {"branch": branch, "read": shown}
