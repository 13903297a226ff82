from __future__ import annotations

from typing import Any

from flow_editor.engine.errors import EITHER, OUTSIDE, StepFailed, helps_by
from flow_editor.engine.kind import Account, Field, Kind
from flow_editor.engine.ports import CUSTOMER
from flow_editor.engine.recipients import MAIL, PHONE, addresses

SUBJECT_LENGTH = 200
#: The spaces that numbers are grouped by in some languages. No phone's alphabet has them: one halves what a message holds.
PLAIN_SPACES = dict.fromkeys(map(ord, "\u00a0\u202f\u2009"), " ")


class Notify(Kind):
	"""Sends an e-mail, exactly once, or an SMS, at least once.

	The step is done once its mail waits in the host's queue. What becomes of it there is told beside its result: one that
	is not sent at last leaves its step done, with an error. What depends on the step has gone on by then, the run may be
	over, and the mail is sent again from the queue; a failed step would offer to write a second one.
	"""

	name = "notify"
	label = "Notify"
	icon = "mail"
	color = "blue"
	description = "Sends an e-mail or a text message."
	summary = "{channel} to {to|the customer}"
	announcement = "{channel} to {to|the customer}: "
	accounts = (
		Account("SMS sent to {to}", {"channel": ("sms",)}),
		Account("E-mail to {to}: {subject}"),
	)
	results = (
		("to", "Recipients"),
		("subject", "Subject"),
		("unsubscribed", "Left out, since they have unsubscribed"),
	)
	audience = "people"
	fields = (
		Field(
			"channel",
			"select",
			"By",
			default="email",
			templated=False,
			options=(("email", "E-mail"), ("sms", "SMS")),
		),
		Field(
			"to",
			"recipients",
			"To",
			help="Separated by commas. A table of the document is read by its column of addresses. Empty: the customer's primary e-mail address or mobile number.",
		),
		Field(
			"template_id",
			"link",
			"E-mail template",
			doctype="Email Template",
			shown_when={"channel": ("email",)},
			help="Its subject and text are used in place of those below.",
		),
		Field("subject", "text", "Subject", shown_when={"channel": ("email",)}),
		Field("body", "html", "Text"),
	)

	def sends(self, payload):
		return True

	def announce(self, payload):
		if payload.get("channel") == "sms":
			return self.announcement + "{body|}"
		# Of a template the subject is used as well, in place of the step's own.
		return self.announcement + ("{template_id|}" if payload.get("template_id") else "{subject|}")

	def effect_of(self, payload):
		return "external" if payload.get("channel") == "sms" else "documents"

	def form_of(self, field, payload):
		if payload.get("channel") == "sms":
			return {"body": "text", "to": "phones"}.get(field.name, "text")
		return super().form_of(field, payload)

	def check(self, payload):
		email = (payload.get("channel") or "email") == "email"
		if email and payload.get("template_id"):
			return
		if email and not str(payload.get("subject") or "").strip():
			yield "subject", "Subject is empty. Fill it in, or choose an e-mail template."
		if not str(payload.get("body") or "").strip():
			yield "body", "Text is empty. Fill it in" + (", or choose an e-mail template." if email else ".")

	def reads(self, payload):
		yield from super().reads(payload)
		if not payload.get("to"):
			yield CUSTOMER

	def run(self, step, ctx) -> dict[str, Any]:
		run = ctx.run
		about = {"doctype": run.context_doctype, "name": run.context_docname}
		to, unsubscribed = self._subscribed(ctx, self.recipients(ctx), about)
		if template := ctx.payload["template_id"]:
			subject, body = ctx.messages.email_template(template, ctx.scope, ctx.reader)
		else:
			subject, body = ctx.payload["subject"] or "", ctx.payload["body"] or ""
		subject = " ".join(subject.split())[:SUBJECT_LENGTH]
		queued = ctx.messages.send_email(to, subject, body, run=run.name, **about)
		result = {"channel": "email", "to": to, "subject": subject, "email_queue": queued}
		return {**result, "unsubscribed": unsubscribed} if unsubscribed else result

	@staticmethod
	def _subscribed(ctx, to: list[str], about: dict[str, str]) -> tuple[list[str], list[str]]:
		"""Those who want the mail, and those who do not. Raises StepFailed if nobody does."""
		unsubscribed = ctx.messages.unsubscribed(to, **about)
		left = [address for address in to if address not in unsubscribed]
		if not left:
			raise StepFailed(
				f"Nobody gets the e-mail: {', '.join(unsubscribed)} "
				f"{'has' if len(unsubscribed) == 1 else 'have'} unsubscribed. Leave them out, or reach them otherwise.",
				result={"unsubscribed": unsubscribed},
			)
		return left, unsubscribed

	def prepare(self, step, ctx) -> dict[str, Any]:
		if problem := ctx.messages.sms_problem():
			raise StepFailed(problem, helps=OUTSIDE)
		return {"to": self.recipients(ctx), "body": (ctx.payload["body"] or "").translate(PLAIN_SPACES)}

	def send(self, request, ctx) -> dict[str, Any]:
		answer = ctx.messages.send_sms(request["to"], request["body"], idempotency_key=ctx.idempotency_key)
		return {"channel": "sms", "to": request["to"], **answer}

	def recipients(self, ctx) -> list[str]:
		"""Whom it goes to.

		Raises:
			StepFailed: there is nobody, or one is no address.
		"""
		sms = ctx.payload["channel"] == "sms"
		to = ctx.payload["to"]
		text = ",".join(map(str, to)) if isinstance(to, list) else str(to or "")
		found = addresses(text, PHONE if sms else MAIL, helps_by(ctx.step.payload.get("to")))
		if not found and ctx.customer:
			email, mobile = ctx.erpnext.contact(ctx.customer)
			found = addresses(mobile if sms else email, PHONE if sms else MAIL)
		if not found:
			whose = f"Customer {ctx.customer} has no {'mobile number' if sms else 'primary e-mail address'}"
			mend = "Fill in To" + (", or the customer's contact" if ctx.customer else "")
			raise StepFailed(
				f"There is nobody to notify: To is empty, and "
				f"{whose if ctx.customer else 'the run has no customer'}. {mend}.",
				helps=EITHER if ctx.customer else helps_by(ctx.step.payload.get("to")),
			)
		return found
