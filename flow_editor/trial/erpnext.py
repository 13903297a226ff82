"""What a step may ask of ERPNext alone, of documents that are plain rows; see `engine.ports.Erpnext`."""

from __future__ import annotations

from flow_editor.engine.ports import CUSTOMER
from flow_editor.services.host import Host
from flow_editor.trial.documents import TrialDocuments
from flow_editor.trial.overlay import OverlaidDocuments

ACTIVE = "Active"


class TrialErpnext:
	def __init__(self, documents: TrialDocuments):
		self._documents = documents

	def contact(self, customer: str) -> tuple[str, str]:
		doc = self._documents.get(CUSTOMER, customer)
		return str(doc.get("email_id") or ""), str(doc.get("mobile_no") or "")

	def activate_subscription(self, name: str) -> tuple[str, str]:
		was = str(self._documents.get("Subscription", name).get("status") or "")
		self._documents.update("Subscription", name, {"status": ACTIVE})
		return was, ACTIVE


class OverlaidErpnext(TrialErpnext):
	"""The same over another host, whose customers have contacts of their own."""

	def __init__(self, documents: OverlaidDocuments, beneath: Host):
		super().__init__(documents)
		self._overlaid, self._below = documents, beneath.erpnext

	def contact(self, customer: str) -> tuple[str, str]:
		if self._overlaid.is_changed(CUSTOMER, customer):
			return super().contact(customer)
		self._overlaid.get(CUSTOMER, customer)  # which who tries the flow has to be allowed to read, too
		return self._below.contact(customer)
