/** What a step waits for, in words that agree with the lines. */

/** "After A and B", "As soon as the flow starts", "As soon as Urgent? says Yes". */
export function orderInWords(node, nodes, nameOfStep) {
	const waits = [...node.lines, ...node.waits].map(nameOfStep);
	if (waits.length) return __("after {0}", [listed(waits)]);
	const above = nodes.get(node.step.parent_id);
	if (!above) return __("as soon as the flow starts");
	const lane = above.lanes.find((other) => other.branch === (node.step.branch ?? null));
	return lane?.label && lane.known ? __("as soon as {0} leads to “{1}”", [nameOfStep(above.step.id), lane.label]) : __("as soon as {0} is done", [nameOfStep(above.step.id)]);
}

/** The steps that run side by side with one in its lane: there is no order between them and it. */
export function besides(lane, id) {
	const before = new Map(lane.nodes.map((node) => [node.step.id, [...node.lines, ...node.waits]]));
	const reaches = (from, to) => {
		const way = [from];
		const seen = new Set();
		while (way.length) {
			for (const other of before.get(way.pop()) || []) {
				if (other === to) return true;
				if (!seen.has(other)) seen.add(other) && way.push(other);
			}
		}
		return false;
	};
	return lane.nodes.map((node) => node.step.id).filter((other) => other !== id && !reaches(id, other) && !reaches(other, id));
}

export function listed(names) {
	if (names.length < 2) return names.join("");
	return __("{0} and {1}", [names.slice(0, -1).join(", "), names[names.length - 1]]);
}
