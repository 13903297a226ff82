/** Durations as people write them, "1h 30m", where a field holds a number of some unit. */

const SECONDS = { days: 86400, hours: 3600, minutes: 60, seconds: 1 };
const LETTERS = { d: "days", h: "hours", m: "minutes", s: "seconds" };
const WHOLE = /^\s*(?:\d+(?:\.\d+)?\s*[dhms]\s*)+$/i;
const PART = /(\d+(?:\.\d+)?)\s*([dhms])/gi;
const PRECISION = 1e6;

/** "1h 30m" as a number of the unit; null where a text is no such thing. */
export function readDuration(text, unit) {
	if (!WHOLE.test(text)) return null;
	let seconds = 0;
	for (const [, number, letter] of text.matchAll(PART)) seconds += Number(number) * SECONDS[LETTERS[letter.toLowerCase()]];
	return Math.round((seconds / SECONDS[unit]) * PRECISION) / PRECISION;
}

/** A number of the unit in words: "1 hour, 30 minutes". */
export function inWords(number, unit) {
	let rest = Math.round(number * SECONDS[unit]);
	const parts = [
		["days", __("1 day"), (n) => __("{0} days", [n])],
		["hours", __("1 hour"), (n) => __("{0} hours", [n])],
		["minutes", __("1 minute"), (n) => __("{0} minutes", [n])],
		["seconds", __("1 second"), (n) => __("{0} seconds", [n])],
	];
	return parts
		.map(([name, one, many]) => {
			const count = Math.floor(rest / SECONDS[name]);
			rest -= count * SECONDS[name];
			return count === 0 ? "" : count === 1 ? one : many(count);
		})
		.filter(Boolean)
		.join(", ");
}
