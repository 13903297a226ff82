"""Which door a verb and a path lead to."""

from __future__ import annotations

import pytest

from flow_editor.doors import routes
from flow_editor.engine.errors import NotFound


@pytest.mark.parametrize(
	("verb", "path", "found"),
	[
		("GET", "/templates", "list_templates"), ("HEAD", "/templates", "list_templates"), ("POST", "/templates", "create_template"),
		("GET", "/templates/a b", "get_template"), ("GET", "/openapi.json", "openapi"), ("POST", "/templates/x/duplicate", "duplicate_template"),
		("PUT", "/templates", ["GET", "POST"]), ("HEAD", "/start", ["POST"]), ("PATCH", "/templates/x", ["GET", "PUT", "DELETE"]),
		("GET", "/templates/", None), ("GET", "//templates", None), ("GET", "templates", None), ("GET", "/templates//duplicate", None), ("GET", "/openapixjson", None),
		("GET", "templates/x/y", None), ("GET", "", None), ("GET", "/", None), ("GET", "/Templates", None), ("GET", "/templates/x\n/duplicate", ["POST"]),
		("GET", "/runs/FR|1", "get_run"), ("GET", "/runs/<run>", "get_run"), ("GET", "/templates\n", None),
	],
)  # fmt: skip
def test_a_path_leads_to_its_door_to_the_letter(verb, path, found):
	if isinstance(found, str):
		assert routes.find(verb, path)[0].name == found
	else:
		with pytest.raises(routes.WrongVerb if found else NotFound) as refused:
			routes.find(verb, path)
		assert getattr(refused.value, "allowed", None) == found
	if found is None:
		with pytest.raises(NotFound):
			routes.allowed(path)


def test_a_part_of_a_path_may_hold_a_slash():
	assert routes.find("GET", "/templates/A%2FB%20%C3%A9")[1] == {"template": "A/B é"}
