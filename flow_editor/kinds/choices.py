"""A site's own values: which of them mean that a document is over, and finding the one that was meant."""

from __future__ import annotations

from collections.abc import Iterable

#: Statuses in which a document is over.
CLOSED_STATUSES = ("Completed", "Closed", "Done", "Resolved", "Cancelled")


def same_word(wanted: str, known: Iterable[str]) -> str | None:
	"""The known value that is the wanted one but for its case."""
	folded = wanted.strip().casefold()
	return next((value for value in known if value.strip().casefold() == folded), None)
