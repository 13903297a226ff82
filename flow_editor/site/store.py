"""Templates, versions, runs and the inbox, as DocTypes on a Frappe site.

Templates are written as documents, so that their controller and everybody's hooks see them. Runs and inbox
rows are the engine's own and are written as rows, without moving `modified` under an open form.

It is one file, since it is one port (`services.host.Store`): its queries are read beside one another for the locks they take.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Any

import frappe
from frappe.utils import now_datetime

from flow_editor.engine.errors import Invalid, NotFound, Problem
from flow_editor.engine.records import (
	BESIDE,
	CALL,
	JSON,
	ROW_CANCELLED,
	ROW_COMPLETED,
	ROW_FAILED,
	ROW_PENDING,
	ROW_RUNNING,
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
from flow_editor.services.authored import DRAFTED, namesake
from flow_editor.site import escaping, listeners, transaction, visibility
from flow_editor.site.errors import as_flow_errors, breaks_transaction
from flow_editor.site.naming import next_name_sql

RUN_COLUMNS, PENDING_COLUMNS, SAVED_COLUMNS = columns(Run), columns(Pending), changing(Run)
#: What a worker needs to know of a row that it has claimed.
CLAIMED_COLUMNS = (
	"name", "flow_run", "step_id", "purpose", "retry_count", "context_snapshot", "idempotency_key", "reference_doctype",
	"reference_name",
)  # fmt: skip
DUE = "status = %s AND trigger_at <= %s"
LAPSED = "status = %s AND lease_until <= %s"
#: How often a key is claimed anew because somebody else was about it.
CLAIM_TRIES = 5
BARE_COLUMNS = tuple(name for name in RUN_COLUMNS if name not in columns(Run, JSON))
#: Forms and reports show these as they are, so nothing in them may be a tag.
CODEC = Codec(json=escaping.as_json, sentence=escaping.as_plain)


class SiteStore:
	@contextmanager
	def transaction(self, *, follows: bool = False) -> Iterator[None]:
		if not follows:
			frappe.db.commit()
		wait_for_others()
		try:
			yield
		except BaseException:
			self._roll_back()
			raise
		frappe.db.commit()

	def _roll_back(self) -> None:
		try:
			frappe.db.rollback()
		except Exception as error:
			if not breaks_transaction(error):
				raise
			# The connection is gone, and the transaction with it. The next statement opens another.
			frappe.db.close()
			frappe.connect(set_admin_as_user=False)

	def savepoint(self) -> AbstractContextManager[None]:
		return transaction.savepoint()

	# Templates

	def template(self, name: str, *, lock: bool = False) -> dict[str, Any]:
		if not frappe.db.exists("Flow Template", name):
			raise NotFound(f"There is no flow template {name!r}.")
		doc = frappe.get_doc("Flow Template", name, for_update=lock)
		return {**doc.as_dict(convert_dates_to_str=True, no_nulls=False), "draft": doc.draft}

	def templates(
		self, filters: Mapping[str, Any], *, start: int = 0, limit: int = 0
	) -> list[dict[str, Any]]:
		fields = [
			"name", "template_name", "category", "applies_to", "icon", "description", "is_active", "is_system",
			"version", "trigger_event", "trigger_condition", "step_count", "tags", "notes", "run_as", "re_entry",
			"catalog", "paused_reason", "checksum", "owner", "creation", "modified", "modified_by", *DRAFTED,
		]  # fmt: skip
		return frappe.get_all(
			"Flow Template",
			filters=dict(filters),
			fields=fields,
			order_by="modified desc",
			limit_start=start,
			limit_page_length=limit,
		)

	def active_templates(self, event: str, doctype: str = "") -> Sequence[Mapping[str, Any]]:
		# A save asks at each of its moments, and would be answered the same.
		listening = transaction.current().listening if doctype else {}
		if (event, doctype) in listening:
			return listening[event, doctype]
		about = "AND applies_to = %s" if doctype else ""
		found = frappe.db.sql(
			f"""SELECT name, template_name, version, checksum, trigger_condition, applies_to, run_as, re_entry
			FROM `tabFlow Template` WHERE trigger_event = %s AND is_active = 1 {about}
			ORDER BY re_entry <> 'Always', creation, name""",
			(event, doctype) if doctype else event,
			as_dict=True,
		)
		if doctype:
			listening[event, doctype] = found
		return found

	def insert_template(self, values: Mapping[str, Any], *, draft: str = "") -> str:
		self._check_links(values)
		doc = frappe.get_doc({"doctype": "Flow Template", **_written(values)})
		doc.flags.is_seed = bool(values.get("is_system"))
		doc.flags.draft = escaping.as_json(draft)
		with as_flow_errors("make flows"):
			return doc.insert(ignore_permissions=doc.flags.is_seed).name

	def update_template(self, name: str, values: Mapping[str, Any], *, note: str = "") -> None:
		self._check_links(values)
		doc = frappe.get_doc("Flow Template", name)
		doc.update(_written(values))
		doc.flags.publishes, doc.flags.note = True, note
		with as_flow_errors(f"change flow {name}"):
			doc.save()

	def keep_draft(self, name: str, draft: str, revision: int, shown: Mapping[str, str]) -> None:
		# Not by `save`, which asks the rule of what is published, and lets open forms fail that show it.
		doc = frappe.get_doc("Flow Template", name)
		with as_flow_errors(f"change flow {name}"):
			doc.check_permission("write")
			doc.check_author()
		who = (frappe.session.user, now_datetime()) if draft else (None, None)
		values = {name: escaping.as_plain(value) for name, value in shown.items()} | {
			"draft": escaping.as_json(draft),
			"draft_revision": revision,
			"draft_by": who[0],
			"draft_at": who[1],
		}
		try:
			_update("Flow Template", name, tuple(values), list(values.values()))
		except Exception as error:
			if frappe.db.is_unique_key_violation(error):
				raise Invalid.because([namesake(shown)]) from None
			raise
		frappe.clear_document_cache("Flow Template", name)

	def link_problems(self, values: Mapping[str, Any]) -> list[Problem]:
		return [
			Problem(
				f"There is no {link.options} {wanted!r} on this site. Choose another.", field=link.fieldname
			)
			for link in frappe.get_meta("Flow Template").get_link_fields()
			if (wanted := values.get(link.fieldname)) and not frappe.db.exists(link.options, str(wanted))
		]

	def _check_links(self, values: Mapping[str, Any]) -> None:
		"""Raise Invalid for every field of a template that names what there is not; Frappe would not say which field."""
		if problems := self.link_problems(values):
			raise Invalid.because(problems)

	def insert_version(
		self, template: Mapping[str, Any], note: str, *, saved_by: str, saved_at: datetime
	) -> None:
		frappe.get_doc(
			{
				"doctype": "Flow Version",
				"flow_template": template["name"],
				"version": template["version"],
				"definition": template["flow_definition"],
				"checksum": template["checksum"],
				"saved_by": saved_by,
				"saved_at": saved_at,
				"note": note,
			}
		).insert(ignore_permissions=True)

	def versions(
		self, template: str, *, number: int | None = None, start: int = 0, limit: int = 0
	) -> list[dict[str, Any]]:
		found = frappe.get_all(
			"Flow Version",
			filters={"flow_template": template} | ({} if number is None else {"version": number}),
			fields=["version", "saved_by", "saved_at", "note", "checksum"],
			order_by="version desc",
			limit_start=start,
			limit_page_length=limit,
		)
		return [{**row, "saved_at": str(row.saved_at), "note": row.note or ""} for row in found]

	def pause_template(self, name: str, version: int, reason: str) -> bool:
		paused = _changed(
			"""UPDATE `tabFlow Template` SET is_active = 0, paused_reason = %s, modified = %s
			WHERE name = %s AND version = %s AND is_active = 1""",
			(escaping.as_plain(reason), now_datetime(), name, version),
		)
		if paused:
			frappe.clear_document_cache("Flow Template", name)
		return paused

	def last_outcomes(self, template: str, version: int, limit: int) -> list[str]:
		found = frappe.db.sql(
			"""SELECT status FROM `tabFlow Run` WHERE flow_template = %s AND template_version = %s
			AND status IN ('completed', 'failed') ORDER BY creation DESC, name DESC LIMIT %s""",
			(template, version, limit),
		)
		return [status for (status,) in found]

	def delete_template(self, name: str) -> None:
		with as_flow_errors(f"delete flow {name}"):
			frappe.delete_doc("Flow Template", name)

	def definition(self, template: str, version: int) -> str:
		text = frappe.db.get_value("Flow Version", f"{template}-v{version}", "definition")
		if text is None:
			raise NotFound(f"Version {version} of flow template {template} is not there any more.")
		return text

	# Runs

	def insert_run(self, run: Run, rows: Sequence[Pending] = (), *, is_free: bool = False) -> bool:
		# A key that turns out to be taken as it is inserted leaves a lock on its neighbourhood in the index, among it
		# the place of all runs without a key: two such would break each other's transactions. So it is looked for
		# first, which locks nothing, and runs with a key are inserted last (see `active_templates`).
		if run.reentry_key and not is_free and self._is_taken(run.reentry_key):
			return False
		try:
			(run.name,) = _insert("Flow Run", RUN_COLUMNS, [CODEC.row(run, RUN_COLUMNS)])
		except Exception as error:
			# A name that is taken is no rule of the template's: the sequence is behind, and somebody has to be told.
			if frappe.db.is_unique_key_violation(error) and not frappe.db.is_primary_key_violation(error):
				return False
			raise
		if rows:
			for row in rows:
				row.flow_run = run.name
			try:
				self.insert_pending(rows)
			except Exception as error:
				# Cheaper than a savepoint, which every start would pay for. A run that nothing carries on must not stay.
				if not breaks_transaction(error):
					frappe.db.sql("DELETE FROM `tabFlow Run` WHERE name = %s", run.name)
				raise
		return True

	@staticmethod
	def _is_taken(reentry_key: str) -> bool:
		return bool(frappe.db.sql("SELECT 1 FROM `tabFlow Run` WHERE reentry_key = %s", reentry_key))

	def claim_start(self, key: str, template: str, digest: str, at: datetime) -> Started | None:
		wrote, user = frappe.db.transaction_writes, frappe.session.user
		for tries_left in reversed(range(CLAIM_TRIES)):
			if found := self._started(key):
				return found
			try:
				frappe.db.sql(
					"""INSERT INTO `tabFlow Started`
					(name, flow_template, flow_run, digest, at, owner, modified_by, creation, modified)
					VALUES (%s, %s, '', %s, %s, %s, %s, %s, %s)""",
					(key, template, digest, at, user, user, at, at),
				)
				return None
			except Exception as error:
				taken = isinstance(error, frappe.QueryDeadlockError) or frappe.db.is_primary_key_violation(
					error
				)
				if wrote or not taken or not tries_left:
					raise
			# Somebody else has claimed it since this transaction began, which does not see that. Nothing is lost by
			# another one.
			frappe.db.rollback()

	@staticmethod
	def _started(key: str) -> Started | None:
		found = frappe.db.sql("SELECT flow_run, digest FROM `tabFlow Started` WHERE name = %s", key)
		return Started(*found[0]) if found else None

	def note_start(self, key: str, run: str) -> None:
		frappe.db.sql("UPDATE `tabFlow Started` SET flow_run = %s WHERE name = %s", (run, key))

	def mark(self, name: str) -> datetime | None:
		found = frappe.db.sql("SELECT at FROM `tabFlow Started` WHERE name = %s", name)
		return found[0][0] if found else None

	def set_mark(self, name: str, at: datetime) -> None:
		# It stands among the claims, which it decides about; it is written too often to be cleared with the old ones.
		frappe.db.sql(
			"""INSERT INTO `tabFlow Started` (name, flow_template, flow_run, at, owner, modified_by, creation, modified)
			VALUES (%(name)s, '', '', %(at)s, %(user)s, %(user)s, %(at)s, %(at)s)
			ON DUPLICATE KEY UPDATE at = %(at)s, modified = %(at)s""",
			{"name": name, "at": at, "user": frappe.session.user},
		)

	def has_triggered(self, trigger_key: str) -> bool:
		return bool(frappe.db.sql("SELECT 1 FROM `tabFlow Run` WHERE trigger_key = %s LIMIT 1", trigger_key))

	def run(self, name: str, *, lock: bool = False) -> Run:
		found = _select(Run, "Flow Run", RUN_COLUMNS, "name = %s" + (" FOR UPDATE" if lock else ""), [name])
		if not found:
			raise NotFound(f"There is no flow run {name!r}.")
		return found[0]

	def lock_runs(self, names: Collection[str]) -> dict[str, Run]:
		# In one order, so that two who lock several do not lock each other out.
		found = _select(Run, "Flow Run", RUN_COLUMNS, "name IN %s ORDER BY name FOR UPDATE", [tuple(names)])
		return {run.name: run for run in found}

	def save_runs(self, runs: Sequence[Run]) -> bool:
		if len(runs) == 1:
			return self.save_run(runs[0])
		columns, values = [], []
		rows = [(run.name, CODEC.row(run, SAVED_COLUMNS)) for run in runs]
		for number, column in enumerate(SAVED_COLUMNS):
			if len({row[number] for _, row in rows}) == 1:
				columns.append(f"`{column}` = %s")
				values.append(rows[0][1][number])
				continue
			columns.append(f"`{column}` = CASE name {'WHEN %s THEN %s ' * len(rows)}END")
			for name, row in rows:
				values += (name, row[number])
		names = tuple(run.name for run in runs)
		try:
			frappe.db.sql(f"UPDATE `tabFlow Run` SET {', '.join(columns)} WHERE name IN %s", [*values, names])
		except Exception as error:
			if frappe.db.is_unique_key_violation(error):
				return False
			raise
		return True

	def save_run(self, run: Run) -> bool:
		try:
			_update("Flow Run", run.name, SAVED_COLUMNS, CODEC.row(run, SAVED_COLUMNS))
		except Exception as error:
			if frappe.db.is_unique_key_violation(error):
				return False
			raise
		return True

	def in_flight_about(self, doctype: str, name: str) -> list[str]:
		found = frappe.db.sql(
			"""SELECT name FROM `tabFlow Run` WHERE context_doctype = %s AND context_docname = %s
			AND completed_at IS NULL AND ends_with_document = 1 ORDER BY name""",
			(doctype, name),
		)
		return [run for (run,) in found]

	def holder(self, reentry_key: str) -> Run | None:
		# Whoever saves a document waits for no worker.
		where = "reentry_key = %s FOR UPDATE SKIP LOCKED"
		found = _select(Run, "Flow Run", RUN_COLUMNS, where, [reentry_key])
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
		if visible and (condition := visibility.runs_condition()):
			where += f" AND {condition.replace('%', '%%')}"
		page = " LIMIT %s OFFSET %s"
		return _select(
			Run,
			"Flow Run",
			BARE_COLUMNS if bare else RUN_COLUMNS,
			f"{where} ORDER BY creation DESC, name DESC{page}",
			[*values, limit, start],
		)

	# The inbox

	def insert_pending(self, rows: Sequence[Pending]) -> None:
		watched = {row.reference_doctype for row in rows if row.purpose in WATCHING and row.reference_doctype}
		if watched and watched - listeners.heard().watched:
			listeners.changing()  # saves of such documents are to be told from now on
		values = [CODEC.row(row, PENDING_COLUMNS) for row in rows]
		for row, name in zip(rows, _insert("Flow Step Pending", PENDING_COLUMNS, values), strict=True):
			row.name = name

	def claim(self, now: datetime, limit: int, lease_until: datetime, token: str) -> Sequence[Pending]:
		# It reads with locks, which is to say what is committed by now, whatever the open transaction has seen.
		with self.transaction(follows=not frappe.db.transaction_writes):
			again = 0
			rows = self._lock(f"{DUE} ORDER BY trigger_at", [ROW_PENDING, now], limit)
			if not rows:
				again = 1
				rows = self._lock(f"{LAPSED} ORDER BY lease_until", [ROW_RUNNING, now], 1)
			if rows:
				frappe.db.sql(
					"""UPDATE `tabFlow Step Pending`
					SET status = %s, lease_until = %s, lease_token = %s, retry_count = retry_count + %s
					WHERE name IN %s""",
					(ROW_RUNNING, lease_until, token, again, tuple(row.name for row in rows)),
				)
		for row in rows:
			row.retry_count += again
			row.status, row.lease_until, row.lease_token = ROW_RUNNING, lease_until, token
		return rows

	def _lock(self, where: str, values: list[Any], limit: int) -> list[Pending]:
		return _select(
			Pending,
			"Flow Step Pending",
			CLAIMED_COLUMNS,
			f"{where} LIMIT %s FOR UPDATE SKIP LOCKED",
			[*values, limit],
		)

	def is_due(self, now: datetime) -> bool:
		one = "SELECT 1 FROM `tabFlow Step Pending` WHERE"
		((found,),) = frappe.db.sql(
			f"SELECT EXISTS ({one} {DUE}) OR EXISTS ({one} {LAPSED})", (ROW_PENDING, now, ROW_RUNNING, now)
		)
		return bool(found)

	def extend(self, row: Pending, lease_until: datetime) -> bool:
		# A lease that does not change counts as no change in MariaDB, so ours is told by the token alone.
		frappe.db.sql(
			"UPDATE `tabFlow Step Pending` SET lease_until = %s WHERE name = %s AND lease_token = %s AND status = %s",
			(lease_until, row.name, row.lease_token, ROW_RUNNING),
		)
		return self._is_held(row)

	def _is_held(self, row: Pending) -> bool:
		return bool(
			frappe.db.sql(
				"""SELECT 1 FROM `tabFlow Step Pending`
				WHERE name = %s AND lease_token = %s AND status = %s FOR UPDATE""",
				(row.name, row.lease_token, ROW_RUNNING),
			)
		)

	def finish(self, row: Pending, status: str, at: datetime, error: str = "") -> bool:
		return _changed(
			"""UPDATE `tabFlow Step Pending`
			SET status = %s, executed_at = %s, last_error = %s, retry_count = %s, lease_until = NULL,
				lease_token = NULL
			WHERE name = %s AND lease_token = %s AND status = %s""",
			(
				status,
				at,
				escaping.as_plain(error) or None,
				row.retry_count + (status == ROW_FAILED),
				row.name,
				row.lease_token,
				ROW_RUNNING,
			),
		)

	def finish_together(self, rows: Sequence[Pending], at: datetime) -> bool:
		if not rows:
			return True
		frappe.db.sql(
			"""UPDATE `tabFlow Step Pending`
			SET status = %s, executed_at = %s, last_error = NULL, lease_until = NULL, lease_token = NULL
			WHERE name IN %s AND lease_token = %s""",
			# Only a running row has a token. Asked for its status, the database might look for the rows in that
			# index, and lock those of other workers.
			(ROW_COMPLETED, at, tuple(row.name for row in rows), rows[0].lease_token),
		)
		return frappe.db._cursor.rowcount == len(rows)

	def postpone(self, row: Pending, at: datetime, error: str, *, counts: bool = True) -> bool:
		return _changed(
			"""UPDATE `tabFlow Step Pending`
			SET status = %s, trigger_at = %s, last_error = %s, retry_count = %s, lease_until = NULL,
				lease_token = NULL
			WHERE name = %s AND lease_token = %s AND status = %s""",
			(
				ROW_PENDING,
				at,
				escaping.as_plain(error) or None,
				row.retry_count + counts,
				row.name,
				row.lease_token,
				ROW_RUNNING,
			),
		)

	def cancel_pending(self, run: str, step_id: str | None = None) -> None:
		frappe.db.sql(
			f"""UPDATE `tabFlow Step Pending` SET status = %s, lease_until = NULL, lease_token = NULL
			WHERE flow_run = %s AND status IN (%s, %s) AND purpose NOT IN %s
			{"AND step_id = %s" if step_id is not None else ""}""",
			(
				ROW_CANCELLED,
				run,
				ROW_PENDING,
				ROW_RUNNING,
				(*BESIDE, CALL) if step_id is None else BESIDE,
				*([step_id] if step_id is not None else []),
			),
		)

	def withdraw(self, run: str) -> None:
		frappe.db.sql(
			"""UPDATE `tabFlow Step Pending` SET status = %s
			WHERE flow_run = %s AND status = %s AND purpose IN %s""",
			(ROW_CANCELLED, run, ROW_PENDING, WITHDRAWN),
		)

	def wake(self, row: Pending, at: datetime) -> bool:
		frappe.db.sql(
			"""UPDATE `tabFlow Step Pending`
			SET status = %s, trigger_at = %s, lease_until = NULL, lease_token = NULL
			WHERE reference_doctype = %s AND reference_name = %s AND status IN (%s, %s) AND purpose IN %s""",
			(ROW_PENDING, at, row.reference_doctype, row.reference_name, ROW_PENDING, ROW_RUNNING, WATCHING),
		)
		return _changed(
			"DELETE FROM `tabFlow Step Pending` WHERE name = %s AND lease_token = %s AND status = %s",
			(row.name, row.lease_token, ROW_RUNNING),
		)

	def pending(self, filters: Mapping[str, Any], *, limit: int = 100) -> list[Pending]:
		where, values = _where(filters, PENDING_COLUMNS)
		return _select(
			Pending,
			"Flow Step Pending",
			PENDING_COLUMNS,
			f"{where} ORDER BY trigger_at, creation LIMIT %s",
			[*values, limit],
		)

	def next_due(self) -> datetime | None:
		return frappe.db.sql(
			"SELECT MIN(trigger_at) FROM `tabFlow Step Pending` WHERE status = %s", ROW_PENDING
		)[0][0]


def wait_for_others() -> None:
	"""Have this connection wait for a row that another transaction changes, and go on from what that committed.

	MariaDB has `innodb_snapshot_isolation` on from 11.6.2: a transaction that locks a row which was changed since its first
	read is undone with error 1020, so that two workers which make documents of one naming series undo each other. The
	engine's transactions do without it, since each locks what it will write before it reads it: the inbox rows by the claim
	and then by their token, the runs by `lock_runs`, a document by the read with which its save compares `modified`, a
	series by the read that counts it on. It is asked once for each connection; a server without it is left as it is.
	"""
	connection = frappe.db._conn
	if connection is None or getattr(frappe.local, "flow_editor_connection", None) is connection:
		return
	if frappe.db.db_type == "mariadb":
		found = frappe.db.sql("SHOW SESSION VARIABLES LIKE 'innodb_snapshot_isolation'")
		if found and found[0][1] == "ON":
			frappe.db.sql("SET SESSION innodb_snapshot_isolation = OFF")
	frappe.local.flow_editor_connection = frappe.db._conn


def _written(values: Mapping[str, Any]) -> dict[str, Any]:
	"""Values as a document takes them: JSON as text."""
	return {
		name: json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value
		for name, value in values.items()
	}


def _select(
	of: type[Record], doctype: str, names: Sequence[str], rest: str, values: list[Any]
) -> list[Record]:
	wanted = ", ".join(f"`{name}`" for name in names)
	rows = frappe.db.sql(f"SELECT {wanted} FROM `tab{doctype}` WHERE {rest}", values)
	return [CODEC.record(of, names, row) for row in rows]


def _where(filters: Mapping[str, Any], columns: Sequence[str]) -> tuple[str, list[Any]]:
	unknown = [name for name in filters if name not in columns]
	if unknown:
		raise ValueError(f"no such column: {', '.join(unknown)}")
	tests = [f"`{name}` IS NULL" if value is None else f"`{name}` = %s" for name, value in filters.items()]
	return " AND ".join(["1 = 1", *tests]), [value for value in filters.values() if value is not None]


def _insert(doctype: str, columns: Sequence[str], rows: list[list[Any]]) -> list[str]:
	"""Store rows and return their names. One without a name is given the next, in the same statement."""
	user, now = frappe.session.user, now_datetime()
	named = columns.index("name")
	places, values = [], []
	for row in rows:
		marks = ["%s"] * (len(columns) + 4)
		if row[named] is None:
			marks[named] = next_name_sql(doctype)
			row = row[:named] + row[named + 1 :]
		places.append(f"({', '.join(marks)})")
		values += (*row, user, user, now, now)
	names = ", ".join(f"`{column}`" for column in (*columns, "owner", "modified_by", "creation", "modified"))
	stored = frappe.db.sql(
		f"INSERT INTO `tab{doctype}` ({names}) VALUES {', '.join(places)} RETURNING name", values
	)
	return [name for (name,) in stored]


def _update(doctype: str, name: str, columns: Sequence[str], values: list[Any]) -> None:
	sets = ", ".join(f"`{column}` = %s" for column in columns)
	frappe.db.sql(f"UPDATE `tab{doctype}` SET {sets} WHERE name = %s", [*values, name])


def _changed(query: str, values: Sequence[Any]) -> bool:
	frappe.db.sql(query, values)
	return frappe.db._cursor.rowcount == 1
