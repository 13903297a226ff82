"""A run that ends before its end, because a step says so."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stop:
	"""What a kind's `run` returns in place of a result to end the run.

	Args:
		status: what the run ends as: completed, cancelled or failed.
		reason: why, in a sentence; if empty, the step is named.
	"""

	status: str
	reason: str = ""
