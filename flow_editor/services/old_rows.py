"""What earlier versions wrote into the inbox, as this one writes it. Each host asks once, as it is brought up to date.

Up to version 0.3.0 a call that waited for a document was parked without a time, and a step that waited for somebody had no row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from flow_editor.engine.machine import WAITING
from flow_editor.engine.records import WAIT, WATCHED_CALL, Pending, Run
from flow_editor.engine.waiting import WAIT as KEPT
from flow_editor.kinds.erpnext.dispatch_job import IS_CLOSED


def watched_call(row: Pending, now: datetime) -> Pending:
	"""A row of a parked call, which watches its document from now on. No other kind than the dispatch job has parked any."""
	snapshot = {**(row.context_snapshot or {}), "when": IS_CLOSED}
	return replace(row, purpose=WATCHED_CALL, trigger_at=now, context_snapshot=snapshot)


def waits_to_begin(run: Run) -> Iterator[Pending]:
	"""The rows of a run's steps that wait for somebody to begin them."""
	for step_id, entry in run.step_state.items():
		if entry["status"] == WAITING and KEPT not in entry:
			yield Pending(run.name, step_id, WAIT)
