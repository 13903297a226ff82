/** The results of earlier steps that a step's expressions can read, for the picker. */

import { laneAt, placeOf } from "./tree.js";
import { nameOf } from "./phrases.js";

/** What the steps that come before one hold as their results. */
export function resultPaths(definition, step, place, kinds) {
	const steps = definition.steps || [];
	return stepsBefore(steps, step, place).flatMap((before) => {
		const kind = kinds[before.kind];
		const results = kind?.results?.length ? kind.results : [{ name: "", label: __("Result") }];
		return results.map(({ name, label }) => ({
			path: `steps.${before.id}.result${name ? `.${name}` : ""}`,
			label: `${nameOf(before, kind)}: ${__(label)}`,
			type: "",
			group: __("Earlier steps"),
		}));
	});
}

/** The steps above one in its lane and above its parents; with all that stands below those. */
function stepsBefore(steps, step, place) {
	const known = steps.some((other) => other.id === step.id);
	let { parent, branch, index } = known ? placeOf(steps, step.id) : place;
	const before = new Set();
	for (;;) {
		for (const above of laneAt(steps, { parent, branch }).slice(0, index)) before.add(above.id);
		if (!parent) break;
		before.add(parent);
		({ parent, branch, index } = placeOf(steps, parent));
	}
	for (const other of steps) if (other.parent_id && before.has(other.parent_id)) before.add(other.id);
	for (const id of step.depends_on || []) before.add(id);
	before.delete(step.id);
	return steps.filter((other) => before.has(other.id));
}
