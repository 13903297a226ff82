/**
 * What editing does to a flow's steps. Pure: every function takes a list of steps and returns a new one, and the steps
 * that did not change are the same objects, so that a history is a list of references.
 *
 * A gap is where steps can go: `{parent, branch, after, before}`, a line of the picture. What is put there waits for what
 * stands in `after`, and what stands in `before` waits for it in place of those. With `beside` those go on waiting for
 * what they wait for, so that it runs side by side with what is between them. So an edit does to the order what it does to the picture; what
 * a step waits for otherwise, in other lanes, stays as it is, and is only freed of steps that are gone and of circles.
 */

import { findIn } from "./graph.js";
import { isAttached, laneAt, laneKey, lanesOf, newId, ON_FLOW_START, ON_PREV_COMPLETE, topmost, withDescendants } from "./tree.js";

const AT_ONCE = [ON_FLOW_START, ON_PREV_COMPLETE];
const unique = (ids) => [...new Set(ids)];
const dependsOn = (step) => step.depends_on || [];
const isIn = (step, { parent, branch }) => laneKey(step.parent_id, step.branch) === laneKey(parent, branch);

/** Put a step into a gap. One that says itself what it waits for stands there, and changes nobody's order. */
export function insertStep(steps, step, gap) {
	const placed = { ...step, depends_on: dependsOn(step), parent_id: gap.parent ?? null, branch: gap.branch ?? null };
	if ("depends_on" in step) return arrange(putInto(steps, [placed], gap));
	return weave(steps, [placed], gap);
}

/** Change a step's own fields. */
export const updateStep = (steps, id, patch) => steps.map((step) => (step.id === id ? { ...step, ...patch } : step));

/** Take steps out, with all that stands below them. What waited for one of them waits for what it waited for. */
export function removeSteps(steps, ids) {
	return arrange(without(steps, withDescendants(steps, ids)));
}

/**
 * Move steps into a gap, with all that stands below them. They keep the order among themselves.
 *
 * @returns the steps as they were if the gap lies below one of those that move, or where they are
 */
export function moveSteps(steps, ids, gap) {
	const tops = topmost(steps, ids);
	if (gap.parent && withDescendants(steps, tops).has(gap.parent)) return steps;
	const moving = new Set(tops);
	const byId = new Map(steps.map((step) => [step.id, step]));
	const moved = tops.map((id) => {
		const step = byId.get(id);
		const elsewhere = dependsOn(step).filter((other) => byId.has(other) && !isBeside(step, byId.get(other)));
		return { ...step, parent_id: gap.parent ?? null, branch: gap.branch ?? null, depends_on: [...nearest(step, moving, byId), ...elsewhere] };
	});
	const rest = steps
		.filter((step) => !moving.has(step.id))
		.map((step) => {
			// Who waits for a step that moves away goes on waiting for it only across lanes.
			const left = dependsOn(step).filter((id) => moving.has(id) && isBeside(step, byId.get(id)));
			return left.length ? { ...step, depends_on: standIns(dependsOn(step), new Set(left), byId) } : step;
		});
	const woven = weave(rest, moved, fitting(gap, moving, steps, byId));
	const sound = hasCircle(woven) && !hasCircle(steps) ? weave(rest.map(freeOf(moving, byId)), moved.map(freeOf(null, byId)), fitting(gap, moving, steps, byId)) : woven;
	if (sound !== woven && hasCircle(sound)) return steps;
	return standing(sound) === standing(steps) ? steps : sound;
}

/** Where all steps stand and what they wait for, to compare. */
const standing = (steps) => JSON.stringify(steps.map((step) => [step.id, step.parent_id ?? null, step.branch ?? null, [...dependsOn(step)].sort()]));

/** The gap one further up or down from where steps stand in their lane's plan; null at its end. */
export function gapBeyond(plan, ids, by) {
	const found = ids.map((id) => findIn(plan, id)).filter(Boolean);
	if (!found.length) return null;
	const { series, index, outer } = found[by < 0 ? 0 : found.length - 1];
	const next = by < 0 ? index - 1 : index + 2;
	if (next >= 0 && next < series.gaps.length) return series.gaps[next];
	return outer && outer.series.gaps[outer.index + (by < 0 ? 0 : 1)];
}

/** The gap beside a step: what is put there waits for what it waits for, and what waits for it waits for both. */
export function gapBesides(steps, id) {
	const { parent, branch, lane } = laneWith(steps, id);
	const step = lane.find((other) => other.id === id);
	const inLane = new Set(lane.map((other) => other.id));
	const after = dependsOn(step).filter((other) => inLane.has(other));
	return { parent, branch, after, before: lane.filter((other) => dependsOn(other).includes(id)).map((other) => other.id), beside: id };
}

/** The steps that a copy holds: those with the ids and all below them. */
export function copySteps(steps, ids) {
	const wanted = withDescendants(steps, ids);
	const tops = new Set(topmost(steps, ids));
	const byId = new Map(steps.map((step) => [step.id, step]));
	return steps.filter((step) => wanted.has(step.id)).map((step) => (tops.has(step.id) ? { ...step, depends_on: nearest(step, tops, byId) } : step));
}

/**
 * Put copies of steps into a gap. They get new ids where theirs are taken, and what refers to them (parents,
 * dependencies and `{{steps.<id>…}}`) follows; what they depend on and is not there is dropped.
 *
 * @returns {{steps: Object[], ids: string[]}} the new steps, and the ids of the topmost copies
 */
export function pasteSteps(steps, copied, gap) {
	const taken = new Set(steps.map((step) => step.id));
	const renamed = new Map();
	for (const step of copied) {
		const id = taken.has(step.id) ? newId(taken) : step.id;
		taken.add(id);
		renamed.set(step.id, id);
	}
	const copies = copied.map((step) => {
		const isBelow = step.parent_id && renamed.has(step.parent_id);
		return {
			...renameReferences(step, renamed),
			id: renamed.get(step.id),
			parent_id: isBelow ? renamed.get(step.parent_id) : gap.parent ?? null,
			branch: isBelow ? step.branch ?? null : gap.branch ?? null,
			depends_on: dependsOn(step).map((id) => renamed.get(id)).filter(Boolean),
		};
	});
	const ids = copied.filter((step) => !renamed.has(step.parent_id)).map((step) => renamed.get(step.id));
	const tops = copies.filter((step) => ids.includes(step.id));
	const below = copies.filter((step) => !ids.includes(step.id));
	return { steps: weave([...steps, ...below], tops, gap), ids };
}

function renameReferences(step, renamed) {
	const text = JSON.stringify(step.payload ?? {});
	const changed = text.replace(/(\bsteps\.)([\w-]+)/g, (whole, root, id) => (renamed.has(id) ? root + renamed.get(id) : whole));
	return changed === text ? step : { ...step, payload: JSON.parse(changed) };
}

// The order

/** Put steps, which may have an order among themselves, where a gap is. */
function weave(rest, tops, gap) {
	const moving = new Set(tops.map((step) => step.id));
	const needed = new Set(tops.flatMap(dependsOn));
	const ends = [...moving].filter((id) => !needed.has(id));
	const placed = tops.map((step) =>
		dependsOn(step).some((id) => moving.has(id)) ? step : { ...step, depends_on: unique([...gap.after, ...dependsOn(step)]) }
	);
	const others = rest.map((step) => {
		if (!gap.before.includes(step.id)) return step;
		const kept = dependsOn(step).filter((id) => gap.beside || !gap.after.includes(id));
		return { ...step, depends_on: unique([...kept, ...ends]) };
	});
	const woven = putInto(others, placed, gap);
	return arrange(reduced(woven, new Set([...moving, ...gap.before])));
}

/** A gap without the steps that move: in their place stands what they stood between. */
function fitting(gap, moving, steps, byId) {
	const beyond = (ids) => ids.flatMap((id) => (moving.has(id) ? beyond(steps.filter((step) => isIn(step, gap) && dependsOn(step).includes(id)).map((step) => step.id)) : [id]));
	const inLane = (id) => byId.has(id) && isIn(byId.get(id), gap);
	return { ...gap, after: standIns(gap.after, moving, byId).filter(inLane), before: unique(beyond(gap.before)).filter(inLane) };
}

/** Of the steps that move, those that come right before one of them in its lane. */
function nearest(step, moving, byId) {
	const found = new Set();
	const seen = new Set();
	const way = [...dependsOn(step)];
	while (way.length) {
		const id = way.pop();
		const other = byId.get(id);
		if (seen.has(id) || !other || !isBeside(step, other) || id === step.id) continue;
		seen.add(id);
		if (moving.has(id)) found.add(id);
		else way.push(...dependsOn(other));
	}
	return [...found];
}

/** Whether two steps stand in one lane. */
const isBeside = (one, other) => laneKey(one.parent_id, one.branch) === laneKey(other.parent_id, other.branch);

function without(steps, gone) {
	const byId = new Map(steps.map((step) => [step.id, step]));
	return steps
		.filter((step) => !gone.has(step.id))
		.map((step) => (dependsOn(step).some((id) => gone.has(id)) ? { ...step, depends_on: standIns(dependsOn(step), gone, byId) } : step));
}

function standIns(depends, gone, byId, seen = new Set()) {
	const found = depends.flatMap((id) => {
		if (!gone.has(id)) return [id];
		if (seen.has(id)) return [];
		seen.add(id);
		return standIns(dependsOn(byId.get(id) || {}), gone, byId, seen);
	});
	return unique(found);
}

/** A step without what it waits for in other lanes; with `moving`, only without those. */
const freeOf = (moving, byId) => (step) => {
	const kept = dependsOn(step).filter((id) => (moving ? !moving.has(id) : byId.has(id) && isBeside(step, byId.get(id))));
	return kept.length === dependsOn(step).length ? step : { ...step, depends_on: kept };
};

/** Leave out, of the given steps, dependencies that another one in their lane implies. */
function reduced(steps, ids) {
	const byId = new Map(steps.map((step) => [step.id, step]));
	return steps.map((step) => {
		if (!ids.has(step.id) || dependsOn(step).length < 2) return step;
		const implied = new Set();
		for (const near of step.depends_on) {
			if (!byId.has(near) || !isBeside(step, byId.get(near))) continue;
			const way = [...dependsOn(byId.get(near))];
			const seen = new Set([near]);
			while (way.length) {
				const id = way.pop();
				if (seen.has(id) || !byId.has(id) || !isBeside(step, byId.get(id))) continue;
				seen.add(id);
				implied.add(id);
				way.push(...dependsOn(byId.get(id)));
			}
		}
		const kept = step.depends_on.filter((id) => !implied.has(id));
		return kept.length === step.depends_on.length ? step : { ...step, depends_on: kept };
	});
}

/** Whether steps wait for each other: a start waits for the parent's and for the ends it depends on, an end for all below it. */
export function hasCircle(steps) {
	const byId = new Map(steps.map((step) => [step.id, step]));
	const waits = new Map();
	const add = (one, other) => waits.set(one, [...(waits.get(one) || []), other]);
	for (const step of steps) {
		add(`${step.id} ends`, `${step.id} starts`);
		for (const id of dependsOn(step)) if (byId.has(id)) add(`${step.id} starts`, `${id} ends`);
		if (!byId.has(step.parent_id)) continue;
		add(`${step.id} starts`, `${step.parent_id} starts`);
		add(`${step.parent_id} ends`, `${step.id} ends`);
	}
	const state = new Map();
	for (const root of waits.keys()) {
		const way = state.has(root) ? [] : [[root, [...waits.get(root)]]];
		state.set(root, state.get(root) || "open");
		while (way.length) {
			const [node, rest] = way[way.length - 1];
			const next = rest.pop();
			if (next === undefined) {
				state.set(node, "done");
				way.pop();
			} else if (state.get(next) === "open") {
				return true;
			} else if (!state.has(next)) {
				state.set(next, "open");
				way.push([next, [...(waits.get(next) || [])]]);
			}
		}
	}
	return false;
}

// Where they stand in the list

function laneWith(steps, id) {
	const { byId, lanes } = lanesOf(steps);
	const step = byId.get(id);
	const attached = step.parent_id && isAttached(step, byId);
	const [parent, branch] = attached ? [step.parent_id, step.branch ?? null] : [null, null];
	return { parent, branch, lane: lanes.get(laneKey(parent, branch)) };
}

/** Put steps into the list: behind what they come after, else before what comes after them, else last. */
function putInto(rest, added, gap) {
	const lane = laneAt(rest, gap).map((step) => step.id);
	const besides = gap.beside && typeof gap.beside === "string" ? [gap.beside] : [];
	const last = Math.max(...[...gap.after, ...besides].map((id) => lane.indexOf(id)), -1);
	const next = lane[last + 1] && last >= 0 ? lane[last + 1] : last < 0 && gap.before.length ? lane.find((id) => gap.before.includes(id)) : undefined;
	const at = next === undefined ? rest.length : rest.findIndex((step) => step.id === next);
	return [...rest.slice(0, at), ...added, ...rest.slice(at)];
}

/** The steps depth first, without dependencies on what is gone or holds them, and fired as their place asks for. */
function arrange(steps) {
	const { byId, lanes } = lanesOf(steps);
	const ordered = [];
	const below = new Map();
	for (const lane of lanes.values()) {
		const parent = lane[0].parent_id && byId.has(lane[0].parent_id) && isAttached(lane[0], byId) ? lane[0].parent_id : null;
		if (parent) below.set(parent, [...(below.get(parent) || []), lane]);
	}
	const visit = (lane) => {
		for (const step of lane) {
			ordered.push(inPlace(step, byId));
			(below.get(step.id) || []).forEach(visit);
		}
	};
	visit(lanes.get(laneKey(null, null)) || []);
	return ordered;
}

function inPlace(step, byId) {
	const related = new Set([step.id]);
	for (let id = step.parent_id; id && !related.has(id); id = byId.get(id)?.parent_id) related.add(id);
	const depends = dependsOn(step).filter((id) => byId.has(id) && !related.has(id));
	const same = depends.length === dependsOn(step).length;
	const trigger = triggerInPlace(step, depends);
	if (same && trigger === step.trigger) return step;
	return { ...step, depends_on: same ? step.depends_on ?? [] : depends, trigger };
}

/** A step that fires at once is called by what it comes after. */
function triggerInPlace(step, depends) {
	const type = step.trigger?.type || ON_PREV_COMPLETE;
	if (!AT_ONCE.includes(type)) return step.trigger;
	const fits = step.parent_id || depends.length ? ON_PREV_COMPLETE : ON_FLOW_START;
	return fits === type && step.trigger ? step.trigger : { ...step.trigger, type: fits };
}
