// The lab as the editor's host (see public/js/flow_editor/state/host.js). Built by Vite, and used by pages/lab.js.

import {
	ArrowDown,
	ArrowRight,
	ArrowUp,
	Calendar,
	Check,
	ChevronDown,
	ChevronLeft,
	ChevronRight,
	ChevronUp,
	CircleHelp,
	Clipboard,
	Copy,
	createElement,
	Ellipsis,
	GitBranch,
	Link,
	List,
	ListPlus,
	Mail,
	Columns2,
	Maximize,
	Minus,
	MessageSquare,
	Pencil,
	Plus,
	RefreshCw,
	Search,
	Settings2,
	Ticket,
	Trash2,
	TriangleAlert,
	Users,
	Wrench,
	X,
} from "lucide";
import "../public/css/flow_editor.bundle.css";
import { useHost } from "../public/js/flow_editor/index.js";

export * from "../public/js/flow_editor/index.js";

/** The kinds and the editor name icons as Frappe does. */
const ICONS = {
	add: Plus,
	"arrow-right": ArrowRight,
	branch: GitBranch,
	calendar: Calendar,
	check: Check,
	clipboard: Clipboard,
	close: X,
	delete: Trash2,
	"dot-horizontal": Ellipsis,
	down: ChevronDown,
	duplicate: Copy,
	edit: Pencil,
	help: CircleHelp,
	"insert-below": ListPlus,
	left: ChevronLeft,
	"link-url": Link,
	mail: Mail,
	message: MessageSquare,
	refresh: RefreshCw,
	right: ChevronRight,
	change: Columns2,
	expand: Maximize,
	remove: Minus,
	search: Search,
	"setting-gear": Settings2,
	"small-add": Plus,
	support: Ticket,
	tool: Wrench,
	"solid-warning": TriangleAlert,
	unhide: ChevronDown,
	"up-line": ChevronUp,
	users: Users,
};
const drawn = new Map();

/**
 * Make the lab the host.
 *
 * @param {{call: function, token: function, tell: function}} lab - how the pages call the server (and take a token), and say something
 */
export function useLab({ call, token, tell }) {
	useHost({
		headers: () => (token() ? { Authorization: `Bearer ${token()}` } : {}),
		icon(name) {
			if (!drawn.has(name)) drawn.set(name, createElement(ICONS[name] || List).outerHTML);
			return drawn.get(name);
		},
		confirm: async (text) => window.confirm(text),
		tell,
		async search(doctype, text) {
			const { documents } = await call("GET", "/lab/documents");
			const names =
				doctype === "DocType"
					? [...new Set(documents.map((doc) => doc.doctype))].sort()
					: documents.filter((doc) => doc.doctype === doctype).map((doc) => doc.name);
			return names.filter((name) => name.toLowerCase().includes(text.toLowerCase())).map((value) => ({ value, description: "" }));
		},
		hasLinkControl: () => false,
		documentLink: (doctype, name) => `#/documents?name=${encodeURIComponent(`${doctype}\n${name}`)}`,
		templateLink: (name, step) => `#/templates/${encodeURIComponent(name)}${step ? `?${new URLSearchParams({ step })}` : ""}`,
		newTemplateLink: () => "#/templates/new",
		runLink: (name) => `#/runs/${encodeURIComponent(name)}`,
		runsLink: ({ flow_template = "", context_doctype = "", context_docname = "" }) =>
			`#/runs?${new URLSearchParams({ template: flow_template, doctype: context_doctype, docname: context_docname })}`,
		settingsNamed: () => [],
		go: (href) => (location.hash = href),
		moment: (text) => (text || "").slice(0, 16),
		tellsOfRuns: () => false, // what happens in real time is told by nobody
		watchRun(name, changed) {
			window.addEventListener("lab-moved", changed);
			return () => window.removeEventListener("lab-moved", changed);
		},
		user: "lab",
		mayEdit: true,
		mayStart: true,
		canNameUsers: false,
	});
}
