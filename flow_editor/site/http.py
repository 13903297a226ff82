"""Calls to the outside, never to the inside.

A name is resolved once, every address it has is checked, and the connection goes to one of those addresses,
so that a name which changes between check and call gains nothing. Redirects are answers, not followed. What an
admin allows in Flow Settings is let through.
"""

from __future__ import annotations

import http.client
import ipaddress
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

import certifi
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util.ssl_match_hostname import CertificateError

from flow_editor import __version__
from flow_editor.engine.errors import StepFailed
from flow_editor.engine.host import HttpResponse

NAT64 = ipaddress.ip_network("64:ff9b::/96")
#: The part of IPv6 that is given out for the internet (IANA, IPv6 Address Space). What lies beside it is some inside's,
#: among it the IPv4-translated addresses (RFC 2765) and networks' own NAT64 prefix (RFC 8215).
GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
#: Special addresses that Python's tables, by version, take for public: IETF protocol assignments (RFC 6890) and
#: documentation (RFC 9637).
SPECIAL = (ipaddress.ip_network("192.0.0.0/24"), ipaddress.ip_network("3fff::/20"))
#: What is raised where no answer comes, or none that is HTTP.
NO_ANSWER = (urllib3.exceptions.HTTPError, http.client.HTTPException, CertificateError, OSError)
CONNECT_TIMEOUT = 5
CHUNK = 16_384


class GuardedHttp:
	"""An HTTP client for webhooks.

	Args:
		allowed: hosts, host:port pairs and networks inside that may be called all the same.
		response_limit: how much of an answer is read, in bytes.
	"""

	def __init__(self, allowed: list[str], response_limit: int):
		self._names = {entry.lower() for entry in allowed}
		self._networks = [network for entry in allowed if (network := _network(entry))]
		self._limit = response_limit

	def request(
		self, method: str, url: str, *, headers: Mapping[str, str], body: str | None, timeout: float
	) -> HttpResponse:
		parts = urlsplit(url)
		try:
			port = parts.port or (443 if parts.scheme == "https" else 80)
		except ValueError:
			raise StepFailed(f"{parts.hostname} is called at no valid port.") from None
		if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
			raise StepFailed(
				f"{parts.scheme}://{parts.hostname or ''} cannot be called: it must be http or https, without a user name."
			)
		address = self._address(parts.hostname, port)
		path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
		host = parts.netloc if not parts.netloc.endswith(":") else parts.netloc[:-1]
		connection = self._connection(parts.scheme, address, port, parts.hostname)
		try:
			with _connected(connection, timeout):
				connection.request(
					method,
					path,
					body=body.encode() if body is not None else None,
					headers={"User-Agent": f"Flow-Editor/{__version__}", **headers, "Host": host},
					preload_content=False,
				)
				response = connection.getresponse()
				data, truncated = self._read(response)
		except NO_ANSWER as error:
			raise StepFailed(
				f"{parts.hostname} did not answer {method}: {_reason(error)}.", transient=True
			) from error
		text = _decoded(data, response.headers.get("Content-Type", ""))
		return HttpResponse(response.status, dict(response.headers), text, truncated)

	def _address(self, host: str, port: int) -> str:
		"""The checked address to connect to.

		Raises:
			StepFailed: the name has none (transient), or one that is inside.
		"""
		try:
			found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
		except (OSError, UnicodeError) as error:
			raise StepFailed(f"The name {host} cannot be resolved ({error}).", transient=True) from error
		addresses = [entry[4][0] for entry in found]
		if host.lower() in self._names or f"{host.lower()}:{port}" in self._names:
			return addresses[0]
		for text in addresses:
			address = ipaddress.ip_address(text.split("%", 1)[0])
			if not is_public(address) and not any(
				address in network for network in self._networks if network.version == address.version
			):
				raise StepFailed(
					f"{host} is the inside address {address}, which flows may not call. "
					"An admin can allow it in Flow Settings."
				)
		return addresses[0]

	@staticmethod
	def _connection(scheme: str, address: str, port: int, host: str) -> HTTPConnection:
		if scheme == "http":
			return HTTPConnection(address, port)
		return HTTPSConnection(
			address,
			port,
			server_hostname=host,
			assert_hostname=host,
			cert_reqs="CERT_REQUIRED",
			ca_certs=certifi.where(),
		)

	def _read(self, response) -> tuple[bytes, bool]:
		"""The answer's beginning, and whether there was more."""
		data = bytearray()
		for chunk in response.stream(CHUNK, decode_content=True):
			data += chunk
			if len(data) > self._limit:
				return bytes(data[: self._limit]), True
		return bytes(data), False


@contextmanager
def _connected(connection: HTTPConnection, seconds: float) -> Iterator[None]:
	"""Connect, and hang up when the time is over, whatever the other side is in the middle of: a socket's own timeout
	begins anew with each byte, so that one who sends them slowly would never be done.

	Raises:
		TimeoutError: the time is over.
	"""
	deadline = time.monotonic() + seconds
	connection.timeout = min(CONNECT_TIMEOUT, seconds)
	over = threading.Event()
	clock = None
	try:
		connection.connect()
		connection.timeout = max(0.001, deadline - time.monotonic())
		clock = threading.Timer(connection.timeout, _hang_up, (connection.sock, over))
		clock.start()
		yield
		if over.is_set():  # an answer that may end anywhere looks whole
			raise TimeoutError
	except Exception as error:
		raise TimeoutError("the answer took too long") if over.is_set() else error
	finally:
		if clock is not None:
			clock.cancel()
		connection.close()


def _hang_up(connected: socket.socket, over: threading.Event) -> None:
	over.set()
	try:
		# A TLS socket's own would end its layer first, and that is in use.
		socket.socket.shutdown(connected, socket.SHUT_RDWR)
	except OSError:
		pass  # it has ended by itself


def allowed_entries(text: str | None) -> list[str]:
	"""The hosts, host:port pairs and networks of a text, one a line or separated by commas; of a web address, its
	host and port."""
	entries = [entry for entry in re.split(r"[\s,;]+", text or "") if entry]
	return [entry.partition("://")[2].split("/")[0] if "://" in entry else entry for entry in entries]


def is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
	"""Whether an address is on the public internet, by whatever notation it hides an inside one."""
	if isinstance(address, ipaddress.IPv6Address):
		if inner := address.ipv4_mapped or address.sixtofour:
			return is_public(inner)
		if address.teredo:
			return all(is_public(inner) for inner in address.teredo)
		if address in NAT64 or int(address) >> 32 == 0:
			return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
		if address not in GLOBAL_UNICAST:
			return False
	if any(address in network for network in SPECIAL if network.version == address.version):
		return False
	return address.is_global and not address.is_multicast


def _network(entry: str):
	try:
		return ipaddress.ip_network(entry, strict=False)
	except ValueError:
		return None  # a name, matched as such


def _decoded(data: bytes, content_type: str) -> str:
	"""An answer's text. What it says of its charset may be anything, and some that Python knows take no text."""
	charset = content_type.partition("charset=")[2].split(";")[0].strip("\"' ") or "utf-8"
	try:
		return data.decode(charset, "replace")
	except (LookupError, ValueError):
		return data.decode("utf-8", "replace")


def _reason(error: BaseException) -> str:
	"""What happened, without the addresses and objects that the library's own text carries."""
	if isinstance(error, urllib3.exceptions.TimeoutError | TimeoutError):
		return "it took too long"
	if isinstance(error, ssl.SSLError | CertificateError | urllib3.exceptions.SSLError):
		return "its certificate is not valid"
	if isinstance(error, urllib3.exceptions.NewConnectionError):
		return "the connection was refused"
	return "the connection broke"
