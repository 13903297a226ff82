"""What an author writes in a template, and the rule that every write of one goes through.

`prepare` is that rule. Hosts call it at the record itself (the site in the DocType's controller), so it holds
whoever writes: a form, an import, another app or the use cases. It never stores anything.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

from flow_editor.engine import logic, start
from flow_editor.engine.definition import LANGUAGE_VERSION, checksum
from flow_editor.engine.errors import Invalid, NotAllowed, Problem
from flow_editor.engine.reading import load
from flow_editor.engine.unseen import unseen_problem
from flow_editor.engine.validation import validate
from flow_editor.services import acting, meaning, start_rules
from flow_editor.services.events import MANUAL
from flow_editor.services.host import Host
from flow_editor.services.starting import RE_ENTRY_ALWAYS, RE_ENTRY_RULES

CATEGORIES = ("residential", "commercial", "incident", "billing", "other")

#: What an author writes. A change in any of them is a new version.
AUTHORED = (
	"template_name",
	"category",
	"applies_to",
	"icon",
	"description",
	"is_active",
	"trigger_event",
	"trigger_condition",
	"flow_definition",
	"tags",
	"notes",
	"run_as",
	"re_entry",
	"catalog",
)
#: What decides what a flow does, in whose name.
ACTING = ("flow_definition", "trigger_event", "trigger_condition", "applies_to", "re_entry")
#: What an export holds and an import reads.
PORTABLE = tuple(name for name in AUTHORED if name != "run_as")
#: How long a field of one line may be.
MAX_LINE = 140
#: What the record says of its draft. The draft's own text stands beside it, and no write of the template touches it.
DRAFTED = ("draft_revision", "draft_by", "draft_at")
#: What the record keeps by itself.
KEPT = ("version", "step_count", "checksum", "is_system", "paused_reason", *DRAFTED)
#: What else a template that was read may carry when it is sent back.
RECORD = ("name", "owner", "creation", "modified", "modified_by", "docstatus", "idx", "doctype", "problems")


def prepare(host: Host, new: Mapping[str, Any], old: Mapping[str, Any] | None) -> dict[str, Any]:
	"""What a template's record must hold after a write.

	Args:
		new: the fields as somebody wants them.
		old: the stored fields, None for a new template.

	Returns:
		Every authored field in its stored form, with `version`, `step_count`, `checksum`, and `changed`:
		whether this is a new version, to be stored as such.

	Raises:
		Invalid: with every problem of the fields and the definition.
		NotAllowed: it names a user whom the acting one may not name, or renames a system template.
	"""
	fields, definition, problems = examine(host, new, old)
	if problems:
		raise Invalid.because(problems)

	fields["checksum"] = checksum(definition)
	fields["flow_definition"] = json.dumps(definition, ensure_ascii=False, indent=1)
	fields["step_count"] = len(definition.get("steps") or ())
	changed = old is None or not old.get("version") or _differs(fields, old)
	if old is not None and (refusal := refusal_to_rename(fields, old)):
		raise NotAllowed(refusal)
	before = (old.get("run_as") or "") if old else ""
	fields["run_as"] = fields["run_as"] or before
	if changed:
		fields["run_as"] = acting.after_write(
			host, fields["run_as"], before, bool(old) and _acts_otherwise(fields, old)
		)
	# Switching it on again says that whatever paused it has been seen to.
	fields["paused_reason"] = "" if fields["is_active"] or not old else old.get("paused_reason") or ""
	fields["version"] = (int(old.get("version") or 0) if old else 0) + int(changed)
	fields["changed"] = changed
	drafted = {name: old.get(name) if old else None for name in DRAFTED}
	return fields | drafted | {"draft_revision": int(drafted["draft_revision"] or 0)}


def examine(
	host: Host, new: Mapping[str, Any], old: Mapping[str, Any] | None
) -> tuple[dict[str, Any], dict[str, Any], list[Problem]]:
	"""A template's authored fields as a write would store them, its definition (empty, if it cannot be read), and every
	problem of both."""
	fields = {name: plain(new.get(name)) for name in AUTHORED}
	fields["is_active"] = flag(new.get("is_active"))
	fill_in(fields)
	problems: list[Problem] = []
	definition = _read_definition(host, new.get("flow_definition"), problems)
	if definition is None:
		fields["trigger_event"] = fields["trigger_event"] or MANUAL  # what it might have said is not known
	else:
		agree_on_trigger(fields, definition, old)
		problems += problems_of(host, definition, about_of(new | fields))
	problems += _field_problems(host, fields, str(new.get("name") or ""))
	return fields, definition or {}, _without_repeats(problems)


def refusal_to_rename(fields: Mapping[str, Any], old: Mapping[str, Any]) -> str:
	"""Why a template may not have its new name, or an empty text."""
	if old.get("is_system") and fields["template_name"] != old.get("template_name"):
		return (
			f"{old.get('template_name')} is a system template and keeps its name. Duplicate it under another."
		)
	return ""


def fill_in(fields: dict[str, Any]) -> None:
	"""What a field is that nobody has filled in."""
	fields["category"] = fields["category"] or "other"
	fields["re_entry"] = fields["re_entry"] or RE_ENTRY_ALWAYS
	fields["catalog"] = fields["catalog"] or "project"


def plain(value: Any) -> str:
	return "" if value is None else str(value) if not isinstance(value, Mapping | list) else json.dumps(value)


def _read_definition(host: Host, written: Any, problems: list[Problem]) -> dict[str, Any] | None:
	if written in (None, ""):
		return {"version": LANGUAGE_VERSION, "trigger": {}, "variables": {}, "steps": []}
	try:
		return dict(load(written, host.limits))
	except Invalid as error:
		problems += error.problems
		return None


def flag(value: Any) -> int:
	"""A check as forms, JSON and the database write it."""
	return int(str(value).lower() in ("1", "true"))


def agree_on_trigger(
	fields: dict[str, Any], definition: dict[str, Any], old: Mapping[str, Any] | None
) -> None:
	"""Make the template's own fields and its definition's trigger say the same.

	What is written wins: a field over the definition that is sent beside it, and a trigger that was changed in the definition
	alone over the field that is as it was. What merely stands in the definition because the field once held it is no change:
	else nobody could empty the field.
	"""
	trigger = definition.get("trigger")
	inner: Mapping[str, Any] = trigger if isinstance(trigger, Mapping) else {}
	if not inner.get("type") and not inner.get("event"):
		inner = {**_trigger_before(old), **inner}
	for name, written in start.fields_of(inner).items():
		before = plain(old.get(name)) if old else ""
		if fields[name] == before and plain(written) != before:
			fields[name] = plain(written)
	if inner.get("type") != start.EVENT:
		fields["trigger_event"] = fields["trigger_event"] or MANUAL
	if trigger is None or isinstance(trigger, Mapping):
		definition["trigger"] = start.with_fields(
			inner, fields["trigger_event"], fields["trigger_condition"], fields["applies_to"]
		)


def _trigger_before(old: Mapping[str, Any] | None) -> Mapping[str, Any]:
	"""What a definition that says nothing of its start goes on with, if that is of a type with parts of its own."""
	if not old or old.get("trigger_event") not in start.NAMED_BY_TYPE:
		return {}
	stored = old.get("flow_definition") or {}
	trigger = (json.loads(stored) if isinstance(stored, str) else stored).get("trigger")
	return (
		{name: value for name, value in trigger.items() if name != "condition"}
		if isinstance(trigger, Mapping)
		else {}
	)


def _field_problems(host: Host, fields: Mapping[str, Any], name: str) -> list[Problem]:
	problems = []
	if not fields["template_name"].strip():
		problems.append(Problem("Give the flow a name.", field="template_name"))
	for field in ("template_name", "icon", "tags"):
		if len(fields[field]) > MAX_LINE:
			message = f"It has {len(fields[field])} characters; at most {MAX_LINE} are kept. Shorten it."
			problems.append(Problem(message, field=field))
	for field in ("template_name", "category", "icon", "tags", "catalog", "applies_to", "run_as"):
		if message := unseen_problem(fields[field]):
			problems.append(Problem(f"It {message}", field=field))
	for field in ("description", "notes"):
		if message := unseen_problem(fields[field], lines=True):
			problems.append(Problem(f"It {message}", field=field))
	for field, allowed in (("category", CATEGORIES), ("re_entry", RE_ENTRY_RULES)):
		if fields[field] not in allowed:
			problems.append(
				Problem(f"{fields[field]!r} is not one of {', '.join(allowed)}. Choose one.", field=field)
			)
	catalogs = sorted({kind.catalog for kind in host.catalog.values()})
	if fields["catalog"] not in catalogs:
		message = (
			f"There is no catalog {fields['catalog']!r} of step kinds. Use one of {', '.join(catalogs)}."
		)
		problems.append(Problem(message, field="catalog"))
	# That none is chosen, the trigger's own problems say.
	if fields["trigger_event"] and fields["trigger_event"] not in (*host.events, *start.NAMED_BY_TYPE):
		known = ", ".join([*host.events, *start.NAMED_BY_TYPE])
		problems.append(
			Problem(
				f"There is no trigger event {fields['trigger_event']!r}. Use one of {known}.",
				field="trigger_event",
			)
		)
	if message := logic.problem(fields["trigger_condition"], host.operators, host.filters):
		problems.append(Problem(message, field="trigger_condition"))
	namesakes = host.store.templates(
		{"template_name": fields["template_name"], "category": fields["category"]}, limit=2
	)
	if any(other["name"] != name for other in namesakes):
		problems.append(namesake(fields))
	return problems


def namesake(fields: Mapping[str, Any]) -> Problem:
	"""What is wrong with a template of whose name and category there is another. The rule's look-up tells it to most; of
	those who save at the same moment, the host's unique index to all but one. Names that differ in nothing but case and
	accents are the same to both.
	"""
	return Problem(
		f"There is a flow {fields['template_name']!r} in category {fields['category']} already. Case and accents make no "
		"difference. Choose another name.",
		field="template_name",
	)


def numbered(name: str, is_taken: Callable[[str], bool]) -> str:
	"""The first of `name (2)`, `name (3)` and so on that is not taken."""
	for number in count(2):
		suffix = f" ({number})"
		candidate = f"{name[: MAX_LINE - len(suffix)]}{suffix}"
		if not is_taken(candidate):
			return candidate
	raise AssertionError  # which count never lets it come to


def _without_repeats(problems: list[Problem]) -> list[Problem]:
	"""The trigger stands in the template and in its definition: one word about it is enough."""
	own = {problem.field for problem in problems if not problem.step}
	repeated = {
		"trigger.event": "trigger_event",
		"trigger.condition": "trigger_condition",
		"trigger.type": "trigger_event",
	}
	return [problem for problem in problems if problem.step or repeated.get(problem.field) not in own]


def _differs(fields: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
	"""Whether an author's change is in it. Spacing and the order of keys in the definition are none."""
	if fields["checksum"] != (old.get("checksum") or ""):
		return True
	return any(
		str(fields[name]) != str(flag(old.get(name)) if name == "is_active" else plain(old.get(name)))
		for name in AUTHORED
		if name not in ("flow_definition", "run_as") or (name == "run_as" and fields[name])
	)


def fingerprint(template: Mapping[str, Any]) -> str:
	"""What tells whether anything authored of a template is another, but for whether it is active."""
	told = {
		name: plain(template.get(name)) for name in AUTHORED if name not in ("is_active", "flow_definition")
	}
	text = json.dumps([template.get("checksum"), told], sort_keys=True)
	return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _acts_otherwise(fields: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
	"""Whether what the flow does is another after the write."""
	return fields["checksum"] != old.get("checksum") or any(
		fields[name] != plain(old.get(name)) for name in ACTING if name != "flow_definition"
	)


def as_written(host: Host, stored: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
	"""A template's fields as they would be after a write. Raises as the write would."""
	return prepare(host, {**stored, **patch}, stored)


def about_of(values: Mapping[str, Any]) -> meaning.About:
	return meaning.About(
		name=plain(values.get("name")),
		doctype=plain(values.get("applies_to")),
		catalog=plain(values.get("catalog")),
		event=plain(values.get("trigger_event")),
	)


def problems_of(host: Host, definition: dict[str, Any], about: meaning.About) -> list[Problem]:
	found = validate(
		definition,
		host.catalog,
		events=host.events,
		operators=host.operators,
		types=host.field_types,
		filters=host.filters,
		limits=host.limits,
	)
	found += start_rules.problems(host, definition)
	return found + meaning.problems(host, definition, about, steps_of(found))


def steps_of(problems: list[Problem]) -> set[str]:
	return {problem.step for problem in problems}


def check_names(values: Mapping[str, Any]) -> None:
	known = {*AUTHORED, *KEPT, *RECORD}
	unknown = [name for name in values if name not in known]
	if unknown:
		raise Invalid.because(
			[Problem(f"A flow template has no field {name!r}. Remove it.", field=name) for name in unknown]
		)


def authored_in(values: Mapping[str, Any]) -> dict[str, Any]:
	return {name: values[name] for name in AUTHORED if name in values}
