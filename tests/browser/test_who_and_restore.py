"""Who a flow runs as is shown, and asked about before it changes; a shipped flow finds its way back."""

from __future__ import annotations

import pytest

UNSAVED = '.fe-pill:has-text("Not saved")'


@pytest.fixture
def seed(place):
	"""A shipped flow that runs as somebody else than who is looking, and is as shipped again afterwards."""
	flow = place.template("phone_service")
	yield flow["name"]
	place.put_back(flow["name"])


def test_who_it_runs_as_stands_in_the_editor_the_list_and_the_run(place):
	flow = place.create("browser who", [{"id": "a", "kind": "wait", "trigger": {"type": "manual"}}])
	who = place.call("GET", f"/templates/{flow}")["template"]["run_as"]
	page = place.open_flow(flow)
	assert page.inner_text(".fe-runs-as") == f"Runs as {who}"
	assert page.locator(".fe-settings").get_by_label("Runs as").input_value() == who
	page = place.open_flows()
	assert f"Runs as {who}" in page.inner_text("[data-template='browser who']")
	run = place.call("POST", "/start", {"template": flow})["run"]["name"]
	page = place.open_run(run)
	if place.name == "lab":
		assert f"runs as {who}" in page.inner_text(".fe-dialog-head")


def test_a_shipped_flow_is_saved_empty_and_restored_from_its_list_and_its_editor(place, seed):
	place.call("PUT", f"/templates/{seed}", {"flow_definition": {"steps": []}})
	page = place.open_flow(seed)
	assert page.locator(".fe-card").count() == 0
	page.click("[data-more]")
	asked = place.answer_next(page, "Restore as shipped")
	assert "Restore phone_service as it came with the app?" in asked and "stays among its versions" in asked
	page.wait_for_selector(".fe-card")
	assert "This flow is as it came with the app" in page.inner_text(".fe-notice.orange")
	page.click("text=I have read it")
	assert page.locator(".fe-notice").count() == 0

	place.call("PUT", f"/templates/{seed}", {"flow_definition": {"steps": []}})
	page = place.open_flows()
	place.answer_next(page, "Restore as shipped", within="[data-template=phone_service]")
	page.wait_for_selector(".fe-notice.orange")
	assert place.template("phone_service")["step_count"] > 0


def test_who_may_not_keep_it_is_told_before_the_save(place, seed):
	if place.name == "lab":
		pytest.skip("the lab has one user")
	place.run_as(seed, "Administrator")
	page = place.open_flow(seed)
	assert page.inner_text(".fe-runs-as") == "Runs as Administrator"
	page.locator(".fe-settings").get_by_label("Again for the same document").select_option(
		"Once per document"
	)
	page.click("[data-publish]")
	page.click("[data-publish-now]")
	dialog = page.wait_for_selector(".fe-modal")
	said = dialog.inner_text()
	assert "no longer as Administrator" in said and "Only a System Manager" in said
	assert "may not write Subscription" in said, said
	page.click(".fe-modal >> text=Do not publish")
	assert place.template("phone_service")["run_as"] == "Administrator"
	page.click("[data-publish]")
	page.click("[data-publish-now]")
	page.click(".fe-modal >> text=Publish it so")
	page.wait_for_selector(".fe-publish", state="detached")
	assert place.template("phone_service")["run_as"] == place.served.account["user"]
	assert page.inner_text(".fe-runs-as") == f"Runs as {place.served.account['user']}"


def test_who_may_keep_it_is_asked_once(place):
	if place.name == "desk":
		pytest.skip("who looks at the desk here is no System Manager")
	flow = place.create("browser keep", [{"id": "a", "kind": "wait"}], run_as="ana@example.com")
	page = place.open_flow(flow)
	again = page.locator(".fe-settings").get_by_label("Again for the same document")
	again.select_option("Once per document")
	page.click("[data-publish]")
	page.click("[data-publish-now]")
	assert "It runs as ana@example.com" in page.wait_for_selector(".fe-modal").inner_text()
	page.click(".fe-modal >> text=Keep ana@example.com")
	page.wait_for_selector(".fe-publish", state="detached")
	again.select_option("Always")
	page.click("[data-publish]")
	page.click("[data-publish-now]")
	page.wait_for_selector(".fe-publish", state="detached")
	kept = place.template("browser keep")
	assert (kept["run_as"], kept["version"]) == ("ana@example.com", 3)

	page.reload()
	page.wait_for_selector(".fe-pill >> text=/problem/i")
	again = page.locator(".fe-settings").get_by_label("Again for the same document")
	again.select_option("Not while one runs")
	page.click("[data-publish]")
	page.click("[data-publish-now]")
	page.click(".fe-modal >> text=Let it run as me")
	page.wait_for_selector(".fe-modal >> text=/It will run as you/")
	page.click(".fe-modal >> text=Publish it so")
	page.wait_for_selector(".fe-publish", state="detached")
	assert place.template("browser keep")["run_as"] == "lab"


def test_the_desk_s_form_asks_and_restores_too(place, seed):
	if place.name == "lab":
		pytest.skip("the lab has no such form")
	place.run_as(seed, "Administrator")
	before = place.template("phone_service")
	page = place.open(f"/app/flow-template/{seed}", ".form-layout:visible .fe-card")
	page.evaluate("cur_frm.set_value('re_entry', 'Once per document')")
	page.click(".primary-action:visible")
	said = page.wait_for_selector(".modal.show .frappe-confirm-message").inner_text()
	assert "no longer as Administrator" in said and "may not write Subscription" in said, said
	page.click(".modal.show button:text-is('Cancel')")
	page.wait_for_selector(".modal.show", state="detached")
	assert place.template("phone_service")["version"] == before["version"]
	page.click(".primary-action:visible")
	page.click(".modal.show button:text-is('Save it so')")
	page.wait_for_selector(".indicator-pill:has-text('Not Saved')", state="detached")
	saved = place.template("phone_service")
	assert (saved["run_as"], saved["re_entry"]) == (place.served.account["user"], "Once per document")

	asked = place.answer_next(page, "Restore as shipped")
	assert "Restore phone_service" in asked and "no longer as" not in asked
	page.wait_for_function("cur_frm.doc.re_entry === 'Always'")
	assert place.template("phone_service")["re_entry"] == "Always"
