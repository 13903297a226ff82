/** Steps on the clipboard: as JSON text, which another flow, an editor or a colleague can read. */

import { isObject, shapeProblem } from "./tree.js";

const MARK = "flow_editor/steps";
const FORBIDDEN = new Set(["__proto__", "constructor", "prototype"]);

/** Parse JSON that came from outside, without the keys that could reach an object's prototype. */
export const parseOutside = (text) => JSON.parse(text, (key, value) => (FORBIDDEN.has(key) ? undefined : value));

export const toText = (steps) => JSON.stringify({ format: MARK, steps }, null, 2);

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
