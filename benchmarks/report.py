"""Figures as lines, as the table and the plot of docs/performance.md, and as the JSON behind both.

Each part, lab, browser, site and peers, is measured by a Python of its own and replaces its own figures alone.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.measure import Figure

TITLES = {
	"lab": "`make benchmark`",
	"browser": "`make benchmark`",
	"site": "`make benchmark-site`",
	"peers": "`make benchmark-peers`",
}
PACKAGES = ("frappe", "erpnext", "rq", "redis", "PyMySQL", "SpiffWorkflow", "dbos")


def line(figure: Figure) -> str:
	target = "" if figure.target is None else f"  target {_target(figure)}: {_met(figure)}"
	return (
		f"{figure.item:>2}  {figure.ratio:8.2f}  ({figure.low:.2f} to {figure.high:.2f})  {figure.what}; "
		f"{figure.detail}{target}"
	)


def write(
	docs: Path,
	where: str,
	figures: Iterable[Figure],
	*,
	rounds: int,
	size: float,
	plans: Iterable[tuple[str, str]] = (),
) -> None:
	data_file = docs / "performance.json"
	data: dict[str, Any] = json.loads(data_file.read_text()) if data_file.exists() else {}
	data[where] = {
		"machine": machine(),
		"versions": versions(where),
		"taken": f"{date.today():%Y-%m-%d}",
		"rounds": rounds,
		"size": size,
		"figures": [figure.as_dict() for figure in figures],
	}
	page = docs / "performance.md"
	text = page.read_text()
	if plans:
		data[where]["plans"] = [list(plan) for plan in plans]
	for half, measured in data.items():
		text = replace(text, half, table(half, measured))
		if "plans" in measured:
			rows = [f"| {name} | {plan} |" for name, plan in measured["plans"]]
			text = replace(text, "plans", "\n".join(["| query | plan |", "|---|---|", *rows]))
	page.write_text(text)
	data_file.write_text(json.dumps(data, indent="\t", ensure_ascii=False) + "\n")
	every = [Figure(**values) for half in data.values() for values in half["figures"]]
	(docs / "images" / "performance.svg").write_text(plot(every))


def replace(text: str, name: str, content: str) -> str:
	"""The text with what stands between the marks of that name replaced."""
	begin, end = f"<!-- {name}: written by benchmarks -->", f"<!-- end of {name} -->"
	before, _, rest = text.partition(begin)
	_, found, after = rest.partition(end)
	if not found:
		raise SystemExit(f"docs/performance.md has no place for {name}: {begin} … {end}")
	return f"{before}{begin}\n{content}\n{end}{after}"


def table(where: str, measured: dict[str, Any]) -> str:
	lines = [
		f"{TITLES[where]}, {measured['taken']}, {measured['rounds']} pairs a figure, size {measured['size']:g}, on "
		f"{measured['machine']}; {measured['versions']}.",
		"",
		"| item | what | ratio | quartiles | target | | both sides |",
		"|---|---|---|---|---|---|---|",
	]
	for values in measured["figures"]:
		figure = Figure(**values)
		lines.append(
			f"| {figure.item} | {figure.what} | **{figure.ratio:.2f}** | {figure.low:.2f} to {figure.high:.2f} "
			f"| {_target(figure)} | {_met(figure)} | {figure.detail} |"
		)
	return "\n".join(lines)


def _target(figure: Figure) -> str:
	if figure.target is None:
		return ""
	return f"{'≤' if figure.at_most else '≥'} {figure.target:g}"


def _met(figure: Figure) -> str:
	return {None: "", True: "met", False: "not met"}[figure.is_met]


def plot(figures: Iterable[Figure]) -> str:
	"""How far each figure stands from its target, as a logarithmic bar: to the right of the line it is met."""
	from math import log10

	shown = [figure for figure in figures if figure.target]
	left, width, row, reach = 560, 360, 22, 1.0
	height = row * len(shown) + 50
	middle = left + width / 2
	parts = [
		f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 80} {height}" font-family="sans-serif" font-size="12">',
		'<rect width="100%" height="100%" fill="#fff"/>',
		f'<line x1="{middle}" x2="{middle}" y1="24" y2="{height - 20}" stroke="#555"/>',
		f'<text x="{middle}" y="16" text-anchor="middle" fill="#333">the target</text>',
	]
	for times in (0.1, 0.3, 3, 10):
		x = middle + log10(times) / reach * width / 2
		parts.append(
			f'<text x="{x:.0f}" y="{height - 6}" text-anchor="middle" fill="#777">{times:g} ×</text>'
			f'<line x1="{x:.0f}" x2="{x:.0f}" y1="24" y2="{height - 20}" stroke="#ddd"/>'
		)
	for number, figure in enumerate(shown):
		y = 30 + number * row
		better = [
			figure.target / value if figure.at_most else value / figure.target
			for value in (figure.ratio, figure.low, figure.high)
		]
		ends = [middle + max(-reach, min(reach, log10(value))) / reach * width / 2 for value in better]
		x, low, high = ends
		colour = "#2e7d32" if figure.is_met else "#c62828"
		name = f"{figure.item}  {figure.what}"
		name = name if len(name) <= 92 else f"{name[:90]}…"
		parts.append(
			f'<text x="{left - 8}" y="{y + 13}" text-anchor="end" fill="#333">{_escaped(name)}</text>'
			f'<rect x="{min(x, middle):.1f}" y="{y + 3}" width="{max(1.5, abs(x - middle)):.1f}" height="13" fill="{colour}"/>'
			f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{y + 9.5}" y2="{y + 9.5}" stroke="#111" stroke-width="2"/>'
			f'<text x="{left + width + 6}" y="{y + 13}" fill="#333">{figure.ratio:.2f}</text>'
		)
	return "\n".join([*parts, "</svg>", ""])


def _escaped(text: str) -> str:
	return text.replace("&", "&amp;").replace("<", "&lt;")


def machine() -> str:
	with open("/proc/cpuinfo") as lines:
		names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
	memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
	return f"{len(names)} processors ({names[0] if names else platform.machine()}), {memory:.0f} GB"


def versions(where: str) -> str:
	found = [f"Python {platform.python_version()}"]
	for package in PACKAGES:
		try:
			found.append(f"{package} {version(package)}")
		except PackageNotFoundError:
			continue
	if where in ("site", "peers"):
		import frappe

		found.append(f"MariaDB {frappe.db.sql('SELECT VERSION()')[0][0].partition('-')[0]}")
	return ", ".join(found)
