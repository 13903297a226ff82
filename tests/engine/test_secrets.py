from __future__ import annotations

import pytest

from flow_editor.engine.secrets import may_go, place_of, places


@pytest.mark.parametrize(
	("entry", "goes", "stays"),
	[
		("api.example.com", ["https://api.example.com/x", "https://API.example.com:443/"], ["http://api.example.com/", "https://api.example.com:8443/", "https://x.example.com/", "https://api.example.com.evil.example/"]),
		("API.example.com:8443", ["https://api.example.com:8443/x?y"], ["https://api.example.com/", "http://api.example.com:8443/"]),
		("https://api.example.com", ["https://api.example.com/"], ["http://api.example.com/"]),
		("http://192.168.1.20:8080", ["http://192.168.1.20:8080/"], ["https://192.168.1.20:8080/", "http://192.168.1.20/"]),
		("http://inside.example", ["http://inside.example/", "http://inside.example:80/"], ["https://inside.example/"]),
		("127.0.0.1:9000", ["http://127.0.0.1:9000/", "https://127.0.0.1:9000/"], ["http://127.0.0.1/", "http://127.0.0.2:9000/", "http://localhost:9000/"]),
		("localhost:9000", ["http://localhost:9000/"], ["http://localhost/"]),
		("[::1]:9000", ["http://[::1]:9000/"], ["http://[::1]/"]),
		("127.0.0.1", ["http://127.0.0.1/", "https://127.0.0.1/"], ["http://127.0.0.1:8000/"]),
		("localhost.example", ["https://localhost.example/"], ["http://localhost.example/"]),
	],
)  # fmt: skip
def test_where_a_secret_may_go(entry, goes, stays):
	assert [url for url in goes if not may_go(url, [entry])] == []
	assert [url for url in stays if may_go(url, [entry])] == []
	assert [url for url in (*goes, *stays) if may_go(url, [])] == []


@pytest.mark.parametrize(
	"entry",
	["", ":443", "http://", "x.example/path", "https://x.example/", "ftp://x.example", "user@x.example", "u:p@x.example:1", "x.example:port", "x.example:99999", "x.example?q", "x y", "//x.example", "[::1", "*.example.com"],
)  # fmt: skip
def test_what_names_no_host_stands_for_nothing(entry):
	with pytest.raises(ValueError):
		places(entry)
	assert not may_go("https://x.example/", [entry])


@pytest.mark.parametrize(
	"url", ["ftp://x.example/", "https://x.example:99999/", "//x.example", "x.example", ""]
)
def test_an_address_that_is_none_is_nowhere(url):
	with pytest.raises(ValueError):
		place_of(url)
	assert not may_go(url, ["x.example"])
