/** What can be done to the steps of a flow that is drawn: each says what it did to the order, and can be undone. */

import { shallowRef } from "vue";
import { fromText } from "../model/clipboard.js";
import * as edit from "../model/edit.js";
import { beginningsOf, endsOf } from "../model/graph.js";
import { buildEmptyStep } from "../model/kinds.js";
import { besides, listed, orderInWords } from "../model/order.js";
import { topmost, withDescendants } from "../model/tree.js";
import * as clipboard from "./clipboard.js";
import { getHost } from "./host.js";

const SAID_FOR = 7000;

export function useEditing(flow, selection) {
	const { steps, commitSteps, drawn } = flow;
	const { chosen, select, keepFocus } = selection;

	// What was done, in words

	const said = shallowRef(null);
	let timer = null;
	function say(text) {
		clearTimeout(timer);
		said.value = { text };
		timer = setTimeout(() => (said.value = null), SAID_FOR);
	}
	function sayOrder(id) {
		const node = flow.nodeOf(id);
		if (!node) return;
		const order = orderInWords(node, drawn.value.nodes, flow.nameOfStep);
		const others = besides(flow.laneOf(node.step), id).map(flow.nameOfStep);
		const name = flow.nameOfStep(id);
		say(others.length ? __("{0} now runs {1}, side by side with {2}.", [name, order, listed(others)]) : __("{0} now runs {1}.", [name, order]));
	}

	const lastGap = () => ({ parent: null, branch: null, ...drawn.value.root.plan.gaps[drawn.value.root.plan.gaps.length - 1] });
	const gapAfter = (id) => (id && flow.nodeOf(id) ? selection.around(id).after : lastGap());

	/** Put a new step of a kind into a gap; returns its id. */
	function insert(kind, gap) {
		const step = buildEmptyStep(kind, new Set(steps.value.map((other) => other.id)));
		commitSteps(edit.insertStep(steps.value, step, gap));
		select(step.id);
		selection.current.value = step.id;
		return step.id;
	}
	function change(id, step, typedInto) {
		const before = flow.nodeOf(id)?.step;
		if (!before || JSON.stringify(before) === JSON.stringify(step)) return;
		commitSteps(steps.value.map((other) => (other.id === id ? step : other)), `${id} ${typedInto}`);
	}
	function remove(ids = chosen()) {
		if (!ids.length) return;
		const order = [...drawn.value.nodes.keys()];
		const gone = withDescendants(steps.value, ids);
		const at = order.findIndex((id) => gone.has(id));
		const next = order.slice(at).find((id) => !gone.has(id)) ?? [...order.slice(0, at)].reverse().find((id) => !gone.has(id));
		const name = flow.nameOfStep(ids[0]);
		if (!commitSteps(edit.removeSteps(steps.value, ids))) return;
		say(gone.size > 1 ? __("Deleted {0} steps.", [gone.size]) : __("Deleted {0}.", [name]));
		select(...(next ? [next] : []));
		keepFocus(next);
	}
	function duplicate(ids = chosen()) {
		const tops = topmost(steps.value, ids);
		if (tops.length) paste(edit.copySteps(steps.value, tops), tops[tops.length - 1]);
	}
	function paste(copied, after = selection.current.value) {
		const { steps: changed, ids } = edit.pasteSteps(steps.value, copied, gapAfter(after));
		commitSteps(changed);
		select(...ids);
		keepFocus(ids[0]);
	}
	function pasteText(text) {
		try {
			paste(fromText(text));
		} catch (error) {
			getHost().tell(error.message, "orange");
		}
	}
	const copyText = (ids = chosen()) => clipboard.note(edit.copySteps(steps.value, topmost(steps.value, ids)));
	async function copy(ids = chosen()) {
		await clipboard.write(edit.copySteps(steps.value, topmost(steps.value, ids)));
		getHost().tell(__("Copied"), "green");
	}
	const pasteFromBoard = () => clipboard.read().then(pasteText);

	function move(ids, gap, focus) {
		if (!gap || !commitSteps(edit.moveSteps(steps.value, ids, gap))) return false;
		keepFocus(focus).then(() => sayOrder(ids[0]));
		return true;
	}
	const tops = () => topmost(steps.value, chosen());
	function shift(by) {
		const ids = tops();
		if (ids.length) move(ids, selection.beyond(ids, by));
	}
	/** Side by side with what stands above it in its series. */
	function together() {
		const [id] = tops();
		if (!id) return;
		const { at, series, index } = selection.around(id);
		if (!index) return getHost().tell(__("Nothing stands above it in its lane."), "orange");
		move([id], { ...at, after: series.gaps[index - 1].after, before: series.gaps[index + 1].before, beside: endsOf(series.items[index - 1])[0] });
	}
	/** Out of the lane, to below the step that it belongs to. */
	function outdent() {
		const ids = tops();
		const parent = ids.length && flow.nodeOf(ids[0]).step.parent_id;
		if (parent) move(ids, gapAfter(parent));
	}
	/** Into the first lane of the step above it, or on into the next lane beside it. */
	function indent() {
		const ids = tops();
		if (!ids.length) return;
		const { series, index, at } = selection.around(ids[0]);
		const above = index ? flow.nodeOf(series.items[index - 1].step) : null;
		const lanes = at.parent ? flow.nodeOf(at.parent).lanes : [];
		const lane = above?.lanes[0] ?? lanes[lanes.findIndex((other) => other.branch === at.branch) + 1];
		if (lane) move(ids, { parent: lane.parent, branch: lane.branch, ...lane.plan.gaps[lane.plan.gaps.length - 1] });
	}
	/** A card was dropped into a series, before what stands at that index without it. */
	function drop(id, { lane, series, index }) {
		if (!selection.selected.has(id)) select(id);
		const items = series.items.filter((item) => item.step !== id);
		const after = index ? endsOf(items[index - 1]) : series.gaps[0].after;
		const before = index < items.length ? beginningsOf(items[index]) : series.gaps[series.gaps.length - 1].before;
		if (!move(topmost(steps.value, chosen()), { parent: lane.parent, branch: lane.branch, after, before }, id)) keepFocus(id);
	}
	/** A card was dropped beside another. */
	function dropBeside(id, other) {
		if (id !== other) move([id], edit.gapBesides(steps.value, other), id);
	}

	return {
		said, say, insert, change, remove, duplicate, pasteText, copy, copyText, pasteFromBoard, shift, together, outdent, indent, drop, dropBeside,
		gapAfter, gapBeside: (id) => edit.gapBesides(steps.value, id),
	};
}
