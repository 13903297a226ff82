"""What a document's fields hold, and how a site writes dates and numbers.

A value keeps its type until it is shown: a Date is a `date`, a Datetime a `datetime`, a Time a `time`, an amount a number.
`Document` carries the types of its fields along. What an author typed is text until it is held against such a value: it
is read then as the site writes it (`Conventions`). A text that cannot be read stays as it is: nothing is guessed here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

PLAIN_NUMBER = re.compile(r"[+-]?\d{1,30}(?:\.\d{1,30})?")
ISO_DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)")
MOMENT = re.compile(r"(\S+)[ T](\d{1,2}:\d\d(?::\d\d(?:\.\d{1,9})?)?)\s?(Z|[+-]\d\d:?\d\d)?", re.IGNORECASE)
TIME = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?")
#: Frappe's field types that hold rows, numbers, and HTML.
TABLES = ("Table", "Table MultiSelect")
#: What a name after a table stands for, which is no field: that column of all its rows.
COLUMN = "Column"
#: Those that name a document: of the DocType that their options say, or that the field says which their options name.
LINKS = ("Link", "Dynamic Link")
NUMBERS = ("Int", "Long Int", "Float", "Currency", "Percent", "Check", "Rating", "Duration")
HTML = ("Text Editor", "HTML Editor")
#: Those that hold one line, and how long it may be unless the field says otherwise.
LINES = ("Data", "Link", "Dynamic Link", "Select", "Phone", "Autocomplete", "Read Only", "Icon", "Color")
LINE_LENGTH = 140
#: How long a value of another type is at most, as text.
LENGTHS: Mapping[str, int] = {"Date": 10, "Datetime": 26, "Time": 15, **dict.fromkeys(NUMBERS, 21)}
#: What every document has beside its DocType's own fields.
STANDARD: Mapping[str, tuple[str, str]] = {
	"name": ("Data", "Name"),
	"doctype": ("Data", "DocType"),
	"owner": ("Data", "Created By"),
	"creation": ("Datetime", "Created On"),
	"modified": ("Datetime", "Last Updated On"),
	"modified_by": ("Data", "Last Updated By"),
	"docstatus": ("Int", "Document Status"),
	"idx": ("Int", "Index"),
	"parent": ("Data", "Parent"),
	"parentfield": ("Data", "Parent Field"),
	"parenttype": ("Data", "Parent Type"),
}


@dataclass(frozen=True, slots=True)
class FieldType:
	"""What a field holds.

	Args:
		fieldtype: Frappe's name of the type.
		options: a DocType, the choices or a currency, by type.
		length: how many characters it takes, if it says so itself.
	"""

	fieldtype: str
	label: str = ""
	options: str = ""
	length: int = 0

	@property
	def takes(self) -> int | None:
		"""How many characters a text in it may have, if there is a limit."""
		return (self.length or LINE_LENGTH) if self.fieldtype in LINES else None

	@property
	def longest(self) -> int | None:
		"""How many characters its value may have as text, if there is a limit."""
		if self.fieldtype == "Select" and self.choices:
			return max(map(len, self.choices))
		return self.takes or LENGTHS.get(self.fieldtype)

	@property
	def choices(self) -> list[str]:
		"""Of a Select, what may be chosen."""
		return [line.strip() for line in self.options.split("\n") if line.strip()]


Types = Mapping[str, FieldType]
STANDARD_TYPES: Types = {name: FieldType(*about) for name, about in STANDARD.items()}
NO_TYPES: Types = {}


class Document(dict[str, Any]):
	"""A document's fields by name. `types` says what they hold; a field that it does not name holds what it looks like."""

	__slots__ = ("types",)

	def __init__(self, fields: Mapping[str, Any], types: Types = NO_TYPES):
		super().__init__(fields)
		self.types = types


def document(fields: Mapping[str, Any], types: Types, types_of: Callable[[str], Types]) -> Document:
	"""A document whose values have the types of its fields, and the rows of its tables likewise.

	Args:
		types_of: the types of the fields of another DocType, for rows.
	"""
	return Document(
		{name: _typed(value, types.get(name), types_of) for name, value in fields.items()},
		types,
	)


def _typed(value: Any, about: FieldType | None, types_of: Callable[[str], Types]) -> Any:
	if about is None or value is None or value == "":
		return value
	if about.fieldtype in TABLES and isinstance(value, list | tuple):
		types = types_of(about.options)
		return [document(row, types, types_of) if isinstance(row, Mapping) else row for row in value]
	return typed(value, about.fieldtype)


def typed(value: Any, fieldtype: str) -> Any:
	"""A stored value as its field's type; as it is, if it cannot be read so."""
	read: Any = None
	if fieldtype == "Date":
		read = (
			value.date()
			if isinstance(value, datetime)
			else _iso_day(value.strip()[:10])
			if isinstance(value, str)
			else None
		)
	elif fieldtype == "Datetime":
		read = _iso_moment(value) if isinstance(value, str) else None
	elif fieldtype == "Time":
		read = (
			time_of(value)
			if isinstance(value, timedelta)
			else read_time(value)
			if isinstance(value, str)
			else None
		)
	elif fieldtype in NUMBERS and isinstance(value, str) and PLAIN_NUMBER.fullmatch(value.strip()):
		number = Decimal(value.strip())
		read = int(number) if number == number.to_integral_value() else float(number)
	return value if read is None else read


def time_of(span: timedelta) -> time | None:
	"""A time of day as MariaDB's driver gives it: the time since midnight."""
	return (datetime.min + span).time() if timedelta() <= span < timedelta(days=1) else None


# As a site writes


@dataclass(frozen=True, slots=True)
class Conventions:
	"""How a site writes, and the zone of its times.

	Args:
		date: the order of a date, such as dd-mm-yyyy, as Frappe's System Settings have it.
		number: how a number is grouped, such as #,###.##, likewise.
		zone: the IANA name of the time zone that times without an offset are in.
	"""

	date: str = "dd-mm-yyyy"
	number: str = "#,###.##"
	zone: str = "UTC"

	def read_number(self, text: str) -> Decimal | None:
		"""The number that a text is, with or without separators, or None."""
		text = text.strip()
		grouped, decimal = _number_patterns(self.number)
		if grouped and grouped.fullmatch(text):
			plain = re.sub(r"[^\d+\-" + re.escape(decimal) + "]", "", text)
			return Decimal(plain.replace(decimal, ".") if decimal else plain)
		return Decimal(text) if PLAIN_NUMBER.fullmatch(text) else None

	def read_day(self, text: str) -> date | None:
		"""The day that a text names, as ISO 8601 or as the site writes it, or None."""
		text = text.strip()
		if found := _iso_day(text):
			return found
		pattern = _day_pattern(self.date)
		match = pattern.fullmatch(text) if pattern else None
		try:
			return date(int(match["y"]), int(match["m"]), int(match["d"])) if match else None
		except ValueError:
			return None

	def read_moment(self, text: str) -> date | datetime | None:
		"""The moment that a text names, in the site's zone; a mere day stays one; or None."""
		text = text.strip()
		match = MOMENT.fullmatch(text)
		if not match:
			return self.read_day(text)
		day, at = self.read_day(match[1]), read_time(match[2])
		if day is None or at is None:
			return None
		moment = datetime.combine(day, at)
		if not match[3]:
			return moment
		return self.local(_with_offset(moment, match[3]))

	def local(self, moment: datetime) -> datetime:
		"""A moment as the site's clocks show it."""
		if moment.tzinfo is None:
			return moment
		try:
			return moment.astimezone(ZoneInfo(self.zone)).replace(tzinfo=None)
		except OverflowError:
			return moment.replace(tzinfo=None)


def read_time(text: str) -> time | None:
	"""The time of day that a text names, 9:30 or 09:30:00, or None."""
	match = TIME.fullmatch(text.strip())
	if not match:
		return None
	try:
		fraction = int((match[4] or "0")[:6].ljust(6, "0"))
		return time(int(match[1]), int(match[2]), int(match[3] or 0), fraction)
	except ValueError:
		return None


def _iso_day(text: str) -> date | None:
	match = ISO_DAY.fullmatch(text)
	try:
		return date(int(match[1]), int(match[2]), int(match[3])) if match else None
	except ValueError:
		return None


def _iso_moment(text: str) -> datetime | None:
	"""A stored moment. One with an offset is left as text: whose zone it is meant for, its reader knows."""
	text = text.strip()
	match = MOMENT.fullmatch(text)
	day, at = (_iso_day(match[1]), read_time(match[2])) if match else (_iso_day(text), time())
	return datetime.combine(day, at) if day and at is not None and not (match and match[3]) else None


def _with_offset(moment: datetime, offset: str) -> datetime:
	if offset in "Zz":
		offset = "+00:00"
	sign = -1 if offset[0] == "-" else 1
	span = sign * timedelta(hours=int(offset[1:3]), minutes=int(offset[-2:]))
	return datetime.fromisoformat(f"{moment.isoformat()}+00:00") - span


@lru_cache(maxsize=32)
def _number_patterns(number: str) -> tuple[re.Pattern[str] | None, str]:
	"""What a number of this format looks like if it has a separator, and the sign before its decimals."""
	# Such as #,###.## and #.###,## and # ###.## and #,##,###.## and #,### and #.###
	signs = list(dict.fromkeys(sign for sign in number.replace(", ", ",") if sign != "#"))
	if not signs:
		return None, ""
	decimals_only = len(signs) == 1 and len(number) - len(number.rstrip("#")) != 3
	decimal = signs[-1] if len(signs) > 1 or decimals_only else ""
	group = "" if decimals_only else signs[0]
	groups = rf"\d{{1,3}}(?:{_separator(group)}\d{{2,3}})+" if group else ""
	digits = f"(?:{groups}|\\d{{1,30}})" if groups else r"\d{1,30}"
	decimals = rf"(?:{re.escape(decimal)}\d{{1,30}})?" if decimal else ""
	return re.compile(f"[+-]?{digits}{decimals}"), decimal


def _separator(group: str) -> str:
	# People and spreadsheets write three kinds of spaces, and two kinds of apostrophes.
	return {" ": "[ \u00a0\u202f]", "'": "['\u2019]"}.get(group, re.escape(group))


@lru_cache(maxsize=32)
def _day_pattern(form: str) -> re.Pattern[str] | None:
	order = re.findall("d{1,2}|m{1,2}|y{4}", form.lower())
	if sorted(part[0] for part in order) != ["d", "m", "y"]:
		return None
	parts = {"d": r"(?P<d>\d{1,2})", "m": r"(?P<m>\d{1,2})", "y": r"(?P<y>\d{4})"}
	first, second, third = (parts[part[0]] for part in order)
	return re.compile(rf"{first}(?P<sign>[-/. ]){second}(?P=sign){third}")
