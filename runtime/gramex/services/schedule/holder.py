"""Decides which of the processes of an app runs its tasks, and hands over to the next one."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import time
from collections.abc import Mapping
from pathlib import Path

from gramex.services.lock import FileLock

app_log = logging.getLogger("gramex")

FRESH = 120.0  # seconds that a note counts: longer ago is a stop, not a hand-over


def lock_name(data: Path, folder: Path) -> str:
    """Return the name of the lock for an app. All apps of a user share the data folder that nobody chose."""
    from gramex.config.table import data_folder

    shared = data == data_folder(folder)
    return f"schedule-{hashlib.sha256(str(folder).encode()).hexdigest()[:12]}" if shared else "schedule"


class Holder:
    """The lock ``NAME.lock``, and the note ``NAME.json`` in which its last holder said how far it got."""

    def __init__(self, folder: Path | None, name: str):
        """Name the files; without a folder, there is one process and no lock."""
        self.lock = FileLock(folder / f"{name}.lock") if folder else None
        self.note = folder / f"{name}.json" if folder else None
        self.held = False

    def acquire(self) -> bool:
        """Take the lock; False if another process has it. Where there can be no locks, that is logged, and true."""
        if self.lock is not None and not self.held:
            try:
                self.held = self.lock.acquire(wait=False)
            except OSError as error:
                app_log.warning("%s: cannot be locked: %s. Each process runs the schedule", self.lock.path, error)
                self.lock = self.note = None
        self.held = self.held or self.lock is None
        return self.held

    def read_note(self) -> tuple[float, dict[str, float]]:
        """Return since when nobody ran tasks, and when those with a period were due; both in seconds of the epoch.

        The note is used once: later it would be about times that have been.
        """
        now = time.time()
        due: dict[str, float] = {}
        if self.note is None:
            return now, due
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError, KeyError):
            content = json.loads(self.note.read_text(encoding="utf-8"))
            self.note.unlink()
            since = float(content["time"])
            if now - FRESH < since <= now:
                due = {str(name): float(moment) for name, moment in content["due"].items()}
                return since, due
        return now, due

    def release(self, due: Mapping[str, float]) -> None:
        """Let go. `due` is when tasks with a period would run next."""
        if not self.held:
            return
        self.held = False
        if self.note is not None and self.lock is not None:
            draft = self.note.with_name(f"{self.note.name}.{os.getpid()}")
            with contextlib.suppress(OSError):
                draft.write_text(json.dumps({"time": time.time(), "due": dict(due)}), encoding="utf-8")
                draft.replace(self.note)
            self.lock.release()
