/** Texts with expressions in them as people read them: the words, and a chip in place of each pair of braces. */

const EXPRESSION = /\{\{\s*([^{}]*?)\s*\}\}/g;

/** A text in parts: `{text}` and `{chip, path}`, the chip being what the path is called. */
export function chipsIn(text, labelOf) {
	const parts = [];
	let at = 0;
	for (const found of text.matchAll(EXPRESSION)) {
		if (found.index > at) parts.push({ text: text.slice(at, found.index) });
		parts.push(chipOf(found[1], labelOf));
		at = found.index + found[0].length;
	}
	if (at < text.length) parts.push({ text: text.slice(at) });
	return parts;
}

/** The chip of an expression: its path without what filters make of it; a quoted text is what it says. */
export function chipOf(expression, labelOf) {
	const [head] = expression.split("|");
	const path = head.trim();
	const quoted = /^(['"])(.*)\1$/.exec(path);
	return quoted ? { text: quoted[2] } : { chip: labelOf(path), path };
}

/** Parts without empty ones, texts that follow each other as one, and no space at the ends. */
export function joined(parts) {
	const found = [];
	for (const part of parts) {
		const last = found[found.length - 1];
		if (part.text !== undefined && last?.text !== undefined) last.text += part.text;
		else found.push({ ...part });
	}
	if (found[0]?.text !== undefined) found[0].text = found[0].text.trimStart();
	const last = found[found.length - 1];
	if (last?.text !== undefined) last.text = last.text.trimEnd();
	return found.filter((part) => part.text !== "");
}

export const plain = (parts) => parts.map((part) => part.text ?? part.chip ?? part.link.name).join("");

/** The parts, cut after so many letters. */
export function shortened(parts, length) {
	const kept = [];
	let left = length;
	for (const part of parts) {
		const words = part.text ?? part.chip ?? part.link.name;
		if (words.length <= left) kept.push(part);
		else if (part.text !== undefined) kept.push({ text: `${words.slice(0, Math.max(0, left - 1)).trimEnd()}…` });
		left -= words.length;
		if (left <= 0) {
			if (part.text === undefined) kept.push({ text: "…" });
			break;
		}
	}
	return kept;
}

/** "due_date" as "Due date". */
export function inPlainWords(name) {
	const words = name.replace(/_/g, " ").trim();
	return words ? words[0].toUpperCase() + words.slice(1) : words;
}

/**
 * What paths are called.
 *
 * @param {Object[]} paths - `{path, label}` of those that are known
 * @param {function(string): string} nameOfStep
 */
export function labeller(paths, nameOfStep) {
	const known = new Map(paths.map(({ path, label }) => [path, label]));
	return (path) => {
		const [root, ...rest] = path.split(".");
		if (root === "steps" && rest.length) {
			const last = rest.length > 2 ? rest[rest.length - 1] : "result";
			return `${nameOfStep(rest[0])} › ${known.get(path)?.split(": ").pop() ?? inPlainWords(last)}`;
		}
		const label = known.get(path);
		if (root === "customer" && rest.length) return `${__("Customer")} › ${label ?? inPlainWords(rest.join(" "))}`;
		if (label) return label;
		if (["doc", "variables", "item"].includes(root) && rest.length) return rest.map(inPlainWords).join(" › ");
		return [root, ...rest].map(inPlainWords).join(" › ");
	};
}
