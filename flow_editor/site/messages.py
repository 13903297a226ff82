"""E-mail through Frappe's queue, SMS through the site's gateway."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import frappe
import requests

from flow_editor.engine.errors import EITHER, OUTSIDE, NotAllowed, NotFound, StepFailed
from flow_editor.engine.render import Beginning, Cut, as_text
from flow_editor.kinds.web_call import may_pass
from flow_editor.site import inert, transaction
from flow_editor.site.errors import as_flow_errors, denied

#: To how many one mail may go.
MOST_RECIPIENTS = 100
GATEWAY_TIMEOUT = (5, 20)  # seconds to connect, to answer
NO_ACCOUNT = "No outgoing e-mail account is set up. Make an Email Account the default outgoing one."


class SiteMessages:
	def send_email(
		self, recipients: Sequence[str], subject: str, body: str, *, doctype: str = "", name: str = ""
	) -> str:
		if len(recipients) > MOST_RECIPIENTS:
			# Frappe would queue more in jobs of its own, which no rollback of ours takes back.
			raise StepFailed(
				f"The e-mail has {len(recipients)} recipients; at most {MOST_RECIPIENTS} get one together. Split the step.",
				helps=EITHER,
			)
		subject, body = inert.subject(subject), inert.body(body)
		try:
			with transaction.savepoint(), as_flow_errors():
				queued = frappe.sendmail(
					recipients=list(recipients),
					subject=subject,
					message=body,
					reference_doctype=doctype or None,
					reference_name=name or None,
				)
				if not queued:
					raise StepFailed(
						f"The e-mail to {', '.join(recipients)} was not queued: e-mails are muted on this site, everybody "
						"whom it is for has unsubscribed, or an address is not valid. Error Log has more."
					)
				inert.refuse_files(queued.message)
		except frappe.OutgoingEmailError as error:
			raise StepFailed(NO_ACCOUNT, helps=OUTSIDE) from error
		return queued.name

	def email_template(self, name: str, scope: Mapping[str, Any]) -> tuple[str, str]:
		if not frappe.db.exists("Email Template", name):
			raise NotFound(
				f"There is no Email Template {name!r}. Make one of that name, or choose another in the flow.",
				helps=EITHER,
			)
		template = frappe.get_doc("Email Template", name)
		if not template.has_permission("read"):
			raise NotAllowed(denied(frappe.session.user, f"read Email Template {name}"))
		# An Email Template is Frappe's own Jinja, in its sandbox, over plain values; the document's fields
		# stand at the top, as everywhere in Frappe.
		values = {**scope["doc"], **{root: scope[root] for root in scope}}
		body = template.response_html if template.use_html else template.response
		with as_flow_errors(f"read all that Email Template {name} asks for"):
			return _rendered(template.subject, values), _rendered(body, _escaped(values))

	def sms_problem(self) -> str:
		if frappe.db.get_single_value("SMS Settings", "sms_gateway_url"):
			return ""
		return "No SMS gateway is set up. Fill in SMS Settings."

	def send_sms(self, recipients: Sequence[str], body: str, *, idempotency_key: str) -> dict[str, Any]:
		if problem := self.sms_problem():
			raise StepFailed(problem, helps=OUTSIDE)
		settings = frappe.get_doc("SMS Settings")
		fixed = {row.parameter: row.value for row in settings.parameters if not row.header}
		headers = {row.parameter: row.value for row in settings.parameters if row.header}
		sent = []
		for recipient in recipients:
			values = {**fixed, settings.message_parameter: body, settings.receiver_parameter: recipient}
			try:
				self._call(settings, values, {**headers, "Idempotency-Key": f"{idempotency_key}-{recipient}"})
			except StepFailed as error:
				if not sent:
					raise
				raise StepFailed(
					f"{error.message} {', '.join(sent)} got the message and {recipient} did not. It is not tried again "
					"by itself, since it would go to all of them.",
					result={"sent": sent},
				) from None
			sent.append(recipient)
		self._log(recipients, sent, body)
		return {"sent": sent}

	@staticmethod
	def _call(settings, values: dict[str, Any], headers: dict[str, str]) -> None:
		as_json = headers.get("Content-Type") == "application/json"
		place = "json" if as_json and settings.use_post else "data" if settings.use_post else "params"
		try:
			# The gateway is the admin's own choice, so it may stand inside.
			response = requests.request(
				"POST" if settings.use_post else "GET",
				settings.sms_gateway_url,
				headers=headers,
				timeout=GATEWAY_TIMEOUT,
				allow_redirects=False,  # a POST would be repeated as a GET without what it says
				**{place: values},
			)
		except requests.RequestException as error:
			# Its text holds the URL, and with it the gateway's password.
			raise StepFailed(
				f"The SMS gateway did not answer ({type(error).__name__}).", transient=True
			) from None
		if not 200 <= response.status_code < 300:
			moved = response.headers.get("Location", "").partition("?")[
				0
			]  # what follows may hold the password
			where = f" and sent the message on to {moved}, where it did not go" if moved else ""
			raise StepFailed(
				f"The SMS gateway answered {response.status_code}{where}. Check SMS Settings and its account.",
				transient=may_pass(response.status_code),
				retry_after=response.headers.get("Retry-After", ""),
				helps=OUTSIDE,
			)

	@staticmethod
	def _log(recipients: Sequence[str], sent: Sequence[str], body: str) -> None:
		frappe.get_doc(
			{
				"doctype": "SMS Log",
				"sent_on": frappe.utils.nowdate(),
				"message": body,
				"no_of_requested_sms": len(recipients),
				"requested_numbers": "\n".join(recipients),
				"no_of_sent_sms": len(sent),
				"sent_to": "\n".join(sent),
			}
		).insert(ignore_permissions=True)


def _rendered(template: str | None, values: Mapping[str, Any]) -> str:
	# Frappe takes a template of one line that ends like a file's name for the path of one, and would render that.
	return frappe.render_template(f"{template or ''}\n", values)


def _escaped(value: Any) -> Any:
	"""The same values, with every text escaped for HTML."""
	if isinstance(value, Cut):
		return value  # only who reads it is refused
	if isinstance(value, Beginning):
		return value.mapped(_escaped)
	if isinstance(value, str):
		return html.escape(value)
	if isinstance(value, Mapping):
		return {key: _escaped(item) for key, item in value.items()}
	if isinstance(value, list | tuple):
		return [_escaped(item) for item in value]
	return value if value is None or isinstance(value, bool | int | float) else html.escape(as_text(value))
