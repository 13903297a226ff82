/** What a flow asks for when it is started: its `inputs`, as an author declares them. */

const NOT_IN_NAMES = /[^a-z0-9]+/g;
const MARKS = /[\u0300-\u036f]/g;
const OPTION = " | ";

/** "New address" as the name that expressions read: new_address, and none of `taken`. */
export function nameFor(label, taken = []) {
	const plain = label.normalize("NFD").replace(MARKS, "").toLowerCase().replace(NOT_IN_NAMES, "_").replace(/^_+|_+$/g, "");
	const stem = (/^\d/.test(plain) ? `_${plain}` : plain || "input").slice(0, 60);
	let name = stem;
	for (let number = 2; taken.includes(name); number++) name = `${stem}_${number}`;
	return name;
}

/** The descriptor as a field of a form: its label and options as FieldInput wants them. */
export function asField(input) {
	const label = input.label || (input.name || "").replace(/_/g, " ").replace(/^./, (first) => first.toUpperCase());
	const field = { ...input, label, type: input.type || "text", templated: false };
	if (field.default === null || field.default === "") delete field.default;
	if (field.type === "select" || field.options) field.options = (field.options || []).map(asOption);
	return field;
}
function asOption(option) {
	if (Array.isArray(option)) return { value: option[0], label: String(option[1]) };
	if (option && typeof option === "object") return { value: option.value, label: String(option.label || option.value) };
	return { value: option, label: String(option) };
}

/** Options as lines to be typed: "M", or "M | Medium" where it is called otherwise. */
export const optionLines = (options) =>
	(options || []).map(asOption).map(({ value, label }) => (String(value) === label ? label : `${value}${OPTION}${label}`)).join("\n");

export const readOptions = (text) =>
	text.split("\n").map((line) => line.trim()).filter(Boolean).map((line) => {
		const at = line.indexOf(OPTION);
		return at < 0 ? line : { value: line.slice(0, at).trim(), label: line.slice(at + OPTION.length).trim() };
	});

const declared = (definition) => (Array.isArray(definition?.inputs) ? definition.inputs : []).filter((input) => input && typeof input === "object" && input.name);

/** The paths by which expressions read the inputs and the variables of a definition. */
export function variablePaths(definition) {
	const inputs = declared(definition);
	const asked = new Set(inputs.map((input) => input.name));
	const variables = Object.keys(definition?.variables || {}).filter((name) => !asked.has(name));
	return [
		...inputs.map((input) => ({ path: `variables.${input.name}`, label: asField(input).label, type: "", group: __("Inputs") })),
		...variables.map((name) => ({ path: `variables.${name}`, label: name, type: "", group: __("Variables") })),
	];
}

/** What the variables are in a preview: the defaults, and the label of what somebody will have to say. */
export function sampleVariables(definition) {
	const samples = { ...(definition?.variables || {}) };
	for (const input of declared(definition)) {
		const field = asField(input);
		if (field.default !== undefined) samples[input.name] = field.default;
		else if (samples[input.name] === undefined) samples[input.name] = field.type === "check" ? false : `(${field.label})`;
	}
	return samples;
}

/** A key that names one start: whatever is pressed how often, it is made once. */
export function newKey() {
	return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
