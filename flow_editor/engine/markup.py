"""HTML that people have written: what it says as plain text, and what of it may stand in a mail.

Three things are told apart, and nobody guesses which is which. A field of a document that holds HTML is read as HTML:
`readable` gives its words, line by line, and `safe` the same without anything that does more than look. The template of
an HTML text is its author's: an element of HTML is markup in it and every other angle bracket is a word (`Letter`). Any
other value is words.

Line breaks are kept where HTML would drop them. What an author has typed outside block elements (`<p>`, `<div>`,
`<table>`, …) breaks where it was typed to; within them HTML's own rules hold. A value breaks where it has lines,
wherever it stands. A break beside a block or a `<br>` is that one's own, and is not doubled.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from lxml import etree

#: Longer or deeper markup is shown by its words alone: cleaning it would take seconds.
MOST_CHARACTERS = 200_000
MOST_DEPTH = 100
#: What no parser takes.
NO_CHARACTER = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")

BLOCKS = frozenset(
	"address article aside blockquote body caption center col colgroup dd details dialog dir div dl dt fieldset figcaption "
	"figure footer form frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html legend li main menu nav noframes ol optgroup "
	"option p search section select summary table tbody td tfoot th thead tr ul".split()
)
INLINE = frozenset(
	"a abbr acronym applet area audio b base basefont bdi bdo bgsound big blink br button canvas cite code data datalist del "
	"dfn em embed font frame i iframe image img input ins kbd keygen label link map mark marquee math meta meter nobr noembed "
	"noscript object output param picture portal progress q rb rp rt rtc ruby s samp slot small source spacer span strike "
	"strong sub sup svg template time track tt u var video wbr".split()
)
#: Elements whose text is no text with markup in it.
RAW = frozenset("listing plaintext pre script style textarea title xmp".split())
#: Of those, the ones that are shown as they were typed.
PREFORMATTED = frozenset("listing plaintext pre textarea xmp".split())
#: Blocks that hold nothing.
VOID_BLOCKS = frozenset(("hr", "col"))
#: What is taken out of a value with all that is in it.
UNSEEN = frozenset("head iframe object script style template title".split())

# What of a field's markup may stand in a mail
KEPT_TAGS = frozenset(
	"a abbr b blockquote br caption code col colgroup dd del div dl dt em h1 h2 h3 h4 h5 h6 hr i img ins li ol p pre q s small "
	"span strike strong sub sup table tbody td tfoot th thead tr tt u ul".split()
)
KEPT_ATTRIBUTES = {
	"*": {"style", "dir", "lang"},
	"a": {"href", "title"},
	"img": {"src", "alt", "width", "height"},
	"td": {"colspan", "rowspan", "align"},
	"th": {"colspan", "rowspan", "align"},
}
KEPT_STYLES = frozenset(
	"background-color border border-collapse color font-size font-style font-weight padding text-align text-decoration "
	"vertical-align".split()
)
PROTOCOLS = frozenset(("http", "https", "mailto", "tel"))

ANY_TAG = re.compile(r"<[a-zA-Z/!?][^<>]*>")
# HTML's own white space; a no-break space is none of it.
SPACES = re.compile(r"[ \t\n\r\f]+")


def readable(markup: str) -> str:
	"""The words of markup, one line for each that a reader sees: paragraphs, list items and rows of tables."""
	if "<" not in markup and "&" not in markup:
		return markup
	root = _parse(markup)
	if _is_deep(root):
		# The parser drops what lies too deep for it.
		return SPACES.sub(" ", html.unescape(ANY_TAG.sub(" ", markup))).strip()
	lines = _Lines()
	for event, element in etree.iterwalk(root, events=("start", "end")):
		if event == "start":
			lines.open(element)
			lines.say(element.text)
		else:
			lines.close(element)
			lines.say(element.tail)
	return lines.text()


def safe(markup: str) -> str:
	"""Markup without what loads, runs or hides something, ready to stand within other HTML."""
	root = _parse(markup) if len(markup) <= MOST_CHARACTERS else None
	if root is None or _is_deep(root):
		return with_breaks(html.escape(readable(markup)))
	import nh3  # which most jobs do without

	body = root.find("body")
	# Written anew, every element is closed where it ends. Cleaned as it came, misnested ones can grow without bound.
	tidy = html.escape(body.text or "", quote=False) + "".join(
		etree.tostring(child, method="html", encoding="unicode") for child in body
	)
	cleaned = nh3.clean(
		tidy,
		tags=KEPT_TAGS,
		clean_content_tags=UNSEEN,
		attributes=KEPT_ATTRIBUTES,
		url_schemes=PROTOCOLS,
		filter_style_properties=KEPT_STYLES,
		link_rel=None,
	)
	return _joined(_break(_tokens(cleaned)))


def with_breaks(text: str) -> str:
	return text.replace("\r\n", "\n").replace("\n", "<br>\n")


class Value(NamedTuple):
	"""What stands for an expression in a letter: its words, and its markup if it comes from a field that holds HTML."""

	text: str
	markup: str | None = None


def letter(template: Sequence[str], values: Sequence[Value]) -> str:
	"""The HTML of a text whose author may use markup.

	Args:
		template: the author's text, cut where an expression stood: one piece more than there are values.
		values: what stands there.
	"""
	# No text holds the mark: it is no character that a definition may have.
	pieces = [piece.replace(MARK, "") for piece in template]
	marked = pieces[0] + "".join(f"{MARK}{number}{MARK}{piece}" for number, piece in enumerate(pieces[1:]))
	return _joined(_break(_filled(_tokens(marked.replace("\r\n", "\n")), values)))


# How markup is read

MARK = "\x00"
MARKED = re.compile(f"{MARK}(\\d+){MARK}")
ELEMENT = re.compile(
	r"<!--.*?(?:-->|\Z)|<[!?][^<>]*>|<(?P<end>/?)(?P<name>[a-zA-Z][a-zA-Z0-9]*(?::[a-zA-Z]\w*)?)"
	r"(?:[\s/](?:\"[^\"]*\"|'[^']*'|[^<>\"'])*|[\s/][^<>]*)?>",
	re.DOTALL,
)
#: An ampersand that begins no reference.
AMPERSAND = re.compile(r"&(?!#\d{1,7};|#[xX][0-9a-fA-F]{1,6};|[a-zA-Z][a-zA-Z0-9]{1,31};)")

# What a token is
WORDS, NEWLINE, INLINE_TAG, EDGE, OPEN_BLOCK, CLOSE_BLOCK, RAW_TEXT, SHOWN_AS_TYPED = range(8)


class Token(NamedTuple):
	kind: int
	text: str
	name: str = ""


def _tokens(text: str) -> Iterable[Token]:
	"""A text's elements and the words between them, these escaped."""
	at = 0
	while at < len(text):
		found = ELEMENT.search(text, at)
		if found is None:
			break
		name = (found["name"] or "").lower()
		if name and name not in BLOCKS and name not in INLINE and name not in RAW and ":" not in name:
			# An angle bracket that begins no element of HTML is a word.
			yield Token(WORDS, _escaped(text[at : found.start() + 1]))
			at = found.start() + 1
			continue
		if found.start() > at:
			yield Token(WORDS, _escaped(text[at : found.start()]))
		at = found.end()
		if name in RAW and not found["end"]:
			close = re.compile(rf"</{name}\s*>", re.IGNORECASE).search(text, at)
			end, after = (close.start(), close.end()) if close else (len(text), len(text))
			edge = EDGE if name in PREFORMATTED else INLINE_TAG
			yield Token(edge, found[0], name)
			yield Token(SHOWN_AS_TYPED if name in PREFORMATTED else RAW_TEXT, text[at:end])
			yield Token(edge, text[end:after] or f"</{name}>", name)
			at = after
		elif name in VOID_BLOCKS or name == "br" or found[0].lower().startswith("<!doctype"):
			yield Token(EDGE, found[0], name)
		elif name in BLOCKS:
			yield Token(CLOSE_BLOCK if found["end"] else OPEN_BLOCK, found[0], name)
		else:
			yield Token(INLINE_TAG, found[0], name)
	if at < len(text):
		yield Token(WORDS, _escaped(text[at:]))


def _escaped(words: str) -> str:
	return AMPERSAND.sub("&amp;", words).replace("<", "&lt;").replace(">", "&gt;")


def _filled(tokens: Iterable[Token], values: Sequence[Value]) -> Iterable[Token]:
	"""The tokens with their values in place of the marks."""

	def words(found: re.Match) -> str:
		return html.escape(values[int(found[1])].text)

	for token in tokens:
		if MARK not in token.text:
			yield token
		elif token.kind != WORDS:
			yield token._replace(text=MARKED.sub(words, token.text))
		else:
			parts = MARKED.split(token.text)
			for number, part in enumerate(parts):
				if not number % 2:
					if part:
						yield Token(WORDS, part)
					continue
				value = values[int(part)]
				if value.markup is None:
					if value.text:
						yield Token(RAW_TEXT, with_breaks(html.escape(value.text)))
				elif inner := safe(value.markup):
					has_block = any(inside.kind in (OPEN_BLOCK, EDGE) for inside in _tokens(inner))
					yield Token(EDGE if has_block else RAW_TEXT, inner)


def _break(tokens: Iterable[Token]) -> list[Token]:
	"""The tokens with a break for each line that was typed outside blocks, but for those beside a block or a break."""
	broken: list[Token] = []
	blocks: list[str] = []
	for token in tokens:
		if token.kind == OPEN_BLOCK:
			if (blocks and blocks[-1] == "p") or (token.name == "li" and blocks[-1:] == ["li"]):
				blocks.pop()  # which the next closes by itself
			blocks.append(token.name)
		elif token.kind == CLOSE_BLOCK and token.name in blocks:
			while blocks.pop() != token.name:
				pass
		if token.kind == WORDS and not blocks and "\n" in token.text:
			for number, line in enumerate(token.text.split("\n")):
				if number:
					broken.append(Token(NEWLINE, "\n"))
				if line:
					broken.append(Token(WORDS, line))
		else:
			broken.append(token)
	own = [False] * len(broken)
	for order in (range(len(broken)), range(len(broken) - 1, -1, -1)):
		beside = False
		for at in order:
			kind = broken[at].kind
			if kind in (EDGE, OPEN_BLOCK, CLOSE_BLOCK):
				beside = True
			elif kind == NEWLINE:
				own[at] = own[at] or beside
			elif kind in (WORDS, RAW_TEXT, SHOWN_AS_TYPED) and broken[at].text.strip():
				beside = False
	return [
		Token(INLINE_TAG, "<br>\n") if token.kind == NEWLINE and not own[at] else token
		for at, token in enumerate(broken)
	]


def _joined(tokens: Iterable[Token]) -> str:
	return "".join(token.text for token in tokens)


# How markup is put into words


def _parse(markup: str) -> etree._Element:
	parser = etree.HTMLParser(huge_tree=True, no_network=True, remove_comments=True, remove_pis=True)
	return etree.fromstring(f"<html><body>{NO_CHARACTER.sub('', markup)}", parser)


def _is_deep(root: etree._Element) -> bool:
	depth = 0
	for event, _ in etree.iterwalk(root, events=("start", "end")):
		depth += 1 if event == "start" else -1
		if depth > MOST_DEPTH:
			return True
	return False


class _Lines:
	"""Lines of words as they come."""

	def __init__(self) -> None:
		self._lines: list[list[str]] = [[]]
		#: Whether the last line has words, and not only what begins it.
		self._said = False
		self._space = False
		self._hidden = self._typed = 0
		#: Where the words of the links begin that are open.
		self._links: list[list[str]] = []
		self._counts: list[int] = []

	def text(self) -> str:
		lines = ["".join(line).rstrip() for line in self._lines]
		return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")

	def open(self, element: etree._Element) -> None:
		name = element.tag
		if name in UNSEEN:
			self._hidden += 1
		elif name == "br":
			self._next_line()
		elif name in ("td", "th"):
			if self._said:
				self._put(" | ")
				self._space = False
		elif name in BLOCKS or name in PREFORMATTED:
			self._end_line()
			self._typed += name in PREFORMATTED
			if name in ("ol", "ul"):
				self._counts.append(0)
			elif name == "li":
				self._begin_item(element)
		elif name == "a":
			self._links.append([])
		elif name == "img" and element.get("alt"):
			self.say(element.get("alt"))

	def close(self, element: etree._Element) -> None:
		name = element.tag
		if name in UNSEEN:
			self._hidden -= 1
		elif name in ("ol", "ul"):
			self._counts.pop()
			self._end_line()
		elif name in ("td", "th"):
			pass
		elif name in BLOCKS or name in PREFORMATTED:
			self._typed -= name in PREFORMATTED
			self._end_line()
		elif name == "a" and self._links:
			self._show_where("".join(self._links.pop()), (element.get("href") or "").strip())

	def say(self, words: str | None) -> None:
		if not words or self._hidden:
			return
		words = words.replace("\N{NO-BREAK SPACE}", " ") if not self._typed else words
		if self._typed:
			for number, line in enumerate(words.split("\n")):
				if number:
					self._next_line()
				self._put(line)
			return
		words = SPACES.sub(" ", words)
		if words.startswith(" "):
			self._space = True
		if stripped := words.strip(" "):
			self._put((" " if self._space and self._said else "") + stripped)
			self._space = words.endswith(" ")

	def _put(self, words: str) -> None:
		self._lines[-1].append(words)
		self._said = self._said or bool(words.strip())
		for link in self._links:
			link.append(words)

	def _next_line(self) -> None:
		self._lines.append([])
		self._said = self._space = False

	def _end_line(self) -> None:
		if self._said:
			self._next_line()

	def _begin_item(self, element: etree._Element) -> None:
		ordered = element.getparent() is not None and element.getparent().tag == "ol"
		if self._counts:
			self._counts[-1] += 1
		# The editor of Frappe writes both kinds of list as <ol>.
		bullet = not ordered or not self._counts or element.get("data-list") == "bullet"
		self._lines[-1] = ["- " if bullet else f"{self._counts[-1]}. "]

	def _show_where(self, said: str, address: str) -> None:
		"""An address that a link's words do not say."""
		if self._hidden or not address.lower().startswith(("http://", "https://", "mailto:", "tel:")):
			return
		shown = address.split(":", 1)[1] if not address.lower().startswith("http") else address
		if shown.rstrip("/") not in said:
			self._put(f" ({shown})" if said.strip() else shown)
