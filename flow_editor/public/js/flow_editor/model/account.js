/** What a step of a run did, in words: by what its kind says of its results, and if that says nothing by the result itself. */

import { inPlainWords, joined } from "./chips.js";

const PLACEHOLDER = /\{(\w+)(?:@(:?)([^{}|]+))?(?:\|([^{}]*))?\}/g;
/** How many of a result's values are told if its kind does not say how. */
const TOLD = 3;
const LENGTH = 200;

/**
 * The account of a done step in parts: `{text}` and `{link: {doctype, name}}`.
 *
 * @param {Object} kind - its entry in the catalog, undefined if it is gone
 * @param {*} result
 * @param {Object[]} lanes - `{branch, label}` of the step's own
 */
export function accountParts(kind, result, lanes = []) {
	if (result == null || typeof result !== "object" || Array.isArray(result)) return result == null ? [] : [{ text: inWords(result) }];
	const account = kind?.accounts?.find(({ when = {} }) => Object.entries(when).every(([name, values]) => values.some((value) => same(value, result[name]))));
	return account ? told(__(account.phrase), result, lanes) : rows(kind, result, lanes);
}

function told(phrase, result, lanes) {
	const parts = [];
	let at = 0;
	for (const found of phrase.matchAll(PLACEHOLDER)) {
		const [whole, name, isNamed, doctype, empty] = found;
		parts.push({ text: phrase.slice(at, found.index) });
		const text = name === "branch" ? laneOf(result.branch, lanes) : inWords(result[name]);
		if (doctype && text) parts.push({ link: { doctype: isNamed ? String(result[doctype] || "") : doctype, name: text } });
		else parts.push({ text: text || (empty ? __(empty) : "…") });
		at = found.index + whole.length;
	}
	parts.push({ text: phrase.slice(at) });
	return joined(parts);
}

const laneOf = (branch, lanes) => lanes.find((lane) => lane.branch === branch)?.label || inWords(branch);

/** The values of a result that can be told, with what they are called: `[label, words]`. */
export function valuesOf(kind, result, lanes = []) {
	if (result == null) return [];
	if (typeof result !== "object" || Array.isArray(result)) return [[__("Result"), inWords(result)]];
	const labels = new Map((kind?.results || []).map(({ name, label }) => [name, __(label)]));
	return Object.entries(result)
		.map(([name, value]) => [labels.get(name) || inPlainWords(name), name === "branch" ? laneOf(value, lanes) : inWords(value)])
		.filter(([, words]) => words);
}

function rows(kind, result, lanes) {
	const said = valuesOf(kind, result, lanes).slice(0, TOLD);
	return said.length ? [{ text: said.map(([label, words]) => `${label}: ${words}`).join(" · ") }] : [];
}

/** A value as it is said: never as JSON. */
export function inWords(value) {
	if (value == null) return "";
	if (typeof value === "boolean") return value ? __("Yes") : __("No");
	if (Array.isArray(value)) {
		const words = value.every((one) => one === null || typeof one !== "object");
		return words ? cut(value.map(inWords).join(", ")) : value.length === 1 ? __("1 row") : __("{0} rows", [value.length]);
	}
	if (typeof value === "object") {
		const size = Object.keys(value).length;
		return size === 0 ? "" : size === 1 ? __("1 value") : __("{0} values", [size]);
	}
	return cut(String(value));
}

const cut = (text) => (text.length > LENGTH ? `${text.slice(0, LENGTH - 1).trimEnd()}…` : text);
const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
