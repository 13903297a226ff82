/**
 * How steps stand: in lanes, which are the steps with the same parent and branch. Pure: it changes nothing, and a step
 * that did not change is the same object in the tree after, so that a view redraws only what changed.
 */

import { linesOf, planOf } from "./graph.js";

export const ON_FLOW_START = "on_flow_start";
export const ON_PREV_COMPLETE = "on_prev_complete";

export const ERROR = "error";

export const laneKey = (parent, branch) => JSON.stringify([parent ?? null, branch ?? null]);

/** What keeps a definition from being drawn as a tree, as a sentence, or an empty text. */
export function shapeProblem(definition) {
	if (!isObject(definition)) return __("The definition is not a JSON object.");
	const steps = definition.steps ?? [];
	if (!Array.isArray(steps)) return __("“steps” is not a list.");
	const seen = new Set();
	for (const [index, step] of steps.entries()) {
		if (!isObject(step)) return __("Step {0} is not a JSON object.", [index + 1]);
		if (typeof step.id !== "string" || !step.id) return __("Step {0} has no id.", [index + 1]);
		if (seen.has(step.id)) return __("Two steps have the id {0}.", [step.id]);
		seen.add(step.id);
		for (const name of ["trigger", "payload"]) {
			if (step[name] != null && !isObject(step[name])) {
				return __("“{0}” of step {1} is not a JSON object.", [name, step.id]);
			}
		}
		if (step.depends_on != null && !Array.isArray(step.depends_on)) {
			return __("“depends_on” of step {0} is not a list.", [step.id]);
		}
	}
	return "";
}

export const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** Whether two definitions say the same; the trigger in them is the template's own, which the server writes there. */
export const sameFlow = (one, other) => {
	const said = (definition) => JSON.stringify(isObject(definition) ? { ...definition, trigger: null } : definition);
	return said(one) === said(other);
};

/** An id that no step has. */
export function newId(taken) {
	for (;;) {
		const id = `step_${Math.random().toString(36).slice(2, 8).padEnd(6, "0")}`;
		if (!taken.has(id)) return id;
	}
}

/** The steps of every lane, by lane, in order. A step whose parent is missing or stands below it is a root. */
export function lanesOf(steps) {
	const byId = new Map(steps.map((step) => [step.id, step]));
	const lanes = new Map();
	for (const step of steps) {
		const attached = step.parent_id && isAttached(step, byId);
		const key = attached ? laneKey(step.parent_id, step.branch) : laneKey(null, null);
		if (!lanes.has(key)) lanes.set(key, []);
		lanes.get(key).push(step);
	}
	return { byId, lanes };
}

export function isAttached(step, byId) {
	const seen = new Set([step.id]);
	for (let above = step.parent_id; above; above = byId.get(above)?.parent_id) {
		if (!byId.has(above) || seen.has(above)) return false;
		seen.add(above);
	}
	return true;
}

/** The lanes that a step has by itself: those of its kind, and the one that it takes when it has failed. */
function ownLanes(step, kind) {
	const own = kind?.lanes_from ? step.payload?.[kind.lanes_from] : null;
	const named = (Array.isArray(own) ? own : []).filter((lane) => lane?.value).map(({ value, label }) => ({ branch: value, label: label || value, known: true }));
	const lanes = [...named, ...(kind?.branches || []).map(({ value, label }) => ({ branch: value, label: __(label), known: true }))];
	if (step.on_error !== "lane") return lanes;
	if (!lanes.length) lanes.push({ branch: null, label: __("If it works"), known: true });
	return [...lanes, { branch: ERROR, label: __("If it fails"), known: true }];
}

/**
 * The tree that is drawn.
 *
 * @param {Object[]} steps
 * @param {Object} kinds - the catalog's kinds by name
 * @param {{root: Object, nodes: Map}} [known] - the tree before, whose parts are used again where nothing in them changed
 * @returns {{root: Object, nodes: Map}} a node is `{step, lanes, waits, lines, size}`: `lines` are the steps whose lines
 *   lead to it, `waits` those that it waits for besides, `size` how many stand below it. A lane is
 *   `{parent, branch, label, known, nodes, byId, plan}`; `root` is the flow's own; `nodes` has them by id.
 */
export function buildTree(steps, kinds, known = { nodes: new Map() }) {
	const { lanes } = lanesOf(steps);
	const nodes = new Map();
	const branchesBelow = new Map();
	for (const inLane of lanes.values()) {
		const { parent_id: parent, branch } = inLane[0];
		if (parent && lanes.get(laneKey(parent, branch)) === inLane) {
			if (!branchesBelow.has(parent)) branchesBelow.set(parent, []);
			branchesBelow.get(parent).push(branch ?? null);
		}
	}

	function laneOf(about, before) {
		const inLane = lanes.get(laneKey(about.parent, about.branch)) || [];
		const isSame = before && before.steps.length === inLane.length && before.steps.every((step, i) => step === inLane[i]);
		const { plan, also } = isSame ? before : planOf(inLane);
		const lines = isSame ? before.lines : linesOf(plan);
		const below = inLane.map((step) => nodeOf(step, lines.get(step.id), also.get(step.id) || []));
		const isKnown = isSame && before.label === about.label && below.every((node, i) => node === before.nodes[i]);
		return isKnown ? before : { ...about, steps: inLane, nodes: below, byId: new Map(below.map((node) => [node.step.id, node])), plan, also, lines };
	}
	function nodeOf(step, lines, waits) {
		const before = known.nodes.get(step.id);
		const own = ownLanes(step, kinds[step.kind]);
		const found = (branchesBelow.get(step.id) || []).filter((branch) => !own.some((lane) => lane.branch === branch));
		const below = [...own, ...found.map((branch) => ({ branch, label: branch || "", known: !branch }))].map((lane) =>
			laneOf({ ...lane, parent: step.id }, before?.lanes.find((other) => other.branch === lane.branch))
		);
		const isSame = before && before.step === step && sameItems(before.lanes, below) && sameItems(before.lines, lines) && sameItems(before.waits, waits);
		const size = below.reduce((sum, lane) => lane.nodes.reduce((all, node) => all + 1 + node.size, sum), 0);
		const node = isSame ? before : { step, lanes: below, lines, waits, size };
		nodes.set(step.id, node);
		return node;
	}
	return { root: laneOf({ parent: null, branch: null, label: "", known: true }, known.root), nodes };
}

const sameItems = (one, other) => one.length === other.length && one.every((item, i) => item === other[i]);

/** Where a step stands. */
export function placeOf(steps, id) {
	const { byId, lanes } = lanesOf(steps);
	const step = byId.get(id);
	const attached = step.parent_id && isAttached(step, byId);
	const parent = attached ? step.parent_id : null;
	const branch = attached ? step.branch ?? null : null;
	const lane = lanes.get(laneKey(parent, branch));
	return { parent, branch, index: lane.indexOf(step), length: lane.length };
}

/** The steps of a lane, in order. */
export const laneAt = (steps, { parent, branch }) => lanesOf(steps).lanes.get(laneKey(parent, branch)) || [];

/** The ids with all that stands below them. */
export function withDescendants(steps, ids) {
	const wanted = new Set(ids);
	for (let grown = true; grown; ) {
		grown = false;
		for (const step of steps) {
			if (!wanted.has(step.id) && step.parent_id && wanted.has(step.parent_id)) {
				wanted.add(step.id);
				grown = true;
			}
		}
	}
	return wanted;
}

/** Of the ids, those that do not stand below another of them, in the order of the flow. */
export function topmost(steps, ids) {
	const wanted = new Set(ids);
	const byId = new Map(steps.map((step) => [step.id, step]));
	const isBelow = (step) => {
		const seen = new Set();
		for (let above = step.parent_id; above && !seen.has(above); above = byId.get(above)?.parent_id) {
			if (wanted.has(above)) return true;
			seen.add(above);
		}
		return false;
	};
	return steps.filter((step) => wanted.has(step.id) && !isBelow(step)).map((step) => step.id);
}
