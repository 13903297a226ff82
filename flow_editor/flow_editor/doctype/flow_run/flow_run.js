frappe.ui.form.on("Flow Run", {
	async refresh(frm) {
		frm.disable_save();
		const cause = frm.doc.caused_by;
		if (cause) frm.add_custom_button(__("Caused by {0}", [cause]), () => frappe.set_route("Form", "Flow Run", cause));
		const ui = await flow_editor.load();
		const element = frm.get_field("tree").$wrapper.get(0);
		if (frm.run_view?.name === frm.doc.name && element.contains(frm.run_view.element)) return;
		frm.run_view?.view.unmount();
		const own = document.createElement("div");
		element.replaceChildren(own);
		const view = ui.mount(own, ui.FlowRunView, { name: frm.doc.name, embedded: true, onChanged: () => frm.reload_doc() });
		frm.run_view = { name: frm.doc.name, element: own, view };
		// A form that is not shown asks for nothing. It is refreshed when it is shown again.
		$(frm.wrapper).off("hide.flow_run").one("hide.flow_run", () => {
			view.unmount();
			frm.run_view = null;
		});
	},
});
