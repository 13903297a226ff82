"""One suite for both hosts. `world` is the host with the few things that a test has to do differently on each.

With the bench's Python, and FLOW_EDITOR_CONTRACT=site, the site is the host; else it is the lab.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

ON_SITE = os.environ.get("FLOW_EDITOR_CONTRACT") == "site"

if ON_SITE:
	sys.path.insert(0, str(Path(__file__).parents[1] / "site"))
	from contract_site import site_world as world
	from fixtures import connection, site
else:
	from contract_lab import lab_world as world
