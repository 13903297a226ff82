"""What a run keeps of the results of its steps.

The database takes a run in one packet, so all that its steps found has to fit. A result that does not is cut: its beginning
is kept for the eye alone, with its short values whole; see `engine.context.Results` for how steps read one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

#: The largest result kept on a step, in characters of JSON.
RESULT_LENGTH = 1_000_000
#: How much all steps of a run may keep together, in characters of JSON.
STATE_LENGTH = 2_000_000
#: What is no longer than this is kept in any case.
SHORT = 200
#: How much is kept of one that is larger.
BEGINNING_LENGTH = 16_000
#: How many short values of a result that is cut are kept beside its beginning.
MOST_KEPT = 20


class Keeping:
	"""Counts what a run holds, and keeps results within it.

	Args:
		step_state: the states of the run's steps as they are at first. It is counted when the first long one comes.
	"""

	def __init__(self, step_state: Mapping[str, Mapping[str, Any]]):
		self._step_state = step_state
		self._kept: int | None = None

	@property
	def most(self) -> int:
		"""How many characters of JSON the next result or error may have."""
		if self._kept is None:
			self._kept = len(json.dumps(self._step_state, ensure_ascii=False))
		return min(RESULT_LENGTH, max(SHORT, STATE_LENGTH - self._kept))

	def bounded(self, result: Any) -> Any:
		"""The result, or the beginning of it if it is too large to keep."""
		if not result:
			return result
		text = json.dumps(result, ensure_ascii=False)
		if len(text) <= SHORT:
			return result
		most = self.most
		if len(text) > most:
			text = text[: min(most, BEGINNING_LENGTH)]
			result = {**_short_values(result), "truncated": True, "text": text}
		self._kept = (self._kept or 0) + len(text)
		return result


def _short_values(result: Any) -> dict[str, Any]:
	"""What of a result that is cut stays whole: a branch that it took, a status."""
	if not isinstance(result, Mapping):
		return {}
	short = {
		key: value
		for key, value in result.items()
		if not isinstance(value, Mapping | list) and len(str(value)) + len(key) <= SHORT
	}
	return short if len(short) <= MOST_KEPT else {}
