"""Item 7: n8n and Restate, which are servers and are asked over HTTP, beside the site."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import frappe

import flow_editor
from benchmarks import flows, site
from benchmarks.measure import Figure, figure, in_turn, per_second, timed
from benchmarks.peer_web import N8n, Restate, Server
from benchmarks.site_memory import resident
from flow_editor.services import inbox
from flow_editor.site.host import SiteHost

#: n8n looks for waits that are due once a minute, so each of these takes two.
RESUMES = 3


def measure(host: SiteHost, rounds: int, size: float) -> Iterator[Figure]:
	runs = max(20, int(100 * size))
	waits = max(100, int(1000 * size))
	mine = a_workers_memory(host, waits)
	for engine, target in ((N8n, 10), (Restate, None)):
		with tempfile.TemporaryDirectory() as folder:
			peer = engine(Path(folder))
			try:
				yield from instant(peer, rounds, runs, target)
				if isinstance(peer, N8n):
					yield from resuming(host, peer, waits)
					yield memory(mine, peer)
			finally:
				peer.close()
	site.clear()


def instant(peer: Server, rounds: int, runs: int, target: float | None) -> Iterator[Figure]:
	site.clear()
	site.template(flows.chain(10))
	about = site.document()

	def ours() -> None:
		for _ in range(runs):
			flow_editor.dispatch_event(site.EVENT, about)
			frappe.db.commit()

	for at_once, how in ((1, "one at a time"), (4, "with four at once")):
		pairs = in_turn(ours, lambda at_once=at_once: peer.run(runs, at_once), rounds)
		mine, theirs = pairs.medians
		yield figure(
			"7",
			f"Durable runs of ten steps a second on the site, one process, one at a time, against {peer.name} {peer.version}, {how}",
			pairs.ratios(speed=True),
			target,
			at_most=False,
			detail=f"{per_second(runs, mine)} against {per_second(runs, theirs)}",
		)


def resuming(host: SiteHost, peer: N8n, count: int) -> Iterator[Figure]:
	flow = waiting()

	def ours() -> float:
		site.clear_runs()
		site.insert_waiting_runs(flow, count)
		return timed(lambda: drain(host, count))

	pairs = in_turn(ours, lambda: peer.resume(count), RESUMES)
	mine, theirs = pairs.medians
	yield figure(
		"7",
		f"{count:,} waits that come due at one instant, each with ten steps behind it, one process, against {peer.name} {peer.version}",
		pairs.ratios(speed=True),
		10,
		at_most=False,
		detail=f"{per_second(count, mine)} against {per_second(count, theirs)}",
	)


def waiting():
	"""A flow of a wait and ten steps behind it."""
	return site.template(flows.chain(11, trigger={"type": "after_delay", "delay_days": 3}))


def drain(host: SiteHost, count: int) -> None:
	assert inbox.drain(host).worked == count


def a_workers_memory(host: SiteHost, count: int) -> float:
	"""What this process holds, in MB, once it has worked so many waits off and before it has talked to anybody else."""
	site.insert_waiting_runs(waiting(), count)
	drain(host, count)
	held = resident()
	site.clear()  # its flow listens to the event that is raised next
	return held


def memory(mine: float, peer: N8n) -> Figure:
	theirs = peer.memory / 2**20
	return figure(
		"7",
		f"Memory of the process that does it, against {peer.name} {peer.version}",
		[mine / theirs],
		detail=f"{mine:.0f} MB against {theirs:.0f} MB",
	)
