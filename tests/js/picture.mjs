// Says, of each definition of a list that comes in as JSON, what the picture of it says of the order.
// By step: {parent, branch, lines, waits}: what it stands in, what lines lead to it, what it waits for in words.

import { readFileSync } from "node:fs";

globalThis.__ = (text, given = []) => text.replace(/\{(\d+)\}/g, (_, index) => given[index]);
const { buildTree } = await import("../../flow_editor/public/js/flow_editor/model/tree.js");

const { kinds, definitions } = JSON.parse(readFileSync(0, "utf8"));
const picture = ({ steps }) => {
	const said = {};
	const look = (lane) => {
		for (const { step, lanes, lines, waits } of lane.nodes) {
			said[step.id] = { parent: lane.parent, branch: lane.branch, lines, waits };
			lanes.forEach(look);
		}
	};
	look(buildTree(steps, kinds).root);
	return said;
};
process.stdout.write(JSON.stringify(definitions.map(picture)));
