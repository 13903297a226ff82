"""Lists of runs: a page is full of what its reader may see, and nothing that they may see falls between two pages."""

from __future__ import annotations

import frappe
import pytest
import records as r
from test_query_counts import queries

from flow_editor import api
from flow_editor.services import looking


def started(flow, **about) -> str:
	return api.start(template=flow.name, **about)["run"]["name"]


@pytest.fixture
def mixed(site):
	"""Who may read one customer, and the runs of that one among three times as many of another, newest first."""
	party, other = r.customer(), r.customer()
	user = r.user("Flow User", "Sales User")
	r.make("User Permission", user=user.name, allow="Customer", for_value=party.name)
	flow = r.template(r.step("a"))
	mine = []
	for number in range(12):
		about = {"doctype": "Customer", "docname": party.name} if number % 2 else {"customer": party.name}
		mine.append(started(flow, **about))
		for _ in range(3):
			started(flow, doctype="Customer", docname=other.name)
	frappe.db.commit()
	frappe.set_user(user.name)
	return flow, mine[::-1]


def listed(**given) -> list[str]:
	return [run["name"] for run in api.list_runs(**given)["runs"]]


def test_pages_are_full_and_nothing_is_missed(mixed):
	flow, mine = mixed
	pages = [listed(template=flow.name, start=start, limit=5) for start in (0, 5, 10, 15)]
	assert pages == [mine[:5], mine[5:10], mine[10:], []]
	assert listed(limit=500) == mine and listed(limit=1) == mine[:1]


def test_what_a_customer_s_permission_withholds_stays_withheld(mixed):
	frappe.set_user("Administrator")
	stranger = r.user("Flow User", "Support Team")
	flow = r.template(r.step("a"), variables={"said": "a secret"})
	issue = r.issue(r.customer())
	hidden = started(flow, doctype="Issue", docname=issue.name)
	frappe.set_user(stranger.name)
	(shown,) = api.list_runs(template=flow.name)["runs"]
	assert shown["name"] == hidden and shown["withheld"] == looking.WITHHELD and shown["variables"] == {}


def test_what_is_about_a_doctype_that_is_gone_is_listed_for_admins_alone(site):
	flow = r.template(r.step("a"))
	run = started(flow, doctype="ToDo", docname=r.make("ToDo", description="x").name)
	frappe.db.set_value("Flow Run", run, "context_doctype", "No Such DocType", update_modified=False)
	for roles, seen in ((("Flow User",), []), (("Flow User", "System Manager"), [run])):
		frappe.set_user("Administrator")
		user = r.user(*roles).name
		frappe.set_user(user)
		assert listed(template=flow.name) == seen == frappe.get_list("Flow Run", pluck="name")


def test_a_page_is_asked_for_in_one_statement(mixed):
	flow, mine = mixed
	listed(template=flow.name, limit=1)
	with queries() as seen:
		assert listed(template=flow.name, limit=10) == mine[:10]
	reads = [query for query in seen if query == "SELECT Flow Run"]
	assert len(reads) == 2, "which DocTypes there are, and the page"
