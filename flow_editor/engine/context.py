"""What a step sees: the scope of its expressions, and the ports that its kind may use.

The scope is lazy: a document is loaded, as the run's user, when an expression first asks for it. It is one file, though long: what a
step sees is read best at one place.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import fields
from datetime import date, datetime
from functools import cached_property
from typing import Any

from flow_editor.engine import logic, markup, people, recipients, render, timing
from flow_editor.engine.definition import Step
from flow_editor.engine.errors import EITHER, IN_FLOW, NotFound, StepFailed
from flow_editor.engine.field_type import Form
from flow_editor.engine.fields import Field, Fielded
from flow_editor.engine.filters import Use
from flow_editor.engine.filters.rows import Table
from flow_editor.engine.ports import CUSTOMER, Surroundings
from flow_editor.engine.records import Run
from flow_editor.engine.secrets import WithMarks
from flow_editor.engine.values import Conventions, document
from flow_editor.engine.waiting import Watch

#: Where the beginning of a result that was cut is kept: of a web call's answer, and of any other.
CUT_KEYS = {"body", "text"}
#: How many documents a step reads by Link fields.
MOST_READS = 100
MEDIA = {"emails": recipients.MAIL, "phones": recipients.PHONE}
#: What a document start's condition can read beside them.
BEFORE = "before"
ROOTS = ("doc", "customer", "run", "template", "variables", "now", "today", "steps")


class Scope(Mapping[str, Any]):
	"""`doc`, `customer`, `run`, `template`, `variables`, `now`, `today` and `steps`, each loaded when first read.

	A result of which only the beginning was kept cannot be read; see `Results`.

	Args:
		doc: the document's fields, if the caller has them already.
		before: its fields before the change that starts the run, which alone can read them.
		read: how to load a document: (DocType, name) to its fields. By default as the acting user may.
	"""

	def __init__(
		self,
		host: Surroundings,
		run: Run,
		*,
		doc: Mapping[str, Any] | None = None,
		before: Mapping[str, Any] | None = None,
		read: Callable[[str, str], Mapping[str, Any]] | None = None,
	):
		self._host = host
		self._run = run
		self._read = read or host.documents.get
		self._linked: dict[tuple[str, str], Mapping[str, Any] | None] = {}
		self._reads = 0
		self._loaded: dict[str, Any] = {} if doc is None else {"doc": doc}
		self._load: dict[str, Callable[[], Any]] = {
			"doc": self._doc,
			"customer": self._customer,
			"run": self._run_fields,
			"template": self._template,
			"variables": lambda: run.variables,
			"now": lambda: host.now().replace(microsecond=0),
			"today": lambda: host.now().date(),
			"steps": lambda: Results(run.step_state),
			**({} if before is None else {BEFORE: lambda: before}),
		}

	def __getitem__(self, key: str) -> Any:
		if key not in self._loaded:
			self._loaded[key] = self._load[key]()
		return self._loaded[key]

	def __iter__(self) -> Iterator[str]:
		return iter(self._load)

	def __len__(self) -> int:
		return len(self._load)

	def __contains__(self, key: object) -> bool:
		return key in self._load

	def refresh(self) -> None:
		"""Forget what was loaded, after a step has changed documents or time has passed."""
		self._loaded.clear()
		self._linked.clear()

	# What its expressions may use

	@cached_property
	def use(self) -> Use:
		"""What filters and links may use; see `engine.expressions`."""
		host = self._host
		return Use(
			filters=host.filters,
			conventions=host.conventions,
			reader=lambda: self.reader,
			linked=self.linked,
			days_off=self.days_off,
			now=host.now,
		)

	@cached_property
	def reader(self) -> people.Reader:
		"""In whose language filters write: the customer's."""
		return people.Reader(self._host.words, self._run.customer)

	@property
	def warnings(self) -> list[str]:
		"""What was empty since `begin` because a filter could not take it."""
		return self.use.warnings if "use" in self.__dict__ else []

	def begin(self) -> None:
		"""A step begins: none of its expressions has been read yet."""
		self._reads = 0
		self.warnings.clear()

	def linked(self, doctype: str, name: str) -> Mapping[str, Any] | None:
		"""The document that a Link field names, as the acting user may read it, or None if it is gone.

		Raises:
			NotAllowed: of the acting user.
			StepFailed: the step has read too many.
		"""
		key = (doctype, name)
		if key not in self._linked:
			self._reads += 1
			if self._reads > MOST_READS:
				raise StepFailed(
					f"This step reads more than {MOST_READS} documents by Link fields. Use paths through fewer.",
					helps=IN_FLOW,
				)
			try:
				self._linked[key] = self._read(doctype, name)
			except NotFound:
				self._linked[key] = None
		return self._linked[key]

	def days_off(self, first: date, last: date) -> Collection[date]:
		"""The days on which the company does not work that the document belongs to."""
		return self._host.days_off(render.as_text(render.resolve(self, "doc.company")), first, last)

	def _doc(self) -> Mapping[str, Any]:
		run = self._run
		if not (run.context_doctype and run.context_docname):
			return {}
		if run.kept_document:
			types_of = self._host.documents.types
			return document(run.kept_document, types_of(run.context_doctype), types_of)
		return self._read(run.context_doctype, run.context_docname)

	def _customer(self) -> Mapping[str, Any]:
		return self._read(CUSTOMER, self._run.customer) if self._run.customer else {}

	def _run_fields(self) -> Mapping[str, Any]:
		# Its variables and step_state are JSON already, and the latter may be long.
		values = {field.name: getattr(self._run, field.name) for field in fields(self._run)}
		values["step_state"] = Results(self._run.step_state)
		return {
			name: value if isinstance(value, Mapping) else render.jsonable(value)
			for name, value in values.items()
		}

	def _template(self) -> Mapping[str, Any]:
		if not self._run.flow_template:  # a flow that is being written and not stored yet
			return {}
		template = self._host.store.template(self._run.flow_template)
		return {
			"name": self._run.flow_template,
			"template_name": template.get("template_name"),
			"version": self._run.template_version,
		}


class Results(Mapping[str, Any]):
	"""A run's `step_state` as expressions read it: what was cut of a result is there as `render.Cut`."""

	def __init__(self, state: Mapping[str, Mapping[str, Any]]):
		self._state = state

	def __getitem__(self, step_id: str) -> Mapping[str, Any]:
		entry = self._state[step_id]
		result = entry.get("result")
		if isinstance(result, Mapping) and result.get("truncated") is True:
			cut = render.Cut(
				f"The result of step {step_id} was too long and only its beginning was kept, so it cannot be read. Ask for "
				"less there. Flow Settings say how much is read of an answer, and a run keeps a million characters of one at "
				"most."
			)
			whole = {key: value for key, value in result.items() if key not in CUT_KEYS}
			return {
				**entry,
				"result": render.Beginning({**whole, **dict.fromkeys(CUT_KEYS & result.keys(), cut)}, cut),
			}
		return entry

	def __iter__(self) -> Iterator[str]:
		return iter(self._state)

	def __len__(self) -> int:
		return len(self._state)


class StepContext:
	"""What `Kind.run`, `prepare` and `send` are given beside the step.

	Attributes:
		payload: the step's payload, rendered, with the defaults of fields that were left empty.
		given: the result that somebody passed to `complete`, if any.
		idempotency_key: the same at every repetition of one attempt group of this step.
		scope: for expressions; see `Scope`.
		reader: who reads its texts.
		documents, erpnext, messages, http: the host's ports; see `engine.ports`. The host itself is none of them.
	"""

	def __init__(
		self,
		host: Surroundings,
		run: Run,
		step: Step,
		kind: Fielded,
		scope: Scope,
		*,
		idempotency_key: str,
		given: Any = None,
	):
		self._host = host
		self.run = run
		self.step = step
		self.kind = kind
		self.scope = scope
		self.given = given
		self.idempotency_key = idempotency_key
		self.documents = host.documents
		self.erpnext = host.erpnext
		self.messages = host.messages
		self.http = host.http
		#: Calls that the step asks to be made beside its own effect; see `call`.
		self.calls: list[tuple[dict[str, Any], Watch | None]] = []
		#: What all its texts may come to; see `render.Budget`.
		self.budget = render.Budget()
		self._payload: dict[str, Any] | None = None

	@property
	def now(self) -> datetime:
		return self._host.now()

	@property
	def reader(self) -> people.Reader:
		return self.scope.reader

	@property
	def conventions(self) -> Conventions:
		"""How dates and numbers are read here."""
		return self._host.conventions

	def secret(self, name: str, url: str) -> str:
		"""A secret's value, to be sent to a web address.

		Raises:
			StepFailed: there is none of that name, or it is not to go there.
		"""
		return self._host.secret(name, url)

	@property
	def payload(self) -> dict[str, Any]:
		if self._payload is None:
			# Whose language it is has to be asked for.
			reader = self.reader if self.kind.audience == "people" else None
			self._payload = render_payload(
				self.kind, self.step.payload, self.scope, self.budget, reader=reader
			)
		return self._payload

	@property
	def customer(self) -> str:
		return self.run.customer

	def with_secrets(self, name: str) -> Any:
		"""A field rendered with marks where `{{secrets.…}}` stands; see `engine.secrets`."""
		scope = WithMarks(self.scope, self.idempotency_key)
		field = self.kind.field(name)
		return (
			None if field is None else render_field(self.kind, field, self.step.payload, scope, self.budget)
		)

	def after(self, span: Mapping[str, Any]) -> datetime:
		"""The moment a length of time from now; see `field_types.Span`.

		Raises:
			StepFailed: a part of it is no number, or it is too long.
		"""
		delay = {}
		for part, written in span.items():
			if written in (None, ""):
				continue
			number = timing.parse_amount(written)
			if number is None or number < 0:
				raise StepFailed(
					f"The number of {part.replace('_', ' ')} is {str(written)[:60]!r}, and has to be 0 or more. Correct it.",
					helps=EITHER,
				)
			delay[f"delay_{part}"] = number
		if problem := next(timing.delay_problems(delay), None):
			raise StepFailed(problem[1], helps=EITHER)
		company = str(self.lookup("doc.company") or "") if "delay_working_days" in delay else ""
		try:
			anchor = timing.Anchor.of(self.now)
			return timing.after(
				anchor,
				self.conventions.zone,
				delay,
				lambda first, last: self._host.days_off(company, first, last),
			).at
		except OverflowError:
			raise StepFailed(
				f"It would be more than {timing.MAX_YEARS} years away. Shorten it.", helps=EITHER
			) from None
		except ValueError as error:
			raise StepFailed(str(error), helps=EITHER) from error

	def verdict(self, condition: Any) -> logic.Verdict:
		"""Whether a condition holds, and what it has read.

		Raises:
			StepFailed: it cannot be told, or it is no condition.
		"""
		try:
			return logic.verdict(condition, self.scope, self._host.operators)
		except ValueError as error:
			raise StepFailed(
				f"It cannot be told whether the condition holds: {error}", helps=EITHER
			) from None

	def lookup(self, path: str) -> Any:
		"""The value at a dotted path of the scope. None, if there is nothing there."""
		return render.resolve(self.scope, path)

	def call(self, request: dict[str, Any], *, after: Watch | None = None) -> None:
		"""Ask for a web call after the step's own effect is committed: at least once, with a key of its own.

		Args:
			request: `method`, `url`, and `json` for its body.
			after: the document that it waits for; at once if None.
		"""
		self.calls.append((request, after))


def render_payload(
	kind: Fielded,
	payload: Mapping[str, Any],
	scope: Mapping[str, Any],
	budget: render.Budget | None = None,
	*,
	reader: people.Reader | None = None,
) -> dict[str, Any]:
	"""Render a payload by its kind's fields, so that text stays text and JSON is parsed before it is rendered.

	Args:
		reader: who reads its texts, if the kind says that people do.

	Raises:
		StepFailed: its values come to more than the budget, by default one step's; or recipients cannot be told.
		ValueError, RecursionError: a JSON field holds what validation refuses.
	"""
	budget = budget or render.Budget()
	return {field.name: render_field(kind, field, payload, scope, budget, reader) for field in kind.fields}


def render_field(
	kind: Fielded,
	field: Field,
	payload: Mapping[str, Any],
	scope: Mapping[str, Any],
	budget: render.Budget,
	reader: people.Reader | None = None,
) -> Any:
	"""Render one field of a payload; see `render_payload`."""
	if kind.audience != "people" or not field.type.for_people:
		reader = None
	field = field.as_used(payload, kind.defaults)
	value = _or_default(field, payload.get(field.name))
	if value is None or not field.templated:
		return value
	form = kind.form_of(field, payload)
	return field.type.render(
		value, scope, budget, lambda text: _render_text(text, form, scope, budget, reader)
	)


def _or_default(field: Field, value: Any) -> Any:
	return field.default if value is None or (isinstance(value, str) and not value.strip()) else value


def _render_text(
	value: str,
	form: Form,
	scope: Mapping[str, Any],
	budget: render.Budget,
	reader: people.Reader | None,
) -> str:
	if form == "html":
		return render_html(value, scope, reader.text if reader else people.plain, budget)
	if medium := MEDIA.get(form):
		return render.render_text(
			value, scope, budget=budget, write=lambda found: recipients.written(found, medium)
		)
	return render.render_text(value, scope, budget=budget, write=reader.text if reader else render.plainly)


def render_html(
	template: str,
	scope: Mapping[str, Any],
	write: Callable[[render.Found], str],
	budget: render.Budget | None = None,
) -> str:
	"""The HTML of a text whose author may use markup; see `markup.letter`.

	Args:
		write: how a value is put into words.
	"""
	budget = budget or render.Budget()
	texts, values = [], []
	for text, expression in render.read(template):
		texts.append(text)
		if expression is not None:
			found = expression.found(scope)
			words, inner = write(found), found.value if people.holds_html(found) else None
			if isinstance(found.value, Table):
				inner = found.value.markup
			budget.spend(len(html.escape(words) if inner is None else inner))
			values.append(markup.Value(words, inner))
	return markup.letter(texts, values)
