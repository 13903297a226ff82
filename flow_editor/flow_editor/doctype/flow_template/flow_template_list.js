frappe.listview_settings["Flow Template"] = {
	add_fields: ["is_active", "is_system", "paused_reason", "version"],
	hide_name_column: true,

	get_indicator(doc) {
		if (doc.paused_reason) return [__("Paused"), "orange", "paused_reason,is,set"];
		if (!doc.version) return [__("Draft"), "gray", "version,=,0"];
		return doc.is_active
			? [__("Active"), "green", "is_active,=,1"]
			: [__("Off"), "gray", "is_active,=,0"];
	},

	async onload(listview) {
		const events = await frappe.xcall(
			"flow_editor.flow_editor.doctype.flow_template.flow_template.trigger_events"
		);
		const field = listview.page.fields_dict.trigger_event;
		if (!field) return;
		field.df.options = [{ value: "", label: __("Trigger event") }, ...events];
		field.set_options?.();
	},
};
