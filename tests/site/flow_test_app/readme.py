"""What the README's recipes define, as an app that follows them would have it."""

from __future__ import annotations

import re
from pathlib import Path

README = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def block(containing: str) -> str:
	(found,) = [text for text in BLOCKS if containing in text]
	return found


#: The condition that the README writes with the operator of its recipe.
(CONDITION,) = re.findall(r"`(\{\"in\": .*?\})`", README)

for _recipe in ("class SendInvite(Kind)", "EVENTS = [", "class Dun(SendInvite)", "OPERATORS = {"):
	exec(compile(block(_recipe), "README.md", "exec"), globals())
