/**
 * The template that is being edited: one for the whole page, whoever calls `useFlowEditor()`.
 *
 * Read: isOpen, loading, saving, error, dirty, mode ("new" or "edit"), templateName, problems, published (what is published
 * of it, null if nothing is), draft (who kept the server's draft of it, and when), conflict (what somebody else has done to
 * it meanwhile), kept (what was written on an earlier visit and never saved), asks (what is to be answered before it is
 * published: who it will run as). Write: template, the draft itself; tell each change by `markDirty`, which `undo` and `redo`
 * of `history` go back and forth over. What is written is kept in the browser until `saveDraft` has it on the server;
 * `publish` makes a version of that, and so does `save`, which is its older name. Whether it is on is no part of a draft.
 */

import { readonly } from "vue";
import * as api from "./api.js";
import { AUTHORED, changedBetween, changesOf, same } from "../model/diff.js";
import { sameFlow } from "../model/tree.js";
import { getHost } from "./host.js";
import {
	asks, authored, conflict, dirty, draft, error, forget, held, history, isOpen, keep, kept, loading, markDirty, mergedOf, mode, offerKept, problems,
	published, rememberApart, restoreKept, saving, session, shownStep, states, surface, take, template, templateName,
} from "./held.js";
import { loadCatalog } from "./kind-catalogs.js";
import { noteAnswer, whoItRunsAs } from "./run-as.js";

const BLANK = {
	template_name: "", category: "other", applies_to: "", icon: "", description: "", is_active: 0, trigger_event: "manual",
	trigger_condition: "", tags: "", notes: "", run_as: "", re_entry: "Always", catalog: "project",
};

/** Open a stored template. `opts`: surface; step, the one to show; and onSaved, called with each template that is saved. */
async function openTemplate(name, opts = {}) {
	if (!(await close())) return false;
	const mine = ++session.value;
	begin(opts);
	mode.value = "edit";
	templateName.value = name;
	loading.value = true;
	try {
		const [found] = await Promise.all([api.openTemplate(name), loadCatalog()]);
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
	take({ template: { ...BLANK, flow_definition: { version: 1, variables: {}, steps: [] }, ...presets } });
	states.reset(authored());
	offerKept();
	return !error.value;
}

function begin(opts) {
	take({});
	isOpen.value = true;
	surface.value = opts.surface || "dialog";
	shownStep.value = opts.step || "";
	held.callbacks = opts.onSaved ? [opts.onSaved] : [];
	error.value = "";
	problems.value = [];
	conflict.value = null;
	kept.value = null;
	asks.value = null;
	api.notices.value = [];
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

/**
 * Keep what is written as the server's draft, whatever is wrong with it: that is in `problems` afterwards. If somebody else has
 * kept or published it since it was opened, nothing is kept, and what they did is in `conflict`.
 *
 * @param {{overwrite: boolean}} [opts] - overwrite: keep it over what somebody else has done
 * @returns whether it was kept
 */
async function saveDraft({ overwrite = false } = {}) {
	if (saving.value) return false;
	saving.value = true;
	error.value = "";
	problems.value = [];
	asks.value = null;
	const mine = session.value;
	const before = authored();
	try {
		const base = overwrite && conflict.value ? conflict.value.theirs : held.stored;
		const found =
			mode.value === "new"
				? await api.createDraft(before)
				: await api.keepDraft(templateName.value, { ...changesOf(template, base), draft_revision: base.draft_revision, version: base.base });
		if (mine === session.value) takeWritten(found, before);
		held.callbacks.forEach((callback) => callback(found.template));
		if (mine === session.value) problems.value = found.problems || [];
		return true;
	} catch (failure) {
		return mine === session.value && (await refused(failure));
	} finally {
		saving.value = false;
	}
}

/**
 * Make a version of what is written: keep it, and publish it if nothing is wrong with it. If it would run as another than it
 * does, or somebody might want it to, nothing is published and the question is in `asks`.
 *
 * @param {{note: string, overwrite: boolean, knows: string}} [opts] - knows: the user of whom it was answered that it is to
 *   run as them
 * @returns whether it is published
 */
async function publish({ note = "", overwrite = false, knows = "" } = {}) {
	if (saving.value) return false;
	asks.value = null;
	const mine = session.value;
	const wantsOn = !published.value && Number(template.is_active);
	if ((dirty.value || mode.value === "new" || overwrite) && !(await saveDraft({ overwrite }))) return false;
	if (mine !== session.value) return true;
	if (problems.value.length) {
		error.value = __("It is saved as a draft. It can be published once what is wrong with it is mended.");
		return false;
	}
	if (!draft.value) return true; // it says what is published
	saving.value = true;
	error.value = "";
	const before = authored();
	try {
		const was = published.value;
		const question = was && !knows && (await whoItRunsAs(templateName.value, changesOf(template, was), was));
		if (mine !== session.value) return false;
		if (question) {
			asks.value = { ...question, note };
			return false;
		}
		const about = { draft_revision: held.stored.draft_revision, note, will_run_as: knows || was?.run_as };
		const found = await api.publishTemplate(templateName.value, about);
		if (knows) api.notices.value = []; // it was said before
		if (mine === session.value) takeWritten(found, before);
		held.callbacks.forEach((callback) => callback(found.template));
	} catch (failure) {
		return mine === session.value && (await refused(failure));
	} finally {
		saving.value = false;
	}
	if (wantsOn && mine === session.value) await setActive(true);
	return true;
}

/** Go on with what the server has written. What was typed meanwhile is still to be saved. */
function takeWritten(found, before) {
	forget();
	conflict.value = null;
	const typed = AUTHORED.filter((field) => !same(before[field], template[field]));
	const later = Object.fromEntries(typed.map((field) => [field, template[field]]));
	const { flow_definition: shown, is_active } = template;
	const wantsOn = !Number(found.template.version) && is_active;
	mode.value = "edit";
	take(found);
	if (sameFlow(template.flow_definition, shown)) template.flow_definition = shown;
	if (wantsOn) template.is_active = is_active;
	states.replace(authored());
	if (typed.length) {
		Object.assign(template, later);
		markDirty();
	}
}

async function refused(failure) {
	error.value = failure.message;
	problems.value = failure.problems || [];
	if (mode.value === "edit" && ["conflict", "not_found"].includes(failure.code)) await showConflict(failure);
	keep();
	return false;
}

/** Switch what is published on or off, at once. What was never published is switched on with its first version. */
async function setActive(wanted) {
	if (!published.value) {
		template.is_active = wanted ? 1 : 0;
		return true;
	}
	try {
		const { version, run_as } = published.value;
		const found = await api.updateTemplate(templateName.value, { is_active: wanted ? 1 : 0, version, will_run_as: run_as });
		published.value = found;
		template.is_active = found.is_active;
		template.version = found.version;
		held.stored = { ...held.stored, is_active: found.is_active, version: found.version, base: draft.value ? held.stored.base : found.version };
		held.callbacks.forEach((callback) => callback(found));
		return true;
	} catch (failure) {
		error.value = failure.message;
		problems.value = failure.problems || [];
		return false;
	}
}

/** Give up the server's draft, and go on with what is published. */
async function discard() {
	return goOnWith(() => api.discardDraft(templateName.value, held.stored.draft_revision));
}

/** Take a version into the draft. */
async function restoreVersion(version) {
	return goOnWith(() => api.restoreDraft(templateName.value, version, held.stored.draft_revision));
}

/** Go on with what a change of the draft on the server has made of it; a step back leads to what was there. */
async function goOnWith(doing) {
	error.value = "";
	try {
		const found = await doing();
		forget();
		take(found);
		problems.value = found.problems || [];
		rememberApart();
		return true;
	} catch (failure) {
		return refused(failure);
	}
}

/** Publish it so that it runs as who was asked about; or, if `asMe`, ask about that. */
function answerRunAs({ asMe = false } = {}) {
	const { will_run_as, note } = asks.value;
	noteAnswer(templateName.value);
	if (!asMe) return publish({ note, knows: will_run_as });
	template.run_as = getHost().user;
	markDirty();
	return publish({ note });
}

async function showConflict(failure) {
	if (failure.code === "not_found") {
		conflict.value = { message: __("Somebody has deleted this flow."), theirs: null, changed: [] };
		return;
	}
	const found = await api.openTemplate(templateName.value).catch(() => null);
	if (!found) return;
	const { template: record, draft: kept } = found;
	// The draft may be one's own, and what is below it another's.
	const isOwn = Boolean(kept) && record.draft_revision === held.stored.draft_revision;
	if (isOwn && String(record.version) === String(held.stored.base)) return;
	const answer = isOwn ? { template: record } : found;
	const theirs = { ...mergedOf(record, answer.draft), base: record.version };
	conflict.value = { message: failure.message, theirs, answer, isOwn, changed: changedBetween(held.stored, theirs) };
}

/** Leave one's own draft, and go on with what somebody else has saved. */
async function takeTheirs() {
	const { answer, isOwn } = conflict.value;
	conflict.value = null;
	if (isOwn) return discard();
	forget();
	take(answer);
	rememberApart();
	error.value = "";
	return true;
}

/** Keep what is written as the draft of a flow of its own, and go on with that. */
async function saveAsCopy() {
	const values = { ...authored(), template_name: __("{0} (mine)", [template.template_name]) };
	delete values.run_as;
	try {
		const found = await api.createDraft(values);
		forget();
		conflict.value = null;
		error.value = "";
		mode.value = "edit";
		take(found);
		states.replace(authored());
		held.callbacks.forEach((callback) => callback(found.template));
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
		const opts = { surface: surface.value, onSaved: held.callbacks[0] };
		held.callbacks.forEach((callback) => callback(copy));
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
	take({ template: found });
	states.reset(authored());
	session.value++;
	error.value = "";
	problems.value = [];
	conflict.value = null;
	held.callbacks.forEach((callback) => callback(found));
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
	held.callbacks.forEach((callback) => callback(null));
	return true;
}

export function useFlowEditor() {
	return {
		isOpen: readonly(isOpen), loading: readonly(loading), saving: readonly(saving), error: readonly(error), dirty: readonly(dirty),
		mode: readonly(mode), templateName: readonly(templateName), surface: readonly(surface), shownStep: readonly(shownStep), session: readonly(session), problems, published: readonly(published), draft: readonly(draft), conflict, kept, asks, template, history,
		openTemplate, openNew, close, save: publish, saveDraft, publish, setActive, discard, restoreVersion, duplicate, remove, markDirty, takeTheirs, saveAsCopy, restoreKept, answerRunAs, takeRestored,
	};
}
