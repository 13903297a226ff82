// What cards, the start and the picker say, and what keys ask for.

import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.__ = (text, given = []) => text.replace(/\{(\d+)\}/g, (whole, index) => given[index] ?? whole);
const from = (path) => import(`../../flow_editor/public/js/flow_editor/${path}`);
const { chipsIn, labeller, plain, shortened } = await from("model/chips.js");
const { conditionParts } = await from("model/conditions.js");
const { startParts } = await from("model/start.js");
const { whatItDoes, whatParts } = await from("model/phrases.js");
const { foundIn, pickable } = await from("model/kinds.js");
const { besides, listed, orderInWords } = await from("model/order.js");
const { buildTree } = await from("model/tree.js");
const { COMMANDS, commandFor, keysOf, shownKeys } = await from("commands.js");
const { changedBetween, changesOf } = await from("model/diff.js");

const labelOf = labeller([{ path: "doc.raised_by", label: "Raised By" }, { path: "customer.email_id", label: "E-mail" }], (id) => ({ job: "Book it" })[id] ?? id);

test("a path is called what its field is called, whatever a filter makes of it", () => {
	assert.deepEqual(chipsIn("To {{ doc.raised_by | lower }}, hello", labelOf), [{ text: "To " }, { chip: "Raised By", path: "doc.raised_by" }, { text: ", hello" }]);
	const said = (path) => plain(chipsIn(`{{${path}}}`, labelOf));
	assert.equal(said("customer.email_id"), "Customer › E-mail");
	assert.equal(said("doc.due_date"), "Due date");
	assert.equal(said("steps.job.result.job"), "Book it › Job");
	assert.equal(said("variables.team"), "Team");
	assert.equal(said("'as it is'"), "as it is");
	assert.equal(plain(chipsIn("no end {{doc.x", labelOf)), "no end {{doc.x");
});

test("a long text is cut, and no chip in the middle", () => {
	assert.equal(plain(shortened([{ text: "abcdefgh" }], 5)), "abcd…");
	assert.equal(plain(shortened([{ text: "abc " }, { chip: "Raised By" }], 8)), "abc …");
});

test("a card says its kind's summary with chips, and no braces", () => {
	const kind = { label: "Notify", summary: "{channel} to {to|the customer}", fields: [{ name: "channel", default: "email", options: [{ value: "email", label: "E-mail" }] }, { name: "to" }] };
	assert.deepEqual(whatParts({ payload: { to: "{{doc.raised_by}}" } }, kind, labelOf), [{ text: "E-mail to " }, { chip: "Raised By", path: "doc.raised_by" }]);
	assert.equal(whatItDoes({ payload: {} }, kind), "E-mail to the customer");
	const ask = { label: "Condition", summary: "{field} {op} {value}", fields: [{ name: "field", type: "docfield" }, { name: "op", default: "==", options: [{ value: "==", label: "is" }] }, { name: "value" }] };
	assert.equal(whatItDoes({ payload: { field: "doc.raised_by", value: "Ana" } }, ask, labelOf), "Raised By is Ana");
	assert.match(whatItDoes({ kind: "theirs" }, undefined), /not installed here: theirs/);
});

test("a condition is a sentence, as far as there are words for it", () => {
	const said = (condition) => plain(conditionParts(condition, labelOf));
	assert.equal(said(""), "");
	assert.equal(said('{"==": [{"var": "doc.raised_by"}, "Ana"]}'), "Raised By is Ana");
	assert.equal(said({ and: [{ in: [{ var: "doc.priority" }, ["High", "Urgent"]] }, { or: [{ ">": [{ var: "amount" }, 5] }, { empty: [{ var: "doc.x" }] }] }] }), "Priority is one of High, Urgent and (Amount is more than 5 or X is empty)");
	assert.equal(said({ "!": [{ "==": [{ var: "doc.x" }, true] }] }), "not X is Yes");
	assert.equal(said({ reduce: [1, 2] }), '{"reduce":[1,2]}');
	assert.equal(said("{oops"), "{oops");
});

test("a start is a sentence", () => {
	const said = (start) => Object.values(startParts(start, labelOf)).map(plain).filter(Boolean).join(", ");
	const event = { name: "on_issue_opened", label: "Issue opened", doctypes: ["Issue"] };
	assert.equal(said({ event, applies_to: "Issue", condition: '{"==": [{"var": "doc.priority"}, "High"]}' }), "When: Issue opened, if Priority is High");
	assert.equal(said({ event: { name: "manual", doctypes: [] } }), "Started by hand");
	assert.equal(said({ trigger: { type: "document", doctype: "Issue", moment: "created" } }), "When an Issue is created");
	assert.equal(said({ trigger: { type: "document", doctype: "Issue", moment: "changed", field: "status", to: ["Open", "Hold"] } }), "When Status of an Issue changes to Open, Hold");
	assert.equal(said({ trigger: { type: "date", doctype: "Sales Invoice", field: "due_date", offset: { days: 3 }, at: "09:00" } }), "3 days after Due date of a Sales Invoice, at 09:00");
	assert.equal(said({ trigger: { type: "date", doctype: "Contract", field: "end_date", offset: { months: -1 } } }), "1 month before End date of a Contract");
	assert.equal(said({ trigger: { type: "schedule", every: "week", on: ["mon"], at: "08:00" } }), "Every week on mon, at 08:00");
});

test("kinds stand in groups, and are found by what people call them", () => {
	const kinds = { webhook: { name: "webhook", label: "Webhook" }, notify: { name: "notify", label: "Notify", description: "if it must" }, condition: { name: "condition", label: "Condition" }, own: { name: "own", label: "Own", synonyms: ["thing"], group: "Ask" } };
	const items = pickable(kinds);
	assert.deepEqual(items.map((item) => [item.value, item.group]), [["notify", "Tell"], ["condition", "Decide"], ["own", "Ask"], ["webhook", "Outside"]]);
	const first = (search) => foundIn(items, search)[0]?.value;
	assert.deepEqual(["sms", "if", "api", "thing", "notif", "zebra"].map(first), ["notify", "condition", "webhook", "own", "notify", undefined]);
});

test("what a step waits for is said as the lines say it", () => {
	const steps = [
		{ id: "a", kind: "wait" },
		{ id: "b", kind: "wait", depends_on: ["a"] },
		{ id: "c", kind: "wait", depends_on: ["a"] },
		{ id: "q", kind: "ask", depends_on: ["b", "c"] },
		{ id: "y", kind: "wait", parent_id: "q", branch: "yes" },
	];
	const { root, nodes } = buildTree(steps, { ask: { branches: [{ value: "yes", label: "Yes" }] } });
	const said = (id) => orderInWords(nodes.get(id), nodes, (name) => name.toUpperCase());
	assert.deepEqual(["a", "q", "y"].map(said), ["as soon as the flow starts", "after B and C", "as soon as Q leads to “Yes”"]);
	assert.deepEqual(besides(root, "b"), ["c"]);
	assert.deepEqual(besides(root, "q"), []);
	assert.equal(listed(["A", "B", "C"]), "A, B and C");
});

test("a key asks for one command, if it can be done where one is", () => {
	const press = (key, more = {}) => ({ key, ...more });
	assert.equal(keysOf(press("z", { metaKey: true, shiftKey: true })), "Ctrl+Shift+Z");
	assert.equal(keysOf(press("?", { shiftKey: true })), "?");
	assert.equal(keysOf(press(" ")), "Space");
	assert.equal(shownKeys("Alt+ArrowUp"), "Alt+↑");
	const editor = { readonly: { value: false }, current: { value: "a" } };
	const asked = (key, more, where) => commandFor(press(key, more), editor, { isText: false, isCard: true, ...where })?.id;
	assert.equal(asked("Delete"), "delete");
	assert.equal(asked("Delete", {}, { isCard: false }), undefined);
	assert.equal(asked("d", { ctrlKey: true }, { isText: true }), undefined);
	assert.equal(asked("s", { ctrlKey: true }, { isText: true }), "save");
	assert.equal(asked("c", { ctrlKey: true }), undefined);
	editor.readonly.value = true;
	assert.equal(asked("Delete"), undefined);
	assert.equal(asked("ArrowDown"), "go-down");
});

test("no two commands have one key, and each has what menus and the help show", () => {
	const keys = COMMANDS().flatMap((command) => command.keys);
	assert.equal(new Set(keys).size, keys.length);
	for (const command of COMMANDS()) assert.ok(command.id && command.label && command.icon && command.run, command.id);
});

test("what differs between two states is said by field and step", () => {
	const before = { template_name: "A", flow_definition: { steps: [{ id: "x", label: "First" }, { id: "y" }] } };
	const after = { template_name: "B", flow_definition: { steps: [{ id: "x", label: "Second" }, { id: "z", label: "New" }] } };
	assert.deepEqual(changedBetween(before, after), ["template_name", "Second", "y", "New"]);
	assert.deepEqual(changesOf({ ...before, notes: "" }, before), {});
});
