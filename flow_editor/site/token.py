"""The internal token of Flow Settings: by it a system outside acts as the service user.

What is set is checked where it is saved and again where it is used, since settings may be older than the rule. Who sends
wrong ones is slowed, by address.
"""

from __future__ import annotations

import hmac

import frappe
from frappe import _
from frappe.auth import LoginAttemptTracker

SHORTEST = 20
#: How many different characters it has at the least.
FEWEST_CHARACTERS = 8
#: So many wrong ones in a row from one address within so many seconds, and for as long it is refused whatever it sends.
WRONG_IN_A_ROW = 50
LOCKED_SECONDS = 60


def problem(token: str) -> str | None:
	"""What is wrong with a token, as a sentence that says what to do, or None."""
	if len(token) < SHORTEST or len(set(token)) < FEWEST_CHARACTERS:
		return _(
			"The internal token is too easily guessed. Use at least {0} characters that nobody could think of, such as "
			"those of a password manager."
		).format(SHORTEST)
	return None


def service_user_problem(user: str | None) -> str | None:
	"""What is wrong with the service user, as a sentence that says what to do, or None."""
	if not user:
		return _("Name the service user whom the internal token stands for.")
	if user in frappe.STANDARD_USERS:
		return _(
			"{0} cannot be the service user. Make a user of its own for it, with the roles that it needs."
		).format(user)
	return None


def user_of(settings, given: str) -> str | None:
	"""The user whom a bearer token stands for, or None if it is not the internal token.

	Without a sound one in Flow Settings, or with the service user disabled, that door is shut.

	Raises:
		frappe.TooManyRequestsError: too many wrong ones have come from this address.
	"""
	stored = is_open(settings)
	if not stored:
		return None
	tracker = _tracker()
	if not tracker.is_user_allowed():
		raise frappe.TooManyRequestsError
	if not hmac.compare_digest(given.encode(), stored.encode()):
		return None
	if tracker.login_failed_count:
		tracker.add_success_attempt()
	return settings.service_user


def is_open(settings) -> str | None:
	"""The token that opens the door, or None if nothing does."""
	if service_user_problem(settings.service_user):
		return None
	stored = settings.get_password("internal_token", raise_exception=False)
	if not stored or problem(stored) or not frappe.db.get_value("User", settings.service_user, "enabled"):
		return None
	return stored


def was_wrong(settings) -> None:
	"""A bearer token was sent that nobody knows."""
	if is_open(settings):
		_tracker().add_failure_attempt()


def _tracker() -> LoginAttemptTracker:
	return LoginAttemptTracker(
		f"flow_editor:{frappe.local.request_ip}",
		max_consecutive_login_attempts=WRONG_IN_A_ROW - 1,
		lock_interval=LOCKED_SECONDS,
	)
