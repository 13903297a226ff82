"""Templates, versions, runs and the inbox in SQLite.

It is one file, since it is one port (`services.host.Store`), and is read beside the site's.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from flow_editor.engine.errors import FlowError, Invalid, NotFound, Problem
from flow_editor.engine.records import (
	BESIDE,
	CALL,
	JSON,
	ROW_CANCELLED,
	ROW_COMPLETED,
	ROW_FAILED,
	ROW_PENDING,
	ROW_RUNNING,
	SIDE_CALL,
	WAIT,
	WATCHING,
	WITHDRAWN,
	Codec,
	Pending,
	Record,
	Run,
	Started,
	changing,
	columns,
)
from flow_editor.services import old_rows
from flow_editor.services.authored import namesake, numbered

logger = logging.getLogger("flow_editor.trial")
SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT);
CREATE TABLE IF NOT EXISTS series (prefix TEXT PRIMARY KEY, last INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS template (name TEXT PRIMARY KEY, fields TEXT NOT NULL, namesake TEXT);
CREATE TABLE IF NOT EXISTS version (
	template TEXT, version INTEGER, definition TEXT NOT NULL, checksum TEXT, saved_by TEXT, saved_at TEXT, note TEXT,
	PRIMARY KEY (template, version)
);
CREATE TABLE IF NOT EXISTS document (
	doctype TEXT, name TEXT, fields TEXT NOT NULL, position INTEGER, PRIMARY KEY (doctype, name)
);
CREATE TABLE IF NOT EXISTS sent (position INTEGER PRIMARY KEY, at TEXT, message TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS run ({run}, PRIMARY KEY (name));
CREATE UNIQUE INDEX IF NOT EXISTS run_reentry ON run (reentry_key);
CREATE INDEX IF NOT EXISTS run_trigger ON run (trigger_key);
CREATE INDEX IF NOT EXISTS run_template ON run (flow_template, status);
CREATE TABLE IF NOT EXISTS started (key TEXT PRIMARY KEY, template TEXT, run TEXT, digest TEXT, at TEXT);
CREATE INDEX IF NOT EXISTS run_context ON run (context_doctype, context_docname);
CREATE TABLE IF NOT EXISTS pending ({pending}, PRIMARY KEY (name));
CREATE INDEX IF NOT EXISTS pending_due ON pending (status, trigger_at);
CREATE INDEX IF NOT EXISTS pending_lease ON pending (status, lease_until);
CREATE INDEX IF NOT EXISTS pending_run ON pending (flow_run, step_id);
CREATE INDEX IF NOT EXISTS pending_reference ON pending (reference_doctype, reference_name);
"""
RUN_COLUMNS, PENDING_COLUMNS = columns(Run), columns(Pending)
CODEC = Codec(moment=str, read_moment=datetime.fromisoformat)

#: What is due then is due at once, whatever the clock says.
DUE_AT_ONCE = datetime(2000, 1, 1)
#: More than there are of anything of one run.
MANY = 1_000_000

#: How long a key of a start is remembered.
STARTED_KEPT = timedelta(days=7)

#: What `versions` shows of one.
VERSION_COLUMNS = ("version", "saved_by", "saved_at", "note", "checksum")

#: Stores a template's fields as `services.authored.prepare` wants them: (new, old) to what is to be kept.
Prepare = Callable[[Mapping[str, Any], Mapping[str, Any] | None], dict[str, Any]]
#: What follows from a version: `services.publishing.published`, of a template and a note.
Published = Callable[[Mapping[str, Any], str], None]


class TrialStore:
	"""One connection, used by one thread at a time.

	Args:
		path: a file, or ":memory:".
		prepare: the rule of every write of a template.
		published: what follows from a new version of one.
		check_deletion: the rule of deleting one.
		now: the host's clock.
		user: who acts.
	"""

	#: The columns that change as a run moves.
	saved_of_run: tuple[str, ...] = changing(Run)

	def __init__(
		self,
		path: str,
		prepare: Prepare,
		published: Published,
		check_deletion: Callable[[Mapping[str, Any]], None],
		now: Callable[[], datetime],
		user: str,
	):
		self._prepare = prepare
		self._published = published
		self._user = user
		self._check_deletion = check_deletion
		self._now = now
		self._lock = threading.RLock()
		self._savepoints = 0
		#: Names the transaction, so that one change within it counts once.
		self.transaction_number = 0
		try:
			self.connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
			self.connection.executescript(
				SCHEMA.format(run=", ".join(RUN_COLUMNS), pending=", ".join(PENDING_COLUMNS))
			)
			self._bring_up_to_date()
			if "caused_by" in self._add_columns("run", RUN_COLUMNS):
				self.execute("UPDATE run SET caused_by = parent_run, parent_run = NULL")
			self._add_columns("version", ("note",))
		except sqlite3.Error as error:
			raise FlowError(f"{path} cannot hold the lab ({error}). Name another file.") from error

	def _bring_up_to_date(self) -> None:
		"""Read what an earlier version has written as this one does."""
		self.execute(
			"""UPDATE pending SET purpose = ? WHERE purpose = ? AND json_extract(context_snapshot, '$.beside') = 1""",
			(SIDE_CALL, CALL),
		)
		self._name_waits()
		if "namesake" not in {column for _, column, *_ in self.execute("PRAGMA table_info(template)")}:
			self.execute("ALTER TABLE template ADD COLUMN namesake TEXT")
		self._number_namesakes()
		self.execute("CREATE UNIQUE INDEX IF NOT EXISTS template_namesake ON template (namesake)")

	def _name_waits(self) -> None:
		"""Calls that were parked on a document watch it, and what waits for somebody has a row."""
		parked = self._select(
			Pending, "pending", PENDING_COLUMNS, "purpose = ? AND status = ? AND trigger_at IS NULL", (SIDE_CALL, ROW_PENDING)
		)  # fmt: skip
		for row in parked:
			self.execute("DELETE FROM pending WHERE name = ?", (row.name,))
			self._insert("pending", PENDING_COLUMNS, old_rows.watched_call(row, DUE_AT_ONCE))
		about = ["name", "step_state"]
		waiting = self._select(
			Run, "run", [*about, "flow_template", "template_version"], "completed_at IS NULL AND step_state LIKE ?", ('%"waiting"%',)
		)  # fmt: skip
		for run in waiting:
			known = {row.step_id for row in self.pending({"flow_run": run.name, "purpose": WAIT}, limit=MANY)}
			self.insert_pending([row for row in old_rows.waits_to_begin(run) if row.step_id not in known])

	def _number_namesakes(self) -> None:
		"""Give the later ones of templates of one name a number. A shipped one keeps its name, then the oldest."""
		if not self.execute("SELECT 1 FROM template WHERE namesake IS NULL").fetchone():
			return
		rows = [json.loads(text) for (text,) in self.execute("SELECT fields FROM template")]
		known, taken = set(map(_namesake, rows)), set()
		for row in sorted(rows, key=lambda row: (not row.get("is_system"), row["creation"], row["name"])):
			if _namesake(row) in taken:
				old = row["template_name"]
				row["template_name"] = numbered(old, partial(_is_known, known, row))
				logger.warning(
					"There were two flows %r: %s is called %r now.", old, row["name"], row["template_name"]
				)
				known.add(_namesake(row))
			taken.add(_namesake(row))
			self.execute(
				"UPDATE template SET fields = ?, namesake = ? WHERE name = ?",
				(json.dumps(row, ensure_ascii=False), _namesake(row), row["name"]),
			)

	def _add_columns(self, table: str, names: Sequence[str]) -> list[str]:
		"""Bring the table of an earlier version's file up to date. Returns the columns that it did not have."""
		there = {row[1] for row in self.connection.execute(f"PRAGMA table_info({table})")}
		missing = [column for column in names if column not in there]
		for column in missing:
			self.connection.execute(f"ALTER TABLE {table} ADD COLUMN {column}")
		return missing

	def close(self) -> None:
		self.connection.close()

	@contextmanager
	def transaction(self, *, follows: bool = False) -> Iterator[None]:
		with self._lock:
			if self.connection.in_transaction:
				self.connection.execute("COMMIT")
			self.transaction_number += 1
			self.connection.execute("BEGIN IMMEDIATE")
			try:
				yield
			except BaseException:
				if self.connection.in_transaction:
					self.connection.execute("ROLLBACK")
				raise
			if self.connection.in_transaction:
				self.connection.execute("COMMIT")

	@contextmanager
	def savepoint(self) -> Iterator[None]:
		self._savepoints += 1
		name = f"flow_{self._savepoints}"
		self.connection.execute(f"SAVEPOINT {name}")
		try:
			yield
		except BaseException:
			self.connection.execute(f"ROLLBACK TO {name}")
			self.connection.execute(f"RELEASE {name}")
			raise
		self.connection.execute(f"RELEASE {name}")

	def execute(self, query: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
		return self.connection.execute(query, values)

	def next_name(self, prefix: str, width: int = 5) -> str:
		(number,) = self.execute(
			"""INSERT INTO series (prefix, last) VALUES (?, 1)
			ON CONFLICT (prefix) DO UPDATE SET last = last + 1 RETURNING last""",
			(prefix,),
		).fetchone()
		return f"{prefix}{number:0{width}d}"

	def meta(self, key: str) -> str | None:
		found = self.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
		return found[0] if found else None

	def set_meta(self, key: str, value: str) -> None:
		self.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (key, value))

	# Templates

	def template(self, name: str, *, lock: bool = False) -> dict[str, Any]:
		found = self.execute("SELECT fields FROM template WHERE name = ?", (name,)).fetchone()
		if found is None:
			raise NotFound(f"There is no flow template {name!r}.")
		return json.loads(found[0])

	def templates(
		self, filters: Mapping[str, Any], *, start: int = 0, limit: int = 0
	) -> list[dict[str, Any]]:
		rows = [json.loads(text) for (text,) in self.execute("SELECT fields FROM template")]
		found = [
			{name: value for name, value in row.items() if name not in ("flow_definition", "draft")}
			for row in rows
			if all(_same(name, row.get(name), value) for name, value in filters.items())
		]
		found.sort(key=lambda row: (row["modified"], row["name"]), reverse=True)
		return found[start : start + limit] if limit else found[start:]

	def active_templates(self, event: str, doctype: str = "") -> list[dict[str, Any]]:
		about = {"applies_to": doctype} if doctype else {}
		found = self.templates({"trigger_event": event, "is_active": 1, **about})
		return sorted(found, key=lambda row: (row["re_entry"] != "Always", row["creation"], row["name"]))

	def insert_template(self, values: Mapping[str, Any], *, draft: str = "") -> str:
		kept = self._prepare(values, None)
		if draft:
			kept |= {"version": 0, "changed": False}
		row = {
			"name": self.next_name("FT-"),
			"is_system": int(bool(values.get("is_system"))),
			"paused_reason": "",
			"creation": str(self._now()),
			"modified": str(self._now()),
		}
		self._write_template(row, kept, "")
		if draft:
			self.keep_draft(row["name"], draft, 1, {})
		return row["name"]

	def update_template(self, name: str, values: Mapping[str, Any], *, note: str = "") -> None:
		old = self.template(name)
		self._write_template(old, self._prepare({**old, **values}, old), note)

	def _write_template(self, old: Mapping[str, Any], kept: dict[str, Any], note: str) -> None:
		is_new_version = kept.pop("changed")
		row = {**old, **kept}
		if is_new_version:
			row["modified"] = str(self._now())
		self._put_template(row)
		if is_new_version:
			self._published(row, note)

	def _put_template(self, row: Mapping[str, Any]) -> None:
		try:
			self.execute(
				"""INSERT INTO template (name, fields, namesake) VALUES (?, ?, ?)
				ON CONFLICT (name) DO UPDATE SET fields = excluded.fields, namesake = excluded.namesake""",
				(row["name"], json.dumps(row, ensure_ascii=False), _namesake(row)),
			)
		except sqlite3.IntegrityError:
			raise Invalid.because([namesake(row)]) from None

	def keep_draft(self, name: str, draft: str, revision: int, shown: Mapping[str, str]) -> None:
		who = (
			{"draft_by": self._user, "draft_at": str(self._now())}
			if draft
			else {"draft_by": None, "draft_at": None}
		)
		self._put_template(
			{**self.template(name), **shown, **who, "draft": draft, "draft_revision": revision}
		)

	def link_problems(self, values: Mapping[str, Any]) -> list[Problem]:
		return []  # a flow of the lab may be about what there is only on a site

	def insert_version(
		self, template: Mapping[str, Any], note: str, *, saved_by: str, saved_at: datetime
	) -> None:
		self.execute(
			"""INSERT INTO version (template, version, definition, checksum, saved_by, saved_at, note)
			VALUES (?, ?, ?, ?, ?, ?, ?)""",
			(
				template["name"],
				template["version"],
				template["flow_definition"],
				template["checksum"],
				saved_by,
				str(saved_at),
				note,
			),
		)

	def versions(
		self, template: str, *, number: int | None = None, start: int = 0, limit: int = 0
	) -> list[dict[str, Any]]:
		found = self.execute(
			f"""SELECT {", ".join(VERSION_COLUMNS)} FROM version WHERE template = ? AND version = COALESCE(?, version)
			ORDER BY version DESC LIMIT ? OFFSET ?""",
			(template, number, limit or -1, start),
		)
		return [{**dict(zip(VERSION_COLUMNS, row, strict=True)), "note": row[3] or ""} for row in found]

	def pause_template(self, name: str, version: int, reason: str) -> bool:
		template = self.template(name)
		if not template["is_active"] or template["version"] != version:
			return False
		template.update(is_active=0, paused_reason=reason)
		self.execute(
			"UPDATE template SET fields = ? WHERE name = ?", (json.dumps(template, ensure_ascii=False), name)
		)
		return True

	def last_outcomes(self, template: str, version: int, limit: int) -> list[str]:
		found = self.execute(
			"""SELECT status FROM run WHERE flow_template = ? AND template_version = ?
			AND status IN ('completed', 'failed') ORDER BY name DESC LIMIT ?""",
			(template, version, limit),
		)
		return [status for (status,) in found]

	def delete_template(self, name: str) -> None:
		self._check_deletion(self.template(name))
		self.execute(
			"""DELETE FROM version WHERE template = ?1 AND version NOT IN
			(SELECT template_version FROM run WHERE flow_template = ?1)""",
			(name,),
		)
		self.execute("DELETE FROM template WHERE name = ?", (name,))

	def definition(self, template: str, version: int) -> str:
		found = self.execute(
			"SELECT definition FROM version WHERE template = ? AND version = ?", (template, version)
		).fetchone()
		if found is None:
			raise NotFound(f"Version {version} of flow template {template} is not there any more.")
		return found[0]

	# Runs

	def insert_run(self, run: Run, rows: Sequence[Pending] = (), *, is_free: bool = False) -> bool:
		run.name = self.next_name("FR-")
		try:
			with self.savepoint():
				self._insert("run", RUN_COLUMNS, run)
				for row in rows:
					row.flow_run = run.name
				self.insert_pending(rows)
		except sqlite3.IntegrityError:
			return False
		return True

	def claim_start(self, key: str, template: str, digest: str, at: datetime) -> Started | None:
		self.execute("DELETE FROM started WHERE at < ?", (str(at - STARTED_KEPT),))
		found = self.execute("SELECT run, digest FROM started WHERE key = ?", (key,)).fetchone()
		if found:
			return Started(*found)
		self.execute("INSERT INTO started VALUES (?, ?, '', ?, ?)", (key, template, digest, str(at)))
		return None

	def note_start(self, key: str, run: str) -> None:
		self.execute("UPDATE started SET run = ? WHERE key = ?", (run, key))

	def mark(self, name: str) -> datetime | None:
		found = self.meta(name)
		return datetime.fromisoformat(found) if found else None

	def set_mark(self, name: str, at: datetime) -> None:
		self.set_meta(name, str(at))

	def has_triggered(self, trigger_key: str) -> bool:
		return self.execute("SELECT 1 FROM run WHERE trigger_key = ?", (trigger_key,)).fetchone() is not None

	def run(self, name: str, *, lock: bool = False) -> Run:
		found = self._select(Run, "run", RUN_COLUMNS, "name = ?", (name,))
		if not found:
			raise NotFound(f"There is no flow run {name!r}.")
		return found[0]

	def lock_runs(self, names: Collection[str]) -> dict[str, Run]:
		places = ", ".join("?" * len(names))
		found = self._select(Run, "run", RUN_COLUMNS, f"name IN ({places})", list(names))
		return {run.name: run for run in found}

	def save_run(self, run: Run) -> bool:
		sets = ", ".join(f"{column} = ?" for column in self.saved_of_run)
		try:
			self.execute(
				f"UPDATE run SET {sets} WHERE name = ?",
				[*CODEC.row(run, self.saved_of_run), run.name],
			)
		except sqlite3.IntegrityError:
			return False
		return True

	def save_runs(self, runs: Sequence[Run]) -> bool:
		return all(self.save_run(run) for run in runs)

	def in_flight_about(self, doctype: str, name: str) -> list[str]:
		found = self.execute(
			"""SELECT name FROM run WHERE context_doctype = ? AND context_docname = ? AND completed_at IS NULL
			AND ends_with_document = 1 ORDER BY name""",
			(doctype, name),
		)
		return [run for (run,) in found]

	def holder(self, reentry_key: str) -> Run | None:
		found = self._select(Run, "run", RUN_COLUMNS, "reentry_key = ?", (reentry_key,))
		return found[0] if found else None

	def runs(
		self,
		filters: Mapping[str, Any],
		*,
		start: int = 0,
		limit: int = 20,
		bare: bool = False,
		visible: bool = False,
	) -> list[Run]:
		where, values = _where(filters, RUN_COLUMNS)
		names = [name for name in RUN_COLUMNS if not (bare and name in columns(Run, JSON))]
		return self._select(
			Run, "run", names, f"{where} ORDER BY rowid DESC LIMIT ? OFFSET ?", [*values, limit, start]
		)

	# The inbox

	def insert_pending(self, rows: Sequence[Pending]) -> None:
		for row in rows:
			row.name = self.next_name("FSP-")
			self._insert("pending", PENDING_COLUMNS, row)

	def claim(self, now: datetime, limit: int, lease_until: datetime, token: str) -> list[Pending]:
		with self.transaction():
			rows = self._select(
				Pending, "pending", PENDING_COLUMNS,
				"status = ? AND trigger_at <= ? ORDER BY trigger_at, rowid LIMIT ?", (ROW_PENDING, str(now), limit),
			)  # fmt: skip
			if not rows:
				rows = self._select(
					Pending, "pending", PENDING_COLUMNS,
					"status = ? AND lease_until <= ? ORDER BY lease_until LIMIT 1", (ROW_RUNNING, str(now)),
				)  # fmt: skip
				for row in rows:
					row.retry_count += 1
			for row in rows:
				row.status, row.lease_until, row.lease_token = ROW_RUNNING, lease_until, token
				self.execute(
					"UPDATE pending SET status = ?, lease_until = ?, lease_token = ?, retry_count = ? WHERE name = ?",
					(ROW_RUNNING, str(lease_until), token, row.retry_count, row.name),
				)
		return rows

	def is_due(self, now: datetime) -> bool:
		(found,) = self.execute(
			"""SELECT EXISTS (SELECT 1 FROM pending WHERE status = ? AND trigger_at <= ?)
			OR EXISTS (SELECT 1 FROM pending WHERE status = ? AND lease_until <= ?)""",
			(ROW_PENDING, str(now), ROW_RUNNING, str(now)),
		).fetchone()
		return bool(found)

	def extend(self, row: Pending, lease_until: datetime) -> bool:
		return self._change(row, "lease_until = ?", [str(lease_until)])

	def finish(self, row: Pending, status: str, at: datetime, error: str = "") -> bool:
		return self._change(
			row,
			"status = ?, executed_at = ?, last_error = ?, retry_count = ?, lease_until = NULL, lease_token = NULL",
			[status, str(at), error or None, row.retry_count + (status == ROW_FAILED)],
		)

	def finish_together(self, rows: Sequence[Pending], at: datetime) -> bool:
		return all(self.finish(row, ROW_COMPLETED, at) for row in rows)

	def postpone(self, row: Pending, at: datetime, error: str, *, counts: bool = True) -> bool:
		return self._change(
			row,
			"status = ?, trigger_at = ?, last_error = ?, retry_count = ?, lease_until = NULL, lease_token = NULL",
			[ROW_PENDING, str(at), error or None, row.retry_count + counts],
		)

	def _change(self, row: Pending, sets: str, values: list[Any]) -> bool:
		changed = self.execute(
			f"UPDATE pending SET {sets} WHERE name = ? AND lease_token = ? AND status = ?",
			[*values, row.name, row.lease_token, ROW_RUNNING],
		)
		return changed.rowcount == 1

	def cancel_pending(self, run: str, step_id: str | None = None) -> None:
		self.execute(
			f"""UPDATE pending SET status = ?, lease_until = NULL, lease_token = NULL
			WHERE flow_run = ? AND status IN (?, ?) AND purpose NOT IN (?, ?, ?)
			{"AND step_id = ?" if step_id is not None else ""}""",
			[
				ROW_CANCELLED,
				run,
				ROW_PENDING,
				ROW_RUNNING,
				*BESIDE,
				CALL if step_id is None else BESIDE[0],
				*([step_id] if step_id is not None else []),
			],
		)

	def withdraw(self, run: str) -> None:
		places = ", ".join("?" * len(WITHDRAWN))
		self.execute(
			f"UPDATE pending SET status = ? WHERE flow_run = ? AND status = ? AND purpose IN ({places})",
			[ROW_CANCELLED, run, ROW_PENDING, *WITHDRAWN],
		)

	def is_watched(self, doctype: str) -> bool:
		"""Whether anything waits for a document of that DocType."""
		found = self.execute(
			"SELECT 1 FROM pending WHERE reference_doctype = ? AND status IN (?, ?) AND purpose IN (?, ?) LIMIT 1",
			(doctype, ROW_PENDING, ROW_RUNNING, *WATCHING),
		)
		return found.fetchone() is not None

	def wake(self, row: Pending, at: datetime) -> bool:
		self.execute(
			"""UPDATE pending SET status = ?, trigger_at = ?, lease_until = NULL, lease_token = NULL
			WHERE reference_doctype = ? AND reference_name = ? AND status IN (?, ?) AND purpose IN (?, ?)""",
			(
				ROW_PENDING,
				str(at),
				row.reference_doctype,
				row.reference_name,
				ROW_PENDING,
				ROW_RUNNING,
				*WATCHING,
			),
		)
		gone = self.execute(
			"DELETE FROM pending WHERE name = ? AND lease_token = ? AND status = ?",
			(row.name, row.lease_token, ROW_RUNNING),
		)
		return gone.rowcount == 1

	def pending(self, filters: Mapping[str, Any], *, limit: int = 100) -> list[Pending]:
		where, values = _where(filters, PENDING_COLUMNS)
		return self._select(
			Pending,
			"pending",
			PENDING_COLUMNS,
			f"{where} ORDER BY trigger_at, rowid LIMIT ?",
			[*values, limit],
		)

	def next_due(self) -> datetime | None:
		(due,) = self.execute(
			"SELECT MIN(trigger_at) FROM pending WHERE status = ?", (ROW_PENDING,)
		).fetchone()
		return datetime.fromisoformat(due) if due else None

	def _insert(self, table: str, names: Sequence[str], record: Run | Pending) -> None:
		places = ", ".join("?" * len(names))
		self.execute(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({places})", CODEC.row(record, names))

	def _select(
		self, of: type[Record], table: str, names: Sequence[str], rest: str, values: Sequence[Any]
	) -> list[Record]:
		rows = self.execute(f"SELECT {', '.join(names)} FROM {table} WHERE {rest}", values)
		return [CODEC.record(of, names, row) for row in rows]


def _same(field: str, stored: Any, wanted: Any) -> bool:
	if field == "template_name":
		return _folded(stored) == _folded(wanted)
	return str(stored or "") == str(wanted or "")


def _namesake(template: Mapping[str, Any]) -> str:
	"""The same for templates that may not both be; see `services.authored.namesake`."""
	return f"{template['category']}\n{_folded(template['template_name'])}"


def _is_known(known: Collection[str], template: Mapping[str, Any], name: str) -> bool:
	return _namesake({**template, "template_name": name}) in known


def _folded(text: Any) -> str:
	"""A name as the site's database compares it: without case, accents and spaces at its end."""
	parts = unicodedata.normalize("NFKD", str(text or "").casefold())
	return "".join(part for part in parts if not unicodedata.combining(part)).rstrip(" ")


def _where(filters: Mapping[str, Any], known: Sequence[str]) -> tuple[str, list[Any]]:
	unknown = [name for name in filters if name not in known]
	if unknown:
		raise ValueError(f"no such column: {', '.join(unknown)}")
	tests = [f"{name} IS NULL" if value is None else f"{name} = ?" for name, value in filters.items()]
	return " AND ".join(["1", *tests]), [value for value in filters.values() if value is not None]
