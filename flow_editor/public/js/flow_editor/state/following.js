/** A run that is looked at: asked for whole, and then, whenever the host tells that it has changed, for what has. */

import { onBeforeUnmount, onMounted, ref, shallowRef, watch } from "vue";
import * as api from "./api.js";
import { getHost } from "./host.js";

/** How often to look by oneself, in ms: where nobody tells, and where somebody does, in case a message is lost. */
const LOOK = 3000;
const LOOK_AGAIN = 30000;
/** What an address holds at most of what is known; of a run that is longer, everything is asked for. */
const KNOWN_LENGTH = 3600;

export function useFollowedRun(name, changed) {
	const run = shallowRef(null);
	const error = ref("");
	let known = "";
	let asking = null;
	let isStale = false;
	let timer = null;
	let stop = () => {};

	/** Ask for what has changed. Asked again meanwhile, it is asked once more after that. */
	function load() {
		if (asking) {
			isStale = true;
			return asking;
		}
		asking = ask().finally(() => {
			asking = null;
			if (isStale) {
				isStale = false;
				load();
			}
		});
		return asking;
	}
	async function ask() {
		const wanted = name();
		try {
			const answer = await api.followRun(wanted, known.length <= KNOWN_LENGTH ? known : "");
			if (wanted !== name()) return;
			const before = run.value;
			known = answer.known;
			error.value = "";
			if (answer.whole) {
				// The same definition stays the same object, so that only states are drawn anew.
				if (before && JSON.stringify(before.flow_definition) === JSON.stringify(answer.run.flow_definition)) answer.run.flow_definition = before.flow_definition;
				run.value = answer.run;
			} else if (Object.keys(answer.run).length > 2 || Object.keys(answer.run.step_state).length) {
				run.value = { ...before, ...answer.run, step_state: { ...before.step_state, ...answer.run.step_state } };
			}
			if (before && before.status !== run.value.status) changed(run.value);
		} catch (failure) {
			if (wanted === name()) error.value = failure.message;
		}
	}

	const isOver = () => run.value && !["running", "failed"].includes(run.value.status);
	function lookLater() {
		// One that has failed may have lanes that go on.
		timer = setTimeout(() => (isOver() || document.hidden ? Promise.resolve() : load()).then(lookLater), getHost().tellsOfRuns() ? LOOK_AGAIN : LOOK);
	}
	function follow() {
		stop();
		stop = getHost().watchRun(name(), load);
	}
	onMounted(() => {
		follow();
		load();
		lookLater();
	});
	onBeforeUnmount(() => {
		clearTimeout(timer);
		stop();
	});
	watch(name, () => {
		known = "";
		run.value = null;
		follow();
		load();
	});
	return { run, error, load };
}
