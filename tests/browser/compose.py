"""What a person does in the editor, by keyboard alone or by mouse, and what a definition means whatever its ids are."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

MODAL = ".fe-modal"
#: What a step is written in.
PANEL = ".fe-panel"
UNITS = {"delay_months": "Months", "delay_days": "Days", "delay_hours": "Hours", "delay_minutes": "Minutes"}


def done(page: Page) -> None:
	"""Close the panel of a step: what was written in it is in the flow already."""
	page.click(f"{PANEL} [data-close]")
	page.wait_for_selector(".fe-panel-inner", state="detached")


def publish(page: Page) -> None:
	"""Make a version of what is written."""
	page.click("[data-publish]")
	page.wait_for_selector(".fe-publish")
	page.click("[data-publish-now]")
	page.wait_for_selector(".fe-publish", state="detached")


def meaning(definition: dict[str, Any]) -> list[dict[str, Any]]:
	"""The steps by label, without ids, order of keys, and values that say nothing."""
	steps = definition["steps"]
	label = {step["id"]: step["label"] for step in steps}
	said = []
	for step in steps:
		trigger = {
			name: value for name, value in (step.get("trigger") or {}).items() if value not in (None, "", 0)
		}
		payload = {
			name: value for name, value in (step.get("payload") or {}).items() if value not in (None, "")
		}
		said.append(
			{
				"kind": step["kind"],
				"label": step["label"],
				"parent": label.get(step.get("parent_id") or ""),
				"branch": step.get("branch") or None,
				"depends_on": sorted(label[other] for other in step.get("depends_on") or ()),
				"trigger": trigger or {"type": "on_prev_complete"},
				"payload": payload,
				"on_error": step.get("on_error") or "fail",
			}
		)
	return sorted(said, key=lambda step: step["label"])


def wanted_fields(step: dict[str, Any]) -> dict[str, Any]:
	"""What is to be typed and chosen for a step, by the name of its field, in the order of the form."""
	payload = {name: value for name, value in step["payload"].items() if value not in (None, "")}
	return {"label": step["label"], **payload}


class Keyboard:
	"""Only keys: what is wanted is reached by Tab."""

	TABS = 120

	def __init__(self, page: Page):
		self.page = page

	def focused(self, selector: str) -> bool:
		return self.page.evaluate("selector => document.activeElement?.matches(selector) ?? false", selector)

	def tab_to(self, selector: str) -> None:
		for _ in range(self.TABS):
			if self.focused(selector):
				return
			self.page.keyboard.press("Tab")
		raise AssertionError(f"{selector} is not reached by Tab")

	def text(self, selector: str, value: Any) -> None:
		self.tab_to(selector)
		self.page.keyboard.press("Control+a")
		self.page.keyboard.insert_text(str(value))

	def choose(self, selector: str, label: str) -> None:
		self.tab_to(selector)
		self.page.keyboard.type(label)
		chosen = self.page.evaluate("() => document.activeElement.selectedOptions[0].textContent.trim()")
		assert chosen == label, (chosen, label)

	def add(self, kind_label: str) -> None:
		"""Below the card in focus; as the first step where there is none."""
		if not self.focused(".fe-card"):
			self.tab_to(".fe-toolbar button")
			self.page.keyboard.press("Enter")
		else:
			self.page.keyboard.press("Insert")
		self.page.wait_for_selector(".fe-menu input:focus")
		self.page.keyboard.type(kind_label)
		self.page.wait_for_selector(f".fe-menu [aria-selected=true] >> text={kind_label}")
		self.page.keyboard.press("Enter")
		self.page.wait_for_selector(f"{PANEL} :focus")

	def done(self) -> None:
		self.page.keyboard.press("Escape")
		self.page.wait_for_selector(".fe-card:focus")


class Mouse:
	"""Clicks, and typing into what was clicked."""

	def __init__(self, page: Page):
		self.page = page

	def text(self, selector: str, value: Any) -> None:
		self.page.locator(selector).click()
		self.page.locator(selector).fill(str(value))

	def choose(self, selector: str, label: str) -> None:
		self.page.locator(selector).select_option(label=label)

	def add(self, kind_label: str) -> None:
		"""After the last step, by its insert button; the first by the toolbar's."""
		last = self.page.locator(".fe-node > .fe-insert").last
		(last if last.count() else self.page.locator(".fe-toolbar >> text=Add step")).click()
		self.page.locator(".fe-menu [role=option]").filter(has_text=kind_label).first.click()
		self.page.wait_for_selector(".fe-panel-inner")

	def done(self) -> None:
		done(self.page)


def fill_step(
	hand: Keyboard | Mouse, step: dict[str, Any], kind: dict[str, Any], trigger_labels: dict[str, str]
) -> None:
	"""Fill the form of a step that is open."""
	fields = {field["name"]: field for field in kind["fields"]}
	for name, value in wanted_fields(step).items():
		field = fields.get(name, {"type": "text"})
		where = f"{PANEL} [data-field={name}] "
		if field["type"] == "select":
			label = next(option["label"] for option in field["options"] if option["value"] == value)
			hand.choose(where + "select", label)
		else:
			hand.text(where + (":is(input, textarea)"), value)
	trigger = step["trigger"]
	hand.choose(f"{PANEL} #fe-trigger", trigger_labels[trigger["type"]])
	if trigger["type"] == "after_delay":
		hand.choose(f"{PANEL} #fe-wait", "The start of the flow")
		for name, value in trigger.items():
			if name != "type":
				hand.choose(f"{PANEL} #fe-delay-unit", UNITS[name])
				hand.text(f"{PANEL} #fe-{name}", value)
	if step.get("on_error") == "continue":
		open_failure(hand)
		hand.choose(f"{PANEL} #fe-on-error", "The steps after it go on")


def open_failure(hand: Keyboard | Mouse) -> None:
	summary = f"{PANEL} details:not(.fe-preview) > summary"
	if isinstance(hand, Keyboard):
		hand.tab_to(summary)
		hand.page.keyboard.press("Enter")
	else:
		hand.page.click(summary)
