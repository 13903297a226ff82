from __future__ import annotations

import json
from base64 import b64decode, b64encode

import pytest

from flow_editor.engine.errors import EITHER, IN_FLOW, StepFailed
from flow_editor.engine.ports import HttpResponse
from flow_editor.engine.validation import validate
from flow_editor.kinds.web_call import MOST_HOPS, send_call

URL = "https://x.test/hook"
#: Headers that every call has.
OURS = ("Accept", "Content-Type", "Idempotency-Key")


def test_it_sends_json_and_keeps_the_answer(bench):
	bench.http.answer(HttpResponse(201, {}, '{"ticket": 7}'))
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
	bench.http.answer(HttpResponse(404, {}, "no such hook"))
	with pytest.raises(StepFailed, match="answered 404: no such hook") as caught:
		bench.do("webhook", {"url": URL})
	assert not caught.value.transient
	assert caught.value.result == {"status": 404, "body": "no such hook", "truncated": False}


def test_an_answer_that_was_not_read_to_its_end_is_a_text(bench):
	bench.http.answer(HttpResponse(200, {}, "[1, 2]", truncated=True))
	assert bench.do("webhook", {"url": URL}) == {"status": 200, "body": "[1, 2]", "truncated": True}


def test_a_long_answer_is_whole_and_a_byte_order_mark_is_none_of_it(bench):
	bench.http.answer(
		HttpResponse(200, {}, json.dumps({"id": "REAL-ID", "label": "a" * 300_000})),
		HttpResponse(200, {}, '\ufeff{"id": "REAL-ID"}'),
	)
	for _ in range(2):
		assert bench.do("webhook", {"url": URL})["body"]["id"] == "REAL-ID"


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_what_may_pass_may_be_tried_again_when_the_receiver_says(bench, status):
	bench.http.answer(HttpResponse(status, {"retry-after": "1800"}, "busy"))
	with pytest.raises(StepFailed, match=f"answered {status}: busy") as caught:
		bench.do("webhook", {"url": URL})
	assert caught.value.transient and caught.value.retry_after == "1800"


@pytest.mark.parametrize("status", [103, 400, 401, 403, 404, 409, 410, 422, 451])
def test_what_will_not_pass_is_final(bench, status):
	bench.http.answer(HttpResponse(status, {}, "no"))
	assert f"answered {status}: no" in bench.fails("webhook", {"url": URL})


# Redirects


def moved(status: int, to: str | None = "https://y.test/new") -> HttpResponse:
	return HttpResponse(status, {} if to is None else {"Location": to}, "elsewhere")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_fails_the_step_and_says_where_to(bench, status, method):
	bench.http.answer(moved(status))
	message = bench.fails("webhook", {"url": URL, "method": method})
	assert f"answered {status}" in message and "https://y.test/new" in message and "follow" in message
	assert len(bench.http.calls) == 1


@pytest.mark.parametrize(("url", "helps"), [(URL, IN_FLOW), ("https://x.test/{{variables.n}}", EITHER)])
def test_who_is_to_put_another_address_in_is_told_that_the_run_keeps_its_own(bench, url, helps):
	bench.http.answer(HttpResponse(301, {"Location": "https://y.test/new"}, ""))
	bench.run.variables["n"] = 3
	with pytest.raises(StepFailed, match="Put that address into the step") as caught:
		bench.do("webhook", {"url": url})
	assert caught.value.helps == helps


@pytest.mark.parametrize(
	("status", "method", "goes_on"),
	[
		(301, "GET", True), (302, "GET", True), (303, "GET", True), (307, "GET", True), (308, "GET", True),
		(307, "POST", True), (308, "POST", True), (308, "PUT", True), (307, "PATCH", True), (308, "DELETE", True),
		(301, "POST", False), (302, "POST", False), (303, "POST", False), (301, "PUT", False), (302, "DELETE", False),
	],
)  # fmt: skip
def test_it_is_followed_if_the_step_says_so_and_the_call_stays_the_same(bench, status, method, goes_on):
	bench.http.answer(moved(status, "/new?a=é b"))
	payload = {"url": URL, "method": method, "body_template": {"order": "SO-1"}, "follow": 1}
	if not goes_on:
		assert "only a GET" in bench.fails("webhook", payload)
		assert len(bench.http.calls) == 1
		return
	assert bench.do("webhook", payload)["status"] == 200
	first, second = bench.http.calls
	assert second["url"] == "https://x.test/new?a=%C3%A9%20b"
	assert [second[key] for key in ("method", "body", "headers")] == [
		first[key] for key in ("method", "body", "headers")
	]


@pytest.mark.parametrize(
	"answer", [moved(304, None), moved(300, None), moved(301, None), moved(300), moved(304), moved(305)]
)
def test_what_leads_nowhere_is_a_failure_followed_or_not(bench, answer):
	for follow in (0, 1, "0", "1"):
		bench.http.answer(answer)
		payload = {"url": URL, "method": "GET", "follow": follow}
		assert f"answered {answer.status}" in bench.fails("webhook", payload)


@pytest.mark.parametrize(
	"to", ["https://[::1", "ftp://y.test/", "https://u:p@y.test/", "https://y.test:99999/"]
)
def test_an_address_that_cannot_be_called_is_not_followed(bench, to):
	bench.http.answer(moved(308, to))
	assert "cannot go" in bench.fails("webhook", {"url": URL, "follow": 1})


def test_redirects_end(bench):
	bench.http.answer(*(moved(308, f"https://x.test/{n}") for n in range(50)))
	assert f"after {MOST_HOPS} redirects" in bench.fails("webhook", {"url": URL, "follow": 1})
	assert len(bench.http.calls) == MOST_HOPS + 1


def test_from_https_nothing_goes_on_to_http(bench):
	bench.http.answer(moved(308, "http://x.test/hook"))
	assert "could read it" in bench.fails("webhook", {"url": URL, "follow": 1})


def test_secrets_stay_with_the_host_that_they_are_for(bench):
	headers = {"X-Key": "k {{secrets.crm}}", "Cookie": "a=b", "X-Plain": "p"}
	for to, kept in (
		("https://x.test/other", {"X-Key", "Cookie", "X-Plain", "Authorization"}),
		("https://y.test/", {"X-Plain"}),
		("https://x.test:8443/", {"X-Plain"}),
	):
		bench.http.calls.clear()
		bench.http.answer(moved(307, to))
		auth = {"type": "bearer", "secret": "token"}
		bench.do("webhook", {"url": URL, "headers_json": headers, "auth": auth, "follow": True})
		first, second = (call["headers"] for call in bench.http.calls)
		assert first["Authorization"] == "Bearer value of token" and first["X-Key"] == "k value of crm"
		assert {name for name in first if name in second and name not in OURS} == kept


def test_a_secret_in_the_address_goes_to_no_other_host(bench):
	bench.http.answer(moved(307, "https://y.test/?key=value%20of%20crm"))
	message = bench.fails("webhook", {"url": URL + "?key={{secrets.crm}}", "follow": 1})
	assert "secret in the address" in message and "value" not in message


# Bodies


def test_a_form_arrives_as_a_form(bench):
	body = {
		"To": "+15145550100",
		"Body": "Café {{variables.x}}",
		"tag": ["a", "b"],
		"n": 1.5,
		"none": None,
		"is": True,
	}
	bench.run.variables["x"] = "&="
	bench.do("webhook", {"url": URL, "body_type": "form", "body_template": json.dumps(body)})
	(call,) = bench.http.calls
	assert call["body"] == "To=%2B15145550100&Body=Caf%C3%A9+%26%3D&tag=a&tag=b&n=1.5&none=&is=true"
	assert call["headers"]["Content-Type"] == "application/x-www-form-urlencoded"


def test_a_header_that_says_form_makes_it_one(bench):
	headers = '{"content-type": "application/x-www-form-urlencoded; charset=UTF-8"}'
	payload = {"url": URL, "body_template": '{"To": "+1", "Body": "Hello"}', "headers_json": headers}
	bench.do("webhook", payload)
	assert bench.http.calls[0]["body"] == "To=%2B1&Body=Hello"
	assert bench.check("webhook", payload) == []
	assert bench.check("webhook", {**payload, "body_template": "[1]"}) == ["body_template"]


def test_a_text_is_sent_as_it_stands(bench):
	text = 'Dear {{customer.customer_name}},\n{"not": json'
	bench.do("webhook", {"url": URL, "body_type": "text", "body_template": text})
	headers = {"Content-Type": "application/xml"}
	bench.do("webhook", {"url": URL, "body_type": "text", "body_template": "<a/>", "headers_json": headers})
	bench.do("webhook", {"url": URL, "body_type": "text"})
	plain, xml, empty = bench.http.calls
	assert plain["body"] == 'Dear Ana <b>Bell</b> & Co,\n{"not": json' and empty["body"] == ""
	assert plain["headers"]["Content-Type"] == "text/plain; charset=utf-8"
	assert (xml["body"], xml["headers"]["Content-Type"]) == ("<a/>", "application/xml")


@pytest.mark.parametrize("template", ["{{doc}}", " {{ variables.whole }} "])
def test_a_whole_document_is_a_body(bench, template):
	bench.run.variables["whole"] = bench.documents.get("Issue", "ISS-1")
	payload = {"url": URL, "body_template": template}
	assert problems(bench, payload) == []
	bench.do("webhook", payload)
	bench.do("webhook", {**payload, "body_type": "form"})
	as_json, as_form = bench.http.calls
	assert json.loads(as_json["body"]) == bench.documents.get("Issue", "ISS-1")
	assert as_form["body"] == "subject=No+signal&status=Open&priority=High&doctype=Issue&name=ISS-1"


def test_rows_of_a_document_and_what_is_not_there(bench):
	bench.documents.put("Issue", "ISS-1", items=[{"qty": 1}, {"qty": 2}])
	for template in ("{{doc.items}}", "{{doc.nothing}}"):
		bench.do("webhook", {"url": URL, "body_template": template})
	assert [call["body"] for call in bench.http.calls] == ['[{"qty": 1}, {"qty": 2}]', "null"]
	assert "form" in bench.fails(
		"webhook", {"url": URL, "body_type": "form", "body_template": "{{doc.items}}"}
	)


@pytest.mark.parametrize(
	("payload", "field"),
	[
		({"body_type": "form", "body_template": "[1]"}, "body_template"),
		({"body_type": "text", "body_template": {"a": 1}}, "body_template"),
		({"body_type": "text", "body_template": "{{nothing"}, "body_template"),
		({"body_type": "json", "body_template": "no json"}, "body_template"),
		({"body_type": "xml"}, "body_type"),
		({"headers_json": '{"Content-Type": "multipart/form-data"}', "body_template": "{}"}, "headers_json"),
		({"auth": {"type": "digest", "secret": "x"}}, "auth"),
		({"auth": {"type": "basic", "secret": "crm"}}, "auth"),
		({"auth": {"type": "bearer"}}, "auth"),
		({"auth": {"type": "bearer", "secret": "no name"}}, "auth"),
		({"auth": {"type": "bearer", "secret": "{{secrets.crm}}"}}, "auth"),
		({"auth": {"type": "basic", "user": "a:b", "secret": "crm"}}, "auth"),
		({"auth": {"user": "a"}}, "auth"),
		({"auth": {"type": "bearer", "secret": "crm"}, "headers_json": {"authorization": "x"}}, "auth"),
		({"auth": "basic"}, "auth"),
		({"url": "https://user:password@x.test/"}, "url"),
		({"url": "https://user@x.test/"}, "url"),
		({"url": "https://{{variables.u}}:{{secrets.p}}@{{variables.host}}/"}, "url"),
		({"url": "https://x.test:99999/"}, "url"),
		({"url": "https:///x"}, "url"),
		({"follow": "perhaps"}, "follow"),
	],
)
def test_what_cannot_work_is_a_problem(bench, payload, field):
	assert problems(bench, {"url": URL, **payload}) == [f"payload.{field}"]


@pytest.mark.parametrize(
	"payload",
	[
		{"url": "https://x.test/~me@home?to=a@b.c"},
		{"url": "https://x.test/{{variables.mail}}@b"},
		{"url": "{{variables.base}}/x@y"},
		{"auth": {"type": "basic", "user": "{{variables.user}}", "secret": "crm"}},
		{"auth": {"type": "", "user": "", "secret": ""}},
		{"auth": None},
		{"body_type": "text", "body_template": "any { text"},
		{"body_type": "", "body_template": "{{doc}}"},
		{"method": "GET", "body_type": "form", "body_template": "[1]"},
		{"follow": "1"},
	],
)
def test_what_can_is_none(bench, payload):
	assert problems(bench, {"url": URL, **payload}) == []


def problems(bench, payload) -> list[str]:
	step = {"id": "a", "kind": "webhook", "payload": payload}
	return [problem.field for problem in validate({"version": 1, "steps": [step]}, bench.catalog)]


# Who signs in


def test_basic_and_bearer_by_a_secret(bench):
	bench.run.variables["user"] = "Zoé"
	basic = {"type": "basic", "user": "{{variables.user}}", "secret": "crm"}
	bench.do("webhook", {"url": URL, "auth": basic})
	bench.do("webhook", {"url": URL, "auth": {"type": "bearer", "secret": "crm"}})
	first, second = (call["headers"]["Authorization"] for call in bench.http.calls)
	assert b64decode(first.removeprefix("Basic ")).decode() == "Zoé:value of crm"
	assert second == "Bearer value of crm"


def test_what_was_signed_with_is_told_by_nobody(bench):
	signed = b64encode(b"ana:value of crm").decode()
	bench.http.answer(HttpResponse(401, {}, f"no: {signed} value of crm"))
	message = bench.fails("webhook", {"url": URL, "auth": {"type": "basic", "user": "ana", "secret": "crm"}})
	assert "no: *** ***" in message


def test_a_call_that_an_earlier_version_has_committed_to_is_made(bench):
	ctx = bench.context("webhook", {"url": URL})
	stored = {"method": "POST", "url": "https://x.test/é", "timeout": 10.0, "headers": {}, "json": {"a": 1}}
	assert ctx.kind.send(stored, ctx)["status"] == 200
	assert bench.http.calls[0]["body"] == '{"a": 1}'


def test_what_is_prepared_holds_the_secrets_name_alone(bench):
	ctx = bench.context("webhook", {"url": URL, "auth": {"type": "bearer", "secret": "crm"}})
	assert "value" not in json.dumps(ctx.kind.prepare(ctx.step, ctx))


@pytest.mark.parametrize(
	("template", "expected"),
	[
		("https://x.test/{{doc.name}}?q={{variables.odd}}", "https://x.test/ISS-1?q=a%2Fb%3F%26%0D%0A%C3%A9"),
		("{{variables.base}}/x/{{variables.odd}}", "https://y.test:8080/api/x/a%2Fb%3F%26%0D%0A%C3%A9"),
		("  https://x.test/  ", "https://x.test/"),
		("https://x.test/a b/é?q=ü [1]", "https://x.test/a%20b/%C3%A9?q=%C3%BC%20[1]"),
		("https://x.test/caf%C3%A9/100%25", "https://x.test/caf%C3%A9/100%25"),
		("https://bücher.test:8443/{{doc.name}}#part", "https://xn--bcher-kva.test:8443/ISS-1"),
		("{{variables.accented}}", "https://x.test/%C3%A9t%C3%A9"),
	],
)
def test_values_in_a_url_are_encoded_but_for_its_beginning(bench, template, expected):
	bench.run.variables.update(
		odd="a/b?&\r\né", base="https://y.test:8080/api", accented="https://x.test/été"
	)
	bench.do("webhook", {"url": template})
	assert bench.http.calls[0]["url"] == expected


@pytest.mark.parametrize(
	"url",
	[
		"{{variables.none}}",
		"{{variables.none}}/x",
		"ftp://x.test/",
		"https:///x",
		"http://[::1",
		"http://[x]/",
		"http://x.test:99999/",
		"http://x.test:0/",
		"https://u:p@x.test/",
		"https://a..b/",
		"https://{{variables.none}}.test/",
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


@pytest.mark.parametrize("name", ["Host", "X-\x07", "X Y"])
def test_a_header_s_name_that_no_call_may_have_is_a_problem_too(bench, name):
	assert bench.check("webhook", {"url": URL, "headers_json": {name: "x"}}) == ["headers_json"]


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
