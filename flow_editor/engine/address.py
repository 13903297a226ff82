"""Web addresses, encoded as a browser encodes what stands in its address bar (WHATWG, URL).

Path and query are percent-encoded in UTF-8, the host by IDNA. What is percent-encoded already stays as it is.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

import idna

PORTS = {"https": 443, "http": 80}
#: What stays as it is in a path and in a query, beside letters, digits and - . _ ~
IN_PATH = "!$%&'()*+,/:;=@[]|"
IN_QUERY = "!$%&()*+,/:;=?@[\\]^`{|}"
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
HOST = re.compile(r"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?")
LONGEST_HOST = 254


@dataclass(frozen=True, slots=True)
class Address:
	"""`host` has no brackets; `authority` is the host and its port as they were written."""

	scheme: str
	host: str
	port: int
	authority: str
	path: str
	query: str

	@property
	def target(self) -> str:
		"""What is asked of the host."""
		return (self.path or "/") + (f"?{self.query}" if self.query else "")

	@property
	def origin(self) -> tuple[str, str, int]:
		"""What two addresses of one place have in common."""
		return self.scheme, self.host.lower(), self.port

	def __str__(self) -> str:
		return f"{self.scheme}://{self.authority}{self.path}" + (f"?{self.query}" if self.query else "")


def parse(text: str) -> Address:
	"""The address that a text stands for.

	Raises:
		ValueError: it is none that can be called. The message goes on after the address, and quotes nothing of it.
	"""
	text = text.strip(" ")
	if CONTROL.search(text):
		raise ValueError("it holds a line break or another control character")
	try:
		parts = urlsplit(text)
	except ValueError:
		raise ValueError("it names no host") from None
	if parts.scheme not in PORTS or not parts.netloc:
		raise ValueError("it must be https:// or http:// and a host")
	if "@" in parts.netloc:
		raise ValueError("it must be written without a user name or password")
	try:
		port = parts.port
	except ValueError:
		port = 0
	if port == 0:
		raise ValueError("its port is no valid port")
	host, authority = _host(parts.netloc)
	return Address(
		parts.scheme,
		host,
		port or PORTS[parts.scheme],
		authority if port is None else f"{authority}:{port}",
		quote(parts.path.replace("\\", "/"), safe=IN_PATH, errors="replace"),
		quote(parts.query, safe=IN_QUERY, errors="replace"),
	)


def _host(netloc: str) -> tuple[str, str]:
	"""The host, and how it stands in an address."""
	if not netloc.startswith("["):
		name = ascii_host(netloc.partition(":")[0])
		return name, name
	literal, _, rest = netloc[1:].partition("]")
	try:
		if "%" in literal or (not rest.startswith(":") and rest):
			raise ValueError
		ipaddress.IPv6Address(literal)
	except ValueError:
		raise ValueError("it names no host") from None
	return literal, f"[{literal}]"


def ascii_host(name: str) -> str:
	"""A host's name as it is looked up.

	Raises:
		ValueError: it is none.
	"""
	if not name.isascii():
		try:
			name = idna.encode(name, uts46=True).decode("ascii")
		except UnicodeError:  # idna's own errors are such
			raise ValueError("it names no host") from None
	if not HOST.fullmatch(name) or len(name) > LONGEST_HOST:
		raise ValueError("it names no host")
	return name
