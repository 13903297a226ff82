"""The short form of `make test-chaos`: see chaos.py."""

from __future__ import annotations

from dataclasses import asdict

import chaos

KILLS = 60


def test_nothing_is_lost_or_doubled_when_processes_are_killed(site):
	counts = chaos.attack(KILLS)
	print(f"\nchaos: {asdict(counts)}")
	assert counts.kills >= KILLS and counts.at_a_commit and counts.runs and counts.effects
	assert (counts.lost, counts.doubled) == (0, 0), asdict(counts)
