/** Steps on the clipboard: as JSON text, which another flow, an editor or a colleague can read. */

import { isObject, shapeProblem } from "./flow-tree.js";

const MARK = "flow_editor/steps";
const FORBIDDEN = new Set(["__proto__", "constructor", "prototype"]);
//: The last text that was copied here, for where the browser does not let a page read the clipboard.
let last = "";

/** Parse JSON that came from outside, without the keys that could reach an object's prototype. */
export const parseOutside = (text) => JSON.parse(text, (key, value) => (FORBIDDEN.has(key) ? undefined : value));

export function toText(steps) {
	last = JSON.stringify({ format: MARK, steps }, null, 2);
	return last;
}

/**
 * The steps that a text holds: what `toText` wrote, a whole definition, a list of steps or one step.
 *
 * @throws {Error} with a sentence that says why there are none
 */
export function fromText(text) {
	let parsed;
	try {
		parsed = parseOutside(text);
	} catch {
		throw new Error(__("What was copied is not JSON, so there are no steps in it."));
	}
	const inner = isObject(parsed) && isObject(parsed.flow_definition) ? parsed.flow_definition : parsed;
	const steps = Array.isArray(inner) ? inner : isObject(inner) && Array.isArray(inner.steps) ? inner.steps : [inner];
	if (!steps.length) throw new Error(__("What was copied holds no steps."));
	const problem = shapeProblem({ steps });
	if (problem) throw new Error(__("What was copied holds no steps: {0}", [problem]));
	if (steps.some((step) => typeof step.kind !== "string")) throw new Error(__("What was copied holds a step without a kind."));
	return steps;
}

/** Copy for a button. A key press hands its own event's clipboard over instead. */
export async function write(steps) {
	const text = toText(steps);
	await navigator.clipboard?.writeText(text).catch((error) => console.warn("The clipboard refused:", error.message));
}

/** What was copied, for a button. */
export async function read() {
	if (!navigator.clipboard?.readText) return last;
	return navigator.clipboard.readText().catch(() => last);
}
