"""What a step may use of the outside: documents, messages and web calls, as a host offers them.

`Surroundings` is all that a step sees of its host. Runs and the inbox are no port: a step never moves its own run.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

from flow_editor.engine.filters import Filter
from flow_editor.engine.people import Reader, Words
from flow_editor.engine.values import Conventions, Document, Types

#: The DocType of whom a run may be for.
CUSTOMER = "Customer"


@dataclass(frozen=True, slots=True)
class HttpResponse:
	status: int
	headers: Mapping[str, str]
	body: str
	#: Whether the body was cut to the limit.
	truncated: bool = False


class Documents(Protocol):
	"""The host's documents, under the permissions of the acting user.

	A refusal raises a `FlowError` with the reason: NotAllowed, NotFound, or StepFailed for a validation error. A DocType
	and a document go by their own names, to the letter: what a database takes for the same is not found.
	Values have the types of their fields (`engine.values`).
	"""

	def get(self, doctype: str, name: str) -> Document:
		"""A document's fields."""

	def check_readable(self, doctype: str, name: str) -> None:
		"""Raise NotAllowed if the acting user may not read a document. One that is not there hides nothing."""

	def shown(self, fields: Mapping[str, Any]) -> Mapping[str, Any]:
		"""A document as `get` gives it, made of fields that are in hand. It is not read again.

		Args:
			fields: with `doctype` and `name`.
		"""

	def ended(self, doctype: str, names: Collection[str]) -> dict[str, str]:
		"""Which of these documents have ended, by name: DOCUMENT_CANCELLED, or DOCUMENT_DELETED if it is gone.

		It asks for no permission.
		"""

	def first(self, doctype: str, name: str) -> str:
		"""The first document of an amendment chain. A document that was amended from none is its own first.

		It asks for no permission.
		"""

	def find(self, doctype: str, filters: Mapping[str, Any], *, limit: int = 20) -> list[Document]:
		"""Documents with these field values (a list value: one of), newest first."""

	def find_open(self, doctype: str, field: str, value: Any) -> Document | None:
		"""The newest document with that value whose status is not a closed one, locked until commit."""

	def create(self, doctype: str, values: Mapping[str, Any]) -> str:
		"""Insert a document and return its name."""

	def update(self, doctype: str, name: str, values: Mapping[str, Any]) -> list[str]:
		"""Set fields and save. Returns the names of those whose value changed."""

	def rehearsed(
		self,
		doctype: str,
		name: str,
		values: Mapping[str, Any],
		*,
		known: Mapping[str, Any] = ...,
		made: Collection[str] = ...,
	) -> Mapping[str, Any]:
		"""The fields that a document would have, were it made or changed so; it is not. It is refused as `create` and `update`
		refuse, as far as that can be told without doing it: by permission, by its fields and by what they link to, and not
		by the document's own code.

		Args:
			name: the document; empty, if it is to be made.
			known: the fields that it has by now, if they are others than what is stored.
			made: names of documents that are to be taken as being there.
		"""

	def fields(self, doctype: str) -> Mapping[str, Mapping[str, Any]] | None:
		"""The DocType's fields by name (fieldtype, label, options). None, if any field will do.

		Raises `StepFailed` if there is no such DocType."""

	def types(self, doctype: str) -> Types:
		"""What the fields of a DocType hold; empty if nothing says. It asks for no permission and never raises."""

	def may_hold(self, doctype: str, field: str) -> bool:
		"""Whether documents of a DocType may have a field that `types` does not name."""

	def is_missing(self, doctype: str, name: str) -> bool:
		"""Whether there is surely no document of that name, or no such DocType."""

	def may(self, permission: str, doctype: str) -> bool:
		"""Whether a role of the acting user lets them `read`, `write` or `create` any document of a DocType. Of one that
		is not there, nothing is forbidden."""

	def describe(self, doctype: str) -> list[dict[str, str]]:
		"""The fields that an expression can read and the acting user may: name, label, fieldtype, in the order of
		the form. Raises NotAllowed, or StepFailed if there is no such DocType."""


class Erpnext(Protocol):
	"""What only ERPNext has, under the permissions of the acting user. It refuses as `Documents` does."""

	def contact(self, customer: str) -> tuple[str, str]:
		"""A customer's primary e-mail address and mobile number, each empty if there is none."""

	def activate_subscription(self, name: str) -> tuple[str, str]:
		"""Bring a Subscription to Active. Returns the status before and after."""


# What became of a mail, as a step's result says it
FATE_QUEUED = "queued"
FATE_SENT = "sent"
FATE_PARTIALLY_SENT = "partially sent"
FATE_FAILED = "failed"
FATE_GONE = "gone"  # its row has been cleared, whatever it was


@dataclass(frozen=True, slots=True)
class Fate:
	"""What became of a mail, and why, if it failed."""

	status: str
	reason: str = ""


class Messages(Protocol):
	def unsubscribed(self, recipients: Sequence[str], *, doctype: str = "", name: str = "") -> list[str]:
		"""Those of the recipients who want no mail, or none about this document."""

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
		"""Queue an HTML mail in the current transaction, linked to a document. Returns the queue row's name.

		Args:
			run: whose mail it is, so that its run can be found if it is not sent.
		"""

	def fates(self, names: Collection[str]) -> dict[str, Fate]:
		"""What became of queued mails, by their rows' names."""

	def email_template(self, name: str, scope: Mapping[str, Any], reader: Reader) -> tuple[str, str]:
		"""An Email Template's subject and HTML body, rendered. Raises StepFailed if there is none."""

	def sms_problem(self) -> str:
		"""Why no SMS can be sent here, or an empty text."""

	def send_sms(self, recipients: Sequence[str], body: str, *, idempotency_key: str) -> dict[str, Any]:
		"""Send through the gateway. Raises StepFailed."""


class Http(Protocol):
	def request(
		self, method: str, url: str, *, headers: Mapping[str, str], body: str | None, timeout: float
	) -> HttpResponse:
		"""Call an address outside, once: a redirect is an answer too. Raises StepFailed if it is refused, or (transient)
		not reached in time."""


class Templates(Protocol):
	"""What a step sees of where flows are kept."""

	def template(self, name: str) -> Mapping[str, Any]:
		"""A template's fields, with `name`. Raises NotFound."""


class Surroundings(Protocol):
	"""What a step sees of its host."""

	store: Templates
	documents: Documents
	erpnext: Erpnext
	messages: Messages
	http: Http
	#: What is known of languages here.
	words: Words
	#: How dates and numbers are read here.
	conventions: Conventions
	#: What conditions compare with, by name.
	operators: Mapping[str, Callable[[Any, Any], bool]]
	#: What expressions may have after a value, by name.
	filters: Mapping[str, Filter]

	def now(self) -> datetime: ...

	def days_off(self, company: str, first: date, last: date) -> Collection[date]:
		"""The days of a range, both ends included, on which a company does not work; empty: the host's own company."""

	def secret(self, name: str, url: str) -> str:
		"""A secret's value, to be sent to a web address. Raises StepFailed if there is none, or it is not to go there."""
