"""Windows programs under Wine, in a container.

They take minutes and a container engine: `GRAMEX_TEST_HOSTS=1 pytest tests/wine` runs them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from wine import prefix

collect_ignore_glob = [] if os.environ.get("GRAMEX_TEST_HOSTS") else ["test_*.py"]


@pytest.fixture(scope="session")
def machine() -> Iterator[prefix.Machine]:
    with prefix.start("service") as machine:
        yield machine
