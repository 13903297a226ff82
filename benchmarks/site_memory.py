"""Item 8: whether a worker's memory stays where it is, over 100,000 runs."""

from __future__ import annotations

import gc
from collections.abc import Iterator

from benchmarks import flows, site
from benchmarks.measure import Figure, figure
from flow_editor.services import inbox
from flow_editor.site.host import SiteHost

#: How many runs warm the caches up before the first look.
WARM_UP = 0.1


def measure(host: SiteHost, rounds: int, size: float) -> Iterator[Figure]:
	flow = site.template(flows.chain(10, trigger={"type": "after_delay", "delay_days": 3}))
	count = max(1000, int(100_000 * size))
	step = min(10_000, count // 10)
	seen: list[float] = []
	for _ in range(count // step):
		site.clear_runs()
		site.insert_waiting_runs(flow, step)
		assert inbox.drain(host).worked == step
		gc.collect()
		seen.append(resident())
	first, last = seen[int(len(seen) * WARM_UP)], seen[-1]
	yield figure(
		"8",
		f"A worker's memory after {count:,} runs, against after the first {int(count * WARM_UP):,}",
		[value / first for value in (last, *seen[-3:-1])],
		1.05,
		detail=f"{last:.0f} MB against {first:.0f} MB",
	)
	site.clear()


def resident() -> float:
	"""What this process holds of the machine's memory, in MB."""
	with open("/proc/self/status") as lines:
		(kilobytes,) = (line.split()[1] for line in lines if line.startswith("VmRSS"))
	return int(kilobytes) / 1024
