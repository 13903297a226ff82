"""The site as a host."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import date, datetime
from functools import cached_property, lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import frappe
from frappe.realtime import get_doctype_room
from frappe.utils import get_system_timezone

from flow_editor.engine import secrets
from flow_editor.engine.errors import KEEPS_USER, OUTSIDE, NotAllowed, StepFailed
from flow_editor.engine.event import TriggerEvent
from flow_editor.engine.field_type import Types
from flow_editor.engine.field_types import type_table
from flow_editor.engine.filters import Filter, filter_table, shadowed
from flow_editor.engine.kind import Catalog
from flow_editor.engine.logic import Operator, operator_table
from flow_editor.engine.outcome import Outcome
from flow_editor.engine.reading import Limits
from flow_editor.engine.records import Run
from flow_editor.engine.values import Conventions
from flow_editor.kinds import builtin_kinds, load_kinds, resolve_path
from flow_editor.kinds.web_call import ANSWER_KB
from flow_editor.services import failures
from flow_editor.services.events import event_table
from flow_editor.services.host import Rehearsal
from flow_editor.site import errors, holidays, imports, inert, listeners, poke, transaction
from flow_editor.site.documents import SiteDocuments
from flow_editor.site.erpnext import SiteErpnext
from flow_editor.site.http import GuardedHttp, allowed_entries, certificates
from flow_editor.site.messages import SiteMessages
from flow_editor.site.store import SiteStore
from flow_editor.site.visibility import may_read, may_read_all, subject
from flow_editor.site.words import SiteWords
from flow_editor.trial.host import TrialHost
from flow_editor.trial.live import LiveStore

#: Hooks by which other apps add kinds, events, operators, types of fields and filters: lists of dotted paths.
KINDS_HOOK = "flow_editor_kinds"
EVENTS_HOOK = "flow_editor_events"
OPERATORS_HOOK = "flow_editor_operators"
TYPES_HOOK = "flow_editor_field_types"
FILTERS_HOOK = "flow_editor_filters"
#: Where Flow Settings were saved before they had the field.
DEFAULT_MAX_DEPTH = 5
#: Acting as who acts already, which every step asks for.
AS_BEFORE = nullcontext()


class SiteHost:
	switches_seeds_on = False

	def __init__(self) -> None:
		self.store = SiteStore()
		self.documents = SiteDocuments()
		self.erpnext = SiteErpnext(self.documents)
		self.messages = SiteMessages()
		self.words = SiteWords()

	@property
	def catalog(self) -> Catalog:
		return _catalog(tuple(frappe.get_hooks(KINDS_HOOK)))

	@property
	def events(self) -> dict[str, TriggerEvent]:
		return _events(tuple(frappe.get_hooks(EVENTS_HOOK)))

	@property
	def operators(self) -> dict[str, Operator]:
		return _operators(tuple(frappe.get_hooks(OPERATORS_HOOK)), self.conventions)

	@cached_property
	def field_types(self) -> Types:
		return _field_types(tuple(frappe.get_hooks(TYPES_HOOK)))

	@cached_property
	def filters(self) -> Mapping[str, Filter]:
		return _filters(tuple(frappe.get_hooks(FILTERS_HOOK)))

	@cached_property
	def conventions(self) -> Conventions:
		system = frappe.get_cached_doc("System Settings")
		usual = Conventions()
		return Conventions(
			system.date_format or usual.date, system.number_format or usual.number, self.timezone
		)

	@cached_property
	def settings(self):
		return frappe.get_cached_doc("Flow Settings")

	@cached_property
	def http(self) -> GuardedHttp:
		settings = self.settings
		has_login = settings.proxy and settings.proxy_login
		return GuardedHttp(
			allowed_entries(settings.allowed_hosts),
			(settings.response_limit_kb or ANSWER_KB) * 1024,
			authorities=certificates(settings.authorities),
			proxy=settings.proxy or "",
			proxy_login=settings.get_password("proxy_login", raise_exception=False) or ""
			if has_login
			else "",
		)

	@cached_property
	def limits(self) -> Limits:
		default = Limits()
		return Limits(
			max_steps=self.settings.max_steps or default.max_steps,
			max_bytes=(self.settings.max_definition_kb or 0) * 1024 or default.max_bytes,
		)

	@property
	def max_depth(self) -> int:
		depth = self.settings.max_depth
		return DEFAULT_MAX_DEPTH if depth is None else depth

	@cached_property
	def timezone(self) -> str:
		return get_system_timezone()

	@cached_property
	def _zone(self) -> ZoneInfo:
		return ZoneInfo(self.timezone)

	def now(self) -> datetime:
		# As frappe.utils.now_datetime, which looks the zone up each time; steps ask for every moment of theirs.
		return datetime.now(self._zone).replace(tzinfo=None)

	def days_off(self, company: str, first: date, last: date) -> Collection[date]:
		return holidays.days_off(company, first, last)

	def monotonic(self) -> float:
		return time.monotonic()

	@property
	def user(self) -> str:
		return frappe.session.user

	def may_name(self, user: str) -> bool:
		# An install or migrate, which seeds, is nobody's session but the admin's.
		return "System Manager" in frappe.get_roles() or frappe.session.user == "Administrator"

	def acting_as(self, user: str) -> AbstractContextManager[None]:
		return AS_BEFORE if user == frappe.local.session.user else self._as(user)

	@contextmanager
	def _as(self, user: str) -> Iterator[None]:
		enabled = transaction.current().enabled
		if user not in enabled:
			found = frappe.db.sql("SELECT enabled FROM `tabUser` WHERE name = %s", user)
			enabled[user] = found[0][0] if found else None
		if not enabled[user]:
			what = "does not exist. Let" if enabled[user] is None else "is disabled. Enable them, or let"
			raise StepFailed(
				f"The user {user or '(none)'} whom this flow runs as {what} the flow run as another.",
				helps=KEEPS_USER,
			)
		kept = frappe.session.user, frappe.session.sid, frappe.session.data, frappe.local.form_dict
		_set_user(user)
		try:
			yield
		finally:
			_set_user(kept[0])
			_, frappe.session.sid, frappe.session.data, frappe.local.form_dict = kept

	def poke(self) -> None:
		current = transaction.current()
		if not current.will_poke:
			current.will_poke = True
			frappe.db.after_commit.add(poke.poke)

	def breaks_transaction(self, error: BaseException) -> bool:
		return errors.breaks_transaction(error)

	def is_conflict(self, error: BaseException) -> bool:
		return errors.is_conflict(error)

	def secret(self, name: str, url: str) -> str:
		row = next((row for row in self.settings.secrets if row.secret_name == name), None)
		value = row.get_password("value", raise_exception=False) if row else None
		if not value:
			raise StepFailed(
				f"There is no secret {name!r}. An admin can add it in Flow Settings.", helps=OUTSIDE
			)
		if not secrets.may_go(url, row.hosts.split()):
			try:
				where = str(secrets.place_of(url))
			except ValueError as error:
				where = str(error)
			raise StepFailed(
				f"The secret {name} is not to be sent to {where}. It goes by https to the hosts that stand beside it in Flow "
				"Settings; an admin can add this one, with its port if it has one of its own.",
				helps=OUTSIDE,
			)
		return value

	def refusal(self, error: BaseException, user: str = "") -> str | None:
		if isinstance(error, frappe.InReadOnlyMode) and transaction.is_for_reading():
			return "This step writes to the database by itself, which a trial does not let it. A real run would do it."
		if isinstance(error, frappe.TimestampMismatchError):
			return None  # somebody saved at the same moment: it may well work in a minute
		if isinstance(error, frappe.ValidationError | frappe.PermissionError | frappe.NameError):
			return errors.words(error, user or self.user)
		if isinstance(error, frappe.db.DataError) or errors.is_wrong_value(error):
			# A number too large for its column, a date that is none.
			return f"The database does not take a value: {error.args[-1] if error.args else error}. Correct the step."
		return None

	def check_visible(self, run: Run) -> None:
		doctype, name = subject(run.context_doctype, run.context_docname, run.customer)
		if not may_read(doctype, name):
			raise NotAllowed(f"You may not see {doctype} {name}, which this run is about.")

	def withholds(self, run: Run) -> bool:
		return bool(run.customer) and not may_read("Customer", run.customer)

	@contextmanager
	def rehearsal(self, now: datetime | None) -> Iterator[Rehearsal]:
		with transaction.nothing_written():
			trial = TrialHost(now=now or self.now(), store=LiveStore, beneath=self)
			try:
				yield trial
			finally:
				trial.store.close()

	def is_watched(self, doctype: str) -> bool:
		return doctype in self.catalog.watched or doctype in listeners.heard().watched

	def is_first(self, key: str) -> bool:
		asked = transaction.current().asked
		if key in asked:
			return False
		asked.add(key)
		return True

	def run_changed(self, outcome: Outcome) -> None:
		changed = transaction.current().changed_runs
		if not changed:
			# One message for all of them: a batch would spend a fifth of its time in sending one each. It goes to those
			# who may see runs at all, so it says no more than their names.
			frappe.publish_realtime(
				"flow_runs_changed", {"runs": changed}, room=get_doctype_room("Flow Run"), after_commit=True
			)
		changed.append(outcome.run.name)

	def left_out(self, template: str, doctype: str, docname: str, source: str) -> None:
		imports.left_out(template, doctype, docname, source)

	def tell_owner(self, run: Run, title: str, message: str, reason: str = "") -> None:
		owner = frappe.db.get_value("Flow Template", run.flow_template, "owner")
		about = subject(run.context_doctype, run.context_docname, run.customer)
		named = " ".join(about).strip() if may_read(*about, owner) else ""
		if not may_read_all(run.context_doctype, run.context_docname, run.customer, owner):
			reason = ""
		title, message = failures.headline(title, named, reason), f"{message} {reason}".strip()
		try:
			with self.store.savepoint():
				# It sends an e-mail too, if the owner wants one.
				frappe.get_doc(
					{
						"doctype": "Notification Log",
						"type": "Alert",
						"for_user": owner,
						"document_type": "Flow Run",
						"document_name": run.name,
						"subject": inert.words(title),
						"email_content": inert.words(message),
					}
				).insert(ignore_permissions=True)
		except Exception as error:
			if self.breaks_transaction(error):
				raise
			self.log(f"{owner} could not be told: {title}", frappe.get_traceback())

	def log(self, title: str, detail: str = "", *, once_a_day: bool = False) -> None:
		try:
			if once_a_day and _told_today(title):
				return
			frappe.log_error(title=title[:140], message=detail or title)
		except Exception:
			# Not even the log table takes it: the file does, and the flow's own work goes on.
			frappe.logger("flow_editor").exception("%s: %s", title, detail)


def current() -> SiteHost:
	"""The host of this request or job."""
	host = getattr(frappe.local, "flow_editor_host", None)
	if host is None:
		host = frappe.local.flow_editor_host = SiteHost()
	return host


def _set_user(user: str) -> None:
	"""As Frappe's own, which forgets what it has read from Redis too: every DocType would be read anew, in the midst of
	somebody's save. That is the same for all users, or goes by the user's name; permissions are forgotten all the same."""
	read = frappe.local.cache
	frappe.set_user(user)
	frappe.local.cache = read


def _told_today(title: str) -> bool:
	"""Whether this is said for the second time within a day. Without Redis it is said again."""
	key = f"flow_editor_told:{hashlib.sha256(title.encode()).hexdigest()}"
	told = frappe.cache.get_value(key, expires=True)
	if not told:
		frappe.cache.set_value(key, 1, expires_in_sec=24 * 60 * 60)
	return bool(told)


@lru_cache(maxsize=16)
def _catalog(paths: tuple[str, ...]) -> Catalog:
	return Catalog([*builtin_kinds(), *load_kinds(paths)])


@lru_cache(maxsize=16)
def _events(paths: tuple[str, ...]) -> dict[str, TriggerEvent]:
	return event_table(event for path in paths for event in _named_events(path))


@lru_cache(maxsize=16)
def _operators(paths: tuple[str, ...], conventions: Conventions) -> dict[str, Operator]:
	def ignored(name: str) -> None:
		frappe.logger("flow_editor").warning(
			"An app's operator %r is ignored: the language has one of that name.", name
		)

	return operator_table(map(resolve_path, paths), conventions, ignored)


@lru_cache(maxsize=16)
def _field_types(paths: tuple[str, ...]) -> Types:
	return type_table(named() if isinstance(named, type) else named for named in map(resolve_path, paths))


@lru_cache(maxsize=16)
def _filters(paths: tuple[str, ...]) -> Mapping[str, Filter]:
	named = [one for path in paths for one in _listed(resolve_path(path))]
	for name in shadowed(named):
		frappe.logger("flow_editor").warning("An app's filter %s is ignored: Flow Editor brings one.", name)
	return filter_table(named)


def _listed(named: Any) -> list[Any]:
	return list(named) if isinstance(named, list | tuple) else [named]


def _named_events(path: str) -> Iterator[TriggerEvent]:
	named = resolve_path(path)
	for event in named if isinstance(named, list | tuple) else [named]:
		if not isinstance(event, TriggerEvent):
			raise TypeError(f"{path} names {event!r}, which is no trigger event")
		yield event
