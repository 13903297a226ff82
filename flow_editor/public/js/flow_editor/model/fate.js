const FATES = {
	queued: "E-mail waits to be sent",
	sent: "E-mail sent",
	"partially sent": "E-mail sent to some, waits for others",
	failed: "E-mail was not sent",
	gone: "E-mail is no longer in the queue",
};

/** What became of a step's mail, in words; nothing, if it has none. */
export function fateOf(result) {
	const said = FATES[result?.fate] ? __(FATES[result.fate]) : "";
	const left = result?.unsubscribed?.length ? __("Left out, since they have unsubscribed: {0}", [result.unsubscribed.join(", ")]) : "";
	return [said, left].filter(Boolean).join(". ");
}
