from __future__ import annotations

from flow_editor.engine.kind import Account, Field, Kind
from flow_editor.engine.machine import CANCELLED, COMPLETED, FAILED
from flow_editor.engine.stopping import Stop

OUTCOMES = ((COMPLETED, "Completed"), (CANCELLED, "Cancelled"), (FAILED, "Failed"))


class StopTheRun(Kind):
	"""Ends the run: what has not begun is left out, and what it waits for is withdrawn."""

	name = "stop"
	label = "Stop"
	icon = "close"
	color = "red"
	description = "Ends the run here, whatever else is to come."
	summary = "End the run as {outcome}"
	accounts = (Account("Ended the run as {outcome}: {reason|no reason given}"),)
	results = (("outcome", "Outcome"), ("reason", "Reason"))
	fields = (
		Field("outcome", "select", "The run counts as", default=COMPLETED, options=OUTCOMES, templated=False),
		Field("reason", "text", "Reason", help="For who looks at the run."),
	)

	def run(self, step, ctx) -> Stop:
		return Stop(ctx.payload["outcome"], (ctx.payload["reason"] or "").strip())
