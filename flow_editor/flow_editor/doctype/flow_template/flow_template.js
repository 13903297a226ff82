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
		} else if (!frm.is_new() && !frm.doc.version) {
			frm.set_intro(__("This flow was never published: its steps are in its draft, which this form does not show."), "orange");
		} else if (frm.doc.is_system) {
			frm.set_intro(
				__("This flow came with the app. It can be edited and duplicated, not deleted or renamed."),
				"blue"
			);
		}
		frm.set_df_property("template_name", "read_only", frm.doc.is_system ? 1 : 0);
		show_editor(frm);
		if (frm.is_new()) return;
		frm.add_custom_button(__("Runs"), () =>
			frappe.set_route("List", "Flow Run", { flow_template: frm.doc.name })
		);
		frm.add_custom_button(__("Start"), () => start(frm));
		if (frm.doc.is_system && frm.perm[0]?.write) frm.add_custom_button(__("Restore as shipped"), () => restore(frm));
		if (frm.doc.is_system && frm.perm[0]?.create) frm.add_custom_button(__("Duplicate"), () => duplicate(frm));
		frm.add_custom_button(__("Open in the editor"), () => frappe.set_route("flow-editor", frm.doc.name));
	},

	before_save: ask_who_it_runs_as,

	trigger_event: show_editor,
	applies_to: show_editor,
	catalog: show_editor,
});

/** The tree in place of the definition's text, which it shows as well. The form stays the one that stores. */
async function show_editor(frm) {
	const ui = await flow_editor.load();
	await ui.loadCatalog();
	frm.set_df_property("catalog", "options", ui.CATALOGS.value);
	const event = ui.TRIGGER_EVENTS.value.find(({ name }) => name === frm.doc.trigger_event);
	const props = {
		kindCatalog: ui.kindCatalog(frm.doc.catalog),
		context: { doctype: frm.doc.applies_to || event?.doctypes[0] || "" },
		readonly: !frm.has_perm("write"),
	};
	const text = frm.doc.flow_definition || "";
	const element = frm.get_field("editor").$wrapper.get(0);
	const shown = frm.flow_editor;
	if (shown?.name === frm.doc.name && element.contains(shown.element)) {
		if (shown.text !== text) {
			const stored = ui.readDefinition(text);
			if (!ui.sameFlow(stored, ui.readDefinition(shown.text))) props.definition = stored;
			shown.text = text;
		}
		shown.view.set(props);
		return;
	}
	shown?.view.unmount();
	const own = document.createElement("div");
	own.className = "fe-embedded";
	element.replaceChildren(own);
	const view = ui.mount(own, ui.FlowEditor, {
		...props,
		definition: ui.readDefinition(text),
		onChange(definition) {
			frm.flow_editor.text = typeof definition === "string" ? definition : JSON.stringify(definition, null, 1);
			frm.set_value("flow_definition", frm.flow_editor.text);
		},
		onSave: () => frm.save(),
	});
	frm.flow_editor = { name: frm.doc.name, element: own, view, text };
	frm.toggle_display("flow_definition", false);
}

/** Whoever saves it is told first if it will run as another user than it does. */
async function ask_who_it_runs_as(frm) {
	if (frm.is_new()) return;
	const written = ["flow_definition", "trigger_event", "trigger_condition", "applies_to", "re_entry", "run_as"];
	const values = Object.fromEntries(written.map((field) => [field, frm.doc[field] ?? ""]));
	const ui = await flow_editor.load();
	let who;
	try {
		who = await ui.api.checkTemplate(frm.doc.name, values);
	} catch {
		return; // what is wrong with it, saving says
	}
	if (who.will_run_as === who.run_as) return;
	const wanted = await new Promise((resolve) =>
		frappe.warn(
			__("Who this flow runs as"),
			[ui.willRunAs(who), ...who.may_not].map((sentence) => `<p>${frappe.utils.escape_html(sentence)}</p>`).join(""),
			() => resolve(true),
			__("Save it so")
		).$wrapper.on("hidden.bs.modal", () => resolve(false))
	);
	if (!wanted) frappe.validated = false;
}

async function restore(frm) {
	const ui = await flow_editor.load();
	try {
		if (await ui.restoreAsShipped(frm.doc, frm.is_dirty())) {
			for (const notice of ui.api.notices.value) frappe.show_alert({ message: frappe.utils.escape_html(notice), indicator: "orange" }, 15);
			await frm.reload_doc();
		}
	} catch (failure) {
		frappe.msgprint({ message: frappe.utils.escape_html(failure.message), indicator: "red" });
	}
}

/** What a system template refuses, its copy allows. */
async function duplicate(frm) {
	const { api } = await flow_editor.load();
	try {
		const copy = await api.duplicateTemplate(frm.doc.name);
		frappe.set_route("Form", "Flow Template", copy.name);
	} catch (failure) {
		frappe.msgprint({ message: frappe.utils.escape_html(failure.message), indicator: "red" });
	}
}

function start(frm) {
	flow_editor.start(frm.doc.name, frm.doc.applies_to);
}
