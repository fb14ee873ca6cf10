"""Asks ``gramex check`` about the sections of services."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def check() -> Callable[[Path], list[str]]:
    """Return what the command finds in an app, in a process of its own: it sets up Python's logging."""

    def run(folder: Path) -> list[str]:
        command = [sys.executable, "-m", "gramex", "check", str(folder)]
        done = subprocess.run(command, cwd=folder, env={**os.environ, "PYTHONWARNINGS": "error"}, capture_output=True)
        assert done.stderr == b""
        return done.stdout.decode().splitlines()[:-1]

    return run
