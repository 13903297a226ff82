"""Whom a message goes to, read out of what an author or a document has written.

Addresses come as text, in lists, and in the rows of a table. They are divided by commas, semicolons and line breaks; a
comma within quotes belongs to a name. What cannot be seen is no part of an address: characters without width, no-break
spaces, the marks that turn the direction of writing. What is no address is refused by name, and none is left out: the
readers of the standard library drop what they cannot read, or put it together.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from flow_editor.engine.errors import IN_FLOW, OUTSIDE, StepFailed
from flow_editor.engine.paths import Found
from flow_editor.engine.plain import as_text
from flow_editor.engine.values import Document


@dataclass(frozen=True, slots=True)
class Medium:
	"""What addresses are to look like.

	Args:
		schemes: what links to them begin with.
		columns: names of fields that hold them.
		options: what Frappe's options of a Data field that holds them say.
	"""

	what: str
	example: str
	pattern: re.Pattern[str]
	schemes: tuple[str, ...]
	columns: frozenset[str]
	options: str


# Deliberately plain: an address that a mail server takes, and nothing that could end a header.
MAIL = Medium(
	"an e-mail address",
	"ana@example.com",
	re.compile(r"[^\s\x00-\x1f\x7f@,;<>\"()\[\]\\]{1,64}@[^\s\x00-\x1f\x7f@,;<>\"'()\[\]\\]{1,255}"),
	("mailto:",),
	frozenset(("email", "email_id", "email_address", "e_mail", "raised_by", "contact_email")),
	"Email",
)
PHONE = Medium(
	"a phone number",
	"+15145550100",
	re.compile(r"\+?\(?[0-9][0-9 ().-]{3,24}"),
	("tel:", "sms:"),
	frozenset(("phone", "mobile", "mobile_no", "phone_no", "cell_number", "contact_mobile")),
	"Phone",
)
#: An address with what stands before it: a name in quotes may hold separators.
ENTRY = re.compile(r"\s*(\"(?:[^\"\\]|\\.)*\")?([^,;\n\r]*)[,;\n\r]?")
NAMED = re.compile(r"[^<>]*<([^<>]+)>\s*")
COMMENTED = re.compile(r"([^()]+)\([^()]*\)\s*")


def written(found: Found, medium: Medium) -> str:
	"""The addresses that an expression stands for, divided by commas.

	Raises:
		StepFailed: it is a table of which no column, or more than one, may be meant.
	"""
	return ", ".join(_entries(found.value, medium, found.path))


def addresses(text: str, medium: Medium, helps: str = OUTSIDE) -> list[str]:
	"""The addresses in a text, each once.

	Args:
		helps: what helps if one is none; see `FlowError.helps`.

	Raises:
		StepFailed: there is something that is no address.
	"""
	found: dict[str, str] = {}
	for entry in _divided(_visible(", ".join(_entries(text, medium, "")))):
		address = _address(entry, medium)
		if not medium.pattern.fullmatch(address):
			raise StepFailed(
				f"{entry[:100]!r} is not {medium.what}. Write one such as {medium.example}; a name that has a comma goes "
				"in quotes.",
				helps=helps,
			)
		same = re.sub(r"[ ().-]", "", address) if medium is PHONE else address.casefold()
		found.setdefault(same, address)
	return list(found.values())


def _entries(value: Any, medium: Medium, path: str, depth: int = 3) -> Iterable[str]:
	if isinstance(value, str) and value.lstrip()[:1] == "[":
		try:
			value = json.loads(value)
		except (ValueError, RecursionError):
			value = value.strip().strip("[]")
	if isinstance(value, Mapping):
		value = [value]
	if isinstance(value, list | tuple) and depth:
		rows = [row for row in value if isinstance(row, Mapping)]
		column = _column(rows, medium, path) if rows else ""
		for item in value:
			yield from _entries(
				item.get(column) if isinstance(item, Mapping) else item, medium, path, depth - 1
			)
	elif value is not None and (text := as_text(value)).strip():
		yield text


def _column(rows: list[Mapping[str, Any]], medium: Medium, path: str) -> str:
	"""The one column of these rows that holds addresses."""
	named = list(dict.fromkeys(name for row in rows for name in row))
	types = next((row.types for row in rows if isinstance(row, Document)), {})
	fitting = [
		name
		for name in named
		if name in medium.columns
		or (name in types and medium.options in (types[name].options, types[name].fieldtype))
	]
	filled = [name for name in fitting if any(row.get(name) for row in rows)]
	if len(filled or fitting) == 1:
		return (filled or fitting)[0]
	table = f"{{{{{path}}}}}" if path else "To"
	own = [name for name in named if name not in OF_EVERY_ROW]
	if not fitting:
		fault = f"no column that is known to hold one: its columns are {', '.join(own) or 'none'}"
	else:
		fault = f"several columns that may: {', '.join(filled or fitting)}"
	example = f"{{{{{path or 'doc.email_ids'}.{(filled or fitting or own or ['email_id'])[0]}}}}}"
	raise StepFailed(
		f"{table} is a table, and each of its rows should give {medium.what}, but it has {fault}. "
		f"Name the column, such as {example}.",
		helps=IN_FLOW,
	)


OF_EVERY_ROW = frozenset(
	"name owner creation modified modified_by docstatus idx parent parentfield parenttype doctype".split()
)


def _visible(text: str) -> str:
	"""The text without what cannot be seen, with plain dashes and digits."""
	if text.isascii():
		return text
	return "".join(map(_plain, text))


def _plain(character: str) -> str:
	if character.isascii():
		return character
	category = unicodedata.category(character)
	if category in ("Cf", "Zs"):  # without width, or a space that is none
		return ""
	return character


def _divided(text: str) -> Iterable[str]:
	at = 0
	while at < len(text):
		entry = ENTRY.match(text, at)
		at = entry.end()
		if (whole := f"{entry[1] or ''}{entry[2]}".strip()).strip("\"' "):
			yield whole


def _address(entry: str, medium: Medium) -> str:
	if named := NAMED.fullmatch(entry):
		entry = named[1]
	elif medium is not PHONE and (commented := COMMENTED.fullmatch(entry)):
		entry = commented[1]
	entry = entry.strip(" \t\"'")
	for scheme in medium.schemes:
		if entry.lower().startswith(scheme):
			entry = unquote(entry[len(scheme) :]).partition("?")[0].strip()
	if medium is PHONE:
		entry = "".join("-" if unicodedata.category(sign) == "Pd" else sign for sign in entry)
		entry = unicodedata.normalize("NFKC", entry)
	return entry
