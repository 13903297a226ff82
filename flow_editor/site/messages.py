"""E-mail through Frappe's queue, SMS through the site's gateway."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from email.utils import make_msgid
from typing import Any

import frappe
import requests
from frappe.utils.jinja import get_jenv
from jinja2 import TemplateError

from flow_editor.engine.errors import EITHER, OUTSIDE, NotAllowed, NotFound, StepFailed
from flow_editor.engine.people import Reader
from flow_editor.engine.ports import FATE_FAILED, FATE_GONE, FATE_PARTIALLY_SENT, FATE_QUEUED, FATE_SENT, Fate
from flow_editor.kinds.web_call import may_pass
from flow_editor.site import inert, transaction, written
from flow_editor.site.errors import as_flow_errors, denied

#: To how many one mail may go.
MOST_RECIPIENTS = 100
GATEWAY_TIMEOUT = (5, 20)  # seconds to connect, to answer
NO_ACCOUNT = "No outgoing e-mail account is set up. Make an Email Account the default outgoing one."


#: What the statuses of an Email Queue row mean. Frappe takes Sending back after a quarter of an hour.
FATES = {
	"Not Sent": FATE_QUEUED,
	"Sending": FATE_QUEUED,
	"Sent": FATE_SENT,
	"Partially Sent": FATE_PARTIALLY_SENT,
	"Error": FATE_FAILED,
	"Expired": FATE_FAILED,
}


class SiteMessages:
	def unsubscribed(self, recipients: Sequence[str], *, doctype: str = "", name: str = "") -> list[str]:
		# As Frappe's queue asks, which leaves them out in silence, but without regard to case.
		table = frappe.qb.DocType("Email Unsubscribe")
		wanted = table.global_unsubscribe == 1
		if doctype and name:
			wanted |= (table.reference_doctype == doctype) & (table.reference_name == name)
		found = (
			frappe.qb.from_(table)
			.select(table.email)
			.where(table.email.isin(list(recipients)) & wanted)
			.run(pluck=True)
		)
		left = {address.casefold() for address in found}
		return [address for address in recipients if address.casefold() in left]

	def fates(self, names: Collection[str]) -> dict[str, Fate]:
		rows = {
			name: (status, error)
			for name, status, error in frappe.db.sql(
				"SELECT name, status, error FROM `tabEmail Queue` WHERE name IN %s", (tuple(names),)
			)
		}
		return {name: _fate(*rows[name]) if name in rows else Fate(FATE_GONE) for name in names}

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
					# Its Message-ID says whose mail it is: Frappe keeps it with the row, and nothing else of ours; see
					# `mail_watch`. Frappe marks what has none of its own as a notice, which this is all the same.
					message_id=make_msgid(run or None, domain=frappe.local.site).strip("<>"),
					is_notification=True,
				)
				if not queued:
					raise StepFailed(
						f"The e-mail to {', '.join(recipients)} was not queued: e-mails are muted on this site, or an "
						"address is not valid. Error Log has more."
					)
				inert.refuse_files(queued.message)
		except frappe.OutgoingEmailError as error:
			raise StepFailed(NO_ACCOUNT, helps=OUTSIDE) from error
		return queued.name

	def email_template(self, name: str, scope: Mapping[str, Any], reader: Reader) -> tuple[str, str]:
		if not frappe.db.exists("Email Template", name):
			raise NotFound(
				f"There is no Email Template {name!r}. Make one of that name, or choose another in the flow.",
				helps=EITHER,
			)
		template = frappe.get_doc("Email Template", name)
		if not template.has_permission("read"):
			raise NotAllowed(denied(frappe.session.user, f"read Email Template {name}"))
		# An Email Template is Frappe's own Jinja, in its sandbox.
		body = template.response_html if template.use_html else template.response
		with as_flow_errors(f"read all that Email Template {name} asks for"):
			return (
				_rendered(name, template.subject, written.values(scope, reader, as_html=False)),
				_rendered(name, body, written.values(scope, reader, as_html=True)),
			)

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


def _rendered(name: str, template: str | None, values: Mapping[str, Any]) -> str:
	"""In Frappe's sandbox, but not by its `render_template`: that takes a template of one line for the path of a file, and
	from Frappe 16 on says a traceback where an error has words."""
	template = template or ""
	if ".__" in template:
		raise StepFailed(
			f"Email Template {name} asks with .__ for what no template may read. Take that out.",
			helps=OUTSIDE,
		)
	try:
		return get_jenv().from_string(template).render(values)
	except TemplateError as error:
		raise StepFailed(
			f"Email Template {name} cannot be rendered: {error}. Mend it there.", helps=OUTSIDE
		) from error


def _fate(status: str, error: str | None) -> Fate:
	fate = FATES.get(status, FATE_QUEUED)
	# The last line of a traceback says what it was.
	reason = (error or "").strip().rpartition("\n")[2] if fate == FATE_FAILED else ""
	return Fate(fate, reason)
