"""Another Frappe app, which adds a step kind and trigger events through its hooks."""

__version__ = "0.0.1"
