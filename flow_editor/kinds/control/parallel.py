from __future__ import annotations

from typing import Any

from flow_editor.engine.kind import Field, Kind


class Parallel(Kind):
	"""Goes all its ways at once. What comes after it waits for all of them."""

	name = "parallel"
	label = "Side by side"
	icon = "branch"
	color = "purple"
	description = "Goes several ways at once, and on when all are through."
	summary = "Several ways at once"
	lanes_from = "lanes"
	takes_all_lanes = True
	person_chooses = False
	self_contained = True
	fields = (
		Field("lanes", "lanes", "Ways", required=True, templated=False, help="Each has a value and a label."),
		Field(
			"join",
			"select",
			"Goes on when",
			default="all",
			options=(("all", "All ways are through"),),
			templated=False,
		),
	)

	def run(self, step, ctx) -> dict[str, Any]:
		return {}
