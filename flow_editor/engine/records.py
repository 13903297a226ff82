"""What is kept of flows under way: runs, the rows of the inbox, and the claims of starts.

Each field says what it is, and a `Codec` brings records into the columns of a database and back, so that a new field is one
line here and one field of the DocType. Times are naive datetimes in the host's time zone throughout.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

from flow_editor.engine.upgrading import upgrade

#: The most that is kept of a run's variables, in characters of JSON.
VARIABLES_LENGTH = 1_000_000

# What a field of a record is
TEXT, NUMBER, JSON, MOMENT = "text", "number", "json", "moment"
SENTENCE = "sentence"  # a text for people that may hold the words of others

# What an inbox row promises to do
START = "start"  # begin a run that could do nothing while it was stored
FIRE = "fire"  # fire a step whose time has come
WAIT = "wait"  # look whether what a step waits for has come
RETRY = "retry"  # try a failed step again
CALL = "call"  # make an external call that a step has committed to, and waits for
SIDE_CALL = (
	"side_call"  # make a call that a step has committed to beside its own effect, and waits for no more
)
WATCHED_CALL = "watched_call"  # look whether a document is as such a call waits for it to be
SAVED = "saved"  # have what waits for a document look at it, since it was saved
MAIL = "mail"  # nothing: it says that a mail was not sent, and that this has been told
ADVANCE = "advance"  # go on where a budget ran out, or the head of a run ended
DOCUMENT_END = "document_end"  # end a run whose document was cancelled or deleted

#: What a run waits for, and does no more once it has been ended. A call that was committed to is made.
WITHDRAWN = (START, FIRE, WAIT, RETRY, ADVANCE, DOCUMENT_END)
#: What was committed to beside a step, whatever becomes of the step.
BESIDE = (SIDE_CALL, WATCHED_CALL)
#: What looks at a document.
WATCHING = (WAIT, WATCHED_CALL)

#: How a document ends.
DOCUMENT_CANCELLED = "cancelled"
DOCUMENT_DELETED = "deleted"

# Inbox row states, beside the run states that they share with runs
ROW_PENDING = "pending"
ROW_RUNNING = "running"
ROW_COMPLETED = "completed"
ROW_FAILED = "failed"
ROW_CANCELLED = "cancelled"


def _is(what: str, *, changes: bool = False) -> dict[str, Any]:
	"""What a field is: TEXT, NUMBER, JSON, MOMENT or SENTENCE, and whether it changes as the record moves; the others are
	written once."""
	return {"what": what, "changes": changes}


@dataclass(slots=True)
class Run:
	"""A Flow Run. `step_state` and `variables` are the parsed JSON; the rest are the DocType's fields."""

	flow_template: str
	template_version: int = field(metadata=_is(NUMBER))
	status: str = field(default="running", metadata=_is(TEXT, changes=True))
	name: str = ""
	trigger_event: str = ""
	context_doctype: str = ""
	context_docname: str = ""
	customer: str = ""
	variables: dict[str, Any] = field(default_factory=dict, metadata=_is(JSON, changes=True))
	step_state: dict[str, dict[str, Any]] = field(default_factory=dict, metadata=_is(JSON, changes=True))
	started_at: datetime | None = field(default=None, metadata=_is(MOMENT))
	completed_at: datetime | None = field(default=None, metadata=_is(MOMENT, changes=True))
	#: The user whose permissions every step obeys.
	run_as: str = ""
	#: How many runs stand above this one: 0 unless an event that a run caused started it.
	depth: int = field(default=0, metadata=_is(NUMBER))
	#: The run whose step raised the event that started this one.
	caused_by: str = ""
	#: The run that this one is a part of.
	parent_run: str = ""
	#: The checksum of the version's definition.
	checksum: str = ""
	#: The fields of a document that was deleted, by which the run was started, as its user could read them.
	kept_document: dict[str, Any] = field(default_factory=dict, metadata=_is(JSON))
	#: Why the run failed: the first failure, in a sentence.
	error: str = field(default="", metadata=_is(SENTENCE, changes=True))
	#: Why the run was ended before its end, in a sentence.
	stop_reason: str = field(default="", metadata=_is(SENTENCE, changes=True))
	#: Whether the run ends with its document: it began with one that was there, and its flow does not say otherwise.
	ends_with_document: int = field(default=0, metadata=_is(NUMBER))
	#: Names the transition that started the run, so that one transition starts it once.
	trigger_key: str = ""
	#: Unique while it is set: what keeps a template's re-entry rule under concurrency.
	reentry_key: str = field(default="", metadata=_is(TEXT, changes=True))


@dataclass(slots=True)
class Pending:
	"""A Flow Step Pending row: one promise to come back later."""

	flow_run: str
	step_id: str = ""
	purpose: str = FIRE
	#: When it is due. None: when somebody answers.
	trigger_at: datetime | None = field(default=None, metadata=_is(MOMENT))
	status: str = ROW_PENDING
	name: str = ""
	retry_count: int = field(default=0, metadata=_is(NUMBER))
	last_error: str = field(default="", metadata=_is(SENTENCE))
	#: For a call: the prepared request. For others, the step as it was scheduled, or what it is to be given.
	context_snapshot: dict[str, Any] | None = field(default=None, metadata=_is(JSON))
	idempotency_key: str = ""
	#: The document that is watched, or was saved.
	reference_doctype: str = ""
	reference_name: str = ""
	executed_at: datetime | None = field(default=None, metadata=_is(MOMENT))
	lease_until: datetime | None = field(default=None, metadata=_is(MOMENT))
	#: Names the claim. Only its holder may finish or postpone the row.
	lease_token: str = ""


@dataclass(frozen=True, slots=True)
class Started:
	"""What a key has started: the run, and a digest of what it was given."""

	run: str
	digest: str


# Columns

Record = TypeVar("Record", Run, Pending)


@cache
def columns(record: type, what: str = "") -> tuple[str, ...]:
	"""The names of a record's fields, or of those that are of one sort."""
	return tuple(one.name for one in fields(record) if not what or _what(one) == what)


@cache
def changing(record: type) -> tuple[str, ...]:
	"""The names of the fields that change as the record moves."""
	return tuple(one.name for one in fields(record) if one.metadata.get("changes"))


@cache
def _sorts(record: type) -> dict[str, str]:
	return {one.name: _what(one) for one in fields(record)}


def _what(one: Any) -> str:
	return one.metadata.get("what", TEXT)


def _as_it_is(value: Any) -> Any:
	return value


@dataclass(frozen=True, slots=True)
class Codec:
	"""How the columns of a database hold records.

	Args:
		json: what becomes of the text of JSON on its way in.
		sentence: likewise, of a sentence.
		moment, read_moment: what a moment is there, and back.
	"""

	json: Callable[[str], str] = _as_it_is
	sentence: Callable[[str], str] = _as_it_is
	moment: Callable[[datetime], Any] = _as_it_is
	read_moment: Callable[[Any], datetime] = _as_it_is

	def row(self, record: Run | Pending, names: Iterable[str]) -> list[Any]:
		"""The values of some columns; what is empty is NULL."""
		sorts = _sorts(type(record))
		values = []
		for name in names:
			value = getattr(record, name)
			if value is None or value == "":
				values.append(None)
				continue
			what = sorts[name]
			if what == JSON:
				value = self.json(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
			elif what == SENTENCE:
				value = self.sentence(value)
			elif what == MOMENT:
				value = self.moment(value)
			values.append(value)
		return values

	def record(self, of: type[Record], names: Sequence[str], row: Sequence[Any]) -> Record:
		"""A record of the values of some columns; the others are as in a new one."""
		sorts = _sorts(of)
		values = {}
		for name, value in zip(names, row, strict=True):
			what = sorts[name]
			if value is None or value == "":
				value = _empty(of, name, what)
			elif what == JSON:
				value = json.loads(value)
			elif what == MOMENT:
				value = self.read_moment(value)
			values[name] = value
		for entry in values.get("step_state", {}).values():
			upgrade(entry)
		return of(**values)


def _empty(of: type, name: str, what: str) -> Any:
	"""What a record holds for NULL."""
	if what == JSON:
		return {} if of is Run else None
	return None if what == MOMENT else 0 if what == NUMBER else ""
