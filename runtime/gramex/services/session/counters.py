"""Counts that all processes of an app share: failed log ins by user name, requests by client."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from gramex.services.session.asking import Asking

if TYPE_CHECKING:
    import sqlite3

SCHEMA = """
CREATE TABLE IF NOT EXISTS counter (key BLOB PRIMARY KEY, count INTEGER NOT NULL, until REAL NOT NULL,
  forget REAL NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS counter_forget ON counter (forget)
"""
WRITES = 1000  # after so many, what is over is removed by a thread
MOST = 200_000  # rows; an attacker who invents names cannot fill the disk
REMOVE = (
    "DELETE FROM counter WHERE forget <= ? OR forget <= "
    "(SELECT forget FROM counter ORDER BY forget DESC LIMIT 1 OFFSET ?)"
)
DAY = 86400
SKEW = 5.0  # seconds by which clocks of machines that share counts may differ


class Count(NamedTuple):
    """A count, and the time in seconds since the epoch until which it holds."""

    number: int
    until: float


class Counters(Asking):
    """Named counts in an SQLite file. Names are kept as digests: people type passwords into the field for the user."""

    def __init__(self, file: Path):
        """Name the file; it is opened at the first use."""
        self.file = file
        self._lock = threading.Lock()
        self._opened: sqlite3.Connection | None = None
        self._writes = 0
        self._tidying: threading.Thread | None = None

    def get(self, kind: str, name: str) -> Count:
        """Return a count; zero if there is none."""
        with self._lock:
            return self._get(key_of_name(kind, name), time.time())

    def take_turn(self, kind: str, name: str, delays: Sequence[float]) -> float:
        """Count a try, unless the name is held up. Returns the seconds to wait; 0: it is counted, go on.

        The n-th try holds the name up for the n-th of `delays`, the last one repeats: so there is never more than one
        at a time, in all processes together. `clear` after a success; tries are forgotten a day after the last one.
        """
        wait = 0.0

        def next_count(old: Count, now: float) -> Count:
            nonlocal wait
            wait = 0.0
            if now < old.until <= now + max(delays) + SKEW:  # more than that: the clock was set back
                wait = old.until - now
                return old
            return Count(old.number + 1, now + delays[min(old.number, len(delays) - 1)])

        self._change(kind, name, next_count, DAY)
        return wait

    def hit(self, kind: str, name: str, period: float) -> Count:
        """Count one more within a period of seconds that begins with the first; its `until` is the period's end."""

        def next_count(old: Count, now: float) -> Count:
            held = now < old.until <= now + period + SKEW
            return Count(old.number + 1, old.until) if held else Count(1, now + period)

        return self._change(kind, name, next_count, period)

    def clear(self, kind: str, name: str) -> None:
        """Forget a count."""
        with self._lock:
            key = key_of_name(kind, name)
            if self._get(key, time.time()).number:
                self._connection.execute("DELETE FROM counter WHERE key = ?", (key,))

    def close(self) -> None:
        """Close the file. Counts stay."""
        if self._tidying is not None:
            self._tidying.join()
        with self._lock:
            if self._opened is not None:
                self._opened.close()
                self._opened = None

    @property
    def _connection(self) -> sqlite3.Connection:
        if self._opened is None:
            from gramex.services.session.database import open_database

            self._opened = open_database(self.file, SCHEMA)
        return self._opened

    def _get(self, key: bytes, now: float) -> Count:
        found = self._connection.execute("SELECT count, until, forget FROM counter WHERE key = ?", (key,)).fetchone()
        return Count(0, 0) if found is None or found[2] <= now else Count(found[0], found[1])

    def _change(self, kind: str, name: str, next_count: Callable[[Count, float], Count], keep: float) -> Count:
        key = key_of_name(kind, name)
        with self._lock:
            connection = self._connection
            connection.execute("BEGIN IMMEDIATE")
            try:
                now = time.time()  # after the wait for others, whose time would else be later than ours
                count = next_count(self._get(key, now), now)
                connection.execute(
                    "INSERT OR REPLACE INTO counter (key, count, until, forget) VALUES (?, ?, ?, ?)",
                    (key, count.number, count.until, max(now, count.until) + keep),
                )
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            self._writes += 1
            if self._writes >= WRITES:
                self._tidy()
        return count

    def _tidy(self) -> None:
        if self._tidying is not None and self._tidying.is_alive():
            return
        self._writes = 0
        from gramex.services.session.database import is_kept, maintain

        if is_kept(self._connection):
            arguments = (self.file, REMOVE, (time.time(), MOST))
            self._tidying = threading.Thread(target=maintain, args=arguments, name="counter-purge")
            self._tidying.start()


def key_of_name(kind: str, name: str) -> bytes:
    """Return what a name is kept under."""
    return hashlib.sha256(f"{kind}\0{name}".encode("utf-8", "surrogatepass")).digest()[:24]
