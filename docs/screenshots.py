"""Takes the pictures that the README and the docs show, of the lab in headless Chromium.

.venv/bin/python docs/screenshots.py
"""

from __future__ import annotations

import shutil
import tempfile
import threading
from pathlib import Path

from playwright.sync_api import sync_playwright
from werkzeug.serving import make_server

from flow_editor.lab.server import LabApp, open_lab

IMAGES = Path(__file__).parent / "images"


def main() -> None:
	chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
	if chromium is None:
		raise SystemExit("There is no Chromium on this machine.")
	host = open_lab(str(Path(tempfile.mkdtemp()) / "lab.db"))
	server = make_server("127.0.0.1", 0, None)
	server.app = LabApp(host, server.server_port)
	threading.Thread(target=server.serve_forever, daemon=True).start()
	with sync_playwright() as playwright:
		browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
		page = browser.new_page(
			base_url=f"http://127.0.0.1:{server.server_port}", viewport={"width": 1180, "height": 620}
		)
		page.goto("/#/documents")
		page.click("text=CON-2026-00001")
		page.click("text=Sign it")
		page.goto("/#/runs/FR-00001")
		page.wait_for_selector("text=renewal")
		page.click("#next")
		page.wait_for_selector("tr:has-text('survey') .done")
		page.screenshot(path=IMAGES / "run.png")
		page.goto("/#/templates")
		page.wait_for_selector("text=fiber_install")
		page.screenshot(path=IMAGES / "flows.png")
		browser.close()
	server.shutdown()
	print(f"written: {', '.join(sorted(path.name for path in IMAGES.glob('*.png')))}")


if __name__ == "__main__":
	main()
