// The editor as a page: /flow-editor/FT-00001 or /flow-editor/fiber_install opens that flow, /flow-editor/new a new one.

frappe.pages["flow-editor"].on_page_load = async function (wrapper) {
	wrapper.page = frappe.ui.make_app_page({ parent: wrapper, title: __("Flow Editor"), single_column: true });
	// The workbench has a head of its own, and takes the room of the page's.
	$(wrapper).find(".page-head").hide();
	$(wrapper).on("hide", () => leave(wrapper));
};

frappe.pages["flow-editor"].on_page_show = async function (wrapper) {
	const ui = await flow_editor.load();
	if (frappe.get_route()[0] !== "flow-editor") return; // gone on meanwhile
	wrapper.view ??= ui.mount(wrapper.page.body.get(0), ui.FlowEditorDialog, {
		inline: true,
		onOpened(name) {
			// A new flow has its name once it is saved, and the page with it.
			if (name && frappe.get_route()[0] === "flow-editor" && frappe.get_route()[1] !== name) {
				wrapper.shown = name;
				frappe.router.push_state(frappe.router.make_url(["flow-editor", name]));
			}
		},
		onClosed: () => frappe.set_route("flow-templates"),
	});
	open_flow(wrapper);
};

async function open_flow(wrapper) {
	const store = flow_editor.ui.useFlowEditor();
	const name = frappe.get_route()[1];
	if (!name) return frappe.set_route("flow-templates");
	if (is_on_page(store) && wrapper.shown === name) return;
	const before = is_on_page(store) && wrapper.shown;
	wrapper.shown = name;
	const presets = frappe.route_options || {};
	frappe.route_options = null;
	const opened =
		name === "new"
			? await store.openNew({ ...presets, surface: "page" })
			: await store.openTemplate(await number_of(name), { surface: "page", step: presets.step });
	// Who stays with what is not saved stays at its address too.
	if (!opened && !store.error.value && before) {
		wrapper.shown = before;
		frappe.router.push_state(frappe.router.make_url(["flow-editor", before]));
	}
}

const is_on_page = (store) => store.isOpen.value && store.surface.value === "page";

/** Another page is shown: give the flow up, or, with what is not saved, come back to it. */
async function leave(wrapper) {
	const store = flow_editor.ui?.useFlowEditor();
	if (!store || !wrapper.view) return;
	if (is_on_page(store) && !(await store.close())) return frappe.set_route("flow-editor", wrapper.shown);
	if (frappe.get_route()[0] === "flow-editor") return; // came back by itself
	wrapper.view.unmount();
	wrapper.view = null;
}

/** The number of a flow that is called by its name, where there is one. */
async function number_of(name) {
	if (/^FT-\d+$/.test(name)) return name;
	const { api } = flow_editor.ui;
	const templates = await api.listTemplates().catch(() => []); // opening it says that the server is away
	return templates.find((template) => template.template_name === name)?.name || name;
}
