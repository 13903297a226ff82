"""What Frappe refuses without a word is said in words: who may not do what, what is missing, what is taken."""

from __future__ import annotations

import frappe
import pytest
import records as r

from flow_editor import api
from flow_editor.engine.errors import EITHER, KEEPS_USER, Conflict, NotAllowed, NotFound, StepFailed
from flow_editor.kinds.control.wait import Wait
from flow_editor.services import templates
from flow_editor.site import errors

HELP = "An admin can give them a role"
CLASSES = (
	"PermissionError",
	"MandatoryError",
	"DuplicateEntryError",
	"UniqueValidationError",
	"IntegrityError",
)


def error_of(step: dict, user=None) -> str:
	"""With what a step fails whose flow runs as that user, by default Administrator."""
	flow = r.template(step, run_as=user.name if user else "Administrator")
	run = api.start(template=flow.name)["run"]
	said = run["step_state"]["a"]["error"]
	assert run["step_state"]["a"]["status"] == "failed" and not any(name in said for name in CLASSES)
	return said


def writing(doctype: str, name: str, **values) -> dict:
	return r.step("a", "erp_update", payload={"doctype": doctype, "docname_ref": name, "fields_json": values})


def test_a_step_says_who_may_not_do_what_and_what_helps(site):
	user, issue, customer = r.user("Flow Manager"), r.issue(), r.customer()
	said = error_of(writing("Issue", issue.name, subject="x"), user)
	assert said.startswith(f"User {user.name} may not change Issue {issue.name}.") and HELP in said
	making = r.step("a", "issue", payload={"subject": "x"})
	said = error_of(making, user)
	assert said.startswith(f"User {user.name} may not create Issue") and HELP in said
	assert said.endswith(
		KEEPS_USER
	)  # it is given the permission, and retried; another user is for later runs
	reading = r.step("a", "condition", payload={"field": "doc.customer_name", "op": "not_empty"})
	flow = r.template(reading, run_as=user.name)
	with pytest.raises(
		frappe.ValidationError, match=f"{user.name} may not read Customer {customer.name}. {HELP}"
	):
		api.start(template=flow.name, doctype="Customer", docname=customer.name)


def test_an_email_template_that_asks_for_more_than_the_user_may_read_says_so(site):
	user, customer = r.user("Flow Manager", "Inbox User"), r.customer()
	asks = r.make(
		"Email Template",
		name=r.unique("Asks"),
		subject="s",
		response=f"{{{{ frappe.get_list('Customer', filters={{'name': '{customer.name}'}}) }}}}",
	)
	frappe.db.set_value("Email Template", asks.name, "owner", user.name)
	said = error_of(r.step("a", "notify", payload={"to": "a@example.com", "template_id": asks.name}), user)
	assert said.startswith(f"User {user.name} may not") and HELP in said


@pytest.mark.parametrize(
	("response", "said"),
	[("Hello {{ name", "cannot be rendered"), ("{{ ''.__class__ }}", "no template may read")],
)
def test_an_email_template_that_is_broken_says_so_in_a_sentence(site, response, said):
	broken = r.make("Email Template", name=r.unique("Broken"), subject="s", response="Hello")
	# The form refuses such a template; an import or another hand may bring it all the same.
	frappe.db.set_value("Email Template", broken.name, "response", response)
	admin = frappe.get_doc("User", "Administrator")
	error = error_of(
		r.step("a", "notify", payload={"to": "a@example.com", "template_id": broken.name}), admin
	)
	assert broken.name in error and said in error and "Traceback" not in error


def raised_by(monkeypatch, site, error) -> str:
	"""What is told of a step whose kind, as another app's may, raises an error of Frappe's."""

	def run(self, step, ctx):
		raise error if isinstance(error, Exception) else error()

	monkeypatch.setattr(Wait, "run", run)
	monkeypatch.setattr(Wait, "effect", "documents")
	return error_of(r.step("a"), r.user("Flow Manager"))


def refused_by_frappe() -> Exception:
	doc = frappe.get_doc("Customer", frappe.get_all("Customer", pluck="name", limit=1)[0])
	try:
		doc.raise_no_permission_to("read")
	except frappe.PermissionError as error:
		return error


@pytest.mark.parametrize(
	("error", "wanted"),
	[
		(frappe.PermissionError(), ["User", "may not do what was asked", HELP]),
		(frappe.PermissionError("Customer"), ["may not read Customer", HELP]),
		(refused_by_frappe, ["may not do what was asked (You need the 'read' permission on Customer", HELP]),
		(
			frappe.MandatoryError("[Issue, None]: subject, x"),
			["Issue cannot be saved without Subject, x. Fill in"],
		),
		(frappe.ValidationError(), ["refused without a reason", "by hand in the desk"]),
		(frappe.LinkValidationError("Could not find Customer: Nobody"), ["Could not find Customer: Nobody"]),
		(
			frappe.DuplicateEntryError("Customer", "Ana", Exception(1062, "x")),
			["There is a Customer Ana already."],
		),
		(
			frappe.UniqueValidationError("User", "a", Exception("Duplicate entry 'x@y.z' for key 'email'")),
			["There is a User already whose Email is x@y.z."],
		),
	],
)
def test_what_a_kind_lets_through_is_told_in_words(site, monkeypatch, error, wanted):
	r.customer()
	said = raised_by(monkeypatch, site, error)
	assert all(words in said for words in wanted), said


def test_what_frappe_has_put_aside_for_the_desk_is_told(site, monkeypatch):
	def throw():
		frappe.msgprint("The moon is <b>full</b>.", raise_exception=frappe.ValidationError)

	assert raised_by(monkeypatch, site, throw) == f"The moon is full. {EITHER}"
	# And what an earlier refusal left is not taken for the next one's.
	frappe.flags.error_message = "You need the 'write' permission on Moon."
	with pytest.raises(NotAllowed) as caught, errors.as_flow_errors("walk"):
		raise frappe.PermissionError
	assert "Moon" not in caught.value.message and "may not walk." in caught.value.message


@pytest.mark.parametrize(
	("error", "told"),
	[
		(frappe.PermissionError, NotAllowed), (frappe.DoesNotExistError, NotFound), (frappe.NameError, Conflict),
		(frappe.ValidationError, StepFailed), (frappe.LinkValidationError, StepFailed), (frappe.MandatoryError, StepFailed),
		(frappe.DuplicateEntryError, Conflict), (frappe.UniqueValidationError, StepFailed), (frappe.DocumentLockedError, StepFailed),
	],
)  # fmt: skip
def test_no_error_of_frappe_s_is_its_class_alone(site, error, told):
	with pytest.raises(told) as caught, errors.as_flow_errors():
		raise error
	assert caught.value.message.count(" ") > 5 and caught.value.message.endswith(".")


def test_an_author_who_may_not_is_told_by_name(site):
	user = r.user("Flow User")
	frappe.set_user(user.name)
	with pytest.raises(NotAllowed, match=f"User {user.name} may not make flows"):
		templates.create(site, {"template_name": r.unique("Mine")})
