"""Characters that nobody sees in a text of one line, and that make it another than it looks: line breaks and other control
characters, spaces of no width, and marks that turn the direction of what follows.

Joiners, which emoji and many scripts are written with, and marks of a single letter's direction are none of them.
"""

from __future__ import annotations

import re

_TURNING = "\u202a-\u202e\u2066-\u2069"
_WIDTHLESS = "\u200b\u2060\ufeff"
_CONTROL = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
_BREAKS = "\t\n\r\u2028\u2029"
_IN_LINES = re.compile(f"[{_CONTROL}]")
_IN_A_LINE = re.compile(f"[{_CONTROL}{_BREAKS}{_TURNING}{_WIDTHLESS}]")

WORDS = (
	("\n\r\x0b\x0c\x85\u2028\u2029", "a line break"),
	("\t", "a tab"),
	("\u200b\u2060\ufeff", "a space of no width"),
	("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069", "a mark that turns the direction of writing"),
)
#: How much of the text before it is shown, in characters.
SHOWN = 30


def unseen_problem(text: str, *, lines: bool = False) -> str | None:
	"""What is wrong with a text, going on after its name, or None.

	Args:
		lines: it may have line breaks and tabs.
	"""
	found = (_IN_LINES if lines else _IN_A_LINE).search(text)
	if found is None:
		return None
	character = found[0]
	what = next((words for those, words in WORDS if character in those), "a control character")
	before = text[: found.start()][-SHOWN:]
	where = f"after {before!r}" if before else "at its beginning"
	return f"holds {what} (U+{ord(character):04X}) {where}, which nobody sees there. Take it out."
