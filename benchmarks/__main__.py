"""Takes the figures, and writes them into docs/performance.md.

    python -m benchmarks lab [--rounds N] [--size F] [--only MODULE]…
    python -m benchmarks browser […]
    python -m benchmarks site […]
    python -m benchmarks peers […]

`lab` needs the extra `benchmark`, `browser` the extra `test` and Chromium, `site` a bench (see benchmarks.site), and
`peers` a bench and what is installed in benchmarks/peers.
`--size 0.1` is a short run: a tenth of the rows and rounds. Without `--only`, the table, the plot and the data
behind them are written anew.
"""

from __future__ import annotations

import argparse
import fcntl
import importlib
import signal
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(CHECKOUT))

from benchmarks import report

MODULES = {
	"lab": ("engine", "lab"),
	"browser": ("browser",),
	"site": ("site_events", "site_drain", "site_peers", "site_memory", "site_scale"),
	"peers": ("peers",),
}
ON_A_BENCH = ("site", "peers")


def main() -> None:
	parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__.split("\n")[0])
	parser.add_argument("where", choices=tuple(MODULES))
	parser.add_argument("--rounds", type=int, default=15, help="pairs that a figure is the median of")
	parser.add_argument("--size", type=float, default=1.0, help="how many rows, runs and steps, as a factor")
	parser.add_argument("--only", action="append", metavar="MODULE", help="measure this, and write nothing")
	chosen = parser.parse_args()
	# Whoever ends it wants the site's flows on again, and the peers' servers ended.
	signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
	with open(__file__) as own:
		try:
			fcntl.flock(own, fcntl.LOCK_EX | fcntl.LOCK_NB)
		except BlockingIOError:
			sys.exit(
				"Another measurement is under way, and each would measure the other. Wait for it to end."
			)
		take(chosen)


def take(chosen: argparse.Namespace) -> None:
	"""Take the chosen figures and write them down."""
	names = chosen.only or MODULES[chosen.where]
	modules = [importlib.import_module(f"benchmarks.{name}") for name in names]
	figures = []
	if chosen.where not in ON_A_BENCH:
		for module in modules:
			figures += show(module.measure(chosen.rounds, chosen.size))
	else:
		from benchmarks.site import PLANS, site

		with site() as host:
			for module in modules:
				figures += show(module.measure(host, chosen.rounds, chosen.size))
			if not chosen.only:
				write(chosen, figures, PLANS)
	if chosen.where not in ON_A_BENCH and not chosen.only:
		write(chosen, figures)


def write(chosen, figures, plans=()) -> None:
	report.write(
		CHECKOUT / "docs", chosen.where, figures, rounds=chosen.rounds, size=chosen.size, plans=plans
	)


def show(figures):
	for figure in figures:
		print(report.line(figure), flush=True)
		yield figure


if __name__ == "__main__":
	main()
