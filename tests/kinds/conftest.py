"""The step kinds over ports that live in memory and record what was asked of them."""

from __future__ import annotations

import json
from datetime import datetime
from types import SimpleNamespace

import pytest

from flow_editor.engine.context import Scope, StepContext
from flow_editor.engine.definition import Step
from flow_editor.engine.errors import NotFound, StepFailed
from flow_editor.engine.kind import Catalog
from flow_editor.engine.ports import HttpResponse
from flow_editor.engine.records import Run
from flow_editor.engine.values import Conventions, FieldType
from flow_editor.kinds import builtin_kinds

CLOSED = ("Completed", "Cancelled", "Closed")


class RecordingDocuments:
	"""Documents by DocType and name; `known` gives a DocType's fields where only those will do."""

	def __init__(self):
		self.rows: dict[tuple[str, str], dict] = {}
		self.known: dict[str, dict[str, dict]] = {}
		self.typed: dict[str, dict[str, tuple[str, ...]]] = {}
		self.contacts: dict[str, tuple[str, str]] = {}
		self.updates: list[tuple[str, str, dict]] = []

	def put(self, doctype, name, **values):
		self.rows[doctype, name] = {"name": name, **values}

	def get(self, doctype, name):
		if (doctype, name) not in self.rows:
			raise NotFound(f"There is no {doctype} {name!r}.")
		return self.rows[doctype, name]

	def find(self, doctype, filters, *, limit=20):
		found = [row for (kind, _), row in self.rows.items() if kind == doctype]
		return [row for row in found if all(row.get(key) == filters[key] for key in filters)][::-1][:limit]

	def find_open(self, doctype, field, value):
		found = self.find(doctype, {field: value})
		return next((row for row in found if row.get("status", "Open") not in CLOSED), None)

	def create(self, doctype, values):
		name = f"{doctype} {len(self.rows) + 1}"
		self.put(doctype, name, **values)
		return name

	def update(self, doctype, name, values):
		row = self.get(doctype, name)
		changed = [field for field in values if row.get(field) != values[field]]
		row.update(values)
		self.updates.append((doctype, name, dict(values)))
		return changed

	def fields(self, doctype):
		return self.known.get(doctype)

	def types(self, doctype):
		return {name: FieldType(*about) for name, about in self.typed.get(doctype, {}).items()}


class RecordingErpnext:
	def __init__(self, documents):
		self._documents = documents

	def contact(self, customer):
		return self._documents.contacts.get(customer, ("", ""))

	def activate_subscription(self, name):
		row = self._documents.get("Subscription", name)
		was, row["status"] = row["status"], "Active"
		return was, "Active"


class RecordingMessages:
	def __init__(self):
		self.gone: list[str] = []
		self.emails: list[dict] = []
		self.texts: list[dict] = []
		self.problem = ""

	def send_email(self, recipients, subject, body, *, doctype="", name="", run=""):
		self.emails.append(
			{"to": recipients, "subject": subject, "body": body, "doctype": doctype, "name": name}
		)
		return f"queue-{len(self.emails)}"

	def unsubscribed(self, recipients, *, doctype="", name=""):
		return [address for address in recipients if address in self.gone]

	def email_template(self, name, scope, reader):
		return f"Subject of {name}", f"<p>Body of {name}</p>"

	def sms_problem(self):
		return self.problem

	def send_sms(self, recipients, body, *, idempotency_key):
		self.texts.append({"to": recipients, "body": body, "key": idempotency_key})
		return {"sent": recipients}


class FewWords:
	"""Everybody reads `code`."""

	code = "en"

	def language(self, customer):
		return self.code

	def translated(self, text, language):
		return {"Yes": "Oui", "No": "Non"}[text] if language == "fr" else text

	def linked(self, doctype, name, field):
		return {("Company", "ACME", "default_currency"): "JPY"}.get((doctype, name, field))


class RecordingHttp:
	"""Answers with `answers` in turn, then with 200."""

	def __init__(self):
		self.calls: list[dict] = []
		self.answers: list[HttpResponse] = []

	def request(self, method, url, *, headers, body, timeout):
		self.calls.append(
			{"method": method, "url": url, "headers": dict(headers), "body": body, "timeout": timeout}
		)
		return self.answers.pop(0) if self.answers else HttpResponse(200, {}, '{"ok": true}')


class Bench:
	"""One run about one document, and whatever step of it a test asks for."""

	conventions = Conventions()

	def __init__(self):
		self.documents, self.messages, self.http = RecordingDocuments(), RecordingMessages(), RecordingHttp()
		self.erpnext = RecordingErpnext(self.documents)
		self.words = FewWords()
		self.catalog = Catalog(builtin_kinds())
		self.store = SimpleNamespace(template=lambda name: {"template_name": "Repairs"})
		self.run = Run(
			flow_template="FT-00001",
			template_version=1,
			name="FR-00001",
			context_doctype="Issue",
			context_docname="ISS-1",
			customer="CUST-1",
		)
		self.documents.put("Issue", "ISS-1", subject="No signal", status="Open", priority="High")
		self.documents.put("Customer", "CUST-1", customer_name="Ana <b>Bell</b> & Co")
		self.documents.contacts["CUST-1"] = ("ana@example.com", "+15145550100")

	def secret(self, name, url):
		return f"value of {name}"

	def now(self):
		return datetime(2027, 3, 1, 9)

	def context(self, kind_name, payload, given=None):
		"""The context of a step with that payload, as a store would give it back: through JSON."""
		step = Step(id="a", kind=kind_name, payload=json.loads(json.dumps(payload)))
		return StepContext(
			self,
			self.run,
			step,
			self.catalog[kind_name],
			Scope(self, self.run),
			idempotency_key="key-1",
			given=given,
		)

	def do(self, kind_name, payload, given=None):
		"""Run a step; its result. What passes between `prepare` and `send` is JSON."""
		return self.done(self.context(kind_name, payload, given))

	@staticmethod
	def done(ctx):
		kind, step = ctx.kind, ctx.step
		if kind.effect_of(step.payload) == "external":
			return kind.send(json.loads(json.dumps(kind.prepare(step, ctx))), ctx)
		result = kind.run(step, ctx)
		assert json.loads(json.dumps(result)) == result
		return result

	def fails(self, kind_name, payload, given=None) -> str:
		"""The message with which a step fails for good."""
		with pytest.raises(StepFailed) as caught:
			self.do(kind_name, payload, given)
		assert not caught.value.transient
		return caught.value.message

	def check(self, kind_name, payload) -> list[str]:
		return [field for field, _ in self.catalog[kind_name].check(payload)]


@pytest.fixture
def bench() -> Bench:
	return Bench()
