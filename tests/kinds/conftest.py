"""The step kinds on the trial host, one step at a time."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from flow_editor.engine.context import Scope, StepContext
from flow_editor.engine.definition import Step
from flow_editor.engine.errors import StepFailed
from flow_editor.engine.ports import HttpResponse
from flow_editor.engine.records import Run
from flow_editor.engine.values import FieldType
from flow_editor.services import templates
from flow_editor.trial.answers import Answer
from flow_editor.trial.documents import TrialDocuments
from flow_editor.trial.host import CapturedHttp, CapturedMessages, TrialHost

BEGAN = datetime(2027, 3, 1, 9)


class Documents(TrialDocuments):
	"""Those of the trial host, with DocTypes of a test's own: `known` gives the fields of one of which only those will do,
	`typed` what the fields of one hold."""

	known: dict[str, dict[str, dict]]
	typed: dict[str, dict[str, tuple[str, ...]]]

	def put(self, doctype: str, name: str, **values: Any) -> None:
		self._store.execute("DELETE FROM document WHERE doctype = ? AND name = ?", (doctype, name))
		self.insert_quietly(doctype, {**values, "name": name})

	def fields(self, doctype: str):
		return self.known.get(doctype)

	def types(self, doctype: str):
		return {name: FieldType(*about) for name, about in self.typed.get(doctype, {}).items()}

	@property
	def updates(self) -> list[dict]:
		return [change for change in self.journal if change["action"] == "update"]


class Messages(CapturedMessages):
	gone: tuple[str, ...] = ()
	problem = ""

	def unsubscribed(self, recipients, *, doctype="", name=""):
		return [address for address in recipients if address in self.gone]

	def sms_problem(self):
		return self.problem

	def send_email(self, recipients, subject, body, *, doctype="", name="", run=""):
		self.about = (doctype, name)
		return super().send_email(recipients, subject, body, doctype=doctype, name=name, run=run)

	def send_sms(self, recipients, body, *, idempotency_key):
		self.key = idempotency_key
		return super().send_sms(recipients, body, idempotency_key=idempotency_key)


class Http(CapturedHttp):
	"""Keeps how long each call may take, and answers with `answer` in turn."""

	def __init__(self, host):
		super().__init__(host)
		self.calls: list[dict] = []
		self.cut: list[bool] = []

	def answer(self, *given: HttpResponse) -> None:
		self.answers = [
			*self.answers,
			*(Answer(status=one.status, headers=one.headers, body=one.body, times=1) for one in given),
		]
		self.cut += [one.truncated for one in given]

	def request(self, method, url, *, headers, body, timeout):
		self.calls.append(
			{"method": method, "url": url, "headers": dict(headers), "body": body, "timeout": timeout}
		)
		found = super().request(method, url, headers=headers, body=body, timeout=timeout)
		if self.cut and self.cut.pop(0):
			return HttpResponse(found.status, found.headers, found.body, truncated=True)
		return found


class Host(TrialHost):
	def secret(self, name, url):
		return f"value of {name}"


class Bench:
	"""One run about one document, and whatever step of it a test asks for."""

	def __init__(self):
		self.host = host = Host(now=BEGAN)
		documents = Documents(host, host.store)
		documents.known, documents.typed = {}, {}
		self.documents = host.documents = host.erpnext._documents = documents
		self.messages, self.http = Messages(host), Http(host)
		host.messages, host.http = self.messages, self.http
		self.catalog = host.catalog
		with host.store.transaction():
			template = templates.create(
				host, {"template_name": "Repairs", "flow_definition": {"steps": [{"id": "a", "kind": "wait", "payload": {}}]}}
			)  # fmt: skip
		self.run = Run(
			flow_template=template["name"],
			template_version=1,
			name="FR-00001",
			context_doctype="Issue",
			context_docname="ISS-1",
			customer="CUST-1",
		)
		documents.put("Issue", "ISS-1", subject="No signal", status="Open", priority="High")
		self.customer()

	def customer(self, **values: Any) -> None:
		"""The run's customer, with other values than the usual."""
		usual = {
			"customer_name": "Ana <b>Bell</b> & Co",
			"email_id": "ana@example.com",
			"mobile_no": "+15145550100",
		}
		self.documents.put("Customer", "CUST-1", **{**usual, **values})

	@property
	def emails(self) -> list[dict]:
		return [message for message in self.host.sent() if message["channel"] == "email"]

	@property
	def texts(self) -> list[dict]:
		return [message for message in self.host.sent() if message["channel"] == "sms"]

	def context(self, kind_name, payload, given=None):
		"""The context of a step with that payload, as a store would give it back: through JSON."""
		step = Step(id="a", kind=kind_name, payload=json.loads(json.dumps(payload)))
		return StepContext(
			self.host,
			self.run,
			step,
			self.catalog[kind_name],
			Scope(self.host, self.run),
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
