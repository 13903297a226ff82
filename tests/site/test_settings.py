"""Flow Settings, and what they decide."""

from __future__ import annotations

import frappe
import pytest
import records as r
from tls import Authority

from flow_editor.kinds.web_call import ANSWER_KB
from flow_editor.patches import read_longer_answers
from flow_editor.site.host import current


@pytest.fixture
def settings(site):
	frappe.clear_document_cache("Flow Settings", "Flow Settings")
	yield frappe.get_doc("Flow Settings")
	frappe.db.rollback()
	frappe.clear_document_cache("Flow Settings", "Flow Settings")
	frappe.local.flow_editor_host = None


def test_retention_is_told_to_frappes_own_log_clearing(settings):
	settings.retention_days = 45
	settings.save()
	assert frappe.db.get_value("Logs To Clear", {"ref_doctype": "Flow Run"}, "days") == 45


def test_limits_hold_at_every_save(settings):
	settings.max_steps = 2
	settings.save()
	frappe.local.flow_editor_host = None
	with pytest.raises(frappe.ValidationError, match="3 steps; at most 2"):
		r.template(*(r.step(f"s{i}") for i in range(3)))


@pytest.mark.parametrize(
	("field", "value", "words"),
	[
		("internal_token", "x", "service user"),
		("allowed_hosts", "10.0.0.0/99", "no network"),
		("max_steps", 0, "at least 1"),
		("authorities", "my company", "no certificate"),
		("authorities", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "cannot be read"),
		("authorities", "-----BEGIN PRIVATE KEY-----", "private key"),
		("proxy", "proxy.example.com", "https:// or http://"),
		("proxy", "https://proxy.example.com:3128", "write http://host:port"),
		("proxy", "http://ana:s3cret@proxy.example.com:3128", "proxy.example.com:3128 cannot be used"),
	],
)
def test_what_makes_no_sense_is_refused(settings, field, value, words):
	settings.set(field, value)
	with pytest.raises(frappe.ValidationError, match=words):
		settings.save()


def test_the_token_is_kept_as_a_password(settings):
	token = "s3cret-token-of-some-length"
	settings.internal_token, settings.service_user = token, r.user("Flow User").name
	settings.save()
	assert "s3cret" not in str(frappe.db.sql("SELECT * FROM tabSingles WHERE doctype = 'Flow Settings'"))
	assert settings.get_password("internal_token") == token


def test_calls_go_by_what_is_set(settings, tmp_path):
	pem = Authority(tmp_path).pem
	settings.update(
		{"proxy": "http://127.0.0.1:3128", "proxy_login": "ana:s3cret", "authorities": f"Ours:\n{pem}"}
	)
	settings.save()
	frappe.clear_document_cache("Flow Settings", "Flow Settings")
	frappe.local.flow_editor_host = None
	http = current().http
	assert (str(http._proxy), http._limit) == ("http://127.0.0.1:3128", ANSWER_KB * 1024)
	assert http._proxy_headers == {"Proxy-Authorization": "Basic YW5hOnMzY3JldA=="}
	assert http._authorities == pem.strip()
	assert "s3cret" not in str(frappe.db.sql("SELECT * FROM tabSingles WHERE doctype = 'Flow Settings'"))


def test_a_login_without_a_password_is_refused(settings):
	settings.update({"proxy": "http://127.0.0.1:3128", "proxy_login": "ana"})
	with pytest.raises(frappe.ValidationError, match="user:password"):
		settings.save()


@pytest.mark.parametrize(("before", "after"), [(64, ANSWER_KB), (100, 100), (None, None)])
def test_what_earlier_versions_read_of_an_answer_is_raised_once(settings, before, after):
	frappe.db.delete("Singles", {"doctype": "Flow Settings", "field": "response_limit_kb"})
	if before:
		frappe.db.set_single_value("Flow Settings", "response_limit_kb", before)
	read_longer_answers.execute()
	kept = frappe.db.sql(
		"SELECT value FROM tabSingles WHERE doctype = 'Flow Settings' AND field = 'response_limit_kb'"
	)
	assert [value for (value,) in kept] == ([str(after)] if after else [])
