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
let problems;
let answer = true;
useHost({ user: "ana", headers: () => ({}), confirm: async () => answer, tell() {} });

/** A server with the rules that matter here: who keeps a draft says from which revision and version, and who publishes which. */
const FIELDS = ["template_name", "category", "flow_definition", "run_as", "notes"];
const shown = (name) => {
	const { draft = null, ...template } = templates[name];
	return { template: { draft_revision: 0, ...template }, draft: draft && { ...draft } };
};
const reply = (content, status = 200) => ({ ok: status < 400, status, json: async () => content });
const refuse = (code, message, status) => reply({ error: { code, message } }, status);
globalThis.fetch = async (path, { method, body }) => {
	const given = body && JSON.parse(body);
	if (path === "/flow/catalog") return reply({ kinds: [], events: [] });
	const [, , , name, verb] = path.split("/");
	if (name && !templates[name]) return refuse("not_found", "gone", 404);
	if (method === "GET") return reply(shown(name));
	sent.push(given);
	const revision = (templates[name]?.draft_revision || 0) + 1;
	if (method === "POST" && !name) {
		const { draft: _, ...fields } = given;
		templates["FT-2"] = { name: "FT-2", version: 0, run_as: "ana", template_name: fields.template_name, draft_revision: 1, draft: { ...fields, version: 0, draft_revision: 1, draft_by: "ana" } };
		return reply({ ...shown("FT-2"), problems }, 201);
	}
	const template = templates[name];
	if (verb === "check") return reply({ run_as: "ana", will_run_as: "ana", may_not: [] });
	if (!("is_active" in given) && given.draft_revision !== (template.draft_revision || 0)) return refuse("conflict", "Somebody else has kept it.", 409);
	if (method === "PUT" && !given.draft) return reply({ template: Object.assign(template, { is_active: given.is_active, version: template.version + 1 }) });
	if (method === "PUT") {
		if (given.version !== (template.draft?.version ?? template.version) && given.version !== template.version) return refuse("conflict", "Somebody else has published it.", 409);
		const before = template.draft || template;
		const fields = Object.fromEntries(FIELDS.map((field) => [field, given[field] ?? before[field]]));
		Object.assign(template, { draft_revision: revision, draft: { ...fields, version: given.version, draft_revision: revision, draft_by: "ana" } });
		return reply({ ...shown(name), problems });
	}
	if (verb === "publish") {
		const { version: _, draft_revision: __, draft_by: ___, ...fields } = template.draft;
		Object.assign(template, fields, { version: template.version + 1, draft: null, draft_revision: revision });
		return reply({ ...shown(name), notices: [] });
	}
	if (verb === "discard") {
		Object.assign(template, { draft: null, draft_revision: revision });
		return reply(shown(name));
	}
	throw new Error(`Nobody answers ${method} ${path}`);
};
/** Somebody else keeps a draft. */
function theirs(fields) {
	const template = templates["FT-1"];
	const draft_revision = (template.draft_revision || 0) + 1;
	Object.assign(template, { draft_revision, draft: { ...Object.fromEntries(FIELDS.map((field) => [field, template[field]])), ...fields, version: template.version, draft_revision, draft_by: "bo" } });
}

const flow = (label) => ({ version: 1, steps: [{ id: "a", kind: "wait", label }] });

beforeEach(async () => {
	store.clear();
	sent = [];
	problems = [];
	answer = true;
	templates = { "FT-1": { name: "FT-1", template_name: "One", version: 3, run_as: "ana", category: "other", flow_definition: flow("First") } };
	await useFlowEditor().close(true);
});

test("what changed is kept as a draft, from the revision and version that it was begun from, and published by itself", async () => {
	const editor = useFlowEditor();
	await editor.openTemplate("FT-1");
	editor.template.category = "billing";
	editor.markDirty();
	assert.equal(editor.dirty.value, true);
	assert.equal(await editor.saveDraft(), true);
	assert.deepEqual(sent, [{ category: "billing", draft_revision: 0, version: 3, draft: true }]);
	assert.deepEqual([editor.dirty.value, editor.template.version, editor.draft.value.draft_revision, templates["FT-1"].category], [false, 3, 1, "other"]);
	assert.equal(await editor.publish({ note: "Why" }), true);
	assert.deepEqual(sent.pop(), { draft_revision: 1, note: "Why", will_run_as: "ana" });
	assert.deepEqual([editor.template.version, editor.draft.value, templates["FT-1"].category], [4, null, "billing"]);
});

test("save keeps and publishes", async () => {
	const editor = useFlowEditor();
	await editor.openTemplate("FT-1");
	editor.template.category = "billing";
	editor.markDirty();
	assert.equal(await editor.save(), true);
	assert.deepEqual([templates["FT-1"].category, editor.template.version, editor.dirty.value], ["billing", 4, false]);
});

test("a draft with problems is kept, and not published", async () => {
	const editor = useFlowEditor();
	await editor.openTemplate("FT-1");
	editor.template.category = "billing";
	editor.markDirty();
	problems = [{ step: "a", field: "kind", message: "is wrong" }];
	assert.equal(await editor.publish(), false);
	assert.deepEqual([editor.dirty.value, editor.problems.value.length, templates["FT-1"].draft.category, templates["FT-1"].version], [false, 1, "billing", 3]);
	assert.match(editor.error.value, /saved as a draft/);
});

test("a draft is opened over what is published, and nothing of it is lost by going on", async () => {
	theirs({ notes: "Theirs" });
	const editor = useFlowEditor();
	await editor.openTemplate("FT-1");
	assert.deepEqual([editor.template.notes, editor.published.value.notes, editor.draft.value.draft_by, editor.dirty.value], ["Theirs", undefined, "bo", false]);
	editor.template.category = "billing";
	editor.markDirty();
	assert.equal(await editor.save(), true);
	assert.deepEqual([templates["FT-1"].notes, templates["FT-1"].category], ["Theirs", "billing"]);
});

test("a new flow is a draft until it is published, and switched on with its first version", async () => {
	const editor = useFlowEditor();
	await editor.openNew();
	editor.template.template_name = "Mine";
	await editor.setActive(true);
	editor.markDirty();
	assert.equal(await editor.saveDraft(), true);
	assert.deepEqual([editor.mode.value, editor.templateName.value, editor.template.version, editor.published.value, editor.template.is_active], ["edit", "FT-2", 0, null, 1]);
	assert.equal(await editor.publish(), true);
	assert.deepEqual([templates["FT-2"].is_active, editor.published.value.name], [1, "FT-2"]);
});

test("a draft is given up, and comes back by undo", async () => {
	theirs({ notes: "Theirs" });
	const editor = useFlowEditor();
	await editor.openTemplate("FT-1");
	assert.equal(await editor.discard(), true);
	assert.deepEqual([editor.template.notes, editor.draft.value, templates["FT-1"].draft], [undefined, null, null]);
	editor.history.undo();
	assert.equal(editor.template.notes, "Theirs");
});

test("somebody else's draft is a conflict that names what they changed, and nothing is overwritten unasked", async () => {
	const editor = useFlowEditor();
	await editor.openTemplate("FT-1");
	theirs({ flow_definition: flow("Theirs") });
	editor.template.category = "billing";
	editor.markDirty();
	assert.equal(await editor.saveDraft(), false);
	assert.deepEqual([editor.conflict.value.changed, templates["FT-1"].draft.category], [["Theirs"], "other"]);
	assert.equal(await editor.saveDraft({ overwrite: true }), true);
	const { draft } = templates["FT-1"];
	assert.deepEqual([draft.category, draft.flow_definition.steps[0].label, editor.conflict.value], ["billing", "First", null]);
});

test("what somebody else has published under one's draft is a conflict too", async () => {
	theirs({});
	const editor = useFlowEditor();
	await editor.openTemplate("FT-1");
	Object.assign(templates["FT-1"], { version: 4, notes: "Published" });
	templates["FT-1"].draft.version = 2; // as of a draft that stands on an older one
	editor.template.category = "billing";
	editor.markDirty();
	assert.equal(await editor.saveDraft(), false);
	assert.deepEqual([editor.conflict.value.isOwn, editor.conflict.value.theirs.notes], [true, "Published"]);
	await editor.takeTheirs();
	assert.deepEqual([editor.template.notes, editor.template.category, templates["FT-1"].draft], ["Published", "other", null]);
});

test("theirs is taken, and mine comes back by undo", async () => {
	const editor = useFlowEditor();
	await editor.openTemplate("FT-1");
	theirs({ category: "incident" });
	editor.template.category = "billing";
	editor.markDirty();
	await editor.saveDraft();
	await editor.takeTheirs();
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
	assert.equal(await editor.saveDraft(), false);
	assert.equal(editor.conflict.value.theirs, null);
	assert.equal(await editor.saveAsCopy(), true);
	assert.deepEqual([editor.templateName.value, templates["FT-2"].template_name], ["FT-2", "One (mine)"]);
});

test("what was written is kept until it is saved or given up, and goes on from what it was begun from", async () => {
	const editor = useFlowEditor();
	await editor.openTemplate("FT-1");
	editor.template.category = "billing";
	editor.markDirty();
	await new Promise((done) => setTimeout(done, 500)); // it is kept a moment after the last change
	const kept = new Map(store);
	assert.equal(kept.size, 1);
	await editor.close(true);
	kept.forEach((value, key) => store.set(key, value)); // as after a crash
	theirs({ notes: "Meanwhile" });
	await editor.openTemplate("FT-1");
	assert.equal(editor.kept.value.values.category, "billing");
	editor.restoreKept(true);
	assert.equal(await editor.saveDraft(), false);
	assert.ok(editor.conflict.value);
	await editor.takeTheirs();
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
