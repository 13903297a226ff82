from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flow_editor.engine.conditions import is_empty
from flow_editor.engine.errors import StepFailed, helps_by
from flow_editor.engine.kind import Account, Field, Kind, Write
from flow_editor.engine.render import expressions
from flow_editor.engine.waiting import Watch
from flow_editor.kinds import fitting
from flow_editor.kinds.choices import CLOSED_STATUSES, same_word
from flow_editor.kinds.outside.webhook import rendered_url, url_problem

DOCTYPE = "Dispatch Job"
PRIORITIES = ("low", "medium", "high", "urgent")
NOTE_FIELDS = ("description", "notes")
WEBHOOKS = ("on_open_webhook", "on_close_webhook")
#: When a job is over, so that who asked to hear of it is called.
IS_CLOSED = {
	"or": [
		*({"==": [{"var": "doc.status"}, status]} for status in CLOSED_STATUSES),
		{"==": [{"var": "doc.docstatus"}, 2]},
	]
}


class DispatchJob(Kind):
	"""Creates a Dispatch Job, or adds to an open one with the same merge key.

	A site may have a Dispatch Job of its own: only fields that it has are set.
	"""

	name = "dispatch_job"
	label = "Dispatch job"
	icon = "tool"
	color = "green"
	description = "Gives a technician something to do."
	summary = "{subject}"
	announcement = "Dispatch Job: {subject}"
	accounts = (
		Account("Added to Dispatch Job {job@Dispatch Job}, which was open", {"merged": (True,)}),
		Account("Created Dispatch Job {job@Dispatch Job}"),
	)
	results = (("job", "Dispatch Job"), ("merged", "Joined an open job"))
	effect = "documents"
	watches = (DOCTYPE,)
	fields = (
		Field("subject", "text", "Subject", required=True),
		Field("job_type", "text", "Type", help="Such as Installation or Repair."),
		Field("priority", "select", "Priority", default="medium", options=PRIORITIES),
		Field("duration_h", "duration", "Duration", minimum=0, unit="hours"),
		Field("assigned_group", "text", "Group"),
		Field(
			"merge_key",
			"text",
			"Merge key",
			help="An open job with the same key is added to instead. A key of which a part is empty is none.",
		),
		Field("on_open_webhook", "url", "Call when it opens"),
		Field("on_close_webhook", "url", "Call when it closes"),
	)

	def announce(self, payload):
		calls = [f"{{{name}}}" for name in WEBHOOKS if payload.get(name)]
		return f"{self.announcement}, and calls {' and '.join(calls)}" if calls else self.announcement

	def check(self, payload):
		for name in WEBHOOKS:
			url = str(payload.get(name) or "")
			if url.strip() and (message := url_problem(url)):
				yield name, f"{self.field(name).label} {message}"

	def writes(self, payload):
		names = ("subject", "job_type", "priority", "assigned_group")
		yield Write(DOCTYPE, True, {name: payload.get(name) for name in names}, cut=("subject",))
		if payload.get("merge_key"):
			yield Write(DOCTYPE)

	def run(self, step, ctx) -> dict[str, Any]:
		known = ctx.documents.fields(DOCTYPE)
		values = self._values(step, ctx, known)
		key = values.get("merge_key")
		open_job = ctx.documents.find_open(DOCTYPE, "merge_key", key) if key else None
		if open_job:
			job = open_job["name"]
			changes = _merged(open_job, values, known)
			if changes:
				ctx.documents.update(DOCTYPE, job, changes)
		else:
			job = ctx.documents.create(DOCTYPE, values)
		# A job that is merged into has opened before, so only a new one calls for that.
		if not open_job:
			self._call(ctx, step, "on_open_webhook", "open", job)
		self._call(ctx, step, "on_close_webhook", "close", job, after=Watch(DOCTYPE, job, IS_CLOSED))
		return {"job": job, "merged": bool(open_job)}

	@staticmethod
	def _values(step, ctx, known: Mapping[str, Mapping[str, Any]] | None) -> dict[str, Any]:
		payload, run = ctx.payload, ctx.run
		wanted = {
			"subject": fitting.line(payload["subject"] or ""),
			"job_type": payload["job_type"],
			"priority": payload["priority"],
			"duration_h": _hours(payload["duration_h"], helps_by(step.payload.get("duration_h"))),
			"assigned_group": payload["assigned_group"],
			"merge_key": _merge_key(step, ctx),
			"customer": run.customer,
			"on_open_webhook": payload["on_open_webhook"],
			"on_close_webhook": payload["on_close_webhook"],
			"reference_doctype": run.context_doctype,
			"reference_name": run.context_docname,
			"flow_run": run.name,
		}
		values = {}
		for name, value in wanted.items():
			if value in (None, "") or (known is not None and name not in known):
				continue
			values[name] = _as_option(value, known[name]) if known is not None else value
		return values

	@staticmethod
	def _call(ctx, step, field: str, event: str, job: str, *, after=None) -> None:
		if not ctx.payload[field]:
			return
		body = {
			"event": event,
			"job": job,
			"subject": ctx.payload["subject"],
			"customer": ctx.run.customer,
			"run": ctx.run.name,
			"step": step.id,
		}
		url = rendered_url(str(step.payload[field]), ctx.scope, ctx.budget)
		ctx.call({"method": "POST", "url": url, "json": body}, after=after)


def _hours(value: Any, helps: str) -> float | None:
	text = "" if value is None else str(value).strip()
	if not text:
		return None
	try:
		hours = float(text)
	except ValueError:
		hours = -1
	if not 0 <= hours < float("inf"):
		raise StepFailed(
			f"The duration {text[:100]!r} is not a number of hours, 0 or more. Correct it.", helps=helps
		)
	return hours


def _merge_key(step, ctx) -> str:
	"""The rendered key. It is empty if any expression in it is: else the jobs of all unknown customers would be one."""
	written = str(step.payload.get("merge_key") or "")
	if any(is_empty(expression.value(ctx.scope)) for expression in expressions(written)):
		return ""
	return fitting.key((ctx.payload["merge_key"] or "").strip())


def _as_option(value: Any, field: Mapping[str, Any]) -> Any:
	"""The site's own spelling of a value of a Select field, if it has one."""
	if field.get("fieldtype") != "Select" or not isinstance(value, str):
		return value
	return same_word(value, str(field.get("options") or "").split("\n")) or value


def _merged(
	job: Mapping[str, Any], more: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]] | None
) -> dict[str, Any]:
	"""What an open job becomes: durations added, the higher priority, and a line on what came to it."""
	changes: dict[str, Any] = {}
	if more.get("duration_h"):
		changes["duration_h"] = float(job.get("duration_h") or 0) + more["duration_h"]
	if _rank(more.get("priority")) > _rank(job.get("priority")):
		changes["priority"] = more["priority"]
	if more.get("customer") and not job.get("customer"):
		changes["customer"] = more["customer"]
	note = next((name for name in NOTE_FIELDS if known is None or name in known), None)
	if note and more.get("subject"):
		changes[note] = "\n".join(filter(None, [job.get(note), f"+ {more['subject']}"]))
	return changes


def _rank(priority: Any) -> int:
	word = str(priority or "").casefold()
	return PRIORITIES.index(word) if word in PRIORITIES else -1
