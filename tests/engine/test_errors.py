from __future__ import annotations

import pytest

from flow_editor.engine import errors
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


@pytest.mark.parametrize("helps", [errors.OUTSIDE, errors.IN_FLOW, errors.EITHER, errors.KEEPS_USER])
def test_what_helps_is_a_sentence_of_its_own_and_can_be_left_out(helps):
	for message in ("It is full.", 'It should be "Open"'):
		said = errors.with_help(message, helps)
		assert said == f"{message.removesuffix('.')}. {helps}"
		assert errors.without_help(said) == f"{message.removesuffix('.')}."
	assert errors.without_help("It is full.") == "It is full."
