"""Gives a site what the tests suppose that every site has: a company, an account that e-mails go out by, and the shipped
flows as this checkout ships them.

    python tests/site/prepare.py SITE     with the bench's Python, in its sites folder; bench.py does it

A site that has them is left as it is.
"""

from __future__ import annotations

import sys

import frappe
from frappe.desk.page.setup_wizard.setup_wizard import setup_complete
from frappe.email.doctype.email_account.email_account import EmailAccount
from frappe.utils import getdate

from flow_editor.services import publishing
from flow_editor.site.host import current

COMPANY = "Flow Telecom"


def main(site: str) -> None:
	frappe.init(site=site)
	frappe.connect()
	frappe.set_user("Administrator")
	if not frappe.db.exists("Company"):
		answer_the_wizard()
	if not EmailAccount.find_outgoing():
		frappe.get_doc(
			{
				"doctype": "Email Account",
				"email_account_name": "Tests",
				"email_id": "tests@example.com",
				"enable_outgoing": 1,
				"default_outgoing": 1,
				"smtp_server": "smtp.example.com",
				"no_smtp_authentication": 1,
			}
		).insert()
	for name in frappe.get_all("Flow Template", {"is_system": 1}, pluck="name"):
		publishing.restore(current(), name)
	frappe.db.commit()
	frappe.destroy()


def answer_the_wizard() -> None:
	"""What a person answers who opens the desk of a new site: about the site, and about the company."""
	place = {"country": "Canada", "currency": "CAD", "time_zone": "America/Toronto", "language": "en"}
	settings = frappe.get_doc("System Settings")
	settings.update(place)
	settings.save()
	year = getdate().year
	setup_complete(
		{
			**place,
			"language": "English",
			"timezone": place["time_zone"],
			"company_name": COMPANY,
			"company_abbr": "FT",
			"chart_of_accounts": "Standard",
			"fy_start_date": f"{year}-01-01",
			"fy_end_date": f"{year}-12-31",
		}
	)


if __name__ == "__main__":
	main(sys.argv[1])
