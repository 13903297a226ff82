"""Making a text fit the field that it is for, so that a long word of a customer's fails no step.

What is left out is marked, and never missed: the whole text stands in the document that it comes from.
"""

from __future__ import annotations

import hashlib

#: How long a line of a document may be.
LINE_LENGTH = 140
DIGEST_LENGTH = 16


def line(text: str) -> str:
	"""A text as one line that fits; its end is left out, with a mark, if it is longer."""
	text = " ".join(text.split())
	return text if len(text) <= LINE_LENGTH else f"{text[: LINE_LENGTH - 1].rstrip()}…"


def key(text: str) -> str:
	"""A key that fits; a longer one ends in a digest of the whole, so that two keys stay two."""
	if len(text) <= LINE_LENGTH:
		return text
	digest = hashlib.sha256(text.encode()).hexdigest()[:DIGEST_LENGTH]
	return f"{text[: LINE_LENGTH - DIGEST_LENGTH - 1]}~{digest}"
