"""What an advance did to a run: what the timeline, live views, statistics and trials read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from flow_editor.engine.machine import StepChange
from flow_editor.engine.records import Run


@dataclass(slots=True)
class Outcome:
	"""What an advance did to a run. The run itself is as it was left."""

	run: Run
	#: The ids of the steps that fired, and of those that now wait for their time, in that order.
	executed: list[str] = field(default_factory=list)
	scheduled: list[str] = field(default_factory=list)
	#: Each step that has another state or was tried again, once, in the order in which that began.
	changes: Sequence[StepChange] = ()
	#: Whether this start had been made before, by the same key, so that nothing moved.
	repeated: bool = False
	#: Whether the run has failed now, and what its author calls the step that has; empty, if no step has.
	has_failed: bool = False
	failed_step: str = ""
	#: Why a call failed for good that the run is committed to and no longer waits for; empty, if none did.
	failed_call: str = ""
