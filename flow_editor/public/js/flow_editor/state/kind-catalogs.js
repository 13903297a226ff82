/**
 * The step kinds, trigger events and trigger types, as `GET /flow/catalog` has them: a kind that is added in Python
 * is here with its form, and needs no JavaScript.
 *
 * A kind is `{name, label, icon, color, catalog, description, summary, effect, runnable, has_branches,
 * branches: [{value, label}], results: [{name, label}], fields}`. A field is `{name, type, label, required, templated,
 * options: [{value, label}], default, doctype, shown_when, text_when, minimum, maximum, unit, help}`, where type is one of
 * text, textarea, html, number, select, check, date, datetime, duration, link, doctype, docfield, json, recipients, url, value,
 * auth.
 */

import { computed, shallowRef } from "vue";
import { getCatalog } from "./api.js";

export { asUsed, buildEmptyStep, isShown } from "../model/kinds.js";

const catalog = shallowRef(null);
let asked = null;

/** Fetch the catalog, once. */
export function loadCatalog() {
	asked ??= getCatalog().then(
		(found) => (catalog.value = found),
		(error) => {
			asked = null;
			throw error;
		}
	);
	return asked;
}

const kindsOf = (name) =>
	computed(() =>
		Object.fromEntries((catalog.value?.kinds || []).filter((kind) => kind.catalog === name).map((kind) => [kind.name, kind]))
	);

export const PROJECT_KINDS = kindsOf("project");
export const AGENT_KINDS = kindsOf("agent");
export const TRIGGER_TYPES = computed(() => catalog.value?.trigger_types || []);
export const TRIGGER_EVENTS = computed(() => catalog.value?.events || []);
export const INPUT_TYPES = computed(() => catalog.value?.input_types || []);
export const CATEGORIES = computed(() => catalog.value?.categories || []);
/** The names of the catalogs that there are. */
export const CATALOGS = computed(() => [...new Set((catalog.value?.kinds || []).map((kind) => kind.catalog))]);

const others = new Map();

/** The kinds of a catalog by name; apps can bring catalogs of their own. */
export function kindCatalog(name) {
	if (!name || name === "project") return PROJECT_KINDS.value;
	if (name === "agent") return AGENT_KINDS.value;
	if (!others.has(name)) others.set(name, kindsOf(name));
	return others.get(name).value;
}
