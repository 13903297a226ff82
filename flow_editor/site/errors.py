"""Errors on their way to the desk, and database errors on their way up."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import frappe
from frappe.utils import escape_html, strip_html

from flow_editor.engine.errors import (
	EITHER,
	Conflict,
	FlowError,
	NotAllowed,
	NotFound,
	NotSignedIn,
	StepFailed,
)

#: MariaDB: lock wait timeout, deadlock, changed since read.
CONFLICT = (1205, 1213, 1020)
#: Those, and the ways in which a connection ends.
BROKEN_TRANSACTION = (*CONFLICT, 2006, 2013, 2055)

#: MariaDB: a date that is none.
WRONG_VALUE = (1292,)

#: What Frappe says of fields that are missing, and the database of a value that another row has.
MANDATORY = re.compile(r"\[(?P<doctype>.+), .*\]: (?P<fields>.+)", re.DOTALL)
KEY = re.compile(r"Duplicate entry '(.*)' for key '([^']+)'", re.DOTALL)


class FlowValidationError(frappe.ValidationError):
	"""A definition or template with problems. `problems` holds each with step, field and message."""

	problems: tuple = ()


class FlowPermissionError(frappe.PermissionError):
	pass


@contextmanager
def as_frappe_errors() -> Iterator[None]:
	"""Raise the services' errors as Frappe's own, so that the desk shows them and answers with their status."""
	try:
		yield
	except FlowError as error:
		raise as_frappe_error(error) from error


@contextmanager
def as_flow_errors(doing: str = "") -> Iterator[None]:
	"""The other way round: Frappe's refusals as the services' errors, with the problems that they carry.

	Args:
		doing: what is done, as it goes on after "may not".
	"""
	frappe.flags.error_message = None  # what an earlier refusal has left is not this one's
	try:
		yield
	except (FlowError, frappe.QueryDeadlockError, frappe.QueryTimeoutError):
		raise
	except frappe.PermissionError as error:
		raise _cause(error) or NotAllowed(words(error, frappe.session.user, doing)) from error
	except frappe.DoesNotExistError as error:
		raise _cause(error) or NotFound(words(error, frappe.session.user)) from error
	except frappe.NameError as error:
		raise Conflict(words(error, frappe.session.user)) from error
	except frappe.ValidationError as error:
		raise _cause(error) or StepFailed(words(error, frappe.session.user), helps=EITHER) from error


def _cause(error: Exception) -> FlowError | None:
	return error.__cause__ if isinstance(error.__cause__, FlowError) else None


def denied(user: str, doing: str, why: str = "") -> str:
	"""Who may not do what, and what helps."""
	return (
		f"User {user} may not {doing}{f' ({why})' if why else ''}. An admin can give them a role with that permission; a flow "
		"can also run as another user."
	)


def words(error: BaseException, user: str, doing: str = "") -> str:
	"""What an error of Frappe's says, as a sentence for an operator. Many have no text of their own, and some nothing but the
	name of a DocType.

	Args:
		user: who was refused.
		doing: what, as it goes on after "may not".
	"""
	text = _text(error)
	if isinstance(error, frappe.PermissionError):
		if text and error.args == (text,) and frappe.db.exists("DocType", text, cache=True):
			doing, text = doing or f"read {text}", ""
		return denied(user, doing or "do what was asked", text.removesuffix("."))
	if isinstance(error, frappe.MandatoryError) and (found := MANDATORY.fullmatch(text)):
		return f"{found['doctype']} cannot be saved without {_labels(**found.groupdict())}. Fill in what is missing."
	if isinstance(error, frappe.DuplicateEntryError | frappe.UniqueValidationError) and len(error.args) > 1:
		return _taken(*error.args)
	if text:
		return text
	why = f"Frappe says {type(error).__name__} and no more"
	if isinstance(error, frappe.DoesNotExistError):
		return f"What was asked for is not there, or not any more ({why})."
	return f"It was refused without a reason ({why}). Do the same by hand in the desk: the form may say why."


def _text(error: BaseException) -> str:
	"""The error's own text, or what Frappe has put aside to be shown with a refusal."""
	said = strip_html(str(error)).strip()
	if not said and isinstance(error, frappe.PermissionError) and frappe.flags.error_message:
		said = strip_html(frappe.flags.error_message).strip()
		frappe.flags.error_message = None
	return said


def _labels(doctype: str, fields: str) -> str:
	names = [name.strip() for name in fields.split(",")]
	meta = frappe.get_meta(doctype) if frappe.db.exists("DocType", doctype, cache=True) else None
	return ", ".join(meta.get_label(name) if meta and meta.has_field(name) else name for name in names)


def _taken(doctype: str, name: object = "", cause: object = "", *_: object) -> str:
	key = KEY.search(str(cause))
	if key is None or key[2].endswith("PRIMARY"):
		return f"There is a {doctype} {name} already."
	field = key[2].rpartition(".")[2]
	return f"There is a {doctype} already whose {_labels(doctype, field)} is {key[1]}."


def as_frappe_error(error: FlowError) -> Exception:
	if isinstance(error, NotAllowed):
		return FlowPermissionError(error.message)
	if isinstance(error, NotSignedIn):
		return frappe.AuthenticationError(error.message)
	if isinstance(error, NotFound):
		return frappe.DoesNotExistError(error.message)
	if error.problems:
		items = "".join(f"<li>{escape_html(str(problem))}</li>" for problem in error.problems[:50])
		head = error.message.split(":", 1)[0]
		frappe.msgprint(f"{escape_html(head)}:<ul>{items}</ul>", title="Flow Editor", indicator="red")
	raised = FlowValidationError(error.message)
	raised.problems = error.problems
	if isinstance(error, Conflict):
		raised.http_status_code = error.status
	return raised


def breaks_transaction(error: BaseException) -> bool:
	"""Whether an error left no transaction to go on in: a deadlock, a lost connection, the job's own timeout."""
	from rq.timeouts import BaseTimeoutException

	if isinstance(error, frappe.QueryDeadlockError | frappe.QueryTimeoutError | BaseTimeoutException):
		return True
	if type(error).__name__ == "InterfaceError":  # every driver's word for a connection that is closed
		return True
	return isinstance(error, frappe.db.OperationalError) and (
		frappe.db.db_type != "mariadb" or not error.args or error.args[0] in BROKEN_TRANSACTION
	)


def is_wrong_value(error: BaseException) -> bool:
	"""Whether the database does not take a value for what its column holds. Its driver calls that an error of operation."""
	return isinstance(error, frappe.db.OperationalError) and error.args[:1] == WRONG_VALUE


def is_conflict(error: BaseException) -> bool:
	"""Whether the database gave way to another transaction: nothing is wrong with what was tried."""
	if isinstance(error, frappe.QueryDeadlockError | frappe.QueryTimeoutError):
		return True
	return isinstance(error, frappe.db.OperationalError) and bool(error.args) and error.args[0] in CONFLICT
