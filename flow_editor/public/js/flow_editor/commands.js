/**
 * What can be done in the editor, each once: menus, keys and the help are drawn from this.
 *
 * A command is `{id, label, icon, keys, when, run}` and where it belongs: `menu` on a card's menu; `on: "card"` only with
 * a card in focus; `anywhere` also while a text is typed; `native` if the browser raises it by an event of its own.
 * `when(editor)` says whether it can be done, `run(editor, event)` does it.
 */

const edits = (editor) => !editor.readonly.value;
const isOne = (editor) => edits(editor) && editor.current.value;

export const COMMANDS = () => [
	{ id: "edit", label: __("Edit the step"), icon: "edit", keys: ["Enter"], menu: true, on: "card", run: (editor) => editor.open(editor.current.value) },
	{ id: "add", label: __("Add a step below"), icon: "add", keys: ["Insert"], menu: true, when: edits, run: (editor, event) => editor.add(event, editor.isOnCard(event) ? editor.gapAfter(editor.current.value) : null) },
	{ id: "beside", label: __("Add a step side by side"), icon: "insert-below", keys: ["Shift+Insert"], menu: true, on: "card", when: isOne, run: (editor, event) => editor.add(event, editor.gapBeside(editor.current.value)) },
	{ id: "duplicate", label: __("Duplicate"), icon: "duplicate", keys: ["Ctrl+D"], menu: true, when: isOne, run: (editor) => editor.duplicate() },
	{ id: "copy", label: __("Copy"), icon: "clipboard", keys: ["Ctrl+C"], menu: true, native: true, run: (editor) => editor.copy() },
	{ id: "cut", label: __("Cut"), icon: "clipboard", keys: ["Ctrl+X"], native: true, when: edits, run: (editor) => editor.copy().then(() => editor.remove()) },
	{ id: "paste", label: __("Paste below"), icon: "insert-below", keys: ["Ctrl+V"], menu: true, native: true, when: edits, run: (editor) => editor.pasteFromBoard() },
	{ id: "up", label: __("Move up"), icon: "up-line", keys: ["Alt+ArrowUp"], menu: true, when: isOne, run: (editor) => editor.shift(-1) },
	{ id: "down", label: __("Move down"), icon: "down", keys: ["Alt+ArrowDown"], menu: true, when: isOne, run: (editor) => editor.shift(1) },
	{ id: "together", label: __("Run it side by side with the step above"), icon: "change", keys: ["Alt+B"], menu: true, when: isOne, run: (editor) => editor.together() },
	{ id: "in", label: __("Move into the branch"), icon: "right", keys: ["Alt+ArrowRight"], menu: true, when: isOne, run: (editor) => editor.indent() },
	{ id: "out", label: __("Move out of the branch"), icon: "left", keys: ["Alt+ArrowLeft"], menu: true, when: isOne, run: (editor) => editor.outdent() },
	{ id: "delete", label: __("Delete"), icon: "delete", keys: ["Delete", "Backspace"], menu: true, on: "card", when: isOne, run: (editor) => editor.remove() },
	{ id: "fold", label: __("Hide or show the branches"), icon: "unhide", keys: ["Space"], on: "card", run: (editor) => editor.toggle(editor.current.value) },
	{ id: "undo", label: __("Undo"), icon: "left", keys: ["Ctrl+Z"], when: edits, run: (editor) => editor.travel(true) },
	{ id: "redo", label: __("Redo"), icon: "right", keys: ["Ctrl+Y", "Ctrl+Shift+Z"], when: edits, run: (editor) => editor.travel(false) },
	{ id: "save", label: __("Save"), icon: "check", keys: ["Ctrl+S"], anywhere: true, run: (editor) => editor.save() },
	{ id: "go-up", label: __("Go up"), icon: "up-line", keys: ["ArrowUp"], run: (editor) => editor.step(-1) },
	{ id: "go-down", label: __("Go down"), icon: "down", keys: ["ArrowDown"], run: (editor) => editor.step(1) },
	{ id: "go-left", label: __("Go to the lane on the left, or out of it"), icon: "left", keys: ["ArrowLeft"], run: (editor) => editor.sideways(-1) },
	{ id: "go-right", label: __("Go into the branches, or to the lane on the right"), icon: "right", keys: ["ArrowRight"], run: (editor) => editor.sideways(1) },
	{ id: "first", label: __("Go to the first step"), icon: "up-line", keys: ["Home"], run: (editor) => editor.goToEnd(-1) },
	{ id: "last", label: __("Go to the last step"), icon: "down", keys: ["End"], run: (editor) => editor.goToEnd(1) },
	{ id: "extend-up", label: __("Choose the step above too"), icon: "up-line", keys: ["Shift+ArrowUp"], on: "card", run: (editor) => editor.extend(-1) },
	{ id: "extend-down", label: __("Choose the step below too"), icon: "down", keys: ["Shift+ArrowDown"], on: "card", run: (editor) => editor.extend(1) },
	{ id: "lane", label: __("Choose all of the lane"), icon: "list", keys: ["Ctrl+A"], when: edits, run: (editor) => editor.selectLane() },
	{ id: "only", label: __("Choose this step alone"), icon: "list", keys: ["Escape"], on: "card", when: edits, run: (editor) => editor.select(editor.current.value) },
	{ id: "find", label: __("Find a step"), icon: "search", keys: ["/"], run: (editor) => editor.find() },
	{ id: "zoom-in", label: __("Zoom in"), icon: "add", keys: ["+", "="], run: (editor) => editor.zoomBy(1) },
	{ id: "zoom-out", label: __("Zoom out"), icon: "remove", keys: ["-"], run: (editor) => editor.zoomBy(-1) },
	{ id: "fit", label: __("Fit the flow into view"), icon: "expand", keys: ["F"], run: (editor) => editor.fit() },
	{ id: "help", label: __("Show the keys"), icon: "help", keys: ["?"], run: (editor) => editor.help() },
];

/** The keys of an event as commands name them: "Ctrl+Shift+Z", "Alt+ArrowUp", "?". */
export function keysOf(event) {
	const isSign = event.key.length === 1 && !/[a-z0-9 ]/i.test(event.key);
	const key = event.key === " " ? "Space" : event.key.length === 1 ? event.key.toUpperCase() : event.key;
	const with_ = [(event.ctrlKey || event.metaKey) && "Ctrl", event.altKey && "Alt", event.shiftKey && !isSign && "Shift"];
	return [...with_.filter(Boolean), key].join("+");
}

/** The command that an event of the keyboard asks for, if it can be done here. */
export function commandFor(event, editor, { isText, isCard }) {
	const keys = keysOf(event);
	return COMMANDS().find(
		(command) => command.keys.includes(keys) && !command.native && (!isText || command.anywhere) && (command.on !== "card" || isCard) && (command.when?.(editor) ?? true)
	);
}

const SIGNS = { ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→", Delete: "Del", Insert: "Ins", Escape: "Esc" };
/** Keys as people read them. */
export const shownKeys = (keys) => keys.split(/\+(?=.)/).map((key) => SIGNS[key] || key).join("+");
