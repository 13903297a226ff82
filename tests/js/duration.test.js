import assert from "node:assert/strict";
import test from "node:test";

globalThis.__ = (text, given = []) => text.replace(/\{(\d+)\}/g, (whole, index) => given[index] ?? whole);
const { delayInWords, directionOf, inWords, readDuration, turned, whenDue } = await import("../../flow_editor/public/js/flow_editor/model/duration.js");

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

test("an amount is turned, whether it is a number or an expression", () => {
	for (const [amount, other] of [[3, -3], ["{{doc.days}}", "-{{doc.days}}"], ["2", "-2"]]) {
		assert.equal(turned(amount), other);
		assert.equal(turned(other), amount);
	}
	assert.equal(turned(undefined), undefined);
	assert.ok(Object.is(turned(0), 0));
});

test("a trigger's delay leads before its date only as a whole", () => {
	assert.equal(directionOf({ at: "2027-03-31" }), "at");
	assert.equal(directionOf({ delay_days: null, delay_hours: "" }), "at");
	assert.equal(directionOf({ delay_days: -30, delay_hours: " -{{doc.hours}}" }), "before");
	assert.equal(directionOf({ delay_days: -30, delay_hours: 8 }), "after");
	assert.equal(directionOf({ delay_days: "{{doc.days}}" }), "after");
});

test("a trigger's delay is said in words", () => {
	assert.equal(delayInWords({ delay_hours: 1, delay_days: 3, delay_minutes: 0 }), "3 days, 1 hour");
	assert.equal(delayInWords({ delay_working_days: "{{doc.days}}" }), "{{doc.days}} working days");
	assert.equal(delayInWords({ delay_days: -30, delay_hours: "-{{doc.$&}}" }), "30 days, {{doc.$&}} hours");
	assert.equal(delayInWords({ delay_days: -30, delay_hours: 8 }), "-30 days, 8 hours");
	assert.equal(delayInWords({}), "");
});

test("a card says when its step fires", () => {
	assert.equal(whenDue({ type: "after_delay", delay_months: "1" }), "1 month after");
	assert.equal(whenDue({ type: "after_delay" }), "After a delay");
	assert.equal(whenDue({ type: "on_date", at: "{{doc.end_date}}" }), "On {{doc.end_date}}");
	assert.equal(whenDue({ type: "on_date", at: "{{doc.end_date}}", delay_days: -30 }), "30 days before {{doc.end_date}}");
	assert.equal(whenDue({ type: "on_date", at: "2027-03-31", delay_working_days: 2 }), "2 working days after 2027-03-31");
	assert.equal(whenDue({ type: "on_date", at: "" }), "On a date");
});
