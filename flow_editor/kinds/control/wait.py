from __future__ import annotations

from typing import Any

from flow_editor.engine.kind import Kind


class Wait(Kind):
	"""Does nothing. When it fires is up to its trigger, and its result is what it is completed with."""

	name = "wait"
	label = "Wait"
	icon = "calendar"
	color = "gray"
	description = "Waits for a delay, a date, an outside system or somebody, as its trigger says."
	summary = "Wait"
	self_contained = True

	def run(self, step, ctx) -> Any:
		return {}
