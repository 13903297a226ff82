"""The site as the tests' host: clean before and after, with the shipped flows alone active."""

from __future__ import annotations

import os
from pathlib import Path

import frappe
import kept
import pytest
from flow_test_app import flows
from frappe import installer

SITE = os.environ.get("FLOW_EDITOR_SITE", "flow.test")
APP = "flow_test_app"
ENGINE_ROWS = ("Flow Step Pending", "Flow Run", "Flow Started")
#: What this session had left on the site, once it is put back.
taken_away: dict[str, int] = {}


@pytest.fixture(scope="session")
def connection():
	if getattr(
		frappe.local, "db", None
	):  # two folders have this fixture, and their tests may share a session
		yield
		return
	frappe.init(site=SITE)
	frappe.connect()
	# Frappe lets sixty users be created in an hour; the tests make more.
	frappe.local.conf.throttle_user_limit = 100_000
	if not frappe.conf.allow_tests:
		pytest.exit(f"The site {SITE} does not allow tests.", returncode=2)
	kept.note()
	_restore_shipped()
	yield
	taken_away.update(kept.put_back())
	frappe.destroy()


@pytest.fixture
def site(connection):
	"""The site's host, as Administrator, on a site without runs and with the shipped flows alone active."""
	from flow_editor.site.host import current

	frappe.db.rollback()
	frappe.set_user("Administrator")
	frappe.flags.in_migrate = frappe.flags.in_install = False
	_clear()
	frappe.local.flow_editor_host = None
	yield current()
	frappe.db.rollback()
	frappe.set_user("Administrator")
	_clear()


def _restore_shipped() -> None:
	"""The shipped flows as this checkout has them: the site may have those of an earlier one."""
	from flow_editor.services import publishing
	from flow_editor.site.host import current

	frappe.set_user("Administrator")
	for name in frappe.get_all("Flow Template", filters={"is_system": 1}, pluck="name"):
		publishing.restore(current(), name)
	frappe.db.commit()


def _clear() -> None:
	for doctype in ENGINE_ROWS:
		frappe.db.delete(doctype)
	frappe.db.delete("Flow Version", {"flow_template": ("in", _own_templates())})
	frappe.db.delete("Flow Template", {"is_system": 0})
	# On a new site they come switched off.
	frappe.db.set_value("Flow Template", {"is_system": 1}, "is_active", 1, update_modified=False)
	frappe.db.delete("Email Queue")
	frappe.db.delete("Error Log")
	frappe.db.commit()
	from flow_editor.site import listeners

	listeners.forget()  # flows were written behind its back


def _own_templates() -> list[str]:
	return frappe.get_all("Flow Template", filters={"is_system": 0}, pluck="name") or [""]


@pytest.fixture
def other_app(site):
	"""The app in this folder, installed on the site for the while."""
	apps = Path(frappe.local.sites_path) / "apps.txt"
	before = apps.read_text()
	flows.Flaky.tries = 0
	try:
		apps.write_text(f"{before.rstrip()}\n{APP}\n")
		_forget_hooks()
		installer.add_to_installed_apps(APP)
		_forget_hooks()
		yield site
	finally:
		apps.write_text(before)
		installer.remove_from_installed_apps(APP)
		_forget_hooks()


def _forget_hooks() -> None:
	frappe.local.all_apps = None
	frappe.clear_cache()
	frappe.local.flow_editor_sources = None
