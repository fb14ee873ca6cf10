"""Files that several processes append to at once, rotated each week by whichever of them is first."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import time
from pathlib import Path

from gramex.services.lock import FileLock

KEPT = 52  # rotated files, one a week
DAY = 86400
RETRY = 60.0  # seconds until a file that could not be written is tried again


class AppendFile:
    """Text at the end of a file, made with its folder when the first text comes.

    Every write is one system call on a descriptor in append mode, so that lines of several processes never mix. The
    file is renamed to NAME.YYYY-MM-DD, the Monday of its week, by the first process that writes after the next Monday.
    A file that cannot be written costs a message on standard error, never a request; it is tried again each minute.
    """

    def __init__(self, path: Path, kept: int = KEPT):
        """Name the file; `kept` is how many rotated ones stay."""
        self.path, self.kept = path, kept
        self.handle: int | None = None
        self.inode = 0
        self.expires = 0.0  # seconds since the epoch: the end of the file's week
        self.failed = -RETRY  # when a write failed, on the monotonic clock
        self.complaint = ""  # what was said last: a folder that stays unwritable is not news

    def write(self, text: str) -> None:
        """Append text, which should end with a newline."""
        if self.handle is None and time.monotonic() - self.failed < RETRY:
            return
        try:
            if self.handle is None:
                self._open()
            if time.time() >= self.expires:
                self._rotate()
            data = text.encode("utf-8", "backslashreplace")
            while data and self.handle is not None:
                data = data[os.write(self.handle, data) :]
        except OSError as error:
            self.failed = time.monotonic()
            self.close()
            complaint = f"{self.path}: cannot be written: {error.strerror or error}"
            if sys.stderr is not None and complaint != self.complaint:
                with contextlib.suppress(OSError, ValueError):
                    print(complaint, file=sys.stderr)
            self.complaint = complaint

    def close(self) -> None:
        """Close the file; the next write opens it again."""
        if self.handle is not None:
            with contextlib.suppress(OSError):
                os.close(self.handle)
            self.handle = None

    def _open(self) -> None:
        self.path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        # O_BINARY: Windows would turn each newline into two characters.
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
        self.handle = os.open(self.path, flags, 0o640)
        status = os.fstat(self.handle)
        self.inode = status.st_ino
        self.expires = next_monday(status.st_mtime if status.st_size else time.time())

    def _rotate(self) -> None:
        """Rename the file of a past week, unless another process has done so, and open the new one."""
        week = self.expires
        with FileLock(self.path.with_name(f".{self.path.name}.lock")):
            with contextlib.suppress(FileNotFoundError):
                status = self.path.stat()
                if status.st_ino == self.inode and status.st_size:
                    # Windows does not rename what another process holds open: there the file goes on growing.
                    with contextlib.suppress(PermissionError):
                        self.path.rename(self._name_for(week))
                    self._remove_old()
            self.close()
            self._open()
        self.expires = max(self.expires, next_monday(time.time()))

    def _name_for(self, week_end: float) -> Path:
        """Return a free name for the file of the week that ended then."""
        # Half a day of slack: a week with a change of the clocks has an hour more or less.
        monday = time.strftime("%Y-%m-%d", time.localtime(week_end - 7 * DAY + DAY // 2))
        path, number = self.path.with_name(f"{self.path.name}.{monday}"), 1
        while path.exists():  # the clock was set back
            path, number = self.path.with_name(f"{self.path.name}.{monday}.{number}"), number + 1
        return path

    def _remove_old(self) -> None:
        for old in sorted(self.path.parent.glob(f"{self.path.name}.????-??-??*"))[: -self.kept]:
            with contextlib.suppress(OSError):
                old.unlink()


def next_monday(seconds: float) -> float:
    """Return when the week of a moment ends, local time; both in seconds since the epoch."""
    local = time.localtime(seconds)
    return time.mktime((local.tm_year, local.tm_mon, local.tm_mday + 7 - local.tm_wday, 0, 0, 0, 0, 0, -1))


class AppendHandler(logging.Handler):
    """A log handler on an `AppendFile`."""

    def __init__(self, filename: str, kept: int = KEPT):
        """Name the file. Relative names are relative to the current folder."""
        super().__init__()
        self.file = AppendFile(Path(filename).absolute(), kept)

    def emit(self, record: logging.LogRecord) -> None:
        """Append a record."""
        try:
            self.file.write(f"{self.format(record)}\n")
        except Exception:
            self.handleError(record)

    def write_lines(self, text: str) -> None:
        """Append lines that are formatted already."""
        with self.lock or contextlib.nullcontext():
            self.file.write(text)

    def close(self) -> None:
        """Close the file."""
        self.file.close()
        super().close()
