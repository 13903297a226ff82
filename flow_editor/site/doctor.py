"""Whether flows can run on this site, and what to do where they cannot."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import frappe
import redis
from frappe.email.doctype.email_account.email_account import EmailAccount
from frappe.utils import add_to_date, now_datetime
from frappe.utils.background_jobs import get_workers
from frappe.utils.scheduler import get_scheduler_tick, is_schduler_process_running, is_scheduler_inactive

from flow_editor.engine import secrets
from flow_editor.engine.records import ROW_FAILED, ROW_PENDING, SIDE_CALL
from flow_editor.site import token
from flow_editor.site.held import links_to_runs
from flow_editor.site.host import SiteHost
from flow_editor.site.owned import taken
from flow_editor.site.schedule import since

TICK = "flow_editor.site.worker.tick"
START = "Start the scheduler: bench schedule (or bench start, or supervisor)."
#: The versions of Frappe on which the tests are run. README names them whole.
TESTED = (15, 16)
#: How long after its time a row counts as overdue, and a tick as missed.
PATIENCE = timedelta(minutes=5)
#: How long its process may take to begin.
STARTING_SECONDS = 5
#: How long a worker may take to come to a job that was just queued.
WORKER_SECONDS = 15


@dataclass(frozen=True, slots=True)
class Finding:
	"""One thing looked at. `advice` says what to do, and is empty where all is well."""

	what: str
	found: str
	advice: str = ""

	@property
	def ok(self) -> bool:
		return not self.advice


def examine(host: SiteHost) -> list[Finding]:
	"""Look at everything that flows need."""
	checks = (
		_version, _doctypes, _scheduler, _workers, _overdue, _failed_runs, _failed_rows, _sms, _email, _templates, _links, _token, _secrets,
	)  # fmt: skip
	return [finding for check in checks for finding in check(host)]


def _version(host: SiteHost) -> Iterator[Finding]:
	major = frappe.__version__.partition(".")[0]
	tested = " and ".join(map(str, TESTED))
	advice = (
		""
		if major in map(str, TESTED)
		else f"Flow Editor is tested with Frappe {tested}. Try your flows on a copy of this site, and look for a later Flow Editor."
	)
	yield Finding("Frappe", frappe.__version__, advice)


def _doctypes(host: SiteHost) -> Iterator[Finding]:
	for doctype, module in taken().items():
		yield Finding(
			f"DocType {doctype}",
			f"belongs to module {module} now",
			"Another app has brought one of the same name. Flows cannot run beside it: restore the backup from before "
			"that app was installed, and give one of the two a site of its own.",
		)


def _scheduler(host: SiteHost) -> Iterator[Finding]:
	if is_scheduler_inactive():
		yield Finding(
			"Scheduler",
			"switched off",
			"Run: bench --site SITE enable-scheduler, and start the scheduler process.",
		)
		return
	job = _tick_job()
	if job and not job.stopped and _is_silent(job) and _has_begun():
		job = _next_tick()
	if job is None:
		yield Finding("Scheduler", "does not know our job", "Run: bench --site SITE migrate.")
		return
	if job.stopped:
		yield Finding(
			"Scheduler", "our job is stopped", f"Untick Stopped in the Scheduled Job Type of {TICK}."
		)
		return
	counted, is_ahead = since(job.last_execution, job.creation)
	if is_ahead:
		why = "which has not come yet: the site's time zone or clock was changed since"
		yield Finding("Scheduler", f"counts from {counted:%Y-%m-%d %H:%M}, {why}", _what_stands())
	elif _is_silent(job):
		found = f"last ticked at {counted:%Y-%m-%d %H:%M}" if job.last_execution else "has never ticked"
		yield Finding("Scheduler", found, _what_stands())
	elif job.last_execution:
		yield Finding("Scheduler", f"last ticked at {counted:%Y-%m-%d %H:%M}")
	else:
		advice = "" if is_schduler_process_running() else START
		yield Finding("Scheduler", f"has not ticked yet: its job was made at {counted:%H:%M}", advice)


def _tick_job() -> frappe._dict | None:
	fields = ["last_execution", "creation", "stopped"]
	return frappe.db.get_value("Scheduled Job Type", {"method": TICK}, fields, as_dict=True)


def _is_silent(job: frappe._dict) -> bool:
	counted, is_ahead = since(job.last_execution, job.creation)
	return is_ahead or now_datetime() - counted > PATIENCE


def _has_begun() -> bool:
	"""Whether the scheduler's process runs: one that was started a moment ago has yet to say so."""
	until = time.monotonic() + STARTING_SECONDS
	while not (runs := is_schduler_process_running()) and time.monotonic() < until:
		time.sleep(0.5)
	return runs


def _next_tick() -> frappe._dict | None:
	"""The job once it has ticked: a scheduler that has just started looks once in so many seconds, and a worker has to take
	the job. As it is, if it has not by then."""
	until = time.monotonic() + get_scheduler_tick() + WORKER_SECONDS
	while (job := _tick_job()) and _is_silent(job) and time.monotonic() < until:
		time.sleep(1)
		frappe.db.rollback()  # what is committed meanwhile is seen by a new transaction alone
	return job


def _what_stands() -> str:
	"""What keeps a scheduler from ticking."""
	if not is_schduler_process_running():
		return START
	return "The scheduler's process runs, so its jobs are not worked: see the workers below, and Scheduled Job Log."


def _workers(host: SiteHost) -> Iterator[Finding]:
	try:
		serving = [
			worker for worker in get_workers() if any("default" in name for name in worker.queue_names())
		]
	except redis.RedisError as error:
		yield Finding(
			"Workers", f"Redis does not answer ({type(error).__name__})", "Start Redis for the queue."
		)
		return
	if serving:
		yield Finding("Workers", f"{len(serving)} on the default queue")
	else:
		yield Finding("Workers", "none on the default queue", "Start one: bench worker --queue default.")


def _overdue(host: SiteHost) -> Iterator[Finding]:
	late = frappe.db.count(
		"Flow Step Pending", {"status": ROW_PENDING, "trigger_at": ("<", now_datetime() - PATIENCE)}
	)
	advice = "See the scheduler and the workers above; when they run, these are worked off at the next tick."
	yield Finding("Inbox", f"{late} overdue rows", advice if late else "")


def _failed_runs(host: SiteHost) -> Iterator[Finding]:
	failed = frappe.get_all(
		"Flow Run",
		filters={"status": "failed", "creation": (">", add_to_date(None, days=-7))},
		fields=["name", "error"],
		order_by="creation desc",
		limit_page_length=3,
	)
	count = frappe.db.count("Flow Run", {"status": "failed", "creation": (">", add_to_date(None, days=-7))})
	examples = "; ".join(f"{run.name}: {run.error}" for run in failed)
	advice = f"Open them: mend the cause and press Retry, or cancel them. {examples}" if count else ""
	yield Finding("Runs", f"{count} failed in the last 7 days", advice)


def _failed_rows(host: SiteHost) -> Iterator[Finding]:
	failed = frappe.db.count(
		"Flow Step Pending",
		{"status": ROW_FAILED, "purpose": SIDE_CALL, "creation": (">", add_to_date(None, days=-7))},
	)
	advice = (
		"Open them in Flow Step Pending, mend the cause, and set status to pending and the retry count to 0."
		if failed
		else ""
	)
	yield Finding("Calls of dispatch jobs", f"{failed} failed in the last 7 days", advice)


def _sms(host: SiteHost) -> Iterator[Finding]:
	problem = host.messages.sms_problem()
	wanted = sum(
		map(_sends_sms, frappe.get_all("Flow Template", filters={"is_active": 1}, pluck="flow_definition"))
	)
	found = (
		"set up" if not problem else "not set up" + (f"; {wanted} active flows send SMS" if wanted else "")
	)
	yield Finding("SMS gateway", found, problem if wanted else "")


def _sends_sms(definition: str) -> bool:
	steps = json.loads(definition or "{}").get("steps") or ()
	return any((step.get("payload") or {}).get("channel") == "sms" for step in steps)


def _email(host: SiteHost) -> Iterator[Finding]:
	account = EmailAccount.find_outgoing()
	muted = frappe.are_emails_muted()
	if muted:
		yield Finding("E-mail", "muted", "Remove mute_emails from the site's configuration.")
	else:
		advice = "" if account else "Set up an Email Account with default outgoing."
		yield Finding("E-mail", account.default_sender if account else "no default outgoing account", advice)


def _links(host: SiteHost) -> Iterator[Finding]:
	found = ", ".join(f"{link.doctype}.{link.field}" for link in links_to_runs())
	advice = "Make each a Data field: whoever may write such a link can look at what it leads to."
	yield Finding("Links to runs", found or "none", advice if found else "")


def _token(host: SiteHost) -> Iterator[Finding]:
	settings = host.settings
	stored = settings.get_password("internal_token", raise_exception=False)
	if not stored:
		return
	advice = token.service_user_problem(settings.service_user) or token.problem(stored) or ""
	yield Finding("Internal token", "refused" if advice else "in use", advice)


def _secrets(host: SiteHost) -> Iterator[Finding]:
	for row in host.settings.secrets:
		unread = [entry for entry in row.hosts.split() if not _names_a_host(entry)]
		if unread:
			advice = f"Write them as api.example.com or api.example.com:8443, not as {', '.join(unread)}."
			yield Finding(f"Secret {row.secret_name}", "is for hosts that cannot be told", advice)


def _names_a_host(entry: str) -> bool:
	try:
		return bool(secrets.places(entry))
	except ValueError:
		return False


def _templates(host: SiteHost) -> Iterator[Finding]:
	paused = frappe.get_all("Flow Template", filters={"paused_reason": ("is", "set")}, pluck="name")
	advice = f"Mend {', '.join(paused)} and switch them on again." if paused else ""
	yield Finding(
		"Flows", f"{frappe.db.count('Flow Template', {'is_active': 1})} active, {len(paused)} paused", advice
	)
