"""The flows that came with the app are off on a new site; each is looked at and switched on from the list."""

from __future__ import annotations

from playwright.sync_api import expect

BY_HAND = ("fiber_install", "move_service", "phone_service")
BY_AN_EVENT = ("quotation_follow_up", "repair_service", "residential_onboarding")
OFF_AT_FIRST = ".fe-templates >> text=The flows marked System came with the app, and are off."


def row(page, name: str):
	return page.locator(f"tr[data-template={name}]")


def test_each_is_looked_at_and_switched_on_by_one_key_or_click(place):
	place.seed_anew()
	page = place.open_flows()
	expect(page.locator(OFF_AT_FIRST)).to_be_visible()
	for name in (*BY_HAND, *BY_AN_EVENT):
		expect(row(page, name).get_by_role("switch", name=f"{name} is active")).not_to_be_checked()
		expect(row(page, name).get_by_text("Off", exact=True)).to_be_visible()
		by_hand = row(page, name).get_by_text("Also while it is off")
		expect(by_hand).to_have_count(int(name in BY_HAND))
	row(page, "repair_service").get_by_role("switch").focus()
	with page.expect_request(lambda request: request.method == "PUT") as sent:
		page.keyboard.press("Space")
	assert sent.value.post_data_json == {"is_active": 1}
	page.wait_for_selector("tr[data-template=repair_service][aria-busy=false]")
	expect(row(page, "repair_service").get_by_text("On", exact=True)).to_be_visible()
	expect(row(page, "repair_service").get_by_role("switch")).to_be_focused()
	assert place.template("repair_service")["is_active"] in (1, True)
	expect(page.locator(OFF_AT_FIRST)).to_have_count(0)
	row(page, "quotation_follow_up").get_by_role("switch").click()
	expect(row(page, "quotation_follow_up").get_by_text("On", exact=True)).to_be_visible()
	row(page, "fiber_install").get_by_role("link", name="fiber_install").click()
	page.wait_for_selector(".fe-card:visible")


def test_what_is_refused_is_said_in_the_flow_s_row(place):
	place.seed_anew()
	place.spoil(place.template("phone_service")["name"], '{"steps": [{"id"')
	page = place.open_flows()
	row(page, "phone_service").get_by_role("switch").click()
	expect(row(page, "phone_service").get_by_role("alert")).to_contain_text("not JSON")
	expect(row(page, "phone_service").get_by_role("switch")).not_to_be_checked()
	# What comes next takes the place of what was refused before.
	row(page, "move_service").get_by_role("switch").click()
	expect(row(page, "move_service").get_by_role("switch")).to_be_checked()
	expect(page.get_by_role("alert")).to_have_count(0)


def test_on_a_phone_the_switch_is_in_reach(make_place):
	place = make_place(has_touch=True)
	place.seed_anew()
	place.page.set_viewport_size({"width": 390, "height": 800})
	page = place.open_flows()
	label = row(page, "phone_service").locator("label:has([role=switch])")
	label.scroll_into_view_if_needed()
	box = label.bounding_box()
	assert box["x"] + box["width"] <= 390 and box["height"] >= 32
	label.tap()
	expect(row(page, "phone_service").get_by_role("switch")).to_be_checked()
	assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
