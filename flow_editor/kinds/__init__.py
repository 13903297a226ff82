"""The step kinds that come with the app: one file each, in a package per catalog.

Nothing lists them: a kind is there because its file is. Other apps bring theirs through a hook.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Any

from flow_editor.engine.kind import Kind


def builtin_kinds() -> list[Kind]:
	"""Every kind in the packages beside this module."""
	kinds: list[Kind] = []
	for package in pkgutil.iter_modules(__path__, f"{__name__}."):
		if package.ispkg:
			for module in pkgutil.iter_modules(importlib.import_module(package.name).__path__):
				kinds += _kinds_in(importlib.import_module(f"{package.name}.{module.name}"))
	return kinds


def load_kinds(paths: Iterable[str]) -> list[Kind]:
	"""The kinds that dotted paths name: of a module, of a Kind class or instance, or of a list of them.

	Raises:
		ImportError, TypeError: a path names nothing, or no kind; the message has the path.
	"""
	return [kind for path in paths for kind in _kinds_at(path)]


def resolve_path(path: str) -> Any:
	"""What a dotted path names: a module, or something in one.

	Raises:
		ImportError: nothing, or a module that cannot be imported.
	"""
	try:
		return pkgutil.resolve_name(path)
	except (ImportError, AttributeError, ValueError) as error:
		raise ImportError(f"{path!r} names nothing: {error}") from error


def _kinds_at(path: str) -> Iterator[Kind]:
	named = resolve_path(path)
	if isinstance(named, ModuleType):
		kinds = list(_kinds_in(named))
		if not kinds:
			raise TypeError(f"{path} is a module that defines no step kind")
		yield from kinds
		return
	for item in named if isinstance(named, list | tuple) else [named]:
		if isinstance(item, type) and issubclass(item, Kind):
			yield item()
		elif isinstance(item, Kind):
			yield item
		else:
			raise TypeError(f"{path} names {item!r}, which is no step kind")


def _kinds_in(module: ModuleType) -> Iterator[Kind]:
	for item in vars(module).values():
		if (
			isinstance(item, type)
			and issubclass(item, Kind)
			and item.__module__ == module.__name__
			and item.name
		):
			yield item()
