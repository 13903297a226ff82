from __future__ import annotations

from typing import Any

from flow_editor.engine.errors import EITHER, StepFailed
from flow_editor.engine.kind import Account, Field, Kind, Write
from flow_editor.kinds import fitting
from flow_editor.kinds.choices import same_word


class Issue(Kind):
	"""Opens an ERPNext Issue for the run's customer."""

	name = "issue"
	label = "Issue"
	icon = "support"
	color = "red"
	description = "Opens an issue for somebody to look after."
	summary = "{subject}"
	announcement = "Issue: {subject}"
	accounts = (Account("Opened Issue {issue@Issue}"),)
	results = (("issue", "Issue"),)
	effect = "documents"
	fields = (
		Field("subject", "text", "Subject", required=True),
		Field("description", "html", "Description"),
		Field("priority", "link", "Priority", doctype="Issue Priority"),
		Field("issue_type", "link", "Issue type", doctype="Issue Type"),
	)

	def writes(self, payload):
		yield Write("Issue", True, {"subject": payload.get("subject")}, cut=("subject",))

	def run(self, step, ctx) -> dict[str, Any]:
		payload = ctx.payload
		values = {
			"subject": fitting.line(payload["subject"] or ""),
			"description": payload["description"],
			"customer": ctx.customer,
			"priority": self._existing(ctx, "Issue Priority", payload["priority"]),
			"issue_type": self._existing(ctx, "Issue Type", payload["issue_type"]),
		}
		name = ctx.documents.create("Issue", {field: value for field, value in values.items() if value})
		return {"issue": name}

	@staticmethod
	def _existing(ctx, doctype: str, wanted: str | None) -> str | None:
		if not wanted:
			return None
		known = [found["name"] for found in ctx.documents.find(doctype, {}, limit=100)]
		match = same_word(wanted, known)
		if match is None:
			raise StepFailed(
				f"There is no {doctype} {wanted!r}. "
				+ (f"There are: {', '.join(known)}." if known else f"Create it under {doctype}."),
				helps=EITHER,
			)
		return match
