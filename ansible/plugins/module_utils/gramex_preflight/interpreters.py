"""Asks, on the host, interpreters that environments are to be made from."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

NOBODY = 65534
PROBE = """
import importlib.util, json, sys
print(json.dumps([list(sys.version_info[:3]), bool(importlib.util.find_spec("ensurepip"))]))
"""


def read(path: str) -> dict[str, Any]:
    """Version of an interpreter, whether it can make environments, and whether every user can execute it."""
    nothing = {"version": [], "venv": False, "reachable": False}
    if not Path(path).exists():
        return {**nothing, "error": "there is no such file"}
    try:
        told = subprocess.run(
            [path, "-c", PROBE], stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False
        )
        version, venv = json.loads(told.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return {**nothing, "error": "it is no Python 3"}
    return {"version": version, "venv": venv, "reachable": reachable(path), "error": ""}


def reachable(path: str) -> bool:
    """Whether an app's user can execute a program: tried as a user who may nothing; units hide what is in homes."""
    if str(Path(path).resolve()).startswith(("/root/", "/home/")):
        return False
    root = os.geteuid() == 0
    try:
        done = subprocess.run(
            [path, "-I", "-c", ""],
            cwd="/",
            capture_output=True,
            timeout=60,
            check=False,
            user=NOBODY if root else None,
            group=NOBODY if root else None,
            extra_groups=[] if root else None,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0
