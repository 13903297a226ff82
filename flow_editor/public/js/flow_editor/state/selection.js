/** Which steps are chosen, which one is in focus, and what is folded; and how one goes from one to the other. */

import { computed, nextTick, onBeforeUnmount, reactive, ref, watch } from "vue";
import { gapBeyond } from "../model/edit.js";
import { findIn, stepsIn } from "../model/graph.js";

const PRESS_ENDS = ["pointerup", "pointercancel"];

export function useSelection(flow, root, cardId) {
	const selected = reactive(new Set());
	const current = ref(null);
	const collapsed = reactive(new Set());
	let anchor = null;
	/** A card that is pressed takes the focus before the click that says what to choose. */
	let isPressed = false;

	watch(
		flow.drawn,
		({ nodes, root: lane }) => {
			if (!nodes.has(current.value)) current.value = stepsIn(lane.plan)[0] ?? null;
			for (const id of [...selected]) if (!nodes.has(id)) selected.delete(id);
		},
		{ immediate: true }
	);

	function select(...ids) {
		selected.clear();
		ids.forEach((id) => selected.add(id));
		anchor = ids[0];
	}
	const chosen = () => (selected.size ? [...selected] : current.value ? [current.value] : []);

	function onFocus(id) {
		current.value = id;
		if (!isPressed && !selected.has(id)) select(id);
	}
	const endPress = () => (isPressed = false);
	function onPress() {
		isPressed = true;
		PRESS_ENDS.forEach((name) => window.addEventListener(name, endPress, { once: true }));
	}
	onBeforeUnmount(() => PRESS_ENDS.forEach((name) => window.removeEventListener(name, endPress)));

	/** Choose by a click; says whether it chose this one alone. */
	function choose(event, id) {
		const adds = event.ctrlKey || event.metaKey;
		if (adds) selected.has(id) ? selected.delete(id) : selected.add(id);
		else if (event.shiftKey) selectRange(id);
		else select(id);
		focusCard(id);
		return !adds && !event.shiftKey;
	}
	const inLaneOf = (id) => stepsIn(flow.laneOf(flow.nodeOf(id).step).plan);
	/** The steps of a lane from the first that was chosen to this one. */
	function selectRange(id) {
		const ids = inLaneOf(id);
		const [from, to] = [ids.indexOf(anchor), ids.indexOf(id)].sort((a, b) => a - b);
		const first = anchor;
		select(...(from < 0 ? [id] : ids.slice(from, to + 1)));
		anchor = from < 0 ? id : first;
	}
	function extend(by) {
		const ids = inLaneOf(current.value);
		const next = ids[ids.indexOf(current.value) + by];
		if (!next) return;
		const first = anchor;
		const wanted = [...selected, next];
		current.value = next;
		if (selected.has(next)) selectRange(next);
		else select(...wanted);
		anchor = first;
		focusCard(next);
	}
	const selectLane = () => select(...(current.value ? inLaneOf(current.value) : []));

	function focusCard(id) {
		const card = document.getElementById(cardId(id));
		if (card && document.activeElement !== card) card.focus({ preventScroll: true });
		showCard(id);
	}
	const showCard = (id) => document.getElementById(cardId(id))?.scrollIntoView?.({ block: "nearest", inline: "nearest" });
	async function keepFocus(id = current.value) {
		await nextTick();
		if (id && flow.nodeOf(id)) {
			await reveal(id);
			current.value = id;
			focusCard(id);
		} else {
			(root.value.querySelector("[data-nav]") || root.value).focus({ preventScroll: true });
		}
	}
	/** Open what hides a step. */
	function reveal(id) {
		for (let above = flow.nodeOf(id)?.step.parent_id; above && flow.nodeOf(above); above = flow.nodeOf(above).step.parent_id) collapsed.delete(above);
		return nextTick();
	}
	const toggle = (id) => (collapsed.has(id) ? collapsed.delete(id) : flow.nodeOf(id)?.lanes.length && collapsed.add(id));
	const branching = computed(() => flow.steps.value.filter((step) => flow.nodeOf(step.id)?.lanes.length).map((step) => step.id));
	function toggleAll() {
		if (collapsed.size) collapsed.clear();
		else branching.value.forEach((id) => collapsed.add(id));
	}

	// By keys, in the order in which cards stand on the page

	const stops = () => [...root.value.querySelectorAll("[data-nav]")].filter((element) => element.offsetParent !== null);
	function goTo(element) {
		if (!element) return;
		element.focus({ preventScroll: true });
		element.scrollIntoView({ block: "nearest", inline: "nearest" });
	}
	function step(by) {
		const all = stops();
		const at = all.indexOf(document.activeElement);
		goTo(all[at < 0 ? 0 : at + by]);
	}
	/** Sideways: into the first lane, to the lane or column beside, or from the first back to the step above. */
	function sideways(by) {
		const here = document.activeElement;
		const firstIn = (side) => side && [...side.querySelectorAll("[data-nav]")][0];
		const below = here.closest(".fe-node")?.querySelector(":scope > .fe-lanes");
		if (here.classList.contains("fe-card") && by > 0 && below) return goTo(firstIn(below.querySelector(":scope > .fe-side")));
		for (let side = here.closest(".fe-side"); side; side = side.parentElement.closest(".fe-side")) {
			const beside = by > 0 ? side.nextElementSibling : side.previousElementSibling;
			if (beside?.classList.contains("fe-side")) return goTo(firstIn(beside));
			const above = by < 0 && side.parentElement.closest(".fe-node")?.querySelector(":scope > .fe-card");
			if (above && side.classList.contains("fe-lane")) return goTo(above);
		}
	}
	const goToEnd = (by) => goTo(by < 0 ? stops()[0] : stops().pop());

	/** The gap one further in the lane from where the chosen steps stand. */
	function beyond(ids, by) {
		const lane = flow.laneOf(flow.nodeOf(ids[0]).step);
		const order = stepsIn(lane.plan);
		const gap = gapBeyond(lane.plan, [...ids].sort((a, b) => order.indexOf(a) - order.indexOf(b)), by);
		return gap && { parent: lane.parent, branch: lane.branch, ...gap };
	}
	/** The gap after a step, and the series item before it. */
	function around(id) {
		const lane = flow.laneOf(flow.nodeOf(id).step);
		const { series, index } = findIn(lane.plan, id);
		const at = { parent: lane.parent, branch: lane.branch };
		return { at, series, index, after: { ...at, ...series.gaps[index + 1] } };
	}

	return {
		selected, current, collapsed, branching, select, chosen, onFocus, onPress, choose, extend, selectLane, keepFocus, reveal, toggle, toggleAll,
		step, sideways, goToEnd, beyond, around, showCard,
	};
}
