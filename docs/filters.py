"""Writes docs/filters.md from the table of filters.

.venv/bin/python docs/filters.py
"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from flow_editor.engine.expressions import compile
from flow_editor.engine.filters import SHIPPED, Filter
from flow_editor.engine.plain import as_text

PAGE = Path(__file__).parent / "filters.md"
#: The document that the examples read.
SAMPLE = {
	"doc": {
		"items": [
			{"item_code": "ROUTER", "qty": 1, "amount": 100, "schedule_date": "2026-12-17"},
			{"item_code": "CABLE", "qty": 3, "amount": 20.5, "schedule_date": "2026-12-03"},
			{"item_code": "ROUTER", "qty": 2, "amount": 130, "schedule_date": "2026-12-10"},
		]
	}
}
HEAD = """# Filters

Written by `docs/filters.py` from the filters themselves, and their examples with them.

`{{doc.customer_name | upper}}`: what stands before a bar is given to the filter after it, from left to right. Arguments come after
a colon, with commas between: texts in quotes, numbers, `true`, `false`, `null`, or paths. In brackets stands what may be left
out. [The definition](definition.md#expressions) says how expressions are written and read.

A value that a filter cannot take is empty, and the step says so in the run (`warnings`). Nothing stays nothing: an empty field is not
rounded, written or moved; `default` gives it a value. What is written *in the reader's language* is so in that of the run's
customer, else of the site.

The examples with rows read a document whose `items` are:

| item_code | qty | amount | schedule_date |
| --- | --- | --- | --- |
"""


def page() -> str:
	"""The page's text."""
	lines = [
		HEAD + "\n".join(f"| {' | '.join(map(as_text, row.values()))} |" for row in SAMPLE["doc"]["items"]),
		"",
	]
	for group, filters in groupby(SHIPPED.values(), lambda one: one.group):
		lines += [
			f"## {group}",
			"",
			"| filter | takes | gives | what it does | example |",
			"| --- | --- | --- | --- | --- |",
		]
		lines += [*map(_row, filters), ""]
	return "\n".join(lines)


def _row(one: Filter) -> str:
	expression, _ = one.example
	reads = as_text(compile(expression).value(SAMPLE)).replace("\n", "<br>")
	example = f"`{{{{{expression}}}}}` is {reads}"
	cells = (f"`{one.usage}`", one.takes, one.gives, one.help, example)
	return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


if __name__ == "__main__":
	PAGE.write_text(page(), encoding="utf-8")
	print(f"{PAGE.name} written")
