"""The lab as a host: the trial host on an SQLite file, which the next process finds as this one leaves it."""

from __future__ import annotations

from flow_editor.trial.host import TrialHost


class LabHost(TrialHost):
	"""A host that lasts. Its arguments are those of `TrialHost`, the file's path first."""
