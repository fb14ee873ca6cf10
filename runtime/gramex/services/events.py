"""events.db: when the instances of an app started and stopped, and how they were called."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import threading
import time
from pathlib import Path

BUSY = 1.0  # seconds to wait for another process that is just writing
WAIT = 3.0  # seconds to wait for what is being noted
SECRET = re.compile(r"(?i)secret|passw|token|key|credential")


class Events:
    """The table ``events(time, event, data)`` in a SQLite file; time is milliseconds since the epoch, data JSON."""

    def __init__(self, path: Path, folder: Path, version: str, instance: str = ""):
        """Name the file and what is noted with each event."""
        self.path = path
        self._writing: threading.Thread | None = None
        self.data = json.dumps(
            {
                "version": version,
                "pid": os.getpid(),
                "args": [hide(argument) for argument in sys.argv],
                "cwd": str(folder),
                "instance": instance,
            }
        )

    def note(self, event: str) -> None:
        """Add an event, after those before. May wait a second for other processes.

        A file that cannot be written is left alone.
        """
        now = time.time()
        if self._writing is not None:
            self._writing.join(WAIT)
        self._write(event, now)

    def note_soon(self, event: str) -> None:
        """Add an event in a thread: the import of sqlite3 and the disk hold nobody up."""
        self._writing = threading.Thread(target=self._write, args=(event, time.time()), name="events", daemon=True)
        self._writing.start()

    def _write(self, event: str, at: float) -> None:
        import sqlite3

        with contextlib.suppress(sqlite3.Error, OSError):
            self.path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            with contextlib.closing(sqlite3.connect(self.path, timeout=BUSY)) as database, database:
                database.execute("CREATE TABLE IF NOT EXISTS events (time INTEGER, event TEXT, data TEXT)")
                row = (round(at * 1000), event, self.data)
                database.execute("INSERT INTO events VALUES (?, ?, ?)", row)


def hide(argument: str) -> str:
    """Return an argument of the command line without the value of a secret."""
    name, equals, _ = argument.partition("=")
    return f"{name}=***" if equals and SECRET.search(name) else argument
