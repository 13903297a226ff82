/** What a kind says of its fields, and a new step of it. */

import { newId } from "./tree.js";

/** A new step of a kind, with the kind's defaults, and an id that none of `taken` has. */
export function buildEmptyStep(kind, taken = new Set()) {
	const payload = {};
	for (const field of kind.fields) if (field.default !== undefined) payload[field.name] = field.default;
	// One that is there to wait waits for something from the beginning.
	const trigger = kind.name === "wait" ? { type: "after_delay", delay_days: 1 } : { type: "on_prev_complete" };
	return { id: newId(taken), kind: kind.name, label: "", trigger, payload };
}

/** Whether a field applies, given the values of the others. */
export function isShown(field, payload, kind) {
	return holds(field.shown_when || {}, payload, kind);
}

/** A field as what it is, given the values of the others: JSON that may be any text then is a text. */
export function asUsed(field, payload, kind) {
	return field.text_when && holds(field.text_when, payload, kind) ? { ...field, type: "textarea", widget: "textarea" } : field;
}

function holds(when, payload, kind) {
	return Object.entries(when).every(([other, values]) => {
		const value = payload[other] ?? kind.fields.find((f) => f.name === other)?.default;
		return values.includes(value);
	});
}

const GROUPS = ["Tell", "Decide", "Wait", "Ask", "Do", "Outside", "Flow", "Other"];
/** Where a kind stands in the picker and what people call it, for those that do not say it themselves. */
const KNOWN = {
	notify: ["Tell", "email e-mail mail sms text message letter send write inform customer"],
	notification: ["Tell", "bell alert notice inform desk"],
	chat: ["Tell", "slack teams message channel"],
	comment: ["Tell", "note remark timeline"],
	condition: ["Decide", "if else branch when yes no check compare filter only"],
	switch: ["Decide", "case branch route several if"],
	wait: ["Wait", "delay pause sleep later days hours timer until"],
	wait_until: ["Wait", "until changes event answer reply paid"],
	approval: ["Ask", "approve confirm permission manager yes no sign off"],
	assign: ["Ask", "task todo to-do person owner round robin"],
	issue: ["Do", "ticket case support create escalate"],
	dispatch_job: ["Do", "task job visit technician create field service"],
	create_document: ["Do", "new insert record add make"],
	erp_update: ["Do", "set change write field edit record"],
	document_action: ["Do", "submit cancel workflow"],
	subscription_activate: ["Do", "subscribe billing start plan"],
	find: ["Do", "search query look up count sum list"],
	webhook: ["Outside", "api http rest call url request post get integration"],
	parallel: ["Flow", "at the same time side by side fork"],
	for_each: ["Flow", "loop each every repeat iterate rows"],
	run_flow: ["Flow", "sub flow subflow call start another"],
	set_variables: ["Flow", "variable value remember store"],
	stop: ["Flow", "end finish exit quit"],
};
export const groupOf = (kind) => kind.group || KNOWN[kind.name]?.[0] || "Other";
export const synonymsOf = (kind) => [].concat(kind.synonyms || []).join(" ") || KNOWN[kind.name]?.[1] || "";

/** The kinds as a picker has them: in groups, each with what it is found by. */
export function pickable(kinds) {
	return Object.values(kinds)
		.map((kind) => ({
			value: kind.name,
			label: __(kind.label),
			description: __(kind.description || ""),
			icon: kind.icon,
			color: kind.color,
			group: __(groupOf(kind)),
			place: (GROUPS.indexOf(groupOf(kind)) + GROUPS.length) % GROUPS.length,
			words: synonymsOf(kind),
		}))
		.sort((a, b) => a.place - b.place);
}

/** What a search finds, the best first: what is called so, what people call so, what says so. */
export function foundIn(items, search) {
	const words = search.trim().toLowerCase().split(/\s+/).filter(Boolean);
	if (!words.length) return items;
	const begins = (text, word) => ` ${text.toLowerCase()}`.includes(` ${word}`);
	const rank = ({ label, words: synonyms = "", description }) => {
		const ranks = words.map((word) => (begins(label, word) ? 0 : begins(synonyms, word) ? 1 : label.toLowerCase().includes(word) ? 2 : (description || "").toLowerCase().includes(word) ? 3 : Infinity));
		return Math.max(...ranks);
	};
	const ranked = items.map((item) => [rank(item), item]).filter(([at]) => at < Infinity);
	return ranked.sort(([a], [b]) => a - b).map(([, item]) => item);
}
