"""The host of trials: a virtual clock, captured messages and calls.

It stands alone, with documents of its own and no permissions to obey; or over another host, whose documents it reads as that
one's users may, and whose kinds, words and holidays are its own. It never sends anything, and never touches a document that
is not its own.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from datetime import date, datetime, timedelta, timezone
from typing import Any

from flow_editor.engine import timing
from flow_editor.engine.address import parse
from flow_editor.engine.context import render_html
from flow_editor.engine.errors import EITHER, FlowError, NotFound
from flow_editor.engine.event import TriggerEvent
from flow_editor.engine.field_types import BUILT_IN
from flow_editor.engine.filters import SHIPPED
from flow_editor.engine.kind import Catalog
from flow_editor.engine.logic import Operator, operator_table
from flow_editor.engine.outcome import Outcome
from flow_editor.engine.people import Reader, Words
from flow_editor.engine.ports import FATE_SENT, Fate, HttpResponse
from flow_editor.engine.reading import Limits
from flow_editor.engine.records import Run
from flow_editor.engine.render import render_text
from flow_editor.engine.values import Conventions
from flow_editor.kinds import builtin_kinds
from flow_editor.services import authored, failures, publishing, templates
from flow_editor.services.events import event_table
from flow_editor.services.host import Host, Rehearsal
from flow_editor.trial.answers import Answer, answers_in
from flow_editor.trial.documents import TrialDocuments
from flow_editor.trial.erpnext import OverlaidErpnext, TrialErpnext
from flow_editor.trial.live import LiveStore
from flow_editor.trial.overlay import OverlaidDocuments
from flow_editor.trial.store import TrialStore

logger = logging.getLogger("flow_editor.trial")
#: Where the clock's lead over the real one is kept, in seconds.
CLOCK_LEAD = "clock_lead_seconds"
#: Where it is kept what web calls are answered.
HTTP_ANSWERS = "http_answers"
#: The product's own words in texts for people, by language.
WORDS: Mapping[str, Mapping[str, str]] = {
	"fr": {"Yes": "Oui", "No": "Non"},
	"de": {"Yes": "Ja", "No": "Nein"},
	"es": {"Yes": "Sí", "No": "No"},
	"it": {"Yes": "Sì", "No": "No"},
	"nl": {"Yes": "Ja", "No": "Nee"},
	"pt": {"Yes": "Sim", "No": "Não"},
}


def utc_now() -> datetime:
	return datetime.now(timezone.utc).replace(tzinfo=None)


class TrialHost:
	"""A host in memory, or on a file.

	Args:
		path: the SQLite file, or ":memory:".
		now: a moment at which the clock stands still; by default it runs, ahead of the real one by as much
			as it has been moved.
		store: what keeps it all.
		beneath: the host that it stands over, if it does.
	"""

	timezone = "UTC"
	switches_seeds_on = True
	conventions = Conventions(zone=timezone)
	max_depth = 5

	def __init__(
		self,
		path: str = ":memory:",
		*,
		now: datetime | None = None,
		store: type[TrialStore] = TrialStore,
		beneath: Host | None = None,
	):
		self._frozen = now
		self._beneath = beneath
		self.store = store(
			path,
			lambda new, old: authored.prepare(self, new, old),
			lambda template, note: publishing.published(self, template, note),
			lambda template: templates.check_deletion(self, template),
			self.now,
			self.user,
		)
		lead = self.store.meta(CLOCK_LEAD)
		self._lead = timedelta(seconds=float(lead or 0))
		self.http = CapturedHttp(self)
		if beneath is None:
			self._stand_alone()
		else:
			self._stand_over(beneath)
		#: Whether something has become due since the inbox was last drained.
		self.poked = False
		#: What admins would find in a log: title and detail.
		self.logged: list[tuple[str, str]] = []
		#: What was asked for once in a transaction, of which this is the number; see `Host.is_first`.
		self._asked: tuple[int, set[str]] = (0, set())
		#: Called with what each advance did.
		self.watchers: list[Any] = []

	def _stand_alone(self) -> None:
		self.documents = TrialDocuments(self, self.store)
		self.erpnext = TrialErpnext(self.documents)
		self.messages = CapturedMessages(self)
		self.words: Words = TrialWords(self)
		self.catalog = Catalog(builtin_kinds())
		self.events: Mapping[str, TriggerEvent] = event_table()
		self.operators: Mapping[str, Operator] = operator_table()
		self.field_types, self.filters = BUILT_IN, SHIPPED
		self.limits = Limits()

	def _stand_over(self, beneath: Host) -> None:
		self.documents = OverlaidDocuments(self, self.store, beneath)
		self.erpnext = OverlaidErpnext(self.documents, beneath)
		self.messages = RehearsedMessages(self, beneath)
		self.words = beneath.words
		self.catalog, self.events, self.operators = beneath.catalog, beneath.events, beneath.operators
		self.field_types, self.filters, self.limits = beneath.field_types, beneath.filters, beneath.limits
		self.timezone, self.conventions = beneath.timezone, beneath.conventions
		self.max_depth = beneath.max_depth

	@contextmanager
	def rehearsal(self, now: datetime | None) -> Iterator[Rehearsal]:
		trial = TrialHost(now=now or self.now(), store=LiveStore, beneath=self)
		try:
			yield trial
		finally:
			trial.store.close()

	# The clock

	def now(self) -> datetime:
		return self._frozen or utc_now() + self._lead

	def move_clock(self, to: datetime) -> None:
		"""Let it be later. Raises FlowError for a moment that has passed."""
		if to < self.now():
			raise FlowError("The clock only goes forward.")
		if self._frozen is not None:
			self._frozen = to
			return
		self._lead += to - self.now()
		self.store.set_meta(CLOCK_LEAD, str(self._lead.total_seconds()))

	def days_off(self, company: str, first: date, last: date) -> Collection[date]:
		beneath = self._beneath
		return timing.weekends(first, last) if beneath is None else beneath.days_off(company, first, last)

	def monotonic(self) -> float:
		return time.monotonic()

	# Who, and what goes wrong

	@property
	def user(self) -> str:
		return "lab" if self._beneath is None else self._beneath.user

	def may_name(self, user: str) -> bool:
		return True

	def acting_as(self, user: str) -> AbstractContextManager[None]:
		return nullcontext() if self._beneath is None else self._beneath.acting_as(user)

	def check_visible(self, run: Run) -> None:
		"""Everybody sees everything."""

	def withholds(self, run: Run) -> bool:
		return False

	def poke(self) -> None:
		self.poked = True

	def breaks_transaction(self, error: BaseException) -> bool:
		return self._beneath is not None and self._beneath.breaks_transaction(error)

	def is_conflict(self, error: BaseException) -> bool:
		return False

	def secret(self, name: str, url: str) -> str:
		return f"(secret {name})"  # nothing is sent from here

	def refusal(self, error: BaseException, user: str = "") -> str | None:
		return None if self._beneath is None else self._beneath.refusal(error, user)

	def is_watched(self, doctype: str) -> bool:
		return doctype in self.catalog.watched or self.store.is_watched(doctype)

	def is_first(self, key: str) -> bool:
		number = self.store.transaction_number
		if self._asked[0] != number:
			self._asked = (number, set())
		is_first = key not in self._asked[1]
		self._asked[1].add(key)
		return is_first

	def run_changed(self, outcome: Outcome) -> None:
		for watcher in self.watchers:
			watcher(outcome)

	def left_out(self, template: str, doctype: str, docname: str, source: str) -> None:
		self.log(f"Flow {template} was not started by {source}", f"{doctype} {docname} was imported.")

	def tell_owner(self, run: Run, title: str, message: str, reason: str = "") -> None:
		about = f"{run.context_doctype} {run.context_docname}".strip()  # who runs a flow here sees it
		self.logged.append((failures.headline(title, about, reason), f"{message} {reason}".strip()))

	def log(self, title: str, detail: str = "", *, once_a_day: bool = False) -> None:
		if once_a_day and any(title == logged for logged, _ in self.logged):
			return
		self.logged.append((title, detail))
		if self._beneath is None:
			logger.warning("%s", f"{title}: {detail}" if detail else title)

	# What would have been sent

	def capture(self, message: Mapping[str, Any]) -> str:
		cursor = self.store.execute(
			"INSERT INTO sent (at, message) VALUES (?, ?)",
			(str(self.now()), json.dumps(message, ensure_ascii=False)),
		)
		return f"SENT-{cursor.lastrowid:05d}"

	def sent(self) -> list[dict[str, Any]]:
		rows = self.store.execute("SELECT at, message FROM sent ORDER BY position")
		return [{"at": at, **json.loads(message)} for at, message in rows]

	def written(self) -> list[dict[str, Any]]:
		return list(self.documents.journal)


class TrialWords:
	"""A customer's language is what its document says; the host's own is English."""

	def __init__(self, host: TrialHost):
		self._host = host

	def language(self, customer: str) -> str:
		return str(self.linked("Customer", customer, "language") or "en") if customer else "en"

	def translated(self, text: str, language: str) -> str:
		return WORDS.get(language.replace("_", "-").partition("-")[0], {}).get(text, text)

	def linked(self, doctype: str, name: str, field: str) -> Any:
		with suppress(NotFound):
			return self._host.documents.stored(doctype, name).get(field)
		return None


class CapturedMessages:
	"""What is sent is captured, and with that has arrived: nothing waits here, and nobody has unsubscribed."""

	def __init__(self, host: TrialHost):
		self._host = host

	def unsubscribed(self, recipients: Sequence[str], *, doctype: str = "", name: str = "") -> list[str]:
		return []

	def fates(self, names: Collection[str]) -> dict[str, Fate]:
		return {name: Fate(FATE_SENT) for name in names}

	def send_email(
		self,
		recipients: Sequence[str],
		subject: str,
		body: str,
		*,
		doctype: str = "",
		name: str = "",
		run: str = "",
	) -> str:
		return self._host.capture(
			{"channel": "email", "to": ", ".join(recipients), "subject": subject, "body": body}
		)

	def email_template(self, name: str, scope: Mapping[str, Any], reader: Reader) -> tuple[str, str]:
		try:
			template = self._host.documents.get("Email Template", name)
		except NotFound:
			raise NotFound(
				f"There is no Email Template {name!r}. Make one of that name, or choose another in the flow.",
				helps=EITHER,
			) from None
		subject = render_text(str(template.get("subject") or ""), scope, write=reader.text)
		body = template.get("response_html") if template.get("use_html") else template.get("response")
		return subject, render_html(str(body or ""), scope, reader.text)

	def sms_problem(self) -> str:
		return ""

	def send_sms(self, recipients: Sequence[str], body: str, *, idempotency_key: str) -> dict[str, Any]:
		for recipient in recipients:
			self._host.capture({"channel": "sms", "to": recipient, "subject": "", "body": body})
		return {"sent": list(recipients)}


class RehearsedMessages(CapturedMessages):
	"""What another host would send is captured, as that host's settings and templates have it."""

	def __init__(self, host: TrialHost, beneath: Host):
		super().__init__(host)
		self._below = beneath.messages

	def unsubscribed(self, recipients: Sequence[str], *, doctype: str = "", name: str = "") -> list[str]:
		return self._below.unsubscribed(recipients, doctype=doctype, name=name)

	def email_template(self, name: str, scope: Mapping[str, Any], reader: Reader) -> tuple[str, str]:
		return self._below.email_template(name, scope, reader)

	def sms_problem(self) -> str:
		return self._below.sms_problem()


class CapturedHttp:
	"""Calls are captured, and answered with what `answers` say of them: the first that fits, else that all is well."""

	def __init__(self, host: TrialHost):
		self._host = host

	@property
	def answers(self) -> list[Answer]:
		return answers_in(json.loads(self._host.store.meta(HTTP_ANSWERS) or "[]"))

	@answers.setter
	def answers(self, answers: Sequence[Answer]) -> None:
		self._host.store.set_meta(HTTP_ANSWERS, json.dumps([answer.as_dict() for answer in answers]))

	def request(
		self, method: str, url: str, *, headers: Mapping[str, str], body: str | None, timeout: float
	) -> HttpResponse:
		self._host.capture(
			{"channel": "webhook", "method": method, "url": url, "body": body or "", "headers": dict(headers)}
		)
		answers = self.answers
		for place, answer in enumerate(answers):
			if answer.fits(method, url):
				if answer.times is not None:
					self.answers = [*answers[:place], *answer.once_less(), *answers[place + 1 :]]
				return answer.given(method, parse(url).host)
		return Answer().given(method, "")
