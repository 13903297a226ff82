"""Calls to the outside, never to the inside.

A name is resolved once, every address it has is checked, and the connection goes to those addresses alone, one after the
other until one answers, so that a name which changes between check and call gains nothing. Redirects are answers, not
followed. What an admin allows in Flow Settings is let through.

A proxy that Flow Settings name is told the checked address, never the name: it would look the name up by itself, and
might find it inside. What is allowed inside is called without it. Certificates are checked against certifi's authorities,
the machine's own (OpenSSL's default or SSL_CERT_FILE, and REQUESTS_CA_BUNDLE) and those of Flow Settings.
"""

from __future__ import annotations

import base64
import codecs
import errno
import http.client
import ipaddress
import os
import re
import socket
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.metadata import version

import certifi
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util.ssl_match_hostname import CertificateError

from flow_editor.engine.address import Address, parse
from flow_editor.engine.errors import EITHER, OUTSIDE, StepFailed
from flow_editor.engine.ports import HttpResponse

VERSION = version("flow_editor")
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
BYTE_ORDER_MARKS = (
	(codecs.BOM_UTF32_LE, "utf-32"),
	(codecs.BOM_UTF32_BE, "utf-32"),
	(codecs.BOM_UTF8, "utf-8-sig"),
	(codecs.BOM_UTF16_LE, "utf-16"),
	(codecs.BOM_UTF16_BE, "utf-16"),
)
CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([^\s;\"',]+)", re.IGNORECASE)
#: OpenSSL's numbers for what is wrong with a certificate.
NOT_YET, EXPIRED, NOT_FOR_THE_NAME = (9,), (10,), (62, 64)
UNKNOWN_AUTHORITY = (2, 18, 19, 20, 21)
CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")
#: Where a machine says which authorities it trusts. OpenSSL looks at the first two by itself.
STORES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})")
PROXY_LOGIN = "the proxy in Flow Settings asks for another user name and password"
NO_WAY = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


class GuardedHttp:
	"""An HTTP client for webhooks.

	Args:
		allowed: hosts, host:port pairs and networks inside that may be called all the same.
		response_limit: how much of an answer is read, in bytes.
		authorities: certificates (PEM) that are trusted beside the machine's.
		proxy: the address of one, http://host:port, by which everything public is called.
		proxy_login: user:password, if the proxy asks for one.
	"""

	def __init__(
		self,
		allowed: list[str],
		response_limit: int,
		*,
		authorities: str = "",
		proxy: str = "",
		proxy_login: str = "",
	):
		self._names = {entry.lower() for entry in allowed}
		self._networks = [network for entry in allowed if (network := _network(entry))]
		self._limit = response_limit
		self._authorities = authorities
		self._proxy = parse(proxy) if proxy else None
		login = base64.b64encode(proxy_login.encode()).decode()
		self._proxy_headers = {"Proxy-Authorization": f"Basic {login}"} if proxy_login else {}

	def request(
		self, method: str, url: str, *, headers: Mapping[str, str], body: str | None, timeout: float
	) -> HttpResponse:
		try:
			asked = parse(url)
		except ValueError as error:
			raise StepFailed(f"The address cannot be called: {error}.", helps=EITHER) from None
		addresses, is_inside = self._addresses(asked.host, asked.port)
		proxy = None if is_inside else self._proxy
		try:
			with _Clock(timeout) as clock:
				connection, address = self._connected(asked, addresses, proxy, clock)
				target, more = asked.target, {}
				if proxy and asked.scheme == "http":
					target, more = f"http://{_bracketed(address)}:{asked.port}{target}", self._proxy_headers
				connection.request(
					method,
					target,
					body=body.encode() if body is not None else None,
					headers={
						"User-Agent": f"Flow-Editor/{VERSION}",
						**headers,
						**more,
						"Host": asked.authority,
					},
					preload_content=False,
				)
				response = connection.getresponse()
				data, truncated = self._read(response)
		except NO_ANSWER as error:
			raise StepFailed(
				f"{asked.host} did not answer {method}: {_reason(error, asked.host, proxy)}.", transient=True
			) from error
		if proxy and asked.scheme == "http" and response.status == 407:
			raise StepFailed(f"{asked.host} did not answer {method}: {PROXY_LOGIN}.", transient=True)
		text = _decoded(data, response.headers.get("Content-Type", ""))
		return HttpResponse(response.status, dict(response.headers), text, truncated)

	def _addresses(self, host: str, port: int) -> tuple[list[str], bool]:
		"""The checked addresses to connect to, and whether one of them is inside.

		Raises:
			StepFailed: the name has none (transient), or one that is inside.
		"""
		try:
			found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
		except (OSError, UnicodeError) as error:
			if getattr(error, "errno", None) in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", None)):
				why = "there is no such name, as far as can be told now"
			else:
				why = str(error)
			raise StepFailed(f"The name {host} cannot be resolved: {why}.", transient=True) from error
		addresses = list(dict.fromkeys(entry[4][0] for entry in found))
		is_allowed = host.lower() in self._names or f"{host.lower()}:{port}" in self._names
		is_inside = False
		for text in addresses:
			address = ipaddress.ip_address(text.split("%", 1)[0])
			if is_public(address):
				continue
			is_inside = True
			if not is_allowed and not any(
				address in network for network in self._networks if network.version == address.version
			):
				raise StepFailed(
					f"{host} is the inside address {address}, which flows may not call. "
					"An admin can allow it in Flow Settings.",
					helps=OUTSIDE,
				)
		return addresses, is_inside

	def _connected(
		self, asked: Address, addresses: Sequence[str], proxy: Address | None, clock: _Clock
	) -> tuple[HTTPConnection, str]:
		"""A connection to the first address that takes one, and that address. What is left of the time is shared by those
		that are left."""
		failed: BaseException = OSError("no address")
		for place, address in enumerate(addresses):
			connection = self._connection(asked, address, proxy)
			try:
				clock.watch(connection, min(CONNECT_TIMEOUT, clock.left / (len(addresses) - place)))
				connection.connect()
				clock.hold(connection)
				return connection, address
			except (ssl.SSLCertVerificationError, CertificateError):
				connection.close()
				raise  # somebody is there, and it is the certificate that has to be mended
			except NO_ANSWER as error:
				connection.close()
				failed = error
			if proxy and asked.scheme == "http":
				break  # it is the proxy that was not reached, and it has been asked about no address yet
		raise failed

	def _connection(self, asked: Address, address: str, proxy: Address | None) -> HTTPConnection:
		host, port = (proxy.host, proxy.port) if proxy else (address, asked.port)
		if asked.scheme == "http":
			return HTTPConnection(host, port)
		connection = HTTPSConnection(
			host,
			port,
			server_hostname=asked.host,
			cert_reqs="CERT_REQUIRED",
			ssl_context=_trusting(self._authorities, *map(os.environ.get, STORES)),
		)
		if proxy:
			connection.set_tunnel(address, asked.port, headers=self._proxy_headers)
		return connection

	def _read(self, response) -> tuple[bytes, bool]:
		"""The answer's beginning, and whether there was more."""
		data = bytearray()
		for chunk in response.stream(CHUNK, decode_content=True):
			data += chunk
			if len(data) > self._limit:
				return bytes(data[: self._limit]), True
		return bytes(data), False


class _Clock:
	"""The time of one attempt. When it is over, whatever connection is in use is hung up, whatever the other side is in
	the middle of: a socket's own timeout begins anew with each byte, so that one who sends them slowly would never be
	done.

	Leaving it raises TimeoutError if the time is over.
	"""

	def __init__(self, seconds: float):
		self._ends = time.monotonic() + seconds
		self._over = threading.Event()
		self._timer = threading.Timer(seconds, self._ring)
		self._timer.daemon = True
		self._connection: HTTPConnection | None = None
		self._socket: socket.socket | None = None

	@property
	def left(self) -> float:
		return max(0.001, self._ends - time.monotonic())

	def watch(self, connection: HTTPConnection, seconds: float) -> None:
		"""A connection is about to be made, and may take so long."""
		self._connection, connection.timeout = connection, seconds

	def hold(self, connection: HTTPConnection) -> None:
		"""It has been made, and may be used as long as there is time."""
		# One that is to be closed after the answer forgets its socket before the answer has been read.
		self._socket, connection.timeout = connection.sock, self.left

	def __enter__(self) -> _Clock:
		self._timer.start()
		return self

	def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
		self._timer.cancel()
		if self._connection is not None:
			self._connection.close()
		# An answer that may end anywhere looks whole, so one that has ended well may have been hung up on too.
		if self._over.is_set() and (error is None or isinstance(error, Exception)):
			raise TimeoutError("the answer took too long")

	def _ring(self) -> None:
		self._over.set()
		in_use = self._socket or (self._connection and self._connection.sock)
		if in_use:
			try:
				# A TLS socket's own would end its layer first, and that is in use.
				socket.socket.shutdown(in_use, socket.SHUT_RDWR)
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


def certificates(text: str | None) -> str:
	"""The certificates (PEM) that a text holds, among whatever words.

	Raises:
		ValueError: it holds something, but none that can be read, or a private key.
	"""
	text = text or ""
	if "PRIVATE KEY" in text:
		raise ValueError("holds a private key, which belongs on the receiver alone: take it out")
	found = "\n".join(CERTIFICATE.findall(text))
	if text.strip() and not found:
		raise ValueError("holds no certificate: paste it from -----BEGIN CERTIFICATE----- to its end")
	if found:
		try:
			ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=found)
		except (ssl.SSLError, ValueError):
			raise ValueError("holds a certificate that cannot be read: paste it anew, as a whole") from None
	return found


@lru_cache(maxsize=8)
def _trusting(authorities: str, *stores: str | None) -> ssl.SSLContext:
	"""What certificates are checked with. It takes tens of milliseconds to make, so it is kept.

	Args:
		stores: what the variables STORES hold, for the key and for those that OpenSSL does not look at by itself.
	"""
	context = ssl.create_default_context(cafile=certifi.where())
	context.load_default_certs()
	for name, store in zip(STORES, stores, strict=True):
		if store and name.endswith("CA_BUNDLE") and os.path.exists(store):
			context.load_verify_locations(**{"capath" if os.path.isdir(store) else "cafile": store})
	if authorities:
		context.load_verify_locations(cadata=authorities)
	# As every Python before 3.13 has it: a company's authority is seldom strict.
	context.verify_flags &= ~ssl.VERIFY_X509_STRICT
	context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
	return context


def _bracketed(address: str) -> str:
	return f"[{address}]" if ":" in address else address


def _decoded(data: bytes, content_type: str) -> str:
	"""An answer's text: by its byte order mark, else by what it says of its charset, else UTF-8. It may say anything, and
	some charsets that Python knows take no text."""
	said = CHARSET.search(content_type)
	charset = next((name for mark, name in BYTE_ORDER_MARKS if data.startswith(mark)), said and said[1])
	try:
		return data.decode(charset or "utf-8", "replace")
	except (LookupError, ValueError):
		return data.decode("utf-8", "replace")


def _reason(error: BaseException, host: str, proxy: Address | None) -> str:
	"""What happened, without the addresses and objects that the library's own text carries."""
	if isinstance(error, ssl.SSLCertVerificationError):
		return _certificate_problem(error, host)
	if isinstance(error, CertificateError):
		return f"its certificate is not valid for {host}"
	if isinstance(error, ssl.SSLError):
		return f"no secure connection could be made ({error.reason or 'it broke'}). Does it speak https there"
	if refused := TUNNEL.search(str(error)):
		return (
			PROXY_LOGIN
			if refused[1] == "407"
			else f"the proxy in Flow Settings would not call it ({refused[1]})"
		)
	by_way = "by way of the proxy in Flow Settings, " if proxy else ""
	if isinstance(error, urllib3.exceptions.NewConnectionError):
		cause = error.__cause__
		number = getattr(cause, "errno", None)
		if isinstance(cause, socket.gaierror):
			return f"{by_way}there is no such name"
		if number == errno.ECONNREFUSED:
			return f"{by_way}the connection was refused"
		if number in NO_WAY:
			return f"{by_way}there is no way to its address from here"
		return f"{by_way}no connection could be made"
	if isinstance(error, urllib3.exceptions.TimeoutError | TimeoutError):
		return f"{by_way}it took too long"
	if isinstance(error, http.client.BadStatusLine | urllib3.exceptions.DecodeError) and not isinstance(
		error, ConnectionError
	):
		return "its answer is not HTTP that can be read"
	return f"{by_way}the connection broke"


def _certificate_problem(error: ssl.SSLCertVerificationError, host: str) -> str:
	code = error.verify_code
	if code in NOT_FOR_THE_NAME:
		return f"its certificate is not valid for {host}"
	if code in EXPIRED:
		return "its certificate has expired"
	if code in NOT_YET:
		return "its certificate is not valid yet"
	if code in UNKNOWN_AUTHORITY:
		return (
			"its certificate is of an authority that is not known here. An admin can have that authority trusted in "
			"Flow Settings"
		)
	return f"its certificate is not valid ({error.verify_message})"
