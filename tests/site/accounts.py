"""Makes a user of the site that tests sign in as, and prints how to, as JSON. Run by the bench's Python, in its sites folder.

python accounts.py SITE EMAIL ROLE…     {"user", "password", "api_key", "api_secret"}
python accounts.py SITE --remove EMAIL
"""

from __future__ import annotations

import json
import secrets
import sys

import frappe
from frappe.utils.password import update_password


def make(email: str, roles: list[str]) -> dict[str, str]:
	remove(email)
	user = frappe.get_doc(
		{
			"doctype": "User",
			"email": email,
			"first_name": email.split("@")[0],
			"send_welcome_email": 0,
			"language": "en",
			"api_key": secrets.token_hex(8),
			"roles": [{"role": role} for role in roles],
		}
	)
	user.api_secret = secret = secrets.token_hex(16)
	user.flags.no_welcome_mail = True
	user.insert()
	password = secrets.token_urlsafe(16)
	update_password(user.name, password)
	# A new user is greeted with a tour of the desk, which lies over what the tests look at.
	user.db_set("onboarding_status", json.dumps({name: {"is_complete": True} for name in _tours()}))
	return {"user": user.name, "password": password, "api_key": user.api_key, "api_secret": secret}


def _tours() -> list[str]:
	return frappe.get_all("Form Tour", filters={"ui_tour": 1}, pluck="name")


def remove(email: str) -> None:
	frappe.delete_doc_if_exists("User", email, force=True)


if __name__ == "__main__":
	site, *rest = sys.argv[1:]
	frappe.init(site=site)
	frappe.connect()
	# Frappe lets sixty users be created in an hour; the tests make more.
	frappe.local.conf.throttle_user_limit = 100_000
	frappe.set_user("Administrator")
	if rest[0] == "--remove":
		remove(rest[1])
	else:
		print(json.dumps(make(rest[0], rest[1:])))
	frappe.db.commit()
	frappe.destroy()
