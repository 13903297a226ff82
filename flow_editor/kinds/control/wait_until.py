from __future__ import annotations

from typing import Any

from flow_editor.engine.errors import EITHER, IN_FLOW, StepFailed
from flow_editor.engine.kind import Account, Field, Kind
from flow_editor.engine.waiting import ANSWER, TIME, Ended, Watch
from flow_editor.engine.waiting import Wait as Waiting

MET, TIMED_OUT = "met", "timed_out"


class WaitUntil(Kind):
	"""Waits until a document is as it should be, or for no longer than it may."""

	name = "wait_until"
	label = "Wait until"
	icon = "calendar"
	color = "gray"
	description = "Waits until a document is as a condition says, or a time is over."
	summary = "Wait until {doctype|the document} {docname_ref} is as it should be"
	accounts = (Account("{branch}"),)
	results = (("branch", "Branch"),)
	branches = ((MET, "As it should be"), (TIMED_OUT, "Too late"))
	fields = (
		Field(
			"when",
			"condition",
			"Condition",
			required=True,
			templated=False,
			help="What has to hold. A path is the watched document's.",
		),
		Field(
			"doctype",
			"doctype",
			"DocType",
			templated=False,
			help="Empty: the document that the run is about.",
		),
		Field("docname_ref", "text", "Document", help="Its name. Empty: the document that the run is about."),
		Field("timeout", "span", "No longer than", help="After that, the other branch is taken."),
	)

	def check(self, payload):
		if bool(payload.get("doctype")) != bool(str(payload.get("docname_ref") or "").strip()):
			missing = "docname_ref" if payload.get("doctype") else "doctype"
			yield (
				missing,
				"Give both the DocType and the document, or neither for the document that the run is about.",
			)

	def run(self, step, ctx) -> Waiting:
		doctype, name = ctx.payload["doctype"], (ctx.payload["docname_ref"] or "").strip()
		if doctype and not name:
			raise StepFailed(
				f"{step.payload.get('docname_ref')} is empty, so there is no {doctype} to wait for. Fill it in, or correct "
				"Document.",
				helps=EITHER,
			)
		if not doctype:
			doctype, name = ctx.run.context_doctype, ctx.run.context_docname
		if not name:
			raise StepFailed(
				"The run is about no document, so there is none to wait for. Name one.", helps=IN_FLOW
			)
		ctx.documents.get(doctype, name)
		timeout = ctx.payload["timeout"]
		return Waiting(
			until=ctx.after(timeout) if timeout else None, watch=Watch(doctype, name, step.payload["when"])
		)

	def resume(self, step, ctx, ended: Ended) -> dict[str, Any]:
		branch = TIMED_OUT if ended.by == TIME else MET
		if ended.by == ANSWER and isinstance(ended.answer, dict):
			branch = ended.answer.get("branch") or MET
		return {"branch": branch}
