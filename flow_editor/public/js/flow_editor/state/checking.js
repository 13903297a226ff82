/** What is wrong with a definition, asked of the server as it is written. */

import { onBeforeUnmount, onMounted, shallowReactive, shallowRef, computed, watch } from "vue";
import { validate } from "./api.js";

const CHECK_DELAY = 250;

export function useChecking(props, flow, emit) {
	/** By step. */
	const found = shallowReactive(new Map());
	const all = shallowRef([]);
	const ofFlow = computed(() => all.value.filter((problem) => !problem.step));
	const count = computed(() => all.value.filter((problem) => !problem.warning).length);
	const warned = computed(() => all.value.length - count.value);
	const isChecked = shallowRef(false);
	let timer = null;
	let asked = 0;

	function checkSoon() {
		if (props.run) return;
		clearTimeout(timer);
		timer = setTimeout(check, CHECK_DELAY);
	}
	async function check() {
		if (props.run) return;
		const mine = ++asked;
		try {
			const { template, applies_to, catalog, trigger_event } = props.context;
			const problems = await validate(flow.written.value, { template, applies_to, catalog, trigger_event });
			if (mine === asked) show(problems);
		} catch (error) {
			// Without an answer nothing is known: what was found stays, and saving will say that the server is away.
			console.warn("The flow could not be checked:", error.message);
		}
	}
	function show(problems) {
		const byStep = new Map();
		for (const problem of problems) {
			if (problem.step) byStep.set(problem.step, [...(byStep.get(problem.step) || []), problem]);
		}
		for (const id of [...found.keys()]) if (!byStep.has(id)) found.delete(id);
		for (const [id, list] of byStep) if (JSON.stringify(found.get(id)) !== JSON.stringify(list)) found.set(id, list);
		all.value = problems;
		isChecked.value = true;
		emit("problems", problems.filter((problem) => !problem.warning));
	}
	watch([flow.written, () => props.context], checkSoon);
	watch(
		() => props.problems,
		(problems) => problems.length && show(problems)
	);
	onMounted(check);
	onBeforeUnmount(() => clearTimeout(timer));
	return { found, all, ofFlow, count, warned, isChecked, check };
}
