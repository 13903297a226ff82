/** The editor's parts, and how a page puts one into an element of its own. */

import { createApp, h, shallowReactive } from "vue";
import { parseOutside } from "./model/clipboard.js";
import FieldInput from "./parts/FieldInput.vue";
import FlowEditor from "./parts/FlowEditor.vue";
import FlowEditorDialog from "./parts/FlowEditorDialog.vue";
import FlowNode from "./parts/FlowNode.vue";
import FlowQuickButton from "./parts/FlowQuickButton.vue";
import FlowRunView from "./parts/FlowRunView.vue";
import FlowStartDialog from "./parts/FlowStartDialog.vue";
import FlowTemplatesSection from "./parts/FlowTemplatesSection.vue";
import StepEditorModal from "./parts/StepEditorModal.vue";
import { useFlowEditor } from "./state/useFlowEditor.js";

export {
	FieldInput, FlowEditor, FlowEditorDialog, FlowNode, FlowQuickButton, FlowRunView, FlowStartDialog, FlowTemplatesSection, StepEditorModal, useFlowEditor,
};
export * from "./state/kind-catalogs.js";
export * as api from "./state/api.js";
export { sameFlow } from "./model/tree.js";
export { useHost } from "./state/host.js";
export { restoreAsShipped, willRunAs } from "./state/restore.js";

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
