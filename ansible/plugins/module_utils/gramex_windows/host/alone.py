"""Lets one run at a time work on a host: two at once would undo each other's work."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .problem import Problem

SECONDS = 120


@contextmanager
def alone(root: Path) -> Iterator[None]:
    """Hold the host's lock. Windows lets go of it when the process ends, however it ends. Raises Problem."""
    if sys.platform != "win32":
        yield
        return
    import msvcrt

    until = time.monotonic() + SECONDS
    with (root / "lock").open("a+b") as file:
        while True:
            try:
                file.seek(0)
                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
                break
            except OSError:
                if time.monotonic() > until:
                    raise Problem(
                        f"another run changes this host for more than {SECONDS} s: let it end, run again"
                    ) from None
                time.sleep(0.5)
        yield
