"""The bench's site behind a web server of its own, for the tests that come from outside: HTTP and the browser's.

They run with this checkout's Python, with FLOW_EDITOR_SERVED=1, after tests/site/bench.py has linked the checkout.
"""

from __future__ import annotations

import os
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "site"))
import bench

SERVED = os.environ.get("FLOW_EDITOR_SERVED") == "1"
AUTHOR = "flow-editor-tests@example.com"
ROLES = ("Flow Manager", "Sales User", "Sales Manager", "Support Team", "Item Manager")


@dataclass(frozen=True)
class Served:
	"""Where the site answers, and a Flow Manager of it: user, password, api_key, api_secret."""

	base: str
	account: dict[str, str]

	@property
	def headers(self) -> dict[str, str]:
		return {"Authorization": f"token {self.account['api_key']}:{self.account['api_secret']}"}


@pytest.fixture(scope="session")
def served():
	with socket.socket() as probe:
		probe.bind(("127.0.0.1", 0))
		port = probe.getsockname()[1]
	bench.note()
	bench.serve([str(port)])
	try:
		yield Served(f"http://127.0.0.1:{port}", bench.account(AUTHOR, *ROLES))
	finally:
		bench.stop(f"web_{port}")
		bench.put_back()
