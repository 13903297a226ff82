"""One execution of a flow. Written by the engine alone (`site.store`); people look, and clear old ones."""

from __future__ import annotations

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.query_builder import Interval
from frappe.query_builder.functions import Now

from flow_editor.engine.machine import RUN_STATES
from flow_editor.engine.records import ROW_PENDING, ROW_RUNNING
from flow_editor.services.calls import CALLS
from flow_editor.site.naming import next_name

#: How many runs one pass of the retention deletes.
CLEARING_BATCH = 1000


class FlowRun(Document):
	def autoname(self) -> None:
		self.name = next_name(self.doctype)

	def validate(self) -> None:
		if self.status not in RUN_STATES:
			frappe.throw(_("{0} is no run status.").format(self.status))
		for field in ("variables", "kept_document", "step_state"):
			if not isinstance(frappe.parse_json(self.get(field) or "{}"), dict):
				frappe.throw(_("{0} must be a JSON object.").format(field))

	def on_trash(self) -> None:
		if self.status == "running" or (self.status == "failed" and not self.completed_at):
			frappe.throw(_("Run {0} is under way. Cancel it first.").format(self.name))
		calls = frappe.get_all(
			"Flow Step Pending",
			filters={
				"flow_run": self.name,
				"purpose": ("in", CALLS),
				"status": ("in", (ROW_PENDING, ROW_RUNNING)),
			},
			pluck="name",
			order_by="name",
		)
		if calls:
			frappe.throw(
				_(
					"Run {0} has promised calls that are yet to be made: {1}. Delete it when they are; or have a System "
					"Manager set these rows of Flow Step Pending to cancelled first."
				).format(self.name, ", ".join(calls))
			)
		frappe.db.delete("Flow Step Pending", {"flow_run": self.name})

	@staticmethod
	def clear_old_logs(days: int = 365) -> None:
		"""Delete finished runs and their inbox rows. What is in flight has no completed_at, and stays; so does a run
		that has a call yet to make, such as the one that waits for a dispatch job to be closed."""
		run = frappe.qb.DocType("Flow Run")
		row = frappe.qb.DocType("Flow Step Pending")
		awaited = frappe.qb.from_(row).select(row.flow_run).where(row.status.isin(("pending", "running")))
		awaited = awaited.where(row.flow_run.isnotnull())
		while True:
			names = (
				frappe.qb.from_(run)
				.select(run.name)
				.where((run.status != "running") & (run.completed_at < Now() - Interval(days=days)))
				.where(run.name.notin(awaited))
				.limit(CLEARING_BATCH)
				.run(pluck=True)
			)
			if not names:
				return
			frappe.qb.from_(row).delete().where(row.flow_run.isin(names)).run()
			frappe.qb.from_(run).delete().where(run.name.isin(names)).run()
			frappe.db.commit()  # nosemgrep: each batch is whole in itself, and a transaction has a limit


def on_doctype_update() -> None:
	# Lists are newest first, whatever they are filtered by, and pick twenty of a million. Frappe itself indexes what a
	# list is sorted by only when it changes a table that is there, and a new site's is not.
	frappe.db.add_index("Flow Run", ["creation"], "creation")
	frappe.db.add_index("Flow Run", ["flow_template", "creation"])
	frappe.db.add_index("Flow Run", ["status", "creation"])
	frappe.db.add_index("Flow Run", ["flow_template", "status"])
	frappe.db.add_index("Flow Run", ["status", "completed_at"])
	frappe.db.add_index("Flow Run", ["context_doctype", "context_docname"])
