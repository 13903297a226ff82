/** What is held of the template that is being edited: its state, its steps back, and what is kept of it in the browser. */

import { ref, shallowReactive, shallowRef } from "vue";
import { AUTHORED, authoredOf } from "../model/diff.js";
import { useHistory } from "./history.js";
import { getHost } from "./host.js";
import { forgetDraft, keepDraft, keptDraft } from "./kept.js";

const KEEP_DELAY = 400;
/** What is typed into one field without a pause is one step back, in ms. */
const TYPING = 1000;

export const isOpen = ref(false);
export const loading = ref(false);
export const saving = ref(false);
export const error = ref("");
export const dirty = ref(false);
export const mode = ref("new");
export const templateName = ref("");
export const template = shallowReactive({});
export const problems = shallowRef([]);
export const conflict = shallowRef(null);
export const kept = shallowRef(null);
export const asks = shallowRef(null);
/** Where the editor was opened: "dialog" over a page, or the "page" itself. */
export const surface = ref("dialog");
/** The step that it was opened for. */
export const shownStep = ref("");

export const published = shallowRef(null);
export const draft = shallowRef(null);

let keeping = null;
/** The authored fields as they were after each change. */
export const states = useHistory({});
let lastChange = { field: "", at: 0 };
/** Counts what was opened, so that each has a history of its own. */
export const session = ref(0);

/**
 * `stored`: as the server keeps it, the draft's fields over the published ones, with `base`, the version that the draft
 * stands on. `callbacks`: who is told of each template that is saved.
 */
export const held = { stored: {}, callbacks: [] };

/** Show a template with its draft over it, as the server has answered. Who cannot edit is shown what is published. */
export function take({ template: found = {}, draft: kept = null }) {
	const merged = mergedOf(found, getHost()?.mayEdit === false ? null : kept);
	for (const key of Object.keys(template)) delete template[key];
	Object.assign(template, merged);
	held.stored = { ...merged, base: kept?.version ?? found.version };
	published.value = Number(found.version) ? found : null;
	draft.value = kept;
	dirty.value = false;
	templateName.value = found.name || "";
}
export function mergedOf(found, kept) {
	return kept ? { ...found, ...authoredOf(kept) } : { ...found };
}

/** Say that the draft has changed. `typedInto`: the text that it was typed into, where that is only a part of a field. */
export function markDirty(typedInto) {
	remember(typedInto);
	keepSoon();
}
function remember(typedInto = "") {
	const now = authored();
	const changed = AUTHORED.filter((name) => now[name] !== states.current.value[name]);
	if (!changed.length) return;
	const field = typedInto || (changed.length === 1 && changed[0] !== "flow_definition" ? changed[0] : "");
	const goesOn = field && field === lastChange.field && Date.now() - lastChange.at < TYPING;
	if (goesOn) states.replace(now);
	else states.commit(now);
	lastChange = { field, at: Date.now() };
}
/** Take what is held as a step of its own, however fast it came. */
export function rememberApart() {
	lastChange = { field: "", at: 0 };
	remember();
}
function travel(moved) {
	if (!moved) return false;
	Object.assign(template, states.current.value);
	lastChange = { field: "", at: 0 };
	keepSoon();
	return true;
}
export const history = {
	canUndo: states.canUndo,
	canRedo: states.canRedo,
	undo: () => travel(states.undo()),
	redo: () => travel(states.redo()),
};
function keepSoon() {
	dirty.value = true;
	clearTimeout(keeping);
	keeping = setTimeout(keep, KEEP_DELAY);
}

// The draft, kept in the browser

export const authored = () => authoredOf(template);

export function keep() {
	if (dirty.value) keepDraft(templateName.value, template, { version: held.stored.base, revision: held.stored.draft_revision });
}
export function forget() {
	clearTimeout(keeping);
	forgetDraft(templateName.value);
}
export function offerKept() {
	kept.value = keptDraft(templateName.value, held.stored);
}
/** Go on with the kept draft, or give it up. */
export function restoreKept(wanted) {
	if (wanted) {
		Object.assign(template, kept.value.values);
		// It goes on from what it was begun from, so that what was saved since is not overwritten unseen.
		held.stored = { ...held.stored, base: kept.value.version ?? held.stored.base, draft_revision: kept.value.revision ?? held.stored.draft_revision };
		markDirty();
	} else {
		forget();
	}
	kept.value = null;
}
