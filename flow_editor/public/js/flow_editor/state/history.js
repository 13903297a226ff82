/** Undo and redo over values that never change. Without limit: a step back costs one reference. */

import { computed, shallowRef } from "vue";

export function useHistory(initial) {
	const current = shallowRef(initial);
	const past = shallowRef([]);
	const future = shallowRef([]);

	return {
		current,
		canUndo: computed(() => past.value.length > 0),
		canRedo: computed(() => future.value.length > 0),

		commit(value) {
			if (value === current.value) return false;
			past.value = [...past.value, current.value];
			future.value = [];
			current.value = value;
			return true;
		},
		/** Go on from this value without a step back to the one before it. */
		replace(value) {
			current.value = value;
		},
		undo() {
			if (!past.value.length) return false;
			future.value = [current.value, ...future.value];
			current.value = past.value[past.value.length - 1];
			past.value = past.value.slice(0, -1);
			return true;
		},
		redo() {
			if (!future.value.length) return false;
			past.value = [...past.value, current.value];
			[current.value] = future.value;
			future.value = future.value.slice(1);
			return true;
		},
		/** Begin anew. */
		reset(value) {
			current.value = value;
			past.value = [];
			future.value = [];
		},
	};
}
