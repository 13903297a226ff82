"""Compiled definitions, one a content and process."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from flow_editor.engine.definition import Flow, parse
from flow_editor.engine.errors import Invalid
from flow_editor.engine.field_type import Types
from flow_editor.engine.reading import load
from flow_editor.engine.records import Run
from flow_editor.engine.start import Start
from flow_editor.services.host import Host

#: How many compiled definitions a process keeps.
CACHE_SIZE = 256
# By checksum and the types of inputs, so an entry can never be stale, whatever is rolled back or renamed.
_compiled: OrderedDict[tuple[str, Types], Flow] = OrderedDict()


def flow_of(host: Host, run: Run) -> Flow:
	"""The definition that a run started on.

	Raises:
		NotFound: the version is gone.
		Invalid: it does not parse, because somebody changed it behind the controllers.
	"""
	types = host.field_types
	flow = _compiled.get((run.checksum, types)) if run.checksum else None
	if flow is None:
		text = host.store.definition(run.flow_template, run.template_version)
		try:
			flow = parse(load(text, host.limits), types)
		except (KeyError, TypeError, ValueError) as error:
			raise Invalid(
				f"Version {run.template_version} of {run.flow_template} does not parse ({error}). "
				"Cancel this run, save a change of the flow, and start it again."
			) from error
		_compiled[flow.checksum, types] = flow
		while len(_compiled) > CACHE_SIZE:
			_compiled.popitem(last=False)
	else:
		_compiled.move_to_end((run.checksum, types))
	return flow


def start_of(host: Host, template: Mapping[str, Any]) -> Start:
	"""What sets a template off, by its published version. Raises as `flow_of`."""
	published = Run(
		flow_template=template["name"],
		template_version=template["version"],
		checksum=template.get("checksum") or "",
	)
	return flow_of(host, published).start
