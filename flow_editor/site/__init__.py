"""The real host: everything that touches Frappe, behind the ports of `engine/ports.py` and `services/host.py`."""
