"""What Frappe reads out of a mail besides its words: files that it embeds, style sheets that it fetches. Whoever writes a
value, a template or a text, nothing is attached or loaded that the step did not ask for. Looked at are the MIME parts of
the mail in the queue, and who was called."""

from __future__ import annotations

import email
import email.policy
import html
import http.server
import threading

import frappe
import pytest
import records as r

from flow_editor.engine.errors import StepFailed
from flow_editor.services import failures, starting
from flow_editor.site import inert
from flow_editor.site.host import current

CONFIG = "files/../../site_config.json"
#: The ways in which a text says embed="…" to Frappe, as it is or once entities are decoded.
SPELLINGS = (
	'embed="{}"', "embed='{}'", "embed&#61;&#34;{}&#34;", "embed&#x3d;&quot;{}&quot;", "&#101;mbed=&quot;{}&quot;",
	'&#x65;&#109;bed="{}"', "embed&#61'{}'", 'embed&equals;"{}"', 'data-embed="{}"', 'em<!-- -->bed="{}"', '</title>embed="{}"',
)  # fmt: skip
#: Author's own markup, or a value's where something forgets to escape it.
MARKUPS = (
	'<img embed="{}">', "<img EMBED='{}'>", '<p data-embed="{}">x</p>', '<p title=\'embed="{}"\'>x</p>', '<p title="embed=&quot;{}&quot;">x</p>',
	'<a href=\'https://x.example/?embed="{}"\'>x</a>', '<!-- embed="{}" -->x', '<b>em</b><link>bed="{}"', 'em<script></script>bed="{}"',
	"<style>p:after {{ content: 'embed=\"{}\"' }}</style>", "<p style='--x: embed=\"{}\"'>x</p>", '<xembed="{}">x', '<textarea>embed="{}"</textarea>',
	'<plaintext>embed="{}"', '<noscript><img embed="{}"></noscript>', '<p x"embed="{}">x</p>', '<svg><image embed="{}"/></svg>', '<![CDATA[embed="{}"]]>x',
)  # fmt: skip
PATHS = (
	CONFIG,
	"../sites/common_site_config.json",
	"/../sites/common_site_config.json",
	"/etc/passwd",
	"assets/../../env/pyvenv.cfg",
)


def queued_of(state: dict):
	assert state["status"] == "done", state
	return frappe.get_doc("Email Queue", state["result"]["email_queue"])


def parts_of(queued) -> list:
	message = email.message_from_string(queued.message, policy=email.policy.default)
	return [part for part in message.walk() if not part.is_multipart()]


def assert_carries_nothing(queued) -> None:
	parts = parts_of(queued)
	assert [part.get_content_type() for part in parts] == ["text/plain", "text/html"]
	assert not any(part.get_filename() or part["Content-ID"] for part in parts)
	texts = [part.get_content() for part in parts]
	assert not any(frappe.conf.db_password in text or "root:x:0" in text for text in texts)
	assert frappe.parse_json(queued.attachments or "[]") == []


def mail(variables=None, **payload):
	payload = {"to": "ana@example.com", "subject": "s", "body": "b", **payload}
	flow = r.template(r.step("a", "notify", payload=payload), variables={"v": ""})
	run = starting.start(current(), flow.name, variables=variables or {}).run.name
	r.drain()
	return r.state(run)["a"]


def email_template(**values) -> str:
	return r.make(
		"Email Template", **{"name": r.unique("Template"), "subject": "s", "response": "b", **values}
	).name


def test_an_outsider_s_mail_gets_no_file_by_the_shipped_answer(site):
	asked = "outsider@example.org"
	said = f'No internet embed="{CONFIG}" since noon'
	opened = r.issue(r.customer(), subject=said, raised_by=asked, description=f"<p>{said}</p>")
	r.drain()
	names = [
		name
		for name in frappe.get_all("Email Queue Recipient", filters={"recipient": asked}, pluck="parent")
		if frappe.db.exists("Email Queue", name)
	]
	assert names and frappe.db.exists("Flow Run", {"context_docname": opened.name})
	for name in names:
		assert_carries_nothing(frappe.get_doc("Email Queue", name))
	html_part = parts_of(frappe.get_doc("Email Queue", names[0]))[1].get_content()
	assert "since noon" in html_part


@pytest.mark.parametrize("spelled", SPELLINGS)
@pytest.mark.parametrize("path", PATHS)
def test_a_value_embeds_nothing_wherever_it_stands(site, spelled, path):
	value = f"a {spelled.format(path)} z"
	for payload in (
		{"subject": "{{variables.v}}", "body": "{{variables.v}}"},
		{"body": "<p title='{{variables.v}}'>{{variables.v}}</p>"},
		{"template_id": email_template(subject="{{ variables.v }}", response="<p>{{ variables.v }}</p>")},
	):
		assert_carries_nothing(queued_of(mail({"v": value}, **payload)))


@pytest.mark.parametrize("markup", (*MARKUPS, *SPELLINGS))
def test_an_author_s_markup_embeds_nothing(site, markup):
	markup = markup.format(CONFIG)
	for payload in (
		{"body": f"<div>{markup}</div>"},
		{"body": markup, "subject": markup},
		{
			"template_id": email_template(
				use_html=1, response_html=f"<html><head>{markup}</head><body>{markup}</body></html>"
			)
		},
	):
		assert_carries_nothing(queued_of(mail(**payload)))


def test_the_reader_sees_what_was_written(site):
	said = f'Tom & "Ana" <b>say</b> embed="{CONFIG}" & 1 < 2, R&D'
	state = mail(
		{"v": said},
		subject="{{variables.v}}",
		body="<p>{{variables.v}}</p><a href='https://x.example/?a=1&embed=2'>l</a>",
	)
	queued = queued_of(state)
	shown = parts_of(queued)[1].get_content()
	assert html.escape(said, quote=False).replace("=", "\u2060=", 1) in shown
	assert "https://x.example/?a=1&amp;%65mbed=2" in shown
	subject = email.message_from_string(queued.message, policy=email.policy.default)["Subject"]
	assert str(subject).replace("\u2060", "") == said


class Watching(http.server.BaseHTTPRequestHandler):
	def do_GET(self):
		self.server.calls.append(self.path)
		self.send_response(200)
		self.end_headers()
		self.wfile.write(b"p { color: red }")

	def log_message(self, *args):
		pass


@pytest.fixture
def inside(site):
	"""Somebody inside whom nobody should call; no address is allowed."""
	server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Watching)
	server.calls = []
	server.url = f"http://127.0.0.1:{server.server_port}"
	threading.Thread(target=server.serve_forever, daemon=True).start()
	yield server
	server.shutdown()
	server.server_close()


SHEETS = (
	"<link rel=stylesheet href={}/a>", '<LINK REL="x stylesheet" HREF="{}/a">', "<style>@import url({}/a);</style>", "<style>@IMPORT '{}/a';</style>",
	"<style>p {{color: red}} @media screen {{ @import '{}/a'; }}</style>", r"<style>@\69mport '{}/a';</style>", "<style>@im@import 'x';port '{}/a';</style>",
	"<style>/* */@import/**/'{}/a' screen;</style>", "<style media=screen>@charset 'utf-8'; @import '{}/a';</style>",
	"<svg><style>@import '{}/a';</style></svg>", "<noscript><link rel=stylesheet href={}/a></noscript>", "<textarea></textarea><link rel=stylesheet href={}/a>",
	"<base href={}/><link rel=stylesheet href=a>", "<title></title><link rel=stylesheet href={}/a>", "<style><!-- @import '{}/a'; --></style>",
	"<link rel=stylesheet href=//127.0.0.1/a><p>x", "<p title='</p><link rel=stylesheet href={}/a>'>x</p>",
)  # fmt: skip


@pytest.mark.parametrize("sheet", SHEETS)
def test_no_style_sheet_is_fetched(inside, sheet):
	sheet = sheet.format(inside.url)
	for payload in (
		{"body": f"{sheet}<p>Hello</p>"},
		{"subject": f"</title>{sheet}", "body": "Hello"},
		{"body": f"<div><table><tr><td>{sheet}Hello</td></tr></table></div>"},
		{
			"template_id": email_template(
				use_html=1, response_html=f"<html><head>{sheet}</head><body>Hello</body></html>"
			)
		},
	):
		queued = queued_of(mail({"v": sheet}, **payload))
		assert_carries_nothing(queued)
		assert "Hello" in parts_of(queued)[1].get_content()
	assert inside.calls == []


def test_no_style_sheet_is_read_from_the_disk(site):
	state = mail(
		body="<link rel=stylesheet href='../sites/common_site_config.json'><link rel=stylesheet href=/none.css><p>Hello</p>"
	)
	assert "Hello" in parts_of(queued_of(state))[1].get_content()


def test_an_author_s_own_style_sheet_is_kept(site):
	body = "<style>p.big { color: red } @media print { p { color: blue } }</style><p class=big>Hello</p>"
	shown = parts_of(queued_of(mail(body=body)))[1].get_content()
	assert "color:red" in shown.replace(" ", "") and "color:blue" in shown.replace(" ", "")


@pytest.mark.parametrize(
	("markup", "kept"),
	[
		("<p {x>Hello</p>", "Hello"),
		("<p {% if a %}>Hello</p>", "Hello"),
		("<a {{y}} href='https://x.example'>Hello</a>", "https://x.example"),
		("<p title='&#1;&#x2;'>Hel&#1.lo</p>", "Hel"),
		("<embed src=x>Hello", "Hello"),
		("<portal>Hello</portal>", "Hello"),
		("<style media='(max-width: 600px)'>p{color:red}</style>Hello", "(max-width: 600px)"),
		("<table><tr><td bgcolor=#fff>Hello</td></tr></table><!--[if mso]>x<![endif]-->", "Hello"),
		("<!doctype html><html><body><p>Héllo &nbsp; 你好</p></body></html>", "你好"),
		("<img src='https://x.example/a.png?b=1&c=2' alt='é'>Hello", "https://x.example/a.png?b=1&amp;c=2"),
	],
)
def test_what_an_author_wrote_is_sent(site, markup, kept):
	template = email_template(use_html=1, response_html="x")
	frappe.db.set_value("Email Template", template, "response_html", markup.replace("{", "{{ '{' }}"))
	assert kept in parts_of(queued_of(mail(template_id=template)))[1].get_content()


def test_a_mail_with_a_file_that_no_step_attached_is_refused_before_it_is_queued(site, monkeypatch):
	monkeypatch.setattr(inert, "body", lambda markup: markup)
	began = frappe.utils.now()
	state = mail(body=f'<img embed="{CONFIG}">')
	assert state["status"] == "failed" and "site_config.json" in state["error"]
	assert frappe.db.count("Email Queue") == 0
	assert not frappe.db.exists("Email Queue Recipient", {"creation": (">", began)})


def test_a_notice_to_an_owner_carries_nothing(site):
	owner = r.user("Flow Manager")
	flow = r.template(r.step("a", "erp_update", label=f'embed="{CONFIG}"', payload={"doctype": "ToDo", "docname_ref": f"embed='{CONFIG}'", "fields_json": {"x": 1}}))  # fmt: skip
	frappe.db.set_value("Flow Template", flow.name, "owner", owner.name)
	frappe.db.set_value("Notification Settings", owner.name, {"enabled": 1, "enable_email_notifications": 1})
	starting.start(current(), flow.name)
	r.drain()
	notice = frappe.get_last_doc("Notification Log", {"for_user": owner.name})
	assert not inert.EMBEDDING.search(html.unescape(notice.subject + notice.email_content))
	# What Frappe's versions send of such a notice, they send so.
	frappe.db.delete("Email Queue")
	frappe.sendmail(
		recipients=owner.name,
		subject=frappe.utils.strip_html(notice.subject),
		template="new_notification",
		args={
			"body_content": notice.subject,
			"description": notice.email_content,
			"document_type": "Flow Run",
			"document_name": "x",
		},
		header=["New notification", "orange"],
	)
	(name,) = frappe.get_all("Email Queue", pluck="name")
	assert_carries_nothing(frappe.get_doc("Email Queue", name))


@pytest.mark.parametrize(
	("markup", "words"),
	[
		("x" * (inert.MAX_LENGTH + 1), "500,001 characters"),
		("<b>" * 300, "levels deep"),
		("<i>" * 160_000, "levels deep"),
		(f"<style>{'p{color:red}' * 2000}</style>x", "style sheets have 24,027 characters"),
	],
	ids=["long", "deep", "very deep", "styled"],
)
def test_what_cannot_be_sent_whole_is_refused_with_a_word(site, markup, words):
	state = mail(body=markup)
	assert state["status"] == "failed" and words in state["error"]


def test_a_template_of_one_line_is_no_path(site):
	name = email_template(
		subject="templates/emails/new_message.html", response="templates/emails/new_message.html"
	)
	queued = queued_of(mail(template_id=name))
	assert "Subject: templates/emails/new_message.html" in queued.message


@pytest.mark.parametrize("address", ["ｃustomer@example.com", "ana@exämple..com"])
def test_an_address_that_frappe_does_not_take_fails_the_step_at_once(site, address):
	state = mail(to=address)
	assert state["status"] == "failed" and "not queued" in state["error"] and state["attempts"] == 1


def test_who_has_unsubscribed_is_named(site):
	gone = f"{frappe.generate_hash(length=8)}@example.com"
	unsubscribed = r.make("Email Unsubscribe", email=gone, global_unsubscribe=1)
	state = mail(to=gone)
	assert state["status"] == "failed" and gone in state["error"] and "unsubscribed" in state["error"]
	unsubscribed.delete()


def test_more_than_a_hundred_get_no_mail_together(site):
	"""Frappe would send it by jobs of its own, whatever becomes of the step."""
	state = mail(to=", ".join(f"p{number}@example.com" for number in range(101)))
	assert state["status"] == "failed" and "101 recipients" in state["error"]
	assert frappe.db.count("Email Queue") == 0


def test_the_placeholders_of_frappe_s_queue_are_words(site):
	said = "<!--recipient--> <!--unsubscribe_url--> <!--email_open_check--> <!--cc_message-->"
	queued = queued_of(
		mail({"v": said}, subject="{{variables.v}}", body="<p>{{variables.v}}</p><!--recipient-->")
	)
	ordinary = queued_of(mail())  # with those that Frappe's own templates hold
	for part, usual in zip(parts_of(queued), parts_of(ordinary), strict=True):
		for placeholder in said.split():
			assert part.get_content().count(placeholder) == usual.get_content().count(placeholder)
	header = queued.message[queued.message.index("Subject:") :].split("\n")[0]
	assert "<!--" not in header


def test_reason_is_left_out_where_the_owner_may_not_see_the_run(site):
	owner, party = r.user("Flow Manager"), r.customer()
	opened = r.issue(party, subject="Private words")
	flow = r.template(r.step("a", "erp_update", label="Set it", payload={"doctype": "Issue", "fields_json": {"priority": "{{doc.subject}}"}}))  # fmt: skip
	frappe.db.set_value("Flow Template", flow.name, "owner", owner.name)
	for _ in range(failures.FAILURES_TO_PAUSE):
		run = starting.start(current(), flow.name, doctype="Issue", docname=opened.name).run.name
		r.drain()
	assert "Private words" in r.state(run)["a"]["error"]
	notices = frappe.get_all(
		"Notification Log", filters={"for_user": owner.name}, fields=["subject", "email_content"]
	)
	paused = frappe.db.get_value("Flow Template", flow.name, ["is_active", "paused_reason"], as_dict=True)
	assert len(notices) == 2 and not paused.is_active
	# The subject names the step; the text of a notice says what to do.
	texts = (paused.paused_reason, *(f"{one.subject} {one.email_content}" for one in notices))
	for text in texts:
		assert "Private" not in text and "Set it" in text and ("FR-" in text or "Open the run" in text)


def test_reason_is_there_where_the_owner_may_see_the_run(site):
	owner = r.user("Flow Manager", "Support Team", "Sales User")
	opened = r.issue(r.customer(), subject="Private words")
	flow = r.template(
		r.step(
			"a", "erp_update", payload={"doctype": "Issue", "fields_json": {"priority": "{{doc.subject}}"}}
		)
	)
	frappe.db.set_value("Flow Template", flow.name, "owner", owner.name)
	starting.start(current(), flow.name, doctype="Issue", docname=opened.name)
	r.drain()
	assert "Private words" in frappe.get_last_doc("Notification Log", {"for_user": owner.name}).email_content


PDF = 'Content-Type: application/pdf\nContent-Disposition: attachment; filename="x.pdf"\n\nx'


def test_a_file_that_the_step_attaches_is_let_through_and_no_other():
	inert.refuse_files(PDF, {"x.pdf"})
	for message, asked in (
		(PDF, ()),
		(PDF, {"y.pdf"}),
		("Content-Type: application/pdf\n\nx", {"x.pdf"}),
		("Content-Type: image/png\nContent-ID: <a>\n\nx", ()),
		('Content-Type: text/plain; name="passwd"\n\nx', ()),
		("Content-Type: text/html\nContent-ID: <a>\n\nx", ()),
	):
		with pytest.raises(StepFailed, match="does not attach"):
			inert.refuse_files(message, asked)
