"""What a kind is given: ports, and no way to the host behind them."""

from __future__ import annotations

from inspect import getattr_static

from flow_editor.engine.ports import Documents, Erpnext


def test_a_kind_gets_ports_and_not_the_host(bench):
	ctx = bench.context("wait", {})
	host = bench.host
	assert ctx.documents is bench.documents and ctx.erpnext is host.erpnext and ctx.http is bench.http
	assert ctx.conventions is host.conventions
	assert ctx.secret("a", "https://b") == host.secret("a", "https://b")
	public = [name for name in dir(ctx) if not name.startswith("_")]
	assert "now" in public and [name for name in public if getattr(ctx, name) is host] == []


def test_documents_in_general_know_nothing_of_erpnext():
	of_erpnext = {name for name in vars(Erpnext) if not name.startswith("_")}
	assert of_erpnext == {"contact", "activate_subscription"}
	assert [name for name in of_erpnext if getattr_static(Documents, name, None)] == []
