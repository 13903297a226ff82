// What a run is said to have done: of a step in words with links, in the order of time, and in one sentence.

import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.__ = (text, given = []) => text.replace(/\{(\d+)\}/g, (whole, index) => given[index] ?? whole);
const from = (path) => import(`../../flow_editor/public/js/flow_editor/${path}`);
const { accountParts, inWords, valuesOf } = await from("model/account.js");
const { eventsOf, saidOf, standsAt, triedInWords } = await from("model/happened.js");
const { plain } = await from("model/chips.js");
const { stateOf } = await from("model/phrases.js");
const { buildTree } = await from("model/tree.js");

const JOB = { name: "job", label: "Job", results: [{ name: "job", label: "Dispatch Job" }], accounts: [{ phrase: "Added to {job@Dispatch Job}, which was open", when: { merged: [true] } }, { phrase: "Created Dispatch Job {job@Dispatch Job}" }], fields: [] };
const UPDATE = { name: "update", accounts: [{ phrase: "{doctype} {name@:doctype} said so already", when: { changed: [[]] } }, { phrase: "Changed {changed} of {doctype} {name@:doctype}" }], fields: [] };
const ASK = { name: "ask", label: "Ask", branches: [{ value: "yes", label: "Yes" }, { value: "no", label: "No" }], accounts: [{ phrase: "{branch}: {value|empty}" }], fields: [] };
const WAIT = { name: "wait", label: "Wait", results: [], accounts: [], fields: [] };
const kinds = { job: JOB, update: UPDATE, ask: ASK, wait: WAIT };
const moment = (text) => text.slice(11);

test("a kind says what its step did, with a link to what it made", () => {
	assert.deepEqual(accountParts(JOB, { job: "DJ-2", merged: false }), [{ text: "Created Dispatch Job " }, { link: { doctype: "Dispatch Job", name: "DJ-2" } }]);
	assert.equal(plain(accountParts(JOB, { job: "DJ-2", merged: true })), "Added to DJ-2, which was open");
	assert.deepEqual(accountParts(UPDATE, { doctype: "Issue", name: "ISS-1", changed: ["status", "priority"] }), [{ text: "Changed status, priority of Issue " }, { link: { doctype: "Issue", name: "ISS-1" } }]);
	assert.equal(plain(accountParts(UPDATE, { doctype: "Issue", name: "ISS-1", changed: [] })), "Issue ISS-1 said so already");
	assert.equal(plain(accountParts(ASK, { branch: "no", value: null }, [{ branch: "no", label: "No" }])), "No: empty");
});

test("what no kind speaks of is told by its values, and never as JSON", () => {
	assert.equal(plain(accountParts(WAIT, { said: "yes", ok: true, more: { a: 1 }, rows: [{ a: 1 }] })), "Said: yes · Ok: Yes · More: 1 value");
	assert.deepEqual(accountParts(undefined, { a_b: 1 }), [{ text: "A b: 1" }]);
	assert.deepEqual(accountParts(WAIT, {}), []);
	assert.deepEqual(valuesOf(JOB, { job: "DJ-2", merged: false }), [["Dispatch Job", "DJ-2"], ["Merged", "No"]]);
	assert.equal(inWords([{}, {}]), "2 rows");
	assert.ok(inWords("x".repeat(500)).length <= 200);
});

const STEPS = [
	{ id: "ask", kind: "ask", label: "Urgent?" },
	{ id: "yes", kind: "job", label: "Visit", parent_id: "ask", branch: "yes" },
	{ id: "no", kind: "wait", label: "Leave it", parent_id: "ask", branch: "no" },
	{ id: "last", kind: "wait", label: "Last", depends_on: ["ask"] },
];
function flowOf(state) {
	const tree = buildTree(STEPS, kinds);
	return { steps: STEPS, kinds, nodeOf: (id) => tree.nodes.get(id), nameOfStep: (id) => tree.nodes.get(id)?.step.label, entryOf: (id) => state[id] || { status: "pending" } };
}
const DONE = { status: "done", completed_at: "2027-01-04 09:00:00", result: { branch: "yes", value: "High" } };

test("a step that was not done says which way was taken, and one that is tried again which try it is", () => {
	const flow = flowOf({ ask: DONE, no: { status: "skipped" }, yes: { status: "scheduled", error: "503", attempts: 1, due_at: "2027-01-04 09:01:00" }, last: { status: "done", completed_by: "ana", result: {} } });
	assert.equal(plain(saidOf(STEPS[2], flow.entryOf("no"), flow, moment)), "“Urgent?” led to “Yes”");
	assert.equal(plain(saidOf(STEPS[1], flow.entryOf("yes"), flow, moment)), "Attempt 2 of 5 at 09:01:00");
	assert.equal(plain(saidOf({ ...STEPS[1], retry: { attempts: 2 } }, flow.entryOf("yes"), flow, moment)), "Attempt 2 of 2 at 09:01:00");
	assert.equal(plain(saidOf(STEPS[3], flow.entryOf("last"), flow, moment)), "Completed by ana");
	assert.equal(stateOf(flow.entryOf("yes")).name, "retrying");
	assert.equal(stateOf({ status: "scheduled", due_at: "x" }).name, "scheduled");
});

test("events stand in the order of time, and what is to come behind them", () => {
	const run = { status: "running", started_at: "2027-01-04 08:59:00" };
	const tries = [{ at: "2027-01-04 09:00:30", error: "503" }];
	const flow = flowOf({ ask: DONE, yes: { status: "scheduled", error: "503", tries, attempts: 1, due_at: "2027-01-04 09:01:00" }, last: { status: "pending", waiting: true, ready_at: "2027-01-04 09:00:00" } });
	assert.deepEqual(eventsOf(run, flow, moment).map(({ text, color, isToCome }) => [text, color, Boolean(isToCome)]), [["Started", "blue", false], ["Urgent?", "green", false], ["Visit", "orange", false], ["Visit", "orange", true], ["Last", "orange", true]]);
});

test("one sentence says what a run stands at: a failure before what waits, that before what is scheduled", () => {
	const failed = { status: "failed", error: "No gateway is set up. Then retry.", completed_at: "2027-01-04 09:02:00", retried: 1 };
	const later = { status: "scheduled", due_at: "2027-01-05 09:00:00" };
	const waiting = { status: "pending", waiting: true, ready_at: "2027-01-04 09:00:00" };
	const said = (status, state, more = {}) => standsAt({ status, ...more }, flowOf(state), moment);
	assert.deepEqual(said("failed", { ask: DONE, yes: failed, last: waiting }), { lead: "Failed at", step: "yes", rest: "No gateway is set up. Then retry. It was retried, and failed again at 09:02:00.", isFailure: true });
	assert.match(said("failed", { yes: { ...failed, error: "It is gone." } }, { template_version: 3 }).rest, /Once its cause is mended.*version 3/);
	assert.deepEqual(said("running", { ask: DONE, yes: later, last: waiting }), { lead: "Waits at", step: "last", rest: "since 09:00:00" });
	const parked = { status: "waiting", waits_for: { until: "2027-01-06 09:00:00", document: { doctype: "Issue", docname: "ISS-1" } } };
	assert.deepEqual(said("running", { ask: DONE, yes: parked }), { lead: "Waits at", step: "yes", rest: "for Issue ISS-1, until 09:00:00 at the latest" });
	assert.deepEqual(said("running", { ask: DONE, yes: later }), { lead: "Goes on with", step: "yes", rest: "at 09:00:00" });
	assert.deepEqual(said("completed", { ask: DONE, no: { status: "skipped" } }, { completed_at: "2027-01-04 09:00:00" }), { lead: "Completed 09:00:00", step: null, rest: "1 step done, 1 skipped" });
	assert.equal(said("cancelled", {}, { stop_reason: "Its document was deleted." }).lead, "Its document was deleted.");
});

test("a trial is told by what it would send and write, and when it would end", () => {
	const said = (run, sent, documents) => triedInWords({ run, sent: Array(sent).fill({}), documents: Array(documents).fill({}) }, moment);
	assert.equal(said({ completed_at: "2027-01-04 09:00:00" }, 2, 1), "Tried: 2 messages, 1 document; ends 09:00:00");
	assert.equal(said({ completed_at: null }, 0, 0), "Tried: nothing sent, nothing written; goes on waiting");
});
