"""`flow-editor …`: validate and run flows without a bench, and serve the lab. `bench --site SITE flow …` has the same
verbs for a site."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Any

import click

from flow_editor.doors.cli import (
	answers_option,
	definition_in,
	input_option,
	json_in,
	refusals_as_sentences,
	shared_commands,
	show_trial,
)
from flow_editor.engine import timing
from flow_editor.lab.host import LabHost
from flow_editor.trial.answers import answers_in
from flow_editor.trial.host import utc_now
from flow_editor.trial.simulate import simulate

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
DATABASE = click.option("--db", default="flow-editor.db", show_default=True, help="The lab's SQLite file.")


class Refusing(click.Group):
	"""What the services refuse is shown as sentences, with exit code 1."""

	def invoke(self, ctx: click.Context) -> Any:
		with refusals_as_sentences():
			return super().invoke(ctx)


def on_lab(function: Callable) -> Callable:
	"""A command that is given the lab of --db, in a transaction."""

	@DATABASE
	@wraps(function)
	def command(*args: Any, db: str, **kwargs: Any) -> Any:
		host = LabHost(db)
		with host.store.transaction():
			return function(host, *args, **kwargs)

	return command


def on_nothing(function: Callable) -> Callable:
	"""A command that is given an empty lab in memory."""

	@wraps(function)
	def command(*args: Any, **kwargs: Any) -> Any:
		return function(LabHost(), *args, **kwargs)

	return command


@click.group(cls=Refusing)
@click.version_option(package_name="flow_editor")
def main() -> None:
	"""Flows without a bench: check them, run them in virtual time, serve the lab."""


for _command in shared_commands(on_lab, on_checking_host=on_nothing, path=click.Path):
	main.add_command(_command)


@main.command()
@click.argument("file", type=FILE)
@click.option("--doc", type=FILE, help="JSON of the document that it is about: doctype, name and fields.")
@click.option("--variables", type=FILE, help="JSON of the run's variables.")
@input_option
@click.option("--now", help="When it starts, such as 2026-11-23 09:00.")
@click.option("--until", help="When to stop looking: a moment, or a length such as 30d or 12h.")
@answers_option
@click.option(
	"--http",
	type=FILE,
	help="JSON of what web calls are answered: a list of objects with url (a part of the address) and any of method, status, "
	"headers, body, times, error (why there is no answer).",
)
@click.option(
	"--json", "as_json", is_flag=True, help="Print run, timeline, sent and documents as one JSON object."
)
def run(
	file: Path,
	doc: Path | None,
	variables: Path | None,
	inputs: dict[str, str],
	now: str | None,
	until: str | None,
	answers: dict[str, Any],
	http: Path | None,
	as_json: bool,
) -> None:
	"""Run a definition in memory, in virtual time, to its end or --until.

	Exits with 0 whatever became of the run, which `run.status` says; with 1 if the definition or the document is refused.
	"""
	began = moment(now, "--now") if now else utc_now().replace(microsecond=0)
	done = simulate(
		definition_in(file),
		doc=object_in(doc) if doc else None,
		variables=object_in(variables) if variables else None,
		inputs=inputs,
		now=began,
		until=end(until, began) if until else None,
		answers=answers,
		http=answers_in(json_in(http)) if http else (),
	)
	show_trial(done, as_json)


@main.command()
@DATABASE
def doctor(db: str) -> None:
	"""Look at the lab's inbox and runs, and say what to do. Exits with 1 if something needs doing."""
	host = LabHost(db)
	failed = host.store.runs({"status": "failed"}, limit=5)
	due = host.store.next_due()
	overdue = due is not None and due <= host.now()
	click.echo(f"ok    Clock: {host.now():%Y-%m-%d %H:%M}")
	click.echo(f"{'MEND' if overdue else 'ok  '}  Inbox: next due {due or 'never'}")
	if overdue:
		click.echo("      Start the lab, which works it off: flow-editor serve")
	click.echo(f"{'MEND' if failed else 'ok  '}  Runs: {len(failed)} failed")
	for broken in failed:
		click.echo(f"      {broken.name}: {broken.error} Open it in the lab to retry or cancel it.")
	raise SystemExit(1 if overdue or failed else 0)


def object_in(file: Path) -> dict[str, Any]:
	content = json_in(file)
	if not isinstance(content, dict):
		raise click.ClickException(f"{file} must hold a JSON object.")
	return content


def moment(text: str, option: str) -> datetime:
	try:
		return timing.parse_moment(text, LabHost.timezone)
	except ValueError:
		raise click.BadParameter(
			f"{text!r} is not a date. Write 2027-03-31, or 2027-03-31T09:00.", param_hint=option
		) from None


def end(text: str, began: datetime) -> datetime:
	try:
		return began + timing.parse_span(text)
	except (ValueError, OverflowError):
		pass
	try:
		return timing.parse_moment(text, LabHost.timezone)
	except ValueError:
		raise click.BadParameter(
			f"{text!r} is neither a length, such as 30d or 12h, nor a date, such as 2027-03-31 or "
			"2027-03-31T09:00.",
			param_hint="--until",
		) from None


@main.command()
@click.option("--port", default=8010, show_default=True, type=click.IntRange(1, 65535))
@click.option("--token", default="", help="If given, every request must carry it as a bearer token.")
@DATABASE
def serve(port: int, token: str, db: str) -> None:
	"""Serve the lab on loopback: flows, runs, documents, sent messages, and a clock that can be moved."""
	from flow_editor.lab import server

	server.serve(db, port, token)
