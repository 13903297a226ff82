"""Documents that are waited for.

A save of such a document writes one row of the inbox that names it, and takes no lock: nobody who saves waits for a worker.
Who works that row makes due what watches the document, and that looks at it in a transaction of its own. A save that came
while a watch was being made is not missed, since a watch is due at once when it is new.
"""

from __future__ import annotations

from flow_editor.engine.records import SAVED, Pending
from flow_editor.services.host import Host
from flow_editor.services.work import LostClaim


def saved(host: Host, doctype: str, name: str) -> None:
	"""A document is being saved, cancelled or deleted in this transaction. Of a DocType that nothing may wait for, nothing is
	written."""
	if host.is_watched(doctype) and host.is_first(f"{SAVED}:{doctype}:{name}"):
		row = Pending(
			"", purpose=SAVED, trigger_at=host.now(), reference_doctype=doctype, reference_name=name
		)
		host.store.insert_pending([row])
		host.poke()


def wake(host: Host, row: Pending) -> None:
	"""Have what watches the document that a row names look at it. Raises LostClaim."""
	with host.store.transaction():
		if not host.store.wake(row, host.now()):
			raise LostClaim(row.name)
