/** Whom a flow runs as, to be asked before a save that may change it. */

import * as api from "./api.js";
import { getHost } from "./host.js";

/** What of a template decides what its flow does, in whose name. */
const ACTING = ["flow_definition", "trigger_event", "trigger_condition", "applies_to", "re_entry"];
/** The flows of which it was answered here whether they go on running as another. */
const answered = new Set();

export const noteAnswer = (name) => answered.add(name);

/** What is to be asked before a draft with these changes is published: {run_as, will_run_as, may_not, changes}, or null. */
export async function whoItRunsAs(name, sent, { run_as }) {
	const acts = ACTING.some((field) => field in sent);
	if (!run_as || !(acts || sent.run_as) || (run_as === getHost().user && !sent.run_as)) return null;
	let found;
	try {
		found = await api.checkTemplate(name, { draft: true });
	} catch (failure) {
		if (failure.problems?.length) return null; // publishing says them, each in its place
		throw failure;
	}
	const changes = found.will_run_as !== found.run_as;
	if (!changes && (!acts || found.will_run_as === getHost().user || answered.has(name))) return null;
	return { ...found, changes };
}
