/**
 * What editing does to a flow's steps. Pure: every function takes a list of steps and returns a new one, and the
 * steps that did not change are the same objects, so that a history is a list of references and a view redraws
 * only what changed.
 *
 * A lane is the steps that stand below each other: those with the same parent and branch. A place is where a step
 * can go: `{parent, branch, index}`, parent and branch null for the flow itself.
 *
 * Dependencies follow from the order: a step that waits for the one above it in its lane goes on doing so
 * wherever the two are moved. Dependencies that were set by hand stay, and are only freed of steps that are gone.
 */

export const ON_FLOW_START = "on_flow_start";
export const ON_PREV_COMPLETE = "on_prev_complete";

const AT_ONCE = [ON_FLOW_START, ON_PREV_COMPLETE];
const laneKey = (parent, branch) => JSON.stringify([parent ?? null, branch ?? null]);

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
function lanesOf(steps) {
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

function isAttached(step, byId) {
	const seen = new Set([step.id]);
	for (let above = step.parent_id; above; above = byId.get(above)?.parent_id) {
		if (!byId.has(above) || seen.has(above)) return false;
		seen.add(above);
	}
	return true;
}

/**
 * The tree that is drawn.
 *
 * @param {Object[]} steps
 * @param {Object} kinds - the catalog's kinds by name
 * @param {Map} [known] - the nodes of the tree before, which are used again where nothing in them changed
 * @returns {{roots: Object[], nodes: Map}} a node is `{step, lanes: [{branch, label, nodes}]}`; `nodes` has them by id
 */
export function buildTree(steps, kinds, known = new Map()) {
	const { lanes } = lanesOf(steps);
	const nodes = new Map();

	function nodesOf(parent, branch) {
		return (lanes.get(laneKey(parent, branch)) || []).map(nodeOf);
	}
	function nodeOf(step) {
		const declared = kinds[step.kind]?.branches || [];
		const found = branchesBelow.get(step.id) || [];
		const lanesBelow = [
			...declared.map(({ value, label }) => ({ branch: value, label, known: true })),
			...found
				.filter((branch) => !declared.some(({ value }) => value === branch))
				.map((branch) => ({ branch, label: branch || "", known: !branch })),
		].map((lane) => ({ ...lane, nodes: nodesOf(step.id, lane.branch) }));
		const before = known.get(step.id);
		const node = before && before.step === step && sameLanes(before.lanes, lanesBelow) ? before : { step, lanes: lanesBelow };
		nodes.set(step.id, node);
		return node;
	}

	const branchesBelow = new Map();
	for (const inLane of lanes.values()) {
		const { parent_id: parent, branch } = inLane[0];
		if (parent && lanes.get(laneKey(parent, branch)) === inLane) {
			if (!branchesBelow.has(parent)) branchesBelow.set(parent, []);
			branchesBelow.get(parent).push(branch ?? null);
		}
	}
	return { roots: nodesOf(null, null), nodes };
}

function sameLanes(before, now) {
	return (
		before.length === now.length &&
		before.every(
			(lane, i) =>
				lane.branch === now[i].branch &&
				lane.label === now[i].label &&
				lane.nodes.length === now[i].nodes.length &&
				lane.nodes.every((node, j) => node === now[i].nodes[j])
		)
	);
}

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

// Editing

/** Put a step somewhere. It waits for the one above it unless it says otherwise. */
export function insertStep(steps, step, place) {
	return insertSteps(steps, [step], place, new Set("depends_on" in step ? [] : [step.id]));
}

/** Change a step's own fields. */
export function updateStep(steps, id, patch) {
	return steps.map((step) => (step.id === id ? { ...step, ...patch } : step));
}

/** Take steps out, with all that stands below them. What waited for one of them waits for what it waited for. */
export function removeSteps(steps, ids) {
	const gone = withDescendants(steps, ids);
	const followed = followers(steps);
	const byId = new Map(steps.map((step) => [step.id, step]));
	const kept = steps
		.filter((step) => !gone.has(step.id))
		.map((step) => {
			const depends = step.depends_on || [];
			if (followed.has(step.id) || !depends.some((id) => gone.has(id))) return step;
			return { ...step, depends_on: stand_ins(depends, gone, byId) };
		});
	return arrange(kept, followed);
}

function stand_ins(depends, gone, byId, seen = new Set()) {
	const found = depends.flatMap((id) => {
		if (!gone.has(id)) return [id];
		if (seen.has(id)) return [];
		seen.add(id);
		return stand_ins(byId.get(id)?.depends_on || [], gone, byId, seen);
	});
	return [...new Set(found)];
}

/**
 * Move steps, with all that stands below them.
 *
 * @param {Object} place - where the first of them is to stand, its index counted without the steps that move
 * @returns the steps as they were if the place lies below one of those that move
 */
export function moveSteps(steps, ids, place) {
	const tops = topmost(steps, ids);
	if (place.parent && withDescendants(steps, tops).has(place.parent)) return steps;
	const moving = new Set(tops);
	const followed = followers(steps);
	const moved = steps
		.filter((step) => moving.has(step.id))
		.map((step) => ({ ...step, parent_id: place.parent ?? null, branch: place.branch ?? null }));
	const rest = steps.filter((step) => !moving.has(step.id));
	return arrange(putInto(rest, moved, place), followed);
}

/** One step up or down in its lane. */
export function shiftSteps(steps, ids, by) {
	const tops = topmost(steps, ids);
	if (!tops.length) return steps;
	const { parent, branch } = placeOf(steps, tops[0]);
	const lane = laneAt(steps, { parent, branch });
	const inLane = tops.filter((id) => lane.some((step) => step.id === id));
	const first = lane.findIndex((step) => step.id === inLane[0]);
	const index = first + by;
	if (index < 0 || index > lane.length - inLane.length) return steps;
	return moveSteps(steps, inLane, { parent, branch, index });
}

/** The steps that a copy holds: those with the ids and all below them. */
export function copySteps(steps, ids) {
	const wanted = withDescendants(steps, ids);
	return steps.filter((step) => wanted.has(step.id));
}

/**
 * Put copies of steps somewhere. They get new ids where theirs are taken, and what refers to them (parents,
 * dependencies and `{{steps.<id>…}}`) follows; what they depend on and is not there is dropped.
 *
 * @returns {{steps: Object[], ids: string[]}} the new steps, and the ids of the topmost copies
 */
export function pasteSteps(steps, copied, place) {
	const taken = new Set(steps.map((step) => step.id));
	const renamed = new Map();
	for (const step of copied) {
		const id = taken.has(step.id) ? newId(taken) : step.id;
		taken.add(id);
		renamed.set(step.id, id);
	}
	const followed = followers(copied);
	const copies = copied.map((step) => {
		const parent = step.parent_id && renamed.has(step.parent_id) ? renamed.get(step.parent_id) : null;
		return {
			...renameReferences(step, renamed),
			id: renamed.get(step.id),
			parent_id: parent ?? place.parent ?? null,
			branch: parent ? step.branch ?? null : place.branch ?? null,
			depends_on: (step.depends_on || [])
				.map((id) => renamed.get(id) || id)
				.filter((id) => taken.has(id)),
		};
	});
	const tops = copied.filter((step) => !renamed.has(step.parent_id)).map((step) => renamed.get(step.id));
	const follow = new Set([...followed].map((id) => renamed.get(id)));
	const top = new Set(tops);
	return {
		steps: arrange(
			putInto(
				[...steps, ...copies.filter((step) => !top.has(step.id))],
				copies.filter((step) => top.has(step.id)),
				place
			),
			new Set([...followers(steps), ...follow])
		),
		ids: tops,
	};
}

function renameReferences(step, renamed) {
	const text = JSON.stringify(step.payload ?? {});
	const changed = text.replace(/(\bsteps\.)([\w-]+)/g, (whole, root, id) => (renamed.has(id) ? root + renamed.get(id) : whole));
	return changed === text ? step : { ...step, payload: JSON.parse(changed) };
}

function insertSteps(steps, added, place, following) {
	const followed = new Set([...followers(steps), ...following]);
	const placed = added.map((step) => ({
		depends_on: [],
		...step,
		parent_id: place.parent ?? null,
		branch: place.branch ?? null,
	}));
	return arrange(putInto(steps, placed, place), followed);
}

/** Put steps that are in a place's lane at its index among the others. */
function putInto(rest, added, place) {
	const lane = laneAt(rest, place);
	const next = lane[place.index ?? lane.length];
	const at = next ? rest.indexOf(next) : rest.length;
	return [...rest.slice(0, at), ...added, ...rest.slice(at)];
}

// Dependencies that follow from the order

/** The ids of the steps that wait for the one above them; the first of a lane, if the second waits for it. */
export function followers(steps) {
	const following = new Set();
	for (const lane of lanesOf(steps).lanes.values()) {
		for (const [index, step] of lane.entries()) {
			const depends = step.depends_on || [];
			if (index && depends.length === 1 && depends[0] === lane[index - 1].id) following.add(step.id);
		}
		const [first, second] = lane;
		if (!(first.depends_on || []).length && (!second || following.has(second.id))) following.add(first.id);
	}
	return following;
}

/** The steps depth first, and those that follow the order made to wait for the one that is above them now. */
function arrange(steps, followed) {
	const { byId, lanes } = lanesOf(steps);
	const ordered = [];
	const below = new Map();
	for (const lane of lanes.values()) {
		const parent = lane[0].parent_id && byId.has(lane[0].parent_id) && isAttached(lane[0], byId) ? lane[0].parent_id : null;
		if (parent) below.set(parent, [...(below.get(parent) || []), lane]);
	}
	const visit = (lane) => {
		lane.forEach((step, index) => {
			ordered.push(inOrder(step, lane[index - 1], followed, byId));
			(below.get(step.id) || []).forEach(visit);
		});
	};
	visit(lanes.get(laneKey(null, null)) || []);
	return ordered;
}

function inOrder(step, above, followed, byId) {
	let depends = step.depends_on || [];
	if (followed.has(step.id)) {
		depends = above ? [above.id] : [];
	} else {
		const related = new Set([step.id]);
		for (let id = step.parent_id; id && !related.has(id); id = byId.get(id)?.parent_id) related.add(id);
		depends = depends.filter((id) => byId.has(id) && !related.has(id));
	}
	const trigger = triggerInOrder(step, depends);
	const same = JSON.stringify(depends) === JSON.stringify(step.depends_on || []);
	if (same && trigger === step.trigger) return step;
	return { ...step, depends_on: same ? step.depends_on ?? [] : depends, trigger };
}

/** A step that fires at once is called by what it comes after. */
function triggerInOrder(step, depends) {
	const type = step.trigger?.type || ON_PREV_COMPLETE;
	if (!AT_ONCE.includes(type)) return step.trigger;
	const fitting = step.parent_id || depends.length ? ON_PREV_COMPLETE : ON_FLOW_START;
	return fitting === type && step.trigger ? step.trigger : { ...step.trigger, type: fitting };
}
