from __future__ import annotations

from flow_editor.engine.kind import Field, Kind


class AgentKind(Kind):
	"""What the steps of a conversation have in common."""

	catalog = "agent"
	runnable = False


class Say(AgentKind):
	"""Says something and goes on."""

	name = "say"
	label = "Say"
	icon = "message"
	color = "blue"
	description = "Says something to the person."
	summary = "{message}"
	fields = (Field("message", "textarea", "Message", required=True),)


class Ask(AgentKind):
	"""Asks for something and keeps the answer in a variable."""

	name = "ask"
	label = "Ask"
	icon = "help"
	color = "cyan"
	description = "Asks the person, and keeps the answer."
	summary = "{question}"
	fields = (
		Field("question", "textarea", "Question", required=True),
		Field("variable", "text", "Keep as", required=True, templated=False),
		Field(
			"timeout_minutes",
			"duration",
			"Wait at most",
			minimum=0,
			unit="minutes",
			help="Empty: as long as it takes.",
		),
	)

	def sets(self, payload):
		return (payload.get("variable"),)


class Intent(AgentKind):
	"""Branches by what the person wants."""

	name = "intent"
	label = "Intent"
	icon = "branch"
	color = "purple"
	description = "Goes one way if the person wants one of these, the other if not."
	summary = "{intents}"
	branches = (("matched", "Matched"), ("other", "Anything else"))
	fields = (Field("intents", "textarea", "Intents", required=True, help="One a line."),)


class Tool(AgentKind):
	"""Uses a tool and keeps what it answers."""

	name = "tool"
	label = "Tool"
	icon = "tool"
	color = "orange"
	description = "Looks something up or does something for the person."
	summary = "{tool}"
	fields = (
		Field("tool", "text", "Tool", required=True, templated=False),
		Field("arguments_json", "json", "Arguments"),
		Field("save_as", "text", "Keep as", templated=False),
	)

	def sets(self, payload):
		return (payload.get("save_as"),)


class Handoff(AgentKind):
	"""Gives the conversation to a human."""

	name = "handoff"
	label = "Hand off"
	icon = "users"
	color = "yellow"
	description = "Gives the conversation to somebody."
	summary = "To {to}"
	fields = (Field("to", "text", "To", required=True), Field("reason", "textarea", "Reason"))


class End(AgentKind):
	"""Ends the conversation."""

	name = "end"
	label = "End"
	icon = "check"
	color = "gray"
	description = "Ends the conversation."
	summary = "{outcome}"
	fields = (Field("outcome", "text", "Outcome"),)
