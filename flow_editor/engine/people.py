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

from flow_editor.engine import markup
from flow_editor.engine.paths import Found
from flow_editor.engine.plain import as_text
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
			return as_text(value)
		if holds_html(found):
			return markup.readable(str(value))
		written = self._written(typed(value, about.fieldtype), about, found)
		return as_text(value) if written is None else written

	def _written(self, value: Any, about: FieldType, found: Found) -> str | None:
		"""The value by its field's type; None, if it is nothing that such a field holds."""
		kind = about.fieldtype
		if isinstance(value, datetime):
			return self.moment(value) if kind == "Datetime" else None
		if isinstance(value, date):
			return self.day(value) if kind == "Date" else None
		if isinstance(value, time):
			return self.clock(value) if kind == "Time" else None
		if kind not in NUMBERS or not isinstance(value, int | float | Decimal):
			return None
		number = Decimal(str(value))
		if not number.is_finite():
			return None
		if kind == "Check":
			return self._words.translated("Yes" if number else "No", self.language)
		if kind == "Currency":
			return self.amount(number, self.currency(found))
		if kind in ("Float", "Percent"):
			return self.number(number)
		if kind == "Duration":
			return self.span(int(number))
		return None

	def day(self, value: date, form: str = "long") -> str:
		"""A day: short, medium, long, full, or by a pattern of Unicode's (CLDR) such as dd/MM/yyyy."""
		from babel.dates import format_date

		return format_date(value, form, locale=self.locale)

	def moment(self, value: datetime, form: str = "long") -> str:
		"""A day and a time of day, likewise; in the long form the time is short, as people write it."""
		from babel.dates import format_datetime

		if form != "long":
			return format_datetime(value, form, locale=self.locale)
		together = str(self.locale.datetime_formats["medium"])
		return (
			together.replace("'", "")
			.replace("{1}", self.day(value))
			.replace("{0}", self.clock(value.time(), "of a moment"))
		)

	def clock(self, value: time, form: str = "short") -> str:
		"""A time of day. Within a sentence nine o'clock is 9:00."""
		from babel.dates import format_time

		if form == "short":
			form = self.locale.time_formats["short"].pattern.replace("HH", "H").replace("hh", "h")
		return format_time(value, "short" if form == "of a moment" else form, locale=self.locale)

	def number(self, number: Decimal, decimals: int | None = None) -> str:
		"""A number in groups, with so many decimals, or those that it has."""
		from babel.numbers import format_decimal

		if decimals is not None:
			return format_decimal(number, self._pattern(decimals), locale=self.locale)
		return format_decimal(number.normalize(), locale=self.locale, decimal_quantization=False)

	def amount(self, number: Decimal, currency: str) -> str:
		"""An amount with its currency's decimals, without its sign."""
		from babel.numbers import format_decimal, get_currency_precision

		decimals = get_currency_precision(currency) if currency else DECIMALS
		return format_decimal(number, self._pattern(decimals), locale=self.locale)

	def money(self, number: Decimal, currency: str) -> str:
		"""An amount with its currency's sign, if it is one."""
		from babel.numbers import format_currency

		return format_currency(number, currency, locale=self.locale) if currency else self.amount(number, "")

	def percent(self, number: Decimal, decimals: int | None = None) -> str:
		"""12.5 as 12.5%."""
		from babel.numbers import format_percent

		share = number.normalize().scaleb(-2)
		if decimals is None:
			return format_percent(share, locale=self.locale, decimal_quantization=False)
		pattern = self.locale.percent_formats[None].pattern.split(";")[0]
		digits = f"0.{'0' * decimals}" if decimals else "0"
		return format_percent(share, pattern.replace("0", digits, 1), locale=self.locale)

	def _pattern(self, decimals: int) -> str:
		whole = self.locale.decimal_formats[None].pattern.split(";")[0].split(".")[0]
		return f"{whole}.{'0' * decimals}" if decimals else whole

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

	def span(self, seconds: int) -> str:
		"""A length of time, with all its parts."""
		from babel.units import format_unit

		parts = []
		for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
			count, seconds = divmod(seconds, length)
			if count:
				parts.append(format_unit(count, f"duration-{unit}", "long", locale=self.locale))
		return " ".join(parts) or format_unit(0, "duration-minute", "long", locale=self.locale)

	def away(self, span: timedelta) -> str:
		"""How far away a moment is: in 3 days, 2 hours ago."""
		from babel.dates import format_timedelta

		return format_timedelta(span, add_direction=True, locale=self.locale)

	def days_away(self, days: int) -> str:
		"""How far away a day is: today, tomorrow, in 3 days."""
		from babel.dates import format_timedelta

		if word := {0: "Today", 1: "Tomorrow", -1: "Yesterday"}.get(days):
			translated = self._words.translated(word, self.language)
			if translated != word or self.locale.language == "en":
				return translated.lower()
		return format_timedelta(
			timedelta(days=days), granularity="day", add_direction=True, locale=self.locale
		)


def holds_html(found: Found) -> bool:
	"""Whether the field holds HTML. Its type says so; of ERPNext's made addresses, its name."""
	if found.type is None or not isinstance(found.value, str):
		return False
	return found.type.fieldtype in HTML or (found.type.fieldtype in PLAIN_TEXT and found.name in MADE_AS_HTML)


def plain(found: Found) -> str:
	"""The value itself as text, for who is no reader; of a field that holds HTML, its words."""
	return markup.readable(found.value) if holds_html(found) else as_text(found.value)


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
