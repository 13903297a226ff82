from __future__ import annotations

import pytest

from flow_editor.engine.errors import StepFailed
from flow_editor.engine.recipients import MAIL, PHONE, addresses, written
from flow_editor.engine.render import render_text
from flow_editor.engine.values import Document, FieldType


@pytest.mark.parametrize(
	("text", "found"),
	[
		('"Tremblay, Ana" <ana@example.com>, Bob <bob@example.com>', ["ana@example.com", "bob@example.com"]),
		('"Tremblay; Ana \\"the boss, really\\"" <ana@example.com>', ["ana@example.com"]),
		("Ana <ana@x.test>; bob@x.test\nc@x.test\r\nd@x.test", ["ana@x.test", "bob@x.test", "c@x.test", "d@x.test"]),
		("ana@x.test (Ana at work)", ["ana@x.test"]),
		("<ana@x.test>, 'bob@x.test', \"c@x.test\"", ["ana@x.test", "bob@x.test", "c@x.test"]),
		("mailto:ana@x.test, MAILTO:bob@x.test?subject=Hi, <mailto:c@x.test>, mailto:d%2Be@x.test", ["ana@x.test", "bob@x.test", "c@x.test", "d+e@x.test"]),
		("\ufeffana@x.test, bo\u200bb@x.test, c\u00ad@x.test, \u202ad@x.test\u202c", ["ana@x.test", "bob@x.test", "c@x.test", "d@x.test"]),
		("\u00a0ana@x.test\u00a0,\u202fbob@x.test, c\u00a0@x.test", ["ana@x.test", "bob@x.test", "c@x.test"]),
		("ana@x.test, ANA@x.test,, ,ana@x.test", ["ana@x.test"]),
		('["ana@x.test", "Bob <bob@x.test>", "", null]', ["ana@x.test", "bob@x.test"]),
		("[ana@x.test, bob@x.test]", ["ana@x.test", "bob@x.test"]),
		("josé@exämple.com, o'brien@x.test, a+b@x.test", ["josé@exämple.com", "o'brien@x.test", "a+b@x.test"]),
		("", []),
		(" , ;\n", []),
	],
)  # fmt: skip
def test_addresses(text, found):
	assert addresses(text, MAIL) == found


@pytest.mark.parametrize(
	"text",
	[
		"ana", "@x.test", "a@x.test b@x.test", "a\x00@x.test", "a@x.test, nobody", "a@x.test\r\nBcc: b@x.test", "a@b@c.d",
		"Ana <a@x.test> <b@x.test>", 'O"Brien <a@x.test>, x y, M"c <d@x.test>', "a@x.test\u2028b@x.test", "mailto:a%0Ab@x.test", "[[[[[[1]]]]]]",
	],
)  # fmt: skip
def test_what_is_no_address_is_refused_and_nothing_is_left_out(text):
	with pytest.raises(StepFailed, match="is not an e-mail address"):
		addresses(text, MAIL)


@pytest.mark.parametrize(
	("text", "found"),
	[
		("(514) 555-0100, +33 6 12 34", ["(514) 555-0100", "+33 6 12 34"]),
		("tel:+1-514-555-0100", ["+1-514-555-0100"]),
		("+1\u00a0514\u00a0555\u20110100", ["+1514555-0100"]),
		("+1 514 555 0100, +1 (514) 555-0100, +15145550100", ["+1 514 555 0100"]),
		("\u202a+15145550100\u202c", ["+15145550100"]),
		("＋15145550100", ["+15145550100"]),
		("15145550100", ["15145550100"]),
	],
)
def test_phone_numbers(text, found):
	assert addresses(text, PHONE) == found


def test_what_is_no_number_is_refused():
	with pytest.raises(StepFailed, match=r"'ana@example\.com' is not a phone number"):
		addresses("+15145550100, ana@example.com", PHONE)


CONTACT = {
	"email_ids": [{"email_id": "a@x.test", "is_primary": 1, "idx": 1}, {"email_id": "b@x.test"}, {"email_id": None}],
	"phone_nos": [{"phone": "+15145550100", "is_primary_phone": 1}],
	"items": [{"item_code": "A", "qty": 1, "idx": 1}],
	"both": [{"email": "a@x.test", "email_id": "b@x.test"}],
	"one_filled": [{"email": "", "email_id": "b@x.test"}],
	"typed": [Document({"who": "t@x.test", "x": 1}, {"who": FieldType("Data", "Who", "Email")})],
	"none": [],
	"names": ['"Tremblay, Ana" <ana@x.test>', "b@x.test"],
	"json": '["a@x.test", "b@x.test"]',
}  # fmt: skip


@pytest.mark.parametrize(
	("to", "medium", "found"),
	[
		("{{doc.email_ids}}", MAIL, ["a@x.test", "b@x.test"]),
		("{{doc.email_ids.email_id}}", MAIL, ["a@x.test", "b@x.test"]),
		("{{doc.email_ids.0}}, c@x.test", MAIL, ["a@x.test", "c@x.test"]),
		("c@x.test; {{doc.email_ids}}; {{doc.none}}", MAIL, ["c@x.test", "a@x.test", "b@x.test"]),
		("{{doc.phone_nos}}", PHONE, ["+15145550100"]),
		("{{doc.one_filled}}", MAIL, ["b@x.test"]),
		("{{doc.typed}}", MAIL, ["t@x.test"]),
		("{{doc.names}}", MAIL, ["ana@x.test", "b@x.test"]),
		("{{doc.json}}", MAIL, ["a@x.test", "b@x.test"]),
		("{{doc.nothing}}{{doc.none.email_id}}", MAIL, []),
	],
)
def test_tables_and_lists(to, medium, found):
	text = render_text(to, {"doc": CONTACT}, write=lambda value: written(value, medium))
	assert addresses(text, medium) == found


def test_a_table_of_which_no_column_can_be_told_names_its_columns():
	def fails(path, medium=MAIL):
		with pytest.raises(StepFailed) as caught:
			render_text(f"{{{{{path}}}}}", {"doc": CONTACT}, write=lambda value: written(value, medium))
		return caught.value.message

	none = fails("doc.items")
	assert (
		"{{doc.items}}" in none
		and "item_code, qty" in none
		and "idx" not in none
		and "{{doc.items.item_code}}" in none
	)
	several = fails("doc.both")
	assert "several" in several and "email, email_id" in several and "{{doc.both.email}}" in several
	assert "a phone number" in fails("doc.email_ids", PHONE)
