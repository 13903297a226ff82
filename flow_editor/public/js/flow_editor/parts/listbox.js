/** A list to search and to choose from with the arrows, as a combobox has it. */

import { nextTick, ref } from "vue";

/**
 * @param {Ref<Array>} items - what is shown
 * @param {Ref<Element>} panel - what the options stand in
 * @returns {{active: Ref<number>, id: string, optionId: function(number): string, move: function(KeyboardEvent): boolean}}
 *   `move` takes an arrow key, and says whether it was one
 */
export function useListbox(items, panel) {
	const active = ref(0);
	const id = `fe-list-${Math.random().toString(36).slice(2)}`;

	function move(event) {
		const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
		if (!by) return false;
		event.preventDefault();
		const count = items.value.length;
		if (count) active.value = (active.value + by + count) % count;
		nextTick(() => panel.value?.querySelector("[aria-selected='true']")?.scrollIntoView({ block: "nearest" }));
		return true;
	}
	return { active, id, optionId: (index) => `${id}-${index}`, move };
}
