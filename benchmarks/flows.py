"""Definitions of every shape and size."""

from __future__ import annotations

from typing import Any

Definition = dict[str, Any]


def chain(length: int, **first: Any) -> Definition:
	"""Instant steps one after the other; `first` goes into the first."""
	steps = [_step(f"s{number}", [f"s{number - 1}"] if number else []) for number in range(length)]
	steps[0].update(first)
	return _flow(steps)


def asking(length: int) -> Definition:
	"""A chain of conditions on the document, each in the other's lane for yes."""
	flow = chain(length)
	for number, step in enumerate(flow["steps"]):
		step.update(
			kind="condition",
			depends_on=[],
			payload={"field": "doc.status", "op": "==", "value": "Open"},
			**({"parent_id": f"s{number - 1}", "branch": "yes"} if number else {}),
		)
	return flow


def fan(width: int) -> Definition:
	"""One step, and `width` that come after it."""
	return _flow([_step("first"), *(_step(f"s{number}", ["first"]) for number in range(width - 1))])


def joins(count: int) -> Definition:
	"""`count` times: two lanes out of a step and one step that waits for both."""
	steps, last = [], []
	for number in range(count):
		lanes = [f"a{number}", f"b{number}"]
		steps += [_step(lane, last) for lane in lanes] + [_step(f"join{number}", lanes)]
		last = [f"join{number}"]
	return _flow(steps)


def mixed(length: int) -> Definition:
	"""Steps such as people write: conditions, mails and changes, with expressions in them."""
	payloads = (
		("condition", {"field": "doc.status", "op": "==", "value": "Open"}),
		("notify", {"channel": "email", "to": "{{doc.contact_email}}", "subject": "About {{doc.name}}", "body": "Dear {{customer.customer_name}},\n{{doc.subject}}"}),
		("erp_update", {"doctype": "Issue", "docname_ref": "{{doc.name}}", "fields_json": '{"priority": "{{variables.priority}}"}'}),
		("wait", {}),
	)  # fmt: skip
	steps = []
	for number in range(length):
		kind, payload = payloads[number % len(payloads)]
		steps.append(
			{
				**_step(f"s{number}", [f"s{number - 1}"] if number else []),
				"kind": kind,
				"payload": dict(payload),
			}
		)
	return _flow(steps)


def _step(id: str, depends_on: list[str] | None = None) -> dict[str, Any]:
	return {
		"id": id,
		"kind": "wait",
		"label": id,
		"depends_on": depends_on or [],
		"trigger": {"type": "on_prev_complete"},
	}


def _flow(steps: list[dict[str, Any]]) -> Definition:
	return {"version": 1, "steps": steps, "variables": {}}
