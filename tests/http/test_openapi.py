"""The site's API against its own description, asked from outside: as nobody, and as a Flow Manager with an API key."""

from __future__ import annotations

import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import checks
from schemathesis.specs.openapi import checks as openapi_checks

from flow_editor.doors.openapi import document
from flow_editor.doors.routes import PREFIX, ROUTES

CHECKS = [
	checks.not_a_server_error,
	openapi_checks.status_code_conformance,
	openapi_checks.content_type_conformance,
	openapi_checks.response_schema_conformance,
]
LOOKS = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


# The description that the site gives as well: see the last test.
api = schemathesis.openapi.from_dict(document(ROUTES, PREFIX))


@api.parametrize()
@LOOKS
def test_every_operation_as_a_flow_manager(case, served):
	case.call_and_validate(base_url=served.base, headers=served.headers, checks=CHECKS)


@api.parametrize()
@LOOKS
def test_every_operation_as_nobody(case, served):
	answer = case.call(base_url=served.base)
	case.validate_response(answer, checks=CHECKS)
	# What is no request at all is told so; nothing is read, done or even checked for somebody unknown.
	assert answer.status_code in (400, 401, 403, 404, 405) or case.method == "OPTIONS", answer.text


def test_the_site_describes_itself_so(served):
	answer = requests.get(f"{served.base}{PREFIX}/openapi.json", headers=served.headers, timeout=30)
	assert answer.json() == document(ROUTES, PREFIX)
