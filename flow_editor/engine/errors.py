"""The errors that cross a layer. Each carries what a door needs to answer: a message, and problems if any."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Problem:
	"""One thing wrong with a definition.

	`step` is the id of the step it is about (empty: the flow itself), `field` the dotted name of the field
	within it (such as `payload.to` or `depends_on`), and `message` a sentence that says what to do.
	"""

	message: str
	step: str = ""
	field: str = ""

	def as_dict(self) -> dict[str, str]:
		return asdict(self)

	def __str__(self) -> str:
		where = " ".join(part for part in (self.step, self.field) if part)
		return f"{where}: {self.message}" if where else self.message


#: What helps a step that has failed for good, in a run that waits for it; see `FlowError.helps`.
OUTSIDE = "Then retry the step."
IN_FLOW = (
	"A retry would find the same: this run keeps the version of the flow that it started on. "
	"Change the flow, cancel this run and start it again."
)
EITHER = (
	"Once what the step reads is mended, retry it. A change of the flow itself is for later runs: this one keeps the "
	"version that it started on."
)
#: What helps a step that its user may not do.
KEEPS_USER = "Then retry the step: this run keeps its user, so another is for later runs."
#: What a sentence ends with.
ENDS = (".", "!", "?", "…")


class FlowError(Exception):
	"""The base of every error that a caller may be shown. `status` is the HTTP status it maps to.

	`helps` is what its message is to be followed by if it has failed a step whose run waits for it: OUTSIDE, IN_FLOW,
	EITHER or KEEPS_USER, or empty. The message itself says nothing of retrying, since a step that lets its flow go on cannot be retried.
	"""

	status = 400
	code = "bad_request"
	transient = False
	#: What helps if the error does not say.
	usual_helps = ""

	def __init__(self, message: str, problems: Sequence[Problem] = (), *, helps: str = ""):
		super().__init__(message)
		self.message = message
		self.helps = helps or self.usual_helps
		self.problems = tuple(problems)


def described(error: BaseException) -> str:
	"""What an error that nobody foresaw says. An error without a text of its own says where it arose."""
	if isinstance(error, FlowError):
		return error.message
	if text := str(error).strip():
		return f"{type(error).__name__}: {text}"
	places = traceback.extract_tb(error.__traceback__)
	where = f" in {places[-1].name}, line {places[-1].lineno} of {places[-1].filename}" if places else ""
	return (
		f"An error {type(error).__name__} without a text{where}. Report it to the app that brings this code."
	)


class Unreadable(FlowError):
	"""The request or file could not be read at all."""


class NotSignedIn(FlowError):
	status = 401
	code = "not_signed_in"


class NotAllowed(FlowError):
	status = 403
	code = "not_allowed"
	usual_helps = KEEPS_USER


class NotFound(FlowError):
	status = 404
	code = "not_found"
	usual_helps = EITHER


class Conflict(FlowError):
	"""The thing is not in a state in which this can be done to it."""

	status = 409
	code = "conflict"


class RunAsChanges(Conflict):
	"""The write would let a flow run as another user than its author was told."""

	code = "run_as_changes"


class TooLarge(FlowError):
	"""A request's body is larger than is read of one.

	Args:
		most: how many bytes are read.
	"""

	status = 413
	code = "too_large"

	def __init__(self, most: int):
		super().__init__(f"The body is larger than {most:,} bytes.")


class TooMany(FlowError):
	status = 429
	code = "too_many"


class Unavailable(FlowError):
	status = 503
	code = "unavailable"


class Invalid(FlowError):
	"""Readable, but wrong. `problems` holds every reason at once."""

	status = 422
	code = "invalid"

	@classmethod
	def because(cls, problems: Sequence[Problem], what: str = "This flow") -> Invalid:
		count = len(problems)
		head = f"{what} has {count} problem{'s' if count != 1 else ''}"
		return cls(f"{head}: " + " ".join(str(problem) for problem in problems[:20]), problems)


class StepFailed(FlowError):
	"""Raised by a kind or a port when a step cannot be done. The message is shown to the operator.

	`transient` says that the same attempt may well succeed later (a refused connection, a timeout): such a
	failure is retried by default, any other only where the step declares it. `retry_after` is what the other side
	says of when to come back, as HTTP writes it (Retry-After): no attempt is made before; see `timing.put_off`. `helps`: see `FlowError`.
	"""

	status = 422
	code = "step_failed"

	def __init__(
		self,
		message: str,
		*,
		transient: bool = False,
		result: object = None,
		retry_after: str = "",
		helps: str = "",
	):
		super().__init__(message, helps=helps)
		self.transient = transient
		self.result = result
		self.retry_after = retry_after


def with_help(message: str, helps: str) -> str:
	"""A message with what helps. Frappe's own often have no full stop."""
	return f"{message if message.endswith(ENDS) else f'{message}.'} {helps}"


def without_help(message: str) -> str:
	"""A message without what helps, for where that is said in other words."""
	for helps in (OUTSIDE, IN_FLOW, EITHER, KEEPS_USER):
		message = message.removesuffix(f" {helps}")
	return message


def helps_by(written: object) -> str:
	"""What helps if a step's field is wrong as it came out, by what its author wrote there: its words stand in the flow, a
	path reads what may be mended outside."""
	return EITHER if "{{" in str(written or "") else IN_FLOW
