app_name = "flow_editor"
app_title = "Flow Editor"
app_publisher = "Flow Editor contributors"
app_description = "Visual automations inside ERPNext"
app_email = "hello@flow-editor.example"
app_license = "mit"
# With its owner, so that installing asks nobody who owns it.
required_apps = ["frappe/erpnext"]

app_logo_url = "/assets/flow_editor/images/logo.svg"
add_to_apps_screen = [
	{
		"name": app_name,
		"logo": app_logo_url,
		"title": app_title,
		"route": "/app/flows",  # which Frappe 16 leads on to its own
		"has_permission": "flow_editor.site.boot.works_with_flows",
	}
]

before_install = "flow_editor.install.before_install"
after_install = "flow_editor.install.after_install"
after_migrate = "flow_editor.install.after_migrate"
before_uninstall = "flow_editor.install.before_uninstall"

_on_document_event = "flow_editor.site.triggers.on_document_event"
_on_document_end = "flow_editor.site.triggers.on_document_end"
doc_events = {
	"*": {
		"after_insert": _on_document_event,
		"on_update": _on_document_event,
		"on_submit": _on_document_event,
		"on_update_after_submit": _on_document_event,
		"on_change": _on_document_event,
		"on_cancel": _on_document_end,
		"on_discard": _on_document_end,
		"after_delete": _on_document_end,
		"after_rename": "flow_editor.site.triggers.on_rename",
	}
}

app_include_js = ["flow_editor_desk.bundle.js"]
extend_bootinfo = "flow_editor.site.boot.extend_bootinfo"

before_request = ["flow_editor.api.route_request", "flow_editor.site.held.refuse_questions"]
after_request = ["flow_editor.api.shape_errors"]

# A run holds what the document says that it is about.
has_permission = {
	"Flow Run": "flow_editor.site.visibility.has_permission",
	"Flow Step Pending": "flow_editor.site.visibility.has_permission",
}
permission_query_conditions = {
	"Flow Run": "flow_editor.site.visibility.runs_condition",
	"Flow Step Pending": "flow_editor.site.visibility.rows_condition",
}

# What flows have done is no reason to keep a customer or a document from being deleted.
ignore_links_on_delete = ["Flow Run", "Flow Step Pending", "Flow Version"]

scheduler_events = {"cron": {"* * * * *": ["flow_editor.site.worker.tick"]}}
override_doctype_class = {"Scheduled Job Type": "flow_editor.site.schedule.OurScheduledJobType"}

# Finished runs are cleared after this many days, and the keys of starts; Log Settings can say otherwise.
default_log_clearing_doctypes = {"Flow Run": 365, "Flow Started": 7}
