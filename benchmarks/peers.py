"""Item 7: n8n and Restate, which are servers and are asked over HTTP, beside the site."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import frappe

from benchmarks import flows, site
from benchmarks.measure import Figure, figure, in_turn, per_second, timed
from benchmarks.peer_web import N8n, Restate, Server
from benchmarks.site_memory import resident
from flow_editor.services import inbox
from flow_editor.site.host import SiteHost

#: n8n looks for waits that are due once a minute, so each of these takes two.
RESUMES = 3
#: A process that is connected before it is told how many events to raise.
RAISER = """
import sys
sys.path.insert(0, sys.argv[1])
import frappe
import flow_editor
from benchmarks import site
frappe.init(site=site.SITE); frappe.connect(); frappe.local.conf.allow_tests = False
about = frappe.get_doc(site.DOCTYPE, sys.argv[2])
frappe.db.commit()
print("ready", flush=True)
for line in sys.stdin:
	for _ in range(int(line)):
		flow_editor.dispatch_event(site.EVENT, about)
		frappe.db.commit()
	print("done", flush=True)
"""


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
	for at_once, how in ((1, "one at a time"), (4, "four at once on both sides")):
		with Raisers(at_once, about.name) as ours:
			pairs = in_turn(
				lambda ours=ours: ours.run(runs), lambda at_once=at_once: peer.run(runs, at_once), rounds
			)
		mine, theirs = pairs.medians
		yield figure(
			"7",
			f"Durable runs of ten steps a second on the site, {how}, against {peer.name} {peer.version}",
			pairs.ratios(speed=True),
			target,
			at_most=False,
			detail=f"{per_second(runs, mine)} against {per_second(runs, theirs)}",
		)


class Raisers:
	"""So many processes that raise events, as the processes of a site's web server would.

	Args:
		about: the name of the document that the events are about.
	"""

	def __init__(self, at_once: int, about: str):
		script = [sys.executable, "-W", "ignore", "-c", RAISER, str(Path(__file__).parents[1]), about]
		self._processes = [
			subprocess.Popen(script, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
			for _ in range(at_once)
		]

	def __enter__(self) -> Raisers:
		for process in self._processes:
			assert process.stdout.readline().strip() == "ready"
		return self

	def __exit__(self, *error: object) -> None:
		for process in self._processes:
			process.stdin.close()
			process.wait(timeout=60)

	def run(self, count: int) -> float:
		"""The seconds until so many runs are completed and committed, shared among the processes."""
		share = count // len(self._processes)
		before = completed()
		began = time.perf_counter()
		for process in self._processes:
			process.stdin.write(f"{share}\n")
			process.stdin.flush()
		for process in self._processes:
			assert process.stdout.readline().strip() == "done"
		seconds = time.perf_counter() - began
		done = share * len(self._processes)
		assert completed() - before == done
		return seconds * count / done


def completed() -> int:
	frappe.db.rollback()  # to see what others have committed
	return frappe.db.count("Flow Run", {"status": "completed"})


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
