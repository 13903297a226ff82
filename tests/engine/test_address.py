from __future__ import annotations

import pytest

from flow_editor.engine.address import parse


@pytest.mark.parametrize(
	("written", "encoded"),
	[
		("https://x.test", "https://x.test"),
		("HTTPS://X.test/a", "https://X.test/a"),
		(" https://x.test/a b ", "https://x.test/a%20b"),
		("https://x.test/é/{id}?q=ü&r=[1]#part", "https://x.test/%C3%A9/%7Bid%7D?q=%C3%BC&r=[1]"),
		("https://x.test/%C3%A9/100%?a=%20+", "https://x.test/%C3%A9/100%?a=%20+"),
		("https://x.test/a\\b", "https://x.test/a/b"),
		("https://bücher.test:8443/", "https://xn--bcher-kva.test:8443/"),
		("http://my_service:80/", "http://my_service:80/"),
		("http://[::1]:8080/x", "http://[::1]:8080/x"),
		("http://１２７.０.０.１/", "http://127.0.0.1/"),
		("https://x.test?a='b'", "https://x.test?a=%27b%27"),
	],
)
def test_it_is_encoded_as_a_browser_does(written, encoded):
	address = parse(written)
	assert str(address) == encoded
	assert str(parse(str(address))) == encoded
	assert address.target.startswith("/") and address.target.isascii() and " " not in address.target


@pytest.mark.parametrize(
	("written", "why"),
	[
		("", "https://"),
		("x.test", "https://"),
		("ftp://x.test/", "https://"),
		("https:///x", "https://"),
		("https://u:p@x.test/", "without a user name"),
		("https://@x.test/", "without a user name"),
		("https://x.test:99999/", "port"),
		("https://x.test:0/", "port"),
		("https://x.test:port/", "port"),
		("https://a..b/", "host"),
		("https://-/%00\n", "control"),
		("https://x.test\\@y.test/", "without a user name"),
		("https://%31.test/", "host"),
		("https://[::1", "host"),
		("https://[::1]x/", "host"),
		("https://[fe80::1%25lo]/", "host"),
		("https://" + "a" * 64 + ".test/", "host"),
		("https://\ud800.test/", "host"),
	],
)
def test_what_is_none_says_why_and_quotes_nothing(written, why):
	with pytest.raises(ValueError, match=why) as caught:
		parse(written)
	assert "test" not in str(caught.value)
