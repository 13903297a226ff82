"""The kill test's short form. The long one is `make test-chaos`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import bench


def test_nothing_is_lost_or_doubled_whatever_is_killed(site):
	kills = int(os.environ.get("FLOW_EDITOR_KILLS", "40"))
	done = subprocess.run(
		[sys.executable, "-W", "ignore", str(Path(__file__).parent / "chaos.py"), "--kills", str(kills)],
		cwd=bench.BENCH / "sites",
		capture_output=True,
		text=True,
		timeout=60 + 10 * kills,
	)
	assert done.stdout, done.stderr[-3000:]
	counted = json.loads(done.stdout)
	print("\n" + done.stdout)
	assert (counted["lost"], counted["doubled"]) == (0, 0), done.stdout
	assert counted["kills"] >= kills and counted["effects"] > counted["runs"] > 0
	assert done.returncode == 0, done.stderr[-3000:]
