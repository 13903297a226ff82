"""What another Frappe app brings: a step kind of its own catalog, and trigger events."""

from __future__ import annotations

import time

from flow_editor.engine.errors import StepFailed
from flow_editor.engine.event import CANCEL, DELETE, INSERT, UPDATE, Source, TriggerEvent
from flow_editor.engine.kind import Field, Kind


class Greet(Kind):
	"""Adds a comment to the run's document."""

	name = "greet"
	label = "Greet"
	icon = "heart"
	color = "pink"
	catalog = "greetings"
	description = "Leaves a greeting."
	summary = "Hello {whom}"
	effect = "documents"
	fields = (Field("whom", "text", "Whom", required=True),)

	def run(self, step, ctx):
		ctx.documents.create(
			"Comment",
			{
				"comment_type": "Comment",
				"reference_doctype": ctx.run.context_doctype,
				"reference_name": ctx.run.context_docname,
				"content": f"Hello {ctx.payload['whom']}",
			},
		)
		return {"greeted": ctx.payload["whom"]}


class Flaky(Kind):
	"""Leaves a ToDo and then breaks, as often as it is told."""

	name = "flaky"
	label = "Flaky"
	icon = "bug"
	color = "red"
	description = "Breaks."
	summary = "Breaks {times} times"
	effect = "documents"
	fields = (Field("times", "number", "Times", default=0), Field("how", "text", "How"))
	tries = 0

	def run(self, step, ctx):
		ctx.documents.create("ToDo", {"description": f"flaky {ctx.run.name}"})
		Flaky.tries += 1
		if Flaky.tries <= float(ctx.payload["times"]):
			if ctx.payload["how"] == "for good":
				raise StepFailed("It cannot be done.")
			raise RuntimeError("the surroundings")
		return {"tries": Flaky.tries}


class Huge(Kind):
	"""Returns a hundred megabytes."""

	name = "huge"
	label = "Huge"
	icon = "bug"
	color = "red"
	description = "Returns too much."
	summary = "Too much"
	effect = "none"

	def run(self, step, ctx):
		return {"text": "x" * (100 * 1024 * 1024)}


class Endless(Kind):
	"""Never ends, and takes no exception for an answer."""

	name = "endless"
	label = "Endless"
	icon = "bug"
	color = "red"
	description = "Never ends."
	summary = "Never ends"
	effect = "documents"

	def run(self, step, ctx):
		ctx.documents.create("ToDo", {"description": "endless"})
		while True:
			try:
				time.sleep(60)
			except Exception:  # as careless code does
				pass


EVENTS = [
	TriggerEvent(
		"on_todo_closed", "To-do closed", (Source("ToDo", (UPDATE,), turns=("status", ("Closed",))),)
	),
	TriggerEvent("on_todo_gone", "To-do deleted", (Source("ToDo", (DELETE,)),)),
	TriggerEvent("on_quotation_cancelled", "Quotation cancelled", (Source("Quotation", (CANCEL,)),)),
	TriggerEvent("on_customer_created", "Customer created", (Source("Lead", (INSERT,)),)),
]
