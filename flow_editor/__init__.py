"""Visual automations inside ERPNext."""

__version__ = "0.3.0"


def dispatch_event(name, doc=None, variables=None, **context):
	"""Raise a trigger event from another app, within the current transaction.

	Args:
		name: the event, such as "on_contract_signed".
		doc: the document it is about: a Document, or (DocType, name).
		variables: what the runs are given.
		context: `doctype` and `docname` in place of `doc`; `customer` where the document does not say.

	Returns:
		For each listening template: `template`, and `run`, or `skipped` or `error` with the reason.

	Raises:
		ValueError: there is no such event.
	"""
	from flow_editor.site.triggers import dispatch

	return dispatch(name, doc, variables, **context)
