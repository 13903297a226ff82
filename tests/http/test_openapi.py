"""The site's API against its own description, asked from outside: as nobody, and as a Flow Manager with an API key."""

from __future__ import annotations

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import checks

from flow_editor.routes import PREFIX, ROUTES

CHECKS = [
	checks.not_a_server_error,
	schemathesis.specs.openapi.checks.status_code_conformance,
	schemathesis.specs.openapi.checks.content_type_conformance,
	schemathesis.specs.openapi.checks.response_schema_conformance,
]
LOOKS = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="session")
def description(served):
	return schemathesis.openapi.from_url(f"{served.base}{PREFIX}/openapi.json", headers=served.headers)


api = schemathesis.pytest.from_fixture("description")


@api.parametrize()
@LOOKS
def test_every_operation_as_a_flow_manager(case, served):
	case.call_and_validate(headers=served.headers, checks=CHECKS)


@api.parametrize()
@LOOKS
def test_every_operation_as_nobody(case):
	answer = case.call()
	case.validate_response(answer, checks=CHECKS)
	assert answer.status_code in (401, 403), answer.text


def test_each_route_is_there(served):
	paths = requests.get(f"{served.base}{PREFIX}/openapi.json", headers=served.headers, timeout=30).json()[
		"paths"
	]
	described = {(verb.upper(), path) for path, operations in paths.items() for verb in operations}
	assert described == {(route.verb, PREFIX + route.path) for route in ROUTES}
