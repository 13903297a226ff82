/** The paths that the server knows for a DocType, asked for once. */

import { request } from "./api.js";

const loaded = new Map();

/** The paths of a DocType's documents, of the customer and of the run: `{path, label, type, group}` each. */
export function documentPaths(doctype) {
	const key = doctype || "";
	if (!loaded.has(key)) {
		const asked = request("GET", `/paths?doctype=${encodeURIComponent(key)}`).then((answer) => answer.paths);
		asked.catch(() => loaded.delete(key));
		loaded.set(key, asked);
	}
	return loaded.get(key);
}
