"""What the doors do: a handler each, over a host. Which verb and path leads to which, `routes` says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flow_editor.engine.definition import TRIGGER_TYPES
from flow_editor.engine.errors import Invalid, Problem
from flow_editor.engine.outcome import Outcome
from flow_editor.engine.ports import CUSTOMER
from flow_editor.engine.start import MOMENTS
from flow_editor.engine.start import TYPES as START_TYPES
from flow_editor.services import (
	acting,
	compose,
	drafts,
	listening,
	looking,
	meaning,
	publishing,
	runs,
	starting,
	templates,
	trying,
	why,
)
from flow_editor.services.authored import CATEGORIES
from flow_editor.services.confirm import confirm as confirm_start
from flow_editor.services.customers import customer_of
from flow_editor.services.host import Host


def list_templates(host: Host, start: int = 0, limit: int = 500, **filters: Any) -> dict[str, Any]:
	return {"templates": templates.find(host, filters, start=start, limit=limit)}


def get_template(host: Host, template: str) -> dict[str, Any]:
	stored = host.store.template(template)
	return {"template": templates.as_dict(stored), "draft": drafts.draft_of(stored)}


def create_template(host: Host, values: Mapping[str, Any]) -> dict[str, Any]:
	values = dict(values)
	if values.pop("draft", None):
		return _drafted(host, templates.create_draft(host, values))
	return _told(host, templates.create(host, values))


def update_template(host: Host, template: str, values: Mapping[str, Any]) -> dict[str, Any]:
	values = dict(values)
	if values.pop("draft", None):
		templates.keep_draft(host, template, values)
		return _drafted(host, template)
	before = templates.get(host, template)
	return _told(host, templates.update(host, template, values), before)


def check_template(host: Host, template: str, values: Mapping[str, Any]) -> dict[str, Any]:
	return publishing.check_write(host, template, values)


def publish_template(
	host: Host,
	template: str,
	draft_revision: int | None = None,
	note: str | None = None,
	will_run_as: str | None = None,
) -> dict[str, Any]:
	published, notices = publishing.publish(
		host, template, draft_revision=draft_revision, note=note or "", will_run_as=will_run_as
	)
	return {"template": published, "draft": None, "notices": notices}


def discard_draft(host: Host, template: str, draft_revision: int | None = None) -> dict[str, Any]:
	had_one = templates.discard_draft(host, template, draft_revision)
	notices = [] if had_one else ["This flow has no draft."]
	return {"template": templates.get(host, template), "draft": None, "notices": notices}


def list_versions(host: Host, template: str, start: int = 0, limit: int = 100) -> dict[str, Any]:
	return {"versions": publishing.versions(host, template, start=start, limit=limit)}


def get_version(host: Host, template: str, version: Any) -> dict[str, Any]:
	return {"version": publishing.version(host, template, version)}


def restore_template(
	host: Host, template: str, version: Any, draft: bool | None = None, draft_revision: int | None = None
) -> dict[str, Any]:
	if draft:
		notices = publishing.restore_draft(host, template, version, draft_revision)
		return _drafted(host, template, notices)
	restored, notices = publishing.restore(host, template, version)
	return {"template": restored, "notices": notices}


def delete_template(host: Host, template: str) -> dict[str, Any]:
	templates.delete(host, template)
	return {"ok": True}


def duplicate_template(host: Host, template: str, new_name: str | None = None) -> dict[str, Any]:
	return _told(host, templates.duplicate(host, template, new_name))


def catalog(host: Host) -> dict[str, Any]:
	return {
		"kinds": host.catalog.as_list(),
		"events": [event.as_dict() for event in host.events.values()],
		"start_types": [{"name": name, "label": label} for name, label in START_TYPES.items()],
		"moments": [{"name": name, "label": label} for name, (label, _) in MOMENTS.items()],
		"trigger_types": [{"name": name, "label": label} for name, label in TRIGGER_TYPES.items()],
		"input_types": [{"name": one.name, "label": one.label} for one in host.field_types.of_inputs()],
		"filters": [one.as_dict() for one in host.filters.values()],
		"categories": list(CATEGORIES),
	}


def validate(
	host: Host,
	flow_definition: Any,
	template: str | None = None,
	applies_to: str | None = None,
	catalog: str | None = None,
	trigger_event: str | None = None,
) -> dict[str, Any]:
	about = meaning.About(template or "", applies_to or "", catalog or "", trigger_event or "")
	problems, warnings = templates.check(host, flow_definition, about)
	return {
		"problems": [problem.as_dict() for problem in problems],
		"warnings": [warning.as_dict() for warning in warnings],
	}


def paths(host: Host, doctype: str = "") -> dict[str, Any]:
	return {"paths": compose.paths(host, doctype)}


def preview(host: Host, kind: str, payload: Mapping[str, Any], **about: Any) -> dict[str, Any]:
	rendered, problems = compose.preview(host, kind, payload, **_given(about))
	return {"payload": rendered, "problems": [problem.as_dict() for problem in problems]}


def start(host: Host, template: str, **about: Any) -> dict[str, Any]:
	moved = starting.start(host, template, **_given(about))
	return {**_moved(host, moved), "repeated": moved.repeated}


def confirm(host: Host, template: str, **about: Any) -> dict[str, Any]:
	return confirm_start(host, template, **_given(about))


def trial(
	host: Host, flow_definition: Any = None, template: str | None = None, **about: Any
) -> dict[str, Any]:
	tried = trying.try_flow(host, flow_definition=flow_definition, template=template or "", **_given(about))
	return tried.as_dict()


def _given(about: Mapping[str, Any]) -> dict[str, Any]:
	"""The parameters of ABOUT and its like that are not null."""
	return {name: value for name, value in about.items() if value is not None}


def explain(
	host: Host, template: str, doctype: str | None = None, docname: str | None = None
) -> dict[str, Any]:
	return why.explain(host, template, doctype=doctype or "", docname=docname or "")


def advance(host: Host, run: str) -> dict[str, Any]:
	return _moved(host, runs.advance(host, _visible(host, run)))


def complete(host: Host, run: str, step_id: str, result: Any = None) -> dict[str, Any]:
	moved, note = runs.complete(host, _visible(host, run), step_id, result)
	return {**_moved(host, moved), "changed": not note, "note": note}


def cancel(host: Host, run: str) -> dict[str, Any]:
	return {"run": looking.as_dict(host, runs.cancel(host, _visible(host, run)))}


def retry(host: Host, run: str, step_id: str | None = None) -> dict[str, Any]:
	return _moved(host, runs.retry(host, _visible(host, run), step_id or None))


def event(
	host: Host,
	event: str,
	doctype: str | None = None,
	docname: str | None = None,
	customer: str | None = None,
	variables: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
	if event not in host.events:
		problem = Problem(f"There is no event {event!r}. Use one of {', '.join(host.events)}.", field="event")
		raise Invalid.because([problem], "This request")
	if bool(doctype) != bool(docname):
		problem = Problem("Give both the DocType and the name of the document, or neither.", field="docname")
		raise Invalid.because([problem], "This request")
	doc = host.documents.get(doctype, docname) if doctype and docname else {}
	if customer:
		host.documents.get(CUSTOMER, customer)
	if about := customer_of(doctype or "", doc):
		host.documents.check_readable(CUSTOMER, about)
	results = listening.dispatch_event(
		host,
		event,
		doctype=doctype or "",
		docname=docname or "",
		customer=customer or None,
		variables=variables,
		caller=host.user,
	)
	return {"results": results}


def list_runs(host: Host, start: int = 0, limit: int = 20, **filters: Any) -> dict[str, Any]:
	return {"runs": looking.find(host, filters, start=start, limit=limit)}


def get_run(host: Host, run: str, known: str = "") -> dict[str, Any]:
	return looking.follow(host, _visible(host, run), known or "")


def _told(host: Host, template: dict[str, Any], before: Mapping[str, Any] | None = None) -> dict[str, Any]:
	return {"template": template, "notices": acting.notices(host, template, before)}


def _drafted(host: Host, template: str, notices: list[str] | None = None) -> dict[str, Any]:
	stored = host.store.template(template)
	problems, warnings = drafts.findings(host, stored)
	return {
		"template": templates.as_dict(stored),
		"draft": drafts.draft_of(stored),
		"problems": [problem.as_dict() for problem in problems],
		"warnings": [warning.as_dict() for warning in warnings],
		"notices": notices or [],
	}


def _visible(host: Host, name: str) -> str:
	"""The run's name, once it is sure that the acting user may see what the run is about."""
	host.check_visible(host.store.run(name))
	return name


def _moved(host: Host, moved: Outcome) -> dict[str, Any]:
	return {"run": looking.as_dict(host, moved.run), "executed": moved.executed, "scheduled": moved.scheduled}
