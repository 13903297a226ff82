"""The real host: everything that touches Frappe, behind the ports of `engine/host.py`."""
