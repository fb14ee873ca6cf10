"""Run one of the host's programs and keep what it says."""

from __future__ import annotations

import os
import shutil
import subprocess

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"  # a login by SSH may come without sbin


class FirewallError(Exception):
    """The firewall cannot be brought about; the text is for the operator."""


def there(program: str) -> bool:
    """Is the program installed?"""
    return shutil.which(program, path=PATH) is not None


def run(*command: str, data: str = "") -> tuple[int, str, str]:
    """Return exit code, output and errors of `command`, which reads `data`. A program that is not there: code 127."""
    try:
        done = subprocess.run(
            command,
            input=data,
            capture_output=True,
            text=True,
            errors="replace",
            env={**os.environ, "PATH": PATH, "LC_ALL": "C.UTF-8"},
            timeout=120,
            check=False,
        )
    except FileNotFoundError:
        return 127, "", f"{command[0]} is not installed"
    except subprocess.TimeoutExpired:
        return 124, "", f"{command[0]} did not end within 120 seconds"
    return done.returncode, done.stdout, done.stderr


def must(*command: str, data: str = "") -> str:
    """Return the output of `command`. Raises FirewallError with its words where it fails."""
    code, output, errors = run(*command, data=data)
    if code:
        raise FirewallError(f"{' '.join(command)}: {(errors.strip() or output.strip() or f'exit code {code}')}")
    return output
