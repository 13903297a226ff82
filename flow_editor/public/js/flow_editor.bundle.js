// The editor in the desk: what its page, its forms and its menu entries ask for, loaded when the first of them does.

import { desk } from "./flow_editor/state/desk.js";
import * as editor from "./flow_editor/index.js";

frappe.provide("flow_editor");
editor.useHost(desk);
flow_editor.ui = editor;
