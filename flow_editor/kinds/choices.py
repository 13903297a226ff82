"""Finding the one that was meant among a site's own values."""

from __future__ import annotations

from collections.abc import Iterable


def same_word(wanted: str, known: Iterable[str]) -> str | None:
	"""The known value that is the wanted one but for its case."""
	folded = wanted.strip().casefold()
	return next((value for value in known if value.strip().casefold() == folded), None)
