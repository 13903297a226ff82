"""The HTTP client on the network as it is: names with a dead address, certificates, proxies, answers in odd encodings."""

from __future__ import annotations

import base64
import http.server
import socket
import ssl
import threading
import time
from datetime import timedelta

import pytest
from test_ssrf import answering
from tls import DAY, Authority

from flow_editor.engine.errors import StepFailed
from flow_editor.site import http as client
from flow_editor.site.http import GuardedHttp, _decoded

OUTSIDE = "93.184.216.34"
NAME = "hooks.example.com"


class Receiver(http.server.BaseHTTPRequestHandler):
	def do_GET(self):
		body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
		self.server.calls.append((self.path, dict(self.headers), body))
		self.send_response(200)
		self.send_header("Content-Length", "2")
		self.end_headers()
		self.wfile.write(b"ok")

	do_POST = do_GET

	def log_message(self, *_):
		pass


class Proxy(http.server.BaseHTTPRequestHandler):
	"""Takes every connection to where `server.behind` listens, and notes what it was asked for."""

	def do_CONNECT(self):
		self.server.calls.append((self.path, dict(self.headers)))
		if self._refuses():
			return
		self.send_response(200)
		self.end_headers()
		with socket.create_connection(("127.0.0.1", self.server.behind)) as inner:
			there = threading.Thread(target=_pump, args=(self.connection, inner), daemon=True)
			there.start()
			_pump(inner, self.connection)
		self.close_connection = True

	def do_POST(self):
		self.rfile.read(int(self.headers.get("Content-Length") or 0))
		self.server.calls.append((self.path, dict(self.headers)))
		if self._refuses():
			return
		self.send_response(200)
		self.send_header("Content-Length", "2")
		self.end_headers()
		self.wfile.write(b"ok")

	def _refuses(self) -> bool:
		wanted = self.server.login and "Basic " + base64.b64encode(self.server.login.encode()).decode()
		if wanted and self.headers.get("Proxy-Authorization") != wanted:
			self.send_error(407)
			return True
		return False

	def log_message(self, *_):
		pass


def _pump(source, target):
	try:
		while chunk := source.recv(65536):
			target.sendall(chunk)
		target.shutdown(socket.SHUT_WR)
	except OSError:
		pass  # the other direction has ended it


@pytest.fixture
def serving():
	servers = []

	def serve(handler=Receiver, tls: ssl.SSLContext | None = None, **more):
		server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
		server.calls, server.port = [], server.server_port
		vars(server).update(more)
		if tls:
			server.socket = tls.wrap_socket(server.socket, server_side=True)
		server.handle_error = lambda *_: None
		threading.Thread(target=server.serve_forever, daemon=True).start()
		servers.append(server)
		return server

	yield serve
	for server in servers:
		server.shutdown()
		server.server_close()


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
	return Authority(tmp_path_factory.mktemp("authority"))


def call(url: str, *allowed: str, method="POST", timeout=3, **more):
	http = GuardedHttp(list(allowed), 100_000, **more)
	return http.request(method, url, headers={}, body="{}", timeout=timeout)


def fails(url: str, *allowed: str, **more) -> str:
	with pytest.raises(StepFailed) as caught:
		call(url, *allowed, **more)
	assert caught.value.transient
	return caught.value.message


def closed_port() -> int:
	with socket.create_server(("127.0.0.1", 0)) as server:
		return server.getsockname()[1]


# Addresses


@pytest.mark.parametrize("dead", ["127.0.0.2", "::1", "240.0.0.1"])
def test_the_next_address_is_tried_if_the_first_is_dead(monkeypatch, serving, dead):
	server = serving()
	answering(monkeypatch, [dead, "127.0.0.1"])
	began = time.monotonic()
	assert call(f"http://{NAME}:{server.port}/x", NAME, timeout=2).status == 200
	assert time.monotonic() - began < 2


def test_one_that_takes_the_connection_and_says_nothing_leaves_time_for_the_next(
	monkeypatch, serving, authority
):
	"""It is silent before anything has been sent, in the midst of TLS."""
	with socket.create_server(("127.0.0.2", 0)) as silent:
		port = silent.getsockname()[1]
		server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Receiver)
		server.calls = []
		server.socket = authority.serves(NAME).wrap_socket(server.socket, server_side=True)
		threading.Thread(target=server.serve_forever, daemon=True).start()
		answering(monkeypatch, ["127.0.0.2", "127.0.0.1"])
		url = f"https://{NAME}:{port}/x"
		assert call(url, NAME, timeout=2, authorities=authority.pem).status == 200
		server.shutdown()
		server.server_close()


def test_all_addresses_are_checked_before_the_first_is_called(monkeypatch, serving):
	server = serving()
	answering(monkeypatch, ["127.0.0.1", "10.0.0.1"])
	with pytest.raises(StepFailed, match=r"inside address 10\.0\.0\.1"):
		call(f"http://{NAME}:{server.port}/", "127.0.0.0/8")
	assert server.calls == []


def test_what_went_wrong_is_said(monkeypatch, serving, authority):
	assert "the connection was refused" in fails(f"http://127.0.0.1:{closed_port()}/", "127.0.0.1")
	with socket.create_server(("127.0.0.1", 0)) as silent:
		url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
		assert "it took too long" in fails(url, "127.0.0.1", timeout=0.3)
	assert "no such name" in fails("http://nowhere.invalid/")
	plain = serving()
	assert "Does it speak https" in fails(f"https://127.0.0.1:{plain.port}/", "127.0.0.1")
	with pytest.raises(StepFailed, match="port is no valid port") as caught:
		call("http://127.0.0.1:99999/", "127.0.0.1")
	assert not caught.value.transient


def test_a_stored_address_is_encoded_as_it_is_called(serving):
	server = serving()
	call(f"http://127.0.0.1:{server.port}/été à?q=ü", "127.0.0.1")
	assert server.calls[0][0] == "/%C3%A9t%C3%A9%20%C3%A0?q=%C3%BC"


# Certificates


def test_an_authority_that_is_not_known_is_said_and_can_be_trusted(serving, authority, tmp_path, monkeypatch):
	server = serving(tls=authority.serves("127.0.0.1"))
	url = f"https://127.0.0.1:{server.port}/hook"
	message = fails(url, "127.0.0.1")
	assert "authority that is not known here" in message and "Flow Settings" in message
	assert call(url, "127.0.0.1", authorities=authority.pem).status == 200
	file = tmp_path / "company.pem"
	file.write_text(authority.pem)
	for variable in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
		with monkeypatch.context() as machine:
			machine.setenv(variable, str(file))
			assert call(url, "127.0.0.1").status == 200
	assert "not known here" in fails(url, "127.0.0.1")


def test_to_trust_an_authority_is_not_to_trust_everything(serving, authority):
	for words, context in (
		("not valid for 127.0.0.1", authority.serves("other.example")),
		("has expired", authority.serves("127.0.0.1", begins=-2 * DAY, ends=-DAY)),
		("not valid yet", authority.serves("127.0.0.1", begins=timedelta(hours=1))),
	):
		server = serving(tls=context)
		url = f"https://127.0.0.1:{server.port}/"
		assert words in fails(url, "127.0.0.1", authorities=authority.pem)
		assert server.calls == []


def test_the_texts_of_certificates_are_found_among_words(authority):
	assert client.certificates(f"Société: \n{authority.pem}\nend\n{authority.pem}").count("BEGIN") == 2
	assert client.certificates("") == client.certificates(None) == ""


# Proxies


def test_everything_public_goes_by_the_proxy_to_the_checked_address(monkeypatch, serving, authority):
	receiver = serving(tls=authority.serves(NAME))
	proxy = serving(Proxy, behind=receiver.port, login="ana:s3cret")
	answering(monkeypatch, [OUTSIDE])
	by = {
		"proxy": f"http://127.0.0.1:{proxy.port}",
		"proxy_login": "ana:s3cret",
		"authorities": authority.pem,
	}
	assert call(f"https://{NAME}/hook?a=1", **by).status == 200
	assert call(f"http://{NAME}/hook?a=1", **by).status == 200
	(tunnel, _), (plain, headers) = proxy.calls
	assert (tunnel, plain) == (f"{OUTSIDE}:443", f"http://{OUTSIDE}:80/hook?a=1")
	assert headers["Host"] == NAME
	((path, sent, _),) = receiver.calls
	assert path == "/hook?a=1" and sent["Host"] == NAME and "Proxy-Authorization" not in sent
	for scheme in ("http", "https"):
		assert "asks for another user name" in fails(f"{scheme}://{NAME}/", **{**by, "proxy_login": "x:y"})


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "::ffff:192.168.1.1"])
def test_a_proxy_opens_nothing_inside(monkeypatch, serving, address):
	proxy = serving(Proxy, behind=1, login="")
	for scheme in ("http", "https"):
		answering(monkeypatch, [OUTSIDE, address])
		with pytest.raises(StepFailed, match="inside address"):
			call(f"{scheme}://{NAME}/", proxy=f"http://127.0.0.1:{proxy.port}")
	assert proxy.calls == []


def test_what_is_allowed_inside_is_called_without_the_proxy(serving):
	proxy, receiver = serving(Proxy, behind=1, login=""), serving()
	url = f"http://127.0.0.1:{receiver.port}/"
	assert call(url, "127.0.0.1", proxy=f"http://127.0.0.1:{proxy.port}").status == 200
	assert len(receiver.calls) == 1 and proxy.calls == []


def test_a_proxy_that_is_not_there_is_named_as_the_cause(monkeypatch):
	answering(monkeypatch, [OUTSIDE])
	for scheme in ("http", "https"):
		message = fails(f"{scheme}://{NAME}/", proxy=f"http://127.0.0.1:{closed_port()}")
		assert "by way of the proxy in Flow Settings, the connection was refused" in message


# Answers


@pytest.mark.parametrize(
	("data", "said", "text"),
	[
		("é".encode(), "", "é"),
		("é".encode("latin-1"), "text/plain; Charset='ISO-8859-1'", "é"),
		("é".encode("cp1252"), 'text/plain;charset="windows-1252"; x=y', "é"),
		("é".encode("utf-8-sig"), "application/json", "é"),
		("é".encode("utf-8-sig"), "application/json; charset=utf-8", "é"),
		("é".encode("utf-8-sig"), "application/json; charset=iso-8859-1", "é"),
		("é".encode("utf-16"), "application/json", "é"),
		(b"\xfe\xff\x00\xe9", "application/json; charset=utf-16", "é"),
		("é".encode("utf-32"), "", "é"),
		("é".encode("utf-16-le"), "text/plain; charset=utf-16le", "é"),
		("é".encode(), "text/plain; charset=hex", "é"),
		(b"\xff", "", "�"),
	],
)
def test_an_answer_is_read_as_what_it_is(data, said, text):
	assert _decoded(data, said) == text
