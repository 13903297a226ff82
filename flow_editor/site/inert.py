"""What is handed to Frappe's mailer, made inert: nothing in it is loaded, embedded or attached.

Frappe reads more out of a mail than its words. In the finished HTML it looks for `embed="…"` and attaches the file at
that path, whichever it is (`frappe.email.email_body`). Its CSS inliner fetches every style sheet that the HTML links or
imports, from the web or from the disk, without a limit of time. Both happen after all escaping, on what an HTML parser
made of it. So the HTML is read here with the same parser, and what would be fetched is left out of it; where only words
look like it, an invisible character stands between them. What a reader sees stays as it was.

It never decides who gets a mail or what it says.
"""

from __future__ import annotations

import email
import html
import re
from collections.abc import Collection

from lxml import etree

from flow_editor.engine.errors import EITHER, StepFailed

#: How long a mail's HTML and its style sheets may be, in characters. Frappe takes some ten seconds to build either.
MAX_LENGTH = 500_000
MAX_STYLES = 20_000
#: How deep its elements may stand within each other. Frappe's own parser gives up at 256, and drops what is deeper.
MAX_DEPTH = 200
#: U+2060: it has no width, and no line breaks at it.
JOINER = "\N{WORD JOINER}"
EMBED = re.compile(r"(embed)(=)", re.IGNORECASE)
#: What Frappe takes for a file to embed.
EMBEDDING = re.compile(r"embed=[\"']", re.IGNORECASE)
TAG_BEGINS = re.compile(r"<(?=[A-Za-z/!?])")
REFERENCE_BEGINS = re.compile(r"&(?=[#A-Za-z])")
IMPORT = re.compile(r"@\s*import\b[^;{}]*;?", re.IGNORECASE)
#: What no XML can hold, and half of a surrogate pair.
NO_CHARACTER = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
NAME = re.compile(r"[A-Za-z_][\w:.-]*")
#: Elements that load something, or change what the others load. They go with all that is in them.
LOADING = (
	"link", "script", "base", "meta", "iframe", "frame", "frameset", "object", "applet", "title",
)  # fmt: skip
#: Elements whose text some parsers read as markup and others do not, or that have none and are not closed. Text stays.
AMBIGUOUS = (
	"noscript",
	"noembed",
	"noframes",
	"textarea",
	"xmp",
	"plaintext",
	"template",
	"listing",
	"embed",
	"portal",
)
#: Attributes that hold an address, in which a percent sign can stand for any character.
ADDRESSES = ("href", "src", "action", "background", "cite", "longdesc", "poster", "srcset")
SHOWN_PARTS = ("text/plain", "text/html")


def subject(text: str) -> str:
	"""A subject that Frappe may put into the HTML's title as it is, which it does."""
	text = _apart(NO_CHARACTER.sub(" ", text))
	if "&#" in text or html.unescape(text) != text:
		text = REFERENCE_BEGINS.sub(f"&{JOINER}", text)
	return TAG_BEGINS.sub(f"<{JOINER}", text)


def words(text: str) -> str:
	"""A plain text as inert HTML."""
	return body(html.escape(text))


def body(markup: str) -> str:
	"""A mail's HTML without anything that would be loaded or embedded.

	Raises:
		StepFailed: it is too long or nested too deep to be sent, or no HTML.
	"""
	if len(markup) > MAX_LENGTH:
		raise StepFailed(
			f"The e-mail has {len(markup):,} characters; at most {MAX_LENGTH:,} are sent. Shorten it.",
			helps=EITHER,
		)
	parser = etree.HTMLParser(huge_tree=True, no_network=True, remove_comments=True, remove_pis=True)
	root = etree.fromstring(f"<html><body>{NO_CHARACTER.sub('', markup)}", parser)
	_check_depth(root)
	etree.strip_elements(root, *LOADING, with_tail=False)
	etree.strip_tags(root, *AMBIGUOUS)
	styles = _take_styles(root)
	for element in list(root.iter(etree.Element)):
		_quieten(element)
	page = root.find("body")
	made = html.escape(page.text or "", quote=False) + "".join(map(_written, page)) + styles
	if EMBEDDING.search(made):
		raise StepFailed("The e-mail holds markup that would attach a file. Simplify its text.", helps=EITHER)
	return made


def refuse_files(message: str, asked: Collection[str] = ()) -> None:
	"""Make sure that a finished mail carries no file that its step did not ask for.

	Args:
		message: the mail as it would be sent.
		asked: the names of the files that the step attaches.

	Raises:
		StepFailed: it does.
	"""
	for part in email.message_from_string(message).walk():
		name = part.get_filename()
		is_text = part.get_content_type() in SHOWN_PARTS and not name and not part["Content-ID"]
		if not part.is_multipart() and not is_text and name not in asked:
			raise StepFailed(
				f"The e-mail was not sent: it came out with the file {name or part.get_content_type()!r}, which the step "
				"does not attach. Look for an app that adds it, or for markup in the text that embeds it.",
				helps=EITHER,
			)


def _check_depth(root: etree._Element) -> None:
	depth = 0
	for event, _ in etree.iterwalk(root, events=("start", "end")):
		depth += 1 if event == "start" else -1
		if depth > MAX_DEPTH:
			raise StepFailed(
				f"The e-mail's markup is nested more than {MAX_DEPTH} levels deep. Simplify its text.",
				helps=EITHER,
			)


def _take_styles(root: etree._Element) -> str:
	"""The style sheets, to stand behind all else: Frappe's inliner takes the text that follows one along with it."""
	sheets = []
	for element in root.iter("style"):
		if css := _sheet("".join(element.itertext())):
			media = element.get("media") or "all"
			if not _hides(media):
				sheets.append(f'<style media="{html.escape(NO_CHARACTER.sub("", media))}">{css}</style>')
	etree.strip_elements(root, "style", with_tail=False)
	styles = "".join(sheets)
	if len(styles) > MAX_STYLES:
		raise StepFailed(
			f"The e-mail's style sheets have {len(styles):,} characters; at most {MAX_STYLES:,} are read. Shorten them.",
			helps=EITHER,
		)
	return styles


def _sheet(css: str) -> str:
	"""A style sheet that imports nothing; none, if it is written so that this cannot be told."""
	# A space in its place, so that what stood around it becomes no other.
	css = IMPORT.sub(" ", css.replace("<!--", " ").replace("-->", " "))
	return "" if _hides(css) or "<" in css else css.strip()


def _hides(css: str) -> bool:
	"""Whether CSS has an escape, which may spell anything, or a word that means something to Frappe."""
	return "\\" in css or "embed" in css.lower() or "@import" in css.lower()


def _quieten(element: etree._Element) -> None:
	if not NAME.fullmatch(element.tag):
		element.tag = "span"
	element.text, element.tail = _apart(element.text), _apart(element.tail)
	attributes = element.attrib.items()
	element.attrib.clear()  # by name, one that is none could not be taken away
	for name, value in attributes:
		if not NAME.fullmatch(name) or name.lower().endswith("embed") or (name == "style" and _hides(value)):
			continue
		if name in ADDRESSES:
			value = EMBED.sub("%65mbed=", value)
		element.set(name, _apart(value))


def _apart(text: str | None) -> str | None:
	"""A text in which `embed` and `=` do not touch, nor what Frappe's queue replaces before it sends (`<!--recipient-->`)."""
	if not text:
		return text
	# A character reference may have written what no XML can hold.
	return EMBED.sub(rf"\1{JOINER}\2", NO_CHARACTER.sub("", text)).replace("<!--", f"<{JOINER}!--")


def _written(element: etree._Element) -> str:
	return etree.tostring(element, method="html", encoding="unicode")
