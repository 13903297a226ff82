"""The scheduler's view of our own jobs.

Frappe queues no scheduled job beside one that says it is queued, though that one may have been lost with its worker;
see `site.worker`. Ours are looked for. Everybody else's are Frappe's alone.
"""

from __future__ import annotations

from frappe.core.doctype.scheduled_job_type.scheduled_job_type import ScheduledJobType
from frappe.utils.background_jobs import get_job

from flow_editor.site.worker import is_lost


class OurScheduledJobType(ScheduledJobType):
	def is_job_in_queue(self) -> bool:
		if not super().is_job_in_queue():
			return False
		if not self.method.startswith("flow_editor."):
			return True
		job = get_job(self.rq_job_id)
		return job is not None and not is_lost(job)
