"""Every form of address that reaches inside is refused when it is called; and what an admin allows is let through."""

from __future__ import annotations

import http.server
import ipaddress
import socket
import threading

import pytest

from flow_editor.engine.errors import StepFailed
from flow_editor.kinds.web_call import send_call
from flow_editor.site.http import GuardedHttp, allowed_entries, is_public

V4 = (
	# this network, private, shared, loopback, link-local and metadata
	"0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.1.2.3",
	"127.255.255.254", "169.254.0.1", "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.255",
	"192.168.0.1", "192.168.255.255",
	# protocol assignments, documentation, benchmarking, multicast, reserved, broadcast
	"192.0.0.1", "192.0.0.8", "192.0.2.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1",
	"224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
)  # fmt: skip
#: Forms of 127.0.0.1 and 169.254.169.254 that a resolver takes for them.
ODD_V4 = (
	"127.1", "127.0.1", "0", "2130706433", "017700000001", "0x7f000001", "0x7f.0.0.1", "0x7f.1", "0177.0.0.1",
	"0177.0.0.01", "127.0.0.0x1", "0x7F.0x0.0x0.0x1", "2852039166", "0xA9FEA9FE", "0251.0376.0251.0376",
	"0xa9.0xfe.0xa9.0xfe", "169.254.43518", "localhost", "LOCALHOST", "localhost.", "ip6-localhost",
	# digits of other scripts, and full stops that are none, which IDNA folds into the plain ones
	"１２７.０.０.１", "127。0。0。1", "①②⑦.⓪.⓪.①", "ⓛocalhost",
)  # fmt: skip
V6 = (
	"::", "::1", "0:0:0:0:0:0:0:1", "::0001", "fc00::1", "fd00::1", "fd12:3456:789a::1", "fe80::1", "fe80::1%25lo",
	"fec0::1", "ff02::1", "ff0e::1", "2001:db8::1", "100::1", "3fff::1", "5f00::1", "2001::1", "2001:2::1", "2001:10::1",
	# IPv4 within: mapped, compatible, translated, 6to4, NAT64 (well-known and local), Teredo
	*(f"::ffff:{address}" for address in V4), "::ffff:7f00:1", "::127.0.0.1", "::169.254.169.254", "::ffff:0:127.0.0.1",
	"::ffff:0:a9fe:a9fe", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:c0a8:1::1", "2002:a00:1::", "64:ff9b::127.0.0.1",
	"64:ff9b::169.254.169.254", "64:ff9b::a00:1", "64:ff9b:1::7f00:1", "64:ff9b:1::169.254.169.254",
	"64:ff9b:1:ffff::10.0.0.1", "2001:0:4136:e378:8000:63bf:80ff:fffe", "2001:0:7f00:1::",
)  # fmt: skip
URLS = [
	*(f"http://{host}/" for host in (*V4, *ODD_V4)),
	*(f"https://{host}:8443/x?y" for host in V4),
	*(f"http://[{host}]/" for host in V6),
	# a user name that looks like the host, and the other way round
	"http://example.com@127.0.0.1/", "http://127.0.0.1#@example.com/", "http://127.0.0.1?@example.com/",
	"http://example.com:80@169.254.169.254/latest/meta-data", "http://127.0.0.1\\@example.com/",
	"http:127.0.0.1/", "http:///127.0.0.1/", "http://%31%32%37.0.0.1/", "http://127.0.0.1%00.example.com/",
	# other schemes
	"file:///etc/passwd", "gopher://127.0.0.1:6379/_FLUSHALL", "ftp://127.0.0.1/", "dict://127.0.0.1:11211/", "//127.0.0.1/",
	"ldap://127.0.0.1/", "jar:http://127.0.0.1!/", "unix:///run/mysqld/mysqld.sock",
]  # fmt: skip
INSIDE = ("127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fd00::1", "::ffff:192.168.1.1")


@pytest.fixture
def inside():
	"""A server inside, which counts who reaches it, and sends who asks for /away to another inside address."""
	asked: list[str] = []

	class Handler(http.server.BaseHTTPRequestHandler):
		def do_GET(self):
			asked.append(self.path)
			self.send_response(302 if self.path == "/away" else 200)
			self.send_header(
				"Location", self.server.away or f"http://127.0.0.1:{self.server.server_port}/secret"
			)
			self.send_header("Content-Length", "0")
			self.end_headers()

		def log_message(self, *_):
			pass

	server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
	server.away = ""
	threading.Thread(target=server.serve_forever, daemon=True).start()
	yield server.server_port, asked
	server.shutdown()


@pytest.fixture(scope="module")
def sending_away():
	"""A server that is allowed, and sends on to wherever `server.away` says."""

	class Handler(http.server.BaseHTTPRequestHandler):
		def do_GET(self):
			self.send_response(308)
			self.send_header("Location", self.server.away)
			self.send_header("Content-Length", "0")
			self.end_headers()

		def log_message(self, *_):
			pass

	server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
	threading.Thread(target=server.serve_forever, daemon=True).start()
	yield server
	server.shutdown()
	server.server_close()


def call(url: str, *allowed: str):
	return GuardedHttp(list(allowed), 1000).request("GET", url, headers={}, body=None, timeout=3)


def answering(monkeypatch, *answers: list[str]) -> list[str]:
	"""Let every name resolve to these addresses, one list a question. Returns what was asked, to be filled."""
	asked: list[str] = []
	really = socket.getaddrinfo

	def resolve(host, port, *args, **more):
		if host[0].isdigit() or ":" in host:  # an address is its own answer
			return really(host, port, *args, **more)
		addresses = answers[min(len(asked), len(answers) - 1)]
		asked.append(host)
		return [
			(socket.AF_INET6 if ":" in a else socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port))
			for a in addresses
		]

	monkeypatch.setattr(socket, "getaddrinfo", resolve)
	return asked


@pytest.mark.parametrize("url", URLS)
def test_it_is_refused(url):
	with pytest.raises(StepFailed) as refused:
		call(url)
	# Either it was told apart, or it is no name at all; never was it called and did not answer.
	assert "did not answer" not in refused.value.message, refused.value.message


@pytest.mark.parametrize("address", [a for a in (*V4, *V6) if "%" not in a])
def test_no_inside_address_is_public(address):
	assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "93.184.216.34", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1"])  # fmt: skip
def test_an_outside_address_is_public(address):
	assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", INSIDE)
def test_a_name_that_resolves_inside_is_refused_though_another_of_its_addresses_is_outside(
	monkeypatch, address
):
	for addresses in ([address], ["1.1.1.1", address], [address, "1.1.1.1"]):
		answering(monkeypatch, addresses)
		with pytest.raises(StepFailed, match="inside address"):
			call("http://changes.example.com/")


def test_a_name_that_changes_between_check_and_call_gains_nothing(monkeypatch, inside):
	port, reached = inside
	asked = answering(monkeypatch, ["127.0.0.2"], ["127.0.0.1"])
	with pytest.raises(StepFailed):
		call(f"http://changes.example.com:{port}/", "127.0.0.2/32")
	# The address that was checked is the one that is called: the resolver's second answer is never asked for by name.
	assert asked.count("changes.example.com") == 1 and reached == []


def test_a_redirect_is_an_answer_and_not_followed(inside):
	port, reached = inside
	answer = call(f"http://127.0.0.1:{port}/away", f"127.0.0.1:{port}")
	assert answer.status == 302 and reached == ["/away"]


@pytest.mark.parametrize("url", [url for url in URLS if url.isascii() and "://" in url])
def test_no_redirect_leads_inside(sending_away, url):
	sending_away.away = url
	here = f"127.0.0.1:{sending_away.server_port}"
	request = {"method": "GET", "url": f"http://{here}/", "follow": True, "timeout": 3}
	with pytest.raises(StepFailed) as refused:
		send_call(request, GuardedHttp([here], 1000), "key")
	assert "did not answer" not in refused.value.message, refused.value.message


def test_what_an_admin_allows_is_let_through_and_nothing_beside_it(inside):
	port, reached = inside
	for entry in (f"127.0.0.1:{port}", "127.0.0.1", "127.0.0.0/8", f"http://127.0.0.1:{port}/hook"):
		assert call(f"http://127.0.0.1:{port}/", *allowed_entries(entry)).status == 200
	for entry in (f"127.0.0.1:{port + 1}", "10.0.0.0/8", "localhost", "example.com", ""):
		with pytest.raises(StepFailed, match="inside address"):
			call(f"http://127.0.0.1:{port}/", *allowed_entries(entry))
	assert reached == ["/"] * 4


def test_the_size_of_the_corpus():
	print(f"\nSSRF corpus: {len(URLS)} addresses, {len(V4) + len(V6)} of them checked by number too")
	assert len(URLS) > 150
