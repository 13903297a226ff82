"""Headless Chromium on the lab; with FLOW_EDITOR_BROWSER=desk, on the desk of the bench that tests/site/bench.py takes."""

from __future__ import annotations

import os
import shutil
import socket

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ON_DESK = os.environ.get("FLOW_EDITOR_BROWSER") == "desk"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
EDITOR_EMAIL = "flow-editor-tests@example.com"
ROLES = ("Flow Manager", "Sales User", "Sales Manager", "Support Team", "Item Manager")

if CHROMIUM is None:
	os.environ["FLOW_EDITOR_LEFT_OUT"] = "The browser's tests: there is no Chromium on this machine."
	collect_ignore_glob = ["test_*.py"]
else:
	import places
	from playwright.sync_api import sync_playwright


@pytest.fixture(scope="session")
def browser():
	with sync_playwright() as playwright:
		browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
		yield browser
		browser.close()


@pytest.fixture(scope="session")
def desk():
	"""A web server for the bench's site, and somebody who signs in there."""
	bench = places.bench
	with socket.socket() as probe:
		probe.bind(("127.0.0.1", 0))
		port = probe.getsockname()[1]
	bench.serve([str(port)])
	try:
		account = bench.account(EDITOR_EMAIL, *ROLES)
		yield f"http://127.0.0.1:{port}", account
		bench.remove_account(EDITOR_EMAIL)
	finally:
		bench.stop(f"web_{port}")


@pytest.fixture
def make_place(request, browser, tmp_path):
	made = []

	def make(**options):
		if ON_DESK:
			place = places.Desk(browser, *request.getfixturevalue("desk"), **options)
		else:
			place = places.Lab(browser, tmp_path, **options)
		made.append(place)
		return place

	yield make
	for place in made:
		broken = place.broken
		place.close()
		assert broken == []


@pytest.fixture
def place(make_place):
	return make_place()


@pytest.fixture
def page(place):
	return place.page
