import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.__ = (text, given = []) => text.replace(/\{(\d+)\}/g, (whole, index) => given[index] ?? whole);
const inputs = await import("../../flow_editor/public/js/flow_editor/model/inputs.js");

test("a label becomes a name that expressions can read, and none that is taken", () => {
	assert.equal(inputs.nameFor("New address"), "new_address");
	assert.equal(inputs.nameFor("Nouvelle adresse à Montréal!"), "nouvelle_adresse_a_montreal");
	assert.equal(inputs.nameFor("2nd floor"), "_2nd_floor");
	assert.equal(inputs.nameFor("住所"), "input");
	assert.equal(inputs.nameFor("Size", ["size", "size_2"]), "size_3");
	for (const label of ["x".repeat(200), "-", "A.B"]) assert.match(inputs.nameFor(label), /^[A-Za-z_][A-Za-z0-9_]{0,63}$/);
});

test("options are lines, whichever way they were written", () => {
	const options = ["S", ["M", "Medium"], { value: "L", label: "Large" }, { value: 4 }];
	assert.equal(inputs.optionLines(options), "S\nM | Medium\nL | Large\n4");
	assert.deepEqual(inputs.readOptions("S\n\n M | Medium \n"), ["S", { value: "M", label: "Medium" }]);
});

test("inputs are offered by their labels before the variables, and each name once", () => {
	const definition = { inputs: [{ name: "address", label: "New address" }, { name: "group" }, null, {}], variables: { group: "x", other: 1 } };
	assert.deepEqual(
		inputs.variablePaths(definition).map(({ path, label }) => [path, label]),
		[["variables.address", "New address"], ["variables.group", "Group"], ["variables.other", "other"]]
	);
	assert.deepEqual(inputs.variablePaths({ inputs: "nonsense" }), []);
});

test("a preview has the defaults, and the label of what is to be said", () => {
	const definition = {
		inputs: [{ name: "address", label: "New address" }, { name: "size", default: "M" }, { name: "sure", type: "check" }, { name: "group" }],
		variables: { size: "L", group: "Night" },
	};
	assert.deepEqual(inputs.sampleVariables(definition), { address: "(New address)", size: "M", sure: false, group: "Night" });
});

test("each start has a key of its own", () => {
	assert.match(inputs.newKey(), /^[0-9a-f]{32}$/);
	assert.notEqual(inputs.newKey(), inputs.newKey());
});
