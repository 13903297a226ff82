"""What is kept of flows under way: runs, the rows of the inbox, and the claims of starts.

Times are naive datetimes in the host's time zone throughout.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

# What an inbox row promises to do
START = "start"  # begin a run that could do nothing while it was stored
FIRE = "fire"  # fire a step whose time has come
RETRY = "retry"  # try a failed step again
CALL = "call"  # make an external call that a step has committed to, and waits for
SIDE_CALL = (
	"side_call"  # make a call that a step has committed to beside its own effect, and waits for no more
)
MAIL = "mail"  # nothing: it says that a mail was not sent, and that this has been told
ADVANCE = "advance"  # go on where a budget ran out, or the head of a run ended
DOCUMENT_END = "document_end"  # end a run whose document was cancelled or deleted

#: What a run waits for, and does no more once it has been ended. A call that was committed to is made.
WITHDRAWN = (START, FIRE, RETRY, ADVANCE, DOCUMENT_END)

#: How a document ends.
DOCUMENT_CANCELLED = "cancelled"
DOCUMENT_DELETED = "deleted"

# Inbox row states, beside the run states that they share with runs
ROW_PENDING = "pending"
ROW_RUNNING = "running"
ROW_COMPLETED = "completed"
ROW_FAILED = "failed"
ROW_CANCELLED = "cancelled"


@dataclass(slots=True)
class Run:
	"""A Flow Run. `step_state` and `variables` are the parsed JSON; the rest are the DocType's fields."""

	flow_template: str
	template_version: int
	status: str = "running"
	name: str = ""
	trigger_event: str = ""
	context_doctype: str = ""
	context_docname: str = ""
	customer: str = ""
	variables: dict[str, Any] = field(default_factory=dict)
	step_state: dict[str, dict[str, Any]] = field(default_factory=dict)
	started_at: datetime | None = None
	completed_at: datetime | None = None
	#: The user whose permissions every step obeys.
	run_as: str = ""
	#: How many runs stand above this one: 0 unless an event that a run caused started it.
	depth: int = 0
	parent_run: str = ""
	#: The checksum of the version's definition.
	checksum: str = ""
	#: Why the run failed: the first failure, in a sentence.
	error: str = ""
	#: Why the run was ended before its end, in a sentence.
	stop_reason: str = ""
	#: Whether the run ends with its document: it began with one that was there, and its flow does not say otherwise.
	ends_with_document: int = 0
	#: Names the transition that started the run, so that one transition starts it once.
	trigger_key: str = ""
	#: Unique while it is set: what keeps a template's re-entry rule under concurrency.
	reentry_key: str = ""


@dataclass(slots=True)
class Pending:
	"""A Flow Step Pending row: one promise to come back later."""

	flow_run: str
	step_id: str = ""
	purpose: str = FIRE
	#: When it is due. None: parked until something releases it.
	trigger_at: datetime | None = None
	status: str = ROW_PENDING
	name: str = ""
	retry_count: int = 0
	last_error: str = ""
	#: For a call: the prepared request. For others, the step as it was scheduled.
	context_snapshot: dict[str, Any] | None = None
	idempotency_key: str = ""
	#: The document whose closing releases a parked row.
	reference_doctype: str = ""
	reference_name: str = ""
	executed_at: datetime | None = None
	lease_until: datetime | None = None
	#: Names the claim. Only its holder may finish or postpone the row.
	lease_token: str = ""


@dataclass(frozen=True, slots=True)
class Started:
	"""What a key has started: the run, and a digest of what it was given."""

	run: str
	digest: str
