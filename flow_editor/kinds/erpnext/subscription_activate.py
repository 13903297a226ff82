from __future__ import annotations

from typing import Any

from flow_editor.engine.errors import EITHER, IN_FLOW, StepFailed, helps_by
from flow_editor.engine.kind import Account, Field, Kind, Write
from flow_editor.engine.ports import CUSTOMER

ACTIVE = "Active"
ENDED = ("Cancelled", "Completed")
#: Of one customer. The one that waits may be older than many that have ended.
MOST_SUBSCRIPTIONS = 500


class SubscriptionActivate(Kind):
	"""Brings a Subscription to Active, whatever state it is in. One that already is stays as it is."""

	name = "subscription_activate"
	label = "Activate subscription"
	icon = "refresh"
	color = "cyan"
	description = "Makes a subscription active, so that its invoices are made."
	summary = "Activate {subscription_ref|the customer's subscription}"
	accounts = (
		Account("Subscription {subscription@Subscription} was active already", {"changed": (False,)}),
		Account("Subscription {subscription@Subscription} is active, and was {was}"),
	)
	results = (("subscription", "Subscription"), ("status", "Status"), ("was", "Status before"))
	effect = "documents"
	fields = (
		Field(
			"subscription_ref",
			"link",
			"Subscription",
			doctype="Subscription",
			help="Empty: the customer's subscription that is not active.",
		),
	)

	def writes(self, payload):
		yield Write("Subscription", False, {"status": ACTIVE}, field="subscription_ref")

	def run(self, step, ctx) -> dict[str, Any]:
		name = (ctx.payload["subscription_ref"] or "").strip()
		if name:
			self._refuse_others(step, ctx, name)
		else:
			name = self._of_customer(ctx)
		was, status = ctx.erpnext.activate_subscription(name)
		return {"subscription": name, "status": status, "was": was, "changed": was != status}

	@staticmethod
	def _refuse_others(step, ctx, name: str) -> None:
		"""Raise StepFailed for a subscription that is neither the run's own document nor its customer's."""
		if (ctx.run.context_doctype, ctx.run.context_docname) == ("Subscription", name):
			return
		found = ctx.documents.get("Subscription", name)
		if not ctx.customer or (found.get("party_type"), found.get("party")) != (CUSTOMER, ctx.customer):
			whose = f"customer {ctx.customer}" if ctx.customer else "no customer"
			raise StepFailed(
				f"Subscription {name} is not to be activated here: this run is about {whose}, and the subscription is of "
				"somebody else. Name one of the customer's own in Subscription.",
				helps=helps_by(step.payload.get("subscription_ref")),
			)

	@staticmethod
	def _of_customer(ctx) -> str:
		if not ctx.customer:
			raise StepFailed(
				"No subscription is named, and the run has no customer. Fill in Subscription.", helps=IN_FLOW
			)
		found = ctx.documents.find(
			"Subscription", {"party_type": CUSTOMER, "party": ctx.customer}, limit=MOST_SUBSCRIPTIONS
		)
		if not found:
			raise StepFailed(
				f"Customer {ctx.customer} has no subscription. Create one, or fill in Subscription.",
				helps=EITHER,
			)
		# One that was ended on purpose is brought back only where there is nothing else.
		active = [one["name"] for one in found if one.get("status") == ACTIVE]
		waiting = [one["name"] for one in found if one.get("status") not in (ACTIVE, *ENDED)]
		candidates = waiting or active[:1] or [one["name"] for one in found]
		if len(candidates) > 1:
			raise StepFailed(
				f"Customer {ctx.customer} has several subscriptions that are not active: {', '.join(candidates)}. "
				"Fill in Subscription, or end those that are not wanted.",
				helps=EITHER,
			)
		return candidates[0]
