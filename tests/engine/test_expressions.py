from __future__ import annotations

import time
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flow_editor.engine import logic
from flow_editor.engine.errors import NotAllowed, StepFailed
from flow_editor.engine.expressions import NoExpression, Path, compile, compiled
from flow_editor.engine.filters import SHIPPED, Filter, Use, filter_table
from flow_editor.engine.paths import find
from flow_editor.engine.render import (
	expressions,
	paths,
	render_text,
	render_value,
	split,
	syntax_problem,
	whole,
	whole_path,
)
from flow_editor.engine.values import STANDARD_TYPES, Document, FieldType

ROOT = {
	"doc": {"name": "D-1", "total": 12.345, "other": "x", "nothing": None, "on": date(2026, 12, 3)},
	"variables": {"b": "|", "n": 2, "name": "{{doc.name}}"},
}


@pytest.mark.parametrize(
	("expression", "value"),
	[
		("doc.name", "D-1"),
		(" doc.name ", "D-1"),
		("'text'", "text"),
		('"it\'s"', "it's"),
		(r"'it\'s \\ \n'", r"it's \ n"),
		("''", ""),
		("'{{'", "{{"),
		("'a | upper: b, }}'", "a | upper: b, }}"),
		("12", 12),
		("-1.5", -1.5),
		("doc.total|round:variables.n", 12.35),
		("doc.total | round : 1 | plus: 1", 13.3),
		("doc.name | default: null", "D-1"),
		("doc.nothing | default: true", True),
		("doc.nothing | default: doc.other | upper", "X"),
		("doc.nothing | default: 'a, b: c | d'", "a, b: c | d"),
		("doc.name | replace: '-', variables.b", "D|1"),
		("doc.nowhere.at.all | upper", None),
		("doc.on", date(2026, 12, 3)),
		("doc.on | add: '1 day'", date(2026, 12, 4)),
		("variables.name | lower", "{{doc.name}}"),
	],
)
def test_the_value_of_an_expression(expression, value):
	compiled = compile(expression)
	assert compiled.problem() is None
	found = compiled.value(ROOT)
	assert found == value and type(found) is type(value)


@pytest.mark.parametrize(
	("expression", "said"),
	[
		("", "empty"),
		("a b", "at “b”"),
		("a |", "ends too early"),
		("| upper", "at “|”"),
		("a | upper |", "ends too early"),
		("a | 'upper'", "name of a filter"),
		("a | up.per", "name of a filter"),
		("a | default:", "ends too early"),
		("a | default: ,", "at “,”"),
		("a | replace: 'x' 'y'", "at “'y'”"),
		("a, b", "at “,”"),
		("'a", "quotation mark"),
		("a | default: 'b", "quotation mark"),
		("(a)", "at “(”"),
		("a + b", "at “+”"),
		("a..b", "at “a..b”"),
		("a.", "at “a.”"),
		("a" * 2_001, "longer than 2,000"),
		("a" + " | upper" * 21, "more than 20 filters"),
		("a | table: " + ", ".join("b" * 13), "more than 12 arguments"),
	],
)
def test_what_is_no_expression_is_said(expression, said):
	with pytest.raises(NoExpression, match=said.replace("|", r"\|").replace("+", r"\+").replace("(", r"\(")):
		compile(expression)
	assert compiled(expression) is None and render_text("{{" + expression + "}}", ROOT) in (
		"",
		"{{" + expression + "}}",
	)


@pytest.mark.parametrize(
	("expression", "said"),
	[
		("a | shout", "There is no filter “shout”"),
		("a | round: 1, 2", "takes no more than that: write round: [decimals]"),
		("a | truncate", "needs more: write truncate: length, [end]"),
		("a | round: 'two'", "takes decimals, and “two” is no number"),
		("a | round: 1.5", "whole number"),
		("a | round: 99", "more than 12 decimals"),
		("a | start_of: 'fortnight'", "is none of day, week"),
		("a | add: '3 dayz'", "no length of time"),
		("a | add: 3, 'dayz'", "none of minute"),
		("a | date: 'longish'", "no form such as dd/MM/yyyy"),
		("a | sort: 'x', 'up'", "none of asc, desc"),
		("a | plus: null", "is no number"),
	],
)
def test_a_filter_that_there_is_not_and_a_wrong_argument_are_problems(expression, said):
	assert said in compile(expression).problem()
	assert said in syntax_problem("x {{" + expression + "}}")


def test_an_argument_that_is_a_path_is_seen_at_the_run_alone():
	assert compile("a | round: b").problem() is None
	use = Use()
	root = Rooted({"a": 1.25, "b": "two"}, use)
	assert compile("a | round: b").value(root) is None
	assert use.warnings == ["“two” is no number, so {{a | round: b}} is empty. (round)"]


def test_the_same_text_is_read_once():
	assert compile("doc.name | upper") is compile("doc.name | upper")


def test_what_an_expression_reads_is_known():
	expression = compile("doc.a | default: variables.b | replace: 'x', doc.c")
	assert expression.paths == ["doc.a", "variables.b", "doc.c"] and expression.path is None
	assert compile("doc.a").path == "doc.a" and compile("'doc.a'").paths == [] and compile("1").path is None
	assert paths("{{doc.a | default: doc.b}} {{'c'}} {{(}} {{d}}") == ["doc.a", "doc.b", "d"]
	assert [one.text for one in expressions("{{a}} {{!}} {{b | upper}}")] == ["a", "b | upper"]
	assert isinstance(compile("true").source, Path)  # a constant stands for itself only as an argument


@pytest.mark.parametrize(
	"condition",
	[
		{"==": [{"var": "doc.name | shout"}, 1]},
		{"==": [{"var": ["doc.name | shout", 2]}, 1]},
		{"and": [{"some": [{"var": "items"}, {">": [{"var": "qty | shout"}, 1]}]}]},
		{"==": [{"var": "doc.name"}, "{{doc.total | shout}}"]},
		{"==": [{"var": "doc.name"}, "x {{doc.total | shout}}"]},
	],
)
def test_in_conditions_too_a_filter_that_there_is_not_is_a_problem(condition):
	assert "There is no filter “shout”" in logic.problem(condition)
	shout = Filter("shout", str.upper, "text", "text", "Louder.")
	assert logic.problem(condition, known=filter_table([shout])) is None


# In texts


@pytest.mark.parametrize(
	("template", "rendered"),
	[
		("{{ '{{' }}doc.name{{ '}}' }}", "{{doc.name}}"),
		("{{ '}}' }} {{doc.name}}", "}} D-1"),
		("a {{ doc.nothing | default: 'x }} y' }} b", "a x }} y b"),
		('{{doc.name | replace: "-", \'"\'}}', 'D"1'),
		("it's {{doc.name}} and it's", "it's D-1 and it's"),
		("{{it's {{doc.name}}", "{{it's {{doc.name}}"),
		("{{doc.total | round: 1}}{{doc.total}}", "12.312.345"),
		("{{doc.name | shout}}.", "."),
	],
)
def test_a_text_with_filters_and_quotes(template, rendered):
	assert render_text(template, ROOT) == rendered


def test_a_whole_expression_keeps_the_type_of_its_last_filter():
	assert render_value(["{{doc.total | round: 1}}", " {{doc.on | add: '1 day'}} ", "{{doc.name | lower}}", "n {{1 | plus: 1}}"], ROOT) == [
		12.3, "2026-12-04", "d-1", "n 2",
	]  # fmt: skip
	assert render_value("{{doc.on | add: '1 day'}}", ROOT, as_json=False) == date(2026, 12, 4)
	assert render_value("{{'{{' | default: '}}'}}", ROOT) == "{{"
	assert whole("{{a}}{{b}}") is None and whole("{{a | upper}}").paths == ["a"] and whole("{{!}}") is None
	assert whole_path("{{a | upper}}") is None and whole_path("{{'a'}}") is None


def test_braces_close_outside_of_quotes_alone():
	assert list(split("a {{ 'x}}' }} b")) == [("a ", "'x}}'"), (" b", None)]
	assert list(split(r"{{ 'x\'}}' }}")) == [("", r"'x\'}}'"), ("", None)]
	assert "quotation mark" in syntax_problem("{{ 'x }} {{doc.name}}")


# Through Link fields


class Rooted(dict):
	def __init__(self, values, use):
		super().__init__(values)
		self.use = use


CUSTOMERS = {
	"ana": Document(
		{"name": "ana", "territory": "quebec", "since": date(2020, 1, 2)},
		{"territory": FieldType("Link", "Territory", "Territory"), "since": FieldType("Date", "Since")},
	),
	"loop": Document({"next": "loop", "name": "loop"}, {"next": FieldType("Link", "Next", "Customer")}),
}
ROWS = {"item_code": FieldType("Link", "Item", "Item"), "qty": FieldType("Float", "Qty")}


class Linked:
	"""Documents that Link fields name, and what was asked for."""

	def __init__(self):
		self.asked = []

	def __call__(self, doctype, name):
		self.asked.append((doctype, name))
		if name == "secret":
			raise NotAllowed("Not for you.")
		if doctype == "Customer":
			return CUSTOMERS.get(name)
		return {"name": name, "group": f"group of {name}", "of": doctype}

	def root(self, **values):
		types = {
			**STANDARD_TYPES,
			"customer": FieldType("Link", "Customer", "Customer"),
			"party": FieldType("Dynamic Link", "Party", "party_type"),
			"items": FieldType("Table", "Items", "Row"),
			"customer_name": FieldType("Data", "Name"),
		}
		return Rooted(
			{"doc": Document({"name": "D-1", **values}, types), "variables": {"customer": "ana"}},
			Use(linked=self),
		)


def test_a_path_goes_on_in_the_document_that_a_field_names():
	linked = Linked()
	root = linked.root(customer="ana", customer_name="Ana")
	found = find(root, "doc.customer.since")
	assert (
		found.value == date(2020, 1, 2)
		and found.type.fieldtype == "Date"
		and found.within[-1]["name"] == "ana"
	)
	assert find(root, "doc.customer.territory.group").value == "group of quebec"
	assert find(root, "doc.customer").value == "ana"
	assert (
		find(root, "doc.customer_name.x").value is None
		and find(root, "variables.customer.since").value is None
	)
	assert linked.asked == [("Customer", "ana"), ("Customer", "ana"), ("Territory", "quebec")]


def test_a_dynamic_link_and_a_column_of_links_are_followed():
	linked = Linked()
	root = linked.root(
		party_type="Lead",
		party="L-1",
		items=[Document({"item_code": code, "qty": 1}, ROWS) for code in ("A", "", "B")],
	)
	assert find(root, "doc.party.of").value == "Lead"
	assert find(root, "doc.items.item_code.group").value == ["group of A", "group of B"]
	assert find(root, "doc.items.0.item_code.group").value == "group of A"
	assert find(root, "doc.items.item_code.2").value == "B"


def test_what_names_nothing_leads_nowhere_and_what_is_not_allowed_is_said():
	linked = Linked()
	assert find(linked.root(customer="gone"), "doc.customer.since").value is None
	assert find(linked.root(customer=None), "doc.customer.since").value is None
	assert find(linked.root(party="x"), "doc.party.since").value is None
	with pytest.raises(NotAllowed):
		render_text("{{doc.customer.since}}", linked.root(customer="secret"))
	assert find({"doc": linked.root(customer="ana")["doc"]}, "doc.customer.since").value is None


def test_a_path_through_too_many_documents_fails_with_a_sentence():
	with pytest.raises(StepFailed, match="more than 5 documents"):
		find(Linked().root(customer="loop"), "doc.customer" + ".next" * 9 + ".name")


# Bounds

WORDS = st.sampled_from(
	["doc", "doc.items", "doc.total", "'", '"', "\\", "|", ":", ",", "{{", "}}", "'a'", "1", "-2.5", " ", "true", "null", *SHIPPED]
)  # fmt: skip
VALUES = st.recursive(
	st.none()
	| st.booleans()
	| st.integers()
	| st.floats()
	| st.decimals()
	| st.dates()
	| st.datetimes()
	| st.times()
	| st.text(max_size=20),
	lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
	max_leaves=8,
)


@settings(max_examples=400, deadline=None)
@given(st.lists(WORDS, max_size=20).map("".join), VALUES)
def test_no_text_is_too_odd(text, value):
	root = {"doc": {"items": value, "total": value}}
	rendered = render_text("{{" + text, root) + render_text(text, root)
	assert isinstance(rendered, str)
	syntax_problem(text)
	render_value([text], root)


@settings(max_examples=250, deadline=None)
@given(
	VALUES,
	st.lists(
		st.tuples(st.sampled_from(list(SHIPPED)), st.lists(st.integers(0, 8), max_size=3)),
		min_size=1,
		max_size=4,
	),
	st.lists(VALUES, min_size=9, max_size=9),
)
def test_no_value_is_too_odd_for_a_filter(value, calls, others):
	text = "v" + "".join(
		f" | {name}" + (": " + ", ".join(f"a.{n}" for n in arguments) if arguments else "")
		for name, arguments in calls
	)
	use = Use()
	root = Rooted({"v": value, "a": others}, use)
	found = compile(text).value(root)
	render_text("{{" + text + "}}", root)
	render_value("{{" + text + "}}", root)
	assert found is None or found is not NotImplemented
	assert all(len(warning) <= 300 for warning in use.warnings)


@pytest.mark.parametrize(
	"hostile",
	[
		"{{'" * 300_000, "{{'\\" * 250_000, "{{'\\'}}" * 140_000, "{{'}}{{\"}}" * 100_000, "{{a|" * 250_000,
		"{{" + "a|" * 500_000 + "}}", "{{" + "'a'" * 300_000 + "}}", "{{" + "\\" * 1_000_000 + "'}}",
	],
)  # fmt: skip
def test_hostile_texts_cost_no_more_than_their_length(hostile):
	"""Where it were quadratic this would take hours."""
	begun = time.perf_counter()
	render_text(hostile, ROOT)
	assert syntax_problem(hostile)
	assert time.perf_counter() - begun < 60


@pytest.mark.parametrize(
	"expression",
	[
		"t | replace: '', 'x'", "t | replace: 'a', t", "l | join: t", "t | times: 9", "n | times: n | times: n | times: n",
		"l | sort", "r | table", "n | round: 12", "t | truncate: 10000, t", "t | plain | title | upper", "l | max",
	],
)  # fmt: skip
def test_a_short_expression_makes_nothing_endless(expression):
	root = {
		"t": "a" * 1_000_000,
		"l": ["b" * 90] * 10_000,
		"r": [{"a": "x" * 200}] * 10_000,
		"n": Decimal(10) ** 29,
	}
	begun = time.perf_counter()
	value = compile(expression).value(root)
	assert value is None or isinstance(value, Decimal | int | float | list) or len(value) <= 1_000_000
	assert time.perf_counter() - begun < 20
