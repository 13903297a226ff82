"""What a flow is and how it moves.

Pure Python: no input or output, no clock of its own, and no import of Frappe. Whoever calls brings the time
and the ports (`host.py`). Read in this order: `definition` (what an author wrote), `validation` (what is
wrong with it), `machine` (which step moves next), `timing`, `conditions`, `render`, `context` (what a step
sees), `kind` (what a step kind declares), `host` (what the outside must offer).
"""
