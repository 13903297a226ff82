from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flow_editor.engine.context import Scope
from flow_editor.engine.errors import StepFailed
from flow_editor.engine.records import Run
from flow_editor.engine.render import (
	Budget,
	as_text,
	jsonable,
	paths,
	render_text,
	render_value,
	resolve,
	syntax_problem,
	whole_path,
)

ROOT = {
	"doc": {
		"name": "D-1",
		"n": 3,
		"f": 2.0,
		"half": 0.5,
		"yes": True,
		"none": None,
		"items": [{"rate": 7}],
		"on": date(2026, 11, 23),
	},
	"customer": {"customer_name": 'O\'Brien & "Sons" <b>'},
	"variables": {"évènement": "été", "a-b": 1},
}


@pytest.mark.parametrize(
	("template", "rendered"),
	[
		("plain", "plain"),
		("{{doc.name}}", "D-1"),
		("a {{ doc.name }} b {{doc.n}}", "a D-1 b 3"),
		("{{doc.f}} {{doc.half}}", "2 0.5"),
		("{{doc.yes}}", "true"),
		("[{{doc.none}}{{doc.nothing}}{{nowhere.at.all}}]", "[]"),
		("{{doc.items.0.rate}}", "7"),
		("{{doc.items.9.rate}}{{doc.items.-1}}{{doc.items.x}}", ""),
		("{{doc.items}}", '[{"rate": 7}]'),
		("{{doc.on}}", "2026-11-23"),
		("{{variables.évènement}} {{variables.a-b}}", "été 1"),
		("{{doc.name.upper}}{{doc.__class__}}{{doc.name.__len__}}", ""),
		("{{ }} {{doc.name", " {{doc.name"),
		("{{doc.name()}}{{1+1}}", ""),
		("}} {{doc.name}}", "}} D-1"),
	],
)
def test_text(template, rendered):
	assert render_text(template, ROOT) == rendered


def test_values_are_escaped_and_the_authors_text_is_not():
	assert (
		render_text("<p>{{customer.customer_name}}</p>", ROOT, escape=True)
		== "<p>O&#x27;Brien &amp; &quot;Sons&quot; &lt;b&gt;</p>"
	)


def test_what_was_rendered_is_not_rendered_again():
	assert render_text("{{variables.x}}", {"variables": {"x": "{{doc.name}}"}}) == "{{doc.name}}"


def test_json_leaves_keep_their_type_and_cannot_break_out():
	value = {
		"n": "{{doc.n}}",
		"text": "is {{doc.n}}",
		"who": "{{customer.customer_name}}",
		"list": ["{{doc.items}}", 1, None],
		"{{doc.name}}": "key",
	}
	assert render_value(value, ROOT) == {
		"n": 3,
		"text": "is 3",
		"who": 'O\'Brien & "Sons" <b>',
		"list": [[{"rate": 7}], 1, None],
		"{{doc.name}}": "key",
	}
	assert render_value("{{doc.on}}", ROOT) == "2026-11-23"


def test_no_attribute_is_ever_read():
	class Trap:
		def __getattr__(self, name):
			raise AssertionError(name)

		def __str__(self):
			return "trap"

	assert render_text("{{x.secret}}|{{x}}", {"x": Trap()}) == "|trap"


def test_errors_of_a_lazy_mapping_go_through_and_missing_keys_do_not():
	class Lazy(Mapping):
		def __getitem__(self, key):
			raise PermissionError(key) if key == "secret" else KeyError(key)

		def __iter__(self):
			return iter(())

		def __len__(self):
			return 0

	assert resolve({"x": Lazy()}, "x.missing") is None
	with pytest.raises(PermissionError):
		resolve({"x": Lazy()}, "x.secret")


@pytest.mark.parametrize(
	("template", "word"),
	[
		("{{doc.name", "Close"),
		("doc.name}}", "without a {{"),
		("{{}}", "empty"),
		("{{doc.name|uper}}", "no filter “uper”"),
		("{{doc.name|}}", "ends too early"),
		("{{a..b}}", "cannot be read at “a..b”"),
		("{{.a}}", "cannot be read at “.a”"),
		("{{doc.name()}}", "cannot be read at “(”"),
		("{{1+1}}", "cannot be read at “+”"),
		("{{'a}} b", "quotation mark"),
	],
)
def test_what_does_not_parse_is_said(template, word):
	assert word in syntax_problem(template)


def test_what_parses_has_no_problem():
	assert syntax_problem("a {{doc.name}} {{ steps.call-1.result.status }} }") is None
	assert paths("a {{doc.name}} {{b}}") == ["doc.name", "b"]
	assert (
		whole_path(" {{ doc.n }} ") == "doc.n"
		and whole_path("{{a}}{{b}}") is None
		and whole_path("a") is None
	)


@pytest.mark.parametrize(
	("value", "text"),
	[
		(Decimal("12345678901234567890.12"), "12345678901234567890.12"), (Decimal("1.50"), "1.5"), (Decimal("1E+3"), "1000"),
		(Decimal("0.00000001"), "0.00000001"), (Decimal("-0.00"), "0"), (Decimal("NaN"), ""),
		(1e15, "1000000000000000"), (1e16, "10000000000000000"), (1e-05, "0.00001"), (-0.0, "0"), (-2.5, "-2.5"),
		(float("nan"), ""), (float("inf"), ""), (True, "true"), (100, "100"),
		(datetime(2026, 11, 23, 10), "2026-11-23 10:00:00"),
	],
)  # fmt: skip
def test_numbers_and_dates_read_plainly(value, text):
	assert render_text("{{v}}", {"v": value}) == text


def test_an_answer_too_deep_for_the_stack_is_cut_and_never_throws():
	deep: list = []
	for _ in range(5_000):
		deep = [deep]
	rendered = render_value("{{v}}", {"v": deep})
	assert json.dumps(rendered) == render_text("{{v}}", {"v": deep})
	assert json.dumps(rendered).count("[") == 100


def test_jsonable():
	assert jsonable({"a": Decimal("1.50"), "b": Decimal("2"), "c": datetime(2026, 1, 2, 3, 4, 5), "d": {1}, 5: float("nan"), "e": b"x"}) == {
		"a": 1.5, "b": 2, "c": "2026-01-02 03:04:05", "d": [1], "5": None, "e": "x",
	}  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="{} .ab-_0\n", max_size=60))
def test_rendering_never_throws_and_leaves_no_whole_expression(template):
	rendered = render_text(template, {"a": {"b": "x"}})
	if syntax_problem(template) is None:
		assert "{{" not in rendered


class Scanned(str):
	"""A text that counts how many characters are looked through."""

	characters = 0

	def find(self, wanted, start=0):
		found = super().find(wanted, start)
		Scanned.characters += (len(self) if found == -1 else found) - start
		return found


def scanned(text: str) -> int:
	Scanned.characters = 0
	render_text(Scanned(text), ROOT)
	syntax_problem(Scanned(text))
	return Scanned.characters


@pytest.mark.parametrize("piece", ["{{", "{{a", "}}", "{{a}}", "a{{}}", "{{a}} }}"])
def test_hostile_input_is_looked_through_in_linear_time(piece):
	assert scanned(piece * 2_000) <= 2.2 * scanned(piece * 1_000) + 100


def test_hostile_input_of_a_million_characters():
	"""Where it were quadratic, in Python or in a pattern, this would take hours."""
	for hostile in (
		"{{" * 500_000,
		"{{a" * 300_000,
		"}}" * 500_000,
		"{{" + "a." * 500_000 + "}}",
		"{{" + "-" * 1_000_000 + "!}}",
	):
		assert render_text(hostile, ROOT) in (hostile, "")
		assert syntax_problem(hostile)


LONG = {"variables": {"text": "x" * 1000, "rows": [{"a": "y" * 990}], "sign": "<" * 1000}}


@pytest.mark.parametrize(
	"render",
	[
		lambda: render_text("{{variables.text}}" * 1001, LONG),
		lambda: render_text("{{variables.sign}}" * 251, LONG, escape=True),
		lambda: render_text("{{variables}}" * 500, LONG),
		lambda: render_value(["{{variables.text}}"] * 1001, LONG),
		lambda: render_value({str(n): "{{variables.rows}}" for n in range(1001)}, LONG),
		lambda: render_value(["and {{variables.text}}"] * 1001, LONG),
	],
)
def test_a_short_text_makes_no_long_one(render):
	with pytest.raises(StepFailed, match="more than 1,000,000 characters"):
		render()


def test_all_texts_of_a_step_share_what_there_is():
	budget = Budget(2500)
	assert len(render_text("{{variables.text}}" * 2, LONG, budget=budget)) == 2000
	assert render_text("An author's own words" * 1000, LONG, budget=budget)
	with pytest.raises(StepFailed, match="2,500"):
		render_value({"a": "{{variables.text}}"}, LONG, budget)


@pytest.mark.parametrize(
	"path",
	[
		"steps.a.result.body", "steps.a.result.body.id", "steps.a.result.other", "steps.a.result", "steps.a", "steps",
		"run.step_state.a.result.body", "run",
	],
)  # fmt: skip
def test_who_reads_what_was_cut_is_told_so(path):
	scope = Scope(None, cut_run(), read=dict)
	for read in (
		lambda: render_text(f"id={{{{{path}}}}}", scope),
		lambda: render_value(f"{{{{{path}}}}}", scope),
		lambda: as_text(resolve(scope, path)),
	):
		with pytest.raises(StepFailed, match="step a was too long"):
			read()


def test_what_was_not_cut_is_read_as_ever():
	scope = Scope(None, cut_run(), read=dict)
	assert (
		render_text("{{steps.a.result.status}} {{steps.a.result.truncated}} {{steps.a.status}}", scope)
		== "200 true done"
	)
	assert render_text("{{steps.b.result.body.truncated}}{{steps.b.result.none}}", scope) == "true"


def cut_run() -> Run:
	"""A run in which one answer was cut, and another says so of something else."""
	cut = {"status": 200, "body": '{"id": "REA', "truncated": True}
	whole = {"status": 200, "body": {"truncated": True, "id": 1}, "truncated": False}
	state = {"a": {"status": "done", "result": cut}, "b": {"status": "done", "result": whole}}
	return Run(flow_template="FT-1", template_version=1, step_state=state)
