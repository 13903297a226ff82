"""Item 6: what a million finished runs and 100,000 future rows do to what is done every minute and every click.

There are two pairs of tables, small and large, and they change places by being renamed, so that here too a busy
moment of the machine falls on both sides. The database itself makes the rows, and drops them with their tables.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterator

import frappe
from frappe.desk.form.load import getdoc
from frappe.desk.reportview import get as list_view

import flow_editor
from benchmarks import flows, site
from benchmarks.measure import Figure, Pairs, figure, milliseconds
from flow_editor.services import inbox, looking, starting
from flow_editor.site import worker
from flow_editor.site.host import SiteHost
from flow_editor.site.store import DUE, LAPSED

RUNS, FUTURE = 1_000_000, 100_000
ROWS_PER_STATEMENT = 50_000
TABLES = ("Flow Run", "Flow Step Pending")
#: What the names of the other tables begin with.
ASIDE = "flow_benchmark_"


def measure(host: SiteHost, rounds: int, size: float) -> Iterator[Figure]:
	flow, about = site.template(flows.chain(10)), site.document()
	repeat = max(20, rounds * 4)
	done = starting.start(host, flow.name).run.name
	frappe.db.commit()
	ways = what_is_done(host, flow, about, done)
	try:
		set_small_tables_aside()
		fill(flow, done, int(RUNS * size), int(FUTURE * size))
		large, small = take(ways, repeat)
		plans = explain(flow)
	finally:
		drop_tables_set_aside()
	for name in ways:
		yield figure(
			"6",
			f"{name}, with {int(RUNS * size):,} finished runs and {int(FUTURE * size):,} future rows, against small tables",
			Pairs(large[name], small[name]).ratios(),
			1.2,
			detail=f"{milliseconds(statistics.median(large[name]))} against {milliseconds(statistics.median(small[name]))}",
		)
	site.PLANS[:] = plans
	site.clear()


def what_is_done(host: SiteHost, flow, about, done: str) -> dict[str, Callable[[], object]]:
	def dispatch() -> None:
		with site.by_a_worker():
			flow_editor.dispatch_event(site.EVENT, about)
		frappe.db.commit()
		inbox.drain(host)

	def open_list(**filters) -> Callable[[], None]:
		def open_it() -> None:
			frappe.local.form_dict = frappe._dict(
				doctype="Flow Run",
				fields=json.dumps(["`tabFlow Run`.`name`", "`tabFlow Run`.`flow_template`", "`tabFlow Run`.`status`", "`tabFlow Run`.`started_at`"]),
				filters=json.dumps([["Flow Run", name, "=", value] for name, value in filters.items()]),
				order_by="`tabFlow Run`.`creation` desc",
				start=0,
				page_length=20,
			)  # fmt: skip
			list_view()

		return open_it

	def open_form() -> None:
		frappe.local.response = frappe._dict(docs=[])
		getdoc("Flow Run", done)

	def find(**filters) -> Callable[[], object]:
		return lambda: looking.find(host, filters)

	return {
		"A tick that finds nothing": worker.drain,
		"An event to its completed run": dispatch,
		"The list of runs in the desk": open_list(),
		"The list of runs under way in the desk": open_list(status="running"),
		"GET /flow/runs": find(),
		"GET /flow/runs of a status": find(status="running"),
		"GET /flow/runs of a template": find(template=flow.name),
		"GET /flow/runs of a document": find(doctype=site.DOCTYPE, docname=about.name),
		"A run's form": open_form,
	}


def take(ways: dict[str, Callable[[], object]], repeat: int) -> list[dict[str, list[float]]]:
	"""Seconds of each, on the large tables and on the small ones, in turn."""
	taken: list[dict[str, list[float]]] = [{name: [] for name in ways} for _ in range(2)]
	for number in range(repeat + 2):
		for seconds in taken:
			for name, do in ways.items():
				frappe.db.commit()
				do()  # what the change of tables has put out of mind
				began = time.perf_counter()
				do()
				if number >= 2:
					seconds[name].append(time.perf_counter() - began)
			change_tables()
	return taken


def set_small_tables_aside() -> None:
	drop_tables_set_aside()
	for table in TABLES:
		frappe.db.sql_ddl(f"CREATE TABLE `{ASIDE}{table}` LIKE `tab{table}`")
		frappe.db.sql(f"INSERT INTO `{ASIDE}{table}` SELECT * FROM `tab{table}`")
	frappe.db.commit()


def change_tables() -> None:
	moves = [
		move
		for table in TABLES
		for move in (
			f"`tab{table}` TO `{ASIDE}other`",
			f"`{ASIDE}{table}` TO `tab{table}`",
			f"`{ASIDE}other` TO `{ASIDE}{table}`",
		)
	]
	frappe.db.commit()
	frappe.db.sql_ddl(f"RENAME TABLE {', '.join(moves)}")


def drop_tables_set_aside() -> None:
	frappe.db.commit()
	for table in TABLES:
		frappe.db.sql_ddl(f"DROP TABLE IF EXISTS `{ASIDE}{table}`")


def fill(flow, like: str, finished: int, future: int) -> None:
	"""Finished runs with the inbox rows that began them, and rows that are due in days to come."""
	(columns,) = _columns("Flow Run", like)
	for begin in range(0, finished, ROWS_PER_STATEMENT):
		count = min(ROWS_PER_STATEMENT, finished - begin)
		moment = f"NOW(6) - INTERVAL (seq + {begin}) SECOND"
		name = f"CONCAT('FR-M', LPAD(seq + {begin}, 9, '0'))"
		changed = {
			"name": name, "creation": moment, "modified": moment, "started_at": moment, "completed_at": moment,
			"status": f"IF(MOD(seq + {begin}, 50) = 0, 'failed', 'completed')",
			"context_doctype": "'Customer'", "context_docname": f"CONCAT('C-', MOD(seq + {begin}, 20000))",
			"customer": f"CONCAT('C-', MOD(seq + {begin}, 20000))",
		}  # fmt: skip
		picked = ", ".join(changed.get(column, f"`{column}`") for column in columns)
		frappe.db.sql(
			f"""INSERT INTO `tabFlow Run` ({", ".join(f"`{column}`" for column in columns)})
			SELECT {picked} FROM `tabFlow Run` JOIN seq_1_to_{count} WHERE name = %s""",
			like,
		)
		_insert_rows(f"FSP-M{begin}-", name, count, "completed", f"NOW(6) - INTERVAL (seq + {begin}) SECOND")
		frappe.db.commit()
	for begin in range(0, future, ROWS_PER_STATEMENT):
		count = min(ROWS_PER_STATEMENT, future - begin)
		_insert_rows(
			f"FSP-F{begin}-",
			f"CONCAT('FR-M', LPAD(seq + {begin}, 9, '0'))",
			count,
			"pending",
			"NOW(6) + INTERVAL 1 + MOD(seq, 200) DAY",
		)
		frappe.db.commit()
	frappe.db.sql("ANALYZE TABLE `tabFlow Run`, `tabFlow Step Pending`")
	frappe.db.commit()


def _insert_rows(prefix: str, run: str, count: int, status: str, due: str) -> None:
	frappe.db.sql(
		f"""INSERT INTO `tabFlow Step Pending`
		(name, creation, modified, owner, modified_by, flow_run, purpose, status, trigger_at, retry_count, executed_at)
		SELECT CONCAT('{prefix}', seq), NOW(6), NOW(6), 'Administrator', 'Administrator', {run}, 'start', '{status}',
			{due}, 0, {"NOW(6)" if status == "completed" else "NULL"}
		FROM seq_1_to_{count}"""
	)


def _columns(doctype: str, like: str) -> list[list[str]]:
	row = frappe.db.sql(f"SELECT * FROM `tab{doctype}` WHERE name = %s", like, as_dict=True)[0]
	return [[column for column in row if column not in ("reentry_key", "trigger_key")]]


def explain(flow) -> list[tuple[str, str]]:
	"""What the database says that it does for each query that grows with nothing."""
	now = frappe.utils.now()
	queries = {
		"claim: what is due": (f"SELECT name FROM `tabFlow Step Pending` WHERE {DUE} ORDER BY trigger_at LIMIT 50 FOR UPDATE SKIP LOCKED", ("pending", now)),
		"claim: a lease that has run out": (f"SELECT name FROM `tabFlow Step Pending` WHERE {LAPSED} ORDER BY lease_until LIMIT 1 FOR UPDATE SKIP LOCKED", ("running", now)),
		"dispatch: the templates of an event": ("SELECT name FROM `tabFlow Template` WHERE trigger_event = %s AND is_active = 1 ORDER BY creation, name", (site.EVENT,)),
		"dispatch: whether this change has started it": ("SELECT 1 FROM `tabFlow Run` WHERE trigger_key = %s LIMIT 1", ("x",)),
		"advance: lock the runs": ("SELECT name FROM `tabFlow Run` WHERE name IN %s ORDER BY name FOR UPDATE", (("FR-M000000001", "FR-M000000002"),)),
		"list: newest": ("SELECT name FROM `tabFlow Run` ORDER BY creation DESC, name DESC LIMIT 20", ()),
		"list: of a status": ("SELECT name FROM `tabFlow Run` WHERE status = %s ORDER BY creation DESC, name DESC LIMIT 20", ("running",)),
		"list: of a template": ("SELECT name FROM `tabFlow Run` WHERE flow_template = %s ORDER BY creation DESC, name DESC LIMIT 20", (flow.name,)),
		"list: of a document": ("SELECT name FROM `tabFlow Run` WHERE context_doctype = %s AND context_docname = %s ORDER BY creation DESC, name DESC LIMIT 20", ("Customer", "C-7")),
		"form: the inbox of a run": ("SELECT name FROM `tabFlow Step Pending` WHERE flow_run = %s", ("FR-M000000001",)),
	}  # fmt: skip
	plans = []
	for name, (query, values) in queries.items():
		for row in frappe.db.sql(f"EXPLAIN {query}", values, as_dict=True):
			plans.append(
				(name, f"{row.type}, {row.key}, about {row.rows} rows, {row.Extra or 'nothing more'}")
			)
	return plans
