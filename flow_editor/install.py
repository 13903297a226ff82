"""What install, migrate and uninstall do beside what Frappe does by itself."""

from __future__ import annotations

import frappe
from frappe import _

from flow_editor.services import portable
from flow_editor.site import listeners, naming
from flow_editor.site.host import current
from flow_editor.site.owned import DOCTYPES, MODULE, taken

ROLES = ("Flow Manager", "Flow User")
DISPATCH_JOB = "Dispatch Job"
WORKSPACE = "Flows"
#: Where Frappe keeps what belongs to a document, and the field of each that names its DocType.
BESIDE = (
	("DocShare", "share_doctype"),
	("Notification Log", "document_type"),
	("Comment", "reference_doctype"),
	("Version", "ref_doctype"),
	("ToDo", "reference_type"),
	("Document Follow", "ref_doctype"),
	("Tag Link", "document_type"),
	("View Log", "reference_doctype"),
)


def before_install() -> None:
	"""Refuse to install over DocTypes of the same names that somebody else owns.

	Frappe syncs the DocTypes of the modules that it knows, and may know them from a cache that was filled before this app
	came to the bench; it would then install nothing, without a word. So it is made to look again.
	"""
	frappe.setup_module_map()
	found = [_("{0} (of module {1})").format(*owned) for owned in taken().items()]
	if found:
		frappe.throw(
			_(
				"Flow Editor is not installed: this site already has {0}. Uninstall the app that owns it, "
				"or rename the DocType, and install again."
			).format(", ".join(found)),
			title=_("DocType taken"),
		)


def after_install() -> None:
	_set_up()


def after_migrate() -> None:
	_set_up()
	listeners.forget()  # the database may be a restored one


def _set_up() -> None:
	"""Everything here inserts what is missing, and changes nothing that is there."""
	naming.create_sequences()
	for role in ROLES:
		if not frappe.db.exists("Role", role):
			frappe.get_doc({"doctype": "Role", "role_name": role, "desk_access": 1}).insert(
				ignore_permissions=True
			)
	if not frappe.db.exists("DocType", DISPATCH_JOB):
		_create_dispatch_job()
	user = frappe.session.user
	frappe.set_user("Administrator")
	try:
		portable.seed(current())
	finally:
		frappe.set_user(user)


def before_uninstall() -> None:
	"""Take away what Frappe leaves behind when it removes the module and its DocTypes."""
	naming.drop_sequences()
	frappe.db.delete("Scheduled Job Type", {"method": ("like", "flow_editor.%")})
	# An earlier version may be installed after this one, and is brought up to date by them then.
	frappe.db.delete("Patch Log", {"patch": ("like", "flow_editor.%")})
	frappe.db.delete("Singles", {"doctype": ("in", DOCTYPES)})
	frappe.db.delete("__Auth", {"doctype": ("in", DOCTYPES)})
	ours = [*DOCTYPES]
	if frappe.db.get_value("DocType", DISPATCH_JOB, "module") == MODULE:
		ours.append(DISPATCH_JOB)
		frappe.db.delete("Series", {"name": "DJ-"})
	for doctype, field in BESIDE:
		# Names are counted from 1 again: the shares and notices of these would be those of others.
		frappe.db.delete(doctype, {field: ("in", ours)})
	frappe.db.delete("Logs To Clear", {"ref_doctype": ("in", ours)})
	frappe.db.delete("Custom DocPerm", {"parent": ("in", ours)})
	frappe.db.delete("Custom DocPerm", {"role": ("in", ROLES)})
	frappe.db.delete("Has Role", {"role": ("in", ROLES)})
	if frappe.db.exists("DocType", "Workspace Sidebar"):
		# Frappe 16's way to the workspace. Deleted as documents, they would take our files along in developer mode.
		for doctype in ("Desktop Icon", "Workspace Sidebar"):
			frappe.db.delete(doctype, {"name": WORKSPACE})
		frappe.db.delete("Has Role", {"parenttype": "Desktop Icon", "parent": WORKSPACE})
		frappe.db.delete("Workspace Sidebar Item", {"parent": WORKSPACE})
	for role in ROLES:
		frappe.delete_doc("Role", role, ignore_permissions=True, force=True, ignore_missing=True)


def _create_dispatch_job() -> None:
	"""ERPNext has no Dispatch Job. Where the site has none of its own it gets this one, as a custom DocType
	that the site may change."""

	def field(name: str, kind: str = "Data", **more) -> dict:
		return {"fieldname": name, "fieldtype": kind, "label": name.replace("_", " ").capitalize(), **more}

	everything = {"read": 1, "write": 1, "create": 1, "report": 1, "print": 1, "email": 1, "share": 1}
	frappe.get_doc(
		{
			"doctype": "DocType",
			"name": DISPATCH_JOB,
			"module": MODULE,
			"custom": 1,
			"autoname": "DJ-.#####",
			"naming_rule": "Expression (old style)",
			"title_field": "subject",
			"search_fields": "subject,customer,status",
			"track_changes": 1,
			"fields": [
				field("subject", reqd=1, in_list_view=1),
				field(
					"status",
					"Select",
					options="Open\nAssigned\nIn Progress\nCompleted\nCancelled",
					default="Open",
					in_list_view=1,
					in_standard_filter=1,
				),
				field("job_type", in_list_view=1, in_standard_filter=1),
				field(
					"priority",
					"Select",
					options="low\nmedium\nhigh\nurgent",
					default="medium",
					in_list_view=1,
					in_standard_filter=1,
				),
				field("column_1", "Column Break", label=""),
				field("customer", "Link", options="Customer", in_standard_filter=1),
				field("assigned_group"),
				field("scheduled_date", "Date"),
				field("duration_h", "Float", label="Duration (hours)"),
				field("details", "Section Break", label="Details"),
				field("description", "Text"),
				field("origin", "Section Break", label="Where it comes from", collapsible=1),
				field("merge_key", search_index=1, length=140),
				field("on_open_webhook", "Small Text"),
				field("on_close_webhook", "Small Text"),
				field("column_2", "Column Break", label=""),
				field("reference_doctype", "Link", options="DocType"),
				field("reference_name", "Dynamic Link", options="reference_doctype"),
				# No link: Frappe lets whoever may write one read what is linked to.
				field("flow_run", read_only=1),
			],
			"permissions": [
				{"role": "System Manager", "delete": 1, **everything},
				{"role": "Flow Manager", "delete": 1, **everything},
				{"role": "Flow User", **everything},
				{"role": "Support Team", **everything},
			],
		}
	).insert(ignore_permissions=True)
