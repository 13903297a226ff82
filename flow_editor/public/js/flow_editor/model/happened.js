/**
 * What happened in a run: of one step, of all of them in the order of time, and in one sentence what it stands at.
 *
 * `flow` is what the editor knows of the run's definition: {steps, nodeOf(id), kinds, nameOfStep(id)}.
 */

import { accountParts } from "./account.js";
import { isRetrying } from "./phrases.js";

/** How often a step is tried that does not say. */
const TRIES = 5;

/** What a step did or stands at, in parts; empty if there is nothing to say beyond its state. */
export function saidOf(step, entry, flow, moment) {
	const kind = flow.kinds[step.kind];
	if (entry.status === "skipped" || entry.status === "cancelled") return asText(whyNot(step, entry, flow));
	if (isRetrying(entry)) {
		const most = step.retry?.attempts ?? TRIES;
		return asText(__("Attempt {0} of {1} at {2}", [(entry.attempts || 1) + 1, most, moment(entry.due_at)]));
	}
	if (entry.waits_for) return asText(capital(waitsFor(entry.waits_for, moment)));
	if (entry.status !== "done") return entry.waiting && entry.ready_at ? asText(__("Since {0}", [moment(entry.ready_at)])) : [];
	if (step.off) return asText(__("Switched off, and passed over"));
	if (entry.error && entry.result == null) return [];
	const parts = accountParts(kind, entry.result, flow.nodeOf(step.id)?.lanes);
	if (!entry.completed_by) return parts;
	const by = __("Completed by {0}", [entry.completed_by]);
	return parts.length ? [{ text: `${by}. ` }, ...parts] : [{ text: by }];
}

/** What a step waits for that has acted and goes on later: an answer, a document, a time. */
function waitsFor({ answer, document, until }, moment) {
	const what = [answer && __("for an answer"), document && __("for {0} {1}", [__(document.doctype), document.docname])].filter(Boolean);
	const at = until && (what.length ? __("until {0} at the latest", [moment(until)]) : __("until {0}", [moment(until)]));
	return [...what, at].filter(Boolean).join(", ");
}

/** Why a step was not done: a sentence of the run's own, or the branch that was taken in place of its own. */
function whyNot(step, entry, flow) {
	if (entry.reason) return entry.reason;
	const above = flow.nodeOf(step.parent_id);
	const taken = above && flow.entryOf(above.step.id)?.result?.branch;
	if (!taken || taken === (step.branch ?? null)) return "";
	const label = above.lanes.find((lane) => lane.branch === taken)?.label || taken;
	return __("“{0}” led to “{1}”", [flow.nameOfStep(above.step.id), label]);
}

const capital = (text) => text && text[0].toUpperCase() + text.slice(1);
const asText = (text) => (text ? [{ text }] : []);

/**
 * What happened, in the order of time: `{at, step, color, text, parts, isToCome}`. What waits and what is to come stands last.
 */
export function eventsOf(run, flow, moment) {
	const events = [{ at: run.started_at, color: "blue", text: run.trigger_label || __("Started"), parts: [] }];
	for (const step of flow.steps) {
		const entry = flow.entryOf(step.id);
		if (!entry) continue;
		const named = { step: step.id, text: flow.nameOfStep(step.id), parts: saidOf(step, entry, flow, moment) };
		for (const { at, error } of (entry.tries || []).slice(0, entry.status === "failed" ? -1 : undefined)) {
			events.push({ ...named, at, color: "orange", parts: [{ text: error }] });
		}
		if (entry.status === "done") events.push({ ...named, at: entry.completed_at, color: entry.error ? "orange" : "green", parts: entry.error ? [{ text: entry.error }] : named.parts });
		else if (entry.status === "failed") events.push({ ...named, at: entry.completed_at, color: "red", parts: asText(entry.error) });
		else if (entry.waiting || entry.waits_for) events.push({ ...named, at: "", color: "orange", isToCome: true });
		else if (["scheduled", "running"].includes(entry.status)) events.push({ ...named, at: entry.due_at || "", color: isRetrying(entry) ? "orange" : "blue", isToCome: true });
	}
	const place = (event) => [event.isToCome ? 1 : 0, event.at || "~"];
	events.sort((one, other) => place(one)[0] - place(other)[0] || (place(one)[1] < place(other)[1] ? -1 : place(one)[1] > place(other)[1] ? 1 : 0));
	if (run.completed_at && run.status !== "failed") events.push({ at: run.completed_at, color: run.status === "completed" ? "green" : "gray", text: run.status === "completed" ? __("Completed") : __("Cancelled"), parts: asText(run.stop_reason) });
	return events;
}

/**
 * What a run stands at: `{lead, step, rest}`, a sentence whose middle is a step's name. A failure comes before what waits for
 * somebody, and that before what waits for its time.
 */
export function standsAt(run, flow, moment) {
	const of = (test) => flow.steps.find((step) => test(flow.entryOf(step.id) || {}));
	const failed = run.status === "failed" && of((entry) => entry.status === "failed");
	if (failed) {
		const entry = flow.entryOf(failed.id);
		const again = entry.retried ? __(" It was retried, and failed again at {0}.", [moment(entry.completed_at)]) : "";
		// What a retry would do is often a part of the error.
		const advice = /retry/i.test(entry.error || run.error) ? "" : __(" Once its cause is mended, retry it; or cancel the run. It keeps version {0} of the flow, whatever is changed in that since.", [run.template_version]);
		return { lead: __("Failed at"), step: failed.id, rest: `${entry.error || run.error}${again}${advice}`, isFailure: true };
	}
	if (run.status === "completed") return { lead: __("Completed {0}", [moment(run.completed_at)]), step: null, rest: counted(flow) };
	if (run.status === "cancelled") return { lead: run.stop_reason || __("Nothing in it fires any more."), step: null, rest: "" };
	const waiting = of((entry) => entry.waiting) || of((entry) => entry.waits_for?.answer) || of((entry) => entry.waits_for);
	if (waiting) {
		const { ready_at: since, waits_for: wait } = flow.entryOf(waiting.id);
		return { lead: __("Waits at"), step: waiting.id, rest: wait ? waitsFor(wait, moment) : since ? __("since {0}", [moment(since)]) : "" };
	}
	const retrying = of(isRetrying);
	if (retrying) return { lead: __("Tries again at"), step: retrying.id, rest: saidOf(retrying, flow.entryOf(retrying.id), flow, moment)[0].text };
	const next = flow.steps.filter((step) => flow.entryOf(step.id)?.due_at && flow.entryOf(step.id).status === "scheduled").sort((a, b) => (flow.entryOf(a.id).due_at < flow.entryOf(b.id).due_at ? -1 : 1))[0];
	if (next) return { lead: __("Goes on with"), step: next.id, rest: __("at {0}", [moment(flow.entryOf(next.id).due_at)]) };
	const busy = of((entry) => entry.status === "running");
	return busy ? { lead: __("Is at"), step: busy.id, rest: "" } : { lead: "", step: null, rest: "" };
}

function counted(flow) {
	const count = (status) => flow.steps.filter((step) => flow.entryOf(step.id)?.status === status).length;
	const [done, skipped] = [count("done"), count("skipped")];
	const words = done === 1 ? __("1 step done") : __("{0} steps done", [done]);
	return skipped ? __("{0}, {1} skipped", [words, skipped]) : words;
}

/** What a trial came to, in a sentence: how long it would take, what it would send and write. */
export function triedInWords({ run, sent, documents }, moment) {
	const counted = [
		sent.length && (sent.length === 1 ? __("1 message") : __("{0} messages", [sent.length])),
		documents.length && (documents.length === 1 ? __("1 document") : __("{0} documents", [documents.length])),
	].filter(Boolean);
	const does = counted.length ? counted.join(", ") : __("nothing sent, nothing written");
	return run.completed_at ? __("Tried: {0}; ends {1}", [does, moment(run.completed_at)]) : __("Tried: {0}; goes on waiting", [does]);
}
