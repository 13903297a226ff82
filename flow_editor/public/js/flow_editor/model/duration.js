/** Durations as people write them, "1h 30m", where a field holds a number of some unit; and the parts of a trigger's delay. */

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

/** The parts of a delay: a number, or an expression that gives one. */
export const DELAYS = ["delay_months", "delay_days", "delay_working_days", "delay_hours", "delay_minutes"];
export const AT_DATE = "at";
export const AFTER_DATE = "after";
export const BEFORE_DATE = "before";

const given = (trigger) => DELAYS.map((name) => trigger?.[name]).filter((amount) => amount != null && amount !== "");
const isLess = (amount) => (typeof amount === "number" ? amount < 0 : String(amount).trim().startsWith("-"));

/** Where a trigger's delay leads from its date: before it only if all parts of it do, so that what is mixed keeps its signs. */
export function directionOf(trigger) {
	const parts = given(trigger);
	if (!parts.length) return AT_DATE;
	return parts.every(isLess) ? BEFORE_DATE : AFTER_DATE;
}

/** An amount the other way: 3 and -3, "{{doc.days}}" and "-{{doc.days}}". */
export function turned(amount) {
	if (amount == null || amount === "") return amount;
	if (typeof amount === "number") return amount && -amount;
	const text = amount.trim();
	return text.startsWith("-") ? text.slice(1) : `-${text}`;
}

/** "3 days, 2 hours": a trigger's delay in words, without its direction if it has one for all of it. */
export function delayInWords(trigger) {
	const isBefore = directionOf(trigger) === BEFORE_DATE;
	const words = {
		delay_months: [__("{0} month"), __("{0} months")],
		delay_days: [__("{0} day"), __("{0} days")],
		delay_working_days: [__("{0} working day"), __("{0} working days")],
		delay_hours: [__("{0} hour"), __("{0} hours")],
		delay_minutes: [__("{0} minute"), __("{0} minutes")],
	};
	return DELAYS.map((name) => {
		const amount = isBefore ? turned(trigger[name]) : trigger?.[name];
		if (amount == null || amount === "" || Number(amount) === 0) return "";
		const [one, many] = words[name];
		return (Number(amount) === 1 ? one : many).replace("{0}", () => amount);
	})
		.filter(Boolean)
		.join(", ");
}

/** "3 days after", "30 days before 2027-03-31": when a step is due that waits for its time. */
export function whenDue(trigger) {
	const delay = delayInWords(trigger);
	if (trigger.type === "after_delay") return delay ? __("{0} after", [delay]) : __("After a delay");
	if (!trigger.at) return __("On a date");
	if (!delay) return __("On {0}", [trigger.at]);
	return directionOf(trigger) === BEFORE_DATE ? __("{0} before {1}", [delay, trigger.at]) : __("{0} after {1}", [delay, trigger.at]);
}
