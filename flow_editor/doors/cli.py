"""The verbs that `bench --site SITE flow …` and `flow-editor …` share."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from flow_editor.engine.errors import FlowError, Problem
from flow_editor.services import portable, publishing, templates
from flow_editor.services.host import Host

#: Makes a command of a function whose first argument is a host, in a transaction of its own.
OnHost = Callable[[Callable[..., Any]], Callable[..., Any]]


def shared_commands(
	on_host: OnHost, *, on_checking_host: OnHost, path: type[click.Path]
) -> list[click.Command]:
	"""seed, validate, export, import and restore.

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
	@on_host
	def export(host: Host, template: str, output: Path | None) -> None:
		"""Write a flow, given by its number or its name, as JSON that `import` reads."""
		exported = portable.export(host, number_of(host, template))
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
	@click.argument("template")
	@click.option(
		"--version",
		default=publishing.SHIPPED,
		show_default=True,
		help="What to restore: shipped, or the number of an earlier version.",
	)
	@on_host
	def restore(host: Host, template: str, version: str) -> None:
		"""Give a flow what it came with, as a new version. What it is now stays among its versions."""
		restored, notices = publishing.restore(host, number_of(host, template), version)
		click.echo(f"{restored['name']} {restored['template_name']}: version {restored['version']}")
		for notice in notices:
			click.echo(notice)

	return [seed, validate, export, import_files, restore]


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
