from __future__ import annotations

import pytest

from flow_editor.engine.errors import NotFound, described


def raised(error: Exception) -> Exception:
	with pytest.raises(type(error)) as caught:
		raise error
	return caught.value


def test_an_error_is_never_described_by_its_class_alone():
	assert described(raised(NotFound("There is none."))) == "There is none."
	assert described(raised(ValueError("too long"))) == "ValueError: too long"
	said = described(raised(AssertionError()))
	assert "AssertionError without a text in raised, line" in said and "test_errors.py" in said
	assert described(KeyError()).startswith("An error KeyError without a text. Report it")
