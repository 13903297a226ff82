"""What a trigger event is: a name that templates listen to, and the document changes that raise it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

#: In `Source.variables`: when it happened.
NOW = "now"
# Moments in a document's life
INSERT = "after_insert"
UPDATE = "on_update"
SUBMIT = "on_submit"
UPDATE_AFTER_SUBMIT = "on_update_after_submit"
CHANGE = "on_change"
CANCEL = "on_cancel"
DELETE = "after_delete"
MOMENTS = (INSERT, UPDATE, SUBMIT, UPDATE_AFTER_SUBMIT, CHANGE, CANCEL, DELETE)


@dataclass(frozen=True, slots=True)
class Source:
	"""One way in which a document raises an event.

	Args:
		doctype: the DocType whose documents do.
		moments: when to look, from MOMENTS.
		where: fields and the values that they must have.
		turns: (field, values): the field must have come to one of the values just now. A document that is
			created with such a value counts.
		variables: what a run is given as variables, by variable name: a field of the document or what a function makes of
			its fields, or NOW, the moment of the event.
	"""

	doctype: str
	moments: tuple[str, ...]
	where: Mapping[str, Any] = field(default_factory=dict)
	turns: tuple[str, tuple[Any, ...]] | None = None
	variables: Mapping[str, str | Callable[[Mapping[str, Any]], Any]] = field(default_factory=dict)

	def transition(self, now: Mapping[str, Any], before: Mapping[str, Any] | None) -> str | None:
		"""What happened, as a text that names this transition, or None if nothing did.

		Args:
			now: the document's fields.
			before: its fields before the save, None for a new one.
		"""
		if any(now.get(name) != value for name, value in self.where.items()):
			return None
		if self.turns is None:
			return "yes"
		name, values = self.turns
		value = now.get(name)
		if value not in values or (before is not None and before.get(name) in values):
			return None
		return f"{name}={value}"


@dataclass(frozen=True, slots=True)
class TriggerEvent:
	"""A trigger event. One without sources is raised by hand or by another app's `dispatch_event`."""

	name: str
	label: str
	sources: tuple[Source, ...] = ()

	def as_dict(self) -> dict[str, Any]:
		doctypes = list(dict.fromkeys(source.doctype for source in self.sources))
		return {"name": self.name, "label": self.label, "doctypes": doctypes}
