"""Run one of the host's programs and keep what it says."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"  # a login by SSH may come without sbin


def there(program: str) -> bool:
    """Is the program installed?"""
    return shutil.which(program, path=PATH) is not None


def run(*command: str, data: bytes | None = None, seconds: float = 120) -> tuple[int, str, str]:
    """
    Return exit code, output and errors of `command`, which reads `data`. A program that is not there: code 127.

    A daemon that an init script starts may keep the script's output open: that is a file, so nothing waits for it.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors, tempfile.TemporaryFile() as source:
        source.write(data or b"")
        source.seek(0)
        environment = {**os.environ, "PATH": PATH, "LC_ALL": "C"}
        try:
            done = subprocess.run(
                command, stdin=source, stdout=output, stderr=errors, env=environment, timeout=seconds, check=False
            )
        except FileNotFoundError:
            return 127, "", f"{command[0]} is not installed"
        except subprocess.TimeoutExpired:
            return 124, "", f"{command[0]} did not end within {seconds:.0f} seconds"
        texts = []
        for stream in (output, errors):
            stream.seek(0)
            texts.append(stream.read().decode(errors="replace"))
        return done.returncode, texts[0], texts[1]
