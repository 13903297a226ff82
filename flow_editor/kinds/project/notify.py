from __future__ import annotations

import re
from typing import Any

from flow_editor.engine.errors import EITHER, OUTSIDE, StepFailed, helps_by
from flow_editor.engine.kind import Field, Kind

# Deliberately plain: an address that a mail server takes, and nothing that could end a header.
EMAIL = re.compile(r"[^\s\x00-\x1f\x7f@,;<>\"()\[\]\\]{1,64}@[^\s\x00-\x1f\x7f@,;<>\"'()\[\]\\]{1,255}")
PHONE = re.compile(r"\+?\(?[0-9][0-9 ().-]{3,24}")
NAMED = re.compile(r"[^<>]*<([^<>]+)>")
SEPARATORS = re.compile(r"[,;\n\r]+")
SUBJECT_LENGTH = 200


class Notify(Kind):
	"""Sends an e-mail, exactly once, or an SMS, at least once."""

	name = "notify"
	label = "Notify"
	icon = "mail"
	color = "blue"
	description = "Sends an e-mail or a text message."
	summary = "{channel} to {to|the customer}"
	announcement = "{channel} to {to|the customer}: {subject|}"
	results = (("to", "Recipients"), ("subject", "Subject"))
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
			help="Separated by commas. Empty: the customer's primary e-mail address or mobile number.",
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
		Field("body", "textarea", "Text"),
	)

	def sends(self, payload):
		return True

	def effect_of(self, payload):
		return "external" if payload.get("channel") == "sms" else "documents"

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
			yield "Customer"

	def run(self, step, ctx) -> dict[str, Any]:
		to = self.recipients(ctx)
		if template := ctx.payload["template_id"]:
			subject, body = ctx.messages.email_template(template, ctx.scope)
		else:
			subject, body = ctx.payload["subject"] or "", ctx.html("body")
		subject = " ".join(subject.split())[:SUBJECT_LENGTH]
		run = ctx.run
		queued = ctx.messages.send_email(
			to, subject, body, doctype=run.context_doctype, name=run.context_docname
		)
		return {"channel": "email", "to": to, "subject": subject, "email_queue": queued}

	def prepare(self, step, ctx) -> dict[str, Any]:
		if problem := ctx.messages.sms_problem():
			raise StepFailed(problem, helps=OUTSIDE)
		return {"to": self.recipients(ctx), "body": ctx.payload["body"] or ""}

	def send(self, request, ctx) -> dict[str, Any]:
		answer = ctx.messages.send_sms(request["to"], request["body"], idempotency_key=ctx.idempotency_key)
		return {"channel": "sms", "to": request["to"], **answer}

	def recipients(self, ctx) -> list[str]:
		"""Whom it goes to.

		Raises:
			StepFailed: there is nobody, or one is no address.
		"""
		sms = ctx.payload["channel"] == "sms"
		what, example = (
			("a phone number", "+15145550100") if sms else ("an e-mail address", "ana@example.com")
		)
		written, to = ctx.step.payload.get("to"), ctx.payload["to"]
		text = ",".join(map(str, to)) if isinstance(to, list) else str(to or "")
		found = [part.strip() for part in SEPARATORS.split(text.strip("[]")) if part.strip(" \t\"'")]
		if not found and ctx.customer:
			email, mobile = ctx.documents.contact(ctx.customer)
			found = [address for address in [mobile if sms else email] if address]
		if not found:
			whose = f"Customer {ctx.customer} has no {'mobile number' if sms else 'primary e-mail address'}"
			mend = "Fill in To" + (", or the customer's contact" if ctx.customer else "")
			raise StepFailed(
				f"There is nobody to notify: To is empty, and "
				f"{whose if ctx.customer else 'the run has no customer'}. {mend}.",
				helps=EITHER if ctx.customer else helps_by(ctx.step.payload.get("to")),
			)
		addresses: dict[str, str] = {}
		for part in found:
			named = NAMED.fullmatch(part)
			address = (named[1] if named else part).strip(" \t\"'")
			if not (PHONE if sms else EMAIL).fullmatch(address):
				raise StepFailed(
					f"{part[:100]!r} is not {what}. Write one such as {example}.",
					helps=helps_by(written) if written else OUTSIDE,
				)
			addresses.setdefault(address.casefold(), address)
		return list(addresses.values())
