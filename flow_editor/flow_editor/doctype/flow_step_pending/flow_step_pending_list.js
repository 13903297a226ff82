frappe.listview_settings["Flow Step Pending"] = {
	add_fields: ["status", "trigger_at"],

	get_indicator(doc) {
		const late =
			doc.status === "pending" && doc.trigger_at && doc.trigger_at < frappe.datetime.now_datetime();
		if (late) return [__("overdue"), "orange", "status,=,pending"];
		const colours = { pending: "blue", running: "cyan", completed: "green", failed: "red", cancelled: "gray" };
		return [__(doc.status), colours[doc.status] || "gray", `status,=,${doc.status}`];
	},
};
