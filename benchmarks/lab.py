"""Item 7 on the lab: durable runs of ten steps in an SQLite file, against DBOS on another."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks import flows
from benchmarks.measure import Figure, figure, in_turn, per_second
from benchmarks.peer_dbos import Peer
from flow_editor.lab.host import LabHost
from flow_editor.services import inbox, templates
from flow_editor.services.listening import dispatch_event

EVENT = "on_issue_opened"


def measure(rounds: int, size: float) -> Iterator[Figure]:
	runs = max(10, int(100 * size))
	with tempfile.TemporaryDirectory() as folder:
		host = LabHost(str(Path(folder) / "lab.db"))
		with host.store.transaction():
			definition = json.dumps(flows.chain(10))
			templates.create(
				host,
				{
					"template_name": "Ten steps",
					"flow_definition": definition,
					"trigger_event": EVENT,
					"is_active": 1,
				},
			)
		try:
			peer = Peer(sys.executable, folder)
		except ImportError as missing:
			print(f"!! DBOS is LEFT OUT: {missing}")
			return

		def ours() -> None:
			for _ in range(runs):
				with host.store.transaction():
					dispatch_event(host, EVENT)
				inbox.drain(host)

		other = max(3, runs // 5)
		pairs = in_turn(ours, lambda: peer.run(other) * runs / other, rounds)
		peer.close()
		host.store.close()
	mine, theirs = pairs.medians
	yield figure(
		"7",
		f"Durable runs of ten steps a second in the lab, one at a time, against DBOS {peer.version}, both on SQLite",
		pairs.ratios(speed=True),
		10,
		at_most=False,
		detail=f"{per_second(runs, mine)} against {per_second(runs, theirs)}",
	)
