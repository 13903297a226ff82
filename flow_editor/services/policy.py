"""What an advance may do, and what its steps read meanwhile."""

from __future__ import annotations

from flow_editor.engine.context import Scope
from flow_editor.engine.definition import Flow
from flow_editor.engine.records import Run
from flow_editor.services.due import Times
from flow_editor.services.host import Host


class HeldBack(Exception):
	"""The step needs more than the policy lets the advance do."""


class Policy:
	"""What an advance may do: anything. See `head` for one that may do less.

	An advance that `holds_back` takes steps of self-contained kinds alone, and gives up on none: one that needs more, or
	fails, is left as it was, and the advance says so by `is_held_back`.
	"""

	holds_back = False
	#: Whether the run's document is known to be there.
	has_seen_the_document = False

	def scope(self, host: Host, run: Run) -> Scope:
		"""What its steps read."""
		return Scope(host, run)

	def times(self, host: Host, run: Run, flow: Flow, scope: Scope) -> Times:
		"""What its steps wait for."""
		return Times(host, run, flow, scope)


ANYTHING = Policy()
