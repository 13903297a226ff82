"""What an author or a document gives for a field, as the value that the field stores.

A text is read by the field's type, as the site writes it: 31-12-2026 is a date, 1,000.50 an amount, Yes a tick. What it
cannot be is refused: a database takes it for something else, or for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from flow_editor.engine.conditions import CHECK, EXAMPLES, is_empty, literal_problem, truth
from flow_editor.engine.render import jsonable
from flow_editor.engine.values import NUMBERS, TABLES, Conventions, FieldType, Types, read_time


def filled(
	values: Mapping[str, Any], types: Types, site: Conventions, types_of: Callable[[str], Types]
) -> dict[str, Any]:
	"""The values of a document's fields as they are stored. A field that `types` does not name keeps its value.

	Args:
		types_of: the types of the fields of another DocType, for the rows of tables.

	Raises:
		ValueError: one is nothing that its field can hold. The sentence says what to write.
	"""
	return {name: _fill(value, types.get(name), site, types_of) for name, value in values.items()}


def _fill(value: Any, about: FieldType | None, site: Conventions, types_of: Callable[[str], Types]) -> Any:
	if about is None or is_empty(value):
		return value
	if about.fieldtype in TABLES:
		if not isinstance(value, list) or not all(isinstance(row, Mapping) for row in value):
			raise ValueError(
				f"{about.label} is a table. Give it a list of rows, each an object of fields and values."
			)
		types = types_of(about.options)
		return [filled(row, types, site, types_of) for row in value]
	if message := literal_problem(about, "==", value, site):
		raise ValueError(message)
	if about.fieldtype in NUMBERS:
		return _number(value, about, site)
	if not isinstance(value, str):
		return value
	if about.fieldtype == "Time":
		return jsonable(read_time(value))
	moment = site.read_moment(value) if about.fieldtype in ("Date", "Datetime") else None
	if isinstance(moment, datetime):
		moment = site.local(moment)
	if about.fieldtype == "Date" and isinstance(moment, datetime):
		moment = moment.date()
	return value if moment is None else jsonable(moment)


def _number(value: Any, about: FieldType, site: Conventions) -> Any:
	if about.fieldtype == "Check":
		if (ticked := truth(value)) is None:
			raise ValueError(
				f"{about.label} is {CHECK}, and {value} is none. Write one such as {EXAMPLES[CHECK]}."
			)
		return int(ticked)
	number = site.read_number(value) if isinstance(value, str) else value
	if about.fieldtype in ("Int", "Long Int") and number != int(number):
		raise ValueError(f"{about.label} is a whole number, and {value} is none. Write one such as 3.")
	return jsonable(int(number) if isinstance(number, bool) else number)
