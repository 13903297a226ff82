"""Item 7 on the site: durable runs of ten steps, one at a time, against DBOS on SQLite."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import frappe

import flow_editor
from benchmarks import flows, site
from benchmarks.measure import Figure, figure, in_turn, per_second
from benchmarks.peer_dbos import Peer
from flow_editor.services import inbox
from flow_editor.site.host import SiteHost

#: Where `make benchmark` installs the peers.
PYTHON = Path(__file__).resolve().parents[1] / ".venv" / "bin" / "python"


def measure(host: SiteHost, rounds: int, size: float) -> Iterator[Figure]:
	with tempfile.TemporaryDirectory() as folder:
		try:
			peer = Peer(PYTHON, folder)
		except (ImportError, FileNotFoundError) as missing:
			print(f"!! DBOS is LEFT OUT: {missing}")
			return
		try:
			yield from against(host, peer, rounds, max(10, int(100 * size)))
		finally:
			peer.close()
	site.clear()


def against(host: SiteHost, peer: Peer, rounds: int, runs: int) -> Iterator[Figure]:
	site.template(flows.chain(10))
	about = site.document()

	def at_once() -> None:
		for _ in range(runs):
			flow_editor.dispatch_event(site.EVENT, about)
			frappe.db.commit()

	def one_by_one() -> None:
		with site.by_a_worker():
			for _ in range(runs):
				flow_editor.dispatch_event(site.EVENT, about)
				frappe.db.commit()
				inbox.drain(host)

	def together() -> None:
		with site.by_a_worker():
			at_once()
			inbox.drain(host)

	other = max(3, runs // 5)
	for what, ours in (
		("one at a time", at_once),
		("one at a time, by a worker", one_by_one),
		(f"by a worker, {runs} events before a drain", together),
	):
		pairs = in_turn(ours, lambda: peer.run(other) * runs / other, rounds)
		mine, theirs = pairs.medians
		yield figure(
			"7",
			f"Durable runs of ten steps a second on the site, one process, {what}, against DBOS {peer.version} on SQLite",
			pairs.ratios(speed=True),
			10,
			at_most=False,
			detail=f"{per_second(runs, mine)} against {per_second(runs, theirs)}",
		)
