"""The background: the minute's tick, the poke after a commit, and the drain that both set off.

The inbox in the database is the truth. A poke that is lost, because Redis or every worker was down, costs no
more than the wait for the next tick.
"""

from __future__ import annotations

from functools import lru_cache

import frappe
import redis
from frappe.utils.background_jobs import get_job
from redis.backoff import NoBackoff
from redis.retry import Retry

from flow_editor.services import inbox

#: How many drains may wait or run at once. One that runs may miss what is committed while it ends, so
#: another has to be able to wait behind it.
SLOTS = 4
#: Seconds after which a drain stops claiming, and the job's own limit.
DRAIN_SECONDS = 240
JOB_TIMEOUT = 600


def tick() -> None:
	"""The scheduler's minute: do what is due."""
	drain()


def drain() -> None:
	"""Work the inbox off until it is dry."""
	from flow_editor.site.host import current

	# The job was queued by whoever saved something. Engine work is the engine's; steps act as `run_as`.
	frappe.set_user("Administrator")
	host = current()
	if inbox.drain(host, seconds=DRAIN_SECONDS).left:
		poke()


def poke() -> None:
	"""Queue a drain, unless one is waiting already. Never raises: the tick comes anyway."""
	try:
		_ask_redis(frappe.conf.redis_queue)
		for slot in range(SLOTS):
			job_id = f"flow_editor_drain_{slot}"
			job = get_job(job_id)
			status = job and job.get_status(refresh=False)
			if status in ("queued", "deferred", "scheduled"):
				return
			if status != "started":
				frappe.enqueue(drain, queue="default", timeout=JOB_TIMEOUT, job_id=job_id)
				return
	except (redis.RedisError, OSError) as error:
		frappe.logger("flow_editor").warning(
			"No drain could be queued (%s); the scheduler's tick will do it.", type(error).__name__
		)


def _ask_redis(url: str) -> None:
	"""Raise at once if Redis is away. Frappe's own connection tries again for seconds, in which a user waits."""
	try:
		_impatient(url).ping()
	except (redis.AuthenticationError, redis.ResponseError):
		pass  # it is there, and wants the password that Frappe's own connection has


@lru_cache(maxsize=8)
def _impatient(url: str) -> redis.Redis:
	"""A connection that is kept, since most saves of a busy site ask."""
	return redis.from_url(url, socket_connect_timeout=1, socket_timeout=1, retry=Retry(NoBackoff(), 0))
