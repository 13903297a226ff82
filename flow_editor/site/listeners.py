"""Who listens: which DocTypes and events any flow that is switched on starts by, and which documents are waited for.

Every save asks it, and most are heard by nobody, so the answer, the empty one too, is kept in Redis: a save costs the database
no question. What is kept is never older than the last flow that was written:

- Who writes a flow marks the answer as *changing* before the commit and throws it away; after the commit the mark goes. While
  there is a mark, or no answer, saves ask the database. A mark whose process has died goes after MARK_SECONDS.
- A new answer is made by the background alone, in a transaction of its own, and is kept only if nobody has marked anything since
  before it was begun: each mark, when it comes and when it goes, gives the answer another `era`.

So every transaction that begins after a flow's commit hears it. Without Redis the database is asked, once a transaction.
"""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass

import frappe
from redis.exceptions import RedisError

from flow_editor.engine import start
from flow_editor.engine.records import WATCHING
from flow_editor.site import transaction

#: The hash in Redis: `era`, `heard`, and a field a mark.
KEY = "flow_editor_listeners"
ERA, HEARD, MARK = b"era", b"heard", b"changing:"
#: What stands for an event beside a DocType whose documents are waited for.
WATCHED = "\0watched"
#: After how long a mark is that of a process which has died between its mark and its commit, or just after.
MARK_SECONDS = 600

#: KEYS: the hash. ARGV: the new era, the mark's field, its time, or an empty text to take it away.
MOVE_ON = """
redis.call('HSET', KEYS[1], 'era', ARGV[1])
redis.call('HDEL', KEYS[1], 'heard')
if ARGV[3] == '' then redis.call('HDEL', KEYS[1], ARGV[2]) else redis.call('HSET', KEYS[1], ARGV[2], ARGV[3]) end
"""
#: ARGV: the era in which the answer was begun, and the answer.
KEEP = """
if redis.call('HGET', KEYS[1], 'era') == ARGV[1] then redis.call('HSET', KEYS[1], 'heard', ARGV[2]) end
"""


@dataclass(frozen=True, slots=True)
class Heard:
	"""What flows listen to: DocTypes, by document starts, and trigger events; and the DocTypes of documents that are waited for."""

	doctypes: frozenset[str]
	events: frozenset[str]
	watched: frozenset[str]


#: The last answer that this process has read, beside its text.
_read: tuple[bytes, Heard] | None = None


def heard() -> Heard:
	"""What flows listen to, as the current transaction is to see it."""
	here = transaction.current()
	if here.heard is None:
		here.heard = (None if here.has_published else _kept()) or _stored()
	return here.heard


def changing() -> None:
	"""A flow is written in this transaction."""
	here = transaction.current()
	here.heard = None
	here.listening.clear()
	if here.has_published:
		return
	here.has_published = True
	mark = MARK + uuid.uuid4().hex.encode()
	frappe.db.before_commit.add(lambda: _move_on(mark, str(time.time())))
	frappe.db.after_commit.add(lambda: _move_on(mark, ""))


def refresh() -> None:
	"""Make the answer anew, in a transaction of its own."""
	try:
		kept = _hash()
		for mark, at in kept.items():
			if mark.startswith(MARK) and time.time() - float(at) > MARK_SECONDS:
				_move_on(mark, "")
		if ERA not in kept:
			frappe.cache.execute_command("HSETNX", _key(), ERA, uuid.uuid4().hex)
		kept = _hash()
		if any(name.startswith(MARK) for name in kept) or ERA not in kept:
			return
		frappe.db.commit()
		answer = json.dumps(_rows())
		frappe.db.commit()
		frappe.cache.execute_command("EVAL", KEEP, 1, _key(), kept[ERA], answer)
	except RedisError:
		frappe.logger("flow_editor").warning("Redis does not answer: saves ask the database who listens.")


def forget() -> None:
	"""Have the answer made anew, whatever is kept: the database may be another than before."""
	try:
		frappe.cache.execute_command("DEL", _key())
	except RedisError:
		frappe.logger("flow_editor").warning("Redis does not answer, so nothing is kept there.")


def _key() -> bytes:
	return frappe.cache.make_key(KEY)


def _hash() -> dict[bytes, bytes]:
	return frappe.cache.execute_command("HGETALL", _key())


def _move_on(mark: bytes, at: str) -> None:
	try:
		frappe.cache.execute_command("EVAL", MOVE_ON, 1, _key(), uuid.uuid4().hex, mark, at)
	except RedisError:
		frappe.logger("flow_editor").warning(
			"Redis does not answer: it may say for a minute who listened before."
		)


def _kept() -> Heard | None:
	"""The answer that is kept; None if there is none, or a flow is being written."""
	global _read
	try:
		kept = _hash()
	except RedisError:
		return None
	text = kept.get(HEARD)
	if text is None or any(name.startswith(MARK) for name in kept):
		return None
	if _read is None or _read[0] != text:
		_read = text, _heard(json.loads(text))
	return _read[1]


def _stored() -> Heard:
	return _heard(_rows())


def _rows() -> list[list[str]]:
	rows = frappe.db.sql(
		"SELECT DISTINCT trigger_event, applies_to FROM `tabFlow Template` WHERE is_active = 1 ORDER BY 1, 2"
	)
	watched = frappe.db.sql(
		"""SELECT DISTINCT reference_doctype FROM `tabFlow Step Pending`
		WHERE reference_doctype > '' AND status IN ('pending', 'running') AND purpose IN %s ORDER BY 1""",
		(WATCHING,),
	)
	return [
		*([event or "", doctype or ""] for event, doctype in rows),
		*([WATCHED, doctype] for (doctype,) in watched),
	]


def _heard(rows: list[list[str]]) -> Heard:
	return Heard(
		doctypes=frozenset(doctype for event, doctype in rows if event == start.DOCUMENT),
		events=frozenset(event for event, _ in rows if event != WATCHED),
		watched=frozenset(doctype for event, doctype in rows if event == WATCHED),
	)
