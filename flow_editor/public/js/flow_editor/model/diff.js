/** In what two states of a template differ. */

/** What an author writes, and so what a draft holds. */
export const AUTHORED = [
	"template_name", "category", "applies_to", "icon", "description", "trigger_event", "trigger_condition",
	"flow_definition", "tags", "notes", "run_as", "re_entry", "catalog",
];

export const same = (one, other) => JSON.stringify(one ?? "") === JSON.stringify(other ?? "");

export const authoredOf = (template) => Object.fromEntries(AUTHORED.filter((field) => template[field] !== undefined).map((field) => [field, template[field]]));

/** The authored fields that are not as they are stored. */
export const changesOf = (template, stored) => Object.fromEntries(Object.entries(authoredOf(template)).filter(([field, value]) => !same(value, stored[field])));

/** The fields and the steps in which two states of a template differ, by name. */
export function changedBetween(before, after) {
	const fields = AUTHORED.filter((field) => field !== "flow_definition" && !same(before[field], after[field]));
	const steps = (of) => new Map((of.flow_definition?.steps || []).map((step) => [step.id, step]));
	const [old, now] = [steps(before), steps(after)];
	const ids = [...new Set([...old.keys(), ...now.keys()])].filter((id) => !same(old.get(id), now.get(id)));
	return [...fields, ...ids.map((id) => now.get(id)?.label || old.get(id)?.label || id)];
}
