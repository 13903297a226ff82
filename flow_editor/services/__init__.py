"""The use cases, written once over a `Host`: templates, events, runs and the inbox.

They run in the caller's transaction, except for `inbox`, which opens its own.
"""
