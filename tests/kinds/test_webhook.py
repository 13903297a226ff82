from __future__ import annotations

import json

import pytest

from flow_editor.engine.errors import StepFailed
from flow_editor.engine.host import HttpResponse
from flow_editor.kinds.web_call import ANSWER_LENGTH, send_call

URL = "https://x.test/hook"


def test_it_sends_json_and_keeps_the_answer(bench):
	bench.http.answers.append(HttpResponse(201, {}, '{"ticket": 7}'))
	body = '{"name": "{{customer.customer_name}}", "whole": "{{variables.n}}", "part": "n={{variables.n}}"}'
	bench.run.variables["n"] = 3
	result = bench.do(
		"webhook", {"url": URL, "body_template": body, "headers_json": {"X-N": "{{variables.n}}"}}
	)
	(call,) = bench.http.calls
	assert result == {"status": 201, "body": {"ticket": 7}, "truncated": False}
	assert json.loads(call["body"]) == {"name": "Ana <b>Bell</b> & Co", "whole": 3, "part": "n=3"}
	assert (call["method"], call["timeout"]) == ("POST", 10)
	assert call["headers"]["Content-Type"] == "application/json" and call["headers"]["X-N"] == "3"
	assert call["headers"]["Idempotency-Key"] == "key-1"


def test_without_a_body_it_says_what_the_run_is_about(bench):
	bench.do("webhook", {"url": URL})
	assert json.loads(bench.http.calls[0]["body"]) == {
		"run": "FR-00001",
		"template": "FT-00001",
		"step": "a",
		"doctype": "Issue",
		"docname": "ISS-1",
		"customer": "CUST-1",
	}


def test_get_has_no_body(bench):
	bench.do("webhook", {"url": URL, "method": "GET", "body_template": '{"a": 1}'})
	(call,) = bench.http.calls
	assert call["body"] is None and "Content-Type" not in call["headers"]


def test_a_status_of_400_and_more_fails_and_keeps_the_answer(bench):
	bench.http.answers.append(HttpResponse(404, {}, "no such hook"))
	with pytest.raises(StepFailed, match="answered 404: no such hook") as caught:
		bench.do("webhook", {"url": URL})
	assert not caught.value.transient
	assert caught.value.result == {"status": 404, "body": "no such hook", "truncated": False}


def test_a_long_answer_is_cut(bench):
	bench.http.answers.append(HttpResponse(200, {}, '["' + "a" * ANSWER_LENGTH))
	result = bench.do("webhook", {"url": URL})
	assert result["truncated"] and len(result["body"]) == ANSWER_LENGTH


@pytest.mark.parametrize(
	("template", "expected"),
	[
		("https://x.test/{{doc.name}}?q={{variables.odd}}", "https://x.test/ISS-1?q=a%2Fb%3F%26%0D%0A%C3%A9"),
		("{{variables.base}}/x/{{variables.odd}}", "https://y.test:8080/api/x/a%2Fb%3F%26%0D%0A%C3%A9"),
		("  https://x.test/  ", "https://x.test/"),
	],
)
def test_values_in_a_url_are_encoded_but_for_its_beginning(bench, template, expected):
	bench.run.variables.update(odd="a/b?&\r\né", base="https://y.test:8080/api")
	bench.do("webhook", {"url": template})
	assert bench.http.calls[0]["url"] == expected


@pytest.mark.parametrize(
	"url",
	[
		"{{variables.none}}",
		"{{variables.none}}/x",
		"ftp://x.test/",
		"https:///x",
		"https://x.test/a b",
		"http://[::1",
		"http://[x]/",
		"http://x.test:99999/",
		"{{variables.bad}}",
	],
)
def test_what_is_no_web_address_fails_for_good(bench, url):
	bench.run.variables["bad"] = "https://x.test/\r\nHost: y"
	assert "web address" in bench.fails("webhook", {"url": url})
	assert bench.http.calls == []


@pytest.mark.parametrize(
	"headers",
	[
		{"X": "a\r\nb"},
		{"X": "{{variables.bad}}"},
		{"a b": "c"},
		{"Host": "x"},
		{"idempotency-key": "x"},
		{"X": "漢"},
	],
)
def test_headers_that_no_call_may_have_are_refused(bench, headers):
	bench.run.variables["bad"] = "a\nb"
	assert "header" in bench.fails("webhook", {"url": URL, "headers_json": headers})


def test_a_header_of_the_authors_takes_the_place_of_ours(bench):
	bench.do("webhook", {"url": URL, "headers_json": {"content-type": "application/cloudevents+json"}})
	names = [name for name in bench.http.calls[0]["headers"] if name.lower() == "content-type"]
	assert names == ["content-type"]


def test_what_the_schema_cannot_say(bench):
	assert bench.check("webhook", {"url": "x.test"}) == ["url"]
	assert bench.check("webhook", {"url": "{{variables.base}}/x", "headers_json": []}) == ["headers_json"]


def test_a_call_beside_a_step(bench):
	send_call({"method": "POST", "url": URL, "json": {"event": "open"}}, bench.http, "key-2")
	(call,) = bench.http.calls
	assert (call["body"], call["headers"]["Idempotency-Key"]) == ('{"event": "open"}', "key-2")
