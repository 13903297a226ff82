"""What the services are written over: a host, and where it keeps flows.

Two exist: `site` (Frappe) and `lab` (an embedded database with a virtual clock).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol

from flow_editor.engine.errors import Problem
from flow_editor.engine.event import TriggerEvent
from flow_editor.engine.field_type import Types
from flow_editor.engine.kind import Catalog
from flow_editor.engine.logic import Operator
from flow_editor.engine.outcome import Outcome
from flow_editor.engine.ports import Surroundings
from flow_editor.engine.reading import Limits
from flow_editor.engine.records import Pending, Run, Started


class Store(Protocol):
	"""Templates, versions, runs and the inbox. Engine rows bypass the acting user's permissions."""

	def transaction(self, *, follows: bool = False) -> AbstractContextManager[None]:
		"""A fresh transaction, committed at the end, rolled back on an exception. Ends an open one first,
		unless it `follows` directly on another of these, so that there can be none."""

	def savepoint(self) -> AbstractContextManager[None]:
		"""Undo everything since its beginning on an exception, which goes on."""

	def template(self, name: str, *, lock: bool = False) -> dict[str, Any]:
		"""A template's fields, with `name`, and its draft as it was kept. With `lock`, as last committed, and nobody else may
		change it meanwhile. Raises NotFound."""

	def templates(
		self, filters: Mapping[str, Any], *, start: int = 0, limit: int = 0
	) -> list[dict[str, Any]]:
		"""Templates with these field values, without their definitions, newest change first; all if no limit."""

	def active_templates(self, event: str, doctype: str = "") -> Sequence[Mapping[str, Any]]:
		"""The active templates of a trigger event, or of those that apply to a DocType, if one is given; those that may always start before the others, each oldest
		first: name, template_name, version, checksum, trigger_condition, applies_to, run_as, re_entry."""

	def insert_template(self, values: Mapping[str, Any], *, draft: str = "") -> str:
		"""Store a new template, as `services.authored.prepare` made it, and what `services.publishing.published` makes of
		it. Returns its name. With a draft, which it is nothing else than, it has version 0, and the draft revision 1."""

	def update_template(self, name: str, values: Mapping[str, Any], *, note: str = "") -> None:
		"""Change fields of a template, through `services.authored.prepare` likewise. Its draft stays.

		Args:
			note: why, kept with the version if this makes one.
		"""

	def keep_draft(self, name: str, draft: str, revision: int, shown: Mapping[str, str]) -> None:
		"""Store a template's draft as it is, by the acting user and at this moment; an empty one takes it away.

		Args:
			shown: what else the record shows from now on: of a template that was never published, its name and category.

		Raises:
			NotAllowed: the acting user may not change the template.
			Invalid: somebody has just taken the name.
		"""

	def link_problems(self, values: Mapping[str, Any]) -> list[Problem]:
		"""A problem for each field of a template that names what there is not on this host."""

	def insert_version(
		self, template: Mapping[str, Any], note: str, *, saved_by: str, saved_at: datetime
	) -> None:
		"""Store a template's version: its definition, and who made it, when and why."""

	def versions(
		self, template: str, *, number: int | None = None, start: int = 0, limit: int = 0
	) -> list[dict[str, Any]]:
		"""A template's versions without their definitions, newest first, or the one of that number: version, saved_by,
		saved_at, note, checksum."""

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

	def mark(self, name: str) -> datetime | None:
		"""The moment that was last noted under a name, None if none was."""

	def set_mark(self, name: str, at: datetime) -> None:
		"""Note a moment under a name."""

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
		"""Cancel a run's (or one step's) rows that are pending or claimed, except calls that were committed to: those beside
		a step always, and those that steps wait for if it is the whole run that ends."""

	def withdraw(self, run: str) -> None:
		"""Cancel what a run waits for: its pending rows, except calls. One that is claimed finds the run ended."""

	def wake(self, row: Pending, at: datetime) -> bool:
		"""Make due what watches the document that a claimed row names, and delete that row. What a worker looks at just now
		is taken from it, since it may have seen the document as it was before. False as for `finish`."""

	def pending(self, filters: Mapping[str, Any], *, limit: int = 100) -> list[Pending]:
		"""Inbox rows with these field values, earliest due first."""

	def next_due(self) -> datetime | None:
		"""When the earliest pending row is due, if any."""


class Host(Surroundings, Protocol):
	"""A host: where flows live and what they may touch."""

	store: Store
	catalog: Catalog
	#: Trigger events by name.
	events: Mapping[str, TriggerEvent]
	#: What trigger conditions compare with, by name.
	operators: Mapping[str, Operator]
	#: What a field may hold, by name.
	field_types: Types
	limits: Limits
	#: Whether the shipped flows are on as they come: nobody outside hears of what happens here.
	switches_seeds_on: bool
	#: IANA name of the time zone that all times are in.
	timezone: str
	#: The deepest a run may stand below runs that caused it.
	max_depth: int

	def rehearsal(self, now: datetime | None) -> AbstractContextManager[Rehearsal]:
		"""A host over this one on which nothing lasts: it reads this one's documents, and writes, sends and locks nothing.

		Args:
			now: when its clock stands still at first; None: at this moment.
		"""

	def is_watched(self, doctype: str) -> bool:
		"""Whether anything may wait for documents of a DocType, so that their saves are to be told."""

	def is_first(self, key: str) -> bool:
		"""Whether this is asked for the first time with that key in the current transaction."""

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

	def run_changed(self, outcome: Outcome) -> None:
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


class Rehearsal(Host, Protocol):
	"""A host on which nothing lasts: its clock is moved by hand, and what would go out or be written is told."""

	#: Called with what each advance did.
	watchers: list[Callable[[Outcome], None]]
	#: What an admin would have been told: title and detail.
	logged: list[tuple[str, str]]

	def move_clock(self, to: datetime) -> None:
		"""Let it be later. Raises FlowError for a moment that has passed."""

	def sent(self) -> list[dict[str, Any]]:
		"""The messages and calls that would have gone out, in order: at, channel, and what it is."""

	def written(self) -> list[dict[str, Any]]:
		"""What would have become of documents, in order: action, doctype, name, values."""
