"""What a flow is and how it moves.

Pure Python: it reads and writes nothing, has no clock of its own, and never imports Frappe. Its caller brings the time and
the ports. Read in this order: `definition` (what an author wrote), `validation` (what is wrong with it), `machine` (which
step moves next), `timing`, `conditions`, `render`, `context` (what a step sees), `field_type` (what a field may hold),
`kind` (what a step kind declares), `ports` (what the outside must offer).
"""
