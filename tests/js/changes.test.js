// In what two states of a flow differ, in words.

import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.__ = (text, given = []) => text.replace(/\{(\d+)\}/g, (whole, index) => given[index] ?? whole);
const { changesInWords } = await import("../../flow_editor/public/js/flow_editor/model/changes.js");

const kinds = { notify: { name: "notify", label: "Notify", fields: [{ name: "subject", label: "Subject" }, { name: "body", label: "Text" }] } };
const step = (id, more = {}) => ({ id, kind: "notify", label: id, payload: { subject: "Hi" }, ...more });
const flow = (...steps) => ({ flow_definition: { steps } });

test("what is new, gone and changed is named, with what of it", () => {
	const before = { ...flow(step("a"), step("b"), step("c")), notes: "", category: "other" };
	const after = { ...flow(step("a", { payload: { subject: "Good day", body: "x" }, trigger: { type: "manual" } }), step("b", { depends_on: ["a"] }), step("d")), notes: "", category: "billing" };
	assert.deepEqual(changesInWords(before, after, kinds), [
		{ sign: "~", text: "Category", detail: "other → billing" },
		{ sign: "~", text: "a", step: "a", detail: "When, Subject, Text" },
		{ sign: "~", text: "b", step: "b", detail: "its place in the order" },
		{ sign: "+", text: "d", step: "d" },
		{ sign: "−", text: "c" },
	]);
});

test("a first version is one, and what says the same has no changes", () => {
	assert.deepEqual(changesInWords(null, flow(step("a")), kinds), [{ sign: "+", text: "The first version, with 1 step" }]);
	assert.deepEqual(changesInWords(flow(step("a")), flow(step("a")), kinds), []);
});

test("what a flow says beside its steps is named", () => {
	const [change] = changesInWords({ flow_definition: { steps: [] } }, { flow_definition: { steps: [], inputs: [{ name: "a" }] } }, {});
	assert.equal(change.text, "Inputs");
});
