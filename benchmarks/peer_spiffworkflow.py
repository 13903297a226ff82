"""SpiffWorkflow 3: a chain of script tasks, run in process."""

from __future__ import annotations

from importlib.metadata import version

from SpiffWorkflow.bpmn import BpmnWorkflow
from SpiffWorkflow.bpmn.specs.bpmn_process_spec import BpmnProcessSpec
from SpiffWorkflow.bpmn.specs.defaults import EndEvent, ScriptTask, StartEvent
from SpiffWorkflow.bpmn.specs.event_definitions.simple import NoneEventDefinition

VERSION = version("SpiffWorkflow")


def chain(length: int) -> BpmnProcessSpec:
	spec = BpmnProcessSpec(name="chain")
	last = StartEvent(spec, "begin", NoneEventDefinition())
	spec.start.connect(last)
	for number in range(length):
		task = ScriptTask(spec, f"s{number}", "n = 1")
		last.connect(task)
		last = task
	end = EndEvent(spec, "finish", NoneEventDefinition())
	last.connect(end)
	end.connect(spec.end)
	return spec


def run(spec: BpmnProcessSpec) -> None:
	workflow = BpmnWorkflow(spec)
	workflow.run_all()
	assert workflow.completed and workflow.last_task.data == {"n": 1}
