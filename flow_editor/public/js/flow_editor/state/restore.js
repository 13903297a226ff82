/** Restore a flow as it came with the app: in the list, the editor and the desk's form. */

import * as api from "./api.js";
import { getHost } from "./host.js";

/** How many things that a user may not do are named before a save; the answer to it names all. */
const NAMED = 3;

/**
 * Ask whether to restore a flow, saying what is lost by it, and do it.
 *
 * @param {{name: string, template_name: string, version: number, is_active: number}} template - as it is stored
 * @param {boolean} [isDirty] - whether there are changes of it that are not saved
 * @returns {Promise<Object|null>} the template as it is then, null if it was not wanted
 * @throws {FlowError|Unreachable}
 */
export async function restoreAsShipped(template, isDirty = false) {
	const who = await api.checkTemplate(template.name, { restore: "shipped" });
	const said = [
		__("Restore {0} as it came with the app?", [template.template_name]),
		__("Its steps, its start and its descriptions become those that this version of the app brings. What it is now stays among its versions, as version {0}.", [template.version]),
		Number(template.is_active) ? __("It stays switched on.") : __("It stays switched off."),
		...(isDirty ? [__("What you changed and have not saved is lost.")] : []),
		...(who.will_run_as === who.run_as ? [] : [willRunAs(who), ...named(who.may_not)]),
	];
	return (await getHost().confirm(said.join("\n"))) ? api.restoreTemplate(template.name) : null;
}

/** What a check found, in a sentence. */
export function willRunAs({ run_as, will_run_as }) {
	return will_run_as === getHost().user
		? __("It will run as you ({0}), no longer as {1}.", [will_run_as, run_as])
		: __("It will run as {0}, no longer as {1}.", [will_run_as, run_as]);
}

export function named(mayNot) {
	const more = mayNot.length - NAMED;
	return more > 1 ? [...mayNot.slice(0, NAMED), __("There are {0} more things that this user may not do.", [more])] : mayNot;
}
