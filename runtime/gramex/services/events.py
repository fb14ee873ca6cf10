"""events.db: when the instances of an app started and stopped, and how they were called."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import time
from pathlib import Path

SECRET = re.compile(r"(?i)secret|passw|token|key|credential")


class Events:
    """The table ``events(time, event, data)`` in a SQLite file; time is milliseconds since the epoch, data JSON."""

    def __init__(self, path: Path, folder: Path, version: str, instance: str = ""):
        """Name the file and what is noted with each event."""
        self.path = path
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
        """Add an event. May wait a second for other processes; a file that cannot be written is left alone."""
        import sqlite3

        with contextlib.suppress(sqlite3.Error, OSError):
            self.path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            with contextlib.closing(sqlite3.connect(self.path, timeout=1)) as database, database:
                database.execute("CREATE TABLE IF NOT EXISTS events (time INTEGER, event TEXT, data TEXT)")
                row = (round(time.time() * 1000), event, self.data)
                database.execute("INSERT INTO events VALUES (?, ?, ?)", row)


def hide(argument: str) -> str:
    """Return an argument of the command line without the value of a secret."""
    name, equals, _ = argument.partition("=")
    return f"{name}=***" if equals and SECRET.search(name) else argument
