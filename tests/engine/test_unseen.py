from __future__ import annotations

import pytest

from flow_editor.engine.definition import parse_input
from flow_editor.engine.inputs import read_given
from flow_editor.engine.unseen import unseen_problem
from flow_editor.engine.validation import validate
from flow_editor.kinds import builtin_kinds

CATALOG = {kind.name: kind for kind in builtin_kinds()}


@pytest.mark.parametrize(
	("character", "words"),
	[
		("\n", "a line break (U+000A)"), ("\r", "a line break (U+000D)"), ("\u2028", "a line break (U+2028)"),
		("\t", "a tab (U+0009)"), ("\x00", "a control character (U+0000)"), ("\x7f", "a control character (U+007F)"),
		("\x9b", "a control character (U+009B)"), ("\u202e", "a mark that turns the direction of writing (U+202E)"),
		("\u2066", "a mark that turns"), ("\u200b", "a space of no width (U+200B)"), ("\ufeff", "a space of no width"),
	],
)  # fmt: skip
def test_what_nobody_sees_is_named_with_its_place(character, words):
	message = unseen_problem(f"Welcome {character}Ana")
	assert words in message and "after 'Welcome '" in message and message.endswith("Take it out.")
	assert "at its beginning" in unseen_problem(character)


@pytest.mark.parametrize(
	"text",
	[
		"",
		"Été à Montréal",
		"漢字",
		"👩‍👩‍👧 family",
		"می‌خواهم",
		"‏שלום",
		"a\u00a0b",
		"🏴\U000e0067\U000e0062\U000e007f",
	],
)
def test_what_people_write_is_taken(text):
	assert unseen_problem(text) is None


def test_texts_of_several_lines_may_have_them():
	assert unseen_problem("a\n\tb\r\nc\u202e\ufeff", lines=True) is None
	assert "U+0000" in unseen_problem("a\nb\x00", lines=True)


def problems(step: dict, **head) -> list[tuple[str, str]]:
	definition = {"steps": [{"id": "a", "kind": "wait", **step}], **head}
	return [(p.step, p.field) for p in validate(definition, CATALOG) if "Take it out." in p.message]


@pytest.mark.parametrize(
	("step", "field"),
	[
		({"label": "La\x07bel"}, "label"),
		({"trigger": {"type": "on_date", "at": "2027-03-31\n"}}, "trigger.at"),
		({"kind": "issue", "payload": {"subject": "No\nsignal"}}, "payload.subject"),
		({"kind": "issue", "payload": {"subject": "s", "priority": "High\u202e"}}, "payload.priority"),
		({"kind": "webhook", "payload": {"url": "https://x.test/\u200b"}}, "payload.url"),
		({"kind": "erp_update", "payload": {"doctype": "Issue\x00", "docname_ref": "x", "fields_json": {"a": 1}}}, "payload.doctype"),
		({"kind": "condition", "payload": {"field": "doc.\tstatus", "op": "not_empty"}}, "payload.field"),
	],
)  # fmt: skip
def test_it_is_a_problem_of_every_text_of_one_line(step, field):
	assert problems(step) == [("a", field)]


def test_the_names_of_variables_are_such_too():
	assert problems({}, variables={"na\nme": "any\nvalue"}) == [("", "variables")]


def test_inputs_are_labelled_by_what_is_seen_and_hold_it():
	labelled = {"inputs": [{"name": "x", "type": "text", "label": "New\naddress"}]}
	assert problems({}, **labelled) == [("", "inputs.x.label")]
	one = parse_input({"name": "x", "type": "text"})
	_, (wrong,) = read_given([one], {"x": "12 Main\u202eStreet"}, "UTC")
	assert wrong.field == "variables.x" and "U+202E" in wrong.message
	assert read_given([one], {"x": " 12 Main Street\n"}, "UTC") == ({"x": "12 Main Street"}, [])


def test_bodies_keep_their_line_breaks():
	payload = {"to": "a@example.com,\nb@example.com", "subject": "s", "body": "Hello\n\tAna"}
	assert problems({"kind": "notify", "payload": payload, "notes": "a\nb"}) == []


@pytest.mark.parametrize(
	("payload", "field"),
	[
		({"to": "ana@example.com\x07"}, "payload.to"), ({"to": ["ana@example.com\x00"]}, "payload.to"),
		({"to": "ana@example.com\n\u200bbob@example.com"}, None), ({"body": "one\n\ttwo"}, None),
	],
)  # fmt: skip
def test_addresses_may_stand_on_several_lines_and_hold_no_control_character(payload, field):
	step = {"id": "m", "kind": "notify", "payload": {"to": "a@b.co", "subject": "x", "body": "x", **payload}}
	found = [one.field for one in validate({"steps": [step]}, CATALOG)]
	assert found == ([field] if field else [])


def test_who_signs_in_is_seen():
	auth = {"type": "basic", "user": "a\x07", "secret": "crm"}
	step = {"id": "w", "kind": "webhook", "payload": {"url": "https://x.test", "auth": auth}}
	(problem,) = validate({"steps": [step]}, CATALOG)
	assert problem.field == "payload.auth" and "U+0007" in problem.message
