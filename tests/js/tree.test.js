// What editing does to a list of steps.

import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.__ = (text, given = []) => text.replace(/\{(\d+)\}/g, (_, index) => given[index]);
const tree = await import("../../flow_editor/public/js/flow_editor/model/tree.js");
const edit = await import("../../flow_editor/public/js/flow_editor/model/edit.js");
const graph = await import("../../flow_editor/public/js/flow_editor/model/graph.js");
const { fromText, parseOutside, toText } = await import("../../flow_editor/public/js/flow_editor/model/clipboard.js");

const KINDS = { condition: { branches: [{ value: "yes", label: "Yes" }, { value: "no", label: "No" }] }, wait: { branches: [] } };
const step = (id, more = {}) => ({ id, kind: "wait", depends_on: [], trigger: { type: "on_prev_complete" }, ...more });
const chain = (...ids) => ids.map((id, i) => step(id, i ? { depends_on: [ids[i - 1]] } : { trigger: { type: "on_flow_start" } }));
const waits = (steps) => Object.fromEntries(steps.map((s) => [s.id, s.depends_on]));
const ROOT = { parent: null, branch: null };
const planOf = (steps, place = ROOT) => graph.planOf(tree.laneAt(steps, place)).plan;
/** The last line of a lane, the first, or the one before an item. */
const gap = (steps, index, place = ROOT) => ({ ...place, ...planOf(steps, place).gaps.at(index) });
/** A plan to be read: [a, [[b], [c]], d]. */
const drawn = (plan) => plan.items.map((item) => item.step ?? item.columns.map(drawn));

function lanes() {
	return [
		step("ask", { kind: "condition", trigger: { type: "on_flow_start" } }),
		step("y1", { parent_id: "ask", branch: "yes" }),
		step("y2", { parent_id: "ask", branch: "yes", depends_on: ["y1"] }),
		step("after", { depends_on: ["ask"] }),
	];
}

/** Every dependency is of a step that is there, and no step stands below itself. */
function sound(steps) {
	const byId = new Map(steps.map((s) => [s.id, s]));
	assert.equal(byId.size, steps.length);
	for (const s of steps) {
		for (const id of s.depends_on) assert.ok(byId.has(id) && id !== s.id, `${s.id} depends on ${id}`);
		const seen = new Set();
		for (let id = s.id; id; id = byId.get(id)?.parent_id) {
			assert.ok(!seen.has(id), `${s.id} stands below itself`);
			seen.add(id);
			assert.ok(byId.has(id), `${s.id} has no parent ${id}`);
		}
	}
}

test("the tree has the declared lanes, and those that only steps name", () => {
	const steps = [...lanes(), step("odd", { parent_id: "ask", branch: "maybe" }), step("lost", { parent_id: "gone" })];
	const { root, nodes } = tree.buildTree(steps, KINDS);
	assert.deepEqual(root.nodes.map((n) => n.step.id), ["ask", "after", "lost"]);
	assert.deepEqual(nodes.get("ask").lanes.map((l) => [l.branch, l.known, l.nodes.length]), [["yes", true, 2], ["no", true, 0], ["maybe", false, 1]]);
});

test("steps that stand in a circle are shown all the same", () => {
	const steps = [step("a", { parent_id: "b" }), step("b", { parent_id: "a" })];
	assert.deepEqual(tree.buildTree(steps, KINDS).root.nodes.map((n) => n.step.id), ["a", "b"]);
});

test("what did not change is the same object, in the list and in the tree", () => {
	const steps = [...lanes(), ...chain("x", "y")];
	const before = tree.buildTree(steps, KINDS);
	const changed = edit.updateStep(steps, "y2", { label: "New" });
	const after = tree.buildTree(changed, KINDS, before);
	assert.notEqual(after.nodes.get("ask"), before.nodes.get("ask"));
	for (const id of ["y1", "after", "x", "y"]) assert.equal(after.nodes.get(id), before.nodes.get(id));
});

test("a step that is put in makes the next one wait for it", () => {
	const steps = chain("a", "b");
	const inserted = edit.insertStep(steps, { id: "n", kind: "wait" }, gap(steps, 1));
	assert.deepEqual(waits(inserted), { a: [], n: ["a"], b: ["n"] });
	const first = edit.insertStep(steps, { id: "n", kind: "wait" }, gap(steps, 0));
	assert.deepEqual(waits(first), { n: [], a: ["n"], b: ["a"] });
	assert.deepEqual(first.map((s) => s.trigger.type), ["on_flow_start", "on_prev_complete", "on_prev_complete"]);
});

test("a step that says what it waits for changes nobody's order", () => {
	const steps = chain("a", "b");
	assert.deepEqual(waits(edit.insertStep(steps, { id: "n", kind: "wait", depends_on: [] }, gap(steps, 1))), { a: [], n: [], b: ["a"] });
});

const beside = () => [...chain("a"), step("b", { depends_on: ["a"] }), step("c", { depends_on: ["a"] }), step("d", { depends_on: ["b", "c"] })];

test("what has no order stands side by side, and what waits for all of it stands below", () => {
	assert.deepEqual(drawn(planOf([step("a"), step("b"), step("c")])), [[["a"], ["b"], ["c"]]]);
	assert.deepEqual(drawn(planOf(beside())), ["a", [["b"], ["c"]], "d"]);
	assert.deepEqual(drawn(planOf([...beside(), step("e", { depends_on: ["c", "b", "d"] })])), ["a", [["b"], ["c"]], "d", "e"]);
	assert.deepEqual(drawn(planOf([step("z"), ...beside()])), [[["z"], ["a", [["b"], ["c"]], "d"]]]);
});

test("what no nest of series can draw is said in words, and only that", () => {
	const steps = [step("a"), step("b"), step("c", { depends_on: ["a", "b"] }), step("d", { depends_on: ["b"] })];
	const { plan, also } = graph.planOf(steps);
	assert.deepEqual(drawn(plan), [[["a", "c"], ["b", "d"]]]);
	assert.deepEqual([...also], [["c", ["b"]]]);
	const far = [step("x", { depends_on: ["elsewhere"] })];
	assert.deepEqual([...graph.planOf(far).also], [["x", ["elsewhere"]]]);
});

test("steps that wait for each other are shown all the same", () => {
	const { plan, also } = graph.planOf([step("a", { depends_on: ["b"] }), step("b", { depends_on: ["a"] })]);
	assert.equal(graph.stepsIn(plan).length, 2);
	assert.equal([...also.values()].flat().length, 1);
});

test("into a column, before, behind and beside side by side", () => {
	const steps = beside();
	const put = (where) => waits(edit.insertStep(steps, { id: "n", kind: "wait" }, { ...ROOT, ...where }));
	const [, group] = planOf(steps).items;
	assert.deepEqual(put(group.columns[0].gaps[1]), { a: [], b: ["a"], n: ["b"], c: ["a"], d: ["c", "n"] });
	assert.deepEqual(put(group.columns[1].gaps[0]), { a: [], b: ["a"], n: ["a"], c: ["n"], d: ["b", "c"] });
	assert.deepEqual(put(planOf(steps).gaps[2]), { a: [], b: ["a"], c: ["a"], n: ["b", "c"], d: ["n"] });
	assert.deepEqual(put(edit.gapBesides(steps, "b")), { a: [], b: ["a"], n: ["a"], c: ["a"], d: ["b", "c", "n"] });
	assert.deepEqual(put(edit.gapBesides(steps, "a")), { a: [], n: [], b: ["a", "n"], c: ["a", "n"], d: ["b", "c"] });
});

test("a step moves beside another, and back below it", () => {
	const steps = chain("a", "b", "c");
	const beside = edit.moveSteps(steps, ["b"], edit.gapBesides(steps, "a"));
	assert.deepEqual(drawn(planOf(beside)), [[["a"], ["b"]], "c"]);
	const [group] = planOf(beside).items;
	const back = edit.moveSteps(beside, ["b"], { ...ROOT, ...group.columns[0].gaps[1] });
	assert.deepEqual(waits(back), waits(steps));
});

test("a step is moved into a lane and out again, with what stands below it", () => {
	const steps = lanes();
	const into = edit.moveSteps(steps, ["after"], gap(steps, 0, { parent: "ask", branch: "no" }));
	assert.deepEqual(into.find((s) => s.id === "after"), step("after", { parent_id: "ask", branch: "no", depends_on: [] }));
	sound(into);
	const back = edit.moveSteps(into, ["after"], gap(into, 1));
	assert.deepEqual(waits(back), waits(lanes()));
	const two = [...chain("first"), ...lanes().map((s) => (s.id === "ask" ? { ...s, depends_on: ["first"] } : s))];
	const all = edit.moveSteps(two, ["ask"], gap(two, 0));
	assert.deepEqual(all.map((s) => s.id), ["ask", "y1", "y2", "first", "after"]);
	assert.deepEqual(waits(all), { ask: [], y1: [], y2: ["y1"], first: ["ask"], after: ["first"] });
});

test("what waits for a step of another lane goes on waiting for it, and no circle comes of it", () => {
	const steps = [...lanes(), step("far", { depends_on: ["y1"] }), step("last", { depends_on: ["far"] })];
	assert.deepEqual(edit.moveSteps(steps, ["far"], gap(steps, -1)).find((s) => s.id === "far").depends_on.includes("y1"), true);
	const into = edit.moveSteps(steps, ["far"], gap(steps, 0, { parent: "ask", branch: "yes" }));
	assert.equal(edit.hasCircle(into), false);
	sound(into);
});

test("nothing is moved below itself, and where it is already it stays", () => {
	const steps = lanes();
	assert.equal(edit.moveSteps(steps, ["ask"], gap(steps, 0, { parent: "ask", branch: "yes" })), steps);
	const four = chain("a", "b", "c", "d");
	for (const index of [1, 2]) assert.equal(edit.moveSteps(four, ["b"], gap(four, index)), four);
});

test("up and down stop at the ends, and lead out of a column", () => {
	const steps = chain("a", "b", "c");
	assert.equal(edit.gapBeyond(planOf(steps), ["a"], -1), null);
	assert.equal(edit.gapBeyond(planOf(steps), ["b", "c"], 1), null);
	const up = edit.moveSteps(steps, ["b", "c"], { ...ROOT, ...edit.gapBeyond(planOf(steps), ["b", "c"], -1) });
	assert.deepEqual(waits(up), { b: [], c: ["b"], a: ["c"] });
	const out = edit.moveSteps(beside(), ["b"], { ...ROOT, ...edit.gapBeyond(planOf(beside()), ["b"], -1) });
	assert.deepEqual(drawn(planOf(out)), ["a", "b", "c", "d"]);
});

test("what waited for a deleted step waits for what that one waited for", () => {
	const steps = [...chain("a", "b", "c"), step("d", { depends_on: ["a", "b"] })];
	const left = edit.removeSteps(steps, ["b"]);
	assert.deepEqual(waits(left), { a: [], c: ["a"], d: ["a"] });
	assert.deepEqual(edit.removeSteps(lanes(), ["ask"]).map((s) => s.id), ["after"]);
});

test("copies get ids of their own, and what refers to them follows", () => {
	const steps = [
		...lanes(),
		step("uses", { depends_on: ["after"], payload: { body: "{{steps.y1.result}} {{steps.ask.result.branch}} {{steps.other.result}}" } }),
	];
	const copied = edit.copySteps(steps, ["ask", "uses"]);
	const { steps: pasted, ids } = edit.pasteSteps(steps, copied, gap(steps, -1));
	assert.equal(pasted.length, steps.length + 4);
	assert.equal(ids.length, 2);
	sound(pasted);
	const [ask, uses] = ids.map((id) => pasted.find((s) => s.id === id));
	const y1 = pasted.find((s) => s.parent_id === ask.id && s.branch === "yes");
	assert.equal(uses.payload.body, `{{steps.${y1.id}.result}} {{steps.${ask.id}.result.branch}} {{steps.other.result}}`);
});

const gapsIn = (plan) => [...plan.gaps, ...plan.items.flatMap((item) => (item.columns || []).flatMap(gapsIn))];

test("any order of edits leaves a sound flow", () => {
	let seed = 7;
	const random = (below) => (seed = (seed * 1103515245 + 12345) % 2147483648) % below;
	for (let round = 0; round < 60; round++) {
		let steps = [...lanes(), ...chain("p", "q", "r")];
		for (let turn = 0; turn < 40; turn++) {
			const ids = steps.map((s) => s.id);
			const id = ids[random(ids.length)] ?? null;
			const parents = steps.filter((s) => s.kind === "condition");
			const parent = parents[random(parents.length + 1)];
			const lane = { parent: parent?.id ?? null, branch: parent ? ["yes", "no"][random(2)] : null };
			const gaps = gapsIn(planOf(steps, lane));
			const place = random(4) || !id ? { ...lane, ...gaps[random(gaps.length)] } : edit.gapBesides(steps, id);
			const kind = random(3) ? "wait" : "condition";
			const doing = [
				() => edit.insertStep(steps, { id: tree.newId(new Set(ids)), kind }, place),
				() => (id ? edit.moveSteps(steps, [id], place) : steps),
				() => (id && steps.length > 4 ? edit.removeSteps(steps, [id]) : steps),
				() => (id && steps.length < 40 ? edit.pasteSteps(steps, edit.copySteps(steps, [id]), place).steps : steps),
				() => {
					const own = id && tree.placeOf(steps, id);
					const next = id && edit.gapBeyond(planOf(steps, own), [id], random(2) ? 1 : -1);
					return next ? edit.moveSteps(steps, [id], { parent: own.parent, branch: own.branch, ...next }) : steps;
				},
			][random(5)];
			steps = doing();
			sound(steps);
			assert.equal(edit.hasCircle(steps), false);
			assert.equal(tree.buildTree(steps, KINDS).nodes.size, steps.length);
		}
	}
});

test("a definition that is no tree says why", () => {
	assert.match(tree.shapeProblem([]), /not a JSON object/);
	assert.match(tree.shapeProblem({ steps: {} }), /not a list/);
	assert.match(tree.shapeProblem({ steps: [{}] }), /no id/);
	assert.match(tree.shapeProblem({ steps: [step("a"), step("a")] }), /Two steps/);
	assert.equal(tree.shapeProblem({}), "");
});

test("the clipboard reads what it wrote, definitions, lists and single steps, and nothing else", () => {
	for (const text of [toText(lanes()), JSON.stringify({ flow_definition: { steps: lanes() } }), JSON.stringify(lanes())]) {
		assert.deepEqual(fromText(text), lanes());
	}
	assert.deepEqual(fromText(JSON.stringify(step("a"))), [step("a")]);
	for (const text of ["", "hello", '{"steps": []}', "1", "null", '{"steps": [1]}', '{"a": 1}', '[{"id": "a"}]']) assert.throws(() => fromText(text), Error);
});

test("no key of outside JSON reaches a prototype", () => {
	const parsed = parseOutside('{"__proto__": {"x": 1}, "constructor": {"prototype": {"x": 1}}, "a": {"__proto__": {"x": 1}}}');
	assert.equal({}.x, undefined);
	assert.deepEqual(parsed, { a: {} });
});
