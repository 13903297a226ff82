"""How a save and a row go through the house: which module is entered from which, and how often.

A module that is entered once from another has its work in one place. What is entered oftener has its reason here, beside its
count, and a change that makes it oftener still has to say why.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable

from flow_editor.services import inbox, templates
from flow_editor.trial.host import TrialHost

#: The modules of the path. What they are made of (the engine) and the host's clock are asked as often as need be.
PATH = (
	"trial.documents", "services.changes", "services.listening", "services.starting", "services.head", "services.advance",
	"services.work", "services.inbox", "services.claiming", "trial.store",
)  # fmt: skip

SAVE = {
	(
		"trial.documents",
		"services.changes",
	): 10,  # for each moment of an insert made, for events and for starts; and once for what events there are
	("services.changes", "services.listening"): 4,  # what is raised and its fields made, and dispatched
	("services.changes", "trial.documents"): 1,  # who names the transaction
	("services.changes", "trial.store"): 4,  # who listens: to the event, and at each moment by itself
	("services.listening", "trial.documents"): 2,  # its fields, as the user may read them
	(
		"services.listening",
		"services.starting",
	): 5,  # made, tied, named, checked, and stored once its head is known
	("services.listening", "services.head"): 1,
	("services.head", "services.advance"): 3,  # laid over the run, started, moved
	("services.advance", "services.head"): 2,  # what the policy lets it read, and wait for
	("services.head", "services.work"): 1,
	("services.listening", "services.work"): 1,
	("services.listening", "trial.store"): 1,  # whether this change has started it before
	("services.starting", "trial.store"): 1,
}
ROW = {
	(
		"services.inbox",
		"services.claiming",
	): 3,  # the claim, its lease, and the transaction, each again after a collision
	("services.claiming", "services.inbox"): 2,  # what of these is done again
	("services.inbox", "services.starting"): 1,
	("services.starting", "services.advance"): 3,  # laid over the run, started, finished
	(
		"services.advance",
		"services.work",
	): 5,  # runs, before a document changes; then the run, its rows, and how this row is left
	("services.inbox", "services.work"): 2,  # made and written: by one place
	(
		"services.inbox",
		"trial.store",
	): 5,  # the claim, two transactions, the locked run, and whether more is due
	("services.advance", "trial.store"): 2,  # the step's savepoint: entered and left
	("services.work", "trial.store"): 2,  # the run, and the row
}


def entered(act: Callable[[], object]) -> dict[tuple[str, str], int]:
	"""How often each module of the path is entered from another of them."""
	seen: Counter[tuple[str, str]] = Counter()

	def module(frame) -> str:
		name = frame.f_globals.get("__name__", "") if frame is not None else ""
		return name.removeprefix("flow_editor.") if name.startswith("flow_editor.") else ""

	def look(frame, event, _) -> None:
		if event != "call" or (inner := module(frame)) not in PATH or frame.f_code.co_name == "<genexpr>":
			return
		outer = frame.f_back
		while outer is not None and not module(outer):
			outer = outer.f_back
		if (caller := module(outer)) != inner and caller in PATH:
			seen[caller, inner] += 1

	sys.setprofile(look)
	try:
		act()
	finally:
		sys.setprofile(None)
	return {pair: count for pair, count in seen.items() if pair != ("trial.documents", "trial.store")}


def test_a_save_and_a_row_go_through_each_room_as_often_as_is_said():
	host = TrialHost()
	with host.store.transaction():
		templates.create(
			host,
			{
				"template_name": "Traced",
				"is_active": 1,
				"trigger_event": "on_issue_opened",
				"flow_definition": {
					"steps": [
						{
							"id": "tell",
							"kind": "notify",
							"payload": {
								"channel": "email",
								"to": "a@example.com",
								"subject": "s",
								"body": "b",
							},
						}
					]
				},
			},
		)
	with host.store.transaction():
		assert entered(lambda: host.documents.create("Issue", {"subject": "No signal"})) == SAVE
	assert entered(lambda: inbox.drain(host)) == ROW
	(run,) = host.store.runs({})
	assert run.status == "completed"
