/** In what two states of a flow differ, in words, for who publishes one or looks back. */

import { same } from "./diff.js";
import { nameOf } from "./phrases.js";

const FIELDS = {
	template_name: "Name", category: "Category", applies_to: "Applies to", icon: "Icon", description: "Description", trigger_event: "Event",
	trigger_condition: "Only if", tags: "Tags", notes: "Notes", run_as: "Runs as", re_entry: "Again for the same document", catalog: "Kinds of steps",
};
/** What a definition says beside its steps. */
const HEADS = {
	inputs: "Inputs", variables: "Variables", outputs: "Outputs", exit: "When it stops", on_import: "Imported documents start it too",
	on_document_end: "When its document is cancelled or deleted", max_running: "Most runs at once", max_per_hour: "Most runs an hour", tests: "Tests",
};
const ORDER = ["parent_id", "branch", "depends_on"];
const OF_STEP = { label: "Label", kind: "Kind", trigger: "When", retry: "If it fails", on_error: "If it fails", off: "Switched off", notes: "Notes" };

/**
 * The changes, each `{sign, text, step}` with a sign of +, − or ~.
 *
 * @param {Object|null} before - a template, or null if there is none
 * @param {Object} after
 * @param {Object} kinds - the catalog's kinds by name
 */
export function changesInWords(before, after, kinds) {
	const steps = (of) => (Array.isArray(of?.flow_definition?.steps) ? of.flow_definition.steps : []);
	if (!before) {
		const count = steps(after).length;
		return [{ sign: "+", text: count === 1 ? __("The first version, with 1 step") : __("The first version, with {0} steps", [count]) }];
	}
	const changes = [];
	for (const [name, label] of Object.entries(FIELDS)) {
		if (name in after && !same(before[name], after[name])) changes.push({ sign: "~", text: __(label), detail: short(before[name], after[name]) });
	}
	for (const [name, label] of Object.entries(HEADS)) {
		if (!same(before.flow_definition?.[name], after.flow_definition?.[name])) changes.push({ sign: "~", text: __(label) });
	}
	const old = new Map(steps(before).map((step) => [step.id, step]));
	const now = new Map(steps(after).map((step) => [step.id, step]));
	const called = (step) => nameOf(step, kinds[step.kind]);
	for (const step of now.values()) {
		const was = old.get(step.id);
		if (!was) changes.push({ sign: "+", text: called(step), step: step.id });
		else if (!same(was, step)) changes.push({ sign: "~", text: called(step), step: step.id, detail: detailsOf(was, step, kinds[step.kind]) });
	}
	for (const step of old.values()) if (!now.has(step.id)) changes.push({ sign: "−", text: called(step) });
	return changes;
}

const LENGTH = 60;
function short(before, after) {
	const words = [before, after].map((value) => (value == null || value === "" ? __("empty") : String(typeof value === "object" ? JSON.stringify(value) : value)));
	return words.every((text) => text.length <= LENGTH) ? __("{0} → {1}", words) : "";
}

/** What of a step is another: its fields by their labels. */
function detailsOf(was, step, kind) {
	const names = new Set();
	for (const [name, label] of Object.entries(OF_STEP)) if (!same(was[name], step[name])) names.add(__(label));
	if (ORDER.some((name) => !same(was[name], step[name]))) names.add(__("its place in the order"));
	const fields = new Set([...Object.keys(was.payload || {}), ...Object.keys(step.payload || {})]);
	for (const name of fields) {
		if (!same(was.payload?.[name], step.payload?.[name])) names.add(__(kind?.fields.find((field) => field.name === name)?.label || name));
	}
	return [...names].join(", ");
}
