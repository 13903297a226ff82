/** What sets a flow off, as a sentence with chips. */

import { conditionParts } from "./conditions.js";
import { delayInWords } from "./duration.js";
import { inPlainWords } from "./chips.js";

const MOMENTS = () => ({
	created: __("is created"),
	saved: __("is saved"),
	changed: __("changes"),
	submitted: __("is submitted"),
	cancelled: __("is cancelled"),
	deleted: __("is deleted"),
});

/**
 * @param {Object} start - the template's: {trigger, event, condition, applies_to}; `trigger` as the definition holds it,
 *   `event` the catalog's entry of the event
 * @returns {{head: Object[], rest: Object[]}} the sentence in parts: what starts it, and under what condition
 */
export function startParts({ trigger, event, condition, applies_to }, labelOf) {
	const head = headOf(trigger || {}, event, applies_to, labelOf);
	const only = conditionParts(condition, labelOf);
	return { head, rest: only.length ? [{ text: `${__("if")} ` }, ...only] : [] };
}

/** "an Issue", "a Contract". */
const one = (doctype) => (/^[aeiou]/i.test(doctype || "") ? __("an {0}", [__(doctype)]) : __("a {0}", [__(doctype || "document")]));

function headOf(trigger, event, applies_to, labelOf) {
	const about = trigger.doctype || applies_to;
	switch (trigger.type) {
		case "document": {
			const field = trigger.field ? [{ text: `${__("When")} ` }, { chip: labelOf(`doc.${trigger.field}`), path: `doc.${trigger.field}` }, { text: ` ${__("of {0}", [one(about)])} ${MOMENTS().changed}` }] : null;
			const to = trigger.to == null ? [] : [{ text: ` ${__("to {0}", [[].concat(trigger.to).join(", ")])}` }];
			return [...(field || [{ text: __("When {0} {1}", [one(about), MOMENTS()[trigger.moment] || trigger.moment]) }]), ...to];
		}
		case "date": {
			const amounts = Object.fromEntries(Object.entries(trigger.offset || {}).map(([unit, amount]) => [`delay_${unit}`, amount]));
			const delay = delayInWords(amounts);
			const isBefore = Object.values(trigger.offset || {}).some((amount) => Number(amount) < 0);
			const way = delay ? `${delay} ${isBefore ? __("before") : __("after")}` : __("On");
			const at = trigger.at ? [{ text: `, ${__("at {0}", [trigger.at])}` }] : [];
			return [{ text: `${way} ` }, { chip: labelOf(`doc.${trigger.field}`), path: `doc.${trigger.field}` }, { text: ` ${__("of {0}", [one(about)])}` }, ...at];
		}
		case "schedule":
			return [{ text: scheduleInWords(trigger) }];
		case "webhook":
			return [{ text: __("When a web call comes in") }];
	}
	if (!event) return [{ text: trigger.event && trigger.event !== "manual" ? inPlainWords(trigger.event) : __("Started by hand") }];
	if (event.name === "manual") return [{ text: applies_to ? __("Started by hand, from {0}", [one(applies_to)]) : __("Started by hand") }];
	return [{ text: __("When: {0}", [__(event.label)]) }, ...(applies_to && !(event.doctypes || []).includes(applies_to) ? [{ text: ` (${__(applies_to)})` }] : [])];
}

function scheduleInWords({ cron, every, on, at }) {
	if (cron) return __("On schedule: {0}", [cron]);
	const days = [].concat(on ?? []).join(", ");
	const when = { day: __("Every day"), week: days ? __("Every week on {0}", [days]) : __("Every week"), month: days ? __("Every month on {0}", [days]) : __("Every month") }[every] || __("On schedule");
	return at ? `${when}, ${__("at {0}", [at])}` : when;
}
