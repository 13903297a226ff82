/** The browser's clipboard, and what was copied last for where it does not let a page read it. */

import { toText } from "../model/clipboard.js";

let last = "";

/** The text of copied steps, remembered. */
export const note = (steps) => (last = toText(steps));

/** Copy for a button. A key press hands its own event's clipboard over instead. */
export async function write(steps) {
	const text = note(steps);
	await navigator.clipboard?.writeText(text).catch((error) => console.warn("The clipboard refused:", error.message));
}

/** What was copied, for a button. */
export async function read() {
	if (!navigator.clipboard?.readText) return last;
	return navigator.clipboard.readText().catch(() => last);
}
