"""The picture tells the order, and what is found, folded, zoomed or dropped in it is seen."""

from __future__ import annotations

import pytest
from compose import PANEL, done, publish
from playwright.sync_api import expect

CONDITION = {"field": "doc.status", "op": "==", "value": "Open"}


def wait(id: str, label: str = "", **more):
	return {"id": id, "kind": "wait", "label": label or id.upper(), **more}


def ask(id: str, label: str = "", **more):
	return {"id": id, "kind": "condition", "label": label or id.upper(), "payload": CONDITION, **more}


#: a, then b and c side by side, then a question with one inside it, then the last; and one that waits for nothing.
STEPS = [
	wait("a"),
	wait("b", depends_on=["a"]),
	wait("c", depends_on=["a"]),
	ask("q", depends_on=["b", "c"]),
	wait("y", parent_id="q", branch="yes"),
	ask("inner", parent_id="q", branch="yes", depends_on=["y"]),
	wait("iy", parent_id="inner", branch="yes"),
	wait("n", parent_id="q", branch="no", depends_on=["c"]),
	wait("last", depends_on=["q"]),
	wait("loose", trigger={"type": "after_delay", "delay_days": 2}),
]


def waits_of(place, name: str) -> dict[str, list[str]]:
	steps = place.template(name)["flow_definition"]["steps"]
	return {step["id"]: sorted(step.get("depends_on") or []) for step in steps}


def save(page) -> None:
	publish(page)


def boxes(page) -> dict[str, dict]:
	return page.evaluate(
		"""() => Object.fromEntries([...document.querySelectorAll(".fe-card")].map(card => {
			const { left, right, top, bottom } = card.getBoundingClientRect();
			return [card.dataset.id, { left, right, top, bottom, x: (left + right) / 2 }];
		}))"""
	)


@pytest.fixture
def page(place):
	page = place.open_flow(place.create("pictured", STEPS, trigger_event="on_issue_opened"))
	return page


def test_what_waits_stands_below_and_what_does_not_stands_beside(page):
	at = boxes(page)
	for first, then in (("a", "b"), ("a", "c"), ("b", "q"), ("c", "q"), ("q", "y"), ("y", "inner"), ("inner", "iy"), ("q", "n"), ("iy", "last"), ("n", "last")):  # fmt: skip
		assert at[then]["top"] > at[first]["bottom"], (first, then)
	for one, other in (("b", "c"), ("y", "n"), ("a", "loose")):
		assert at[one]["right"] < at[other]["left"] or at[other]["right"] < at[one]["left"], (one, other)
		assert at[one]["top"] < at[other]["bottom"] and at[other]["top"] < at[one]["bottom"], (one, other)
	expect(page.locator("[data-step=n] .fe-waits")).to_have_text("Also waits for C")
	expect(page.locator("[data-step=loose] .fe-waits")).to_have_count(0)


def test_no_line_runs_through_a_card_and_none_leads_on_from_what_nothing_follows(page):
	crossed = page.evaluate(
		"""() => {
			const cards = [...document.querySelectorAll(".fe-card")].map(card => card.getBoundingClientRect());
			const lines = [];
			for (const element of document.querySelectorAll(".fe-insert.leads, .fe-stem")) {
				const box = element.getBoundingClientRect();
				if (box.height) lines.push({ left: box.left + box.width / 2 - 1, right: box.left + box.width / 2 + 1, top: box.top, bottom: box.bottom });
			}
			for (const list of document.querySelectorAll(".fe-sides.leads > .fe-side > .fe-list")) {
				const box = list.getBoundingClientRect();
				const top = list.lastElementChild?.getBoundingClientRect().bottom ?? box.top;
				lines.push({ left: box.left + box.width / 2 - 1, right: box.left + box.width / 2 + 1, top, bottom: box.bottom });
			}
			for (const side of document.querySelectorAll(".fe-sides.many > .fe-side")) {
				const box = side.getBoundingClientRect();
				lines.push({ left: box.left, right: box.right, top: box.top, bottom: box.top + 16 });
				if (side.parentElement.classList.contains("leads")) lines.push({ left: box.left, right: box.right, top: box.bottom - 16, bottom: box.bottom });
			}
			return lines.filter(line => cards.some(card => line.left < card.right - 1 && line.right > card.left + 1 && line.top < card.bottom - 1 && line.bottom > card.top + 1)).length;
		}"""
	)
	assert crossed == 0
	leads = page.evaluate(
		"() => Object.fromEntries([...document.querySelectorAll('.fe-node')].map(node => [node.dataset.step, node.lastElementChild.classList.contains('leads')]))"
	)
	ends = {step for step, goes_on in leads.items() if not goes_on}
	assert ends == {"last", "loose"}


def test_a_step_without_depends_on_says_that_it_waits_for_nothing(place):
	page = place.open_flow(place.create("no_order", [wait("one"), wait("two")]))
	at = boxes(page)
	assert abs(at["one"]["top"] - at["two"]["top"]) < 2
	page.locator("[data-step=two] > .fe-card").dblclick()
	expect(page.locator(f"{PANEL} #fe-wait option:checked")).to_have_text("The start of the flow")
	expect(page.locator(f"{PANEL} [data-order]")).to_have_text(
		"It comes as soon as the flow starts, side by side with ONE."
	)


def test_the_start_is_a_card_that_reads_as_a_sentence(place):
	condition = '{"==": [{"var": "doc.priority"}, "High"]}'
	page = place.open_flow(
		place.create("starts", [wait("a")], trigger_event="on_issue_opened", trigger_condition=condition)
	)
	start = page.locator(".fe-start-card")
	expect(start).to_contain_text("When: Issue opened")
	expect(start).to_contain_text("if Priority is High")
	expect(start.locator(".fe-chip")).to_have_text("Priority")
	page.locator("[data-step=a] > .fe-card").click()
	page.wait_for_selector(".fe-panel-inner")
	start.click()
	expect(page.locator(".fe-settings [data-field=trigger_event] select")).to_have_value("on_issue_opened")


def test_a_folded_step_says_how_many_it_hides(page):
	page.locator("[data-step=q] > .fe-card").focus()
	page.keyboard.press(" ")
	expect(page.locator("[data-step=q] > .fe-card .fe-hidden")).to_have_text("4 steps are hidden")


def test_a_step_is_put_side_by_side_and_says_so(place, page):
	page.locator("[data-step=last] > .fe-card").focus()
	page.keyboard.press("Alt+b")
	expect(page.locator(".fe-said")).to_have_text(
		"LAST now runs after B and C, side by side with Q and LOOSE. Take it back"
	)
	page.keyboard.press("Control+z")
	page.locator("[data-step=a] > .fe-card").focus()
	page.keyboard.press("Shift+Insert")
	page.wait_for_selector(".fe-menu input:focus")
	page.keyboard.type("delay")
	page.keyboard.press("Enter")
	page.wait_for_selector(f"{PANEL} :focus")
	page.fill(f"{PANEL} [data-field=label] input", "Beside")
	done(page)
	save(page)
	stored = waits_of(place, "pictured")
	(new,) = [step for step in stored if step not in {step["id"] for step in STEPS}]
	assert stored[new] == [] and stored["b"] == stored["c"] == sorted(["a", new])


def test_a_card_dropped_on_another_s_side_runs_beside_it(place):
	chain = [wait("a"), wait("b", depends_on=["a"]), wait("c", depends_on=["b"])]
	page = place.open_flow(place.create("dropped_beside", chain))
	page.locator("[data-step=c] .fe-name").hover()
	page.mouse.down()
	box = page.locator("[data-step=a] > .fe-card").bounding_box()
	x, y = box["x"] + box["width"] - 12, box["y"] + box["height"] / 2
	page.mouse.move(x, y + 6, steps=8)
	page.mouse.move(x, y, steps=4)
	page.wait_for_selector(".fe-drop-beside")
	page.mouse.up()
	page.wait_for_selector(".fe-columns [data-step=c]")
	save(page)
	assert waits_of(place, "dropped_beside") == {"a": [], "b": ["a", "c"], "c": []}


def test_a_step_goes_into_the_line_that_its_plus_stands_on(place, page):
	page.get_by_role("button", name="Add a step after B").click()
	page.locator(".fe-menu [data-value=wait]").click()
	page.wait_for_selector(f"{PANEL} :focus")
	done(page)
	save(page)
	stored = waits_of(place, "pictured")
	(new,) = [step for step in stored if step not in {step["id"] for step in STEPS}]
	assert stored[new] == ["b"] and stored["q"] == sorted(["c", new]) and stored["c"] == ["a"]


def test_search_shows_what_it_found_and_keeps_it_in_view(place):
	chain = [wait(f"s{n}", f"Step {n}", depends_on=[f"s{n - 1}"] if n else []) for n in range(60)]
	page = place.open_flow(place.create("long_one", chain))
	expect(page.locator(".fe-minimap")).to_be_visible()
	page.keyboard.press("/")
	page.fill(".fe-search input", "step 57")
	page.keyboard.press("Enter")
	expect(page.locator("[data-step=s57] > .fe-card")).to_be_in_viewport()
	expect(page.locator(".fe-search input")).to_be_focused()
	expect(page.locator("[data-step=s57] > .fe-card")).to_have_class("fe-card selected found")
	assert (
		page.evaluate("() => document.documentElement.scrollHeight - innerHeight") < 200
	)  # the page does not grow


def test_the_picture_is_zoomed_at_the_pointer_fitted_and_dragged(page):
	card = page.locator("[data-step=q] > .fe-card")
	card.scroll_into_view_if_needed()
	before = card.bounding_box()
	x, y = before["x"] + before["width"] / 2, before["y"] + before["height"] / 2
	page.mouse.move(x, y)
	page.keyboard.down("Control")
	page.mouse.wheel(0, -120)
	page.keyboard.up("Control")
	page.wait_for_function("width => document.querySelector('[data-step=q] > .fe-card').getBoundingClientRect().width > width + 20", arg=before["width"])  # fmt: skip
	after = card.bounding_box()
	assert abs(after["x"] + after["width"] / 2 - x) < 40 and abs(after["y"] + after["height"] / 2 - y) < 40
	page.click(".fe-toolbar >> text=Fit")
	for step in ("a", "last", "loose"):
		expect(page.locator(f"[data-step={step}] > .fe-card")).to_be_in_viewport(ratio=0.9)
	for _ in range(6):
		page.get_by_role("button", name="Zoom in").click()
	canvas = page.locator(".fe-canvas")
	box = canvas.bounding_box()
	top = canvas.evaluate("canvas => canvas.scrollTop")
	page.mouse.move(box["x"] + 8, box["y"] + 300)
	page.mouse.down()
	page.mouse.move(box["x"] + 8, box["y"] + 200, steps=3)
	page.mouse.up()
	assert canvas.evaluate("canvas => canvas.scrollTop") == pytest.approx(top + 100, abs=2)


@pytest.mark.parametrize(
	("typed", "kind"),
	[("sms", "notify"), ("email", "notify"), ("if", "condition"), ("branch", "condition"), ("task", "dispatch_job"), ("ticket", "issue"), ("http", "webhook"), ("api", "webhook"), ("delay", "wait")],
)  # fmt: skip
def test_kinds_are_found_by_what_people_call_them(page, typed, kind):
	page.click(".fe-toolbar >> text=Add step")
	expect(page.locator(".fe-menu .fe-picker-group").first).to_have_text("Tell")
	page.keyboard.type(typed)
	expect(page.locator(".fe-menu [aria-selected=true]")).to_have_attribute("data-value", kind)


def test_problems_are_listed_and_lead_to_their_step(place):
	mail = {
		"id": "m",
		"kind": "notify",
		"label": "Mail",
		"payload": {"channel": "email", "subject": "x", "body": "x"},
	}
	page = place.open_flow(place.create("with_a_problem", [mail]))
	page.locator("[data-step=m] > .fe-card").dblclick()
	page.fill(f"{PANEL} [data-field=subject] input", "")
	done(page)
	page.click("[data-problems]:has-text('1 problem')")
	page.locator(".fe-menu [role=option]").first.click()
	expect(page.locator(f"{PANEL} [data-field=subject].invalid")).to_be_visible()
	page.keyboard.press("Escape")
	page.keyboard.press("Delete")
	expect(page.locator(".fe-said")).to_contain_text("Deleted Mail.")
	page.click(".fe-said >> text=Take it back")
	page.wait_for_selector("[data-step=m]")
