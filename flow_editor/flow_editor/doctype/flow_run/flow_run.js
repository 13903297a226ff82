const STATE_COLOURS = {
	pending: "gray",
	scheduled: "blue",
	running: "cyan",
	done: "green",
	failed: "red",
	skipped: "gray",
	cancelled: "gray",
};

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

function show_steps(frm) {
	const state = JSON.parse(frm.doc.step_state || "{}");
	const escape = frappe.utils.escape_html;
	const time = (text) => (text ? frappe.datetime.str_to_user(text) : "");
	const rows = (frm.doc.__onload?.steps || []).map((step) => {
		const entry = state[step.id] || { status: "pending" };
		const can_complete = entry.waiting || entry.status === "scheduled";
		const button = can_complete
			? `<button class="btn btn-xs btn-default" data-step="${escape(step.id)}" data-act="complete">
				${entry.waiting ? __("Complete") : __("Fire now")}</button>`
			: entry.status === "failed"
			? `<button class="btn btn-xs btn-default" data-step="${escape(step.id)}" data-act="retry">${__("Retry")}</button>`
			: "";
		const label = entry.waiting ? __("waiting") : __(entry.status);
		const detail = entry.error
			? `<div class="text-danger small">${escape(entry.error)}</div>`
			: entry.result && Object.keys(entry.result).length
			? `<div class="text-muted small ellipsis">${escape(JSON.stringify(entry.result).slice(0, 300))}</div>`
			: "";
		return `<tr>
			<td>${escape(step.label || step.id)}<div class="text-muted small">${escape(step.kind)}</div></td>
			<td><span class="indicator-pill ${STATE_COLOURS[entry.status] || "gray"}">${escape(label)}</span></td>
			<td class="small">${escape(time(entry.completed_at || entry.due_at || entry.ready_at))}</td>
			<td>${detail}</td>
			<td class="text-right">${button}</td>
		</tr>`;
	});
	const head = [__("Step"), __("State"), __("When"), __("Result"), ""];
	const wrapper = frm.get_field("step_table").$wrapper;
	wrapper.html(
		`<table class="table table-bordered"><thead><tr>${head
			.map((name) => `<th>${name}</th>`)
			.join("")}</tr></thead><tbody>${rows.join("")}</tbody></table>`
	);
	wrapper.find("button").on("click", (event) => {
		const { step, act: what } = event.currentTarget.dataset;
		act(frm, what, { step_id: step });
	});
}
