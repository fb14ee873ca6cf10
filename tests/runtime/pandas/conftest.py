"""Pandas in a folder of its own: the other tests must do without it.

It is fetched from the package index once, 100 MB: `GRAMEX_TEST_HOSTS=1 pytest tests/runtime/pandas` runs these tests.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

collect_ignore_glob = [] if os.environ.get("GRAMEX_TEST_HOSTS") else ["test_*.py"]

ROOT = Path(__file__).resolve().parents[3]
LOCK = ROOT / "locks" / "pandas.txt"


@pytest.fixture(scope="session")
def pandas_folder() -> Path:
    """A folder for PYTHONPATH that has pandas, as the lock has it."""
    digest = hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()[:12]
    folder = ROOT / "build" / f"pandas-{digest}"
    if not folder.exists():
        made = folder.with_name(f"{folder.name}.{os.getpid()}")
        environment = {**os.environ, "UV_SYSTEM_CERTS": "1", "UV_NO_PROGRESS": "1"}
        pip = subprocess.run(
            [sys.executable, "-m", "pip", "config", "get", "global.index-url"], capture_output=True, text=True
        )
        if pip.stdout.strip():  # uv does not read pip's configuration
            environment.setdefault("UV_DEFAULT_INDEX", pip.stdout.strip())
        uv = [str(Path(sys.executable).with_name("uv")), "pip", "install", "--quiet", "--python", sys.executable]
        try:
            subprocess.run(
                [*uv, "--target", str(made), "--no-deps", "--require-hashes", "-r", str(LOCK)],
                check=True, timeout=600, env=environment,
            )  # fmt: skip
            made.rename(folder)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    return folder
