/**
 * What the picture says of the order, computed from what the engine runs. Pure.
 *
 * A step starts as soon as its parent lets it and all that it depends on is settled, with its whole block. So within a
 * lane the dependencies are an order, and that order is drawn: what follows each other stands below each other, what
 * has no order stands side by side. A plan is such a drawing:
 *
 *   {items, gaps}         a series, from top to bottom; `gaps[i]` is the line before item i, the last one that after all
 *   {step}                an item that is one step
 *   {columns: [plan, …]}  an item whose series run side by side
 *
 * A line leads from each end of an item to each beginning of the next, and every one of these is a dependency. What a
 * plan cannot draw (steps of other lanes, and orders that are no nest of series) is in `also`, to be said in words: lines
 * and words together are what a step waits for, no more and no less.
 */

/**
 * @param {Object[]} lane - the steps with one parent and branch, in order
 * @returns {{plan: Object, also: Map<string, string[]>}} `also`: by step, what it waits for and no line shows
 */
export function planOf(lane) {
	const ids = lane.map((step) => step.id);
	const inLane = new Set(ids);
	const before = new Map();
	const also = new Map();
	for (const step of lane) {
		const depends = [...new Set(step.depends_on || [])];
		before.set(step.id, new Set(depends.filter((id) => inLane.has(id) && id !== step.id)));
		const elsewhere = depends.filter((id) => !inLane.has(id));
		if (elsewhere.length) also.set(step.id, elsewhere);
	}
	const said = (id, other) => also.set(id, [...(also.get(id) || []), other]);
	cutCircles(ids, before, said);
	reduce(ids, before);
	const plan = { ...seriesOf(ids, before, said) };
	setGaps(plan, [], []);
	return { plan, also };
}

/** Leave out what closes a circle: such a flow never runs, but it is to be seen. */
function cutCircles(ids, before, said) {
	const state = new Map();
	for (const root of ids) {
		const way = [[root, [...before.get(root)]]];
		if (state.has(root)) continue;
		state.set(root, "open");
		while (way.length) {
			const [id, rest] = way[way.length - 1];
			const next = rest.pop();
			if (next === undefined) {
				state.set(id, "done");
				way.pop();
			} else if (state.get(next) === "open") {
				before.get(id).delete(next);
				said(id, next);
			} else if (!state.has(next)) {
				state.set(next, "open");
				way.push([next, [...before.get(next)]]);
			}
		}
	}
}

/** All that comes before each, however far. */
function closure(ids, before) {
	const all = new Map();
	const ordered = topological(ids, before);
	for (const id of ordered) {
		const found = new Set();
		for (const other of before.get(id)) {
			found.add(other);
			for (const far of all.get(other)) found.add(far);
		}
		all.set(id, found);
	}
	return all;
}

function topological(ids, before) {
	const ordered = [];
	const seen = new Set();
	for (const root of ids) {
		const way = [[root, false]];
		while (way.length) {
			const [id, isLeft] = way.pop();
			if (isLeft) {
				ordered.push(id);
			} else if (!seen.has(id)) {
				seen.add(id);
				way.push([id, true]);
				for (const other of before.get(id)) if (!seen.has(other)) way.push([other, false]);
			}
		}
	}
	return ordered;
}

/** Leave out a dependency that another one implies. */
function reduce(ids, before) {
	if (ids.every((id) => before.get(id).size < 2)) return;
	const all = closure(ids, before);
	for (const id of ids) {
		const direct = [...before.get(id)];
		for (const other of direct) {
			if (direct.some((near) => near !== other && all.get(near).has(other))) before.get(id).delete(other);
		}
	}
}

/** A series of what must follow each other. Changes `before` if it has to leave an order to words. */
function seriesOf(ids, before, said) {
	const items = [];
	for (const part of inSeries(ids, before)) {
		if (part.length === 1) {
			items.push({ step: part[0] });
			continue;
		}
		let columns = sideBySide(part, before);
		while (columns.length === 1) {
			sayOne(part, before, said);
			const parts = inSeries(part, before);
			if (parts.length > 1) break;
			columns = sideBySide(part, before);
		}
		if (columns.length === 1) items.push(...seriesOf(part, before, said).items);
		else items.push({ columns: columns.map((column) => seriesOf(column, before, said)) });
	}
	return { items };
}

/** The parts of which each comes wholly before the next: what has no order among itself stays together. */
function inSeries(ids, before) {
	if (ids.length < 2) return ids.length ? [ids] : [];
	const chain = chained(ids, before);
	if (chain) return chain.map((id) => [id]);
	const own = new Set(ids);
	const within = new Map(ids.map((id) => [id, new Set([...before.get(id)].filter((other) => own.has(other)))]));
	const all = closure(ids, within);
	const place = new Map(ids.map((id, index) => [id, index]));
	const ordered = [...ids].sort((a, b) => all.get(a).size - all.get(b).size || place.get(a) - place.get(b));
	const parts = [];
	let part = [];
	let earlier = 0;
	// A cut is where all that is left comes after all that was taken.
	for (const [index, id] of ordered.entries()) {
		if (part.length && all.get(id).size >= earlier + part.length) {
			const rest = ordered.slice(index);
			if (rest.every((later) => part.every((one) => all.get(later).has(one)))) {
				parts.push(part);
				earlier += part.length;
				part = [];
			}
		}
		part.push(id);
	}
	parts.push(part);
	return parts.map((one) => one.sort((a, b) => place.get(a) - place.get(b)));
}

/** The ids from first to last if each waits for the one before it alone, which most lanes are; else nothing. */
function chained(ids, before) {
	const own = new Set(ids);
	const after = new Map();
	let first = null;
	for (const id of ids) {
		const near = [...before.get(id)].filter((other) => own.has(other));
		if (near.length > 1) return null;
		if (!near.length) {
			if (first !== null) return null;
			first = id;
		} else {
			if (after.has(near[0])) return null;
			after.set(near[0], id);
		}
	}
	const ordered = [];
	for (let id = first; id !== undefined; id = after.get(id)) ordered.push(id);
	return ordered.length === ids.length ? ordered : null;
}

/** The parts between which there is no order at all. */
function sideBySide(ids, before) {
	const own = new Set(ids);
	const beside = new Map(ids.map((id) => [id, []]));
	for (const id of ids) {
		for (const other of before.get(id)) {
			if (!own.has(other)) continue;
			beside.get(id).push(other);
			beside.get(other).push(id);
		}
	}
	const column = new Map();
	const columns = [];
	for (const id of ids) {
		if (column.has(id)) continue;
		const found = columns.length;
		columns.push([]);
		const way = [id];
		column.set(id, found);
		while (way.length) {
			for (const other of beside.get(way.pop())) {
				if (column.has(other)) continue;
				column.set(other, found);
				way.push(other);
			}
		}
	}
	for (const id of ids) columns[column.get(id)].push(id);
	return columns;
}

/** Leave one dependency to words: of the step that waits for most, the one on which most wait. */
function sayOne(ids, before, said) {
	const own = new Set(ids);
	const near = (id) => [...before.get(id)].filter((other) => own.has(other));
	const wanted = new Map();
	for (const id of ids) for (const other of near(id)) wanted.set(other, (wanted.get(other) || 0) + 1);
	const busiest = ids.reduce((a, b) => (near(b).length > near(a).length ? b : a));
	const other = near(busiest).reduce((a, b) => (wanted.get(b) > wanted.get(a) ? b : a));
	before.get(busiest).delete(other);
	said(busiest, other);
}

/** What each line of a series leads from and to; `entry` and `exit` are what stands before and after the whole. */
function setGaps(plan, entry, exit) {
	plan.gaps = [];
	for (let index = 0; index <= plan.items.length; index++) {
		plan.gaps.push({
			after: index ? endsOf(plan.items[index - 1]) : entry,
			before: index < plan.items.length ? beginningsOf(plan.items[index]) : exit,
		});
	}
	plan.items.forEach((item, index) => {
		for (const column of item.columns || []) setGaps(column, plan.gaps[index].after, plan.gaps[index + 1].before);
	});
}

export const beginningsOf = (item) => (item.columns ? item.columns.flatMap(({ items }) => beginningsOf(items[0])) : [item.step]);
export const endsOf = (item) => (item.columns ? item.columns.flatMap(({ items }) => endsOf(items[items.length - 1])) : [item.step]);

/** What lines lead to each step of a plan: the ids of the steps that they come from. */
export function linesOf(plan, lines = new Map()) {
	plan.items.forEach((item, index) => {
		if (item.columns) item.columns.forEach((column) => linesOf(column, lines));
		else lines.set(item.step, plan.gaps[index].after);
	});
	return lines;
}

/** The series of a plan in which a step stands, and where: `{series, index, outer}`, outer being where that series stands. */
export function findIn(plan, id, outer = null) {
	for (const [index, item] of plan.items.entries()) {
		if (item.step === id) return { series: plan, index, outer };
		for (const column of item.columns || []) {
			const found = findIn(column, id, { series: plan, index, outer });
			if (found) return found;
		}
	}
	return null;
}

/** The steps of a plan as they are read: from top to bottom, a column after the other. */
export const stepsIn = (plan) => plan.items.flatMap((item) => (item.columns ? item.columns.flatMap(stepsIn) : [item.step]));
