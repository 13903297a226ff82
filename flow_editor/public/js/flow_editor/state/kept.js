/** A draft that is kept in the browser until it is saved or given up. */

import { authoredOf, same } from "../model/diff.js";
import { getHost } from "./host.js";

const keyOf = (name) => `flow_editor:draft:${getHost().user}:${name || "new"}`;

/** `base`: the version and the revision of the server's draft that it was begun from. */
export function keepDraft(name, template, base) {
	try {
		localStorage.setItem(keyOf(name), JSON.stringify({ at: Date.now(), ...base, values: authoredOf(template) }));
	} catch (failure) {
		console.warn("The draft could not be kept in this browser:", failure.message);
	}
}

export const forgetDraft = (name) => localStorage.removeItem(keyOf(name));

/** What was kept of a template and differs from what is stored: `{at, version, revision, values}`, or null. */
export function keptDraft(name, stored) {
	const text = localStorage.getItem(keyOf(name));
	if (!text) return null;
	try {
		const found = JSON.parse(text);
		if (Object.entries(found.values).some(([field, value]) => !same(value, stored[field]))) return found;
	} catch (failure) {
		console.warn("A kept draft could not be read:", failure.message);
	}
	forgetDraft(name);
	return null;
}
