"""Headless Chromium on the lab; where the bench's site is served (see tests/served.py), on its desk."""

from __future__ import annotations

import os
import shutil

import pytest
from served import SERVED as ON_DESK
from served import served

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]

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


@pytest.fixture
def make_place(request, browser, tmp_path):
	made = []

	def make(**options):
		if ON_DESK:
			place = places.Desk(browser, request.getfixturevalue("served"), **options)
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
