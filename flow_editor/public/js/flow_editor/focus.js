/** The focus of a dialog: Tab goes round in it. */

const FOCUSABLE = "a[href], button:not([disabled]), input:not([disabled]), select, textarea, summary, [tabindex='0']";

/** From the last thing in a panel that can have the focus on to the first, and back. */
export function keepTabInside(panel, event) {
	if (event.key !== "Tab") return;
	const stops = [...panel.querySelectorAll(FOCUSABLE)].filter((element) => element.offsetParent !== null && element.tabIndex >= 0);
	const edge = event.shiftKey ? stops[0] : stops[stops.length - 1];
	if (document.activeElement === edge || !panel.contains(document.activeElement) || document.activeElement === panel) {
		event.preventDefault();
		(event.shiftKey ? stops[stops.length - 1] : stops[0]).focus();
	}
}
