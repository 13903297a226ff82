"""What a step's failure says: to whoever reads the run, and, if nobody foresaw it, to an admin."""

from __future__ import annotations

import traceback
from typing import Any, NamedTuple

from flow_editor.engine import errors, render
from flow_editor.engine.definition import FAIL_THE_RUN, Step
from flow_editor.engine.errors import FlowError, StepFailed, described
from flow_editor.engine.records import Run
from flow_editor.services.host import Host

#: The longest error kept on a step, in characters.
ERROR_LENGTH = 2000
#: What a value raises that does not fit: the same step would raise it again, however long one waits. Python's errors of
#: the surroundings (OSError), and those of libraries, are none of these.
MISTAKES = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


class Explained(NamedTuple):
	"""A failure: a sentence, whether it may pass by itself, a result to keep, and what helps."""

	message: str
	transient: bool
	result: Any
	helps: str


def explained(host: Host, run: Run, step: Step, error: BaseException) -> Explained:
	"""What an error says that a step has raised. One that nobody foresaw is logged."""
	helps = ""
	if isinstance(error, FlowError):
		message, transient, helps = error.message, error.transient, error.helps
	elif (refusal := host.refusal(error, run.run_as)) is not None:
		message, transient, helps = refusal, False, errors.EITHER
	else:
		# If it may be the surroundings, it is tried again.
		message, transient = described(error), True
		if isinstance(error, MISTAKES) and not isinstance(error, OSError):
			message, transient, helps = (
				f"The step cannot be done as it stands ({message}): a value does not fit, or its kind has a fault. "
				"Correct the step; the log has more.",
				False,
				errors.EITHER,
			)
		host.log(
			f"Flow Run {run.name}: step {step.id} ({step.kind}) raised an error",
			"".join(traceback.format_exception(error)),
		)
	return Explained(
		render.jsonable(message[:ERROR_LENGTH]), transient, getattr(error, "result", None), helps
	)


def advised(step: Step, message: str, helps: str) -> str:
	"""An error with what helps, unless the flow goes on without the step: then there is nothing to be retried."""
	return errors.with_help(message, helps) if helps and step.on_error == FAIL_THE_RUN else message


def no_kind(step: Step) -> StepFailed:
	"""What fails a step whose kind is gone."""
	return StepFailed(
		f"There is no step kind {step.kind!r} here any more. Install the app that brings it.",
		helps=f"{errors.OUTSIDE} Or change the flow, cancel this run, which keeps the step as it is, and start it again.",
	)
