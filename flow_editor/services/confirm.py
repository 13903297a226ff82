"""What a start by hand would ask for, send and make, in words, before anything of it happens.

Nothing is stored, sent or run. What the results of steps will be is not known yet, and stands as an ellipsis; so does
what the flow has not been given.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from flow_editor.engine.context import Scope, render_field
from flow_editor.engine.definition import (
	AFTER_DELAY,
	ERROR_LANE,
	MANUAL,
	ON_WEBHOOK,
	TIMED,
	Flow,
	Step,
	Trigger,
)
from flow_editor.engine.errors import FlowError
from flow_editor.engine.inputs import is_blank
from flow_editor.engine.kind import Field, Kind
from flow_editor.engine.people import Reader
from flow_editor.engine.records import Run
from flow_editor.engine.render import CLOSE, OPEN, Budget, Found, as_text, plainly, read, render_text
from flow_editor.services import starting
from flow_editor.services.definitions import flow_of
from flow_editor.services.host import Host

#: What is not known yet.
UNKNOWN = "…"
#: What stands in a kind's phrase for what the run is for and about, if a step leaves that empty.
THE_CUSTOMER, THE_DOCUMENT = "the customer", "the document"
PLACE = re.compile(r"\{(\w+)(?:\|([^{}]*))?\}")
#: How long a value in a phrase may be, and how many steps are told.
VALUE_LENGTH = 120
MOST_TOLD = 100
#: The parts of a delay, the longest first, as people say one of them.
UNITS = {
	"delay_months": "month",
	"delay_working_days": "working day",
	"delay_days": "day",
	"delay_hours": "hour",
	"delay_minutes": "minute",
}


def confirm(
	host: Host,
	template: str,
	*,
	doctype: str = "",
	docname: str = "",
	customer: str = "",
	variables: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
	"""What `starting.start` would do with the same, for somebody to confirm.

	Returns:
		`title`, `description`, `runs_as`, `customer` (whom it is for), `inputs` (their descriptors), `variables` (what
		they would be), `problems` (what is missing or wrong with what is given), `refusal` (why it could not be started
		whatever is given, or an empty text), and `sends`, `makes` and `waits`: `{step, label, words, when}` each, in the
		order of the flow, where an empty `when` is at once. `more` counts the steps beyond those that are told.

	Raises:
		NotFound, NotAllowed, Invalid: as `starting.start`, for the template, the document and its customer.
	"""
	fields = host.store.template(template)
	run, customers, problems = starting.as_asked(
		host, fields, doctype=doctype, docname=docname, customer=customer, variables=variables
	)
	flow = flow_of(host, run)
	wrong = {problem.field for problem in problems}
	given = {name: value for name, value in run.variables.items() if f"variables.{name}" not in wrong}
	run.variables = {
		**flow.initial,
		**given,
		**{one.name: UNKNOWN for one in flow.inputs if f"variables.{one.name}" in wrong},
	}
	run.step_state = {step.id: {"result": _unknown_results(host, step)} for step in flow.steps}
	told: dict[str, list[dict[str, str]]] = {"sends": [], "makes": [], "waits": []}
	scope, count = Scope(host, run), 0
	for step, when, waits in _in_time(host, flow, scope):
		kind = host.catalog.get(step.kind)
		if waits:
			count += 1
			if count <= MOST_TOLD:
				told["waits"].append(_entry(step, kind, "", when))
		if kind is None or not (kind.sends(step.payload) or kind.effect_of(step.payload) == "documents"):
			continue
		count += 1
		if count <= MOST_TOLD:
			words = _words(host, kind, step, scope, run)
			told["sends" if kind.sends(step.payload) else "makes"].append(_entry(step, kind, words, when))
	return {
		"title": fields.get("template_name") or template,
		"description": fields.get("description") or "",
		"runs_as": run.run_as,
		"customer": run.customer,
		"inputs": [one.as_dict() for one in flow.inputs],
		"variables": {**flow.initial, **given},
		"problems": [problem.as_dict() for problem in problems],
		"refusal": _refusal(host, fields, run, customers),
		**told,
		"more": max(0, count - MOST_TOLD),
	}


def _refusal(host: Host, fields: Mapping[str, Any], run: Run, customers: set[str]) -> str:
	reason = starting.refusal_to_start(host, run) or starting.unreadable(host, run, customers)
	if (
		not reason
		and run.reentry_key
		and host.store.runs({"reentry_key": run.reentry_key}, limit=1, bare=True)
	):
		reason = starting.re_entry_reason(fields)
	return reason or ""


def _unknown_results(host: Host, step: Step) -> dict[str, str]:
	kind = host.catalog.get(step.kind)
	return {name: UNKNOWN for name, _ in kind.results} if kind else {}


def _entry(step: Step, kind: Kind | None, words: str, when: str) -> dict[str, str]:
	label = step.label or (kind.label if kind else step.kind)
	return {"step": step.id, "label": label, "words": words or label, "when": when}


# When


def _in_time(host: Host, flow: Flow, scope: Scope) -> Iterator[tuple[Step, str, bool]]:
	"""The steps in turn, each with when it happens, empty if at once, and whether it is one that waits."""
	#: For a step that does not happen at once: the one that is waited for.
	held_by: dict[str, Step] = {}
	passed_over: set[str] = set()
	reader = Reader(host.words, "")
	for step in flow.in_turn():
		if step.off or step.parent_id in passed_over:
			passed_over.add(step.id)
			continue
		before = [flow.by_id[name] for name in (step.parent_id, *step.depends_on) if name]
		held = next((held_by[other.id] for other in before if other.id in held_by), None)
		own = _own_wait(step, _label(host, before[-1]) if before else "", scope, reader)
		parts = []
		if step.parent_id and step.branch:
			parent = flow.by_id[step.parent_id]
			taken = "fails" if step.branch == ERROR_LANE else f"is {_branch(host, parent, step.branch)}"
			parts.append(f"if “{_label(host, parent)}” {taken}")
		if own:
			parts.append(own)
		elif held:
			parts.append(f"after “{_label(host, held)}”")
		if own:
			held_by[step.id] = step
		elif held:
			held_by[step.id] = held
		yield step, ", ".join(parts), bool(own)


def _own_wait(step: Step, follows: str, scope: Scope, reader: Reader) -> str:
	trigger = step.trigger
	if trigger.type in TIMED:
		length, is_before = _length(trigger, scope)
		if trigger.type == AFTER_DELAY:
			return f"{length} {f'after “{follows}”' if follows else 'later'}" if length else ""
		on = _known(trigger.at, scope, reader.text) or UNKNOWN
		return f"{length} {'before' if is_before else 'after'} {on}" if length else f"on {on}"
	if trigger.type == MANUAL:
		return "when somebody completes it"
	if trigger.type == ON_WEBHOOK:
		return "when an outside system calls back"
	return ""


def _length(trigger: Trigger, scope: Scope) -> tuple[str, bool]:
	"""A delay in words, and whether it leads back; if only a part of it does, that part keeps its sign."""
	delay = {
		name: _known(amount, scope) or UNKNOWN if isinstance(amount, str) else f"{amount:g}"
		for name, amount in trigger.delay.items()
	}
	delay = {name: amount for name, amount in delay.items() if amount not in ("0", "-0")}
	is_before = bool(delay) and all(amount.startswith("-") for amount in delay.values())
	parts = []
	for name, unit in UNITS.items():
		if amount := delay.get(name):
			amount = amount.removeprefix("-") if is_before else amount
			parts.append(f"{amount} {unit}{'' if amount == '1' else 's'}")
	return ", ".join(parts), is_before


def _label(host: Host, step: Step) -> str:
	kind = host.catalog.get(step.kind)
	return step.label or (kind.label if kind else step.kind)


def _branch(host: Host, parent: Step, value: str) -> str:
	kind = host.catalog.get(parent.kind)
	return dict(kind.lanes(parent.payload)).get(value, value) if kind else value


# What


def _words(host: Host, kind: Kind, step: Step, scope: Scope, run: Run) -> str:
	"""What the step does, as its kind says it, with the values that are known. What it does for the customer or about the
	document by itself, it does for and about the one that is named."""
	stands_for = {THE_CUSTOMER: run.customer, THE_DOCUMENT: run.context_docname}
	budget, reader = Budget(), Reader(host.words, run.customer)

	def value(match: re.Match[str]) -> str:
		name, empty = match[1], match[2]
		field = kind.field(name)
		if field is None or not field.is_shown(step.payload, kind.defaults):
			return ""
		text = _value(field, step.payload, kind, scope, run, budget, reader)
		if text or empty is None:
			return text or UNKNOWN
		for what, which in stands_for.items():
			empty = empty.replace(what, which or what)
		return empty

	return PLACE.sub(value, kind.announce(step.payload)).strip(" :")


def _value(
	field: Field,
	payload: Mapping[str, Any],
	kind: Kind,
	scope: Scope,
	run: Run,
	budget: Budget,
	reader: Reader,
) -> str:
	written = payload.get(field.name)
	try:
		if isinstance(written, str) and field.templated:
			written = _with_unknowns(written, scope, run)
		found = render_field(kind, field, {**payload, field.name: written}, scope, budget, reader)
	except (FlowError, ValueError):
		return UNKNOWN  # somebody may start it who may not read all that it reads; or it is JSON that is not known yet
	labels = {str(value): label for value, label in field.choices}
	if isinstance(found, Mapping):
		text = ", ".join(f"{name}: {as_text(value)}" for name, value in found.items())
	else:
		text = ", ".join(map(as_text, found)) if isinstance(found, list) else as_text(found)
	return _shortened(labels.get(text, text))


def _known(text: str, scope: Scope, write: Callable[[Found], str] = plainly) -> str:
	"""A text with the values that are known."""
	try:
		return _shortened(render_text(_with_unknowns(text, scope), scope, write=write))
	except FlowError:
		return UNKNOWN


def _with_unknowns(text: str, scope: Scope, run: Run | None = None) -> str:
	"""A text in which an ellipsis stands for what has no value yet.

	Args:
		run: if given, what it knows to be empty stays so.
	"""

	parts = []
	for words, expression in read(text):
		parts.append(words)
		if expression is not None:
			known = run is not None and any(_is_known(path, run) for path in expression.paths[:1])
			is_open = not known and is_blank(expression.value(scope))
			parts.append(UNKNOWN if is_open else f"{OPEN}{expression.text}{CLOSE}")
	return "".join(parts)


def _is_known(path: str, run: Run) -> bool:
	"""Whether nothing at a path means that there will be nothing."""
	root = path.partition(".")[0]
	return root == "variables" or bool({"doc": run.context_docname, "customer": run.customer}.get(root))


def _shortened(text: str) -> str:
	text = " ".join(text.split())
	return text if len(text) <= VALUE_LENGTH else f"{text[: VALUE_LENGTH - 1]}…"
