"""How a figure is taken: as a ratio of two things done in turn, in one process, on one machine.

The median of the ratios of neighbouring pairs is the figure and their quartiles are its spread, so that a
machine that is busy for a while moves both sides of a pair and not the figure.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(slots=True)
class Figure:
	"""One line of the table.

	Args:
		item: the number of the thing measured, as docs/performance.md counts them.
		ratio: the median; `low` and `high` are the quartiles.
		target: what it is to be; `at_most` says on which side. None: nothing was promised.
		detail: both sides in their own units.
	"""

	item: str
	what: str
	ratio: float
	low: float
	high: float
	target: float | None = None
	at_most: bool = True
	detail: str = ""

	@property
	def is_met(self) -> bool | None:
		if self.target is None:
			return None
		return self.ratio <= self.target if self.at_most else self.ratio >= self.target

	def as_dict(self) -> dict[str, Any]:
		return asdict(self)


@dataclass(slots=True)
class Pairs:
	"""Seconds that two things took, pair by pair."""

	ours: list[float]
	theirs: list[float]

	def ratios(self, *, speed: bool = False) -> list[float]:
		"""Ours to theirs: of the time taken, or with `speed` of the rates."""
		pairs = zip(self.ours, self.theirs, strict=True)
		return [theirs / ours if speed else ours / theirs for ours, theirs in pairs]

	@property
	def medians(self) -> tuple[float, float]:
		return statistics.median(self.ours), statistics.median(self.theirs)


#: A clock: `time.perf_counter`, or for what is nothing but computing `time.process_time`, which others on the
#: machine disturb less.
Clock = Callable[[], float]


def in_turn(
	ours: Callable[[], Any], theirs: Callable[[], Any], rounds: int, clock: Clock = time.perf_counter
) -> Pairs:
	"""Do both `rounds` times, and first the one, then the other, first."""
	ours(), theirs()  # what is only done once is not measured
	pairs = Pairs([], [])
	for number in range(rounds):
		both = [(ours, pairs.ours), (theirs, pairs.theirs)]
		for do, seconds in both if number % 2 == 0 else reversed(both):
			seconds.append(timed(do, clock))
	return pairs


def timed(do: Callable[[], Any], clock: Clock = time.perf_counter) -> float:
	"""The seconds that something takes, or that it says it took."""
	gc.collect()
	began = clock()
	said = do()
	return said if isinstance(said, float) else clock() - began


def spread(values: Sequence[float]) -> tuple[float, float, float]:
	"""The median and the quartiles."""
	if len(values) < 2:
		return values[0], values[0], values[0]
	low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
	return middle, low, high


def figure(
	item: str,
	what: str,
	ratios: Sequence[float],
	target: float | None = None,
	*,
	at_most: bool = True,
	detail: str = "",
) -> Figure:
	ratio, low, high = spread(ratios)
	return Figure(item, what, ratio, low, high, target, at_most, detail)


def per_second(count: int, seconds: float) -> str:
	rate = count / seconds
	return f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.1f}/s"


def milliseconds(seconds: float) -> str:
	return f"{seconds * 1000:.2f} ms"
