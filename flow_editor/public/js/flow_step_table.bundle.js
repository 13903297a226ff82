// The steps of a Flow Run with their states, times, results and errors, and what can be done about each.

const STATE_COLOURS = {
	pending: "gray",
	scheduled: "blue",
	running: "cyan",
	done: "green",
	failed: "red",
	skipped: "gray",
	cancelled: "gray",
};
const WIDTHS = [24, 13, 16, 35, 12]; // per cent
const RESULT_LENGTH = 300;

/**
 * Draw the table.
 * @param {jQuery} $wrapper - what it is drawn into
 * @param {{id: string, kind: string, label: string}[]} steps - in the order of the definition
 * @param {Object} state - the run's step_state
 * @param {(action: "complete" | "retry", step_id: string) => void} on_action - a button was pressed
 */
frappe.provide("flow_editor");
flow_editor.show_step_table = function ($wrapper, steps, state, on_action) {
	const head = [__("Step"), __("State"), __("When"), __("Result"), ""]
		.map((name, i) => `<th scope="col" style="width: ${WIDTHS[i]}%">${name}</th>`)
		.join("");
	const body = steps.map((step) => row(step, state[step.id] || { status: "pending" })).join("");
	$wrapper.html(
		`<table class="table table-bordered" style="table-layout: fixed; overflow-wrap: anywhere">
			<thead><tr>${head}</tr></thead><tbody>${body}</tbody>
		</table>`
	);
	$wrapper.find("button[data-action]").on("click", ({ currentTarget }) => {
		on_action(currentTarget.dataset.action, currentTarget.dataset.step);
	});
};

function row(step, entry) {
	const escape = frappe.utils.escape_html;
	const label = entry.waiting ? __("waiting") : __(entry.status);
	const when = entry.completed_at || entry.due_at || entry.ready_at;
	return `<tr>
		<td>${escape(step.label || step.id)}<div class="text-muted small">${escape(step.kind)}</div></td>
		<td><span class="indicator-pill ${STATE_COLOURS[entry.status] || "gray"}">${escape(label)}</span></td>
		<td class="small">${when ? escape(frappe.datetime.str_to_user(when)) : ""}</td>
		<td>${outcome(entry)}</td>
		<td class="text-right">${button(step, entry)}</td>
	</tr>`;
}

function outcome(entry) {
	const escape = frappe.utils.escape_html;
	if (entry.error) return `<div class="text-danger small">${escape(entry.error)}</div>`;
	const text = entry.result == null ? "" : JSON.stringify(entry.result);
	if (!text || text === "{}") return "";
	return `<div class="text-muted small">${escape(text.slice(0, RESULT_LENGTH))}</div>`;
}

function button(step, entry) {
	const [action, label] = entry.waiting
		? ["complete", __("Complete")]
		: entry.status === "scheduled"
		? ["complete", __("Fire now")]
		: entry.status === "failed"
		? ["retry", __("Retry")]
		: [];
	if (!action) return "";
	const id = frappe.utils.escape_html(step.id);
	return `<button class="btn btn-xs btn-default" data-action="${action}" data-step="${id}">${label}</button>`;
}
