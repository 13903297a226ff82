"""One template of a name in a category: the unique index behind the rule of `services.authored`, for those who save at the
same moment. It compares as the column's collation does, to which case and accents are nothing, and so does the rule.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import frappe
from frappe.model.document import Document

from flow_editor.engine.errors import Invalid
from flow_editor.services import authored
from flow_editor.site.errors import as_frappe_errors

TEMPLATE = "Flow Template"
INDEX = "flow_template_namesake"


def add_index() -> None:
	"""Fails if there are templates of one name; see `rename`."""
	if not frappe.db.has_index(f"tab{TEMPLATE}", INDEX):
		frappe.db.sql_ddl(
			f"ALTER TABLE `tab{TEMPLATE}` ADD UNIQUE INDEX `{INDEX}` (`template_name`, `category`)"
		)


def rename() -> list[tuple[str, str, str]]:
	"""Number the later ones of templates of one name and category. Returns (template, old name, new name) of each. A shipped
	one keeps its name, then the oldest."""
	twins = frappe.db.sql(
		f"""SELECT one.name, one.template_name, one.category FROM `tab{TEMPLATE}` one
		WHERE EXISTS (
			SELECT 1 FROM `tab{TEMPLATE}` other
			WHERE other.template_name = one.template_name AND other.category = one.category
			AND (other.is_system > one.is_system OR (other.is_system = one.is_system
				AND (other.creation, other.name) < (one.creation, one.name)))
		) ORDER BY one.creation, one.name"""
	)
	renamed = []
	for name, old, category in twins:
		new = authored.numbered(old, partial(_is_known, category))
		frappe.db.set_value(TEMPLATE, name, "template_name", new, update_modified=False)
		renamed.append((name, old, new))
	return renamed


def _is_known(category: str, name: str) -> bool:
	return bool(frappe.db.exists(TEMPLATE, {"template_name": name, "category": category}))


@contextmanager
def told(template: Document) -> Iterator[None]:
	"""Within it, a refusal by the index is said in the words of the rule."""
	try:
		yield
	except frappe.UniqueValidationError as error:
		if INDEX not in str(error):
			raise
		frappe.clear_last_message()  # Frappe's own word, which is not the rule's
		with as_frappe_errors():
			raise Invalid.because([authored.namesake(template.as_dict())]) from error
