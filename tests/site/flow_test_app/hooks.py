app_name = "flow_test_app"
app_title = "Flow Test App"
app_publisher = "Flow Editor contributors"
app_description = "Adds a step kind and trigger events"
app_email = "hello@flow-editor.example"
app_license = "mit"

flow_editor_kinds = [
	"flow_test_app.flows.Greet",
	"flow_test_app.flows.Flaky",
	"flow_test_app.flows.Huge",
	"flow_test_app.flows.Endless",
	"flow_test_app.readme.SendInvite",
	"flow_test_app.readme.Chase",
	"flow_test_app.readme.Dun",
]
flow_editor_events = ["flow_test_app.flows.EVENTS", "flow_test_app.readme.EVENTS"]
flow_editor_operators = ["flow_test_app.readme.OPERATORS"]
flow_editor_field_types = ["flow_test_app.readme.PostalCode"]
flow_editor_filters = ["flow_test_app.readme.FILTERS"]
