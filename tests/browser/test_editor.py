"""What the tree editor does, in the lab and in the desk."""

from __future__ import annotations

import json

import pytest
from compose import MODAL, PANEL, done, publish
from playwright.sync_api import expect

CONDITION = {"id": "ask", "kind": "condition", "label": "Urgent?", "payload": {"field": "doc.priority", "op": "==", "value": "High"}}  # fmt: skip


def wait(id: str, label: str, **more):
	return {"id": id, "kind": "wait", "label": label, **more}


def steps_of(place, name: str) -> dict:
	return {step["id"]: step for step in place.template(name)["flow_definition"]["steps"]}


def save(page) -> None:
	publish(page)


def labels(page) -> list[str]:
	return page.locator(".fe-card .fe-name").all_inner_texts()


@pytest.fixture
def lanes(place):
	"""A condition with a step in one lane, and two steps after it."""
	return place.create(
		"with_lanes",
		[
			CONDITION,
			wait("a", "In yes", parent_id="ask", branch="yes"),
			wait("b", "After", depends_on=["ask"]),
			wait("c", "Last", depends_on=["b"]),
		],
	)


def drag(page, step: str, target, *, at=(0.5, 0.9)) -> None:
	card = page.locator(f"[data-step={step}] > .fe-card .fe-name")
	card.hover()
	page.mouse.down()
	# What it makes way for moves as it comes, so that it is aimed at more than once.
	for _ in range(3):
		box = target.bounding_box()
		x, y = box["x"] + box["width"] * at[0], box["y"] + box["height"] * at[1]
		page.mouse.move(x, y - 4, steps=8)
		page.mouse.move(x, y, steps=4)
		page.wait_for_timeout(100)
	page.mouse.up()


def test_steps_are_dragged_up_and_into_a_lane_and_dependencies_follow(place, lanes):
	page = place.open_flow(lanes)
	drag(page, "c", page.locator("[data-step=b] > .fe-card"), at=(0.5, 0.1))
	page.wait_for_function(
		"() => [...document.querySelectorAll('.fe-name')].at(-1).textContent.trim() === 'After'"
	)
	drag(page, "b", page.locator(".fe-lanes > .fe-lane").nth(1).locator(".fe-list"), at=(0.5, 0.5))
	page.wait_for_selector(".fe-lanes >> [data-step=b]")
	drag(page, "a", page.locator("[data-step=c] > .fe-card"), at=(0.5, 0.9))
	page.wait_for_selector(".fe-lanes >> [data-step=a]", state="detached")
	page.keyboard.press("Control+z")
	page.wait_for_selector(".fe-lanes >> [data-step=a]")
	save(page)
	stored = steps_of(place, "with_lanes")
	assert stored["c"]["depends_on"] == ["ask"]
	assert (stored["b"]["parent_id"], stored["b"]["branch"], stored["b"]["depends_on"]) == ("ask", "no", [])
	assert labels(page) == ["Urgent?", "In yes", "After", "Last"]


def test_undo_and_redo_go_all_the_way(place, lanes):
	page = place.open_flow(lanes)
	first = labels(page)
	page.locator("[data-step=b] > .fe-card").focus()
	for key in ("Alt+ArrowDown", "Control+d", "Delete", "Alt+ArrowUp", "Alt+ArrowUp"):
		page.keyboard.press(key)
	page.locator("[data-step=a] > .fe-card").focus()
	page.keyboard.press("Delete")
	last = labels(page)
	assert last != first
	while page.locator(".fe-toolbar >> text=Undo").is_enabled():
		page.keyboard.press("Control+z")
	assert labels(page) == first
	while page.locator(".fe-toolbar >> text=Redo").is_enabled():
		page.keyboard.press("Control+y")
	assert labels(page) == last
	page.keyboard.press("Control+z")
	page.keyboard.press("Control+Shift+z")
	assert labels(page) == last


def test_a_subtree_is_copied_into_another_flow_and_comes_as_json(place, lanes):
	other = place.create("copied_into", [wait("a", "There"), wait("x", "Uses", depends_on=["a"])])
	page = place.open_flow(lanes)
	page.locator("[data-step=ask] > .fe-card").focus()
	page.keyboard.press("Control+c")
	copied = json.loads(page.evaluate("() => navigator.clipboard.readText()"))
	assert [step["id"] for step in copied["steps"]] == ["ask", "a"]
	place.open_flow(other)
	page.locator("[data-step=x] > .fe-card").focus()
	page.keyboard.press("Control+v")
	page.wait_for_selector("text=In yes")
	save(page)
	stored = steps_of(place, "copied_into")
	assert len(stored) == 4 and stored["ask"]["depends_on"] == ["x"]
	(copy,) = [step for step in stored.values() if step["label"] == "In yes"]
	assert copy["id"] != "a" and (copy["parent_id"], copy["branch"]) == ("ask", "yes")

	page.evaluate(
		"text => navigator.clipboard.writeText(text)", json.dumps({"steps": [wait("w", "From JSON")]})
	)
	page.locator("[data-step=ask] > .fe-card").focus()
	page.keyboard.press("Control+v")
	page.wait_for_selector(".fe-name >> text=From JSON")
	page.evaluate("() => navigator.clipboard.writeText('no steps at all')")
	page.keyboard.press("Control+v")
	page.wait_for_selector("text=no steps in it")
	expect(page.locator(".fe-card")).to_have_count(5)


def test_prototypes_are_not_reached_by_pasted_json(place, lanes):
	page = place.open_flow(lanes)
	text = '{"steps": [{"id": "p", "kind": "wait", "label": "Bad", "__proto__": {"polluted": 1}, "payload": {"__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 1}}}}]}'
	page.evaluate("text => navigator.clipboard.writeText(text)", text)
	page.locator("[data-step=b] > .fe-card").focus()
	page.keyboard.press("Control+v")
	page.wait_for_selector("text=Bad")
	assert page.evaluate("() => ({}).polluted === undefined && [].polluted === undefined")


def test_keys_move_edit_choose_search_and_help(place, lanes):
	page = place.open_flow(lanes)
	page.locator("[data-step=ask] > .fe-card").focus()

	def focused() -> str:
		return page.evaluate(
			"() => document.activeElement.dataset.id || document.activeElement.getAttribute('aria-label')"
		)

	seen = [focused()]
	for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "ArrowLeft", "End", "Home", "ArrowDown"):
		page.keyboard.press(key)
		seen.append(focused())
	assert seen == ["ask", "a", "Add a step at the beginning of No", "a", "ask", "c", "ask", "a"]
	page.locator("[data-step=b] > .fe-card").focus()
	page.keyboard.press("Shift+ArrowDown")
	expect(page.locator(".fe-card.selected")).to_have_count(2)
	page.keyboard.press("Alt+ArrowUp")
	assert labels(page) == ["After", "Last", "Urgent?", "In yes"]
	page.keyboard.press("Control+z")
	page.locator("[data-step=b] > .fe-card").focus()
	page.keyboard.press("Alt+ArrowRight")
	page.wait_for_selector(".fe-lanes >> [data-step=b]")
	page.keyboard.press("Alt+ArrowRight")
	page.wait_for_selector(".fe-lanes > .fe-lane:nth-child(2) >> [data-step=b]")
	page.keyboard.press("Alt+ArrowLeft")
	page.wait_for_selector(".fe-lanes >> [data-step=b]", state="detached")
	page.keyboard.press("/")
	page.keyboard.type("last")
	page.wait_for_selector(".fe-card.found")
	page.keyboard.press("Enter")
	page.keyboard.press("Escape")
	assert focused() == "c"
	page.keyboard.press("Enter")
	page.wait_for_selector(f"{PANEL} :focus")
	page.keyboard.press("Escape")
	assert focused() == "c"
	page.locator("[data-step=ask] > .fe-card").focus()
	page.keyboard.press(" ")
	page.wait_for_selector("[data-step=a]", state="detached")
	page.keyboard.press("?")
	page.wait_for_selector(f"{MODAL} >> text=Keyboard")
	page.keyboard.press("Escape")
	page.keyboard.press("-")
	page.wait_for_selector("text=80%")


def test_several_steps_are_chosen_by_mouse(place, lanes):
	page = place.open_flow(lanes)
	chosen = page.locator(".fe-card.selected .fe-name")
	page.locator("[data-step=b] .fe-name").click()
	page.locator("[data-step=c] .fe-name").click(modifiers=["Control"])
	expect(chosen).to_have_text(["After", "Last"])
	page.locator("[data-step=b] .fe-name").click(modifiers=["Control"])
	expect(chosen).to_have_text(["Last"])
	page.locator("[data-step=ask] > .fe-card .fe-name").click()
	page.locator("[data-step=c] .fe-name").click(modifiers=["Shift"])
	expect(chosen).to_have_text(["Urgent?", "After", "Last"])
	page.locator("[data-step=b] .fe-name").click()
	page.locator("[data-step=c] .fe-name").click(modifiers=["Control"])
	drag(page, "c", page.locator("[data-step=a] > .fe-card"))
	expect(page.locator(".fe-lanes [data-step=b], .fe-lanes [data-step=c]")).to_have_count(2)
	# A step cannot stand below itself.
	page.locator("[data-step=ask] > .fe-card .fe-name").click()
	drag(page, "ask", page.locator("[data-step=a] > .fe-card"))
	assert labels(page)[0] == "Urgent?" and len(labels(page)) == 4


def test_what_a_flow_is_called_and_when_it_starts_is_undone_too(place, lanes):
	page = place.open_flow(lanes)
	name, category = (
		page.locator("#fe-template-name"),
		page.locator(".fe-settings [data-field=category] select"),
	)
	variables = page.locator(".fe-settings [data-field=variables] textarea")
	place.made.append("renamed_with_lanes")
	name.fill("renamed_with_lanes")
	page.keyboard.press("Control+s")  # from a text as well
	page.wait_for_selector("text=Not saved", state="detached")
	category.select_option("billing")
	page.select_option("#fe-condition", label="A field has a value")
	variables.fill('{"group":\n\n"Night"}')
	expect(variables).to_have_value('{"group":\n\n"Night"}')  # as it was typed
	page.locator("[data-step=b] > .fe-card").focus()
	page.keyboard.press("Delete")
	for _ in range(5):
		page.keyboard.press("Control+z")
	expect(page.locator(".fe-card")).to_have_count(4)
	expect(name).to_have_value("with_lanes")
	expect(category).to_have_value("other")
	expect(page.locator("#fe-condition")).to_have_value("always")
	expect(variables).to_have_value("{}")
	for _ in range(4):
		page.keyboard.press("Control+y")
	expect(name).to_have_value("renamed_with_lanes")
	expect(page.locator("#fe-condition")).to_have_value("equals")
	assert json.loads(variables.input_value()) == {"group": "Night"}
	save(page)
	stored = place.template("renamed_with_lanes")
	assert stored["category"] == "billing" and stored["flow_definition"]["variables"] == {"group": "Night"}


def test_a_flow_that_is_not_there_shows_nothing_of_another(place, lanes):
	page = place.open_flow(lanes)
	page.evaluate("address => { place = address }", place.flow_address("FT-99999"))
	page.evaluate(
		"() => { place.startsWith('/#') ? (location.hash = place.slice(1)) : frappe.set_route(place.slice(5)) }"
	)
	page.wait_for_selector(".fe-notice >> text=FT-99999")
	expect(page.locator(".fe-card:visible")).to_have_count(0)
	expect(page.locator(".fe-dialog-head >> text=Save")).to_have_count(0)


def test_dependencies_are_set_by_hand_and_a_deleted_step_hands_its_own_on(place, lanes):
	page = place.open_flow(lanes)
	page.locator("[data-step=c] > .fe-card").dblclick()
	page.select_option(f"{PANEL} #fe-wait", label="Steps that I choose")
	page.check(f"{PANEL} .fe-choices >> text=Urgent?")
	done(page)
	# What the line from the step above implies is no line of its own.
	expect(page.locator("[data-step=c] .fe-waits")).to_have_count(0)
	page.locator("[data-step=b] > .fe-card").focus()
	page.keyboard.press("Delete")
	page.wait_for_selector("[data-step=b]", state="detached")
	save(page)
	assert steps_of(place, "with_lanes")["c"]["depends_on"] == ["ask"]


def test_paths_are_offered_by_label_and_a_real_document_previews_them(place):
	subject = "The picture freezes again"
	issue = place.document("Issue", {"subject": subject, "priority": "High"})
	name = place.create(
		"with_paths",
		[
			wait("w", "Wait"),
			{
				"id": "tell",
				"kind": "issue",
				"label": "Tell",
				"depends_on": ["w"],
				"payload": {"subject": "x"},
			},
		],
		trigger_event="on_issue_opened",
		flow_definition={
			"variables": {"group": "Night shift"},
			"steps": [
				{"id": "job", "kind": "dispatch_job", "label": "Job", "payload": {"subject": "s"}},
				{
					"id": "tell",
					"kind": "issue",
					"label": "Tell",
					"depends_on": ["job"],
					"payload": {"subject": "x"},
				},
			],
		},
	)
	page = place.open_flow(name)
	page.locator("[data-step=tell] > .fe-card").dblclick()
	page.fill(f"{PANEL} [data-field=subject] input", "About ")
	page.press(f"{PANEL} [data-field=subject] input", "End")
	page.keyboard.type("{{")
	page.wait_for_selector(".fe-picker input:focus")
	page.keyboard.type("subject")
	page.wait_for_selector(".fe-picker [aria-selected=true] >> text=doc.subject")
	page.keyboard.press("Enter")
	expect(page.locator(f"{PANEL} [data-field=subject] input")).to_have_value("About {{doc.subject}}")
	page.click(f"{PANEL} [data-field=subject] button")
	offered = page.locator(".fe-picker [role=option] code").all_inner_texts()
	assert {"variables.group", "steps.job.result.job"} <= set(offered) and not any(
		"steps.tell" in path for path in offered
	)
	page.keyboard.press("Escape")
	page.wait_for_selector(PANEL)
	page.fill(f"{PANEL} #fe-preview-doc", issue)
	page.wait_for_selector(f".fe-rendered >> text=About {subject}")
	# In a field of one value, a path stands for the whole of it.
	page.click(f"{PANEL} [data-field=priority] .fe-field-head button")
	page.keyboard.type("doc.priority")
	page.keyboard.press("Enter")
	page.wait_for_selector(".fe-rendered >> text=High")
	done(page)
	page.locator("[data-step=job] > .fe-card").dblclick()
	for field in ("priority", "duration_h"):
		page.click(f"{PANEL} [data-field={field}] .fe-field-head button")
		page.keyboard.type("variables.group")
		page.keyboard.press("Enter")
	page.wait_for_selector(
		f"{PANEL} [data-field=priority] option:checked >> text={{{{variables.group}}}}", state="attached"
	)
	done(page)
	save(page)
	job, tell = steps_of(place, "with_paths").values()
	assert job["payload"]["duration_h"] == job["payload"]["priority"] == "{{variables.group}}"
	assert tell["payload"] == {"subject": "About {{doc.subject}}", "priority": "{{doc.priority}}"}


def test_a_definition_that_does_not_parse_opens_with_its_text_and_is_mended(place):
	name = place.create("spoiled", [wait("a", "Was there")])
	broken = '{"steps": [{"id": "a", "kind": "wait", "label": "Was there"'
	place.spoil(name, broken)
	page = place.open_flow(name)
	page.wait_for_selector("text=This is not JSON")
	expect(page.locator("textarea[aria-label=Definition]")).to_have_value(broken)
	page.fill("textarea[aria-label=Definition]", broken + "}]}")
	page.wait_for_selector(".fe-problems >> text=This is not JSON", state="detached")
	page.wait_for_selector(".fe-card >> text=Was there")
	save(page)
	assert list(steps_of(place, "spoiled")) == ["a"]


def test_an_unknown_kind_shows_as_such_and_is_kept(place):
	name = place.create("of_another_app", [wait("a", "Known"), wait("b", "Theirs", depends_on=["a"])])
	definition = place.template("of_another_app")["flow_definition"]
	definition["steps"][1] |= {"kind": "their_kind", "payload": {"theirs": {"deep": [1, 2]}}}
	place.spoil(name, json.dumps(definition))
	page = place.open_flow(name)
	page.wait_for_selector("[data-step=b] >> text=not installed here")
	page.wait_for_selector("[data-step=b] .fe-problems >> text=their_kind")
	page.locator("[data-step=b] > .fe-card").dblclick()
	page.wait_for_selector(f"{PANEL} >> text=is not installed on this site")
	page.fill(f"{PANEL} [data-field=label] input", "Still theirs")
	done(page)
	page.click(".fe-toolbar >> text=JSON")
	text = json.loads(page.input_value("textarea[aria-label=Definition]"))
	assert (
		text["steps"][1]["payload"] == {"theirs": {"deep": [1, 2]}}
		and text["steps"][1]["label"] == "Still theirs"
	)


def test_somebody_else_s_save_is_shown_and_not_overwritten(place, lanes):
	page = place.open_flow(lanes)
	theirs = place.call("GET", f"/templates/{lanes}")["template"]["flow_definition"]
	theirs["steps"][3]["label"] = "Theirs"
	place.call("PUT", f"/templates/{lanes}", {"flow_definition": theirs})
	page.locator("[data-step=b] > .fe-card").focus()
	page.keyboard.press("Control+d")
	page.keyboard.press("Control+s")
	page.wait_for_selector(".fe-notice >> text=They changed: Theirs.")
	assert steps_of(place, "with_lanes")["c"]["label"] == "Theirs" and len(steps_of(place, "with_lanes")) == 4
	page.click("text=Save mine as a copy")
	page.wait_for_selector(".fe-notice", state="detached")
	publish(page)
	assert len(steps_of(place, "with_lanes (mine)")) == 5 and len(steps_of(place, "with_lanes")) == 4


def test_a_flow_that_somebody_has_deleted_is_saved_as_a_copy(place, lanes):
	page = place.open_flow(lanes)
	place.call("DELETE", f"/templates/{lanes}")
	page.locator("[data-step=c] > .fe-card").dblclick()
	page.fill(f"{PANEL} [data-field=label] input", "Kept")
	page.keyboard.press("Control+s")  # of the form, and of the flow
	page.wait_for_selector(".fe-notice >> text=Somebody has deleted this flow")
	expect(page.locator("text=Overwrite theirs")).to_have_count(0)
	page.click("text=Save mine as a copy")
	page.wait_for_selector(".fe-notice", state="detached")
	publish(page)
	assert steps_of(place, "with_lanes (mine)")["c"]["label"] == "Kept"


def test_theirs_can_be_taken_and_mine_comes_back_by_undo(place, lanes):
	page = place.open_flow(lanes)
	place.call("PUT", f"/templates/{lanes}", {"flow_definition": {"steps": [wait("n", "Only theirs")]}})
	page.locator("[data-step=b] > .fe-card").focus()
	page.keyboard.press("Delete")
	page.keyboard.press("Control+s")
	page.click("text=Take theirs, give up mine")
	page.wait_for_selector(".fe-card >> text=Only theirs")
	assert labels(page) == ["Only theirs"]
	page.click(".fe-toolbar >> text=Undo")
	page.wait_for_selector(".fe-card >> text=Last")


def test_a_lost_connection_keeps_the_draft_and_says_so(place, lanes):
	page = place.open_flow(lanes)
	place.context.set_offline(True)
	page.locator("[data-step=b] > .fe-card").focus()
	page.keyboard.press("Control+d")
	page.keyboard.press("Control+s")
	page.wait_for_selector(".fe-notice >> text=The server does not answer")
	expect(page.locator(".fe-card")).to_have_count(5)
	place.context.set_offline(False)
	place.broken.clear()  # the browser's own words about the lost connection
	page.on("dialog", lambda dialog: dialog.accept())
	page = place.open_flow(lanes)
	page.wait_for_selector("text=There is a draft of yours")
	expect(page.locator(".fe-card")).to_have_count(4)
	page.click("text=Go on with it")
	page.wait_for_function("() => document.querySelectorAll('.fe-card').length === 5")
	save(page)
	assert len(steps_of(place, "with_lanes")) == 5
	place.open_flow(lanes)
	expect(page.locator("text=There is a draft of yours")).to_have_count(0)


def test_unsaved_changes_are_asked_about(place, lanes):
	page = place.open_flow(lanes)
	page.locator("[data-step=b] > .fe-card").focus()
	page.keyboard.press("Delete")
	page.wait_for_selector("text=Not saved")
	if place.name == "lab":
		page.once("dialog", lambda dialog: dialog.dismiss())
		page.click("[data-close-flow]")
		expect(page.locator(".fe-card")).to_have_count(3)
		page.once("dialog", lambda dialog: dialog.accept())
		page.click("[data-close-flow]")
	else:
		page.click("[data-close-flow]")
		page.click(".modal.show .modal-footer >> text=No")
		page.wait_for_selector(".modal.show", state="detached")
		expect(page.locator(".fe-card")).to_have_count(3)
		page.click("[data-close-flow]")
		page.click(".modal.show .modal-footer >> text=Yes")
	page.wait_for_selector(".fe-templates table")
	assert len(steps_of(place, "with_lanes")) == 4


def test_a_system_template_offers_duplicating_and_refuses_deleting(place):
	name = place.template("fiber_install")["name"]
	page = place.open_flow(name)
	page.click("[data-more]")
	page.wait_for_selector(".fe-menu >> text=Duplicate")
	expect(page.locator(".fe-menu >> text=Delete")).to_have_count(0)
	expect(page.locator("#fe-template-name")).not_to_be_editable()
	place.made.append("fiber_install (copy")
	page.click(".fe-menu >> text=Duplicate")
	page.wait_for_function(
		"() => document.getElementById('fe-template-name').value === 'fiber_install (copy)'"
	)
	expect(page.locator("#fe-template-name")).to_be_editable()


def test_flows_are_found_switched_duplicated_and_deleted(place):
	place.create("to_be_listed", [wait("a", "A")], category="billing", description="Only for the list")
	page = place.open_flows()
	row = page.locator("tr[data-template=to_be_listed]")
	page.fill(".fe-templates input[type=search]", "only for the LIST")
	page.wait_for_function("() => document.querySelectorAll('.fe-templates tbody tr').length === 1")
	page.fill(".fe-templates input[type=search]", "")
	page.select_option("select[aria-label=Category]", "billing")
	page.wait_for_selector("tr[data-template=fiber_install]", state="detached")
	row.locator("[role=switch]").check()
	page.wait_for_selector("tr[data-template=to_be_listed][aria-busy=false]")
	assert place.template("to_be_listed")["is_active"] in (1, True)
	row.locator("text=Duplicate").click()
	page.wait_for_selector("tr[data-template='to_be_listed (copy)']")
	page.once("dialog", lambda dialog: dialog.accept())
	page.locator("tr[data-template='to_be_listed (copy)'] >> text=Delete").click()
	if place.name == "desk":
		page.click(".modal.show .modal-footer >> text=Yes")
	page.wait_for_selector("tr[data-template='to_be_listed (copy)']", state="detached")
	row.locator("a").first.click()
	page.wait_for_selector(".fe-card >> text=A")


def test_the_quick_button_starts_follows_edits_and_makes_flows(place):
	customer = place.document("Customer", {"customer_name": "Quick Customer", "customer_type": "Individual"})
	name = place.create(
		"quick_flow", [wait("w", "Somebody", trigger={"type": "manual"})], applies_to="Customer"
	)
	page = place.open_quick("Customer", customer)
	row = page.locator(f"{MODAL} .fe-rows li").filter(has_text="quick_flow")
	row.locator("text=Start now").click()
	page.click(f"{MODAL} button[type=submit]:has-text('Start')")
	page.wait_for_selector(f"{MODAL} .fe-rows li a >> text=quick_flow")
	row.locator("text=Edit").first.click()
	page.wait_for_selector(".fe-dialog:not(.inline) .fe-card >> text=Somebody")
	page.click("[data-close-flow]")
	page.wait_for_selector(".fe-dialog:not(.inline)", state="detached")
	page = place.open_quick("Customer", customer)
	page.click(f"{MODAL} >> text=New flow")
	page.wait_for_selector(".fe-dialog:not(.inline) .fe-settings")
	expect(page.locator("#fe-template-name")).to_be_focused()
	for key in ("Shift+Tab",) * 4 + ("Tab",) * 60:
		page.keyboard.press(key)
		assert page.evaluate(
			"() => document.activeElement === document.body || Boolean(document.activeElement.closest('dialog.fe-dialog'))"
		)
	expect(page.locator(".fe-settings [data-field=applies_to] input")).to_have_value("Customer")
	expect(page.locator(".fe-settings [data-field=trigger_event] select")).to_have_value(
		"on_customer_created"
	)
	place.made.append("made_from_a_form")
	page.fill("#fe-template-name", "made_from_a_form")
	publish(page)
	assert place.template("made_from_a_form")["applies_to"] == "Customer"
	(run,) = [r for r in place.call("GET", f"/runs?template={name}")["runs"]]
	assert run["context_docname"] == customer


def test_a_run_shows_its_states_as_they_change(place):
	name = place.create(
		"followed",
		[
			{"id": "ask", "kind": "condition", "label": "Ask", "trigger": {"type": "manual"}, "payload": {"field": "doc.x", "op": "empty"}},
			wait("yes", "Way of yes", parent_id="ask", branch="yes"),
			wait("no", "Way of no", parent_id="ask", branch="no"),
			{"id": "bad", "kind": "erp_update", "label": "Bad", "depends_on": [], "payload": {"doctype": "Issue", "docname_ref": "NO-SUCH", "fields_json": '{"subject": "x"}'}},
			wait("later", "Later", depends_on=[], trigger={"type": "after_delay", "delay_days": 3}),
		],
	)  # fmt: skip
	run = place.call("POST", "/start", {"template": name})["run"]["name"]
	page = place.open_run(run)
	page.wait_for_selector("[data-step=ask] .fe-pill >> text=waiting")
	page.wait_for_selector("[data-step=bad] .fe-pill >> text=failed")
	expect(page.locator("[data-step=bad] .fe-error")).to_contain_text("NO-SUCH")
	page.wait_for_selector("[data-step=later] .fe-pill >> text=scheduled")
	# Somebody else moves it on, and the page follows.
	place.call("POST", "/complete", {"run": run, "step_id": "later"})
	page.wait_for_selector("[data-step=later] .fe-pill >> text=done")
	page.click("[data-step=ask] > .fe-card button:text-is('Complete')")
	page.select_option(f"{MODAL} [data-field=branch] select", "no")
	page.click(f"{MODAL} button[type=submit]")
	page.wait_for_selector("[data-step=no] .fe-pill >> text=done")
	page.wait_for_selector("[data-step=yes] .fe-pill >> text=skipped")
	page.locator("[data-step=bad] > .fe-card").focus()
	page.keyboard.press("Enter")
	page.wait_for_selector(f"{PANEL} .fe-error >> text=NO-SUCH")
	page.keyboard.press("Escape")
	page.click("[data-step=bad] > .fe-card button:text-is('Retry')")
	page.wait_for_selector("[data-step=bad] .fe-pill >> text=failed")
	page.once("dialog", lambda dialog: dialog.accept())
	page.click("button:text-is('Cancel the run')")
	if place.name == "desk":
		page.click(".modal.show .modal-footer >> text=Yes")
	page.wait_for_selector("[data-run-status] >> text=cancelled")
	assert place.call("GET", f"/runs/{run}")["run"]["status"] == "cancelled"


def test_a_date_takes_an_offset_and_a_choice_for_what_is_past(place):
	before = {"type": "on_date", "at": "{{doc.end_date}}", "delay_days": -30, "if_past": "skip"}
	name = place.create("with_dates", [wait("a", "Ends soon", trigger=before)])
	page = place.open_flow(name)
	card = page.locator("[data-step=a] > .fe-card")
	expect(card).to_contain_text("30 days before End date")
	card.dblclick()
	page.wait_for_selector(PANEL)
	shown = {id: page.input_value(f"#fe-{id}") for id in ("direction", "delay_days", "if-past")}
	assert shown == {"direction": "before", "delay_days": "30", "if-past": "skip"}
	page.click("[data-exact]")
	page.fill("#fe-delay_days", "")
	page.fill("#fe-delay_working_days", "2")
	page.fill("#fe-delay_hours", "{{doc.hours}}")
	page.select_option("#fe-if-past", "fail")
	done(page)
	save(page)
	stored = {
		"type": "on_date",
		"at": "{{doc.end_date}}",
		"delay_working_days": -2,
		"delay_hours": "-{{doc.hours}}",
		"if_past": "fail",
	}
	assert steps_of(place, "with_dates")["a"]["trigger"] == stored
	expect(card).to_contain_text("2 working days, Hours hours before End date")
	card.dblclick()
	page.select_option("#fe-direction", "after")
	page.select_option("#fe-if-past", "run")
	done(page)
	expect(card).to_contain_text("2 working days, Hours hours after End date")
	card.dblclick()
	page.select_option("#fe-direction", "at")
	done(page)
	save(page)
	assert steps_of(place, "with_dates")["a"]["trigger"] == {"type": "on_date", "at": "{{doc.end_date}}"}


def test_a_step_that_was_skipped_says_why(place):
	past = {"type": "on_date", "at": "2025-12-31", "if_past": "skip"}
	name = place.create("skipped", [wait("a", "Too late", trigger=past)])
	run = place.call("POST", "/start", {"template": name})["run"]["name"]
	page = place.open_run(run)
	page.locator("[data-step=a] > .fe-card").dblclick()
	page.wait_for_selector(f"{PANEL} >> text=Its date, 2025-12-31, was past")


def test_script_in_labels_results_and_errors_is_text(place):
	evil = "<img src=x onerror=window.broken=1>"
	name = place.create(
		"with_script",
		[
			wait("a", evil, trigger={"type": "manual"}),
			{"id": "b", "kind": "erp_update", "label": "B", "depends_on": [], "payload": {"doctype": "Issue", "docname_ref": evil, "fields_json": '{"subject": "x"}'}},
		],
		description=evil,
	)  # fmt: skip
	run = place.call("POST", "/start", {"template": name})["run"]["name"]
	place.call("POST", "/complete", {"run": run, "step_id": "a", "result": {"said": evil}})
	for page in (place.open_flow(name), place.open_run(run), place.open_flows()):
		page.wait_for_timeout(300)
		assert page.evaluate("() => window.broken") is None
		expect(page.locator(".flow-editor img")).to_have_count(0)


def test_agent_flows_are_composed_and_stored_and_starting_one_is_refused(place):
	name = place.create("agent_flow", [], catalog="agent")
	page = place.open_flow(name)
	page.click(".fe-toolbar >> text=Add step")
	offered = page.locator(".fe-menu [role=option]").all_inner_texts()
	assert len(offered) == 6
	page.locator(".fe-menu [role=option]").filter(has_text="Say").first.click()
	page.fill(f"{PANEL} [data-field=message] :is(input, textarea)", "Good day")
	done(page)
	page.wait_for_selector("text=No problems")
	save(page)
	page.click(".fe-settings >> text=Start >> nth=-1")
	page.wait_for_selector(f"{MODAL} [role=alert] >> text=/not run yet/")
	expect(page.locator(f"{MODAL} button[type=submit]")).to_be_disabled()
	assert place.call("GET", f"/runs?template={name}")["runs"] == []


def test_what_happens_when_its_document_ends_is_chosen_in_words_and_kept(place):
	name = place.create("browser ends", [{"id": "a", "kind": "wait"}])
	page = place.open_flow(name)
	ends = page.locator(".fe-settings").get_by_label("When its document is cancelled or deleted")
	assert ends.locator("option").all_inner_texts() == ["The run is cancelled", "The run goes on"]
	assert ends.input_value() == "cancel"
	for label, kept in (("The run goes on", "continue"), ("The run is cancelled", "cancel")):
		ends.select_option(label)
		page.wait_for_selector('.fe-pill:has-text("Not saved")')
		save(page)
		stored = place.template("browser ends")["flow_definition"]
		assert stored.get("on_document_end", "cancel") == kept
	page = place.open_flow(name)
	assert page.locator(".fe-settings [data-field=on_document_end] select").input_value() == "cancel"
