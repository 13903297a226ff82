"""What is known of the current transaction, and forgotten with it; and how a step's savepoint is kept."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import frappe

from flow_editor.engine.errors import OUTSIDE, StepFailed
from flow_editor.site.errors import breaks_transaction

_savepoints = count(1)


@dataclass(slots=True)
class Transaction:
	#: Names the transaction, so that one transition within it starts a flow once.
	name: str = field(default_factory=lambda: uuid.uuid4().hex)
	#: Whether a worker will be poked once it is committed.
	will_poke: bool = False
	#: Names of the runs that open views are told of once it is committed.
	changed_runs: list[str] = field(default_factory=list)
	#: Whether the users whom flows run as are enabled; None for one whom there is not.
	enabled: dict[str, int | None] = field(default_factory=dict)
	#: What was asked for once in it; see `Host.is_first`.
	asked: set[str] = field(default_factory=set)
	#: Documents that would have started flows, were they not imported: by import, flow and document.
	left_out: dict[tuple[str, str, str], None] = field(default_factory=dict)
	#: What flows listen to, once it was asked for; see `site.listeners`.
	heard: Any = None
	#: The active flows of a trigger event that apply to a DocType, once they were asked for.
	listening: dict[tuple[str, str], Any] = field(default_factory=dict)
	#: Whether a flow was written in it, so that only its own view of the database says what flows listen to.
	has_published: bool = False


def current() -> Transaction:
	found = getattr(frappe.local, "flow_editor_transaction", None)
	if found is None:
		found = frappe.local.flow_editor_transaction = Transaction()
		frappe.db.after_commit.add(_forget)
		frappe.db.after_rollback.add(_forget)
	return found


def _forget() -> None:
	frappe.local.flow_editor_transaction = None


@contextmanager
def savepoint() -> Iterator[None]:
	"""Undo everything since its beginning on an exception, which goes on."""
	name = f"flow_{next(_savepoints)}"
	frappe.db.savepoint(name)
	try:
		with kept_open(name):
			yield
	except BaseException as error:
		if not breaks_transaction(error):
			frappe.db.rollback(save_point=name)
		raise
	frappe.db.release_savepoint(name)


@contextmanager
def kept_open(savepoint: str) -> Iterator[None]:
	"""Within it nobody ends the transaction, which holds more than the one document: what that document's own code
	commits is committed with the run, and where it rolls back, everything since the savepoint is undone.

	Raises:
		StepFailed: it was rolled back, so that nothing is left of what was done.
	"""
	database, undone = frappe.local.db, False
	kept = {name: vars(database).get(name) for name in ("commit", "rollback")}
	roll_back = database.rollback

	def undo(*, save_point: str | None = None, **_: bool) -> None:
		nonlocal undone
		undone = undone or save_point is None
		roll_back(save_point=save_point or savepoint)

	database.commit, database.rollback = lambda **_: None, undo  # Frappe 16 chains transactions
	try:
		yield
	finally:
		for name, method in kept.items():
			delattr(database, name) if method is None else setattr(database, name, method)
	if undone:
		raise StepFailed(
			"The document's own code has rolled the change back. Look in Error Log and mend the cause.",
			helps=OUTSIDE,
		)


@contextmanager
def nothing_written() -> Iterator[None]:
	"""Within it the database takes no write, if the transaction has none yet: a kind or a document's own code that tries is
	refused. One that has written is left as it is, so that nothing of it is lost."""
	if frappe.db.transaction_writes:
		yield
		return
	frappe.db.rollback()  # what was read so far; a transaction is for reading from its beginning or not at all
	frappe.db.begin(read_only=True)
	frappe.local.flow_editor_reads = True
	try:
		yield
	finally:
		frappe.local.flow_editor_reads = False
		frappe.db.rollback()


def is_for_reading() -> bool:
	"""Whether this is within `nothing_written`."""
	return bool(getattr(frappe.local, "flow_editor_reads", False))
