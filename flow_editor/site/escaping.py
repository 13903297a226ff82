"""Text that Frappe's own forms, reports and print views put into a page as HTML.

They rely on `Document.save` to have taken markup out; rows that are written without it, and JSON, which `save` leaves
alone, hold what others have written: the answer of a web server, a variable, a label. None of it may be a tag there.
"""

from __future__ import annotations


def as_json(text: str) -> str:
	"""The same JSON without a tag in it: what stands in its strings is escaped as JSON allows."""
	return text.replace("<", "\\u003c")


def as_plain(text: str) -> str:
	"""A sentence for people without a tag in it."""
	return text.replace("<", "‹").replace(">", "›")
