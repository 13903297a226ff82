from __future__ import annotations

import difflib
import json
from typing import Any

from flow_editor.engine.errors import EITHER, IN_FLOW, StepFailed, helps_by
from flow_editor.engine.filling import filled
from flow_editor.engine.kind import Account, Field, Kind, Write
from flow_editor.engine.render import whole

#: What the framework keeps itself.
OWN_FIELDS = (
	"name", "doctype", "owner", "creation", "modified", "modified_by", "docstatus", "idx",
	"parent", "parentfield", "parenttype", "amended_from",
)  # fmt: skip


class ErpUpdate(Kind):
	"""Sets fields of a document and saves it, as the run's user may."""

	name = "erp_update"
	label = "Update document"
	icon = "edit"
	color = "green"
	description = "Sets fields of a document."
	summary = "Set fields of {doctype|the document} {docname_ref}"
	announcement = "Change {docname_ref|the document} ({doctype}): {fields_json}"
	accounts = (
		Account("{doctype} {name@:doctype} said so already", {"changed": ([],)}),
		Account("Changed {changed} of {doctype} {name@:doctype}"),
	)
	results = (("doctype", "DocType"), ("name", "Document"), ("changed", "Changed fields"))
	effect = "documents"
	fields = (
		Field("doctype", "doctype", "DocType", required=True, templated=False),
		Field("docname_ref", "text", "Document", help="Empty: the document that the run is about."),
		Field(
			"fields_json",
			"json",
			"Fields",
			required=True,
			help='JSON, such as {"status": "Closed"}. A text that is one {{path}} becomes that value. Dates and '
			"amounts are read as the site writes them.",
		),
	)

	def check(self, payload):
		if isinstance(payload.get("fields_json"), list):
			yield "fields_json", "Fields must be a JSON object of field names and values."

	def writes(self, payload):
		values = payload.get("fields_json")
		if isinstance(values, str) and values.strip():
			values = None if whole(values) else json.loads(values)
		if payload.get("doctype"):
			yield Write(
				payload["doctype"], False, values if isinstance(values, dict) else {}, field="fields_json"
			)

	def run(self, step, ctx) -> dict[str, Any]:
		doctype, values = ctx.payload["doctype"], ctx.payload["fields_json"]
		if not isinstance(values, dict) or not values:
			raise StepFailed(
				"There are no fields to set. Fill in Fields.", helps=helps_by(step.payload.get("fields_json"))
			)
		name = (ctx.payload["docname_ref"] or "").strip()
		if not name and (written := str(step.payload.get("docname_ref") or "").strip()):
			# It was meant for another document, so the run's own must not get it.
			raise StepFailed(
				f"{written} is empty, so there is no {doctype} to update. Fill it in, or correct Document.",
				helps=EITHER,
			)
		if not name:
			if ctx.run.context_doctype != doctype:
				raise StepFailed(
					f"Which {doctype} to update is empty, and the run is about "
					f"{ctx.run.context_doctype or 'no document'}. Fill in Document.",
					helps=IN_FLOW,
				)
			name = ctx.run.context_docname
		self._refuse_unknown(ctx, doctype, values)
		types = ctx.documents.types
		try:
			values = filled(values, types(doctype), ctx.conventions, types)
		except ValueError as error:
			raise StepFailed(
				f"{error} Nothing was set.", helps=helps_by(step.payload.get("fields_json"))
			) from None
		changed = ctx.documents.update(doctype, name, values)
		return {"doctype": doctype, "name": name, "changed": changed}

	@staticmethod
	def _refuse_unknown(ctx, doctype: str, values: dict[str, Any]) -> None:
		known = ctx.documents.fields(doctype)
		own = [field for field in values if field in OWN_FIELDS]
		problems = []
		if own:
			problems.append(f"A flow may not set {', '.join(own)}: ERPNext keeps that itself.")
		unknown = [f for f in values if known is not None and f not in known and f not in own]
		if unknown:
			hints = [
				f"{field} (did you mean {close[0]}?)"
				if (close := difflib.get_close_matches(field, known, n=1))
				else field
				for field in unknown
			]
			problems.append(f"{doctype} has no field {', '.join(hints)}.")
		if problems:
			raise StepFailed(" ".join([*problems, "Correct Fields; nothing was set."]), helps=IN_FLOW)
