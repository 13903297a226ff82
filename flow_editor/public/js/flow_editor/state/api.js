/** The client of /flow/…, the same against both hosts. Which host it is, the page says once, by `useHost`. */

import { shallowRef } from "vue";
import { getHost } from "./host.js";

/** Whether the server answered the last time. */
export const reachable = shallowRef(true);

/** What the server said of the template that it stored last: who it runs as now, and what that user may not do. */
export const notices = shallowRef([]);

/** What the server refused: its status, code, sentence and problems. */
export class FlowError extends Error {
	constructor(status, { code = "broken", message = "", problems = [] } = {}) {
		super(message || __("The server answered with status {0}.", [status]));
		this.status = status;
		this.code = code;
		this.problems = problems;
	}
}

/** The server was not reached. Nothing is known of what it did. */
export class Unreachable extends Error {
	constructor() {
		super(__("The server does not answer. What you wrote is kept here."));
	}
}

/**
 * Call a route.
 *
 * @param {string} method
 * @param {string} path - below /flow
 * @param {Object} [body]
 * @throws {FlowError|Unreachable}
 */
export async function request(method, path, body) {
	const headers = { Accept: "application/json", ...getHost().headers() };
	if (body !== undefined) headers["Content-Type"] = "application/json";
	let response;
	try {
		response = await fetch(`/flow${path}`, {
			method,
			headers,
			credentials: "same-origin",
			body: body === undefined ? undefined : JSON.stringify(body),
		});
	} catch {
		reachable.value = false;
		throw new Unreachable();
	}
	reachable.value = ![502, 503, 504].includes(response.status);
	if (!reachable.value) throw new Unreachable();
	const content = await response.json().catch(() => ({}));
	if (!response.ok) throw new FlowError(response.status, content.error);
	return content;
}

const name = encodeURIComponent;
const written = (answer) => {
	notices.value = answer.notices || [];
	return answer.template;
};
/** A write of a draft, whose answer says what is wrong with it: {template, draft, problems, warnings, notices}. */
const drafted = (answer) => {
	notices.value = answer.notices || [];
	return answer;
};
const query = (filters) => {
	const given = Object.entries(filters).filter(([, value]) => value !== "" && value != null);
	return given.length ? `?${new URLSearchParams(given)}` : "";
};

export const listTemplates = (filters = {}) => request("GET", `/templates${query(filters)}`).then((a) => a.templates);
export const getTemplate = (template) => request("GET", `/templates/${name(template)}`).then((a) => a.template);
/** A template as it is published, with its draft, if it has one: {template, draft}. */
export const openTemplate = (template) => request("GET", `/templates/${name(template)}`);
export const createDraft = (values) => request("POST", "/templates", { ...values, draft: true }).then(drafted);
export const keepDraft = (template, patch) => request("PUT", `/templates/${name(template)}`, { ...patch, draft: true }).then(drafted);
export const publishTemplate = (template, about) => request("POST", `/templates/${name(template)}/publish`, about).then(drafted);
export const discardDraft = (template, draft_revision) => request("POST", `/templates/${name(template)}/discard`, { draft_revision }).then(drafted);
export const restoreDraft = (template, version, draft_revision) =>
	request("POST", `/templates/${name(template)}/restore`, { version, draft: true, draft_revision }).then(drafted);
export const listVersions = (template) => request("GET", `/templates/${name(template)}/versions`).then((a) => a.versions);
export const getVersion = (template, version) => request("GET", `/templates/${name(template)}/versions/${name(version)}`).then((a) => a.version);
export const createTemplate = (values) => request("POST", "/templates", values).then(written);
export const updateTemplate = (template, patch) =>
	request("PUT", `/templates/${name(template)}`, patch).then(written);
export const checkTemplate = (template, patch) => request("POST", `/templates/${name(template)}/check`, patch);
export const restoreTemplate = (template, version = "shipped") =>
	request("POST", `/templates/${name(template)}/restore`, { version }).then(written);
export const deleteTemplate = (template) => request("DELETE", `/templates/${name(template)}`);
export const duplicateTemplate = (template, new_name) =>
	request("POST", `/templates/${name(template)}/duplicate`, new_name ? { new_name } : {}).then(written);

export const getCatalog = () => request("GET", "/catalog");
/** Every problem of a definition, and behind them what is probably not meant in it, marked `warning`.
 * `about`: what its template says beside it: {template, applies_to, catalog, trigger_event}. */
export const validate = (flow_definition, about = {}) =>
	request("POST", "/validate", { flow_definition, ...about }).then((a) => [
		...a.problems,
		...a.warnings.map((warning) => ({ ...warning, warning: true })),
	]);
/** Carry a flow to its end in virtual time: {run, timeline, sent, documents}. Nothing of it lasts. */
export const tryFlow = (about) => request("POST", "/trial", about);
export const preview = (about) => request("POST", "/preview", about);

export const listRuns = (filters = {}) => request("GET", `/runs${query(filters)}`).then((a) => a.runs);
/** A run as far as it is not known: {run, known, whole}; see state/following.js. */
export const followRun = (run, known = "") => request("GET", `/runs/${name(run)}${query({ known })}`);
export const getRun = (run) => request("GET", `/runs/${name(run)}`).then((a) => a.run);
/** Start a flow. With a `key`, the same start is made once, whatever is pressed how often. */
export const startFlow = (about, key) => request("POST", "/start", key ? { ...about, idempotency_key: key } : about).then((a) => a.run);
export const confirmStart = (about) => request("POST", "/confirm", about);
export const completeStep = (run, step_id, result) =>
	request("POST", "/complete", result === undefined ? { run, step_id } : { run, step_id, result });
export const retryRun = (run, step_id) => request("POST", "/retry", step_id ? { run, step_id } : { run });
export const cancelRun = (run) => request("POST", "/cancel", { run });
