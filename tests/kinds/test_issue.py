from __future__ import annotations


def test_it_opens_an_issue_for_the_customer(bench):
	bench.documents.put("Issue Priority", "High")
	bench.documents.put("Issue Type", "Outage")
	name = bench.do(
		"issue",
		{"subject": "{{doc.subject}}!", "priority": "high", "issue_type": "OUTAGE", "description": "d"},
	)["issue"]
	assert bench.documents.get("Issue", name) == {
		"doctype": "Issue",
		"name": name,
		"status": "Open",
		"subject": "No signal!",
		"description": "d",
		"customer": "CUST-1",
		"priority": "High",
		"issue_type": "Outage",
	}


def test_a_priority_that_is_none_is_refused_with_those_there_are(bench):
	for priority in ("Low", "High"):
		bench.documents.put("Issue Priority", priority)
	message = bench.fails("issue", {"subject": "a", "priority": "whenever"})
	assert "whenever" in message and "Low" in message and "High" in message
	assert "Issue Type" in bench.fails("issue", {"subject": "a", "issue_type": "Outage"})


def test_without_a_customer(bench):
	bench.run.customer = ""
	name = bench.do("issue", {"subject": "a"})["issue"]
	assert bench.documents.get("Issue", name) == {
		"doctype": "Issue",
		"name": name,
		"status": "Open",
		"subject": "a",
	}


def test_a_description_keeps_lines_and_markup_and_escapes_values(bench):
	bench.documents.typed["Issue"] = {"description": ("Text Editor",), "notes": ("Small Text",)}
	doc = {
		"subject": "s",
		"description": "<p>a <b>b</b><script>x</script></p>",
		"notes": "<i>\nc",
	}
	bench.documents.put("Issue", "ISS-1", **doc)
	description = "From before:\n{{doc.description}}\n<b>Notes</b>\n{{doc.notes}}"
	name = bench.do("issue", {"subject": "{{doc.subject}}", "description": description})["issue"]
	assert bench.documents.get("Issue", name)["description"] == (
		"From before:\n<p>a <b>b</b></p>\n<b>Notes</b><br>\n&lt;i&gt;<br>\nc"
	)
