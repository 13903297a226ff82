"""The trigger condition: which of an event's documents start a flow.

It is `{"==": [{"var": "path"}, value]}`: an operator over two operands, each a value or a field. The shape is
JSONLogic's, so that a library for it can take this module over. A path that leads nowhere from the scope's roots is
looked up in the document, so `status` means `doc.status`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from flow_editor.engine.conditions import USUAL, equals
from flow_editor.engine.render import PATH, resolve
from flow_editor.engine.values import Conventions

#: What an operator says of two values.
Operator = Callable[[Any, Any], bool]

SHAPE = 'Write it as {"==": [{"var": "doc.status"}, "Open"]}, or leave it empty.'
#: The operators that come with the app, by name. Other apps bring theirs through a hook.
OPERATORS: Mapping[str, Operator] = {"==": equals}


def operator_table(
	extra: Iterable[Mapping[str, Operator]] = (), site: Conventions = USUAL
) -> dict[str, Operator]:
	"""The shipped operators and others, by name.

	Args:
		site: how what an author typed is read.

	Raises:
		TypeError: something is no table of operators.
		ValueError: a name is taken.
	"""
	table: dict[str, Operator] = {name: partial(operator, site=site) for name, operator in OPERATORS.items()}
	for operators in extra:
		if not isinstance(operators, Mapping) or not all(map(callable, operators.values())):
			raise TypeError(f"{operators!r} is no table of operators: a name, and a function of two values")
		for name, operator in operators.items():
			if table.setdefault(name, operator) is not operator:
				raise ValueError(f"Two operators are called {name!r}")
	return table


def problem(condition: Any, operators: Mapping[str, Operator] = OPERATORS) -> str | None:
	"""What is wrong with a condition, as a sentence that says what to do, or None."""
	try:
		_read(condition, operators)
	except ValueError as error:
		return str(error)
	return None


def holds(condition: Any, root: Mapping[str, Any], operators: Mapping[str, Operator] = OPERATORS) -> bool:
	"""Whether a condition holds; an empty one always does.

	Raises:
		Uncomparable: it compares what has nothing in common.
		ValueError: it is not a condition, with the sentence of `problem`.
	"""
	comparison = _read(condition, operators)
	if comparison is None:
		return True
	operator, operands = comparison
	return bool(operators[operator](*(_value(operand, root) for operand in operands)))


def _read(condition: Any, operators: Mapping[str, Operator]) -> tuple[str, list[Any]] | None:
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
	if operator not in operators:
		raise ValueError(
			f"The condition's operator {operator!r} is not known. Use one of {', '.join(operators)}. {SHAPE}"
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
