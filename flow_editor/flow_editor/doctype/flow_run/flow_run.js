frappe.ui.form.on("Flow Run", {
	refresh(frm) {
		frm.disable_save();
		show_steps(frm);
		if (["running", "failed"].includes(frm.doc.status)) {
			frm.add_custom_button(__("Cancel"), () =>
				frappe.confirm(__("Nothing in this run will fire any more. What it has done stays done."), () =>
					act(frm, "cancel")
				)
			);
		}
		if (frm.doc.status === "failed") {
			frm.add_custom_button(__("Retry"), () => act(frm, "retry")).addClass("btn-primary");
		}
		if (frm.realtime_run !== frm.doc.name) {
			frm.realtime_run = frm.doc.name;
			frappe.realtime.off("flow_run_changed");
			frappe.realtime.on("flow_run_changed", ({ run }) => run === frm.doc.name && frm.reload_doc());
		}
	},
});

async function act(frm, what, more = {}) {
	await frappe.xcall(`flow_editor.api.${what}`, { run: frm.doc.name, ...more });
	frm.reload_doc();
}

async function show_steps(frm) {
	await frappe.require("flow_step_table.bundle.js");
	flow_editor.show_step_table(
		frm.get_field("step_table").$wrapper,
		frm.doc.__onload?.steps || [],
		JSON.parse(frm.doc.step_state || "{}"),
		(action, step_id) => act(frm, action, { step_id })
	);
}
