"""What one transaction writes of flows under way.

Advances decide, and add what they decided to a Work; the Work writes it, at one place and in one order:

1. the runs, each as its advance left it. A run that has just failed is followed by what its failure leads to, since that
   looks at how the last runs ended;
2. what is withdrawn, before anything new, lest it be withdrawn too;
3. the new rows of the inbox, which name runs that are stored by then;
4. the rows that were worked. From here on the claim is known to have held: whatever another worker has taken over is
   rolled back, with all that stands above;
5. who hears of it: open views by message, a worker by a poke, both after the commit.

A Work decides nothing, reads nothing, and opens no transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from flow_editor.engine.errors import Conflict
from flow_editor.engine.outcome import Outcome
from flow_editor.engine.records import ROW_COMPLETED, Pending, Run
from flow_editor.services import failures
from flow_editor.services.host import Host


class LostClaim(Exception):
	"""The inbox row is no longer this worker's, so nothing it did may be kept."""


@dataclass(frozen=True, slots=True)
class Settled:
	"""How a claimed row is left: settled, or given back to be due `again_at`, as a try of it if that `counts`."""

	row: Pending
	status: str = ROW_COMPLETED
	error: str = ""
	again_at: datetime | None = None
	counts: bool = True

	@property
	def is_kept(self) -> bool:
		return self.again_at is None and self.status == ROW_COMPLETED


@dataclass(slots=True)
class Work:
	"""What is to be written at the end of a transaction.

	Args:
		over: why runs have to end with their document, by their names, as far as the caller has asked; None: each has to.
	"""

	host: Host
	over: Mapping[str, str] | None = None
	_outcomes: list[Outcome] = field(default_factory=list)
	_heard: list[Outcome] = field(default_factory=list)
	_withdrawn: list[Run] = field(default_factory=list)
	_cancelled: list[tuple[str, str | None]] = field(default_factory=list)
	_promises: list[Pending] = field(default_factory=list)
	_settled: list[Settled] = field(default_factory=list)

	# What is decided

	def change(self, outcome: Outcome) -> None:
		"""Store a run as it is by then, and have its outcome told."""
		self._outcomes.append(outcome)

	def promise(self, rows: Collection[Pending]) -> None:
		"""Add rows to the inbox."""
		self._promises += rows

	def withdraw(self, run: Run) -> None:
		"""Take back what an ended run waits for; see `Store.withdraw`."""
		self._withdrawn.append(run)

	def cancel(self, run: str, step_id: str | None = None) -> None:
		"""Cancel the rows of a run, or of one of its steps; see `Store.cancel_pending`."""
		self._cancelled.append((run, step_id))

	def settle(self, settled: Settled) -> None:
		"""Leave a claimed row like that."""
		self._settled.append(settled)

	# How it is written

	def write(self) -> None:
		"""Write it all. The Work is empty after that.

		Raises:
			LostClaim: a row has been taken over meanwhile.
			Conflict: a run may not go on beside another of its flow.
		"""
		host = self.host
		self.write_runs()
		for run in self._withdrawn:
			host.store.withdraw(run.name)
		for run_name, step_id in self._cancelled:
			host.store.cancel_pending(run_name, step_id)
		if self._promises:
			host.store.insert_pending(self._promises)
		self._settle()
		for outcome in self._heard:
			if outcome.failed_call:
				failures.call_failed(host, outcome.run, outcome.failed_call)
			host.run_changed(outcome)
		# The drain that works a row looks again by itself.
		if not self._settled and any(is_due(row, host.now()) for row in self._promises):
			host.poke()
		for written in (self._heard, self._withdrawn, self._cancelled, self._promises, self._settled):
			written.clear()

	def write_runs(self) -> None:
		"""Write the runs alone, ahead of the rest: a step is about to change documents, and what that sets off looks at
		runs."""
		together: dict[str, Run] = {}
		for outcome in self._outcomes:
			together[outcome.run.name] = outcome.run
			if outcome.has_failed:
				self._save(list(together.values()))
				together.clear()
				failures.run_failed(self.host, outcome.run, outcome.failed_step)
		self._save(list(together.values()))
		self._heard += self._outcomes
		self._outcomes.clear()

	def _save(self, runs: list[Run]) -> None:
		if runs and not self.host.store.save_runs(runs):
			named = f"{runs[0].flow_template}" if len(runs) == 1 else "the same flow"
			raise Conflict(f"Another run of {named} is on for the same document. Let it end first.")

	def _settle(self) -> None:
		store, now = self.host.store, self.host.now()
		kept = [settled.row for settled in self._settled if settled.is_kept]
		if kept and not store.finish_together(kept, now):
			raise LostClaim(", ".join(row.name for row in kept))
		for settled in self._settled:
			if settled.is_kept:
				continue
			row = settled.row
			if settled.again_at is not None:
				ours = store.postpone(row, settled.again_at, settled.error, counts=settled.counts)
			else:
				ours = store.finish(row, settled.status, now, settled.error)
			if not ours:
				raise LostClaim(row.name)


def is_due(row: Pending, now: datetime) -> bool:
	return row.trigger_at is not None and row.trigger_at <= now
