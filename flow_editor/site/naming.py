"""Names from database sequences: FT-00001, FR-00001, FSP-00001.

A naming series keeps a row locked until the transaction ends, so that two users who save at once would wait
for each other; and it gives the number of the newest document again once that is deleted, so that a new template
would inherit the runs and versions of another. A sequence does neither; a rolled back transaction leaves a gap.
"""

from __future__ import annotations

import frappe
from frappe.database.sequence import create_sequence

PREFIXES = {"Flow Template": "FT-", "Flow Run": "FR-", "Flow Step Pending": "FSP-"}


def next_name(doctype: str) -> str:
	"""The next name of a DocType, such as FR-00001."""
	((name,),) = frappe.db.sql(f"SELECT {next_name_sql(doctype)}")
	return name


def next_name_sql(doctype: str) -> str:
	"""The next name as an expression, so that a row can be stored and named in one statement."""
	number = f"nextval(`{_sequence(doctype)}`)"
	# Five digits or more. LPAD would cut a longer number.
	return f"CONCAT('{PREFIXES[doctype]}', REGEXP_REPLACE(CONCAT('0000', {number}), '^0+(?=[0-9]{{5}})', ''))"


def create_sequences() -> None:
	"""Create what is missing, beginning after the names that there are."""
	for doctype, prefix in PREFIXES.items():
		last = (
			max(
				(
					int(name[len(prefix) :])
					for name in frappe.get_all(doctype, pluck="name")
					if name[len(prefix) :].isdigit()
				),
				default=0,
			)
			if not _exists(doctype)
			else None
		)
		if last is not None:
			create_sequence(doctype, check_not_exists=True, start_value=last + 1)


def drop_sequences() -> None:
	for doctype in PREFIXES:
		frappe.db.sql_ddl(f"DROP SEQUENCE IF EXISTS {_sequence(doctype)}")


def _sequence(doctype: str) -> str:
	return frappe.scrub(f"{doctype}_id_seq")


def _exists(doctype: str) -> bool:
	"""Whether the sequence is there. MariaDB lists it among its tables."""
	return bool(
		frappe.db.sql(
			"SELECT 1 FROM information_schema.tables WHERE table_name = %s AND table_schema = DATABASE()",
			_sequence(doctype),
		)
	)
