"""Secrets in a call: named where they belong, and known only while the call is made.

A step is prepared with a mark in a secret's place, so that what is committed, shown, logged and exported holds none. A
mark carries the call's own random key: nobody who writes values into documents can know it, and so nobody can write
one. As the call is made, `reveal` puts the values in, and `hide` takes them out of whatever came back.
"""

from __future__ import annotations

import html
import ipaddress
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from flow_editor.engine.address import PORTS, ascii_host

ROOT = "secrets"
HIDDEN = "***"
#: Fewer characters than this of a value tell nothing.
SHORTEST_PART = 4
NAME = re.compile(r"[\w-]+")
HOST = re.compile(r"[\w.:-]+")


@dataclass(frozen=True, slots=True)
class Place:
	"""Where a secret may be sent: one port of one host, by one protocol."""

	scheme: str
	host: str
	port: int

	def __str__(self) -> str:
		host = f"[{self.host}]" if ":" in self.host else self.host
		return f"{host}:{self.port} over {self.scheme}"


def places(entry: str) -> set[Place]:
	"""What an admin's entry stands for: `host` or `host:port` for https, with `http://` before it for plain http.

	This machine itself is reached by either without a word: what is sent there crosses no wire (W3C, Secure Contexts,
	3.1).

	Raises:
		ValueError: it is no such entry.
	"""
	scheme, separator, _ = entry.partition("://")
	parts = urlsplit(entry if separator else f"//{entry}")
	host = _host(parts.hostname)
	if (
		not HOST.fullmatch(host)
		or parts.netloc.lower() != entry.lower().partition("://")[2 if separator else 0]
	):
		raise ValueError(f"{entry} names no host")
	if parts.username is not None or (separator and scheme.lower() not in PORTS):
		raise ValueError(f"{entry} is not https or http")
	by = [scheme.lower()] if separator else ["https", *(["http"] if _is_this_machine(host) else [])]
	return {Place(one, host, parts.port or PORTS[one]) for one in by}


def place_of(url: str) -> Place:
	"""Where a call to an address goes.

	Raises:
		ValueError: it has a user name or no valid port, or is neither https nor http; the message says what to do.
	"""
	parts = urlsplit(url)
	if parts.scheme not in PORTS:
		raise ValueError("an address that is neither https nor http")
	if parts.username is not None:
		raise ValueError("an address with a user name: write it without a user name")
	return Place(parts.scheme, _host(parts.hostname), parts.port or PORTS[parts.scheme])


def may_go(url: str, entries: Iterable[str]) -> bool:
	"""Whether a secret with these entries may be sent to an address. An entry that is none stands for nothing."""
	for entry in entries:
		try:
			if place_of(url) in places(entry):
				return True
		except ValueError:
			continue
	return False


def _host(name: str | None) -> str:
	return (name or "").lower() if (name or "").isascii() else ascii_host(name).lower()


def _is_this_machine(host: str) -> bool:
	try:
		return ipaddress.ip_address(host).is_loopback
	except ValueError:
		return host == "localhost"


class WithMarks(Mapping[str, Any]):
	"""A scope in which `secrets.<name>` is that secret's mark."""

	def __init__(self, inner: Mapping[str, Any], key: str):
		self._inner = inner
		self._marks = _Marks(key)

	@property
	def use(self) -> Any:
		"""What the inner scope's expressions may use."""
		return getattr(self._inner, "use", None)

	def __getitem__(self, name: str) -> Any:
		return self._marks if name == ROOT else self._inner[name]

	def __iter__(self) -> Iterator[str]:
		yield from self._inner
		yield ROOT

	def __len__(self) -> int:
		return len(self._inner) + 1


class _Marks(Mapping[str, str]):
	"""Every name has a mark: whether there is such a secret is found out when it is needed."""

	def __init__(self, key: str):
		self._key = key

	def __getitem__(self, name: str) -> str:
		return f"secret.{name}.{self._key}"

	def __iter__(self) -> Iterator[str]:
		return iter(())

	def __len__(self) -> int:
		return 0


def named(text: str, key: str) -> set[str]:
	"""The secrets whose marks stand in a text."""
	return set(_pattern(key).findall(text))


def reveal(text: str, values: Mapping[str, str], key: str) -> str:
	return _pattern(key).sub(lambda mark: values[mark[1]], text)


def hide(text: str, values: Mapping[str, str], *, is_cut: bool = False) -> str:
	"""The text without the values, however a URL, JSON or HTML spells them.

	Args:
		is_cut: the text may end anywhere, so that the beginning of a value at its end is taken out too.
	"""
	for value in values.values():
		spellings = sorted(_spellings(value), key=len, reverse=True)
		for spelled in spellings:
			text = text.replace(spelled, HIDDEN)
		for spelled in spellings if is_cut else ():
			for length in range(len(spelled) - 1, SHORTEST_PART - 1, -1):
				if text.endswith(spelled[:length]):
					text = text[:-length] + HIDDEN
					break
	return text


def _spellings(value: str) -> set[str]:
	in_url = {quote(value, safe=""), quote(value)}
	in_json = {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
	return {
		value,
		*in_url,
		*(re.sub("%..", lambda sign: sign[0].lower(), spelled) for spelled in in_url),
		*in_json,
		*(spelled.replace("/", "\\/") for spelled in in_json),  # as PHP writes it
		html.escape(value),
	}


def _pattern(key: str) -> re.Pattern[str]:
	return re.compile(rf"secret\.([\w-]+)\.{re.escape(key)}")
