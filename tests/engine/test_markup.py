from __future__ import annotations

import time

import pytest

from flow_editor.engine.markup import MOST_CHARACTERS, Value, letter, readable, safe


def written(template: str, *values: str | Value) -> str:
	"""A letter in which {} stands for each value."""
	found = [value if isinstance(value, Value) else Value(value) for value in values]
	return letter(template.split("{}"), found)


@pytest.mark.parametrize(
	("markup", "words"),
	[
		("<div class='ql-editor'><p>No signal &amp; no phone</p><p>since Monday</p></div>", "No signal & no phone\nsince Monday"),
		("a<br>b<br/><br/>c", "a\nb\n\nc"),
		("<p>a</p><p><br></p><p>b</p>", "a\n\nb"),
		("<p>one\n  and the   same line</p>", "one and the same line"),
		("<ul><li>a</li><li>b <b>c</b></li></ul>", "- a\n- b c"),
		("<ol><li>a</li><li><p>b</p></li></ol>x", "1. a\n2. b\nx"),
		("<ol><li data-list='bullet'><span class='ql-ui'></span>a</li></ol>", "- a"),
		("<table><tr><th>Plan</th><th>Price</th></tr><tr><td>500</td><td>79</td></tr></table>", "Plan | Price\n500 | 79"),
		("see <a href='https://x.test/a'>here</a>, <a href='https://x.test'>https://x.test</a>", "see here (https://x.test/a), https://x.test"),
		("<a href='mailto:a@x.test'>Ana</a> <a href='javascript:alert(1)'>x</a>", "Ana (a@x.test) x"),
		("a&nbsp;b&eacute;&lt;c&gt;", "a bé<c>"),
		("<style>p{}</style><script>x()</script>a<title>t</title>", "a"),
		("<pre>a\n  b</pre>c", "a\n  b\nc"),
		("<img src=x alt='A cat'> sits", "A cat sits"),
		("no markup\n at all", "no markup\n at all"),
		("", ""),
		("<p>", ""),
		("\x00<p>a\x01b\ud800</p>", "ab"),
	],
)  # fmt: skip
def test_markup_is_read_line_by_line(markup, words):
	assert readable(markup) == words


@pytest.mark.parametrize(
	("markup", "left"),
	[
		("<p onclick=x>a <b>b</b></p>", "<p>a <b>b</b></p>"),
		("<script>alert(1)</script><style>p{}</style>a", "a"),
		("<a href='javascript:alert(1)'>x</a>", "<a>x</a>"),
		("<a href='https://x.test/?a=1&amp;b=2'>x</a>", '<a href="https://x.test/?a=1&amp;b=2">x</a>'),
		("<p style='color: red; position: fixed; background: url(http://x)'>a</p>", '<p style="color:red">a</p>'),
		("<iframe src=x>y</iframe><form><input>a</form><svg onload=x>b</svg>", "ab"),
		("1 < 2 & 3", "1 &lt; 2 &amp; 3"),
		("&lt;b&gt;", "&lt;b&gt;"),
		("plain\nlines", "plain<br>\nlines"),
		("<!-- x --><?php y ?>a", "a"),
	],
)  # fmt: skip
def test_a_field_s_markup_is_cleaned(markup, left):
	assert safe(markup) == left


@pytest.mark.parametrize(
	"markup",
	[
		"<b>" * 5000 + "deep",
		"".join(f"<b id={n}><p>" for n in range(14_000)) + "deep",
		"<i>x</i>" * MOST_CHARACTERS + "deep",
		"<" * 190_000 + " deep",
		"&" * 190_000 + " deep",
		"".join(f"<b id={n}>" for n in range(90)) + "<p>" * 40_000 + "deep",
	],
	ids=["deep", "misnested", "long", "angles", "ampersands", "broad"],
)
def test_no_markup_takes_long_or_grows(markup):
	began = time.process_time()
	made = safe(markup)
	assert "deep" in made and len(made) < 20 * len(markup)
	assert "deep" in readable(markup)
	assert time.process_time() - began < 10


@pytest.mark.parametrize(
	("template", "made"),
	[
		("Hello,\n\nyour visit is on <b>Monday</b>.\nBe there.", "Hello,<br>\n<br>\nyour visit is on <b>Monday</b>.<br>\nBe there."),
		("a\r\nb", "a<br>\nb"),
		("see <https://x.test>\n", "see &lt;https://x.test&gt;<br>\n"),
		("Write to <ana@example.com> or <your name>", "Write to &lt;ana@example.com&gt; or &lt;your name&gt;"),
		("1 < 2 and 3 > 2, R&D &copy; &#169;", "1 &lt; 2 and 3 &gt; 2, R&amp;D &copy; &#169;"),
		("<p>Dear\nAna</p>\n\n<p>Bye</p>\n", "<p>Dear\nAna</p>\n\n<p>Bye</p>\n"),
		("Hi\n\n<ul>\n<li>a</li>\n</ul>\nBye\nTeam", "Hi\n\n<ul>\n<li>a</li>\n</ul>\nBye<br>\nTeam"),
		("a<br>\nb<br/>\n\nc\nd", "a<br>\nb<br/>\n\nc<br>\nd"),
		("a\n<hr>\nb", "a\n<hr>\nb"),
		("<p>a\n<p>b</p>\nc\nd", "<p>a\n<p>b</p>\nc<br>\nd"),
		("</p>a\nb</div>\nc", "</p>a<br>\nb</div>\nc"),
		("<pre>a\nb</pre>\nc", "<pre>a\nb</pre>\nc"),
		("<style>p {\n}</style>a\nb", "<style>p {\n}</style>a<br>\nb"),
		("<!-- a\nb -->c\nd", "<!-- a\nb -->c<br>\nd"),
		("<a href='x'\n title=\"a>b\">c</a>\nd", "<a href='x'\n title=\"a>b\">c</a><br>\nd"),
		("<!doctype html>\n<html><head><title>t\n</title></head><body>a\nb</body></html>\n", "<!doctype html>\n<html><head><title>t\n</title></head><body>a\nb</body></html>\n"),
		("a <p x\"y>b</p>", "a <p x\"y>b</p>"),
	],
)  # fmt: skip
def test_typed_lines_stay_and_blocks_have_their_own(template, made):
	assert written(template) == made


def test_a_value_is_escaped_and_keeps_its_lines_wherever_it_stands():
	assert written("<td>{}</td>", "a <b>\nc") == "<td>a &lt;b&gt;<br>\nc</td>"
	assert written("x {} y", "a\nb") == "x a<br>\nb y"
	assert written("<a href='{}' title='{}'>l</a>", "x' onclick='y", "a\nb") == (
		"<a href='x&#x27; onclick=&#x27;y' title='a\nb'>l</a>"
	)
	assert written("<pre>{}</pre>", "a\nb") == "<pre>a\nb</pre>"
	assert written("<style>{}</style><!-- {} -->", "a", "-->") == "<style>a</style><!-- --&gt; -->"
	assert written("<{}>\n", "script") == "&lt;script&gt;<br>\n"
	assert written("\x000\x00{}", "v") == "0v"


def test_a_field_that_holds_html_is_markup_in_a_letter_and_words_in_an_attribute():
	rich = Value("a & b\nc", "<div><p>a &amp; b</p><p onclick=x>c</p></div>")
	assert written("We got:\n{}\nThanks\nTeam", rich) == (
		"We got:\n<div><p>a &amp; b</p><p>c</p></div>\nThanks<br>\nTeam"
	)
	assert written("<p title='{}'>x</p>", rich) == "<p title='a &amp; b\nc'>x</p>"
	assert written("on {}\nyes", Value("a", "<b>a</b>")) == "on <b>a</b><br>\nyes"
