from __future__ import annotations

from flow_editor.kinds import fitting


def test_a_line_fits_and_says_that_it_was_longer():
	assert fitting.line(" Two\nlines ") == "Two lines"
	assert fitting.line("x" * 140) == "x" * 140
	assert fitting.line("x" * 141) == "x" * 139 + "…"
	assert fitting.line("word " * 40).endswith("word…")


def test_two_long_keys_stay_two():
	one, other = fitting.key("x" * 200 + "1"), fitting.key("x" * 200 + "2")
	assert one != other and len(one) == len(other) == 140
	assert fitting.key("short") == "short" and fitting.key("x" * 200 + "1") == one
