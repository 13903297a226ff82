"""The use cases of a template, and the rule that every write of one goes through.

`prepare` is that rule. Hosts call it at the record itself (the site in the DocType's controller), so it holds
whoever writes: a form, an import, another app or these use cases.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

from flow_editor.engine import logic
from flow_editor.engine.definition import LANGUAGE_VERSION, checksum
from flow_editor.engine.errors import (
	Conflict,
	Invalid,
	NotAllowed,
	NotFound,
	Problem,
	RunAsChanges,
	Unreadable,
)
from flow_editor.engine.reading import load
from flow_editor.engine.unseen import unseen_problem
from flow_editor.engine.validation import validate
from flow_editor.services import acting, meaning
from flow_editor.services.events import MANUAL
from flow_editor.services.host import Host
from flow_editor.services.starting import RE_ENTRY_ALWAYS, RE_ENTRY_RULES

CATEGORIES = ("residential", "commercial", "incident", "billing", "other")
SEEDS = Path(__file__).resolve().parent.parent / "seeds"

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
#: What the record keeps by itself.
KEPT = ("version", "step_count", "checksum", "is_system", "paused_reason")


# The rule


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
	fields = {name: _plain(new.get(name)) for name in AUTHORED}
	fields["is_active"] = _flag(new.get("is_active"))
	fields["category"] = fields["category"] or "other"
	fields["re_entry"] = fields["re_entry"] or RE_ENTRY_ALWAYS
	fields["catalog"] = fields["catalog"] or "project"

	problems: list[Problem] = []
	definition = _read_definition(host, new.get("flow_definition"), problems)
	if definition is None:
		fields["trigger_event"] = fields["trigger_event"] or MANUAL  # what it might have said is not known
	else:
		_agree_on_trigger(fields, definition, old)
		problems += _problems(host, definition, _about(new | fields))
	problems += _field_problems(host, fields, str(new.get("name") or ""))
	if problems:
		raise Invalid.because(_without_repeats(problems))

	fields["checksum"] = checksum(definition)
	fields["flow_definition"] = json.dumps(definition, ensure_ascii=False, indent=1)
	fields["step_count"] = len(definition.get("steps") or ())
	changed = old is None or _differs(fields, old)
	if old is not None and old.get("is_system") and fields["template_name"] != old.get("template_name"):
		raise NotAllowed(
			f"{old.get('template_name')} is a system template and keeps its name. Duplicate it under another."
		)
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
	return fields


def _plain(value: Any) -> str:
	return "" if value is None else str(value) if not isinstance(value, Mapping | list) else json.dumps(value)


def _read_definition(host: Host, written: Any, problems: list[Problem]) -> dict[str, Any] | None:
	if written in (None, ""):
		return {"version": LANGUAGE_VERSION, "trigger": {}, "variables": {}, "steps": []}
	try:
		return dict(load(written, host.limits))
	except Invalid as error:
		problems += error.problems
		return None


def _flag(value: Any) -> int:
	"""A check as forms, JSON and the database write it."""
	return int(str(value).lower() in ("1", "true"))


def _agree_on_trigger(
	fields: dict[str, Any], definition: dict[str, Any], old: Mapping[str, Any] | None
) -> None:
	"""Make the template's own fields and its definition's trigger say the same.

	What is written wins: a field over the definition that is sent beside it, and a trigger that was changed in the definition
	alone over the field that is as it was. What merely stands in the definition because the field once held it is no change:
	else nobody could empty the field.
	"""
	trigger = definition.get("trigger")
	inner: Mapping[str, Any] = trigger if isinstance(trigger, Mapping) else {}
	for name, key in (("trigger_event", "event"), ("trigger_condition", "condition")):
		written = inner.get(key) if key != "event" or isinstance(inner.get(key), str) else None
		before = _plain(old.get(name)) if old else ""
		if written and fields[name] == before and _plain(written) != before:
			fields[name] = _plain(written)
	fields["trigger_event"] = fields["trigger_event"] or MANUAL
	if trigger is None or isinstance(trigger, Mapping):
		definition["trigger"] = {
			**inner,
			"event": fields["trigger_event"],
			"condition": fields["trigger_condition"],
		}


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
	if fields["trigger_event"] not in host.events:
		problems.append(
			Problem(
				f"There is no trigger event {fields['trigger_event']!r}. Use one of {', '.join(host.events)}.",
				field="trigger_event",
			)
		)
	if message := logic.problem(fields["trigger_condition"], host.operators):
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
	}
	return [problem for problem in problems if problem.step or repeated.get(problem.field) not in own]


def _differs(fields: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
	"""Whether an author's change is in it. Spacing and the order of keys in the definition are none."""
	if fields["checksum"] != (old.get("checksum") or ""):
		return True
	return any(
		str(fields[name]) != str(_flag(old.get(name)) if name == "is_active" else _plain(old.get(name)))
		for name in AUTHORED
		if name not in ("flow_definition", "run_as") or (name == "run_as" and fields[name])
	)


def _acts_otherwise(fields: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
	"""Whether what the flow does is another after the write."""
	return fields["checksum"] != old.get("checksum") or any(
		fields[name] != _plain(old.get(name)) for name in ACTING if name != "flow_definition"
	)


# The use cases


def find(host: Host, filters: Mapping[str, Any], *, start: int = 0, limit: int = 0) -> list[dict[str, Any]]:
	"""Templates without their definitions. Filters: category, applies_to, is_active, trigger_event."""
	wanted = {name: value for name, value in filters.items() if value not in (None, "")}
	if "is_active" in wanted:
		wanted["is_active"] = _flag(wanted["is_active"])
	return [as_dict(template) for template in host.store.templates(wanted, start=start, limit=limit)]


def get(host: Host, name: str) -> dict[str, Any]:
	return as_dict(host.store.template(name))


def create(host: Host, values: Mapping[str, Any]) -> dict[str, Any]:
	"""Store a new template. Raises Invalid with every problem, or NotAllowed."""
	_check_names(values)
	return get(host, host.store.insert_template(_authored(values)))


def update(host: Host, name: str, patch: Mapping[str, Any]) -> dict[str, Any]:
	"""Change some fields of a template.

	Args:
		patch: the fields to change. `version`, if given, is the one that the author started from, and `will_run_as`
			the user of whom they were told that it will run as them.

	Raises:
		Conflict: somebody else has saved it since that version.
		RunAsChanges: it would run as another than they were told.
	"""
	stored = host.store.template(name)
	patch = dict(patch)
	told = patch.pop("will_run_as", None)
	_check_names(patch)
	base = patch.get("version")
	if base not in (None, "") and str(base) != str(stored.get("version")):
		raise Conflict(
			f"Somebody saved version {stored.get('version')} of this flow while you were editing version {base}. "
			"Open it again, or save yours as a duplicate."
		)
	if "is_system" in patch and bool(patch["is_system"]) != bool(stored.get("is_system")):
		raise NotAllowed("Whether a template is a system template cannot be changed.")
	patch = _authored(patch)
	if told and told != (will := _as_written(host, stored, patch)["run_as"]):
		raise RunAsChanges(
			f"This flow would run as {will} once it is saved so, not as {told}. Save it again if it should."
		)
	host.store.update_template(name, patch)
	return get(host, name)


def _as_written(host: Host, stored: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
	"""A template's fields as they would be after a write. Raises as the write would."""
	return prepare(host, {**stored, **patch}, stored)


def check_write(host: Host, name: str, patch: Mapping[str, Any]) -> dict[str, Any]:
	"""What a write would do about who a flow runs as. Nothing is stored.

	Args:
		patch: as for `update`; or `restore`, with the version that `restore` would be given.

	Returns:
		`run_as`, `will_run_as`, `may_keep` (whether the acting user may let it run as it does), and `may_not`: a sentence
		for each thing that the flow does and its user may not.

	Raises:
		As the write would.
	"""
	stored = host.store.template(name)
	patch = dict(patch)
	version = patch.pop("restore", None)
	_check_names(patch)
	after = _as_written(
		host, stored, _authored(patch) if version is None else _restored(host, stored, version)
	)
	before, will = stored.get("run_as") or "", after["run_as"]
	# What somebody else may not do is for them to know, and for who may name them.
	tells = will == host.user or host.may_name(will)
	return {
		"run_as": before,
		"will_run_as": will,
		"may_keep": before == host.user or host.may_name(before),
		"may_not": acting.may_not(host, after) if tells else [],
	}


#: The version of a flow that came with the app.
SHIPPED = "shipped"


def restore(host: Host, name: str, version: Any = SHIPPED) -> tuple[dict[str, Any], list[str]]:
	"""Give a template what it had in an earlier version, or what it came with, as a new version.

	Of a version that is its definition with its start; of what came with the app everything but its name. Whether it is
	active stays as it is, and so does who it runs as, for whom may keep that.

	Args:
		version: a number, or SHIPPED.

	Returns:
		The template, and sentences that say what happened.

	Raises:
		NotFound: there is no such version, or the app brings no such flow.
		Conflict: it did not come with the app.
	"""
	stored = get(host, name)
	host.store.update_template(name, _restored(host, stored, version))
	restored = get(host, name)
	what = "as it came with the app" if version == SHIPPED else f"as its version {version} was"
	if restored["version"] == stored["version"]:
		return restored, [f"This flow is {what} already."]
	said = f"This flow is {what}, which is version {restored['version']} now. What it was before is kept as version {stored['version']}."
	return restored, [said, *acting.notices(host, restored, stored)]


def _restored(host: Host, stored: Mapping[str, Any], version: Any) -> dict[str, Any]:
	"""The fields to write, so that a template is what it was in a version."""
	if version == SHIPPED:
		values = _shipped(stored)
		fields = {
			field: values.get(field) for field in PORTABLE if field not in ("template_name", "is_active")
		}
		definition = values["flow_definition"]
	else:
		number = str(version)
		if not (number.isascii() and number.isdigit()):
			message = f"{number[:60]!r} is no version. Give its number, or {SHIPPED}."
			raise Invalid.because([Problem(message, field="version")], "This request")
		text = host.store.definition(stored["name"], int(number))
		definition, fields = load(text, host.limits), {"flow_definition": text}
	trigger = definition.get("trigger") or {}
	# Said outright, so that what the template's fields hold now does not win.
	for field, inner in (("trigger_event", "event"), ("trigger_condition", "condition")):
		fields[field] = fields.get(field) or trigger.get(inner) or ""
	return fields


def _shipped(stored: Mapping[str, Any]) -> dict[str, Any]:
	title = stored.get("template_name")
	if not stored.get("is_system"):
		raise Conflict(
			f"{title} did not come with the app. Restore one of its earlier versions, by its number."
		)
	for values in _seeds():
		if values["template_name"] == title:
			return values
	raise NotFound(
		f"This version of the app brings no flow {title}. Restore one of its earlier versions, by its number."
	)


def delete(host: Host, name: str) -> None:
	"""Delete a template. Raises NotAllowed for a system template, Conflict while runs of it are on."""
	check_deletion(host, host.store.template(name))
	host.store.delete_template(name)


def check_deletion(host: Host, template: Mapping[str, Any]) -> None:
	"""The rule of deleting, for hosts to call at the record."""
	if template.get("is_system"):
		raise NotAllowed(
			f"{template.get('template_name')} is a system template and cannot be deleted. Switch it off instead."
		)
	unfinished = [
		run
		for status in ("running", "failed")
		for run in host.store.runs(
			{"flow_template": template["name"], "status": status, "completed_at": None}, limit=1
		)
	]
	if unfinished:
		raise Conflict(
			f"{template.get('template_name')} has runs under way, such as {unfinished[0].name}. "
			"Cancel them or let them end, then delete it."
		)


def duplicate(host: Host, name: str, new_name: str | None = None) -> dict[str, Any]:
	"""Copy a template. The copy is nobody's system template, is switched off, and runs as who copied it."""
	source = host.store.template(name)
	values = {field: source.get(field) for field in PORTABLE}
	values["is_active"] = 0
	values["template_name"] = new_name or _free_name(host, source)
	return get(host, host.store.insert_template(values))


def _free_name(host: Host, source: Mapping[str, Any]) -> str:
	stem = f"{source['template_name']} (copy"
	for number in range(1, 1000):
		name = f"{stem})" if number == 1 else f"{stem} {number})"
		if not host.store.templates({"template_name": name, "category": source["category"]}, limit=1):
			return name
	raise Conflict(f"There are too many copies of {source['template_name']}. Give the new one a name.")


def check(
	host: Host, definition: Any, about: meaning.About = meaning.ALONE
) -> tuple[list[Problem], list[Problem]]:
	"""Every problem of a definition that is not stored, and what is probably not meant in it.

	Args:
		definition: JSON text, or a parsed object.
		about: what its template says beside it.
	"""
	try:
		definition = load(definition, host.limits)
	except Invalid as error:
		return list(error.problems), []
	problems = _problems(host, definition, about)
	warnings = meaning.warnings(host, definition, about, _steps_of(problems))
	return problems, warnings if problems else warnings + _not_permitted(host, definition, about)


def _not_permitted(host: Host, definition: Mapping[str, Any], about: meaning.About) -> list[Problem]:
	"""What a sound flow does and its user may not, as far as the acting user is to know."""
	user = host.store.template(about.name).get("run_as") if about.name else ""
	user = user or host.user
	if user != host.user and not host.may_name(user):
		return []
	trigger = definition.get("trigger") or {}
	template = {
		"run_as": user,
		"trigger_event": about.event or trigger.get("event"),
		"applies_to": about.doctype,
		"flow_definition": definition,
	}
	return [Problem(message, field="run_as") for message in acting.may_not(host, template)]


def check_import(host: Host, values: Mapping[str, Any]) -> tuple[list[Problem], list[Problem]]:
	"""Every problem that `import_` would find in an exported template, and what is probably not meant in it."""
	known = _known(host, values)
	fields = {**_portable(values), "name": known["name"] if known else ""}
	problems: list[Problem] = []
	for check_that in (lambda: _check_names(values), lambda: prepare(host, fields, None)):
		try:
			check_that()
		except Invalid as error:
			problems += error.problems
	try:
		definition = load(values.get("flow_definition") or {}, host.limits)
	except Invalid:
		return problems, []
	return problems, meaning.warnings(host, definition, _about(fields), _steps_of(problems))


def _about(values: Mapping[str, Any]) -> meaning.About:
	return meaning.About(
		name=_plain(values.get("name")),
		doctype=_plain(values.get("applies_to")),
		catalog=_plain(values.get("catalog")),
		event=_plain(values.get("trigger_event")),
	)


def _problems(host: Host, definition: dict[str, Any], about: meaning.About) -> list[Problem]:
	found = validate(
		definition,
		host.catalog,
		events=host.events,
		operators=host.operators,
		types=host.field_types,
		limits=host.limits,
	)
	return found + meaning.problems(host, definition, about, _steps_of(found))


def _steps_of(problems: list[Problem]) -> set[str]:
	return {problem.step for problem in problems}


def export(host: Host, name: str) -> dict[str, Any]:
	"""A template as a file holds it: what an author wrote, and nothing of this host."""
	template = get(host, name)
	return {field: template[field] for field in PORTABLE if template.get(field) not in (None, "")}


def import_(host: Host, values: Any) -> tuple[dict[str, Any], bool]:
	"""Store a template that `export` made, over one of the same name and category if there is one.

	Returns:
		The template, and whether it is new.
	"""
	if not isinstance(values, Mapping):
		raise Unreadable("A template file holds one JSON object, such as flow export writes.")
	if "flow_definition" not in values and "steps" in values:
		raise Unreadable(
			"This is a bare definition. Put it into an object with template_name and flow_definition."
		)
	fields = _portable(values)
	_check_names(values)
	known = _known(host, fields)
	if known is None:
		return get(host, host.store.insert_template(fields)), True
	host.store.update_template(known["name"], fields)
	return get(host, known["name"]), False


def seed(host: Host) -> list[str]:
	"""Insert the shipped templates that are missing, and return the names of those. Touches no other.

	Where real customers would hear of it they come switched off: somebody looks at each, and switches it on.
	"""
	inserted = []
	for values in _seeds():
		# One that somebody has put into another category is there all the same.
		is_there = host.store.templates({"template_name": values["template_name"], "is_system": 1}, limit=1)
		if not is_there and _known(host, values) is None:
			fields = {field: values.get(field) for field in PORTABLE}
			fields |= {"is_system": 1, "is_active": int(host.switches_seeds_on)}
			inserted.append(host.store.insert_template(fields))
	return inserted


def _seeds() -> Iterator[dict[str, Any]]:
	"""The flows that the app brings."""
	for path in sorted(SEEDS.glob("*.json")):
		yield json.loads(path.read_text(encoding="utf-8"))


def _known(host: Host, values: Mapping[str, Any]) -> dict[str, Any] | None:
	filters = {
		"template_name": _plain(values.get("template_name")),
		"category": _plain(values.get("category")) or "other",
	}
	return next(iter(host.store.templates(filters, limit=1)), None)


def _portable(values: Mapping[str, Any]) -> dict[str, Any]:
	return {field: values[field] for field in PORTABLE if field in values}


def _check_names(values: Mapping[str, Any]) -> None:
	known = {*AUTHORED, *KEPT, *RECORD}
	unknown = [name for name in values if name not in known]
	if unknown:
		raise Invalid.because(
			[Problem(f"A flow template has no field {name!r}. Remove it.", field=name) for name in unknown]
		)


#: What else a template that was read may carry when it is sent back.
RECORD = ("name", "owner", "creation", "modified", "modified_by", "docstatus", "idx", "doctype", "problems")


def _authored(values: Mapping[str, Any]) -> dict[str, Any]:
	return {name: values[name] for name in AUTHORED if name in values}


def as_dict(template: Mapping[str, Any]) -> dict[str, Any]:
	"""A template as the doors show it: its definition as an object, or as it stands with its `problems`."""
	shown = dict(template)
	text = shown.get("flow_definition")
	if isinstance(text, str):
		try:
			shown["flow_definition"] = json.loads(text) if text else {}
		except ValueError as error:
			shown["problems"] = [
				Problem(f"The definition is not JSON: {error}. Mend it.", field="flow_definition").as_dict()
			]
	return shown
