"""Several processes that do the same thing at the same moment, each with a connection of its own."""

from __future__ import annotations

import os
import pickle
import sys
import traceback
from collections.abc import Callable
from typing import Any

import frappe


def at_once(count: int, act: Callable[[int], Any]) -> list[Any]:
	"""What `act(number)` returned in each of so many processes, which all begin together."""
	site = frappe.local.site
	frappe.db.commit()
	begin_read, begin_write = os.pipe()
	children = []
	for number in range(count):
		read, write = os.pipe()
		pid = os.fork()
		if pid == 0:
			os.close(begin_write)
			_be_one_of_them(site, number, act, begin_read, write)
		os.close(write)
		children.append((pid, read))
	os.close(begin_read)
	os.close(begin_write)  # which they all wait for
	answers = []
	for pid, read in children:
		with os.fdopen(read, "rb") as stream:
			told = stream.read()
		os.waitpid(pid, 0)
		assert told, "a process died without a word"
		answers.append(pickle.loads(told))
	frappe.db.rollback()
	broken = [answer for failed, answer in answers if failed]
	assert not broken, broken[0]
	return [answer for _, answer in answers]


def _be_one_of_them(site: str, number: int, act: Callable[[int], Any], begin: int, write: int) -> None:
	# Kept until the process ends: mysqlclient says goodbye to the server when a connection is dropped, and the
	# parent still speaks through this one.
	_parents = frappe.local.db
	try:
		frappe.init(site=site, force=True)
		frappe.connect()
		os.read(begin, 1)
		answer = (False, act(number))
		frappe.db.commit()
	except BaseException:
		answer = (True, traceback.format_exc())
	with os.fdopen(write, "wb") as stream:
		stream.write(pickle.dumps(answer))
	sys.stdout.flush()
	os._exit(0)
