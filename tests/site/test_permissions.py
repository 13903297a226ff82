"""Who gets through which door: every route of the table, at /flow/… and as a whitelisted method, for every sort of caller,
about their own document and about somebody else's, all over HTTP. A route or whitelisted method without a row here fails."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass

import frappe
import pytest
import records as r
from http_client import TOKEN, Client, key_of

import flow_editor
from flow_editor import api
from flow_editor.doors.routes import AUTHORS, FLOW_USERS, ROUTES
from flow_editor.services import templates
from flow_editor.site.host import current

OWN, OTHERS = "own", "somebody else's"


@dataclass
class World:
	"""What a call is about."""

	doc: str
	template: str
	run: str
	version: str = "1"

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
	"check_template": Row(lambda w: {"flow_definition": {"steps": []}}),
	"publish_template": Row(lambda w: {"draft_revision": 1}),
	"discard_draft": Row(),
	"list_versions": Row(),
	"get_version": Row(),
	"restore_template": Row(lambda w: {"version": 1}),
	"catalog": Row(),
	"validate": Row(lambda w: {"flow_definition": {"steps": []}}),
	"paths": Row(lambda w: {"doctype": "ToDo"}),
	"preview": Row(
		lambda w: {"kind": "notify", "payload": {"subject": "{{doc.description}}"}, **w.about}, True
	),
	"start": Row(lambda w: {"template": w.template, **w.about}, True),
	"confirm": Row(lambda w: {"template": w.template, **w.about}, True),
	"explain": Row(lambda w: {"template": w.template, **w.about}, True),
	"trial": Row(lambda w: {"template": w.template, **w.about}, True),
	"advance": Row(lambda w: {"run": w.run}, True),
	"complete": Row(lambda w: {"run": w.run, "step_id": "a"}, True),
	"cancel": Row(lambda w: {"run": w.run}, True),
	"retry": Row(lambda w: {"run": w.run}, True),
	"event": Row(lambda w: {"event": "on_issue_opened", **w.about}, True),
	"list_runs": Row(),
	"get_run": Row(about_document=True),
	"openapi": Row(),
}
#: The whitelisted methods that are no route's, each with the roles that it takes, None where nobody gets anywhere.
OTHER_METHODS = {
	"flow_editor.api.handle": None,  # answers /flow/… alone
	"flow_editor.flow_editor.doctype.flow_template.flow_template.trigger_events": FLOW_USERS,
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
	# One that can be deleted, for the route that deletes, with a draft for those that act on one.
	world = World(todo.name, r.template(r.step("a", trigger={"type": "manual"})).name, run)
	templates.keep_draft(current(), world.template, {"notes": "In hand"})
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
	assert all(set(route.roles) in (set(AUTHORS), set(FLOW_USERS)) for route in ROUTES)


def test_every_whitelisted_method_is_a_route_s_or_has_a_row():
	for module in pkgutil.walk_packages(flow_editor.__path__, "flow_editor."):
		if not module.name.startswith("flow_editor.lab"):
			importlib.import_module(module.name)
	ours = {
		f"{method.__module__}.{method.__name__}"
		for method in frappe.whitelisted
		if method.__module__.startswith("flow_editor.")
	}
	assert ours == {f"flow_editor.api.{route.name}" for route in ROUTES} | set(OTHER_METHODS)


def test_the_matrix(site, callers):
	stranger = r.user("Flow Manager").name
	misses, size = [], 0
	for name, user, client in callers:
		for whose in (OWN, OTHERS):
			# A wrong token is refused here for what it is, not for having been sent too often.
			frappe.cache.delete_value(["login_failed_count", "login_failed_time"])
			for route in ROUTES:
				frappe.set_user("Administrator")
				world = world_of(user if whose == OWN and user else stranger)
				right = expected(route, user, whose)
				body = ROWS[route.name].body(world)
				path = route.path.format(template=world.template, run=world.run, version=world.version)
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
				world = world_of(user if whose == OWN and user else stranger)
				answer = called(client, f"flow_editor.api.{route.name}", parameters_of(route, world))
				size += 1
				if name == "internal token":
					right = {401}  # it opens /flow/… alone
				elif user is None:
					right = {401, 403}
				if answer.status_code not in {200 if status == 201 else status for status in right}:
					misses.append((name, whose, route.name, "method", answer.status_code, answer.text[:200]))
		for method, roles in OTHER_METHODS.items():
			size += 1
			let_in = roles and user and name != "internal token" and set(roles) & set(frappe.get_roles(user))
			status = called(client, method, {}).status_code
			if status not in ({200} if let_in else {401, 403, 404}):
				misses.append((name, method, status))
	print(f"\npermission matrix: {size} calls, {len(misses)} misses")
	assert misses == [] and size == 8 * (len(ROUTES) * 2 * 2 + len(OTHER_METHODS))


def parameters_of(route, world: World) -> dict:
	"""What a route's whitelisted method is given."""
	given = ROWS[route.name].body(world)
	if route.open_body:
		given = {"values": given}
	return given | {part: getattr(world, part) for part in route.parts}


def called(client: Client, method: str, given: dict):
	"""The answer of a whitelisted method."""
	frappe.db.commit()
	return client.session.post(f"{client.server}/api/method/{method}", json=given, timeout=60)


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


def test_a_run_for_a_customer_alone_is_shown_to_who_may_read_the_customer(site):
	stranger, seller, author = r.user("Flow User"), r.user("Flow User", "Sales User"), r.user("Flow Manager")
	flow, customer = r.template(r.step("a")), r.customer()
	run = api.start(template=flow.name, customer=customer.name)["run"]["name"]
	for user, sees in ((stranger, False), (seller, True)):
		frappe.set_user(user.name)
		assert (run in frappe.get_list("Flow Run", pluck="name")) is sees
		assert bool(frappe.has_permission("Flow Run", "read", run)) is sees
		assert (run in [found["name"] for found in api.list_runs(limit=500)["runs"]]) is sees
	frappe.set_user(author.name)
	for call in (
		lambda: api.get_run(run=run),
		lambda: api.event(event="manual", customer=customer.name),
		lambda: api.start(template=flow.name, customer=customer.name),
	):
		with pytest.raises(frappe.PermissionError):
			call()


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
