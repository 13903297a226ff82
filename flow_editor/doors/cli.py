"""The verbs that `bench --site SITE flow …` and `flow-editor …` share."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from flow_editor.engine.errors import FlowError, Problem
from flow_editor.services import drafts, portable, publishing, templates, why
from flow_editor.services.host import Host
from flow_editor.services.trying import Trial, try_flow

#: For commands that act on a draft.
revision_option = click.option(
	"--revision", type=int, help="Only if the draft has this revision: nobody has kept another since."
)
#: How much of a value the table of a trial shows.
WIDTH = 80
#: Makes a command of a function whose first argument is a host, in a transaction of its own.
OnHost = Callable[[Callable[..., Any]], Callable[..., Any]]


def shared_commands(
	on_host: OnHost, *, on_checking_host: OnHost, path: type[click.Path]
) -> list[click.Command]:
	"""seed, validate, export, import, draft, publish, discard, versions, restore and trial.

	Args:
		on_host: gives them the host that they work on.
		on_checking_host: gives `validate` a host whose kinds and events are to be checked against.
		path: the type of the files that they name.
	"""
	existing = path(exists=True, dir_okay=False, path_type=Path)

	@click.command()
	@on_host
	def seed(host: Host) -> None:
		"""Insert the shipped flows that are missing; never change one that is there."""
		inserted = portable.seed(host)
		click.echo(
			f"{len(inserted)} inserted" + (f": {', '.join(inserted)}" if inserted else ", all were there")
		)

	@click.command()
	@click.argument("files", nargs=-1, required=True, type=existing)
	@click.option("--json", "as_json", is_flag=True, help="Print the problems and warnings as JSON.")
	@on_checking_host
	def validate(host: Host, files: tuple[Path, ...], as_json: bool) -> None:
		"""Check definitions or exported flows. Exits with 1 if any has a problem; a warning is none."""
		found: dict[str, list[dict[str, str]]] = {"problems": [], "warnings": []}
		for file in files:
			for what, told in zip(found, _findings_of(host, file), strict=True):
				found[what] += [{"file": str(file), **one.as_dict()} for one in told]
		if as_json:
			click.echo(json.dumps(found, ensure_ascii=False))
		else:
			for what, told in found.items():
				for one in told:
					where = " ".join(part for part in (one["step"], one["field"]) if part)
					word = "warning: " if what == "warnings" else ""
					click.echo(f"{one['file']}: {where}: {word}{one['message']}")
			counts = ", ".join(f"{len(told)} {what}" for what, told in found.items())
			click.echo(f"{len(files)} checked, {counts}")
		if found["problems"]:
			raise SystemExit(1)

	@click.command()
	@click.argument("template")
	@click.option(
		"--output", "-o", type=path(dir_okay=False, path_type=Path), help="A file; else it is printed."
	)
	@click.option("--draft", is_flag=True, help="What its draft says, in place of what is published.")
	@on_host
	def export(host: Host, template: str, output: Path | None, draft: bool) -> None:
		"""Write a flow, given by its number or its name, as JSON that `import` and `draft` read."""
		exported = portable.export(host, number_of(host, template), draft=draft)
		text = json.dumps(exported, ensure_ascii=False, indent="\t")
		if output is None:
			click.echo(text)
		else:
			output.write_text(text + "\n", encoding="utf-8")
			click.echo(f"{output} written")

	@click.command("import")
	@click.argument("files", nargs=-1, required=True, type=existing)
	@on_host
	def import_files(host: Host, files: tuple[Path, ...]) -> None:
		"""Store exported flows, over those of the same name and category. All of them or none."""
		for file in files:
			template, is_new = portable.import_(host, json_in(file))
			what = "new" if is_new else f"version {template['version']}"
			click.echo(
				f"{template['name']} {template['template_name']}: {what}, runs as {template['run_as']}"
			)

	@click.command()
	@click.argument("files", nargs=-1, required=True, type=existing)
	@on_host
	def draft(host: Host, files: tuple[Path, ...]) -> None:
		"""Keep exported flows as drafts of those of the same name and category, or of new ones, whatever is wrong with them.
		What is published stays as it is. All of them or none."""
		for file in files:
			name, is_new = portable.import_draft(host, json_in(file))
			_tell_draft(host, name, "new, " if is_new else "")

	@click.command()
	@click.argument("template")
	@click.option("--note", default="", help="Why, for who looks back.")
	@revision_option
	@on_host
	def publish(host: Host, template: str, note: str, revision: int | None) -> None:
		"""Make a version of what a flow's draft says. Exits with 1 if it has a problem."""
		published, notices = publishing.publish(
			host, number_of(host, template), draft_revision=revision, note=note
		)
		click.echo(
			f"{published['name']} {published['template_name']}: version {published['version']}, "
			f"runs as {published['run_as']}, {'on' if published['is_active'] else 'off'}"
		)
		for notice in notices:
			click.echo(notice)

	@click.command()
	@click.argument("template")
	@revision_option
	@on_host
	def discard(host: Host, template: str, revision: int | None) -> None:
		"""Give up a flow's draft. What is published stays as it is."""
		had_one = templates.discard_draft(host, number_of(host, template), revision)
		click.echo("Its draft is discarded." if had_one else "It has no draft.")

	@click.command()
	@click.argument("template")
	@click.option("--version", help="Print the definition of this one.")
	@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
	@on_host
	def versions(host: Host, template: str, version: str | None, as_json: bool) -> None:
		"""List a flow's versions, newest first: who made each, when and why."""
		number = number_of(host, template)
		if version is not None:
			definition = publishing.version(host, number, version)["flow_definition"]
			click.echo(json.dumps(definition, ensure_ascii=False, indent="\t"))
			return
		found = publishing.versions(host, number, limit=0)
		if as_json:
			click.echo(json.dumps(found, ensure_ascii=False))
			return
		for one in found:
			note = " ".join(one["note"].split())
			click.echo(f"{one['version']:>5}  {one['saved_at'][:16]}  {one['saved_by']}  {note}".rstrip())

	@click.command()
	@click.argument("template")
	@click.option(
		"--version",
		default=publishing.SHIPPED,
		show_default=True,
		help="What to restore: shipped, or the number of an earlier version.",
	)
	@click.option("--draft", is_flag=True, help="Restore it into the draft, and publish nothing.")
	@on_host
	def restore(host: Host, template: str, version: str, draft: bool) -> None:
		"""Give a flow what it came with, as a new version. What it is now stays among its versions."""
		number = number_of(host, template)
		if draft:
			notices = publishing.restore_draft(host, number, version)
			_tell_draft(host, number)
		else:
			restored, notices = publishing.restore(host, number, version)
			click.echo(f"{restored['name']} {restored['template_name']}: version {restored['version']}")
		for notice in notices:
			click.echo(notice)

	@click.command()
	@click.argument("flow")
	@click.option("--doctype", default="", help="The DocType of the document that it is tried on.")
	@click.option("--docname", default="", help="The document's name.")
	@click.option("--variables", type=existing, help="JSON of the run's variables.")
	@input_option
	@click.option("--now", default="", help="When it starts, such as 2026-11-23 09:00; by default now.")
	@click.option("--until", default="", help="When to stop: a moment, or a length such as 30d or 12h.")
	@answers_option
	@click.option("--json", "as_json", is_flag=True, help="Print what happened as one JSON object.")
	@on_host
	def trial(
		host: Host,
		flow: str,
		doctype: str,
		docname: str,
		variables: Path | None,
		inputs: dict[str, str],
		now: str,
		until: str,
		answers: dict[str, Any],
		as_json: bool,
	) -> None:
		"""Try a flow, given by its number, its name or a file, on a real document and in virtual time. Nothing is written, sent
		or locked.

		Exits with 0 whatever became of the run; with 1 if it is refused.
		"""
		file = existing.convert(flow, None, None) if flow.endswith(".json") else None
		given = {**(json_in(variables) if variables else {}), **inputs}
		tried = try_flow(
			host,
			flow_definition=definition_in(file) if file else None,
			template="" if file else number_of(host, flow),
			doctype=doctype,
			docname=docname,
			variables=given,
			now=now,
			until=until,
			answers=answers,
		)
		show_trial(tried, as_json)

	@click.command()
	@click.argument("flow")
	@click.option("--doctype", default="", help="The DocType of the document that it is asked about.")
	@click.option("--docname", default="", help="The document's name.")
	@click.option("--json", "as_json", is_flag=True, help="Print the answer as one JSON object.")
	@on_host
	def explain(host: Host, flow: str, doctype: str, docname: str, as_json: bool) -> None:
		"""Say whether a flow, given by its number or its name, would start on a document now, and why not."""
		found = why.explain(host, number_of(host, flow), doctype=doctype, docname=docname)
		if as_json:
			click.echo(json.dumps(found, ensure_ascii=False, default=str))
			return
		click.echo("It would start." if found["would_start"] else "It would not start.")
		for gate in found["gates"]:
			word = {True: "yes", False: "no", None: "-"}[gate["passes"]]
			read = ", ".join(f"{path} is {value!r}" for path, value in gate["values"].items())
			click.echo(f"{word:>4}  {gate['says']}{f' ({read})' if read else ''}")

	return [seed, validate, export, import_files, draft, publish, discard, versions, restore, trial, explain]


def _tell_draft(host: Host, name: str, what: str = "") -> None:
	"""Say what a draft is kept as, and what is wrong with it."""
	stored = host.store.template(name)
	problems, warnings = drafts.findings(host, stored)
	click.echo(f"{name} {stored['template_name']}: {what}draft {stored['draft_revision']}")
	for word, told in (("problem", problems), ("warning", warnings)):
		for one in told:
			click.echo(f"  {word}: {one}")


#: For commands that start a flow.
input_option = click.option(
	"--input",
	"inputs",
	multiple=True,
	metavar="NAME=VALUE",
	callback=lambda ctx, option, given: dict(map(_pair, given)),
	help="What the flow asks for; once for each of its inputs.",
)


def _pair(text: str) -> tuple[str, str]:
	name, given, value = text.partition("=")
	if not (given and name.strip()):
		raise click.BadParameter(f"{text!r} is not NAME=VALUE.", param_hint="--input")
	return name.strip(), value


@contextmanager
def refusals_as_sentences() -> Iterator[None]:
	"""Show what the services refuse as sentences, with exit code 1."""
	try:
		yield
	except FlowError as error:
		head = error.message.split(":", 1)[0] if error.problems else error.message
		raise click.ClickException(
			"\n".join([head, *(f"  {problem}" for problem in error.problems)])
		) from None


def number_of(host: Host, template: str) -> str:
	"""The number of a template that is given by its number or its name."""
	found = host.store.templates({"template_name": template}, limit=2)
	if len(found) > 1:
		raise click.ClickException(f"There are several flows called {template}. Give the number of one.")
	return found[0]["name"] if found else template


def json_in(file: Path) -> Any:
	try:
		return json.loads(file.read_text(encoding="utf-8-sig"))
	except (ValueError, RecursionError) as error:
		raise click.ClickException(f"{file} is not JSON: {error}") from None


def definition_in(file: Path) -> Any:
	"""The definition that a file holds: the file itself, or an exported flow's."""
	exported = _exported_in(file)
	return file.read_bytes() if exported is None else exported["flow_definition"]


def _findings_of(host: Host, file: Path) -> tuple[list[Problem], list[Problem]]:
	exported = _exported_in(file)
	if exported is not None and "template_name" in exported:
		return portable.check_import(host, exported)
	return templates.check(host, definition_in(file))


def _exported_in(file: Path) -> dict[str, Any] | None:
	"""The object with a flow_definition that a file holds, if it does."""
	try:
		content = json.loads(file.read_text(encoding="utf-8-sig"))
	except (ValueError, RecursionError):
		return None  # the check of definitions says what is wrong with it
	return content if isinstance(content, dict) and "flow_definition" in content else None


def _answer(text: str) -> tuple[str, Any]:
	step_id, given, result = text.partition("=")
	if not given:
		return step_id, None
	try:
		return step_id, json.loads(result)
	except ValueError as error:
		raise click.BadParameter(f"{result!r} is not JSON: {error}", param_hint="--complete") from None


#: For commands that try a flow.
answers_option = click.option(
	"--complete",
	"answers",
	multiple=True,
	metavar="STEP_ID[=JSON]",
	callback=lambda ctx, option, given: dict(map(_answer, given)),
	help="Answer a step that waits, when it is reached.",
)


def show_trial(tried: Trial, as_json: bool) -> None:
	"""Print a trial, as JSON or as a person reads it."""
	click.echo(json.dumps(tried.as_dict(), ensure_ascii=False) if as_json else _table(tried))


def _table(done: Trial) -> str:
	"""The trial as a person reads it."""
	lines = [
		f"{done.run['status']}  {done.run['started_at']} to {done.run['completed_at'] or '(not over)'}",
		"",
	]
	for entry in done.timeline:
		detail = entry["error"] or (_shortly(entry["result"]) if entry["result"] else "")
		lines.append(
			f"{entry['at']}  {entry['step_id']:<24} {entry['kind']:<22} {entry['status']:<10} {detail}".rstrip()
		)
	if done.sent:
		lines += ["", "Sent"]
		lines += [
			f"{message['at'][:19]}  {message['channel']:<8} {message.get('to') or message['url']}  {_said(message)}".rstrip()
			for message in done.sent
		]
	if done.documents:
		lines += ["", "Documents"]
		lines += [
			f"{change['action']:<8} {change['doctype']} {change['name']}  {_shortly(change['values'])}"
			for change in done.documents
		]
	if done.run["stopped"]:
		lines += ["", done.run["stopped"]]
	return "\n".join(lines)


def _said(message: dict[str, Any]) -> str:
	"""The beginning of what a message says: its subject, if it has one."""
	return message.get("subject") or " ".join(message["body"].split())[:WIDTH]


def _shortly(value: Any) -> str:
	return json.dumps(value, ensure_ascii=False)[:WIDTH]
