"""The image's tests take a minute and a container engine: `GRAMEX_TEST_HOSTS=1 pytest tests/images` runs them."""

import os

collect_ignore_glob = [] if os.environ.get("GRAMEX_TEST_HOSTS") else ["test_*.py"]
