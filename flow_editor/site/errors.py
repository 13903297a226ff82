"""Errors on their way to the desk, and database errors on their way up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import frappe
from frappe.utils import escape_html, strip_html

from flow_editor.engine.errors import Conflict, FlowError, NotAllowed, NotFound, NotSignedIn, StepFailed

#: MariaDB: lock wait timeout, deadlock, changed since read.
CONFLICT = (1205, 1213, 1020)
#: Those, and the ways in which a connection ends.
BROKEN_TRANSACTION = (*CONFLICT, 2006, 2013, 2055)


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
def as_flow_errors() -> Iterator[None]:
	"""The other way round: Frappe's refusals as the services' errors, with the problems that they carry."""
	try:
		yield
	except (FlowError, frappe.QueryDeadlockError, frappe.QueryTimeoutError):
		raise
	except frappe.PermissionError as error:
		raise _cause(error) or NotAllowed(_text(error) or "You have no permission for this.") from error
	except frappe.DoesNotExistError as error:
		raise _cause(error) or NotFound(_text(error)) from error
	except frappe.NameError as error:
		raise Conflict(_text(error)) from error
	except frappe.ValidationError as error:
		raise _cause(error) or StepFailed(_text(error)) from error


def _cause(error: Exception) -> FlowError | None:
	return error.__cause__ if isinstance(error.__cause__, FlowError) else None


def _text(error: Exception) -> str:
	return strip_html(str(error)).strip() or type(error).__name__


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


def is_conflict(error: BaseException) -> bool:
	"""Whether the database gave way to another transaction: nothing is wrong with what was tried."""
	if isinstance(error, frappe.QueryDeadlockError | frappe.QueryTimeoutError):
		return True
	return isinstance(error, frappe.db.OperationalError) and bool(error.args) and error.args[0] in CONFLICT
