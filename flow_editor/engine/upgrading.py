"""What earlier versions wrote of a step, as this one writes it.

It is done as a run is read, and for ever: runs wait for years. Nothing is forgotten that is not known here. The rows of the inbox
are brought up to date by `services.old_rows`.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

from flow_editor.engine.machine import DONE, LANES, PENDING, WAITING


def upgrade(entry: MutableMapping[str, Any]) -> None:
	"""Bring one step's entry up to date, in place.

	- Up to version 0.3.0 a step that waits for somebody was pending and said `waiting`. It is a state now.
	- Up to version 0.2.0 the lane that a step took was kept with its result alone. It is the engine's own record now.
	"""
	if entry.pop("waiting", False) and entry.get("status") == PENDING:
		entry["status"] = WAITING
	if entry.get("status") == DONE and LANES not in entry:
		result = entry.get("result")
		if isinstance(result, Mapping) and isinstance(result.get("branch"), str):
			entry[LANES] = [result["branch"]]
