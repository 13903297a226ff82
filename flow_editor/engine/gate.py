"""The trigger condition: which of an event's documents start a flow.

It is `{"==": [{"var": "path"}, value]}`: an operator of OPERATORS over two operands, each a value or a field. The
shape is JSONLogic's, so that a library for it can take this module over. A path that leads nowhere from the scope's roots is looked up in the document, so `status` means
`doc.status`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from flow_editor.engine.conditions import equals
from flow_editor.engine.render import PATH, resolve

SHAPE = 'Write it as {"==": [{"var": "doc.status"}, "Open"]}, or leave it empty.'
#: The operators and what each says of two values. A new one is a line here.
OPERATORS: dict[str, Callable[[Any, Any], bool]] = {"==": equals}


def problem(condition: Any) -> str | None:
	"""What is wrong with a condition, as a sentence that says what to do, or None."""
	try:
		_read(condition)
	except ValueError as error:
		return str(error)
	return None


def holds(condition: Any, root: Mapping[str, Any]) -> bool:
	"""Whether a condition holds; an empty one always does.

	Raises:
		ValueError: it is not a condition, with the sentence of `problem`.
	"""
	comparison = _read(condition)
	if comparison is None:
		return True
	operator, operands = comparison
	return OPERATORS[operator](*(_value(operand, root) for operand in operands))


def _read(condition: Any) -> tuple[str, list[Any]] | None:
	if condition is None or (isinstance(condition, str) and not condition.strip()):
		return None
	if isinstance(condition, str):
		try:
			condition = json.loads(condition)
		except (ValueError, RecursionError) as error:
			raise ValueError(f"The condition is not JSON ({error}). {SHAPE}") from None
	if condition in ({}, None):
		return None
	if not isinstance(condition, Mapping) or len(condition) != 1:
		raise ValueError(f"The condition is not one comparison. {SHAPE}")
	(operator, operands), *_ = condition.items()
	if operator not in OPERATORS:
		raise ValueError(
			f"The condition's operator {operator!r} is not known; {', '.join(OPERATORS)} is. {SHAPE}"
		)
	if not isinstance(operands, list) or len(operands) != 2:
		raise ValueError(f"The condition compares two values. {SHAPE}")
	if not any(isinstance(operand, Mapping) for operand in operands):
		raise ValueError(f"The condition reads no field. {SHAPE}")
	for operand in operands:
		if isinstance(operand, Mapping):
			_path(operand)
	return operator, operands


def _path(operand: Mapping[str, Any]) -> tuple[str, Any]:
	"""The path of a `var`, and what it is where nothing is found."""
	path = operand.get("var")
	default = None
	if isinstance(path, list) and 1 <= len(path) <= 2:
		path, default = path[0], (path[1] if len(path) == 2 else None)
	if set(operand) != {"var"} or not isinstance(path, str) or not PATH.fullmatch(path):
		raise ValueError(f"The condition has an operand that is no field. {SHAPE}")
	return path, default


def _value(operand: Any, root: Mapping[str, Any]) -> Any:
	if not isinstance(operand, Mapping):
		return operand
	path, default = _path(operand)
	value = resolve(root, path)
	if value is None and path.split(".", 1)[0] not in root:
		value = resolve(root, f"doc.{path}")
	return default if value is None else value
