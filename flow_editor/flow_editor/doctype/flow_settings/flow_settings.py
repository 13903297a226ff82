"""What an admin decides for all flows."""

from __future__ import annotations

import ipaddress

import frappe
from frappe import _
from frappe.model.document import Document

from flow_editor.engine.address import parse
from flow_editor.engine.secrets import NAME, places
from flow_editor.site import token
from flow_editor.site.http import allowed_entries, certificates

#: Each number and the least that it may be.
LIMITS = {
	"max_depth": 0,
	"max_steps": 1,
	"max_definition_kb": 1,
	"response_limit_kb": 1,
	"retention_days": 1,
}
SHORTEST_SECRET = 8


class FlowSettings(Document):
	def validate(self) -> None:
		if not self.flags.ignore_permissions:
			frappe.only_for("System Manager")  # a share gives nobody the role
		self._check_token()
		for field, least in LIMITS.items():
			if self.get(field) is None:  # settings that were saved before the field came
				self.set(field, self.meta.get_field(field).default)
			if int(self.get(field)) < least:
				frappe.throw(_("{0} must be at least {1}.").format(_(self.meta.get_label(field)), least))
		self._check_secrets()
		self._check_calls()
		for entry in allowed_entries(self.allowed_hosts):
			if "/" in entry:
				try:
					ipaddress.ip_network(entry, strict=False)
				except ValueError:
					frappe.throw(_("{0} is no network. Write one such as 10.1.0.0/16.").format(entry))

	def _check_calls(self) -> None:
		try:
			certificates(self.authorities)
		except ValueError as error:
			frappe.throw(f"{_(self.meta.get_label('authorities'))}: {error}.")
		if not self.proxy:
			return
		try:
			address = parse(self.proxy)
		except ValueError as error:
			frappe.throw(_("The proxy {0} cannot be used: {1}.").format(self.proxy.rpartition("@")[2], error))
		if address.scheme != "http" or address.target != "/":
			frappe.throw(_("The proxy {0} cannot be used: write http://host:port.").format(self.proxy))
		if (
			self.proxy_login
			and not self.is_dummy_password(self.proxy_login)
			and ":" not in self.proxy_login.strip(":")
		):
			frappe.throw(_("The proxy's login is user:password."))

	def _check_token(self) -> None:
		if not self.internal_token:
			return
		is_new = not self.is_dummy_password(self.internal_token)
		given = self.internal_token if is_new else self.get_password("internal_token", raise_exception=False)
		for problem in (token.service_user_problem(self.service_user), token.problem(given or "")):
			if problem:
				frappe.throw(problem)

	def _check_secrets(self) -> None:
		names = [row.secret_name for row in self.secrets]
		for row in self.secrets:
			if not NAME.fullmatch(row.secret_name) or names.count(row.secret_name) > 1:
				frappe.throw(
					_("{0} is no name for a secret. Use letters, digits and _, each name once.").format(
						row.secret_name
					)
				)
			# What is shorter could not be taken out of an answer without tearing the answer apart.
			if not row.is_dummy_password(row.value) and len(row.value) < SHORTEST_SECRET:
				frappe.throw(
					_("The secret {0} is shorter than {1} characters.").format(
						row.secret_name, SHORTEST_SECRET
					)
				)
			for entry in row.hosts.split():
				try:
					places(entry)
				except ValueError:
					frappe.throw(
						_(
							"{0} names no host. Name the hosts that the secret {1} is for, one a line, such as "
							"api.example.com or api.example.com:8443."
						).format(entry, row.secret_name)
					)

	def on_update(self) -> None:
		"""Frappe's own log clearing does the work, so it is told how long."""
		log_settings = frappe.get_doc("Log Settings")
		log_settings.register_doctype("Flow Run", self.retention_days)
		log_settings.save(ignore_permissions=True)
