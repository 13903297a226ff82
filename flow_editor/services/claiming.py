"""How a worker holds the rows that it has claimed, and tries again what the database has undone for another's sake."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from flow_editor.engine.records import (
	ROW_COMPLETED,
	Pending,
)
from flow_editor.services.host import Host
from flow_editor.services.work import LostClaim

#: How long a claim holds, in minutes: longer than the longest advance or call.
LEASE_MINUTES = 10
#: How often a deadlock and its like is tried again on the spot, where work is lost by it and where none is.
TRIES_AT_ONCE = 3
CLAIM_TRIES = 10
#: Seconds that may pass before the second of them; twice as many before each further one.
PAUSE = 0.02
LONGEST_PAUSE = 0.5
Answer = TypeVar("Answer")


def at_once(host: Host, act: Callable[[], Answer], tries: int = TRIES_AT_ONCE) -> Answer:
	"""What `act` returns, which is done again if its transaction was broken. Those who collided wait for a little while,
	at random, lest they meet again."""
	longest = PAUSE
	for left in reversed(range(tries)):
		try:
			return act()
		except Exception as error:
			if not left or not host.breaks_transaction(error):
				raise
		time.sleep(random.uniform(0, longest))
		longest = min(2 * longest, LONGEST_PAUSE)
	raise AssertionError("it was to be tried at least once")


def lease(host: Host):
	return host.now() + timedelta(minutes=LEASE_MINUTES)


def finish(host: Host, row: Pending, status: str = ROW_COMPLETED, error: str = "") -> None:
	if not host.store.finish(row, status, host.now(), error):
		raise LostClaim(row.name)
