"""Who gets through which door: every route of the table, over HTTP and as a whitelisted method, for every sort of caller,
about their own document and about somebody else's. A route without a row here fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import frappe
import pytest
import records as r
from http_client import TOKEN, Client, key_of

from flow_editor import api
from flow_editor.routes import AUTHORS, OPERATORS, ROUTES

OWN, OTHERS = "own", "somebody else's"


@dataclass
class World:
	"""What a call is about."""

	doc: str
	template: str
	run: str

	@property
	def about(self) -> dict:
		return {"doctype": "ToDo", "docname": self.doc}


@dataclass(frozen=True)
class Row:
	"""How a route is called, and whether it shows or changes what a document says."""

	body: Callable[[World], dict] = lambda world: {}
	about_document: bool = False


ROWS = {
	"list_templates": Row(),
	"create_template": Row(lambda w: {"template_name": r.unique("Made"), "flow_definition": {"steps": []}}),
	"get_template": Row(),
	"update_template": Row(lambda w: {"description": r.unique("x")}),
	"delete_template": Row(),
	"duplicate_template": Row(),
	"catalog": Row(),
	"validate": Row(lambda w: {"flow_definition": {"steps": []}}),
	"paths": Row(lambda w: {"doctype": "ToDo"}),
	"preview": Row(
		lambda w: {"kind": "notify", "payload": {"subject": "{{doc.description}}"}, **w.about}, True
	),
	"start": Row(lambda w: {"template": w.template, **w.about}, True),
	"advance": Row(lambda w: {"run": w.run}, True),
	"complete": Row(lambda w: {"run": w.run, "step_id": "a"}, True),
	"cancel": Row(lambda w: {"run": w.run}, True),
	"retry": Row(lambda w: {"run": w.run}, True),
	"event": Row(lambda w: {"event": "on_issue_opened", **w.about}, True),
	"list_runs": Row(),
	"get_run": Row(about_document=True),
	"openapi": Row(),
}
#: These look, and get their parameters in the query.
IN_QUERY = ("GET", "DELETE")


@pytest.fixture
def callers(site, server, token):
	"""(name, its roles, client, user) of every sort of caller. A guest, a wrong token and a revoked key are nobody."""
	revoked = r.user("Flow Manager")
	revoked_key = key_of(revoked)
	frappe.db.set_value("User", revoked.name, "api_key", None)
	users = {
		"plain user": r.user("Support Team"),
		"Flow User": r.user("Flow User"),
		"Flow Manager": r.user("Flow Manager"),
		"System Manager": r.user("System Manager"),
	}
	service = frappe.get_doc("Flow Settings").service_user
	found = [(name, user.name, Client(server, Authorization=key_of(user))) for name, user in users.items()]
	found += [
		("guest", None, Client(server)),
		("internal token", service, Client(server, Authorization=f"Bearer {TOKEN}")),
		("wrong token", None, Client(server, Authorization=f"Bearer {TOKEN}x")),
		("revoked key", None, Client(server, Authorization=revoked_key)),
	]
	frappe.db.commit()
	return found


def world_of(owner: str) -> World:
	todo = r.make("ToDo", description="Private words", allocated_to=owner, assigned_by=owner)
	frappe.db.set_value("ToDo", todo.name, "owner", owner)
	steps = [r.step("a", trigger={"type": "manual"}), r.step("b", "erp_update", payload={"doctype": "ToDo", "docname_ref": "none", "fields_json": '{"x": 1}'})]  # fmt: skip
	flow = r.template(*steps, event="manual")
	run = api.start(template=flow.name, doctype="ToDo", docname=todo.name)["run"]["name"]
	# One that can be deleted, for the route that deletes.
	world = World(todo.name, r.template(r.step("a", trigger={"type": "manual"})).name, run)
	frappe.db.commit()
	return world


def expected(route, user: str | None, whose: str) -> set[int]:
	"""The statuses that are right: refused at the door, refused for the document, or let through."""
	if user is None:
		return {401}
	roles = set(frappe.get_roles(user))
	if not roles & set(route.roles):
		return {403}
	if whose == OTHERS and ROWS[route.name].about_document and "System Manager" not in roles:
		return {403}
	return {200, 201}


def test_every_route_has_a_row():
	assert set(ROWS) == {route.name for route in ROUTES}
	assert all(set(route.roles) in (set(AUTHORS), set(OPERATORS)) for route in ROUTES)


def test_the_matrix(site, callers):
	stranger = r.user("Flow Manager").name
	misses, size = [], 0
	for name, user, client in callers:
		for whose in (OWN, OTHERS):
			for route in ROUTES:
				frappe.set_user("Administrator")
				world = world_of(user if whose == OWN and user else stranger)
				right = expected(route, user, whose)
				body = ROWS[route.name].body(world)
				path = route.path.format(template=world.template, run=world.run)
				parameters = {"params": body} if route.verb in IN_QUERY else {"body": body}
				answer = client(route.verb, path, **parameters)
				size += 1
				if answer.status_code not in right:
					misses.append((name, whose, route.name, "HTTP", answer.status_code, answer.text[:200]))
				if (
					answer.status_code < 400
					and whose == OTHERS
					and "System" not in name
					and "Private words" in answer.text
				):
					misses.append((name, whose, route.name, "HTTP", "shows the document"))
				if name in ("wrong token", "revoked key", "internal token"):
					continue  # Frappe knows no such caller of a whitelisted method; the door above is theirs
				frappe.set_user("Administrator")
				world = world_of(user if whose == OWN and user else stranger)
				frappe.set_user(user or "Guest")
				size += 1
				if (status := called(route, world)) not in right:
					misses.append((name, whose, route.name, "method", status))
	frappe.set_user("Administrator")
	print(f"\npermission matrix: {size} calls, {len(misses)} misses")
	assert misses == [] and size == len(ROUTES) * 2 * (8 + 5)


def called(route, world: World) -> int:
	"""The status of a route's whitelisted method."""
	given = ROWS[route.name].body(world)
	if route.open_body:
		given = {"values": given}
	given |= {part: getattr(world, part) for part in route.parts}
	try:
		getattr(api, route.name)(**given)
	except frappe.AuthenticationError:
		return 401
	except frappe.PermissionError:
		return 403
	finally:
		frappe.db.rollback()
	return 200


def test_lists_hide_runs_about_what_one_may_not_read(site):
	reader, owner = r.user("Flow User"), r.user("Flow User")
	world, unbound = world_of(owner.name), api.start(template=r.template(r.step("a")).name)["run"]["name"]
	row = frappe.get_doc(
		{"doctype": "Flow Step Pending", "flow_run": world.run, "step_id": "a", "status": "pending"}
	)
	row.insert()
	names = lambda doctype: {found.name for found in frappe.get_list(doctype, limit=0)}  # noqa: E731
	for user, sees in ((reader, False), (owner, True)):
		frappe.set_user(user.name)
		assert (world.run in names("Flow Run")) is sees and unbound in names("Flow Run")
		assert (row.name in names("Flow Step Pending")) is sees
		assert bool(frappe.has_permission("Flow Run", "read", world.run)) is sees
		assert bool(frappe.has_permission("Flow Step Pending", "read", row.name)) is sees
		assert (world.run in [run["name"] for run in api.list_runs(limit=500)["runs"]]) is sees
	frappe.set_user("Administrator")
	frappe.delete_doc("ToDo", world.doc, force=True)
	frappe.set_user(reader.name)
	assert world.run in names("Flow Run") and frappe.has_permission("Flow Run", "read", world.run)


def test_the_list_s_condition_is_said_of_every_doctype_that_runs_are_about(site):
	operator = r.user("Flow User")
	issue = r.issue(r.customer())
	about = api.start(template=r.template(r.step("a")).name, doctype="Issue", docname=issue.name)["run"][
		"name"
	]
	frappe.set_user(operator.name)  # who may read no Issue at all
	assert about not in frappe.get_list("Flow Run", pluck="name")
	with pytest.raises(frappe.PermissionError):
		api.get_run(run=about)
