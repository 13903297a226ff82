"""Fixtures on a real site. Run through tests/site/bench.py, with the bench's Python, in its sites folder."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

try:
	import frappe
except ImportError:
	frappe = None
	collect_ignore_glob = ["test_*.py"]
else:
	import kept
	from fixtures import connection, other_app, site, taken_away
	from http_client import server, token
	from receiver import receiver


def pytest_sessionfinish(session, exitstatus):
	# What was deleted above leaves its mark in the cache only as long as this process.
	if frappe is not None and getattr(frappe.local, "db", None):
		frappe.clear_cache()


def pytest_terminal_summary(terminalreporter):
	if frappe is not None and taken_away:
		terminalreporter.write_line(f"The site is as it was. Taken away: {kept.said(taken_away)}.")
	if frappe is None:
		terminalreporter.section("LEFT OUT", sep="!", red=True, bold=True)
		terminalreporter.write_line(
			"The site's tests: this Python has no Frappe. Run them with: python tests/site/bench.py test"
		)
