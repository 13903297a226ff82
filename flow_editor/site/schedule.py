"""The scheduler's view of our own jobs. Everybody else's are Frappe's alone.

A new site is in another time zone than its own until the setup wizard. What was stored before it may then lie hours in the
future, and Frappe counts from there: ours would be silent until that moment. So a time that has not come yet counts for
nothing.

Frappe queues no scheduled job beside one that says it is queued, though that one may have been lost with its worker;
see `site.poke`. Ours are looked for.
"""

from __future__ import annotations

from datetime import datetime

from frappe.core.doctype.scheduled_job_type.scheduled_job_type import ScheduledJobType
from frappe.utils import get_datetime, now_datetime
from frappe.utils.background_jobs import get_job

from flow_editor.site.poke import is_lost

OURS = "flow_editor."


def since(last_execution: datetime | None, creation: datetime) -> tuple[datetime, bool]:
	"""The moment from which a job's next time is counted, and whether it lies in the future."""
	counted = get_datetime(last_execution or creation)
	return counted, counted > now_datetime()


class OurScheduledJobType(ScheduledJobType):
	def is_event_due(self, current_time: datetime | None = None) -> bool:
		if self.method.startswith(OURS) and since(self.last_execution, self.creation)[1]:
			return True
		return super().is_event_due(current_time)

	def is_job_in_queue(self) -> bool:
		if not super().is_job_in_queue():
			return False
		if not self.method.startswith(OURS):
			return True
		job = get_job(self.rq_job_id)
		return job is not None and not is_lost(job)
