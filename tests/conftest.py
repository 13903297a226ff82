"""What the whole suite shares: it says loudly what it left out."""

from __future__ import annotations

import os


def pytest_terminal_summary(terminalreporter):
	left_out = os.environ.get("FLOW_EDITOR_LEFT_OUT")
	if left_out:
		terminalreporter.section("LEFT OUT", sep="!", red=True, bold=True)
		terminalreporter.write_line(left_out)
