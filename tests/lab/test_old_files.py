"""A lab's file that an earlier version has written is read as this one writes it."""

from __future__ import annotations

from flow_editor.engine.host import CALL, FIRE, SIDE_CALL, Pending
from flow_editor.lab.host import LabHost


def test_calls_beside_a_step_are_named(tmp_path):
	path = str(tmp_path / "lab.db")
	host = LabHost(path)
	request = {"url": "https://x.test", "json": {"beside": True}}
	snapshots = {
		SIDE_CALL: [(CALL, {"request": request, "beside": True})],
		CALL: [(CALL, {"request": request}), (CALL, None)],
		FIRE: [(FIRE, {"beside": True})],
	}
	wanted = {}
	with host.store.transaction():
		for after, rows in snapshots.items():
			for purpose, snapshot in rows:
				row = Pending("FR-00001", "a", purpose, context_snapshot=snapshot)
				host.store.insert_pending([row])
				wanted[row.name] = after
	host.store.close()
	for _ in range(2):
		host = LabHost(path)
		assert {row.name: row.purpose for row in host.store.pending({})} == wanted
		host.store.close()
