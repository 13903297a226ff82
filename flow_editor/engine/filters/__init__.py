"""The filters that there are without any other app: a table, one row for each.

Another app brings its own by a hook, as `Filter`s; see docs/other-apps.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from flow_editor.engine.filters import dates, numbers, rows, texts
from flow_editor.engine.filters.base import Argument, Filter, table
from flow_editor.engine.filters.taken import Setting, Unfit, Use

__all__ = ("SHIPPED", "Argument", "Filter", "Setting", "Unfit", "Use", "filter_table")

SHIPPED: Mapping[str, Filter] = table((*texts.FILTERS, *numbers.FILTERS, *dates.FILTERS, *rows.FILTERS))


def filter_table(extra: Iterable[Filter] = ()) -> Mapping[str, Filter]:
	"""The shipped filters and others, by name. One under a name that is shipped is left out; see `shadowed`.

	Raises:
		TypeError: one is no filter.
		ValueError: two of the others have one name.
	"""
	return {**table(extra), **SHIPPED}


def shadowed(extra: Iterable[Filter]) -> list[str]:
	"""The names of others that are shipped by now."""
	return [one.name for one in extra if one.name in SHIPPED]
