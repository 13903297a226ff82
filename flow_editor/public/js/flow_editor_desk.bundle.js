// On every page of the desk: how to load the editor, and the flows of a document in the menu of its form.

frappe.provide("flow_editor");

/** Load the editor, once. Resolves to its parts (see flow_editor/index.js). */
flow_editor.load = async function () {
	await frappe.require(["flow_editor.bundle.js", "flow_editor.bundle.css"]);
	return flow_editor.ui;
};

/** Show the flows of a document: to start, to follow, to edit, and to make a new one. */
flow_editor.show_flows = async function (doctype, docname) {
	const ui = await flow_editor.load();
	ui.mountDialog();
	const element = document.createElement("div");
	document.body.append(element);
	const shown = ui.mount(element, ui.FlowQuickButton, {
		doctype,
		docname,
		open: true,
		onClosed() {
			shown.unmount();
			element.remove();
		},
	});
};

/** Start a flow: ask for what it needs, say what it will send and make, and go to its run. */
flow_editor.start = async function (template, doctype) {
	const ui = await flow_editor.load();
	const element = document.createElement("div");
	document.body.append(element);
	const close = () => {
		shown.unmount();
		element.remove();
	};
	const shown = ui.mount(element, ui.FlowStartDialog, {
		template,
		doctype,
		chooses: true,
		onStarted(run) {
			close();
			frappe.set_route("Form", "Flow Run", run.name);
		},
		onClose: close,
	});
};

$(document).on("form-refresh", (event, frm) => {
	const about = frappe.boot.flow_editor;
	if (!about || frm.meta.issingle || frm.meta.istable || frm.meta.module === "Flow Editor" && frm.doctype !== "Dispatch Job") return;
	if (!about.may_edit && !about.doctypes.includes(frm.doctype)) return;
	frm.page.add_menu_item(__("Flows"), () => flow_editor.show_flows(frm.doctype, frm.is_new() ? "" : frm.docname), true);
});
