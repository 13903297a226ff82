"""Whose document it is: the fields in which ERPNext's documents name their customer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from flow_editor.engine.ports import CUSTOMER

#: (field that names the party's DocType, field that names the party)
PARTY_FIELDS = (
	("quotation_to", "party_name"),
	("party_type", "party_name"),
	("party_type", "party"),
	("opportunity_from", "party_name"),
)


class Fields(Protocol):
	"""A document, of which `get` is used."""

	def get(self, name: str, /) -> Any: ...


def customer_of(doctype: str, fields: Fields) -> str:
	"""The name of the Customer that a document is about, or an empty text."""
	if doctype == CUSTOMER:
		return str(fields.get("name") or "")
	customer = fields.get("customer")
	if isinstance(customer, Mapping):  # an embedded customer, as the lab's documents may have
		customer = customer.get("name")
	if customer:
		return str(customer)
	for type_field, party_field in PARTY_FIELDS:
		if fields.get(type_field) == CUSTOMER and (party := fields.get(party_field)):
			return str(party)
	return ""
