// Lets Node find the packages that the editor's sources name where the lab has them, as its build does.

import { register } from "node:module";

const loader = `
const SHARED = ["vue"];
const lab = ${JSON.stringify(new URL("../../flow_editor/lab/editor.js", import.meta.url).href)};
export const resolve = (name, context, next) => next(name, SHARED.includes(name) ? { ...context, parentURL: lab } : context);
`;
register(`data:text/javascript,${encodeURIComponent(loader)}`);
