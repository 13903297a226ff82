// All flows, to find, switch, open, duplicate and delete.

frappe.pages["flow-templates"].on_page_load = function (wrapper) {
	wrapper.page = frappe.ui.make_app_page({ parent: wrapper, title: __("Flow Templates"), single_column: true });
};

frappe.pages["flow-templates"].on_page_show = async function (wrapper) {
	const ui = await flow_editor.load();
	// Mounted anew each time, so that it shows what was saved meanwhile.
	wrapper.section?.unmount();
	wrapper.section = ui.mount(wrapper.page.body.get(0), ui.FlowTemplatesSection);
};
