"""Templates of one name and category are refused by a unique index. Where two authors at once have made such before, the
later ones get a number; Error Log says which.
"""

from __future__ import annotations

import frappe

from flow_editor.site import namesakes


def execute() -> None:
	renamed = namesakes.rename()
	if renamed:
		frappe.log_error(
			title=f"{len(renamed)} flows were renamed",
			message="There was more than one flow of the same name in the same category; case and accents make no "
			"difference. The later ones have a number now:\n"
			+ "\n".join(f"{name}: {old} is called {new}" for name, old, new in renamed),
		)
	namesakes.add_index()
