"""A session of tests leaves the site as it was, whatever the tests have made, changed and taken away."""

from __future__ import annotations

import os
from pathlib import Path

import frappe
import kept
import pytest
import records as r
from frappe.custom.doctype.custom_field.custom_field import create_custom_field
from frappe.utils.background_jobs import get_redis_conn

from flow_editor.services import starting

#: What anybody would look at.
TABLES = (
	"User", "Contact", "Customer", "Issue", "Contract", "Quotation", "Sales Order", "Dispatch Job", "Flow Run", "Flow Template",
	"Flow Version", "Flow Step Pending", "Email Queue", "Error Log", "Property Setter", "Custom Field", "File", "Version",
	"Comment", "Deleted Document", "Notification Log", "ToDo", "DocShare", "Has Role", "Dynamic Link", "Singles", "Series",
)  # fmt: skip


@pytest.fixture
def noted(site, tmp_path):
	path = tmp_path / "kept.pickle"
	of_the_session = kept._read(kept.place())
	of_the_session.is_back = True  # for this one: what is the same as then is not read again
	kept._write(path, of_the_session)
	kept.note(path)
	yield path
	if not kept._read(path).is_back:
		kept.put_back(path)


def everything() -> dict[str, list]:
	frappe.db.rollback()
	return {
		table: sorted(
			map(repr, frappe.db.sql(f"SELECT * FROM `{table if table.startswith('_') else f'tab{table}'}`"))
		)
		for table in TABLES
	}


def test_what_tests_make_change_and_take_away_is_put_back(noted, site):
	before = everything()
	files, jobs = set(kept._files()), set(kept._jobs())
	party = r.customer()  # which makes a contact
	flow = r.template(r.step("a", "issue", payload={"subject": "s"}), r.step("b", trigger={"type": "manual"}))
	starting.start(site, flow.name)
	r.user("Flow User")
	quoted = r.quotation(party)
	quoted.submit()
	r.order_from(quoted)
	r.make("File", file_name="kept.txt", content="x", is_private=1)
	create_custom_field("Issue", {"fieldname": "kept_test", "label": "Kept", "fieldtype": "Data"})
	frappe.make_property_setter({"doctype": "Issue", "fieldname": "subject", "property": "bold", "value": 1})
	frappe.db.set_single_value("System Settings", "session_expiry", "123:00")
	frappe.delete_doc("Error Log", frappe.log_error("kept").name)
	frappe.db.delete("Flow Template", {"is_system": 1})
	frappe.enqueue("frappe.ping", job_id="kept_test", queue="long")
	frappe.db.commit()
	assert everything() != before and set(kept._jobs()) != jobs
	assert frappe.db.has_column("Issue", "kept_test")
	left = kept.put_back(noted)
	assert everything() == before
	assert set(kept._files()) == files and set(kept._jobs()) == jobs
	queue = frappe.utils.background_jobs.generate_qname("long")
	assert not any(b"kept_test" in job for job in get_redis_conn().lrange(f"rq:queue:{queue}", 0, -1))
	assert "kept_test" not in [column for (column, *_) in frappe.db.sql("SHOW COLUMNS FROM `tabIssue`")]
	assert left["Customer"] == 1 and left["Singles"] == 0 and left["Flow Template"] < 0
	assert "+1 Customer" in kept.said(left) and "Singles changed" in kept.said(left)


def test_what_was_noted_is_put_back_by_the_next_session_if_this_one_is_killed(noted, site):
	party = r.customer().name
	frappe.db.commit()
	assert kept.note(noted)["Customer"] == 1 and not frappe.db.exists("Customer", party)
	assert kept.put_back(noted) == {} == kept.put_back_last(noted)


def test_after_a_migration_what_was_left_stays(noted, site, capsys):
	party = r.customer().name
	frappe.db.commit()
	last = kept._read(noted)
	last.state = ("another", "one")
	kept._write(noted, last)
	assert kept.put_back_last(noted) == {} and frappe.db.exists("Customer", party)
	assert "was migrated since" in capsys.readouterr().out
	last.state = kept._state()
	kept._write(noted, last)


def test_settings_of_the_bench_are_put_back(noted, site):
	config = Path(frappe.get_site_path("site_config.json"))
	before = config.read_text()
	config.write_text(before.replace("{", '{"kept_test": 1,', 1))
	kept.put_back(noted)
	assert config.read_text() == before


def test_a_table_that_is_not_as_it_was_is_told(noted, site, monkeypatch):
	frappe.db.sql("UPDATE `tabRole` SET modified = '2000-01-01' LIMIT 1")
	frappe.db.commit()
	with monkeypatch.context() as broken:
		broken.setattr(kept, "_refill", lambda *_: None)
		with pytest.raises(RuntimeError, match="tabRole"):
			kept.put_back(noted)
	assert "Role" in kept.put_back(noted)


def test_it_takes_seconds(noted, site):
	r.customer()
	frappe.db.commit()
	used = os.times().user
	kept.put_back(noted)
	assert os.times().user - used < 5
