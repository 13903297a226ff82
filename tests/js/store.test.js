// The template that is edited: what is saved, what somebody else has saved meanwhile, and what is kept in the browser.

import "./vue-of-the-lab.mjs";
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

globalThis.__ = (text, given = []) => text.replace(/\{(\d+)\}/g, (whole, index) => given[index] ?? whole);
const store = new Map();
globalThis.localStorage = { getItem: (key) => store.get(key) ?? null, setItem: (key, value) => store.set(key, value), removeItem: (key) => store.delete(key) };

const from = (path) => import(`../../flow_editor/public/js/flow_editor/state/${path}`);
const { useHost } = await from("host.js");
const { useFlowEditor } = await from("useFlowEditor.js");

let templates;
let sent;
let answer = true;
useHost({ user: "ana", headers: () => ({}), confirm: async () => answer, tell() {} });

/** A server with the rule that matters here: who saves says from which version. */
globalThis.fetch = async (path, { method, body }) => {
	const given = body && JSON.parse(body);
	const reply = (content, status = 200) => ({ ok: status < 400, status, json: async () => content });
	if (path === "/flow/catalog") return reply({ kinds: [], events: [] });
	const name = path.split("/")[3];
	if (method === "GET") return templates[name] ? reply({ template: { ...templates[name] } }) : reply({ error: { code: "not_found", message: "gone" } }, 404);
	sent.push(given);
	if (method === "POST") {
		templates["FT-2"] = { name: "FT-2", version: 1, run_as: "ana", ...given };
		return reply({ template: { ...templates["FT-2"] } });
	}
	if (!templates[name]) return reply({ error: { code: "not_found", message: "gone" } }, 404);
	if (given.version !== templates[name].version) return reply({ error: { code: "conflict", message: "Somebody else has saved it." } }, 409);
	templates[name] = { ...templates[name], ...given, version: templates[name].version + 1 };
	return reply({ template: { ...templates[name] } });
};

const flow = (label) => ({ version: 1, steps: [{ id: "a", kind: "wait", label }] });

beforeEach(async () => {
	store.clear();
	sent = [];
	answer = true;
	templates = { "FT-1": { name: "FT-1", template_name: "One", version: 3, run_as: "ana", category: "other", flow_definition: flow("First") } };
	await useFlowEditor().close(true);
});

test("what changed is sent, with the version that it was begun from, and it goes on from the one that is stored", async () => {
	const editor = useFlowEditor();
	await editor.openTemplate("FT-1");
	editor.template.category = "billing";
	editor.markDirty();
	assert.equal(editor.dirty.value, true);
	assert.equal(await editor.save(), true);
	assert.deepEqual(sent, [{ category: "billing", version: 3, will_run_as: "ana" }]);
	assert.deepEqual([editor.dirty.value, editor.template.version], [false, 4]);
});

test("somebody else's save is a conflict that names what they changed, and nothing is overwritten unasked", async () => {
	const editor = useFlowEditor();
	await editor.openTemplate("FT-1");
	templates["FT-1"] = { ...templates["FT-1"], version: 4, flow_definition: flow("Theirs") };
	editor.template.category = "billing";
	editor.markDirty();
	assert.equal(await editor.save(), false);
	assert.deepEqual([editor.conflict.value.changed, templates["FT-1"].category], [["Theirs"], "other"]);
	assert.equal(await editor.save({ overwrite: true }), true);
	assert.deepEqual([templates["FT-1"].category, templates["FT-1"].version, editor.conflict.value], ["billing", 5, null]);
});

test("theirs is taken, and mine comes back by undo", async () => {
	const editor = useFlowEditor();
	await editor.openTemplate("FT-1");
	templates["FT-1"] = { ...templates["FT-1"], version: 4, category: "incident" };
	editor.template.category = "billing";
	editor.markDirty();
	await editor.save();
	editor.takeTheirs();
	assert.equal(editor.template.category, "incident");
	editor.history.undo();
	assert.equal(editor.template.category, "billing");
});

test("a flow that somebody has deleted is saved as a copy", async () => {
	const editor = useFlowEditor();
	await editor.openTemplate("FT-1");
	delete templates["FT-1"];
	editor.template.category = "billing";
	editor.markDirty();
	assert.equal(await editor.save(), false);
	assert.equal(editor.conflict.value.theirs, null);
	assert.equal(await editor.saveAsCopy(), true);
	assert.deepEqual([editor.templateName.value, templates["FT-2"].template_name], ["FT-2", "One (mine)"]);
});

test("a draft is kept until it is saved or given up, and goes on from the version that it was begun from", async () => {
	const editor = useFlowEditor();
	await editor.openTemplate("FT-1");
	editor.template.category = "billing";
	editor.markDirty();
	await new Promise((done) => setTimeout(done, 500)); // it is kept a moment after the last change
	const kept = new Map(store);
	assert.equal(kept.size, 1);
	await editor.close(true);
	kept.forEach((value, key) => store.set(key, value)); // as after a crash
	templates["FT-1"].version = 4;
	await editor.openTemplate("FT-1");
	assert.equal(editor.kept.value.values.category, "billing");
	editor.restoreKept(true);
	assert.equal(await editor.save(), false);
	assert.ok(editor.conflict.value);
	editor.takeTheirs();
	assert.equal(store.size, 0);
});

test("closing asks about what is not saved", async () => {
	const editor = useFlowEditor();
	await editor.openTemplate("FT-1");
	editor.template.category = "billing";
	editor.markDirty();
	answer = false;
	assert.equal(await editor.close(), false);
	answer = true;
	assert.equal(await editor.close(), true);
	assert.equal(editor.isOpen.value, false);
});
