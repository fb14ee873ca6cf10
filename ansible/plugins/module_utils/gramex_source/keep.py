"""Keeps on the controller what was fetched, for one run at a time, and forgets what nobody used for long."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

NUMBER = 3
SECONDS = 86400  # another run may be reading what it found


@dataclass(frozen=True)
class Kept:
    """What was fetched from one place: `folder` has a folder for each version of it."""

    folder: Path

    @classmethod
    def of(cls, cache: Path, kind: str, source: str) -> Kept:
        """Return what is kept of a source; the folder's name does not tell what it is, it may have a password."""
        return cls(cache / kind / hashlib.sha256(source.encode(errors="surrogateescape")).hexdigest()[:16])

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Let no other process fetch meanwhile: plays for several hosts get here at the same time."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def use(self, version: str) -> None:
        """Note that a version is in use, and forget others."""
        os.utime(self.folder / version)
        known = [place for place in self.folder.iterdir() if place.is_dir() and place.suffix != ".git"]
        for place in sorted(known, key=lambda place: place.stat().st_mtime, reverse=True)[NUMBER:]:
            if time.time() - place.stat().st_mtime > SECONDS:
                with suppress(OSError):
                    shutil.rmtree(place)
