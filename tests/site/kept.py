"""Puts a site back as it was before a session of tests: every row of every table, its files and settings, and its jobs.

    python kept.py SITE note       write down how the site is
    python kept.py SITE put-back   make it so again, and say what had been left

Run by the bench's Python, in its sites folder; the fixtures and bench.py do it. Tests may make, change and delete what they
like: nothing of it stays, and nothing that anybody else did on the site meanwhile. What is written down stays in a file, so
a session that was killed is put back by the next one, unless the site was migrated in between; and tables that are still
the same need not be read again.

Left as they are: sequences, since a number that was given out is not given again; what is cached, which is forgotten; log
files; and jobs that stood in a queue before, which a worker of the tests may have done or a test emptied out.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import frappe

#: Where it is written down, in the bench's folder.
PLACE = Path("config") / "flow_editor_kept.pickle"
#: How many rows one statement inserts.
ROWS_AT_ONCE = 200
FILES = ("public", "private")
SETTINGS = ("apps.txt", "common_site_config.json", "{site}/site_config.json")


@dataclass
class Kept:
	"""How a site was.

	Attributes:
		columns: of each table.
		sums: each table's checksum.
		rows: of each table that has any.
		state: changes with a migration.
		is_back: whether it has been put back.
	"""

	columns: dict[str, list[str]]
	sums: dict[str, int]
	rows: dict[str, list[tuple]] = field(default_factory=dict)
	state: tuple = ()
	files: set[str] = field(default_factory=set)
	settings: dict[str, str] = field(default_factory=dict)
	jobs: set[str] = field(default_factory=set)
	is_back: bool = False


def place() -> Path:
	return Path(frappe.local.sites_path).resolve().parent / PLACE


def note(path: Path | None = None) -> dict[str, int]:
	"""Write down how the site is. A session that was not put back is put back first: returns what it had left."""
	path = path or place()
	left = put_back_last(path)
	last = _read(path)
	columns = _columns()
	kept = Kept(columns, _sums(columns), state=_state(), files=set(_files()), jobs=set(_jobs()))
	for table in columns:
		if last.sums.get(table) == kept.sums[table] and last.columns[table] == columns[table]:
			kept.rows[table] = last.rows[table]
		elif kept.sums[table]:  # of a table without rows it is 0
			kept.rows[table] = frappe.db.sql(f"SELECT {_names(columns[table])} FROM `{table}`")
		else:
			kept.rows[table] = ()
	for name in SETTINGS:
		kept.settings[name] = _setting(name).read_text()
	frappe.db.rollback()
	_write(path, kept)
	return left


def put_back_last(path: Path | None = None) -> dict[str, int]:
	"""As `put_back`, if the last session was not put back. One that cannot be any more is said, and left."""
	path = path or place()
	last = _read(path)
	if last.is_back:
		return {}
	if last.state != _state():
		print(
			"The last session of tests was not put back, and the site was migrated since: what it left stays."
		)
		return {}
	return put_back(path)


def put_back(path: Path | None = None) -> dict[str, int]:
	"""Make the site what was written down. Returns how many rows more or fewer each table had that was changed.

	Raises:
		RuntimeError: it is not the same.
	"""
	path = path or place()
	kept = _read(path)
	frappe.db.rollback()
	for name, text in kept.settings.items():
		if _setting(name).read_text() != text:
			_setting(name).write_text(text)
	for name in set(_files()) - kept.files:
		Path(frappe.get_site_path(name)).unlink()
	_forget_jobs(kept.jobs)
	_put_back_columns(kept)
	sums = _sums(kept.columns)
	left = {}
	for table, names in kept.columns.items():
		if sums[table] != kept.sums[table]:
			rows = kept.rows[table]
			((count,),) = frappe.db.sql(f"SELECT COUNT(*) FROM `{table}`")
			left[table.removeprefix("tab")] = count - len(rows)
			_refill(table, names, rows)
			frappe.db.commit()
	again = _sums([table for table in kept.columns if sums[table] != kept.sums[table]])
	if wrong := [table for table, number in again.items() if number != kept.sums[table]]:
		raise RuntimeError(f"After the tests these tables are not as they were before: {', '.join(wrong)}.")
	frappe.clear_cache()
	frappe.cache.delete_keys("")
	kept.is_back = True
	_write(path, kept)
	return left


def said(left: dict[str, int]) -> str:
	"""What was left, in a line."""
	return ", ".join(
		f"{count:+} {name}" if count else f"{name} changed"
		for name, count in sorted(left.items(), key=lambda item: -abs(item[1]))
	)


def _read(path: Path) -> Kept:
	return Kept(**pickle.loads(path.read_bytes())) if path.exists() else Kept({}, {}, is_back=True)


def _write(path: Path, kept: Kept) -> None:
	path.write_bytes(pickle.dumps(vars(kept)))


# The database


def _columns() -> dict[str, list[str]]:
	"""Asked of each table: the information schema takes seconds to tell it of all."""
	columns = {}
	for table, _ in frappe.db.sql("SHOW FULL TABLES WHERE Table_type = 'BASE TABLE'"):
		frappe.db.sql(f"SELECT * FROM `{table}` LIMIT 0")
		columns[table] = [name for name, *_ in frappe.db._cursor.description]
	return columns


def _put_back_columns(kept: Kept) -> None:
	now = _columns()
	if gone := sorted(kept.columns.keys() - now.keys()):
		raise RuntimeError(f"The tests have dropped tables: {', '.join(gone)}.")
	for table in now.keys() - kept.columns.keys():
		frappe.db.sql_ddl(f"DROP TABLE `{table}`")
	for table, names in kept.columns.items():
		for added in set(now[table]) - set(names):
			frappe.db.sql_ddl(f"ALTER TABLE `{table}` DROP COLUMN `{added}`")


def _sums(tables: Collection[str]) -> dict[str, int]:
	if not tables:
		return {}
	found = frappe.db.sql(f"CHECKSUM TABLE {', '.join(f'`{table}`' for table in tables)}")
	return {name.partition(".")[2]: number for name, number in found}


def _refill(table: str, columns: list[str], rows: Any) -> None:
	frappe.db.sql(f"DELETE FROM `{table}`")
	places = f"({', '.join(['%s'] * len(columns))})"
	for begin in range(0, len(rows), ROWS_AT_ONCE):
		some = rows[begin : begin + ROWS_AT_ONCE]
		frappe.db.sql(
			f"INSERT INTO `{table}` ({_names(columns)}) VALUES {', '.join([places] * len(some))}",
			[value for row in some for value in row],
		)


def _names(columns: list[str]) -> str:
	return ", ".join(f"`{column}`" for column in columns)


def _state() -> tuple:
	return (
		frappe.db.sql("SELECT COUNT(*), MAX(creation) FROM `tabPatch Log`")[0],
		frappe.db.sql("SELECT SUM(CRC32(CONCAT(name, COALESCE(migration_hash, '')))) FROM `tabDocType`")[0],
	)


# Beside it


def _setting(name: str) -> Path:
	return Path(frappe.local.sites_path) / name.format(site=frappe.local.site)


def _files() -> Iterator[str]:
	root = Path(frappe.get_site_path())
	for folder in FILES:
		for path in (root / folder).rglob("*"):
			if path.is_file():
				yield str(path.relative_to(root))


def _queue():
	from frappe.utils.background_jobs import get_redis_conn

	return get_redis_conn()


def _jobs() -> Iterator[str]:
	for key in _queue().scan_iter("rq:job:*", count=1000):
		name = key.decode().removeprefix("rq:job:")
		if name.startswith(frappe.local.site):
			yield name


def _forget_jobs(kept: set[str]) -> None:
	"""Take the site's other jobs out of Redis, and out of every queue and registry."""
	connection = _queue()
	jobs = {key.decode() for key in connection.scan_iter("rq:*", count=1000)}
	lists = {
		"list": (lambda key: connection.lrange(key, 0, -1), lambda key, name: connection.lrem(key, 0, name)),
		"zset": (lambda key: connection.zrange(key, 0, -1), connection.zrem),
	}
	for key in jobs:
		if key.startswith(f"rq:job:{frappe.local.site}"):
			if key.removeprefix("rq:job:").partition(":dep")[0] not in kept:
				connection.delete(key)
			continue
		read, remove = lists.get(connection.type(key).decode(), (None, None))
		if read is None or key.startswith("rq:job:"):
			continue
		for member in read(key):
			name = member.decode()
			# A registry of newer versions names a job with its execution.
			if name.startswith(frappe.local.site) and not {name, name.rpartition(":")[0]} & kept:
				remove(key, member)


def main(site: str, command: str) -> None:
	frappe.init(site=site)
	frappe.connect()
	left = {"note": note, "put-back": put_back_last}[command]()
	if left:
		print(f"The site is as it was. Taken away: {said(left)}.")
	frappe.destroy()


if __name__ == "__main__":
	main(*sys.argv[1:])
