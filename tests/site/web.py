"""Frappe's development server for one site, on loopback alone. Run by the bench's Python, in its sites folder.

python web.py SITE PORT
"""

from __future__ import annotations

import sys

import frappe.app
import werkzeug.serving

if __name__ == "__main__":
	site, port = sys.argv[1:]
	run_simple = werkzeug.serving.run_simple
	# Frappe would listen on every address of the machine.
	werkzeug.serving.run_simple = lambda host, *rest, **options: run_simple("127.0.0.1", *rest, **options)
	frappe.app.serve(port=port, site=site, no_reload=True)
