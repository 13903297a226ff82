// The ten steps as a Restate service, at the port that is given.
import { createRequire } from "node:module";

// Node 20 has none, and the SDK asks for it.
Promise.withResolvers ??= function () {
	let resolve, reject;
	const promise = new Promise((done, failed) => ([resolve, reject] = [done, failed]));
	return { promise, resolve, reject };
};
const restate = createRequire(import.meta.url)("@restatedev/restate-sdk");

const chain = restate.service({
	name: "chain",
	handlers: {
		run: async (context) => {
			let sum = 0;
			for (let number = 0; number < 10; number++) sum += await context.run(`s${number}`, () => number);
			return sum;
		},
	},
});
restate.serve({ services: [chain], port: Number(process.argv[2]) });
