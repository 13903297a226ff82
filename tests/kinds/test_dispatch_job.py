from __future__ import annotations

import pytest

from flow_editor.engine.logic import OPERATORS

JOB = "Dispatch Job"
PAYLOAD = {
	"subject": "Line of {{doc.subject}}",
	"job_type": "Repair",
	"priority": "low",
	"duration_h": 1.5,
	"assigned_group": "North",
	"merge_key": "repair-{{customer.name}}",
}


def test_it_creates_a_job(bench):
	result = bench.do("dispatch_job", PAYLOAD)
	job = bench.documents.get(JOB, result["job"])
	assert result["merged"] is False
	assert {name: job[name] for name in ("subject", "priority", "duration_h", "customer", "merge_key")} == {
		"subject": "Line of No signal",
		"priority": "low",
		"duration_h": 1.5,
		"customer": "CUST-1",
		"merge_key": "repair-CUST-1",
	}
	assert (job["reference_doctype"], job["reference_name"], job["flow_run"]) == (
		"Issue",
		"ISS-1",
		"FR-00001",
	)


def test_an_open_job_with_the_same_key_is_merged_into(bench):
	first = bench.do("dispatch_job", PAYLOAD)
	more = {**PAYLOAD, "subject": "More", "priority": "urgent", "duration_h": "2"}
	assert bench.do("dispatch_job", more) == {"job": first["job"], "merged": True}
	assert bench.do("dispatch_job", {**PAYLOAD, "priority": "medium"})["merged"]
	job = bench.documents.get(JOB, first["job"])
	assert (job["duration_h"], job["priority"], job["subject"]) == (5.0, "urgent", "Line of No signal")
	assert "More" in job["description"]
	bench.documents.update(JOB, first["job"], {"status": "Completed"})
	assert bench.do("dispatch_job", PAYLOAD)["merged"] is False


@pytest.mark.parametrize("key", ["", "repair-{{customer.name}}", "{{variables.none}}"])
def test_a_key_of_which_a_part_is_empty_merges_nothing(bench, key):
	bench.run.customer = ""
	jobs = {bench.do("dispatch_job", {"subject": "a", "merge_key": key})["job"] for _ in range(2)}
	assert len(jobs) == 2 and not any("merge_key" in bench.documents.get(JOB, job) for job in jobs)


def test_only_fields_that_the_site_has_are_set_in_its_own_spelling(bench):
	bench.documents.known[JOB] = {
		"subject": {"fieldtype": "Data"},
		"priority": {"fieldtype": "Select", "options": "\nLow\nMedium\nHigh"},
	}
	job = bench.documents.get(JOB, bench.do("dispatch_job", PAYLOAD)["job"])
	assert {name: job[name] for name in job if name not in ("doctype", "name", "status")} == {
		"subject": "Line of No signal",
		"priority": "Low",
	}


@pytest.mark.parametrize("duration", ["{{doc.subject}}", "-1", "nan", "inf"])
def test_a_duration_that_is_none_fails_for_good(bench, duration):
	assert "hours" in bench.fails("dispatch_job", {"subject": "a", "duration_h": duration})


def test_no_duration_is_none(bench):
	job = bench.do("dispatch_job", {"subject": "a", "duration_h": "{{variables.none}}"})["job"]
	assert "duration_h" not in bench.documents.get(JOB, job)


def test_it_calls_when_a_job_opens_and_when_it_closes(bench):
	hooks = {
		**PAYLOAD,
		"on_open_webhook": "https://x.test/open?c={{customer.customer_name}}",
		"on_close_webhook": "https://x.test/close",
	}
	ctx = bench.context("dispatch_job", hooks)
	job = bench.done(ctx)["job"]
	(opened, at_once), (closed, watch) = ctx.calls
	assert at_once is None and (watch.doctype, watch.name) == (JOB, job)
	for fields, closes in (
		({"status": "Open"}, False),
		({"status": "Completed"}, True),
		({"docstatus": 2, "status": "Open"}, True),
	):
		assert watch.holds({"doc": fields}, OPERATORS) == closes
	assert opened["url"] == "https://x.test/open?c=Ana%20%3Cb%3EBell%3C%2Fb%3E%20%26%20Co"
	assert (opened["json"]["event"], closed["json"]["event"]) == ("open", "close")
	assert opened["json"]["job"] == job and opened["json"]["customer"] == "CUST-1"
	merged = bench.context("dispatch_job", hooks)
	bench.done(merged)
	assert [call["json"]["event"] for call, _ in merged.calls] == ["close"]


def test_an_address_that_renders_empty_is_not_called(bench):
	ctx = bench.context("dispatch_job", {"subject": "a", "on_open_webhook": "{{variables.none}}"})
	bench.done(ctx)
	assert ctx.calls == []
