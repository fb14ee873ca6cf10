"""A lock between processes: a file that one of them holds, let go by the system when its holder ends."""

from __future__ import annotations

import os
from pathlib import Path


class FileLock:
    """An advisory lock on a file, as a context manager. The file stays."""

    def __init__(self, path: Path):
        """Name the file; nothing is opened yet."""
        self.path = path
        self.handle: int | None = None

    def acquire(self, wait: bool = True) -> bool:
        """Take the lock. Without `wait`, False if another process has it.

        Raises:
            OSError: the file cannot be opened or locked.
        """
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if not _lock(handle, wait):
                os.close(handle)
                return False
        except BaseException:
            os.close(handle)
            raise
        self.handle = handle
        return True

    def release(self) -> None:
        """Let go; closing the file is what unlocks it."""
        if self.handle is not None:
            os.close(self.handle)
            self.handle = None

    def __enter__(self) -> FileLock:
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def _lock(handle: int, wait: bool) -> bool:
    if os.name == "nt":
        import msvcrt

        try:
            # LK_LOCK tries for ten seconds, then raises; Windows has no lock that waits for ever.
            msvcrt.locking(handle, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        except OSError:
            if wait:
                raise
            return False
        return True
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True
