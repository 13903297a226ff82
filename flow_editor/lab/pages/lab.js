// The lab's pages: flows and runs (the editor's own parts), documents, what was sent, and the clock. Everything that
// comes from outside is set as text, never as HTML; an e-mail, which is HTML, stands in a frame of its own.

const main = document.getElementById("main");
const notice = document.getElementById("notice");
const TOKEN = "flow-editor-token";
let editor = null;

// What Frappe's desk has on every page, as far as the editor needs it.
window.__ = (text, given = []) => text.replace(/\{(\d+)\}/g, (whole, index) => given[index] ?? whole);
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const set_theme = () => (document.documentElement.dataset.theme = dark.matches ? "dark" : "light");
dark.addEventListener("change", set_theme);
set_theme();

// Talking to the server

async function call(method, path, body) {
	const headers = { Accept: "application/json" };
	if (body !== undefined) headers["Content-Type"] = "application/json";
	const token = sessionStorage.getItem(TOKEN);
	if (token) headers.Authorization = `Bearer ${token}`;
	let response;
	try {
		response = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
	} catch {
		throw { message: "The lab does not answer. Is it still running?", problems: [] };
	}
	const content = await response.json();
	if (response.status === 401) {
		const given = window.prompt("This lab wants its token:");
		if (given) {
			sessionStorage.setItem(TOKEN, given);
			return call(method, path, body);
		}
	}
	if (!response.ok) throw content.error;
	return content;
}

function complain(error) {
	const lines = (error.problems || []).map((p) => `· ${[p.step, p.field].filter(Boolean).join(" ")}: ${p.message}`);
	notice.className = "";
	notice.textContent = [lines.length ? error.message.split(":")[0] : error.message || String(error), ...lines].join("\n");
}

/** Do something that may be refused, and show the page anew. */
function act(doing) {
	return async (event) => {
		event?.preventDefault();
		notice.textContent = "";
		try {
			await doing(event);
		} catch (error) {
			complain(error);
			return;
		}
		await show();
	};
}

// Building the page

function el(tag, attributes = {}, ...children) {
	const node = document.createElement(tag);
	for (const [name, value] of Object.entries(attributes)) {
		if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
		else if (value === true) node.setAttribute(name, "");
		else if (value !== false && value != null) node.setAttribute(name, value);
	}
	node.append(...children.flat().filter((child) => child != null));
	return node;
}

const link = (href, text) => el("a", { href }, text);
const pill = (state) => el("span", { class: `pill ${state}` }, state);
const button = (label, doing, more = {}) => el("button", { type: "button", onclick: act(doing), ...more }, label);
const field = (label, control) => el("label", {}, el("span", {}, label), control);

function table(heads, rows, nothing) {
	if (!rows.length) return el("p", { class: "muted" }, nothing);
	return el(
		"table",
		{},
		el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col" }, head)))),
		el("tbody", {}, rows.map((cells) => el("tr", {}, cells.map((cell) => el("td", {}, cell ?? "")))))
	);
}

function page(title, tools, ...content) {
	document.title = `${title} · Flow Editor lab`;
	main.className = "";
	main.replaceChildren(el("div", { class: "head" }, el("h1", {}, title), el("span", { class: "grow" }), ...tools), ...content);
}

function select(options, chosen, onchange) {
	const control = el("select", onchange ? { onchange } : {});
	for (const [value, label] of options) control.append(el("option", { value, selected: value === chosen }, label));
	return control;
}

// Flows

let mounted = null;

/** Show one of the editor's parts as the page. */
function show_part(title, component, props, listeners = {}) {
	const element = el("div");
	page(title, [], element);
	// The workbench has a head of its own, and takes all the room.
	main.className = component === editor.FlowTemplatesSection ? "" : "workbench";
	mounted = editor.mount(element, component, { ...props, ...listeners });
}

async function show_templates() {
	show_part("Flows", editor.FlowTemplatesSection);
}

async function show_template(name, query) {
	const store = editor.useFlowEditor();
	// Saving a new flow gives it a name, and its page with it; the page is there already.
	const onOpened = (saved) => saved && history.replaceState(null, "", (here = `#/templates/${saved}`));
	show_part("Flow", editor.FlowEditorDialog, { inline: true, onOpened, onClosed: () => (location.hash = "#/templates") });
	if (name === "new") await store.openNew({ surface: "page" });
	else await store.openTemplate(name, { surface: "page", step: query.get("step") });
}

// Runs

async function show_runs(query) {
	const filters = new URLSearchParams([...query].filter(([, value]) => value));
	const { runs } = await call("GET", `/flow/runs?limit=200&${filters}`);
	const names = Object.fromEntries((await call("GET", "/flow/templates")).templates.map((t) => [t.name, t.template_name]));
	const rows = runs.map((run) => [
		link(`#/runs/${run.name}`, run.name),
		names[run.flow_template] || run.flow_template,
		pill(run.status),
		`${run.context_doctype} ${run.context_docname}`,
		run.trigger_event,
		run.started_at,
		run.error || run.stop_reason,
	]);
	const all = [...filters].length ? [link("#/runs", "All runs")] : [];
	page("Runs", all, table(["Run", "Flow", "State", "About", "Started by", "Started", "Error"], rows, "Nothing has run yet. Change a document, or start a flow."));
}

async function show_run(name) {
	show_part(name, editor.FlowRunView, { name, onChanged: show_clock });
}

// Documents

/** What counts as submitted here if its fields do not say. */
const SUBMITTED = ["Contract", "Quotation", "Sales Invoice"];

async function show_documents(query) {
	const { documents } = await call("GET", "/lab/documents");
	const chosen = query.get("name");
	const rows = documents.map((doc) => [
		doc.doctype,
		link(`#/documents?name=${encodeURIComponent(`${doc.doctype}\n${doc.name}`)}`, doc.name),
		doc.docstatus === 2 ? "cancelled" : doc.status || (doc.is_signed === undefined ? "" : doc.is_signed ? "signed" : "not signed"),
		doc.customer || doc.party_name || doc.party || "",
	]);
	const doc = documents.find((d) => `${d.doctype}\n${d.name}` === chosen);
	const fields_text = el("textarea", { spellcheck: "false", "aria-label": "Fields" });
	const { doctype, ...fields } = doc || { doctype: "Issue", subject: "The picture freezes", customer: "Ana Tremblay", priority: "Low" };
	fields_text.value = JSON.stringify({ doctype, ...fields }, null, 2);
	const save = async () => {
		let values;
		try {
			values = JSON.parse(fields_text.value);
		} catch (error) {
			throw { message: `This is not JSON: ${error.message}`, problems: [] };
		}
		await call(doc ? "PUT" : "POST", "/lab/documents", values);
	};
	const { events } = await call("GET", "/flow/catalog");
	const event = select(events.map((e) => [e.name, e.label]), events.find((e) => e.doctypes.includes(doc?.doctype))?.name);
	event.setAttribute("aria-label", "Event");
	const raise = async () => {
		const { results } = await call("POST", "/flow/event", { event: event.value, doctype: doc.doctype, docname: doc.name });
		const started = results.filter((result) => result.run);
		if (started.length) location.hash = `#/runs/${started[0].run}`;
		else throw { message: results.map((r) => `${r.template}: ${r.skipped || r.error}`).join("\n") || "No active flow listens to it.", problems: [] };
	};
	const named = doc && { doctype: doc.doctype, name: doc.name };
	const end = () => call("PUT", "/lab/documents", { ...named, docstatus: 2 });
	const remove = async () => {
		await call("DELETE", "/lab/documents", named);
		location.hash = "#/documents";
	};
	const may_cancel = doc && (doc.docstatus ?? Number(SUBMITTED.includes(doc.doctype))) === 1;
	const cancel = may_cancel ? [button("Cancel it", end), " "] : [];
	const tools = doc ? [quick(doc), " ", ...cancel, button("Delete it", remove), " ", event, " ", button("Raise it", raise)] : [];
	const flows = el("span");
	page(
		"Documents",
		doc ? [flows, link("#/documents", "New document")] : [],
		el(
			"div",
			{ class: "split" },
			table(["DocType", "Name", "Status", "Customer"], rows, "There are no documents."),
			el("div", { class: "card" }, el("strong", {}, doc ? doc.name : "A new document"), fields_text, button(doc ? "Save" : "Create", save, { class: "primary" }), " ", tools)
		)
	);
	if (doc) mounted = editor.mount(flows, editor.FlowQuickButton, { doctype: doc.doctype, docname: doc.name });
}

/** The change of a sample that sets off its event. */
function quick(doc) {
	const changes = {
		Contract: ["Sign it", { is_signed: 1 }],
		Quotation: ["Accept it", { status: "Ordered" }],
		"Payment Entry": ["Submit it", { docstatus: 1 }],
		Subscription: ["Activate it", { status: "Active" }],
		"Dispatch Job": ["Complete it", { status: "Completed" }],
	};
	if (!changes[doc.doctype]) return null;
	const [label, values] = changes[doc.doctype];
	return button(label, () => call("PUT", "/lab/documents", { doctype: doc.doctype, name: doc.name, ...values }));
}

// Sent

async function show_sent() {
	const { sent } = await call("GET", "/lab/sent");
	const rows = sent.reverse().map((m) => [m.at.slice(0, 19), m.channel, m.to || `${m.method} ${m.url}`, m.subject || "", m.channel === "email" ? mail(m) : text_of(m)]);
	const { answers } = await call("GET", "/lab/http");
	page(
		"Sent",
		[],
		el("p", { class: "muted" }, "What would have been sent. Nothing leaves this machine."),
		answers_card(answers),
		el("div", { class: "sent" }, table(["At", "By", "To", "Subject", "Text"], rows, "Nothing yet."))
	);
}

/** What web calls are answered, so that a flow's failure paths can be tried. */
function answers_card(answers) {
	const put = (list) => call("PUT", "/lab/http", { answers: list });
	const rows = answers.map((answer, place) => [
		`${answer.method} ${answer.url || "every address"}`.trim(),
		answer.error || answer.status,
		Object.entries(answer.headers).map(([name, value]) => `${name}: ${value}`).join("\n"),
		answer.error ? "" : answer.body,
		answer.times ?? "always",
		button("Remove", () => put(answers.filter((_, other) => other !== place)), { "aria-label": `Remove answer ${place + 1}` }),
	]);
	const input = (type, more = {}) => el("input", { type, ...more });
	const url = input("text", { placeholder: "every address" });
	const status = input("number", { min: "100", max: "599", value: "200" });
	const headers = el("textarea", { rows: "2", spellcheck: "false", placeholder: "Retry-After: 120" });
	const body = el("textarea", { rows: "2", spellcheck: "false" });
	const times = input("number", { min: "1", placeholder: "always" });
	const error = input("text", { placeholder: "the connection was refused" });
	const add = () => {
		const lines = headers.value.split("\n").filter((line) => line.trim());
		const named = lines.map((line) => [line.split(":")[0].trim(), line.slice(line.indexOf(":") + 1).trim()]);
		const answer = { url: url.value.trim(), status: Number(status.value), headers: Object.fromEntries(named), body: body.value };
		if (times.value) answer.times = Number(times.value);
		if (error.value.trim()) answer.error = error.value.trim();
		return put([...answers, answer]);
	};
	const fields = [field("Address holds", url), field("Status", status), field("Headers, one a line", headers), field("Body", body), field("How often", times), field("Or no answer, because", error)];
	return el(
		"details",
		{ class: "card answers", open: answers.length > 0 },
		el("summary", {}, "What web calls are answered"),
		table(["Call", "Answer", "Headers", "Body", "How often", ""], rows, "Every call is answered that all is well (200)."),
		el("div", { class: "answer" }, fields, button("Add", add))
	);
}

const text_of = (message) => el("pre", {}, [message.body, message.headers && JSON.stringify(message.headers, null, 1)].filter(Boolean).join("\n\n"));

/** An e-mail as its reader would see it: a document of its own, in which no script runs and nothing is fetched from elsewhere. */
function mail(message) {
	const fit = ({ target }) => (target.style.height = `${target.contentDocument.documentElement.scrollHeight}px`);
	const srcdoc = `<!doctype html><link rel="stylesheet" href="lab.css">${message.body}`;
	return el("iframe", { sandbox: "allow-same-origin", title: message.subject, srcdoc, onload: fit });
}

// The clock, and where we are

async function show_clock() {
	const state = await call("GET", "/lab/state");
	const now = document.getElementById("now");
	now.textContent = state.now;
	now.dateTime = state.now;
	const next = document.getElementById("next");
	next.disabled = !state.next_due;
	next.title = state.next_due ? `Due ${state.next_due}` : "Nothing is due";
}

async function show() {
	const [path, text] = location.hash.slice(2).split("?");
	const [section, name] = (path || "templates").split("/");
	const query = new URLSearchParams(text || "");
	for (const anchor of document.querySelectorAll("nav a")) {
		if (anchor.hash === `#/${section}`) anchor.setAttribute("aria-current", "page");
		else anchor.removeAttribute("aria-current");
	}
	mounted?.unmount();
	mounted = null;
	const pages = { templates: name ? show_template : show_templates, runs: name ? show_run : show_runs, documents: show_documents, sent: show_sent };
	try {
		await (pages[section] || show_templates)(name ? decodeURIComponent(name) : query, query);
		await show_clock();
	} catch (error) {
		complain(error);
	}
}

let notice_timer = null;
/** Say something that passes by itself. */
function tell(text, color = "") {
	notice.className = color;
	notice.textContent = text;
	clearTimeout(notice_timer);
	notice_timer = setTimeout(() => (notice.textContent = ""), 6000);
}

for (const control of document.querySelectorAll("[data-clock]")) {
	control.addEventListener("click", async () => {
		notice.textContent = "";
		try {
			await call("POST", "/lab/clock", { to: control.dataset.clock });
		} catch (error) {
			return complain(error);
		}
		window.dispatchEvent(new Event("lab-moved"));
		// A flow that is being edited is left alone.
		if (/^#?\/?(runs\?|runs$|documents|sent)/.test(location.hash.replace("#/", ""))) await show();
		else await show_clock();
	});
}

let here = location.hash;
window.addEventListener("hashchange", async () => {
	if (location.hash === here) return;
	if (!(await editor.useFlowEditor().close())) {
		history.replaceState(null, "", here);
		return;
	}
	here = location.hash;
	notice.textContent = "";
	await show();
	main.focus({ preventScroll: true });
	window.scrollTo(0, 0);
});

try {
	editor = await import("./built/editor.js");
} catch {
	complain({ message: "The editor is not built. `make lab` builds it; or `npm install && npm run build` in flow_editor/lab.", problems: [] });
	throw new Error("not built");
}
editor.useLab({ call, token: () => sessionStorage.getItem(TOKEN), tell });
try {
	await show_clock(); // asks for the token, where one is wanted, before anything else needs it
} catch (error) {
	complain(error);
}
editor.mountDialog();
show();
