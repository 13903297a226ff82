"""What the outside must offer: the ports of a host.

The services are written over a `Host` alone. Two exist: `site` (Frappe) and `lab` (an embedded database with
a virtual clock). Times are naive datetimes in the host's time zone throughout.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

from flow_editor.engine.event import TriggerEvent
from flow_editor.engine.gate import Operator
from flow_editor.engine.kind import Catalog
from flow_editor.engine.people import Reader, Words
from flow_editor.engine.reading import Limits
from flow_editor.engine.values import Conventions, Document, Types

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
class HttpResponse:
	status: int
	headers: Mapping[str, str]
	body: str
	#: Whether the body was cut to the limit.
	truncated: bool = False


@dataclass(frozen=True, slots=True)
class Started:
	"""What a key has started: the run, and a digest of what it was given."""

	run: str
	digest: str


class Store(Protocol):
	"""Templates, versions, runs and the inbox. Engine rows bypass the acting user's permissions."""

	def transaction(self, *, follows: bool = False) -> AbstractContextManager[None]:
		"""A fresh transaction, committed at the end, rolled back on an exception. Ends an open one first,
		unless it `follows` directly on another of these, so that there can be none."""

	def savepoint(self) -> AbstractContextManager[None]:
		"""Undo everything since its beginning on an exception, which goes on."""

	def template(self, name: str) -> dict[str, Any]:
		"""A template's fields, with `name`. Raises NotFound."""

	def templates(
		self, filters: Mapping[str, Any], *, start: int = 0, limit: int = 0
	) -> list[dict[str, Any]]:
		"""Templates with these field values, without their definitions, newest change first; all if no limit."""

	def active_templates(self, event: str) -> Sequence[Mapping[str, Any]]:
		"""The active templates of a trigger event, those that may always start before the others, each oldest
		first: name, template_name, version, checksum, trigger_condition, applies_to, run_as, re_entry."""

	def insert_template(self, values: Mapping[str, Any]) -> str:
		"""Store a new template, as `services.templates.prepare` made it, and its version. Returns its name."""

	def update_template(self, name: str, values: Mapping[str, Any]) -> None:
		"""Change fields of a template, through `services.templates.prepare` likewise."""

	def pause_template(self, name: str, version: int, reason: str) -> bool:
		"""Switch a template off and keep why, as long as it is active and of that version. False if it is not."""

	def last_outcomes(self, template: str, version: int, limit: int) -> list[str]:
		"""The states of the last runs of a version that have completed or failed, newest first."""

	def delete_template(self, name: str) -> None:
		"""Delete a template that no rule protects. Its versions stay as long as a run refers to them."""

	def definition(self, template: str, version: int) -> str:
		"""The definition text of a version. Raises NotFound."""

	def insert_run(self, run: Run, rows: Sequence[Pending] = (), *, is_free: bool = False) -> bool:
		"""Store a new run and name it, with the inbox rows that are to carry it on: all or nothing. False,
		storing nothing, if its re-entry key is taken. `is_free`: this transaction has freed the key, or has seen it free."""

	def claim_start(self, key: str, template: str, digest: str, at: datetime) -> Started | None:
		"""Claim a key for a start in this transaction, which has written nothing yet; None if it is claimed now, else what
		it has started. Of two that claim it at once the second waits for the first to be committed or rolled back."""

	def note_start(self, key: str, run: str) -> None:
		"""Note the run that a claimed key has started."""

	def has_triggered(self, trigger_key: str) -> bool:
		"""Whether a run with that trigger key exists."""

	def run(self, name: str, *, lock: bool = False) -> Run:
		"""Load a run; with `lock`, as last committed, and nobody else may change it meanwhile. Raises NotFound."""

	def lock_runs(self, names: Collection[str]) -> dict[str, Run]:
		"""Runs by name, each as `run` loads it with `lock`. Those that are gone are left out."""

	def save_run(self, run: Run) -> bool:
		"""Store status, variables, step state, completed_at, error, stop reason and re-entry key. False, storing nothing,
		if the re-entry key is taken."""

	def save_runs(self, runs: Sequence[Run]) -> bool:
		"""As `save_run`, of several at once. False if any re-entry key is taken, and then some may be stored:
		the transaction is to be rolled back."""

	def runs(
		self,
		filters: Mapping[str, Any],
		*,
		start: int = 0,
		limit: int = 20,
		bare: bool = False,
		visible: bool = False,
	) -> list[Run]:
		"""Runs with these field values (None: empty), newest first; if `bare`, without their variables and step states; if
		`visible`, those alone that the acting user may see, so that `start` and `limit` count no other."""

	def in_flight_about(self, doctype: str, name: str) -> list[str]:
		"""The names of the runs in flight that end with a document. Locks nothing."""

	def holder(self, reentry_key: str) -> Run | None:
		"""The run that holds a re-entry key, locked as last committed; None if there is none, or another has locked it."""

	def insert_pending(self, rows: Sequence[Pending]) -> None:
		"""Store new inbox rows and name them."""

	def claim(self, now: datetime, limit: int, lease_until: datetime, token: str) -> Sequence[Pending]:
		"""In a transaction of its own, lease up to `limit` rows that are due, oldest first; never one that
		another holds. Where there is none, one row whose lease has run out, with its retry_count one higher:
		only one, so that work which kills its worker takes no other row with it."""

	def is_due(self, now: datetime) -> bool:
		"""Whether there is anything to claim."""

	def extend(self, row: Pending, lease_until: datetime) -> bool:
		"""Lengthen a lease. False if the row is no longer this claim's."""

	def finish(self, row: Pending, status: str, at: datetime, error: str = "") -> bool:
		"""Settle a claimed row; a failed one counts its last try. False if it is no longer this claim's."""

	def finish_together(self, rows: Sequence[Pending], at: datetime) -> bool:
		"""Settle rows of one claim as completed. False if any of them is no longer this claim's."""

	def postpone(self, row: Pending, at: datetime, error: str, *, counts: bool = True) -> bool:
		"""Give a claimed row back, due at `at`, its retry_count one higher if that try counts. False as for `finish`."""

	def cancel_pending(self, run: str, step_id: str | None = None) -> None:
		"""Cancel a run's (or one step's) rows that are pending or claimed, except parked ones and calls that were
		committed to: those beside a step always, and those that steps wait for if it is the whole run that ends."""

	def withdraw(self, run: str) -> None:
		"""Cancel what a run waits for: its pending rows, except calls. One that is claimed finds the run ended."""

	def release(self, doctype: str, name: str, at: datetime) -> int:
		"""Make the rows parked on a document due. Returns how many."""

	def drop_parked(self, doctype: str, name: str, at: datetime, reason: str) -> None:
		"""Cancel the rows parked on a document, since what they wait for cannot come any more."""

	def pending(self, filters: Mapping[str, Any], *, limit: int = 100) -> list[Pending]:
		"""Inbox rows with these field values, earliest due first."""

	def next_due(self) -> datetime | None:
		"""When the earliest pending row is due, if any."""


class Documents(Protocol):
	"""The host's documents, under the permissions of the acting user.

	A refusal raises a `FlowError` with the reason: NotAllowed, NotFound, or StepFailed for a validation error. A DocType
	and a document go by their own names, to the letter: what a database takes for the same is not found.
	Values have the types of their fields (`engine.values`).
	"""

	def get(self, doctype: str, name: str) -> Document:
		"""A document's fields."""

	def check_readable(self, doctype: str, name: str) -> None:
		"""Raise NotAllowed if the acting user may not read a document. One that is not there hides nothing."""

	def shown(self, fields: Mapping[str, Any]) -> Mapping[str, Any]:
		"""As `get`, of a document whose fields, its DocType and name among them, are in hand: it is not read again."""

	def ended(self, doctype: str, names: Collection[str]) -> dict[str, str]:
		"""Those of these documents that are DOCUMENT_CANCELLED or, being gone, DOCUMENT_DELETED, whoever may read them."""

	def first(self, doctype: str, name: str) -> str:
		"""The first of the documents that one was amended from, itself if from none, whoever may read them."""

	def find(self, doctype: str, filters: Mapping[str, Any], *, limit: int = 20) -> list[Document]:
		"""Documents with these field values (a list value: one of), newest first."""

	def find_open(self, doctype: str, field: str, value: Any) -> Document | None:
		"""The newest document with that value whose status is not a closed one, locked until commit."""

	def create(self, doctype: str, values: Mapping[str, Any]) -> str:
		"""Insert a document and return its name."""

	def update(self, doctype: str, name: str, values: Mapping[str, Any]) -> list[str]:
		"""Set fields and save. Returns the names of those whose value changed."""

	def fields(self, doctype: str) -> Mapping[str, Mapping[str, Any]] | None:
		"""The DocType's fields by name (fieldtype, label, options), or None where any field will do.

		Raises `StepFailed` if there is no such DocType."""

	def types(self, doctype: str) -> Types:
		"""What the fields of a DocType hold, whoever may read them; empty if nothing says. Never raises."""

	def may_hold(self, doctype: str, field: str) -> bool:
		"""Whether documents of a DocType may have a field that `types` does not name."""

	def is_missing(self, doctype: str, name: str) -> bool:
		"""Whether there is surely no document of that name, or no such DocType."""

	def may(self, permission: str, doctype: str) -> bool:
		"""Whether a role of the acting user lets them `read`, `write` or `create` any document of a DocType. Of one that
		is not there, nothing is forbidden."""

	def describe(self, doctype: str) -> list[dict[str, str]]:
		"""The fields that an expression can read and the acting user may: name, label, fieldtype, in the order of
		the form. Raises NotAllowed, or StepFailed if there is no such DocType."""

	def contact(self, customer: str) -> tuple[str, str]:
		"""A customer's primary e-mail address and mobile number, each empty if there is none."""

	def activate_subscription(self, name: str) -> tuple[str, str]:
		"""Bring a Subscription to Active. Returns the status before and after."""


# What became of a mail, as a step's result says it
FATE_QUEUED = "queued"
FATE_SENT = "sent"
FATE_PARTIALLY_SENT = "partially sent"
FATE_FAILED = "failed"
FATE_GONE = "gone"  # its row has been cleared, whatever it was


@dataclass(frozen=True, slots=True)
class Fate:
	"""What became of a mail, and why, if it failed."""

	status: str
	reason: str = ""


class Messages(Protocol):
	def unsubscribed(self, recipients: Sequence[str], *, doctype: str = "", name: str = "") -> list[str]:
		"""Those of the recipients who want no mail, or none about this document."""

	def send_email(
		self,
		recipients: Sequence[str],
		subject: str,
		body: str,
		*,
		doctype: str = "",
		name: str = "",
		run: str = "",
	) -> str:
		"""Queue an HTML mail in the current transaction, linked to a document. Returns the queue row's name.

		Args:
			run: whose mail it is, so that its run can be found if it is not sent.
		"""

	def fates(self, names: Collection[str]) -> dict[str, Fate]:
		"""What became of queued mails, by their rows' names."""

	def email_template(self, name: str, scope: Mapping[str, Any], reader: Reader) -> tuple[str, str]:
		"""An Email Template's subject and HTML body, rendered. Raises StepFailed if there is none."""

	def sms_problem(self) -> str:
		"""Why no SMS can be sent here, or an empty text."""

	def send_sms(self, recipients: Sequence[str], body: str, *, idempotency_key: str) -> dict[str, Any]:
		"""Send through the gateway. Raises StepFailed."""


class Http(Protocol):
	def request(
		self, method: str, url: str, *, headers: Mapping[str, str], body: str | None, timeout: float
	) -> HttpResponse:
		"""Call an address outside, once: a redirect is an answer too. Raises StepFailed if it is refused, or (transient)
		not reached in time."""


class Host(Protocol):
	"""A host: where flows live and what they may touch."""

	store: Store
	documents: Documents
	messages: Messages
	http: Http
	catalog: Catalog
	#: Trigger events by name.
	events: Mapping[str, TriggerEvent]
	#: What trigger conditions compare with, by name.
	operators: Mapping[str, Operator]
	limits: Limits
	#: What is known of languages here.
	words: Words
	#: Whether the shipped flows are on as they come: nobody outside hears of what happens here.
	switches_seeds_on: bool
	#: How dates and numbers are read here.
	conventions: Conventions
	#: IANA name of the time zone that all times are in.
	timezone: str
	#: The deepest a run may stand below runs that caused it.
	max_depth: int

	def now(self) -> datetime: ...

	def days_off(self, company: str, first: date, last: date) -> Collection[date]:
		"""The days of a range, both ends included, on which a company does not work; empty: the host's own company."""

	def monotonic(self) -> float:
		"""Seconds on a clock that only goes forward, for budgets."""

	@property
	def user(self) -> str:
		"""The acting user."""

	def acting_as(self, user: str) -> AbstractContextManager[None]:
		"""Act as a user. Raises StepFailed if that user, not being the acting one already, is disabled or unknown."""

	def poke(self) -> None:
		"""Have the inbox drained soon, once the current transaction is committed. Never raises."""

	def breaks_transaction(self, error: BaseException) -> bool:
		"""Whether the error (a deadlock, a lost connection, a timeout of the whole job) left no transaction
		to go on in, so that the work has to be done again from its beginning."""

	def is_conflict(self, error: BaseException) -> bool:
		"""Whether the database undid the transaction, or would not let it wait any longer, for the sake of another's: nothing
		is wrong with the work, which may well succeed in a moment. Such an error breaks the transaction too."""

	def secret(self, name: str, url: str) -> str:
		"""A secret's value, to be sent to a web address. Raises StepFailed if there is none, or it is not to go there."""

	def refusal(self, error: BaseException, user: str = "") -> str | None:
		"""What an error of the host's own says, by which it refused what was asked, else None.

		Args:
			user: who was refused, if not the acting one.
		"""

	def may_name(self, user: str) -> bool:
		"""Whether the acting user may let a flow run as that user."""

	def check_visible(self, run: Run) -> None:
		"""Raise NotAllowed if the acting user may not see what a run is about."""

	def withholds(self, run: Run) -> bool:
		"""Whether the acting user, who may see a run, is not to see what it holds: they may not read its customer."""

	def run_changed(self, run: Run) -> None:
		"""A run has a new state that open views should show, once the transaction is committed."""

	def left_out(self, template: str, doctype: str, docname: str, source: str) -> None:
		"""Count a document that would have started a flow, were it not imported; told once an import, which `source`
		names."""

	def tell_owner(self, run: Run, title: str, message: str, reason: str = "") -> None:
		"""Tell the owner of a run's template something about the run. Never raises but for a broken transaction.

		Args:
			title: one line, to which the document is added if the owner may read it, and the reason.
			reason: what of it may hold a document's words: left out, if the owner may not read all that the run holds.
		"""

	def log(self, title: str, detail: str = "", *, once_a_day: bool = False) -> None:
		"""Note something an admin should look at, where the host keeps such things. Never raises.

		Args:
			once_a_day: leave it out if the same title was noted so within a day.
		"""
