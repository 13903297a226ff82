"""`bench --site SITE flow …`: seed, validate, run, export, import, doctor."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

import click

from flow_editor.engine.errors import FlowError


class FilePath(click.Path):
	"""A path as the user wrote it: bench changes into its sites folder, but leaves PWD as it was."""

	def convert(self, value: Any, param: Any, ctx: Any) -> Any:
		return super().convert(Path(os.environ.get("PWD", ".")) / value, param, ctx)


@click.group("flow")
def flow() -> None:
	"""Flows: seed, check, start, move and examine them."""


@contextmanager
def _site(context: Any) -> Iterator[Any]:
	"""The site that bench was given, as Administrator; committed at the end."""
	import frappe

	from flow_editor.site.host import current

	sites = context["sites"]
	if not sites:
		raise click.UsageError("Name a site: bench --site SITE flow …")
	frappe.init(site=sites[0])
	frappe.connect()
	try:
		if "flow_editor" not in frappe.get_installed_apps():
			raise click.ClickException(
				f"Flow Editor is not installed on {sites[0]}. Run: bench --site {sites[0]} install-app flow_editor"
			)
		yield current()
		frappe.db.commit()
	finally:
		frappe.destroy()


def on_site(function: Callable) -> Callable:
	"""A command that is given the site's host. What the services refuse is shown as a sentence, exit code 1."""

	@click.pass_obj
	@wraps(function)
	def command(context: Any, *args: Any, **kwargs: Any) -> Any:
		with _site(context) as host:
			try:
				return function(host, *args, **kwargs)
			except FlowError as error:
				lines = [error.message.split(":", 1)[0] if error.problems else error.message]
				raise click.ClickException(
					"\n".join([*lines, *(f"  {problem}" for problem in error.problems)])
				) from None

	return command


@flow.command()
@on_site
def seed(host) -> None:
	"""Insert the shipped flows that are missing; never change one that is there."""
	from flow_editor.services import templates

	inserted = templates.seed(host)
	click.echo(f"{len(inserted)} inserted" + (f": {', '.join(inserted)}" if inserted else ", all were there"))


@flow.command()
@click.argument("files", nargs=-1, required=True, type=FilePath(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the problems as JSON.")
@on_site
def validate(host, files: tuple[Path, ...], as_json: bool) -> None:
	"""Check definitions or exported flows. Exits with 1 if any has a problem."""
	from flow_editor.services import templates

	found = [
		{"file": str(file), **problem.as_dict()}
		for file in files
		for problem in templates.check(host, _definition_in(file))
	]
	if as_json:
		click.echo(json.dumps({"problems": found}, ensure_ascii=False))
	else:
		for problem in found:
			where = " ".join(part for part in (problem["step"], problem["field"]) if part)
			click.echo(f"{problem['file']}: {where}: {problem['message']}")
		click.echo(f"{len(files)} checked, {len(found)} problems")
	if found:
		raise SystemExit(1)


@flow.command()
@click.argument("template")
@click.option("--doctype", default="", help="The DocType of the document that it is about.")
@click.option("--docname", default="", help="The name of that document.")
@click.option("--customer", default="", help="The customer, where the document does not say.")
@click.option("--variables", default="{}", help="A JSON object.")
@on_site
def run(host, template: str, doctype: str, docname: str, customer: str, variables: str) -> None:
	"""Start a flow, by its number or its name, and print what it did."""
	from flow_editor.services import runs

	try:
		bag = json.loads(variables)
	except ValueError as error:
		raise click.BadParameter(f"--variables is not JSON: {error}") from None
	if not isinstance(bag, dict):
		raise click.BadParameter("--variables must be a JSON object")
	moved = runs.start(
		host,
		_template_named(host, template),
		doctype=doctype,
		docname=docname,
		customer=customer,
		variables=bag,
	)
	click.echo(f"{moved.run.name}: {moved.run.status}")
	for step_id, entry in moved.run.step_state.items():
		detail = entry.get("error") or entry.get("due_at") or ("waiting" if entry.get("waiting") else "")
		click.echo(f"  {step_id:<24} {entry['status']:<10} {detail}")


@flow.command()
@click.argument("template")
@click.option(
	"--output", "-o", type=FilePath(dir_okay=False, path_type=Path), help="A file; else it is printed."
)
@on_site
def export(host, template: str, output: Path | None) -> None:
	"""Write a flow as JSON, as `import` reads it."""
	from flow_editor.services import templates

	text = json.dumps(
		templates.export(host, _template_named(host, template)), ensure_ascii=False, indent="\t"
	)
	if output is None:
		click.echo(text)
	else:
		output.write_text(text + "\n", encoding="utf-8")
		click.echo(f"{output} written")


@flow.command("import")
@click.argument("files", nargs=-1, required=True, type=FilePath(exists=True, dir_okay=False, path_type=Path))
@on_site
def import_files(host, files: tuple[Path, ...]) -> None:
	"""Store exported flows, over those of the same name and category. All of them or none."""
	from flow_editor.services import templates

	for file in files:
		template, is_new = templates.import_(host, _json_in(file))
		click.echo(
			f"{template['name']} {template['template_name']}: {'new' if is_new else 'version ' + str(template['version'])}"
		)


@flow.command()
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@on_site
def doctor(host, as_json: bool) -> None:
	"""Look whether flows can run here. Exits with 1 if something needs doing."""
	from flow_editor.site.doctor import examine

	findings = examine(host)
	if as_json:
		shown = [{"what": f.what, "found": f.found, "ok": f.ok, "advice": f.advice} for f in findings]
		click.echo(json.dumps({"findings": shown}, ensure_ascii=False))
	else:
		for finding in findings:
			click.echo(f"{'ok  ' if finding.ok else 'MEND'}  {finding.what}: {finding.found}")
			if finding.advice:
				click.echo(f"      {finding.advice}")
	if not all(finding.ok for finding in findings):
		raise SystemExit(1)


def _json_in(file: Path) -> Any:
	try:
		return json.loads(file.read_text(encoding="utf-8"))
	except ValueError as error:
		raise click.ClickException(f"{file} is not JSON: {error}") from None


def _definition_in(file: Path) -> Any:
	"""The definition that a file holds: the file itself, or an exported flow's."""
	text = file.read_text(encoding="utf-8")
	try:
		content = json.loads(text)
	except ValueError:
		return text  # the check says what is wrong with it
	return content["flow_definition"] if isinstance(content, dict) and "flow_definition" in content else text


def _template_named(host, name: str) -> str:
	found = host.store.templates({"template_name": name}, limit=2)
	if len(found) > 1:
		raise click.ClickException(f"There are several flows called {name}. Give the number of one.")
	return found[0]["name"] if found else name


commands = [flow]
