/**
 * The template that is being edited: one for the whole page, whoever calls `useFlowEditor()`.
 *
 * Read: isOpen, loading, saving, error, dirty, mode ("new" or "edit"), templateName, problems, conflict (what somebody
 * else has done to it meanwhile), kept (a draft of an earlier visit that was never saved), asks (what is to be answered
 * before it is saved: who it will run as). Write: template, the draft itself;
 * tell each change by `markDirty`, which `undo` and `redo` of `history` go back and forth over. A draft is kept in the browser until it is saved or given up.
 */

import { readonly, ref, shallowReactive, shallowRef } from "vue";
import * as api from "./api.js";
import { AUTHORED, authoredOf, changedBetween, changesOf, same } from "../model/diff.js";
import { sameFlow } from "../model/tree.js";
import { useHistory } from "./history.js";
import { getHost } from "./host.js";
import { forgetDraft, keepDraft, keptDraft } from "./kept.js";
import { loadCatalog } from "./kind-catalogs.js";
import { noteAnswer, whoItRunsAs } from "./run-as.js";

const BLANK = {
	template_name: "", category: "other", applies_to: "", icon: "", description: "", is_active: 0, trigger_event: "manual",
	trigger_condition: "", tags: "", notes: "", run_as: "", re_entry: "Always", catalog: "project",
};
const KEEP_DELAY = 400;
/** What is typed into one field without a pause is one step back, in ms. */
const TYPING = 1000;

const isOpen = ref(false);
const loading = ref(false);
const saving = ref(false);
const error = ref("");
const dirty = ref(false);
const mode = ref("new");
const templateName = ref("");
const template = shallowReactive({});
const problems = shallowRef([]);
const conflict = shallowRef(null);
const kept = shallowRef(null);
const asks = shallowRef(null);
/** Where the editor was opened: "dialog" over a page, or the "page" itself. */
const surface = ref("dialog");
/** The step that it was opened for. */
const shownStep = ref("");

let stored = {};
let savedCallbacks = [];
let keeping = null;
/** The authored fields as they were after each change. */
const states = useHistory({});
let lastChange = { field: "", at: 0 };
/** Counts what was opened, so that each has a history of its own. */
const session = ref(0);

/** Open a stored template. `opts`: surface; step, the one to show; and onSaved, called with each template that is saved. */
async function openTemplate(name, opts = {}) {
	if (!(await close())) return false;
	const mine = ++session.value;
	begin(opts);
	mode.value = "edit";
	templateName.value = name;
	loading.value = true;
	try {
		const [found] = await Promise.all([api.getTemplate(name), loadCatalog()]);
		if (mine !== session.value) return false;
		take(found);
		states.reset(authored());
		offerKept();
	} catch (failure) {
		if (mine === session.value) error.value = failure.message;
	} finally {
		if (mine === session.value) loading.value = false;
	}
	return !error.value;
}

/** Open a new template. `opts`: category, applies_to, trigger_event, catalog as presets; surface; onSaved. */
async function openNew(opts = {}) {
	if (!(await close())) return false;
	const mine = ++session.value;
	begin(opts);
	mode.value = "new";
	templateName.value = "";
	loading.value = true;
	try {
		await loadCatalog();
	} catch (failure) {
		if (mine === session.value) error.value = failure.message;
	} finally {
		if (mine === session.value) loading.value = false;
	}
	if (mine !== session.value) return false;
	const presets = Object.fromEntries(AUTHORED.filter((field) => opts[field] !== undefined).map((field) => [field, opts[field]]));
	take({ ...BLANK, flow_definition: { version: 1, variables: {}, steps: [] }, ...presets });
	states.reset(authored());
	offerKept();
	return !error.value;
}

function begin(opts) {
	take({});
	isOpen.value = true;
	surface.value = opts.surface || "dialog";
	shownStep.value = opts.step || "";
	savedCallbacks = opts.onSaved ? [opts.onSaved] : [];
	error.value = "";
	problems.value = [];
	conflict.value = null;
	kept.value = null;
	asks.value = null;
	api.notices.value = [];
}

function take(found) {
	for (const key of Object.keys(template)) delete template[key];
	Object.assign(template, found);
	stored = { ...found };
	dirty.value = false;
	templateName.value = found.name || "";
}

/** Close it; asks first if something is unsaved, unless forced. Resolves to whether it is closed. */
async function close(force = false) {
	if (!isOpen.value) return true;
	if (dirty.value && !force && !(await getHost().confirm(__("What you changed in this flow is not saved. Give it up?")))) return false;
	if (dirty.value) forget();
	isOpen.value = false;
	dirty.value = false;
	session.value++;
	return true;
}

/** Say that the draft has changed. `typedInto`: the text that it was typed into, where that is only a part of a field. */
function markDirty(typedInto) {
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
function travel(moved) {
	if (!moved) return false;
	Object.assign(template, states.current.value);
	lastChange = { field: "", at: 0 };
	keepSoon();
	return true;
}
const history = {
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

/**
 * Store the draft: a new template, or the fields that changed of one that there is. What is wrong with it is in `problems`
 * and `error` afterwards, and if somebody else has saved it since it was opened, that is in `conflict`. If it would run as
 * another than it does, or somebody might want it to, nothing is saved and the question is in `asks`.
 *
 * @param {{overwrite: boolean, knows: string}} [opts] - overwrite: store it over what somebody else has saved; knows: the
 *   user of whom it was answered that it is to run as them
 * @returns whether it was saved
 */
async function save({ overwrite = false, knows = "" } = {}) {
	if (saving.value) return false;
	saving.value = true;
	error.value = "";
	problems.value = [];
	asks.value = null;
	const mine = session.value;
	const before = authored();
	try {
		const sent = mode.value === "new" ? before : changesOf(template, stored);
		const base = overwrite && conflict.value ? conflict.value.theirs : stored;
		const question = mode.value === "edit" && !knows && (await whoItRunsAs(templateName.value, sent, base));
		if (mine !== session.value) return false;
		if (question) {
			asks.value = { ...question, overwrite };
			return false;
		}
		const told = { version: base.version, will_run_as: knows || base.run_as };
		const found =
			mode.value === "new" ? await api.createTemplate(sent) : await api.updateTemplate(templateName.value, { ...sent, ...told });
		if (knows) api.notices.value = []; // it was said before
		if (mine !== session.value) {
			// Something else was opened meanwhile, and stays.
			savedCallbacks.forEach((callback) => callback(found));
			return true;
		}
		forget();
		conflict.value = null;
		// What was typed while it was being saved is still to be saved.
		const typed = AUTHORED.filter((field) => !same(before[field], template[field]));
		const later = Object.fromEntries(typed.map((field) => [field, template[field]]));
		mode.value = "edit";
		take({ ...found, flow_definition: sameFlow(found.flow_definition, template.flow_definition) ? template.flow_definition : found.flow_definition });
		states.replace(authored());
		if (typed.length) {
			Object.assign(template, later);
			markDirty();
		}
		savedCallbacks.forEach((callback) => callback(found));
		return true;
	} catch (failure) {
		if (mine !== session.value) return false;
		error.value = failure.message;
		problems.value = failure.problems || [];
		if (mode.value === "edit" && ["conflict", "not_found"].includes(failure.code)) await showConflict(failure);
		keep();
		return false;
	} finally {
		saving.value = false;
	}
}

/** Save it so that it runs as who was asked about; or, if `asMe`, ask about that. */
function answerRunAs({ asMe = false } = {}) {
	const { will_run_as, overwrite } = asks.value;
	noteAnswer(templateName.value);
	if (!asMe) return save({ overwrite, knows: will_run_as });
	template.run_as = getHost().user;
	markDirty();
	return save({ overwrite });
}

async function showConflict(failure) {
	if (failure.code === "not_found") {
		conflict.value = { message: __("Somebody has deleted this flow."), theirs: null, changed: [] };
		return;
	}
	const theirs = await api.getTemplate(templateName.value).catch(() => null);
	if (theirs && String(theirs.version) !== String(stored.version)) {
		conflict.value = { message: failure.message, theirs, changed: changedBetween(stored, theirs) };
	}
}

/** Leave one's own draft, and go on with what somebody else has saved. */
function takeTheirs() {
	forget();
	take(conflict.value.theirs);
	lastChange = { field: "", at: 0 }; // a step back of its own, however fast it came
	remember();
	conflict.value = null;
	error.value = "";
}

/** Store the draft as a template of its own, and go on with that. */
async function saveAsCopy() {
	const values = { ...authored(), template_name: __("{0} (mine)", [template.template_name]), is_active: 0 };
	delete values.run_as;
	try {
		const found = await api.createTemplate(values);
		forget();
		conflict.value = null;
		error.value = "";
		take(found);
		states.replace(authored());
		savedCallbacks.forEach((callback) => callback(found));
		return true;
	} catch (failure) {
		error.value = failure.message;
		return false;
	}
}

/** Copy the stored template, and load the copy. */
async function duplicate(newName) {
	try {
		const copy = await api.duplicateTemplate(templateName.value, newName);
		const opts = { surface: surface.value, onSaved: savedCallbacks[0] };
		savedCallbacks.forEach((callback) => callback(copy));
		const told = api.notices.value;
		const opened = await openTemplate(copy.name, opts);
		api.notices.value = told;
		return opened;
	} catch (failure) {
		error.value = failure.message;
		return false;
	}
}

/** Go on with what was restored in place of the stored template. */
function takeRestored(found) {
	if (dirty.value) forget();
	take(found);
	states.reset(authored());
	session.value++;
	error.value = "";
	problems.value = [];
	conflict.value = null;
	savedCallbacks.forEach((callback) => callback(found));
}

/** Delete the template. A system template is refused. */
async function remove() {
	if (template.is_system) {
		error.value = __("{0} is a system template and cannot be deleted. Duplicate it, or switch it off.", [template.template_name]);
		return false;
	}
	try {
		await api.deleteTemplate(templateName.value);
	} catch (failure) {
		error.value = failure.message;
		return false;
	}
	await close(true);
	savedCallbacks.forEach((callback) => callback(null));
	return true;
}

// The draft, kept in the browser

const authored = () => authoredOf(template);

function keep() {
	if (dirty.value) keepDraft(templateName.value, template, stored.version);
}
function forget() {
	clearTimeout(keeping);
	forgetDraft(templateName.value);
}
function offerKept() {
	kept.value = keptDraft(templateName.value, stored);
}
/** Go on with the kept draft, or give it up. */
function restoreKept(wanted) {
	if (wanted) {
		Object.assign(template, kept.value.values);
		// It goes on from what it was begun from, so that what was saved since is not overwritten unseen.
		stored = { ...stored, version: kept.value.version ?? stored.version };
		markDirty();
	} else {
		forget();
	}
	kept.value = null;
}

export function useFlowEditor() {
	return {
		isOpen: readonly(isOpen), loading: readonly(loading), saving: readonly(saving), error: readonly(error), dirty: readonly(dirty),
		mode: readonly(mode), templateName: readonly(templateName), surface: readonly(surface), shownStep: readonly(shownStep), session: readonly(session), problems, conflict, kept, asks, template, history,
		openTemplate, openNew, close, save, duplicate, remove, markDirty, takeTheirs, saveAsCopy, restoreKept, answerRunAs, takeRestored,
	};
}
