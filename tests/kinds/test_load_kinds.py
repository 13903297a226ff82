"""What a hook's dotted paths may name, and what it is told where they name no kind."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from flow_editor.engine.kind import Kind
from flow_editor.kinds import builtin_kinds, load_kinds


class First(Kind):
	name = "first"


class Second(Kind):
	name = "second"


@pytest.fixture
def app(monkeypatch):
	"""Another app's module, which defines First and imports Second."""
	module = ModuleType("some_app")
	module.First, module.Second, module.ONE, module.BOTH = First, Second, First(), [First, Second()]
	monkeypatch.setattr(First, "__module__", "some_app")
	monkeypatch.setitem(sys.modules, "some_app", module)


@pytest.mark.parametrize(
	("path", "names"),
	[
		("some_app", ["first"]),
		("some_app.First", ["first"]),
		("some_app.ONE", ["first"]),
		("some_app.BOTH", ["first", "second"]),
	],
)
def test_paths(app, path, names):
	assert [kind.name for kind in load_kinds([path])] == names


@pytest.mark.parametrize(
	"path",
	["no_such_app.kinds", "flow_editor.kinds.control.nope", "flow_editor.kinds.choices", "json.dumps", "a b"],
)
def test_a_path_that_names_no_kind_is_named(path):
	with pytest.raises((ImportError, TypeError)) as caught:
		load_kinds([path])
	assert path in str(caught.value)


def test_every_builtin_kind_is_found_once():
	names = [kind.name for kind in builtin_kinds()]
	assert len(names) == len(set(names)) == 19


def test_no_colour_is_a_hex_value():
	assert not any(kind.color.startswith("#") for kind in builtin_kinds())
