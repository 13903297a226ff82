from __future__ import annotations

from datetime import datetime

import pytest

from flow_editor.engine.records import JSON, MOMENT, NUMBER, Codec, Pending, Run, changing, columns

AT = datetime(2026, 11, 23, 9)
CODEC = Codec(
	json=str.upper, sentence=lambda text: f"<{text}>", moment=str, read_moment=datetime.fromisoformat
)


@pytest.mark.parametrize(
	"record",
	[
		Run(
			"FT-1",
			2,
			name="FR-1",
			step_state={"a": {"status": "done"}},
			started_at=AT,
			depth=1,
			ends_with_document=1,
		),
		Run("FT-1", 1),
		Pending("FR-1", "a", trigger_at=AT, context_snapshot={"request": {"url": "https://example.com"}}),
		Pending("FR-1"),
	],
)
def test_a_record_comes_back_from_its_columns_as_it_was(record):
	plain = Codec()
	names = columns(type(record))
	assert plain.record(type(record), names, plain.row(record, names)) == record


def test_each_field_is_written_as_what_it_is_and_what_is_empty_as_nothing():
	run = Run("FT-1", 2, started_at=AT, error="Broken", variables={"a": 1})
	names = (
		"variables",
		"started_at",
		"error",
		"template_version",
		"flow_template",
		"completed_at",
		"customer",
	)
	assert CODEC.row(run, names) == ['{"A":1}', "2026-11-23 09:00:00", "<Broken>", 2, "FT-1", None, None]
	read = CODEC.record(
		Run, ("flow_template", "template_version", "started_at"), ["FT-1", None, "2026-11-23 09:00:00"]
	)
	assert (read.template_version, read.started_at, read.variables) == (0, AT, {})


def test_what_a_record_s_fields_are():
	assert changing(Run) == (
		"status",
		"variables",
		"step_state",
		"completed_at",
		"error",
		"stop_reason",
		"reentry_key",
	)
	assert columns(Run, JSON) == ("variables", "step_state", "kept_document") and columns(
		Pending, MOMENT
	) == (
		"trigger_at",
		"executed_at",
		"lease_until",
	)
	assert columns(Run, NUMBER) == ("template_version", "depth", "ends_with_document")
