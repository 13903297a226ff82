/** The height that is left below where an element begins: what a view takes that fills the window. */

import { nextTick, onBeforeUnmount, onMounted, ref } from "vue";

/** Less is no room for a picture, however small the window is. */
const LEAST = 420;

/** @returns {{height: Ref<string>, fill: function}} `fill` measures again, as after what stands above has changed */
export function useRoom(element, isWanted) {
	const height = ref("");
	async function fill() {
		await nextTick();
		if (!isWanted() || !element.value) return;
		const top = element.value.getBoundingClientRect().top + window.scrollY;
		height.value = `${Math.max(LEAST, window.innerHeight - top)}px`;
	}
	onMounted(() => {
		window.addEventListener("resize", fill);
		fill();
	});
	onBeforeUnmount(() => window.removeEventListener("resize", fill));
	return { height, fill };
}
