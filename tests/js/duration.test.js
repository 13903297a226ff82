import assert from "node:assert/strict";
import test from "node:test";

globalThis.__ = (text, given = []) => text.replace(/\{(\d+)\}/g, (whole, index) => given[index] ?? whole);
const { inWords, readDuration } = await import("../../flow_editor/public/js/flow_editor/duration.js");

test("a duration is read as people write it, in the unit of its field", () => {
	assert.equal(readDuration("1h 30m", "hours"), 1.5);
	assert.equal(readDuration(" 90M ", "hours"), 1.5);
	assert.equal(readDuration("1.5d", "hours"), 36);
	assert.equal(readDuration("2m", "seconds"), 120);
	assert.equal(readDuration("1m", "hours"), 0.016667);
	for (const text of ["", "1.5", "h", "1x", "1h soon", "{{doc.hours}}"]) assert.equal(readDuration(text, "hours"), null, text);
});

test("a number of a unit is said in words", () => {
	assert.equal(inWords(1.5, "hours"), "1 hour, 30 minutes");
	assert.equal(inWords(49, "hours"), "2 days, 1 hour");
	assert.equal(inWords(0.016667, "hours"), "1 minute");
	assert.equal(inWords(0, "hours"), "");
});
