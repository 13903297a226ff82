"""`bench --site SITE flow …`: the shared verbs (`doors.cli`), run and doctor."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

import click

from flow_editor.doors.cli import input_option, number_of, refusals_as_sentences, shared_commands


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

	# Frappe 15 hands over a dictionary, Frappe 16 an object.
	sites = context["sites"] if isinstance(context, dict) else context.sites
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
	"""A command that is given the site's host."""

	@click.pass_obj
	@wraps(function)
	def command(context: Any, *args: Any, **kwargs: Any) -> Any:
		with _site(context) as host, refusals_as_sentences():
			return function(host, *args, **kwargs)

	return command


for _command in shared_commands(on_site, on_checking_host=on_site, path=FilePath):
	flow.add_command(_command)


@flow.command()
@click.argument("template")
@click.option("--doctype", default="", help="The DocType of the document that it is about.")
@click.option("--docname", default="", help="The name of that document.")
@click.option("--customer", default="", help="The customer, where the document does not say.")
@click.option("--variables", default="{}", help="A JSON object.")
@input_option
@on_site
def run(
	host, template: str, doctype: str, docname: str, customer: str, variables: str, inputs: dict[str, str]
) -> None:
	"""Start a flow, by its number or its name, and print what it did."""
	from flow_editor.services import looking, starting

	try:
		bag = json.loads(variables)
	except ValueError as error:
		raise click.BadParameter(f"--variables is not JSON: {error}") from None
	if not isinstance(bag, dict):
		raise click.BadParameter("--variables must be a JSON object")
	number = number_of(host, template)
	moved = starting.start(
		host,
		number,
		doctype=doctype,
		docname=docname,
		customer=customer,
		variables={**bag, **starting.inputs_by_name(host, number, inputs)},
	)
	click.echo(f"{moved.run.name}: {moved.run.status}")
	for step_id, entry in looking.as_dict(host, moved.run)["step_state"].items():
		detail = entry.get("error") or entry.get("due_at") or ("waiting" if entry.get("waiting") else "")
		click.echo(f"  {step_id:<24} {entry['status']:<10} {detail}")


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


commands = [flow]
