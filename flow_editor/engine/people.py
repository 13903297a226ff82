"""Values as people read them, in the reader's language: a date as 3 December 2026, an amount with its currency's decimals.

Only a document's field is written so, for only its type says what it holds. Variables and results of steps, `now` and
`today` read as they are. The language is the customer's, else the site's. Dates and numbers are written as Babel's
locale of that language has them; plain English is British.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from flow_editor.engine import markup, render
from flow_editor.engine.render import Found
from flow_editor.engine.values import HTML, NUMBERS, FieldType, typed

if TYPE_CHECKING:
	from babel import Locale

# Babel is loaded where a value is written: most jobs write none, and each would spend as long on it as on its work.
ENGLISH = "en_GB"
#: Decimals of an amount in no known currency.
DECIMALS = 2
#: ERPNext's fields that hold HTML, whatever their type says: addresses, made by an Address Template.
MADE_AS_HTML = frozenset(
	"address_display billing_address_display company_address_display dispatch_address dispatch_address_display "
	"shipping_address_display supplier_address_display".split()
)
PLAIN_TEXT = ("Small Text", "Text", "Long Text")


class Words(Protocol):
	"""What a host knows of languages."""

	def language(self, customer: str) -> str:
		"""The code of the language in which a customer is written to, or the site's; of nobody, the site's."""

	def translated(self, text: str, language: str) -> str:
		"""One of the product's own words in a language."""

	def linked(self, doctype: str, name: str, field: str) -> Any:
		"""A field of another document, such as a company's currency, or None."""


class Reader:
	"""The reader of a run's texts: its customer."""

	def __init__(self, words: Words, customer: str):
		self._words = words
		self._customer = customer

	@cached_property
	def language(self) -> str:
		return self._words.language(self._customer) or "en"

	@cached_property
	def locale(self) -> Locale:
		return _locale(self.language)

	def text(self, found: Found) -> str:
		"""A value as it reads in plain text."""
		value, about = found.value, found.type
		if isinstance(value, list | tuple) and not any(isinstance(item, Mapping) for item in value):
			written = [self.text(Found(found.path, item, about, found.within)) for item in value]
			return ("; " if any("," in one for one in written) else ", ").join(written)
		if about is None or value is None or value == "":
			return render.as_text(value)
		if holds_html(found):
			return markup.readable(str(value))
		written = self._written(typed(value, about.fieldtype), about, found)
		return render.as_text(value) if written is None else written

	def _written(self, value: Any, about: FieldType, found: Found) -> str | None:
		"""The value by its field's type; None, if it is nothing that such a field holds."""
		kind = about.fieldtype
		if isinstance(value, datetime):
			return self._moment(value) if kind == "Datetime" else None
		if isinstance(value, date):
			return self._day(value) if kind == "Date" else None
		if isinstance(value, time):
			return self._time(value) if kind == "Time" else None
		if kind not in NUMBERS or not isinstance(value, int | float | Decimal):
			return None
		number = Decimal(str(value))
		if not number.is_finite():
			return None
		if kind == "Check":
			return self._words.translated("Yes" if number else "No", self.language)
		if kind == "Currency":
			return self._amount(number, found)
		if kind in ("Float", "Percent"):
			return self._number(number)
		if kind == "Duration":
			return self._span(int(number))
		return None

	def _day(self, value: date) -> str:
		from babel.dates import format_date

		return format_date(value, "long", locale=self.locale)

	def _moment(self, value: datetime) -> str:
		from babel.dates import format_time

		together = str(self.locale.datetime_formats["medium"])
		at = format_time(value.time(), "short", locale=self.locale)
		return together.replace("'", "").replace("{1}", self._day(value)).replace("{0}", at)

	def _time(self, value: time) -> str:
		from babel.dates import format_time

		# A time of day within a sentence: nine o'clock is 9:00.
		pattern = self.locale.time_formats["short"].pattern.replace("HH", "H").replace("hh", "h")
		return format_time(value, pattern, locale=self.locale)

	def _number(self, number: Decimal) -> str:
		from babel.numbers import format_decimal

		return format_decimal(number.normalize(), locale=self.locale, decimal_quantization=False)

	def _amount(self, number: Decimal, found: Found) -> str:
		from babel.numbers import format_decimal, get_currency_precision

		currency = self.currency(found)
		decimals = get_currency_precision(currency) if currency else DECIMALS
		whole = self.locale.decimal_formats[None].pattern.split(";")[0].split(".")[0]
		return format_decimal(number, f"{whole}.{'0' * decimals}" if decimals else whole, locale=self.locale)

	def currency(self, found: Found) -> str:
		"""The currency of an amount's field, as its options say; else the document's `currency`; else none."""
		options = found.type.options if found.type else ""
		if options.count(":") == 2:  # such as Company:company:default_currency
			doctype, link, field = options.split(":")
			if name := _field(found, link):
				if currency := self._words.linked(doctype, str(name), field):
					return str(currency)
		elif options and (currency := _field(found, options)):
			return str(currency)
		return str(_field(found, "currency") or "")

	def _span(self, seconds: int) -> str:
		from babel.units import format_unit

		parts = []
		for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
			count, seconds = divmod(seconds, length)
			if count:
				parts.append(format_unit(count, f"duration-{unit}", "long", locale=self.locale))
		return " ".join(parts) or format_unit(0, "duration-minute", "long", locale=self.locale)


def holds_html(found: Found) -> bool:
	"""Whether the field holds HTML. Its type says so; of ERPNext's made addresses, its name."""
	if found.type is None or not isinstance(found.value, str):
		return False
	return found.type.fieldtype in HTML or (found.type.fieldtype in PLAIN_TEXT and found.name in MADE_AS_HTML)


def plain(found: Found) -> str:
	"""The value itself as text, for who is no reader; of a field that holds HTML, its words."""
	return markup.readable(found.value) if holds_html(found) else render.as_text(found.value)


def _field(found: Found, name: str) -> Any:
	"""A field of the row that the value stands in, or of the document around it."""
	return next((holder[name] for holder in reversed(found.within) if holder.get(name)), None)


@lru_cache(maxsize=64)
def _locale(language: str) -> Locale:
	"""Babel's locale of one of Frappe's language codes; the British one for what it does not know."""
	from babel import Locale, UnknownLocaleError

	code = language.replace("-", "_")
	for known in (ENGLISH if code == "en" else code, code.partition("_")[0], ENGLISH):
		try:
			return Locale.parse(known)
		except (UnknownLocaleError, ValueError):
			continue
	return Locale.parse(ENGLISH)
