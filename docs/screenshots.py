"""Takes the pictures that the README and the docs show, in headless Chromium.

.venv/bin/python docs/screenshots.py          of the lab
.venv/bin/python docs/screenshots.py desk     of the desk too, on the bench that tests/site/bench.py takes
"""

from __future__ import annotations

import logging
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

IMAGES = Path(__file__).parent / "images"
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "browser"))

import places

EMAIL = "flow-editor-pictures@example.com"
PORT = 8765


def main(where: list[str]) -> None:
	logging.getLogger("werkzeug").setLevel(logging.ERROR)
	chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
	if chromium is None:
		raise SystemExit("There is no Chromium on this machine.")
	with sync_playwright() as playwright:
		browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
		of_the_lab(browser)
		if "desk" in where:
			of_the_desk(browser)
		browser.close()
	print(f"written: {', '.join(sorted(path.name for path in IMAGES.glob('*.png')))}")


def of_the_lab(browser: Browser) -> None:
	lab = places.Lab(browser, Path(tempfile.mkdtemp()))
	page = lab.page
	page.set_viewport_size({"width": 1280, "height": 760})
	lab.open_flow(lab.template("repair_service")["name"])
	page.screenshot(path=IMAGES / "editor.png")
	page.locator("[data-step] > .fe-card").nth(2).dblclick()
	page.wait_for_selector(".fe-rendered")
	page.click(".fe-panel [data-field=subject] .fe-field-head button")
	page.wait_for_selector(".fe-picker [role=option]")
	page.screenshot(path=IMAGES / "step.png")
	lab.open("/#/documents", "table")
	page.click("text=CON-2026-00001")
	page.click("text=Sign it")
	lab.open_run("FR-00001")
	page.locator("[data-step=installed] > .fe-card button:text-is('Complete')").click()
	page.wait_for_selector("[data-step=activate] .fe-pill >> text=done")
	page.click("#next")
	page.wait_for_selector("[data-step=survey] .fe-pill >> text=done")
	page.set_viewport_size({"width": 1280, "height": 1100})
	page.evaluate("() => scrollTo(0, 0)")
	page.screenshot(path=IMAGES / "run.png")
	lab.close()


def of_the_desk(browser: Browser) -> None:
	bench = places.bench
	bench.serve([str(PORT)])
	try:
		account = bench.account(EMAIL, "Flow Manager", "Sales User")
		desk = places.Desk(browser, places.Served(f"http://127.0.0.1:{PORT}", account))
		page = desk.page
		page.set_viewport_size({"width": 1280, "height": 800})
		desk.open_flows()
		page.screenshot(path=IMAGES / "desk-flows.png")
		desk.open_flow(desk.template("repair_service")["name"])
		page.screenshot(path=IMAGES / "desk-editor.png")
		page.evaluate("() => { document.documentElement.dataset.theme = 'dark' }")
		page.wait_for_timeout(500)
		page.screenshot(path=IMAGES / "desk-editor-dark.png")
		desk.context.close()
	finally:
		bench.remove_account(EMAIL)
		bench.stop(f"web_{PORT}")


if __name__ == "__main__":
	main(sys.argv[1:])
