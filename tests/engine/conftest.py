from __future__ import annotations

import pytest

from flow_editor.engine.kind import Catalog
from flow_editor.kinds import builtin_kinds


@pytest.fixture(scope="session")
def catalog() -> Catalog:
	return Catalog(builtin_kinds())
