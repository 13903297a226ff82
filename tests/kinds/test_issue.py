from __future__ import annotations


def test_it_opens_an_issue_for_the_customer(bench):
	bench.documents.put("Issue Priority", "High")
	bench.documents.put("Issue Type", "Outage")
	name = bench.do(
		"issue",
		{"subject": "{{doc.subject}}!", "priority": "high", "issue_type": "OUTAGE", "description": "d"},
	)["issue"]
	assert bench.documents.get("Issue", name) == {
		"name": name,
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
	assert bench.documents.get("Issue", name) == {"name": name, "subject": "a"}
