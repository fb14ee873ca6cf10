"""Starts real servers for a browser to look at."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

BOUND = 120  # seconds until a server must answer


@contextmanager
def serving(folder: Path, data: Path, environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """Run the app in `folder`, the guide where it has none; give the URL that it is at, without a final slash.

    Raises:
        RuntimeError: it does not start, or warned: warnings are errors.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = data.with_suffix(".log")
    listen = [f"--listen.port={port}", "--listen.address=127.0.0.1", "--listen.drain=0"]
    command = [sys.executable, "-W", "error", "-m", "gramex", *listen]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, "GRAMEXDATA": str(data), **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        end = time.monotonic() + BOUND
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"the server does not start:\n{log.read_text(encoding='utf-8')}")
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
