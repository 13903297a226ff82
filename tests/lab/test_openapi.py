"""The API against its own description: no 5xx, and no answer that the document does not tell of."""

from __future__ import annotations

import os
import tempfile

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import checks

from flow_editor.doors.openapi import document
from flow_editor.doors.routes import PREFIX, ROUTES
from flow_editor.lab.server import LabApp, open_lab

PORT = 8010
HERE = {"Host": f"127.0.0.1:{PORT}"}

host = open_lab(os.path.join(tempfile.mkdtemp(), "lab.db"))
schema = schemathesis.openapi.from_wsgi("/flow/openapi.json", LabApp(host, PORT), headers=HERE)
# What is valid to the schema may still be refused by the services, with a 422 that says why: not checked here.
CHECKS = [
	checks.not_a_server_error,
	schemathesis.specs.openapi.checks.status_code_conformance,
	schemathesis.specs.openapi.checks.content_type_conformance,
	schemathesis.specs.openapi.checks.response_schema_conformance,
	schemathesis.specs.openapi.checks.negative_data_rejection,
	schemathesis.specs.openapi.checks.unsupported_method,
]


@schema.parametrize()
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_operation(case):
	case.call_and_validate(headers=HERE, checks=CHECKS)


def test_each_route_is_described():
	paths = document(ROUTES, PREFIX)["paths"]
	described = {(verb.upper(), path) for path, operations in paths.items() for verb in operations}
	assert described == {(route.verb, PREFIX + route.path) for route in ROUTES}
