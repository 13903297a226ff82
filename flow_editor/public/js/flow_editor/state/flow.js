/** The definition that an editor shows: as a tree, or as text where it is none; and how it is changed and taken back. */

import { computed, ref, shallowRef, watch } from "vue";
import { chipsIn, labeller } from "../model/chips.js";
import { parseOutside } from "../model/clipboard.js";
import { variablePaths } from "../model/inputs.js";
import { nameOf } from "../model/phrases.js";
import * as tree from "../model/tree.js";
import { useHistory } from "./history.js";
import { documentPaths } from "./paths.js";

/** What is typed into one field without a pause is one step back, in ms. */
const TYPING = 1000;

export function useFlow(props, emit) {
	const own = props.history ? null : useHistory(props.definition);
	const history = props.history || own;
	const written = computed(() => (own ? own.current.value : props.definition));
	const definition = computed(() => (typeof written.value === "string" ? {} : written.value));
	const steps = computed(() => (Array.isArray(definition.value.steps) ? definition.value.steps : []));
	const kinds = computed(() => props.kindCatalog);

	// What cannot be drawn as a tree is shown as text.
	const shapeProblem = computed(() => (typeof written.value === "string" ? jsonProblem(written.value) : tree.shapeProblem(written.value)));
	const wantsJson = ref(false);
	const showsJson = computed(() => wantsJson.value || Boolean(shapeProblem.value));
	const jsonText = ref("");
	/** What the text that was typed last says. */
	let typedJson = null;

	let before = undefined;
	const drawn = computed(() => (before = tree.buildTree(shapeProblem.value ? [] : steps.value, kinds.value, before)));
	const nodeOf = (id) => drawn.value.nodes.get(id);
	const nameOfStep = (id) => {
		const step = nodeOf(id)?.step;
		return step ? nameOf(step, kinds.value[step.kind]) : id;
	};
	/** The lane in which a step stands. */
	const laneOf = (step) => {
		const lanes = nodeOf(step.parent_id)?.lanes;
		return lanes?.find((lane) => lane.branch === (step.branch ?? null)) ?? drawn.value.root;
	};

	// What paths are called

	const offered = shallowRef([]);
	watch(
		() => props.context.doctype,
		async (doctype) => (offered.value = await documentPaths(doctype).catch(() => [])),
		{ immediate: true }
	);
	const labelOf = computed(() => labeller([...offered.value, ...variablePaths(definition.value)], nameOfStep));
	const chips = (text) => chipsIn(text, labelOf.value);

	watch(
		() => props.definition,
		(given) => own && given !== own.current.value && own.commit(given)
	);
	watch(
		[showsJson, written],
		([shows, value]) => {
			// What is being typed stays as it is typed.
			if (shows && value !== typedJson) jsonText.value = typeof value === "string" ? value : JSON.stringify(value, null, 2);
		},
		{ immediate: true }
	);

	function jsonProblem(text) {
		try {
			return tree.shapeProblem(parseOutside(text));
		} catch (error) {
			return __("This is not JSON: {0}", [error.message]);
		}
	}

	let last = { field: "", at: 0 };
	/** Take a new definition. `typedInto`: the field that it was typed into, where that is a part of it. */
	function commit(value, typedInto = "") {
		if (value === written.value) return false;
		if (own) {
			const goesOn = typedInto && typedInto === last.field && Date.now() - last.at < TYPING;
			if (goesOn) own.replace(value);
			else own.commit(value);
			last = { field: typedInto, at: Date.now() };
		}
		emit("change", value, typedInto);
		return true;
	}
	const commitSteps = (changed, typedInto) => changed !== steps.value && commit({ ...definition.value, steps: changed }, typedInto);

	function onJson(text) {
		jsonText.value = text;
		typedJson = jsonProblem(text) ? text : parseOutside(text);
		commit(typedJson);
	}
	function travel(back) {
		if (!(back ? history.undo() : history.redo())) return false;
		typedJson = null;
		if (own) emit("change", own.current.value);
		return true;
	}

	return {
		written, definition, steps, kinds, shapeProblem, wantsJson, showsJson, jsonText, drawn, nodeOf, nameOfStep, laneOf, offered, labelOf, chips,
		history, commit, commitSteps, onJson, travel,
	};
}
