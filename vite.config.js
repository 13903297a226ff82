// Builds the editor for the lab, out of the same sources that Frappe's own build takes for the desk.

import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vite";

export default defineConfig({
	plugins: [vue()],
	publicDir: false,
	define: { "process.env.NODE_ENV": JSON.stringify("production") },
	build: {
		target: "es2020",
		outDir: "flow_editor/lab/pages/built",
		emptyOutDir: true,
		cssCodeSplit: false,
		lib: { entry: "flow_editor/lab/editor.js", formats: ["es"], fileName: () => "editor.js", cssFileName: "editor" },
	},
});
