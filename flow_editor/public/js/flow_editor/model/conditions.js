/** A condition in words: JSONLogic as a sentence with chips. What it cannot say it shows as it is written. */

const COMPARED = () => ({
	"==": __("is"),
	"===": __("is"),
	"!=": __("is not"),
	"!==": __("is not"),
	"<": __("is less than"),
	"<=": __("is at most"),
	">": __("is more than"),
	">=": __("is at least"),
	in: __("is one of"),
	not_in: __("is none of"),
	contains: __("contains"),
	starts_with: __("starts with"),
	ends_with: __("ends with"),
	same_text: __("reads as"),
});
const ALONE = () => ({ empty: __("is empty"), not_empty: __("is filled in"), "!!": __("is set"), "!": __("is not set") });

/** The parts of a condition; none, if there is no condition. */
export function conditionParts(condition, labelOf) {
	if (condition == null || condition === "") return [];
	if (typeof condition === "string") {
		try {
			return conditionParts(JSON.parse(condition), labelOf);
		} catch {
			return [{ text: condition }];
		}
	}
	return partsOf(condition, labelOf, false);
}

function partsOf(rule, labelOf, isInner) {
	const [operator, given] = typeof rule === "object" && rule !== null && !Array.isArray(rule) ? Object.entries(rule)[0] || [] : [];
	if (operator === undefined) return [{ text: asWords(rule) }];
	const values = Array.isArray(given) ? given : [given];
	if (operator === "var") return [{ chip: labelOf(pathOf(given)), path: pathOf(given) }];
	if (operator === "and" || operator === "or") {
		const word = operator === "and" ? __("and") : __("or");
		const inner = values.flatMap((value, index) => [...(index ? [{ text: ` ${word} ` }] : []), ...partsOf(value, labelOf, true)]);
		return isInner && values.length > 1 ? [{ text: "(" }, ...inner, { text: ")" }] : inner;
	}
	if (ALONE()[operator] && values.length === 1) {
		const isRule = operator === "!" && typeof values[0] === "object" && values[0] && !("var" in values[0]);
		if (isRule) return [{ text: `${__("not")} ` }, ...partsOf(values[0], labelOf, true)];
		return [...partsOf(values[0], labelOf, true), { text: ` ${ALONE()[operator]}` }];
	}
	if (COMPARED()[operator] && values.length === 2) {
		return [...partsOf(values[0], labelOf, true), { text: ` ${COMPARED()[operator]} ` }, ...partsOf(values[1], labelOf, true)];
	}
	return [{ text: JSON.stringify(rule) }];
}

function pathOf(given) {
	const path = String(Array.isArray(given) ? given[0] : given);
	return /^(doc|customer|variables|steps|run|template|before|item|items|now|today|trigger|parent|outer)(\.|$)/.test(path) ? path : `doc.${path}`;
}

function asWords(value) {
	if (value === true) return __("Yes");
	if (value === false) return __("No");
	if (value === null || value === "") return __("nothing");
	return Array.isArray(value) ? value.map(asWords).join(", ") : typeof value === "object" ? JSON.stringify(value) : String(value);
}
