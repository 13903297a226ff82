// Builds the editor for the lab, out of the same sources that Frappe's own build takes for the desk. There the packages
// are those that Frappe ships; here they are this folder's.

import { fileURLToPath } from "node:url";
import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vite";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const SHARED = ["vue", "sortablejs", "highlight.js"];

export default defineConfig({
	root: here("."),
	plugins: [vue()],
	publicDir: false,
	resolve: { alias: SHARED.map((name) => ({ find: new RegExp(`^${name}(?=$|/)`), replacement: here(`node_modules/${name}`) })) },
	define: { "process.env.NODE_ENV": JSON.stringify("production") },
	build: {
		target: "es2020",
		outDir: here("pages/built"),
		emptyOutDir: true,
		cssCodeSplit: false,
		lib: { entry: here("editor.js"), formats: ["es"], fileName: () => "editor.js", cssFileName: "editor" },
	},
});
