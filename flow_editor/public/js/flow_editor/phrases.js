/** What a step's card says: what it does, and when it fires. */

import { whenDue } from "./duration.js";
import { isShown } from "./kind-catalogs.js";

const EXPRESSION = /\{(\w+)(?:\|([^{}]*))?\}/g;
const LENGTH = 90;

/** "E-mail to {{customer.email_id}}": the kind's summary with the step's own values in it. */
export function whatItDoes(step, kind) {
	if (!kind) return __("This kind is not installed here: {0}", [step.kind]);
	const payload = step.payload || {};
	const text = __(kind.summary || kind.label).replace(EXPRESSION, (_, name, empty) => {
		const field = kind.fields.find((f) => f.name === name);
		if (field && !isShown(field, payload, kind)) return "";
		let value = payload[name];
		if (value == null || value === "") value = field?.default;
		if (value == null || value === "") return empty ? __(empty) : "…";
		const option = field?.options?.find((o) => o.value === value);
		return option ? __(option.label) : shown(value);
	});
	const phrase = text.trim();
	return phrase.length > LENGTH ? `${phrase.slice(0, LENGTH - 1)}…` : phrase;
}

function shown(value) {
	const text = typeof value === "string" ? value : Array.isArray(value) ? value.map(shown).join(", ") : JSON.stringify(value);
	return text.replace(/\s+/g, " ").trim();
}

/** "3 days after": when a step fires once it is ready. */
export function whenItFires(step, isFirst) {
	const trigger = step.trigger || {};
	switch (trigger.type) {
		case "after_delay":
		case "on_date":
			return whenDue(trigger);
		case "on_webhook":
			return __("When an outside system calls back");
		case "manual":
			return __("When somebody completes it");
		case "on_flow_start":
			return step.parent_id ? "" : __("When the flow starts");
		default:
			return isFirst && !step.parent_id ? __("When the flow starts") : "";
	}
}

/** What a step is called where its label is empty. */
export const nameOf = (step, kind) => step.label || (kind ? __(kind.label) : step.kind) || step.id;

const STATES = {
	pending: ["gray", "pending"],
	waiting: ["orange", "waiting"],
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
	const name = typeof entry === "string" ? entry : entry?.waiting ? "waiting" : entry?.status || "pending";
	const [color, label] = STATES[name] || ["gray", name];
	return { name, color, label: __(label) };
}
