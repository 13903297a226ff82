"""The poke after a commit: it has a worker look at the inbox soon. It never drains itself, and never raises.

A worker that is killed between taking a job from its queue and beginning it leaves a job that stands in no queue and
says for ever that it is queued. Neither Frappe's scheduler nor `poke` would queue another beside it, and everything
would stand still; so what has been queued for long is looked for in its queue (see `is_lost`; `site.schedule` has the
scheduler ask it).
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from functools import lru_cache

import frappe
import redis
from frappe.utils.background_jobs import create_job_id, get_job
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue
from rq.exceptions import NoSuchJobError
from rq.job import Job

#: What is queued.
DRAIN = "flow_editor.site.worker.drain"
#: How many drains may wait or run at once. One that runs may miss what is committed while it ends, so
#: another has to be able to wait behind it.
SLOTS = 4
#: The job's own limit, in seconds.
JOB_TIMEOUT = 600
#: How long after it was queued a job is looked for in its queue. One that has begun has a heartbeat every half a minute.
LOST_AFTER = timedelta(seconds=60)


def poke() -> None:
	"""Queue a drain, unless one is waiting already. Never raises: the tick comes anyway."""
	messages = len(frappe.local.message_log)
	try:
		for slot in range(SLOTS):
			job_id = f"flow_editor_drain_{slot}"
			job = _job(job_id)
			status = job and job.get_status(refresh=False)
			lost = job is not None and is_lost(job)
			if status in ("queued", "deferred", "scheduled") and not lost:
				return
			if status != "started" or lost:
				frappe.enqueue(DRAIN, queue="default", timeout=JOB_TIMEOUT, job_id=job_id)
				return
	except Exception as error:
		# What was saved is committed by now, and whoever saved it is not to be told of the queue's troubles. Where
		# hundreds of jobs wait, Frappe 16 refuses another, and says so to the user, who has only saved something.
		del frappe.local.message_log[messages:]
		frappe.logger("flow_editor").warning(
			"No drain could be queued (%s); the scheduler's tick will do it.", type(error).__name__
		)


def is_lost(job: Job) -> bool:
	"""Whether a job that counts as queued or begun is neither: long in no queue, or long without a heartbeat."""
	status = job.get_status(refresh=False)
	if status == "started":
		return _is_past(job.last_heartbeat, 2 * LOST_AFTER)
	return (
		status == "queued"
		and _is_past(job.enqueued_at, LOST_AFTER)
		and Queue(job.origin, connection=job.connection).get_job_position(job) is None
	)


def _is_past(moment: datetime | None, patience: timedelta) -> bool:
	return moment is not None and datetime.now(timezone.utc) - moment.replace(tzinfo=timezone.utc) > patience


def _job(job_id: str) -> Job | None:
	"""A job of this site. Raises at once if Redis is away; Frappe's own connection tries again for seconds, in which a
	user waits."""
	try:
		return Job.fetch(create_job_id(job_id), connection=_impatient(frappe.conf.redis_queue))
	except NoSuchJobError:
		return None
	except (redis.AuthenticationError, redis.ResponseError):
		return get_job(job_id)  # it is there, and wants the password that Frappe's own connection has


@lru_cache(maxsize=8)
def _impatient(url: str) -> redis.Redis:
	"""A connection that is kept, since most saves of a busy site ask."""
	return redis.from_url(url, socket_connect_timeout=1, socket_timeout=1, retry=Retry(NoBackoff(), 0))
