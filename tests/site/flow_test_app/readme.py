"""What the recipes of README.md and docs/ define, as an app that follows them would have it."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
TEXT = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


def block(containing: str) -> str:
	(found,) = [text for text in BLOCKS if containing in text]
	return found


#: The condition that is written with the operator of the recipe.
(CONDITION,) = re.findall(r"`(\{\"within_one\": .*?\})`", TEXT)

_RECIPES = (
	"class SendInvite(Kind)", "EVENTS = [", "class Chase(SendInvite)", "class Dun(SendInvite)", "OPERATORS = {", "class PostalCode(Line)", "FILTERS = [",
)  # fmt: skip
for _recipe in _RECIPES:
	exec(compile(block(_recipe), "docs/other-apps.md", "exec"), globals())
