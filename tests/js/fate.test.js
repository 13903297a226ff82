import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.__ = (text, values = []) => text.replace(/\{(\d+)\}/g, (_, index) => values[index]);
const { fateOf } = await import("../../flow_editor/public/js/flow_editor/model/fate.js");

test("what became of a mail is said in words", () => {
	assert.equal(fateOf({ fate: "queued" }), "E-mail waits to be sent");
	assert.equal(fateOf({ fate: "sent", unsubscribed: ["a@x.test", "b@x.test"] }), "E-mail sent. Left out, since they have unsubscribed: a@x.test, b@x.test");
	assert.equal(fateOf({ fate: "failed" }), "E-mail was not sent");
});

test("a result without a mail says nothing", () => {
	for (const result of [null, undefined, "text", {}, { fate: "odd" }, { unsubscribed: [] }]) assert.equal(fateOf(result), "");
});
