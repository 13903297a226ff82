/**
 * The page that the editor lives in: ERPNext's desk, or the lab. Each hands itself over once, by `useHost`.
 *
 * A host has:
 *   headers()                  what every request carries (a CSRF token, a bearer token)
 *   icon(name)                 an SVG text in the host's own style
 *   confirm(text)              a promise of yes or no
 *   tell(text, color)          a message that passes: green, orange or red
 *   search(doctype, text)      a promise of [{value, description}]
 *   hasLinkControl(doctype)    whether it has a control of its own for the names of such documents
 *   linkControl(element, {doctype, value, label, id, readonly, change})   put it there; returns {set, destroy}
 *   documentLink(doctype, name), templateLink(name, step), runLink(name), runsLink(filters)   hrefs
 *   settingsNamed(text)        [{label, href}] of the pages of settings that a text speaks of
 *   go(href)                   go there
 *   moment(text)               a time as the user writes times
 *   watchRun(name, changed)    call when a run has changed; returns how to stop
 *   tellsOfRuns()              whether it says by itself that a run has changed, so that asking now and then is for lost messages
 *   user, mayEdit, mayStart    who is looking
 */

let host = null;

export function useHost(given) {
	host = given;
}

export function getHost() {
	return host;
}
