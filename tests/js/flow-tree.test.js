// What editing does to a list of steps.

import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.__ = (text, given = []) => text.replace(/\{(\d+)\}/g, (_, index) => given[index]);
const tree = await import("../../flow_editor/public/js/flow_editor/flow-tree.js");
const { fromText, parseOutside, toText } = await import("../../flow_editor/public/js/flow_editor/clipboard.js");

const KINDS = { condition: { branches: [{ value: "yes", label: "Yes" }, { value: "no", label: "No" }] }, wait: { branches: [] } };
const step = (id, more = {}) => ({ id, kind: "wait", depends_on: [], trigger: { type: "on_prev_complete" }, ...more });
const chain = (...ids) => ids.map((id, i) => step(id, i ? { depends_on: [ids[i - 1]] } : { trigger: { type: "on_flow_start" } }));
const waits = (steps) => Object.fromEntries(steps.map((s) => [s.id, s.depends_on]));
const ROOT = { parent: null, branch: null };

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
	const { roots, nodes } = tree.buildTree(steps, KINDS);
	assert.deepEqual(roots.map((n) => n.step.id), ["ask", "after", "lost"]);
	assert.deepEqual(nodes.get("ask").lanes.map((l) => [l.branch, l.known, l.nodes.length]), [["yes", true, 2], ["no", true, 0], ["maybe", false, 1]]);
});

test("steps that stand in a circle are shown all the same", () => {
	const steps = [step("a", { parent_id: "b" }), step("b", { parent_id: "a" })];
	assert.deepEqual(tree.buildTree(steps, KINDS).roots.map((n) => n.step.id), ["a", "b"]);
});

test("what did not change is the same object, in the list and in the tree", () => {
	const steps = [...lanes(), ...chain("x", "y")];
	const before = tree.buildTree(steps, KINDS);
	const changed = tree.updateStep(steps, "y2", { label: "New" });
	const after = tree.buildTree(changed, KINDS, before.nodes);
	assert.notEqual(after.nodes.get("ask"), before.nodes.get("ask"));
	for (const id of ["y1", "after", "x", "y"]) assert.equal(after.nodes.get(id), before.nodes.get(id));
});

test("a step that is put in makes the next one wait for it", () => {
	const inserted = tree.insertStep(chain("a", "b"), { id: "n", kind: "wait" }, { ...ROOT, index: 1 });
	assert.deepEqual(waits(inserted), { a: [], n: ["a"], b: ["n"] });
	const first = tree.insertStep(chain("a", "b"), { id: "n", kind: "wait" }, { ...ROOT, index: 0 });
	assert.deepEqual(waits(first), { n: [], a: ["n"], b: ["a"] });
	assert.deepEqual(first.map((s) => s.trigger.type), ["on_flow_start", "on_prev_complete", "on_prev_complete"]);
});

test("steps that run beside each other stay so", () => {
	const beside = [step("a"), step("b"), step("c")];
	const moved = tree.moveSteps(beside, ["c"], { ...ROOT, index: 0 });
	assert.deepEqual(waits(moved), { c: [], a: [], b: [] });
});

test("a step is moved into a lane and out again, with what stands below it", () => {
	const into = tree.moveSteps(lanes(), ["after"], { parent: "ask", branch: "no", index: 0 });
	assert.deepEqual(into.find((s) => s.id === "after"), step("after", { parent_id: "ask", branch: "no", depends_on: [] }));
	sound(into);
	const back = tree.moveSteps(into, ["after"], { ...ROOT, index: 1 });
	assert.deepEqual(waits(back), waits(lanes()));
	const all = tree.moveSteps([...chain("first"), ...lanes()], ["ask"], { ...ROOT, index: 0 });
	assert.deepEqual(all.map((s) => s.id), ["ask", "y1", "y2", "first", "after"]);
	sound(all);
});

test("nothing is moved below itself", () => {
	const steps = lanes();
	assert.equal(tree.moveSteps(steps, ["ask"], { parent: "ask", branch: "yes", index: 0 }), steps);
});

test("up and down stop at the ends", () => {
	const steps = chain("a", "b", "c");
	assert.equal(tree.shiftSteps(steps, ["a"], -1), steps);
	assert.equal(tree.shiftSteps(steps, ["b", "c"], 1), steps);
	assert.deepEqual(tree.shiftSteps(steps, ["b", "c"], -1).map((s) => s.id), ["b", "c", "a"]);
});

test("what waited for a deleted step waits for what that one waited for", () => {
	const steps = [...chain("a", "b", "c"), step("d", { depends_on: ["a", "b"] })];
	const left = tree.removeSteps(steps, ["b"]);
	assert.deepEqual(waits(left), { a: [], c: ["a"], d: ["a"] });
	assert.deepEqual(tree.removeSteps(lanes(), ["ask"]).map((s) => s.id), ["after"]);
});

test("copies get ids of their own, and what refers to them follows", () => {
	const steps = [
		...lanes(),
		step("uses", { depends_on: ["after"], payload: { body: "{{steps.y1.result}} {{steps.ask.result.branch}} {{steps.other.result}}" } }),
	];
	const copied = tree.copySteps(steps, ["ask", "uses"]);
	const { steps: pasted, ids } = tree.pasteSteps(steps, copied, { ...ROOT, index: 3 });
	assert.equal(pasted.length, steps.length + 4);
	assert.equal(ids.length, 2);
	sound(pasted);
	const [ask, uses] = ids.map((id) => pasted.find((s) => s.id === id));
	const y1 = pasted.find((s) => s.parent_id === ask.id && s.branch === "yes");
	assert.equal(uses.payload.body, `{{steps.${y1.id}.result}} {{steps.${ask.id}.result.branch}} {{steps.other.result}}`);
});

test("any order of edits leaves a sound flow", () => {
	let seed = 7;
	const random = (below) => (seed = (seed * 1103515245 + 12345) % 2147483648) % below;
	for (let round = 0; round < 60; round++) {
		let steps = [...lanes(), ...chain("p", "q", "r")];
		for (let edit = 0; edit < 40; edit++) {
			const ids = steps.map((s) => s.id);
			const id = ids[random(ids.length)] ?? null;
			const parents = steps.filter((s) => s.kind === "condition");
			const parent = parents[random(parents.length + 1)];
			const place = { parent: parent?.id ?? null, branch: parent ? ["yes", "no"][random(2)] : null, index: random(4) };
			const kind = random(3) ? "wait" : "condition";
			const doing = [
				() => tree.insertStep(steps, { id: tree.newId(new Set(ids)), kind }, place),
				() => (id ? tree.moveSteps(steps, [id], place) : steps),
				() => (id && steps.length > 4 ? tree.removeSteps(steps, [id]) : steps),
				() => (id && steps.length < 40 ? tree.pasteSteps(steps, tree.copySteps(steps, [id]), place).steps : steps),
				() => (id ? tree.shiftSteps(steps, [id], random(2) ? 1 : -1) : steps),
			][random(5)];
			steps = doing();
			sound(steps);
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
