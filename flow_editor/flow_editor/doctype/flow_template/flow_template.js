frappe.ui.form.on("Flow Template", {
	async setup(frm) {
		const events = await frappe.xcall(
			"flow_editor.flow_editor.doctype.flow_template.flow_template.trigger_events"
		);
		frm.set_df_property("trigger_event", "options", events);
	},

	refresh(frm) {
		frm.set_intro("");
		if (frm.doc.paused_reason) {
			frm.set_intro(frappe.utils.escape_html(frm.doc.paused_reason), "orange");
		} else if (frm.doc.is_system) {
			frm.set_intro(
				__("This flow came with the app. It can be edited and duplicated, not deleted or renamed."),
				"blue"
			);
		}
		frm.set_df_property("template_name", "read_only", frm.doc.is_system ? 1 : 0);
		if (frm.is_new()) return;
		frm.add_custom_button(__("Runs"), () =>
			frappe.set_route("List", "Flow Run", { flow_template: frm.doc.name })
		);
		frm.add_custom_button(__("Start"), () => start(frm));
	},
});

function start(frm) {
	const dialog = new frappe.ui.Dialog({
		title: __("Start {0}", [frm.doc.template_name]),
		fields: [
			{
				fieldname: "doctype",
				fieldtype: "Link",
				label: __("DocType"),
				options: "DocType",
				default: frm.doc.applies_to,
			},
			{ fieldname: "docname", fieldtype: "Dynamic Link", label: __("Document"), options: "doctype" },
			{ fieldname: "customer", fieldtype: "Link", label: __("Customer"), options: "Customer" },
			{
				fieldname: "variables",
				fieldtype: "Code",
				options: "JSON",
				label: __("Variables"),
			},
		],
		primary_action_label: __("Start"),
		async primary_action(values) {
			const answer = await frappe.xcall("flow_editor.api.start", {
				template: frm.doc.name,
				...values,
			});
			dialog.hide();
			frappe.set_route("Form", "Flow Run", answer.run.name);
		},
	});
	dialog.show();
}
