"""Lets one process at a time change what a role keeps on a host."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Keep a second run on this host waiting. The lock is on a folder that is always there: nothing is left behind."""
    handle = os.open("/etc", os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
