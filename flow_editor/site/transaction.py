"""What is known of the current transaction, and forgotten with it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

import frappe


@dataclass(slots=True)
class Transaction:
	#: Names the transaction, so that one transition within it starts a flow once.
	name: str = field(default_factory=lambda: uuid.uuid4().hex)
	#: Whether a worker will be poked once it is committed.
	will_poke: bool = False
	#: Whether the users whom flows run as are enabled; None for one whom there is not.
	enabled: dict[str, int | None] = field(default_factory=dict)


def current() -> Transaction:
	found = getattr(frappe.local, "flow_editor_transaction", None)
	if found is None:
		found = frappe.local.flow_editor_transaction = Transaction()
		frappe.db.after_commit.add(_forget)
		frappe.db.after_rollback.add(_forget)
	return found


def _forget() -> None:
	frappe.local.flow_editor_transaction = None
