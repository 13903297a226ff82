/** What a step's card says: what it does, and when it fires. */

import { chipOf, chipsIn, inPlainWords, joined, plain, shortened } from "./chips.js";
import { whenDue } from "./duration.js";
import { isShown } from "./kinds.js";

const PLACEHOLDER = /\{(\w+)(?:\|([^{}]*))?\}/g;
const LENGTH = 110;
const asWritten = (path) => path.split(".").slice(-1).map(inPlainWords).join("");

/** "E-mail to [Raised by]": the kind's summary with the step's own values in it, in parts as chips.js has them. */
export function whatParts(step, kind, labelOf = asWritten) {
	if (!kind) return [{ text: __("This kind is not installed here: {0}", [step.kind]) }];
	const payload = step.payload || {};
	const summary = __(kind.summary || kind.label);
	const parts = [];
	let at = 0;
	for (const [whole, name, empty, index] of [...summary.matchAll(PLACEHOLDER)].map((found) => [found[0], found[1], found[2], found.index])) {
		parts.push({ text: summary.slice(at, index) }, ...valueParts(kind.fields.find((field) => field.name === name), name, payload, kind, empty, labelOf));
		at = index + whole.length;
	}
	parts.push({ text: summary.slice(at) });
	return shortened(joined(parts), LENGTH);
}

export const whatItDoes = (step, kind, labelOf) => plain(whatParts(step, kind, labelOf));

function valueParts(field, name, payload, kind, empty, labelOf) {
	if (field && !isShown(field, payload, kind)) return [];
	let value = payload[name];
	if (value == null || value === "") value = field?.default;
	if (value == null || value === "") return [{ text: empty ? __(empty) : "…" }];
	const option = field?.options?.find((other) => other.value === value);
	if (option) return [{ text: __(option.label) }];
	const text = shown(value);
	if (field?.type === "docfield" && !text.includes("{{")) return [chipOf(text.includes(".") ? text : `doc.${text}`, labelOf)];
	return chipsIn(text, labelOf);
}

function shown(value) {
	const text = typeof value === "string" ? value : Array.isArray(value) ? value.map(shown).join(", ") : JSON.stringify(value);
	return text.replace(/\s+/g, " ").trim();
}

/** "3 days after": when a step fires once it is ready. */
export function whenItFires(step) {
	const trigger = step.trigger || {};
	switch (trigger.type) {
		case "after_delay":
		case "on_date":
			return whenDue(trigger);
		case "on_webhook":
			return __("When an outside system calls back");
		case "manual":
			return __("When somebody completes it");
		default:
			return "";
	}
}

/** The same in parts. */
export const whenParts = (step, labelOf = asWritten) => chipsIn(whenItFires(step), labelOf);

/** What a step is called where its label is empty. */
export const nameOf = (step, kind) => step.label || (kind ? __(kind.label) : step.kind) || step.id;

const STATES = {
	pending: ["gray", "pending"],
	waiting: ["orange", "waiting"],
	retrying: ["orange", "retrying"],
	scheduled: ["blue", "scheduled"],
	running: ["cyan", "running"],
	done: ["green", "done"],
	completed: ["green", "completed"],
	failed: ["red", "failed"],
	skipped: ["gray", "skipped"],
	cancelled: ["gray", "cancelled"],
};

/** The colour and the word of a state of a run or of a step's entry in it. */
export function stateOf(entry) {
	const name = typeof entry === "string" ? entry : entry?.waiting ? "waiting" : isRetrying(entry) ? "retrying" : entry?.status || "pending";
	const [color, label] = STATES[name] || ["gray", name];
	return { name, color, label: __(label) };
}

/** Whether a step has failed and is to be tried again by itself. */
export const isRetrying = (entry) => Boolean(entry?.error && entry.due_at && ["scheduled", "running"].includes(entry.status));
