/** ERPNext's desk as the editor's host (see host.js). */

const link = (...parts) => frappe.router.make_url(parts);
const OFFERED = 10;
/** What errors speak of that is set once for the site. */
const SETTINGS = ["SMS Settings", "Flow Settings", "Email Account", "Email Queue"];
// Frappe names the DocTypes themselves to everybody.
const mayLook = (doctype) => doctype === "DocType" || frappe.model.can_select(doctype) || frappe.model.can_read(doctype);

// A dialog of the browser's own is above all else: what Frappe asks while one is open stands in it.
$(document).on("show.bs.modal", ".modal", ({ target }) => {
	const above = [...document.querySelectorAll("dialog.flow-editor[open]")].pop();
	if (above && !above.contains(target)) above.append(target);
});

export const desk = {
	headers: () => ({ "X-Frappe-CSRF-Token": frappe.csrf_token }),
	// A name that this version of Frappe does not draw gets a plain one.
	icon: (name) => frappe.utils.icon(document.getElementById(`icon-${name}`) ? name : "list", "sm"),
	confirm: (text) =>
		new Promise((resolve) => {
			const asked = frappe.confirm(frappe.utils.escape_html(text).replaceAll("\n", "<br>"), () => resolve(true), () => resolve(false));
			asked.$wrapper?.on("hidden.bs.modal", () => resolve(false));
		}),
	tell: (text, indicator) => frappe.show_alert({ message: frappe.utils.escape_html(text), indicator }),

	async search(doctype, text) {
		if (!mayLook(doctype)) return [];
		const found = await frappe.xcall("frappe.desk.search.search_link", { doctype, txt: text || "", page_length: OFFERED });
		return (found || []).map(({ value, description }) => ({ value, description }));
	},

	hasLinkControl: mayLook, // else it would only complain, at each key
	linkControl(element, { doctype, value, label, id, readonly, change }) {
		const control = frappe.ui.form.make_control({
			parent: element,
			df: {
				fieldtype: "Link",
				fieldname: id,
				options: doctype,
				placeholder: doctype,
				// A path such as {{doc.customer}} may stand here too, so what it names is checked when it runs.
				ignore_link_validation: true,
				only_select: true,
				read_only: readonly ? 1 : 0,
				change: () => change(control.get_value() || ""),
			},
			only_input: true,
			render_input: true,
		});
		control.$input?.attr({ id, "aria-label": label }).on("input", () => change(control.$input.val()));
		const set = (given) => given !== control.$input?.val() && control.set_input(given);
		set(value);
		return { set, destroy: () => $(element).empty() };
	},

	documentLink: (doctype, name) => frappe.utils.get_form_link(doctype, name),
	templateLink: (name, step) => link("flow-editor", name) + (step ? `?${new URLSearchParams({ step })}` : ""),
	newTemplateLink: () => link("flow-editor", "new"),
	runLink: (name) => link("flow-run", name),
	runsLink: (filters) => `${link("flow-run")}?${new URLSearchParams(filters)}`,
	settingsNamed: (text) => SETTINGS.filter((doctype) => text.includes(doctype) && mayLook(doctype)).map((doctype) => ({ label: __(doctype), href: link(frappe.router.slug(doctype)) })),
	go: (href) => frappe.set_route(...frappe.router.get_sub_path_string(href).split("/").map(decodeURIComponent)),
	moment: (text) => (text ? frappe.datetime.str_to_user(text) : ""),

	tellsOfRuns: () => Boolean(frappe.realtime.socket?.connected),
	watchRun(name, changed) {
		const listen = ({ runs }) => runs.includes(name) && changed();
		if (!frappe.realtime.socket) return () => {}; // a site without it, where asking now and then is all there is
		frappe.realtime.doctype_subscribe("Flow Run");
		frappe.realtime.on("flow_runs_changed", listen);
		return () => frappe.realtime.off("flow_runs_changed", listen);
	},

	get user() {
		return frappe.session.user;
	},
	get mayEdit() {
		return frappe.user.has_role(["Flow Manager", "System Manager"]);
	},
	get mayStart() {
		return frappe.user.has_role(["Flow User", "Flow Manager", "System Manager"]);
	},
	get canNameUsers() {
		return frappe.user.has_role("System Manager");
	},
};
