// The lab's pages: flows, runs, documents, what was sent, and the clock. Everything that comes from outside is
// set as text, never as HTML.

const main = document.getElementById("main");
const notice = document.getElementById("notice");
const TOKEN = "flow-editor-token";

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
	main.replaceChildren(el("div", { class: "head" }, el("h1", {}, title), el("span", { class: "grow" }), ...tools), ...content);
}

function select(options, chosen, onchange) {
	const control = el("select", onchange ? { onchange } : {});
	for (const [value, label] of options) control.append(el("option", { value, selected: value === chosen }, label));
	return control;
}

// Flows

async function show_templates(query) {
	const category = query.get("category") || "";
	const { templates } = await call("GET", `/flow/templates?category=${encodeURIComponent(category)}`);
	const { categories } = await call("GET", "/flow/catalog");
	const filter = select([["", "All categories"], ...categories.map((c) => [c, c])], category, (event) => {
		location.hash = `#/templates?category=${event.target.value}`;
	});
	filter.setAttribute("aria-label", "Category");
	const create = async () => {
		const name = window.prompt("The new flow's name:");
		if (!name) return;
		const { template } = await call("POST", "/flow/templates", { template_name: name, flow_definition: { steps: [] } });
		location.hash = `#/templates/${template.name}`;
	};
	const rows = templates.map((t) => [
		link(`#/templates/${t.name}`, t.template_name),
		t.category,
		t.trigger_event,
		String(t.step_count),
		pill(t.is_active ? "on" : "off"),
		[
			button(t.is_active ? "Switch off" : "Switch on", () =>
				call("PUT", `/flow/templates/${t.name}`, { is_active: t.is_active ? 0 : 1 })
			),
			" ",
			button("Duplicate", () => call("POST", `/flow/templates/${t.name}/duplicate`, {})),
			" ",
			t.is_system ? "" : button("Delete", () => window.confirm(`Delete ${t.template_name}?`) && call("DELETE", `/flow/templates/${t.name}`)),
		],
	]);
	page(
		"Flows",
		[filter, button("New flow", create, { class: "primary" })],
		table(["Name", "Category", "Started by", "Steps", "", ""], rows, "There are no flows in this category.")
	);
}

async function show_template(name) {
	const { template } = await call("GET", `/flow/templates/${name}`);
	const { events } = await call("GET", "/flow/catalog");
	const { documents } = await call("GET", "/lab/documents");
	const written = template.flow_definition;
	const editor = el("textarea", { spellcheck: "false", "aria-label": "Definition" });
	editor.value = typeof written === "string" ? written : JSON.stringify(written, null, 2);
	const problems = el("div", { role: "status" });
	const label = el("input", { value: template.template_name, readonly: template.is_system ? true : null });
	const trigger = select(events.map((e) => [e.name, e.label]), template.trigger_event);
	const condition = el("input", { value: template.trigger_condition || "" });

	async function check() {
		let found;
		try {
			found = (await call("POST", "/flow/validate", { flow_definition: editor.value })).problems;
		} catch (error) {
			return complain(error);
		}
		problems.replaceChildren(
			found.length
				? el("ul", { class: "problems failed" }, found.map((p) => el("li", {}, `${[p.step, p.field].filter(Boolean).join(" ")}: ${p.message}`)))
				: el("p", { class: "done" }, "No problems.")
		);
	}
	let timer;
	editor.addEventListener("input", () => {
		clearTimeout(timer);
		timer = setTimeout(check, 250);
	});
	const save = async () => {
		await call("PUT", `/flow/templates/${name}`, {
			...(template.is_system ? {} : { template_name: label.value }),
			trigger_event: trigger.value,
			trigger_condition: condition.value,
			flow_definition: editor.value,
			version: template.version,
		});
	};
	const about = select(
		[["", "no document"], ...documents.map((d) => [`${d.doctype}\n${d.name}`, `${d.doctype} ${d.name}`])],
		documents.filter((d) => d.doctype === template.applies_to).map((d) => `${d.doctype}\n${d.name}`)[0] || ""
	);
	const start = async () => {
		const [doctype, docname] = about.value.split("\n");
		const { run } = await call("POST", "/flow/start", { template: name, ...(doctype ? { doctype, docname } : {}) });
		location.hash = `#/runs/${run.name}`;
	};
	page(
		template.template_name,
		[el("span", { class: "muted" }, `${name}, version ${template.version}`), button("Save", save, { class: "primary" })],
		el(
			"div",
			{ class: "split" },
			el("div", { class: "card" }, editor),
			el(
				"div",
				{},
				el("div", { class: "card" }, field("Name", label), field("Started by", trigger), field("Condition", condition), problems),
				el("div", { class: "card" }, field("Start it on", about), button("Start", start))
			)
		)
	);
	await check();
}

// Runs

async function show_runs() {
	const { runs } = await call("GET", "/flow/runs?limit=200");
	const names = Object.fromEntries((await call("GET", "/flow/templates")).templates.map((t) => [t.name, t.template_name]));
	const rows = runs.map((run) => [
		link(`#/runs/${run.name}`, run.name),
		names[run.flow_template] || run.flow_template,
		pill(run.status),
		`${run.context_doctype} ${run.context_docname}`,
		run.trigger_event,
		run.started_at,
		run.error,
	]);
	page("Runs", [], table(["Run", "Flow", "State", "About", "Started by", "Started", "Error"], rows, "Nothing has run yet. Change a document, or start a flow."));
}

async function show_run(name) {
	const { run } = await call("GET", `/flow/runs/${name}`);
	const rows = Object.entries(run.step_state).map(([id, entry]) => [
		id,
		pill(entry.waiting ? "waiting" : entry.status),
		entry.completed_at || (entry.due_at ? `due ${entry.due_at}` : entry.ready_at || ""),
		entry.error ? el("span", { class: "failed" }, entry.error) : el("pre", {}, entry.result && Object.keys(entry.result).length ? JSON.stringify(entry.result) : ""),
		entry.waiting || entry.status === "scheduled"
			? button(entry.waiting ? "Complete" : "Fire now", () => call("POST", "/flow/complete", { run: name, step_id: id }))
			: entry.status === "failed"
			? button("Retry", () => call("POST", "/flow/retry", { run: name, step_id: id }))
			: "",
	]);
	const tools = [pill(run.status)];
	if (["running", "failed"].includes(run.status)) tools.push(button("Cancel", () => call("POST", "/flow/cancel", { run: name })));
	page(
		name,
		tools,
		el("p", { class: "muted" }, `${run.flow_template} version ${run.template_version}, about ${run.context_doctype} ${run.context_docname}, started ${run.started_at}${run.completed_at ? `, over ${run.completed_at}` : ""}`),
		table(["Step", "State", "When", "Result", ""], rows, "This flow has no steps.")
	);
}

// Documents

async function show_documents(query) {
	const { documents } = await call("GET", "/lab/documents");
	const chosen = query.get("name");
	const rows = documents.map((doc) => [
		doc.doctype,
		link(`#/documents?name=${encodeURIComponent(`${doc.doctype}\n${doc.name}`)}`, doc.name),
		doc.status || (doc.is_signed === undefined ? "" : doc.is_signed ? "signed" : "not signed"),
		doc.customer || doc.party_name || doc.party || "",
	]);
	const doc = documents.find((d) => `${d.doctype}\n${d.name}` === chosen);
	const editor = el("textarea", { spellcheck: "false", "aria-label": "Fields" });
	const { doctype, ...fields } = doc || { doctype: "Issue", subject: "The picture freezes", customer: "Ana Tremblay", priority: "Low" };
	editor.value = JSON.stringify({ doctype, ...fields }, null, 2);
	const save = async () => {
		let values;
		try {
			values = JSON.parse(editor.value);
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
	const tools = doc ? [quick(doc), " ", event, " ", button("Raise it", raise)] : [];
	page(
		"Documents",
		doc ? [link("#/documents", "New document")] : [],
		el(
			"div",
			{ class: "split" },
			table(["DocType", "Name", "Status", "Customer"], rows, "There are no documents."),
			el("div", { class: "card" }, el("strong", {}, doc ? doc.name : "A new document"), editor, button(doc ? "Save" : "Create", save, { class: "primary" }), " ", tools)
		)
	);
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
	const rows = sent.reverse().map((m) => [m.at.slice(0, 19), m.channel, m.to || `${m.method} ${m.url}`, m.subject || "", el("pre", {}, [m.body, m.headers && JSON.stringify(m.headers, null, 1)].filter(Boolean).join("\n\n"))]);
	page("Sent", [], el("p", { class: "muted" }, "What would have been sent. Nothing leaves this machine."), table(["At", "By", "To", "Subject", "Text"], rows, "Nothing yet."));
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
	const pages = { templates: name ? show_template : show_templates, runs: name ? show_run : show_runs, documents: show_documents, sent: show_sent };
	try {
		await (pages[section] || show_templates)(name ? decodeURIComponent(name) : query);
		await show_clock();
	} catch (error) {
		complain(error);
	}
}

for (const control of document.querySelectorAll("[data-clock]")) {
	control.addEventListener("click", act(() => call("POST", "/lab/clock", { to: control.dataset.clock })));
}
window.addEventListener("hashchange", () => {
	notice.textContent = "";
	show().then(() => {
		main.focus({ preventScroll: true });
		window.scrollTo(0, 0);
	});
});
show();
