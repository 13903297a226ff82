"""Item 9: the editor in headless Chromium: opening a flow, keys, a drag and a save, at 10, 100 and 300 steps.

What is measured is what a person waits for: from the click, the key or the drop to the end of the next frame that shows
what came of it; for a save, to the server's answer. A figure is that time over the time allowed.
"""

from __future__ import annotations

import logging
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "browser"))
import places

from benchmarks.measure import Figure, figure

SIZES = (10, 100, 300)
#: Milliseconds: the flow opens within a second, and each key or drag answers within a tenth of one.
OPEN, ANSWER = 1000, 100
KEYS = (
	"ArrowDown",
	"Alt+ArrowUp",
	"Alt+ArrowDown",
	"Control+d",
	"Control+z",
	"Control+y",
	"Delete",
	"Control+z",
)
#: The time until what is on the screen is new: the frame after the event is drawn.
FRAME = "done => requestAnimationFrame(() => setTimeout(done))"


def measure(rounds: int, size: float) -> Iterator[Figure]:
	chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
	if chromium is None:
		print("!! Item 9 is LEFT OUT: there is no Chromium on this machine.")
		return
	logging.getLogger("werkzeug").setLevel(logging.ERROR)
	with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
		browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
		lab = places.Lab(browser, Path(folder))
		for steps in SIZES:
			name = lab.create(f"of_{steps}_steps", flow(steps))
			yield _figure(
				"Opening", steps, OPEN, [opened(lab, name, steps) for _ in range(max(3, rounds // 3))]
			)
			yield _figure("Keys", steps, ANSWER, keys(lab, steps, max(1, rounds // 5)))
			yield _figure("A drag", steps, ANSWER, drags(lab, max(2, rounds // 4)))
			yield _figure("A save", steps, OPEN, saves(lab, max(2, rounds // 4)))
		lab.close()
		browser.close()


def _figure(what: str, steps: int, allowed: int, taken: list[float]) -> Figure:
	detail = f"{statistics.median(taken):.0f} ms, at worst {max(taken):.0f}, against {allowed} ms"
	return figure("9", f"{what} at {steps} steps", [ms / allowed for ms in taken], 1, detail=detail)


def flow(count: int) -> list[dict[str, Any]]:
	"""Conditions with a step in each lane, one below the other."""
	steps: list[dict[str, Any]] = []
	before: list[str] = []
	for number in range(count):
		block, part = divmod(number, 4)
		ask = f"ask_{block}"
		if part == 0:
			condition = {"field": "doc.x", "op": "==", "value": "1"}
			steps.append({"id": ask, "kind": "condition", "depends_on": before, "payload": condition})
		elif part < 3:
			branch = ("yes", "no")[part - 1]
			steps.append({"id": f"{branch}_{block}", "kind": "wait", "parent_id": ask, "branch": branch})
		else:
			steps.append({"id": f"after_{block}", "kind": "wait", "depends_on": [ask]})
			before = [f"after_{block}"]
	return steps


def opened(lab: places.Lab, name: str, steps: int) -> float:
	"""From the click in the list to the last card."""
	page = lab.open_flows()
	page.evaluate(
		"""([name, steps]) => {
			const began = performance.now();
			window.taken = new Promise(done => {
				const drawn = () => document.querySelectorAll(".fe-card").length >= steps;
				const look = () => drawn() ? requestAnimationFrame(() => setTimeout(() => done(performance.now() - began))) : requestAnimationFrame(look);
				look();
			});
			document.querySelector(`.fe-templates a[href*="${name}"]`).click();
		}""",
		[name, steps],
	)
	taken = page.evaluate("() => window.taken")
	page.wait_for_selector(".fe-pill >> text=/problem/i")
	return taken


def keys(lab: places.Lab, steps: int, rounds: int) -> list[float]:
	page = lab.page
	page.locator(".fe-card").nth(steps // 2).focus()
	return [
		_answered(page, "keydown", lambda key=key: page.keyboard.press(key))
		for _ in range(rounds)
		for key in KEYS
	]


def drags(lab: places.Lab, rounds: int) -> list[float]:
	"""The drop of a card on the one below it, and back by undo."""
	page = lab.page
	taken = []
	for _ in range(rounds):
		card, below = (
			page.locator(".fe-content > .fe-lane > .fe-list > .fe-node > .fe-card").nth(n) for n in (0, 1)
		)
		card.scroll_into_view_if_needed()
		card.locator(".fe-name").hover()
		page.mouse.down()
		box = below.bounding_box()
		page.mouse.move(box["x"] + 20, box["y"] + box["height"] - 6, steps=6)
		page.wait_for_timeout(150)
		taken.append(_answered(page, "drop", page.mouse.up))
		page.keyboard.press("Control+z")
	return taken


def saves(lab: places.Lab, rounds: int) -> list[float]:
	page = lab.page
	taken = []
	for number in range(rounds):
		page.locator(".fe-card").first.focus()
		page.keyboard.press("Delete" if number % 2 else "Control+d")
		page.wait_for_selector("text=Not saved")
		page.evaluate(
			"""() => {
				const began = performance.now();
				const saved = () => ![...document.querySelectorAll(".fe-pill")].some(pill => pill.textContent === "Not saved");
				window.taken = new Promise(done => {
					const look = () => saved() ? done(performance.now() - began) : requestAnimationFrame(look);
					document.querySelector(".fe-dialog-head button.primary").click();
					requestAnimationFrame(look);
				});
			}"""
		)
		taken.append(page.evaluate("() => window.taken"))
	return taken


def _answered(page: places.Page, event: str, do: Callable[[], Any]) -> float:
	"""The milliseconds from an event to the end of the frame after it."""
	page.evaluate(
		f"""() => {{ window.taken = new Promise(done => window.addEventListener("{event}", () => {{
			const began = performance.now();
			({FRAME})(() => done(performance.now() - began));
		}}, {{ capture: true, once: true }})) }}"""
	)
	do()
	taken = page.evaluate("() => window.taken")
	page.wait_for_timeout(60)
	return taken
