"""DBOS on SQLite: the same ten steps, durable. A process of its own, told how many runs to make.

python -m benchmarks.peer_dbos FOLDER     then a number a line; answers with the seconds it took
"""

from __future__ import annotations

import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]


class Peer:
	"""DBOS in a process of its own.

	Args:
		python: one that has it installed.
		folder: where its database goes.
	"""

	def __init__(self, python: Path | str, folder: Path | str):
		self._process = subprocess.Popen(
			[str(python), "-m", "benchmarks.peer_dbos", str(folder)],
			cwd=CHECKOUT,
			stdin=subprocess.PIPE,
			stdout=subprocess.PIPE,
			stderr=subprocess.DEVNULL,
			text=True,
		)
		self.version = self._process.stdout.readline().strip()
		if not self.version:
			raise ImportError("DBOS did not start; is the extra `benchmark` installed?")

	def run(self, count: int) -> float:
		self._process.stdin.write(f"{count}\n")
		self._process.stdin.flush()
		return float(self._process.stdout.readline())

	def close(self) -> None:
		self._process.stdin.close()
		self._process.wait(timeout=60)


def main(folder: str) -> None:
	from dbos import DBOS

	config = {"name": "peer", "system_database_url": f"sqlite:///{folder}/dbos.sqlite", "log_level": "ERROR"}
	DBOS(config=config)

	@DBOS.step()
	def step(number: int) -> dict[str, int]:
		return {"n": number}

	@DBOS.workflow()
	def chain() -> int:
		return sum(step(number)["n"] for number in range(10))

	DBOS.launch()
	chain()
	print(version("dbos"), flush=True)
	for line in sys.stdin:
		began = time.perf_counter()
		for _ in range(int(line)):
			assert chain() == 45
		print(time.perf_counter() - began, flush=True)
	DBOS.destroy()


if __name__ == "__main__":
	main(sys.argv[1])
