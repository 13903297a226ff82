"""A store for runs that are looked at while they move: their steps' states stay in memory as they are.

Reading and writing a run as JSON takes as long as it has steps. That is nothing once, but a simulation of ten
thousand steps that each wait for their time would do it ten thousand times.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from flow_editor.engine.records import Pending, Run
from flow_editor.trial.store import TrialStore


class LiveState(dict):
	"""A run's `step_state` that can be what it was before this transaction."""

	def __init__(self, entries: dict[str, dict[str, Any]]):
		super().__init__(entries)
		#: By step id, what the entries were that this transaction has looked at; None, if there was none.
		self._before: dict[str, dict[str, Any] | None] = dict.fromkeys(entries)

	def __getitem__(self, step_id: str) -> dict[str, Any]:
		entry = super().__getitem__(step_id)
		if step_id not in self._before:
			self._before[step_id] = dict(entry)
		return entry

	def get(self, step_id: str, default: Any = None) -> Any:
		return self[step_id] if step_id in self else default

	def __setitem__(self, step_id: str, entry: dict[str, Any]) -> None:
		if step_id not in self._before:
			self._before[step_id] = super().get(step_id)
		super().__setitem__(step_id, entry)

	def keep(self) -> None:
		self._before.clear()

	def undo(self) -> None:
		for step_id, entry in self._before.items():
			if entry is None:
				super().pop(step_id, None)
			else:
				super().__setitem__(step_id, entry)


class LiveStore(TrialStore):
	"""Keeps everything in SQLite except the states of steps."""

	saved_of_run = tuple(column for column in TrialStore.saved_of_run if column != "step_state")

	def __init__(self, *args: Any):
		super().__init__(*args)
		self._states: dict[str, LiveState] = {}

	@contextmanager
	def transaction(self, *, follows: bool = False) -> Iterator[None]:
		with super().transaction(follows=follows):
			for state in self._states.values():
				state.keep()
			try:
				yield
			except BaseException:
				for state in self._states.values():
					state.undo()
				raise

	def insert_run(self, run: Run, rows: Sequence[Pending] = (), *, is_free: bool = False) -> bool:
		inserted = super().insert_run(run, rows, is_free=is_free)
		if inserted:
			run.step_state = self._states[run.name] = LiveState(run.step_state)
		return inserted

	def run(self, name: str, *, lock: bool = False) -> Run:
		return self._with_state(super().run(name, lock=lock))

	def lock_runs(self, names: Collection[str]) -> dict[str, Run]:
		return {name: self._with_state(run) for name, run in super().lock_runs(names).items()}

	def holder(self, reentry_key: str) -> Run | None:
		found = super().holder(reentry_key)
		return found and self._with_state(found)

	def runs(self, *args: Any, **kwargs: Any) -> list[Run]:
		return [self._with_state(run) for run in super().runs(*args, **kwargs)]

	def _with_state(self, run: Run) -> Run:
		run.step_state = self._states[run.name]
		return run
