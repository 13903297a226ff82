/** The editor's parts, and how a page puts one into an element of its own. */

import { createApp, h, shallowReactive } from "vue";
import { parseOutside } from "./clipboard.js";
import FlowEditor from "./FlowEditor.vue";
import FlowEditorDialog from "./FlowEditorDialog.vue";
import FlowQuickButton from "./FlowQuickButton.vue";
import FlowRunView from "./FlowRunView.vue";
import FlowStartDialog from "./FlowStartDialog.vue";
import FlowTemplatesSection from "./FlowTemplatesSection.vue";
import { useFlowEditor } from "./useFlowEditor.js";

export { FlowEditor, FlowEditorDialog, FlowQuickButton, FlowRunView, FlowStartDialog, FlowTemplatesSection, useFlowEditor };
export * from "./kind-catalogs.js";
export * as api from "./flow-templates.js";
export { sameFlow } from "./flow-tree.js";
export { useHost } from "./host.js";
export { restoreAsShipped, willRunAs } from "./restore.js";

/**
 * Mount a component.
 *
 * @param {Element} element
 * @param {Object} component
 * @param {Object} props - with listeners as onName
 * @returns {{set: function(Object), unmount: function}} `set` changes props
 */
export function mount(element, component, props = {}) {
	const given = shallowReactive({ ...props });
	const app = createApp({ render: () => h(component, given) });
	app.config.globalProperties.__ = window.__;
	app.mount(element);
	return { set: (changed) => Object.assign(given, changed), unmount: () => app.unmount() };
}

/** A stored definition as the editor takes it: parsed, or its text where that cannot be done. */
export function readDefinition(text) {
	try {
		return parseOutside(text || "{}");
	} catch {
		return text; // the editor shows it, with what is wrong
	}
}

let dialog = null;

/** Mount the dialog that any part of the page can open, once. */
export function mountDialog() {
	if (dialog) return;
	const element = document.createElement("div");
	document.body.append(element);
	dialog = mount(element, FlowEditorDialog);
}
