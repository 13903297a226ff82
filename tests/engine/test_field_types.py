"""The types of fields: one table, in which each stands once, and what a field makes of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import flow_editor
from flow_editor.engine.definition import parse, parse_input
from flow_editor.engine.field_type import Gone
from flow_editor.engine.field_types import BUILT_IN, Check, Line, Number, Text, type_table
from flow_editor.engine.kind import Field
from flow_editor.engine.validation import validate


class Iban(Line):
	name = "iban"
	label = "Account"
	widget = "text"
	initial = "none"


def test_a_field_takes_a_type_or_the_name_of_a_built_in_one():
	assert Field("a").type is BUILT_IN["text"] and Field("a", "number").type is BUILT_IN["number"]
	account = Field("a", Iban())
	assert str(account.type) == "iban"
	described = account.as_dict()
	assert (described["type"], described["widget"], described["label"]) == ("iban", "text", "A")
	with pytest.raises(ValueError, match="no field type 'colour'"):
		Field("a", "colour")


def test_every_descriptor_names_its_form():
	for name, one in BUILT_IN.items():
		described = Field("a", name).as_dict()
		assert (described["type"], described["widget"]) == (name, name) and one.name == name
	assert parse_input({"name": "a", "type": "duration"}).as_dict()["widget"] == "duration"


def test_a_table_holds_each_name_once():
	types = type_table([Iban(), Iban()])
	assert list(types) == [*BUILT_IN, "iban"] and types != type_table([Iban()])

	class Other(Number):
		name = "iban"

	with pytest.raises(ValueError, match="Two field types are called 'iban'"):
		type_table([Iban(), Other()])
	with pytest.raises(ValueError, match="Two field types are called 'text'"):
		type_table([type("Mine", (Text,), {})()])
	with pytest.raises(ValueError, match="has no name"):
		type_table([Line()])
	with pytest.raises(TypeError, match="is no field type"):
		type_table([Field("a")])


def test_an_input_of_another_app_s_type_is_known_where_it_is_brought():
	definition = {"inputs": [{"name": "account", "type": "iban"}], "steps": []}
	(problem,) = validate(definition, {})
	assert problem.field == "inputs.account.type" and "iban" not in problem.message
	types = type_table([Iban()])
	assert validate(definition, {}, types=types) == []
	assert parse(definition, types).initial == {"account": "none"}
	assert isinstance(parse(definition).inputs[0].type, Gone)


def test_what_an_input_starts_with_is_its_type_s():
	assert Check().initial is False and parse({"inputs": [{"name": "a", "type": "check"}]}).initial == {
		"a": False
	}


def test_nothing_else_asks_which_type_a_field_is_of():
	home = Path(flow_editor.__file__).parent
	asks = re.compile(r"\b(?:field|one|declared)\.type (?:==|!=|in|not in) ")
	found = [
		f"{path.name}: {line.strip()}"
		for folder in ("engine", "kinds", "services", "doors", "lab", "site")
		for path in (home / folder).rglob("*.py")
		for line in path.read_text(encoding="utf-8").splitlines()
		if asks.search(line)
	]
	assert found == []
